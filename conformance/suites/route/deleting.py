"""`route/<call>/output-deleted`, `…/job-deleted`, `route/delete/…`: DELETE of jobs and outputs."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.driver.context import Context
from conformance.driver.script import act, complete, read
from conformance.driver.script import submit as store
from conformance.suites.case import Case, Check, Checking
from conformance.suites.needs import DICOM, EXCLUSIVE, REMOVAL, documented
from conformance.suites.route import judge
from conformance.suites.route.calls import Call
from conformance.suites.route.calls.archives import check_archive
from conformance.suites.route.calls.transfers import NAMES
from conformance.suites.route.outcomes import (
    ARCHIVE,
    NO_OUTPUT,
    hold,
    let_go,
    of_call,
    own_jobs,
    submit,
)
from conformance.suites.route.outputs import output
from conformance.sut.profile import Profile
from conformance.sut.reply import Reply
from spec.table import UNKNOWN, Action, State, cell

ARCHIVES = ("archive/study", "media/study")
TYPES = (
    *ARCHIVES, "modify/study", "split/series", "merge/study", "store/instances",
    "retrieve/studies", "retrieve/get", "storage-commitment/each", *NAMES.values(),
)  # fmt: skip
OUTPUT, JOB = "history/delete-archive", "history/delete-job"
NOBODY = "00000000-0000-4000-8000-000000000000"
ABSENT = 404


def cases(_: Profile, calls: list[Call]) -> Iterator[Case]:
    for call in calls:
        name = f"route/{call.name}"
        if call.name in ARCHIVES:
            since = (documented(OUTPUT), *of_call(call))
            yield Check(f"{name}/output-deleted", OUTPUT, check=output_deleted(call), needs=since)
        if call.name in TYPES:
            since = (documented(JOB), *of_call(call))
            since += (DICOM,) if call.start is not None else ()
            yield Check(f"{name}/job-deleted", JOB, check=job_deleted(call), needs=since)
    yield Check(
        "route/delete/unknown-output", OUTPUT, check=no_such_output, leaves=0, needs=(REMOVAL,)
    )
    yield Check("route/delete/unknown-job", JOB, check=no_such_job, leaves=0, needs=(REMOVAL,))
    yield Check("route/delete/unfinished", JOB, check=unfinished, needs=(EXCLUSIVE, REMOVAL))


def output_deleted(call: Call) -> Checking:
    """DELETE of the archive of a job removes the archive, and leaves the job."""

    def run(context: Context) -> None:
        id = _with_archive(context, call)
        needed = "history/delete-archive"
        other = context.ask("DELETE", f"/jobs/{id}/{NO_OUTPUT}").status
        context.equal(needed, f"HTTP status of DELETE of its {NO_OUTPUT}", ABSENT, other)
        kept = output(context, id, ARCHIVE)
        context.require(needed, kept.ok, "HTTP 200 with the archive, which is still there", kept)
        reply = output(context, id, ARCHIVE, "DELETE")
        context.require(needed, reply.ok, "HTTP 200", reply)
        again = context.ask("DELETE", f"/jobs/{id}/archive").status
        context.equal(needed, "HTTP status of another DELETE", ABSENT, again)
        context.equal(
            needed, "HTTP status of the archive", 404, context.get(f"/jobs/{id}/archive").status
        )
        judge.is_in(context, needed, judge.look(context, call, id), State.SUCCESS)

    return run


def job_deleted(call: Call) -> Checking:
    """DELETE of a completed job removes it from every list, and its archive with it."""

    def run(context: Context) -> None:
        id = _with_archive(context, call) if call.archives else _ended(context, call)
        needed = "history/delete-job"
        reply = context.ask("DELETE", f"/jobs/{id}")
        context.require(needed, reply.ok, "HTTP 200", reply)
        for path in (f"/jobs/{id}", f"/jobs/{id}/archive", f"/jobs/{id}/{Action.CANCEL}"):
            refused = cell(UNKNOWN, Action.CANCEL).status
            method, status = ("POST", refused) if path.endswith(Action.CANCEL) else ("GET", 404)
            found = context.ask(method, path)
            context.equal(needed, f"HTTP status of {method} {path}", status, found.status)
        listed = [*context.jobs(), *own_jobs(context)]
        context.require(needed, id not in listed, "a list without the job", "it is still listed")

    return run


def _ended(context: Context, call: Call) -> str:
    id, _ = submit(context, call)
    judge.await_end(context, call.requirement, id)
    return id


def _with_archive(context: Context, call: Call) -> str:
    id, request = submit(context, call)
    judge.await_end(context, call.requirement, id)
    reply = output(context, id, ARCHIVE)
    context.require("route/archive-output", reply.ok, "HTTP 200 with the archive", reply)
    check_archive(context, request, call.type, reply.body)
    return id


def no_such_output(context: Context) -> None:
    """DELETE of an output that there is not is answered 404, with what is wrong."""
    reply = context.ask("DELETE", f"/jobs/{NOBODY}/archive")
    _is_told(context, OUTPUT, reply)


def no_such_job(context: Context) -> None:
    """DELETE of a job that there is not is answered 404, with what is wrong."""
    reply = context.ask("DELETE", f"/jobs/{NOBODY}")
    _is_told(context, JOB, reply)


def _is_told(context: Context, needed: str, reply: Reply) -> None:
    context.equal(needed, "HTTP status", ABSENT, reply.status)
    context.see_described(reply)
    said = reply.json()
    told = isinstance(said, dict) and said.get("HttpStatus") == ABSENT
    context.require(needed, told, f"an error with HttpStatus {ABSENT}", said)


def unfinished(context: Context) -> None:
    """DELETE takes completed jobs only: one that waits, runs or is paused stays as it is."""
    held = hold(context, "X")
    context.do(store("W", settle=False), store("P", settle=False), act(Action.PAUSE, "P"))
    for name, state in ((held[0], State.RUNNING), ("W", State.PENDING), ("P", State.PAUSED)):
        id = context.driver.jobs[name].id
        reply = context.ask("DELETE", f"/jobs/{id}")
        context.equal(JOB, f"HTTP status of DELETE of a {state} job", ABSENT, reply.status)
        judge.is_in(context, JOB, context.job(name), state)
    let_go(context, held)
    context.do(complete("W"), act(Action.CANCEL, "P"), read("P"))
