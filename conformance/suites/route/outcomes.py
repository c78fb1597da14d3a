"""`route/<call>/asynchronous`, `…/synchronous` and what follows: what a call and its job come to.

The jobs of a run bear a Priority that no other job on the server has: so the job of a
synchronous call, whose answer does not name it, is told from those of others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from conformance.driver.script import Via, complete
from conformance.driver.script import submit as peer_store
from conformance.errors import Unjudged
from conformance.suites.case import Case, Check, Checking, blocker_names
from conformance.suites.needs import (
    ACCELERATOR,
    DICOM,
    EXCLUSIVE,
    EXPENDABLE,
    MANAGED,
    REMOVAL,
    Needed,
    of_a_call,
    without,
)
from conformance.suites.route import judge
from conformance.suites.route.calls import Call, Request
from conformance.suites.route.calls.archives import LIST, check_archive, has_sizes
from conformance.suites.route.calls.modalities import CONVERTED
from conformance.suites.route.succeeding import gives_the_result, has_output, has_succeeded
from conformance.suites.submit.calls import ASYNCHRONOUS, SYNCHRONOUS, Mode
from conformance.sut.profile import INGEST_TRANSCODING, Profile
from conformance.sut.reply import Reply
from conformance.timing import TIMING
from spec.table import State
from spec.types import PULL, PUSH, row

if TYPE_CHECKING:
    from conformance.driver.context import Context
    from conformance.driver.requiring import Call as Open

DEFAULT = ("archive/study", "media/study", "modify/study", "anonymize/study", "split/series",
           "merge/study", "modify/several", "anonymize/several", "store/instances",
           "retrieve/studies", "retrieve/get", "peer-store/instances")  # fmt: skip
# Other calls that make such jobs: they wait by default as well.
BY_DEFAULT = ("retrieve/first-answer", "move/studies", "get/study", "media/several",
              "archive/several")  # fmt: skip
SENDING = ("peer-store/instances", "store/instances", "retrieve/studies", "retrieve/get")
FAILING = ("modify/study", "anonymize/study", "split/series", "merge/study", *SENDING,
           "peer-store/compressed", "move/studies")  # fmt: skip
# What is seen of each job, where a case of its own stands for it.
ABOUT = {
    "archive/patient": "route/content",
    "archive/series": "route/archive-output",
    "media/patient": "route/type",
    "media/series": "route/media-index",
    "modify/source-removed": "route/result",
    "anonymize/source-removed": "route/result",
    "split/source-kept": "route/result",
    "split/several": "route/result",
    "merge/source-kept": "route/result",
    "peer-store/repeated": "step/repeated-instance",
    "peer-store/instances": "route/peer-size",
    "store/instances": "route/local-aet",
    "store/repeated": "route/resources-listed",
    "retrieve/studies": "route/query-shown",
    "retrieve/to-itself": "route/target-shown",
    "retrieve/get": "option/get-classes",
    "peer-store/nothing": "step/empty",
    "store/nothing": "step/empty",
}
# The same once more, for what is seen of every job of a kind.
ALSO = {
    "archive/study": {
        "layout": "route/archive-layout",
        "file-names": "route/archive-file-name",
        "size": "route/archive-size",
        "served": "route/archive-served",
    },
    "modify/study": {
        "made-from": "route/made-from",
        "origin": "route/origin",
        "parent-resources": "route/parent-resources",
    },
    "merge/study": {"merged-tags": "route/merged-tags"},
}
PLAIN = ("archive/several", "media/several")
TRANSFERS = (PUSH, PULL)
DESCRIPTION = "REST API"  # of a job that a call has made
# What is stored in a transfer syntax that the call asks for, unless it is transcoded once more.
STORED_AS_ASKED = tuple(
    f"{action}/{name}transcoded" for action in ("modify", "anonymize") for name in ("", "several-")
)
ARCHIVE, NO_OUTPUT = "archive", "no-such-output"  # of a job that makes one, and of no job
NONE_TO_DELETE = "history/delete-archive"


def cases(_: Profile, calls: list[Call]) -> Iterator[Case]:
    for call in calls:
        for case in _cases(call):
            yield replace(case, needs=(*case.needs, *of_call(call)))


def of_call(call: Call) -> Iterator[Needed]:
    """What the call takes of a server: it leaves a job, which a server in use has to be rid of."""
    yield REMOVAL
    if call.type in TRANSFERS:
        yield from ACCELERATOR
    if call.empty:
        yield EXPENDABLE
    if call.sends is Via.MODALITY:
        yield DICOM
    if call.requirement == CONVERTED:  # somebody's server may have TranscodeDicomProtocol off
        yield MANAGED
    if call.needs is not None:
        yield of_a_call(call.needs)
    if call.name in STORED_AS_ASKED:
        yield without(INGEST_TRANSCODING)


def _cases(call: Call) -> Iterator[Case]:
    name = f"route/{call.name}"
    holds = (EXCLUSIVE,)
    about = ABOUT.get(call.name, call.requirement)
    yield Check(f"{name}/asynchronous", about, check=asynchronous(call))
    if row(call.type).waited:
        yield Check(f"{name}/synchronous", call.requirement, check=synchronous(call))
    if call.name in PLAIN:  # its job has no Priority of ours: it goes with its server
        yield Check(f"{name}/plain-list", LIST, check=plain_list(call), needs=(EXPENDABLE,))
    for suffix, needed in ALSO.get(call.name, {}).items():
        yield Check(f"{name}/{suffix}", needed, check=asynchronous(call))
    if call.name in (*DEFAULT, *BY_DEFAULT):
        needed = "submit/synchronous-default"
        yield Check(f"{name}/default-synchronous", needed, check=synchronous(call, {}, needed))
    if call.name in DEFAULT:
        needed = "submit/both-fields"
        yield Check(f"{name}/both-fields", needed, check=both_fields(call))
        needed = "submit/synchronous-waits"
        yield Check(f"{name}/waits", needed, check=waits(call), needs=holds)
        needed = "submit/priority-default"  # without ours, a job goes with its server
        check = default_priority(call)
        yield Check(f"{name}/default-priority", needed, check=check, needs=(EXPENDABLE,))
    if call.name in FAILING:
        needed = "monitor/state-failure"
        yield Check(f"{name}/fails/asynchronous", needed, check=fails(call), needs=holds)
        needed = "submit/synchronous-failure"
        yield Check(f"{name}/fails/synchronous", needed, check=fails_open(call), needs=holds)


# --- submitting --------------------------------------------------------------------------------


def submit(
    context: Context, call: Call, mode: Mode = ASYNCHRONOUS, requirement: str | None = None
) -> tuple[str, Request]:
    """Make a job by an asynchronous call, and see that its answer is a handle."""
    if call.start is not None:
        return call.start(context)
    request = call.make(context)
    body = {**request.body, **mode, "Priority": context.resources.priority}
    reply = context.post(request.path, body)
    needed = requirement or call.requirement
    made = context.driver.answers.handle(reply, needed)
    context.other(made.id)
    named = isinstance(made.path, str) and made.path.startswith("/jobs/")
    context.require(needed, named, "HTTP 200 with the ID and the Path of a job", reply)
    context.driver.answers.path(made)
    return made.id, request


def own_jobs(context: Context) -> dict[str, dict[str, Any]]:
    """The jobs that bear the run's Priority, by their ids."""
    found = context.driver.answers.jobs().items()
    return {id: one for id, one in found if one["Priority"] == context.resources.priority}


