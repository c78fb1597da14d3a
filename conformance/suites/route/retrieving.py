"""`route/retrieve/<call>/counts/…`, `…/at-once`: what a provider tells meanwhile, and several.

A provider sends pending responses with the numbers of sub-operations that remain, were completed,
have failed or ended with a warning. They may be consistent, wrong, or missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

from conformance.driver.context import Context
from conformance.peer.came import Counts
from conformance.suites.case import Case, Check
from conformance.suites.needs import DICOM, EXCLUSIVE, REMOVAL
from conformance.suites.route import judge
from conformance.suites.route.calls import Call
from conformance.suites.route.calls.retrieves import TARGET, found, retrieve
from conformance.suites.route.calls.sending import SENT
from conformance.suites.route.outcomes import answered, of_call, submit
from conformance.suites.route.samples import sample_of_files
from conformance.suites.route.sending import step_number
from conformance.sut.profile import Profile
from spec.relaxations import Shortfall
from spec.table import State

ONE, ALL, GET = "retrieve/first-answer", "retrieve/studies", "retrieve/get"
STORES, OVER_DICOM = "route/get-stores", "DicomProtocol"
COUNTED, PROGRESS, AT_ONCE = (
    "route/retrieve-progress",
    "monitor/progress",
    "submit/asynchronous-returns",
)
# What is told of it, with the Progress that it is worth: completed, failed, with a warning.
CONSISTENT = (
    (Counts(3, 1, 0, 0), 25),
    (Counts(2, 1, 1, 0), 50),
    (Counts(1, 1, 1, 1), 75),
    (Counts(0, 2, 1, 1), 100),
)
ODD: Mapping[str, tuple[Counts, ...]] = {
    "missing": (Counts(), Counts()),
    "wrong": (Counts(0, 0, 0, 0), Counts(1000, 2000, 3000, 4000)),
}
BY_GET = {"RetrieveMethod": "C-GET"}
ELSEWHERE = "KIT-TARGET"  # a title; one that begins with digits might be read as a number
WAITING = 2  # synchronous retrieves under way


def cases(_: Profile, calls: list[Call]) -> Iterator[Case]:
    for call in calls:
        for case in _cases(call):
            yield replace(case, needs=(*case.needs, *of_call(call)))
    for name, which in {"text": "", "text-of-one": f"/answers/{SENT - 1}"}.items():
        check = partial(to_named, which)
        yield Check(f"route/retrieve/body/{name}", TARGET, check=check, needs=(REMOVAL, DICOM))


def _cases(call: Call) -> Iterator[Case]:
    name = f"route/{call.name}"
    if call.name == ONE:
        yield Check(f"{name}/counts/consistent", COUNTED, check=partial(follows, call))
        for how, told in ODD.items():
            yield Check(f"{name}/counts/{how}", PROGRESS, check=partial(stands, call, told))
    if call.name == ALL:
        check = partial(at_once, call)
        yield Check(f"{name}/at-once", AT_ONCE, check=check, needs=(EXCLUSIVE,), leaves=WAITING + 1)
    if call.name == GET:
        yield Check(f"{name}/stores", STORES, check=partial(stores, call), needs=(REMOVAL,))
        of_one = replace(call, make=retrieve("answers/0/retrieve", [0], BY_GET, target=None))
        yield Check(f"{name}/counts/consistent", COUNTED, check=partial(follows, of_one))


def follows(call: Call, context: Context) -> None:
    """Progress of a job of one match is the share of its sub-operations that are behind it."""
    id, _ = submit(context, call)
    hold = step_number(context, call, 1)
    for counts, worth in CONSISTENT:
        hold.came.tell(counts)
        context.until(
            lambda worth=worth: context.job(id)["Progress"] == worth,  # type: ignore[misc]
            COUNTED,
            f"Progress {worth}, as of {counts}",
            lambda: f"Progress {context.job(id)['Progress']}",
        )
    _ends(call, context, id)


def stands(call: Call, told: tuple[Counts, ...], context: Context) -> None:
    """Counts of which nothing can be made do no harm."""
    id, _ = submit(context, call)
    hold = step_number(context, call, 1)
    last = 0

    def rises() -> bool:
        nonlocal last
        before, last = last, int(context.job(id)["Progress"])
        return before <= last <= 100

    for counts in told:
        hold.came.tell(counts)
        expected = "a Progress up to 100 that does not fall"
        context.stays(rises, PROGRESS, expected, actual=lambda: f"Progress {last}")
    _ends(call, context, id)


def _ends(call: Call, context: Context, id: str) -> None:
    judge.await_end(context, call.requirement, id)
    shown = judge.look(context, call, id)
    judge.is_in(context, call.requirement, shown, State.SUCCESS)
    progress = shown.get("Progress")
    known = Shortfall.RETRIEVE_SUCCEEDS_BELOW_100
    context.require(PROGRESS, progress == 100, "Progress 100", f"Progress {progress}", known)


def at_once(call: Call, context: Context) -> None:
    """An asynchronous retrieve is answered at once, though others of the query are under way."""
    job, path = found(context)
    body = {"TargetAet": context.resources.gate.title, "Priority": context.resources.priority}
    waiting = []
    for _ in range(WAITING):
        waiting.append(context.call("POST", f"{path}/retrieve", {**body, "Synchronous": True}))
        context.until(
            lambda: bool(job.holds),
            call.requirement,
            "a C-MOVE of the first retrieve",
            lambda: "no step has arrived",
        )
    last = context.call(
        "POST", f"{path}/answers/{SENT - 1}/retrieve", {**body, "Asynchronous": True}
    )
    answers = last.ended(context.deadline)
    known = Shortfall.RETRIEVE_WAITS_FOR_OTHERS
    expected = "an answer, though other jobs retrieve of the query"
    context.require(AT_ONCE, answers, expected, "no answer while they run", known)
    for one in (*waiting, last):
        reply = answered(context, one, call.requirement)
        context.require(call.requirement, reply.ok, "HTTP 200", reply)
    for id in context.made(job.name):
        context.other(id)
        judge.await_end(context, call.requirement, id)


def stores(call: Call, context: Context) -> None:
    """What a C-GET brings is there afterwards, as one that has come over DICOM."""
    id, _ = submit(context, call)
    slot = list(context.driver.prepared.values())[-1].slot
    made, files = sample_of_files(context)
    (instance,) = made.instances
    context.resources.dicom.brings[slot.number] = files[instance]
    _ends(call, context, id)
    reply = context.get(f"/instances/{instance}/metadata/Origin")
    right = reply.ok and reply.body.decode("utf-8", "replace").strip() == OVER_DICOM
    context.require(STORES, right, f"the instance, of Origin {OVER_DICOM}", reply)


def to_named(which: str, context: Context) -> None:
    """The body may be the title itself to which the matches are to be sent."""
    job, path = found(context)
    under_way = context.call("POST", f"{path}{which}/retrieve", ELSEWHERE.encode())
    reply = answered(context, under_way, TARGET)
    context.require(TARGET, reply.ok, "HTTP 200 with the result", reply)
    for id in context.made(job.name):
        context.other(id)
    steps = sorted((hold.step, hold.target) for hold in job.holds)
    expected = [(step, ELSEWHERE) for step in range(SENT - 1 if which else 0, SENT)]
    context.equal(TARGET, "matches and where they go", expected, steps)
