"""`route/<call>/released/…`, `…/timeout`, `…/body/…`: what a peer or a modality sees.

Whether an association ends with its job, how long a modality may take, what of a failure is told,
what forms the body of a call may have, and what becomes of a storage commitment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any

from conformance.driver.context import Context
from conformance.driver.script import Via
from conformance.suites.case import Case, Check, Checking
from conformance.suites.needs import DICOM, REMOVAL
from conformance.suites.route import judge
from conformance.suites.route.calls import Call
from conformance.suites.route.calls.modalities import CLOSED, TRANSACTION, is_last_commitment
from conformance.suites.route.calls.retrieves import retrieve
from conformance.suites.route.calls.sending import SENT, Way, has_arrived, new_name, register, send
from conformance.suites.route.outcomes import answered, of_call, submit
from conformance.suites.route.sending import step_number, with_body
from conformance.suites.route.succeeding import has_succeeded
from conformance.sut.profile import Profile
from spec.table import Action, ErrorCode, State

STORE, RETRIEVE, COMMITMENT = "store/instances", "retrieve/studies", "store/commitment"
RELEASED, DETAILS, FORMS = (
    "route/association-released", "route/failure-details", "option/store-body",
)  # fmt: skip
STRAIGHT, QUERY_TIMEOUT = "move/studies", "option/query-timeout"
TIMEOUTS = {STORE: "option/store-timeout", RETRIEVE: "option/retrieve-timeout"}
BODIES = ("text", "bare", "list")
ENDS = (State.SUCCESS, State.FAILURE, State.PAUSED)


def cases(_: Profile, calls: list[Call]) -> Iterator[Case]:
    for call in calls:
        for case in _cases(call):
            yield replace(case, needs=tuple(of_call(call)))
    for via in Via:
        needs = (REMOVAL, *((DICOM,) if via is Via.MODALITY else ()))
        for form in BODIES:
            name = f"route/{Way.of(via)}/body/{form}"
            yield Check(name, FORMS, check=partial(sends_body, via, form), needs=needs)


def _cases(call: Call) -> Iterator[Case]:
    name = f"route/{call.name}"
    if call.name in TIMEOUTS:
        for end in ENDS:
            case_id = f"{name}/released/{end.lower()}"
            yield Check(case_id, RELEASED, check=released(call, end))
        yield Check(f"{name}/timeout", TIMEOUTS[call.name], check=times_out(call))
    if call.name == STRAIGHT:
        yield Check(f"{name}/timeout", TIMEOUTS[RETRIEVE], check=times_out(call))
    if call.name == RETRIEVE:
        asked = replace(call, make=retrieve(query={"Timeout": 1}))
        check = times_out(asked, QUERY_TIMEOUT, {})
        yield Check(f"{name}/query-timeout", QUERY_TIMEOUT, check=check)
    if call.name == STORE:
        yield Check(f"{name}/unreachable", DETAILS, check=unreachable(call))
    if call.name == COMMITMENT:
        yield Check(f"{name}/again", call.requirement, check=commits_again(call))
        yield Check(f"{name}/paused", call.requirement, check=commits_after_a_pause(call))


def released(call: Call, end: State) -> Checking:
    """When its job does not run any more, nobody calls the modality any more."""

    def run(context: Context) -> None:
        id, request = submit(context, call)
        (job,) = context.driver.prepared.values()
        first = step_number(context, call, 1)
        if end is State.PAUSED:
            judge.ask(context, call, id, State.RUNNING, Action.PAUSE)
        first.reply(judge.REFUSED if end is State.FAILURE else judge.TAKEN)
        if end is State.SUCCESS:
            judge.await_end(context, call.requirement, id)
        context.until(
            lambda: context.job(id)["State"] == end,
            call.requirement,
            f"a job in {end}",
            lambda: context.job(id)["State"],
        )
        callers = context.resources.dicom.callers
        context.until(
            lambda: callers(job.slot.number) == 0,
            RELEASED,
            f"no association of a job in {end}",
            lambda: f"{callers(job.slot.number)} associations",
        )
        if end is State.PAUSED:
            judge.resume(context, call, id)
            judge.await_end(context, call.requirement, id)
            has_succeeded(context, call, request, id)

    return run


SHORT: Mapping[str, Any] = MappingProxyType({"Timeout": 1})  # in seconds


def times_out(call: Call, needed: str | None = None, body: Mapping[str, Any] = SHORT) -> Checking:
    """A modality that has not answered after the Timeout of the call, in seconds, fails the job."""

    def run(context: Context) -> None:
        id, _ = submit(context, with_body(call, body))
        step_number(context, call, 1)
        has_timed_out(context, call, id, needed or TIMEOUTS.get(call.name, TIMEOUTS[RETRIEVE]))

    return run


def has_timed_out(context: Context, call: Call, id: str, needed: str) -> None:
    """The job ends in Failure, though nobody has answered its step."""
    context.until(
        lambda: context.job(id)["State"] == State.FAILURE,
        needed,
        f"{State.FAILURE}, since the modality does not answer",
        lambda: context.job(id)["State"],
    )
    shown = judge.look(context, call, id)
    judge.has_failed(context, shown, network=True)
    code = int(ErrorCode.NETWORK_PROTOCOL)
    context.equal(needed, "ErrorCode", code, shown.get("ErrorCode"))


def unreachable(call: Call) -> Checking:
    """Where nobody listens the job fails, and tells of whom it could not reach."""

    to_nobody = send(
        Via.MODALITY, arrange=lambda context, slot: register(context, slot, Port=CLOSED)
    )

    def run(context: Context) -> None:
        id, _ = submit(context, replace(call, make=to_nobody))
        judge.await_end(context, call.requirement, id)
        shown = judge.look(context, call, id)
        judge.has_failed(context, shown, network=True)
        said = shown.get("ErrorDetails")
        right = isinstance(said, str) and bool(said)
        context.require(DETAILS, right, "ErrorDetails of what went wrong", said)
        request = to_nobody(context)
        body = {**request.body, "Synchronous": True, "Priority": context.resources.priority}
        reply = context.post(request.path, body)
        if reply.status >= 400:
            context.see_described(reply)
        found = reply.json()
        details = found.get("Details") if isinstance(found, dict) else None
        right = reply.status >= 400 and isinstance(details, str) and bool(details)
        context.require(DETAILS, right, "an HTTP error with Details of what went wrong", reply)

    return run


def sends_body(via: Via, form: str, context: Context) -> None:
    """The body may be the list of resources itself, or one of them: as JSON text, or bare."""
    name = new_name(context)
    path, given = context.prepare(name, SENT if form == "list" else 1, via)
    job, listed = context.driver.prepared[name], list(given["Resources"])
    bodies = {"text": listed[0], "bare": str(listed[0]).encode(), "list": listed}
    reply = answered(context, context.call("POST", path, bodies[form]), FORMS)
    context.require(FORMS, reply.ok, "HTTP 200 with the result", reply)
    made = context.made(name)
    for id in made:
        context.other(id)
    context.equal(FORMS, "jobs of the call", 1, len(made))
    has_arrived(context, job, range(len(listed)))


def commits_again(call: Call) -> Checking:
    """A job that has failed asks for nothing; resubmitted it asks once, by a new transaction."""

    def run(context: Context) -> None:
        id, _ = submit(context, call)
        (job,) = context.driver.prepared.values()
        step_number(context, call, 1).reply(judge.TAKEN)
        step_number(context, call, 2).reply(judge.REFUSED)
        judge.await_end(context, call.requirement, id, judge.REFUSED)
        before = judge.look(context, call, id)
        judge.has_failed(context, before, network=True)
        asked = context.resources.dicom.commitments
        context.equal(call.requirement, "commitments", 0, len(asked.get(job.slot.number, [])))
        job.holds.clear()
        judge.ask(context, call, id, State.FAILURE, Action.RESUBMIT)
        judge.await_end(context, call.requirement, id)
        shown = judge.look(context, call, id)
        judge.is_in(context, call.requirement, shown, State.SUCCESS)
        context.equal(call.requirement, "commitments", 1, len(asked.get(job.slot.number, [])))
        is_last_commitment(context, job, shown["Content"])
        old, new = before["Content"].get(TRANSACTION), shown["Content"].get(TRANSACTION)
        context.require(call.requirement, old != new, "a transaction of its own", f"{new} again")

    return run


def commits_after_a_pause(call: Call) -> Checking:
    """A job that was Paused in between asks for the commitment of what it sent before, too."""

    def run(context: Context) -> None:
        id, request = submit(context, call)
        (job,) = context.driver.prepared.values()
        first = step_number(context, call, 1)
        judge.ask(context, call, id, State.RUNNING, Action.PAUSE)
        first.reply(judge.TAKEN)
        context.until(
            lambda: context.job(id)["State"] == State.PAUSED,
            call.requirement,
            f"a job in {State.PAUSED}",
            lambda: context.job(id)["State"],
        )
        asked = context.resources.dicom.commitments
        context.equal(call.requirement, "commitments", 0, len(asked.get(job.slot.number, [])))
        judge.resume(context, call, id)
        judge.await_end(context, call.requirement, id)
        has_succeeded(context, call, request, id)

    return run