def new_job(context: Context, call: Call, before: set[str]) -> str:
    """The one job that a call has made which did not say so."""
    found = [id for id in own_jobs(context) if id not in before]
    for id in found:
        context.other(id)
    expected = "one job of it in the list of jobs"
    context.require(call.requirement, len(found) == 1, expected, f"{len(found)} jobs")
    return found[0]


def hold(context: Context, letter: str) -> list[str]:
    """Jobs that hold every worker, until `let_go`."""
    names = [f"{letter}{name[1:]}" for name in blocker_names(context.profile)]
    context.do(*(peer_store(name) for name in names))
    return names


def let_go(context: Context, names: list[str]) -> None:
    context.do(*(complete(name) for name in names))


def remove(context: Context, *paths: str) -> None:
    """Remove what a job works on, or a part of it."""
    for path in paths:
        reply = context.ask("DELETE", path)
        if not reply.ok:
            raise Unjudged(f"the server does not remove {path}: {reply}")


# --- the checks --------------------------------------------------------------------------------


def asynchronous(call: Call) -> Checking:
    """An asynchronous call gives a job of the right Type that does what was asked."""

    def run(context: Context) -> None:
        id, request = submit(context, call)
        judge.await_end(context, call.requirement, id)
        has_succeeded(context, call, request, id)
        has_output(context, call, request, id)
        said = judge.look(context, call, id)["Content"].get("Description", DESCRIPTION)
        context.equal("route/content", "Description", DESCRIPTION, said)
        name = NO_OUTPUT if call.archives else ARCHIVE
        other = context.get(f"/jobs/{id}/{name}").status
        context.equal("route/archive-output", f"HTTP status of its {name}", 404, other)
        if context.binds(NONE_TO_DELETE):
            gone = context.ask("DELETE", f"/jobs/{id}/{name}").status
            context.equal(NONE_TO_DELETE, f"HTTP status of DELETE of its {name}", 404, gone)

    return run


