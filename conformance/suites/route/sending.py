"""`route/<call>/running/…`, `…/permissive`, `…/partly`, `…/progress`: jobs whose steps wait at the
gate.

What a step is answered, and what is asked of the job meanwhile, is up to the kit. Jobs that send
by C-STORE are before the whole table in `route.by_c_store`; one that retrieves is told here to
pause and to cancel while its first C-MOVE is under way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from conformance.peer.came import Counts
from conformance.peer.gate import PARTLY
from conformance.suites.case import Case, Check, Checking
from conformance.suites.route import judge
from conformance.suites.route.calls import Call, Request
from conformance.suites.route.calls.transfers import requests
from conformance.suites.route.outcomes import of_call, submit
from conformance.suites.route.succeeding import has_succeeded
from conformance.sut.profile import Profile
from spec.lookup import way_back
from spec.relaxations import Shortfall
from spec.table import Action, ErrorCode, State, target

if TYPE_CHECKING:
    from conformance.driver.context import Context
    from conformance.peer.gate import Hold

RETRIEVE = "retrieve/studies"
WHOLE = 100  # per cent
OF_ALL = 4  # the instances of a match, for a C-MOVE that says how far it is
PERMISSIVE = ("store/instances", RETRIEVE, "peer-store/instances")


def cases(_: Profile, calls: list[Call]) -> Iterator[Case]:
    for call in calls:
        name, of = f"route/{call.name}", tuple(of_call(call))
        if call.name in PERMISSIVE:
            needed = "route/permissive"
            yield Check(f"{name}/permissive", needed, check=permissive(call), needs=of)
            for action in (Action.PAUSE, Action.CANCEL):
                case = Check(f"{name}/permissive/{action}", needed, check=still(call, action))
                yield replace(case, needs=of)
        if call.name == RETRIEVE:
            needed = "monitor/error-code-step"
            yield Check(f"{name}/partly", needed, check=partly(call), needs=of)
            yield Check(f"{name}/fails-late", needed, check=fails_late(call), needs=of)
            needed = "monitor/progress"
            yield Check(f"{name}/progress", needed, check=progress_rises(call), needs=of)
            for action, check in {Action.PAUSE: paused, Action.CANCEL: canceled}.items():
                case = Check(f"{name}/running/{action}", f"route/{action}", check=check(call))
                yield replace(case, needs=of)


def with_body(call: Call, body: Mapping[str, Any]) -> Call:
    """The same call, with more in its body."""

    def make(context: Context) -> Request:
        request = call.make(context)
        return replace(request, body={**request.body, **body})

    return replace(call, make=make)


def as_permissive(call: Call) -> Call:
    """The same call, with Permissive true."""
    return with_body(call, {"Permissive": True})


def permissive(call: Call) -> Checking:
    """A permissive job goes on behind each step that fails, and ends in Success."""

    asked = as_permissive(call)

    def run(context: Context) -> None:
        id, request = submit(context, asked)
        judge.await_end(context, "route/permissive", id, judge.REFUSED)
        judge.is_in(context, "route/permissive", judge.look(context, call, id), State.SUCCESS)
        has_succeeded(context, asked, request, id)
        counted = judge.look(context, call, id)["Content"].get("FailedInstancesCount")
        if counted is not None:  # it counts what is gone, and not what was not taken
            context.equal("route/permissive", "FailedInstancesCount", 0, counted)

    return run


def still(call: Call, action: Action) -> Checking:
    """It is permissive in its second run too, after it was paused or canceled in its first."""
    stopped = target(State.RUNNING, action)
    assert stopped is not None
    again = way_back(stopped)
    assert again is not None
    asked = as_permissive(call)

    def run(context: Context) -> None:
        id, _ = submit(context, asked)
        _asked(context, asked, id, action)
        _stops(context, id, action, stopped)
        judge.ask(context, call, id, stopped, again)
        judge.await_end(context, "route/permissive", id, judge.REFUSED)
        judge.is_in(context, "route/permissive", judge.look(context, call, id), State.SUCCESS)

    return run


def partly(call: Call) -> Checking:
    """A C-MOVE that is answered with a warning has failed: something was not sent."""

    def run(context: Context) -> None:
        id, _ = submit(context, call)
        step_number(context, call, 1).reply(PARTLY)
        judge.await_end(context, call.requirement, id)
        shown = judge.look(context, call, id)
        judge.has_failed(context, shown, network=True)
        code = int(ErrorCode.NETWORK_PROTOCOL)
        context.equal("monitor/error-code-step", "ErrorCode", code, shown.get("ErrorCode"))

    return run


def fails_late(call: Call) -> Checking:
    """A step that fails behind one that succeeded ends the job, and no other step comes."""

    def run(context: Context) -> None:
        id, _ = submit(context, call)
        step_number(context, call, 1).reply(judge.TAKEN)
        step_number(context, call, 2).reply(judge.REFUSED)
        needed = "monitor/state-failure"
        context.until(
            lambda: context.job(id)["State"] == State.FAILURE,
            needed,
            f"{State.FAILURE}, since a step has failed",
            lambda: context.job(id)["State"],
        )
        judge.has_failed(context, judge.look(context, call, id), network=True)
        context.equal(needed, "steps that arrived", 2, len(holds_of(context)))

    return run


def progress_rises(call: Call) -> Checking:
    """Progress does not fall from one match to the next, whatever is told of each of them."""

    def run(context: Context) -> None:
        id, request = submit(context, call)
        seen = [0]

        def read() -> bool:
            found = context.job(id)["Progress"]
            seen.extend([found] if found != seen[-1] else [])
            return True

        for number in range(1, request.instances + 1):
            hold = step_number(context, call, number)
            done = 1 if number > 1 else OF_ALL - 1
            hold.came.tell(Counts(OF_ALL - done, done, 0, 0))
            context.stays(read, "monitor/progress", "a job that can be read")
            hold.reply(judge.TAKEN)
        judge.await_end(context, call.requirement, id)
        read()
        rises = seen == sorted(seen)
        known = None if rises else Shortfall.RETRIEVE_PROGRESS_FALLS
        context.require("monitor/progress", rises, "a Progress that never falls", seen, known)
        context.equal("monitor/progress", "Progress at the end", WHOLE, seen[-1])

    return run


def paused(call: Call) -> Checking:
    """A pause takes effect at the end of the step that runs; resumed, the job goes on behind it."""

    def run(context: Context) -> None:
        id, request = submit(context, call)
        _asked(context, call, id, Action.PAUSE)
        _stops(context, id, Action.PAUSE, State.PAUSED)
        judge.resume(context, call, id)
        step_number(context, call, 2)
        judge.await_end(context, call.requirement, id)
        has_succeeded(context, call, request, id)

    return run


def canceled(call: Call) -> Checking:
    """A cancel takes effect at the end of the step that runs; resubmitted, the job starts over."""

    def run(context: Context) -> None:
        id, _ = submit(context, call)
        first = _asked(context, call, id, Action.CANCEL)
        _stops(context, id, Action.CANCEL, State.FAILURE)
        code, shown = int(ErrorCode.CANCELED_JOB), judge.look(context, call, id)
        context.equal("monitor/error-code-cancelled", "ErrorCode", code, shown.get("ErrorCode"))
        judge.ask(context, call, id, State.FAILURE, Action.RESUBMIT)
        again = step_number(context, call, 2)
        needed = "step/resubmitted-starts-over"
        context.equal(needed, "the step that it begins with", first.step, again.step)
        judge.await_end(context, call.requirement, id)
        judge.is_in(context, call.requirement, judge.look(context, call, id), State.SUCCESS)

    return run


def _asked(context: Context, call: Call, id: str, action: Action) -> Hold:
    """Ask it of a job while its first step waits, then let that step succeed."""
    first = step_number(context, call, 1)
    judge.is_in(context, "monitor/state-running", context.job(id), State.RUNNING)
    judge.ask(context, call, id, State.RUNNING, action)
    first.reply(judge.TAKEN)
    return first


def _stops(context: Context, id: str, action: Action, state: State) -> None:
    """The job comes to this state, without another step."""

    def has_stopped() -> bool:
        further = len(holds_of(context)) - 1
        context.require(f"route/{action}", not further, "no further step", f"{further} more")
        return str(context.job(id)["State"]) == state

    context.until(has_stopped, f"route/{action}", state, lambda: context.job(id)["State"])


def step_number(context: Context, call: Call, number: int) -> Hold:
    """Wait until so many steps of the call's job have arrived; the last of them."""
    context.until(
        lambda: len(holds_of(context)) >= number,
        call.requirement,
        f"step {number} of the job at the gate",
        lambda: f"{len(holds_of(context))} steps have arrived",
    )
    return holds_of(context)[number - 1]


def holds_of(context: Context) -> list[Hold]:
    """The steps of the newest job; that a transfer gives up is none."""
    *_, job = context.driver.prepared.values()
    return requests(job)


def forget_steps(context: Context) -> None:
    """The newest job starts over: its steps are counted anew."""
    *_, job = context.driver.prepared.values()
    job.holds.clear()