def synchronous(call: Call, mode: Mode = SYNCHRONOUS, requirement: str | None = None) -> Checking:
    """A synchronous call gives the result, and leaves the job that it ran as."""

    def run(context: Context) -> None:
        request = call.make(context)
        before = set(own_jobs(context))
        body = {**request.body, **mode, "Priority": context.resources.priority}
        needed = requirement or call.requirement
        if call.sends is None:
            reply = context.post(request.path, body)
        else:
            under_way = context.call("POST", request.path, body)
            reply = answered(context, under_way, needed)
        context.require(needed, reply.ok, "HTTP 200 with the result", reply)
        gives_the_result(context, call, request, reply, needed)
        judge.await_end(context, call.requirement, id := new_job(context, call, before))
        has_succeeded(context, call, request, id)
        if call.archives and not call.empty:
            has_sizes(context, request, judge.look(context, call, id), reply.body)

    return run


def default_priority(call: Call) -> Checking:
    """Without a Priority in the body of the call, its job has Priority 0."""
    needed = "submit/priority-default"

    def run(context: Context) -> None:
        request = call.make(context)
        reply = context.post(request.path, {**request.body, **ASYNCHRONOUS})
        id = context.driver.answers.handle(reply, needed).id
        context.other(id)
        context.equal(needed, "Priority", 0, context.job(id)["Priority"])
        judge.await_end(context, call.requirement, id)

    return run


def plain_list(call: Call) -> Checking:
    """The body may be the array of resources itself."""

    def run(context: Context) -> None:
        request = call.make(context)
        reply = context.post(request.path, request.body["Resources"])
        context.require(LIST, reply.ok, "HTTP 200 with the archive", reply)
        check_archive(context, request, call.type, reply.body)

    return run


def both_fields(call: Call) -> Checking:
    """Where a call names both modes, Synchronous counts: for every call that makes a job."""
    needed = "submit/both-fields"
    waits = synchronous(call, {"Synchronous": True, "Asynchronous": True}, needed)

    def run(context: Context) -> None:
        waits(context)
        id, _ = submit(context, call, {"Synchronous": False, "Asynchronous": False}, needed)
        judge.await_end(context, call.requirement, id)

    return run


def answered(context: Context, call: Open, requirement: str, answer: int = judge.TAKEN) -> Reply:
    """The answer of a call whose job has all that it needs."""
    ends(context, call, requirement, answer)
    return context.answered(call, requirement, "an answer")


def ends(context: Context, call: Open, requirement: str, answer: int = judge.TAKEN) -> None:
    """Wait until a call has ended whose job can end; its steps are answered meanwhile."""

    def has_ended() -> bool:
        judge.pump(context, answer)
        return call.ended()

    context.until(has_ended, requirement, "an answer, since the job can end", lambda: "no answer")


def waits(call: Call) -> Checking:
    """A synchronous call stays open while its job waits, and answers when it has ended."""

    def run(context: Context) -> None:
        request = call.make(context)
        before = set(own_jobs(context))
        held = hold(context, "X")
        body = {**request.body, "Synchronous": True, "Priority": context.resources.priority}
        under_way = context.call("POST", request.path, body)
        id = appears(context, call, before)
        shown = judge.look(context, call, id)
        judge.is_in(context, "queue/pending-first", shown, State.PENDING)
        needed = "submit/synchronous-waits"
        expected = "no answer while the job waits"
        context.stays(
            lambda: not under_way.ended(), needed, expected, TIMING.call_waits, under_way.answer
        )
        let_go(context, held)
        reply = answered(context, under_way, needed)
        context.require(needed, reply.ok, "HTTP 200 with the result", reply)
        gives_the_result(context, call, request, reply, needed)

    return run


def fails(call: Call) -> Checking:
    """A job that cannot do its work ends in Failure, with the ErrorCode of what went wrong."""

    def run(context: Context) -> None:
        held = [] if call.sends else hold(context, "X")
        id, request = submit(context, call)
        remove(context, *request.remove)
        let_go(context, held)
        judge.await_end(context, call.requirement, id, judge.REFUSED)
        shown = judge.look(context, call, id)
        judge.has_failed(context, shown, network=call.sends is not None)
        if call.sends is not None and shown["State"] == State.FAILURE:
            code = row(call.type).code
            context.equal("monitor/error-code-step", "ErrorCode", code, shown["ErrorCode"])

    return run


def fails_open(call: Call) -> Checking:
    """The synchronous call of a job that fails answers an HTTP error with its ErrorCode."""

    def run(context: Context) -> None:
        request = call.make(context)
        before = set(own_jobs(context))
        held = [] if call.sends else hold(context, "X")
        body = {**request.body, "Synchronous": True, "Priority": context.resources.priority}
        under_way = context.call("POST", request.path, body)
        id = appears(context, call, before)
        remove(context, *request.remove)
        let_go(context, held)
        needed = "submit/synchronous-failure"
        reply = answered(context, under_way, needed, judge.REFUSED)
        judge.await_end(context, call.requirement, id)
        shown = judge.look(context, call, id)
        judge.has_failed(context, shown, network=call.sends is not None)
        if shown["State"] != State.FAILURE:  # by a shortfall
            return
        says_why(context, needed, reply, shown["ErrorCode"])

    return run


def says_why(context: Context, needed: str, reply: Reply, code: int) -> None:
    """A call whose job has failed is answered an HTTP error with the ErrorCode of the job."""
    if reply.status >= 400:
        context.see_described(reply)
    error = reply.json()
    told = reply.status >= 400 and isinstance(error, dict) and error.get("OrthancStatus") == code
    context.require(needed, told, f"an HTTP error with OrthancStatus {code}", reply)


def appears(context: Context, call: Call, before: set[str]) -> str:
    """The job of a call that is not answered yet; ``before``: the run's jobs before it."""
    context.until(
        lambda: bool(set(own_jobs(context)) - before),
        call.requirement,
        "a job of the call in the list of jobs",
        lambda: "no such job is listed",
    )
    return new_job(context, call, before)


__all__ = ["asynchronous", "cases", "hold", "let_go", "remove", "submit"]
