"""`route/<call>/running/…`, `…/permissive`, `…/partly`: jobs whose steps wait at the gate.

What a step is answered, and what is asked of the job meanwhile, is up to the kit. Jobs that send
by C-STORE are before the whole table in `suites.route_store`; one that retrieves is told here to
pause and to cancel while its first C-MOVE is under way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.servers.gate import PARTLY
from conformance.suites.case import Case, Profile
from conformance.suites.route import judge
from conformance.suites.route.calls import Call, Request
from conformance.suites.route.outcomes import has_succeeded, submit, unreachable
from spec.table import Action, ErrorCode, State

if TYPE_CHECKING:
    from conformance.scene import Scene
    from conformance.servers.gate import Hold

RETRIEVE = "retrieve/studies"
PERMISSIVE = ("store/instances", RETRIEVE)
Check = Callable[["Scene"], None]


def cases(profile: Profile, calls: list[Call]) -> Iterator[Case]:
    for call in calls:
        name, why = f"route/{call.name}", unreachable(profile, call)
        if call.name in PERMISSIVE:
            needed = "route/permissive"
            yield Case(f"{name}/permissive", needed, check=permissive(call), unreachable=why)
            for action in (Action.PAUSE, Action.CANCEL):
                case = Case(f"{name}/permissive/{action}", needed, check=still(call, action))
                yield replace(case, unreachable=why)
        if call.name == RETRIEVE:
            needed = "monitor/error-code-step"
            yield Case(f"{name}/partly", needed, check=partly(call), unreachable=why)
            yield Case(f"{name}/fails-late", needed, check=fails_late(call), unreachable=why)
            for action, check in {Action.PAUSE: paused, Action.CANCEL: canceled}.items():
                case = Case(f"{name}/running/{action}", f"route/{action}", check=check(call))
                yield replace(case, unreachable=why)


def as_permissive(call: Call) -> Call:
    """The same call, with Permissive true."""

    def make(scene: Scene) -> Request:
        request = call.make(scene)
        return replace(request, body={**request.body, "Permissive": True})

    return replace(call, make=make)


def permissive(call: Call) -> Check:
    """A permissive job goes on behind each step that fails, and ends in Success."""

    asked = as_permissive(call)

    def run(scene: Scene) -> None:
        id, request = submit(scene, asked)
        judge.await_end(scene, "route/permissive", id, judge.REFUSED)
        judge.is_in(scene, "route/permissive", judge.look(scene, call, id), State.SUCCESS)
        has_succeeded(scene, asked, request, id)

    return run


def still(call: Call, action: Action) -> Check:
    """It is permissive in its second run too, after it was paused or canceled in its first."""
    stopped, again = {
        Action.PAUSE: (State.PAUSED, Action.RESUME),
        Action.CANCEL: (State.FAILURE, Action.RESUBMIT),
    }[action]
    asked = as_permissive(call)

    def run(scene: Scene) -> None:
        id, _ = submit(scene, asked)
        _asked(scene, asked, id, action)
        _stops(scene, id, action, stopped)
        judge.ask(scene, call, id, stopped, again)
        judge.await_end(scene, "route/permissive", id, judge.REFUSED)
        judge.is_in(scene, "route/permissive", judge.look(scene, call, id), State.SUCCESS)

    return run


def partly(call: Call) -> Check:
    """A C-MOVE that is answered with a warning has failed: something was not sent."""

    def run(scene: Scene) -> None:
        id, _ = submit(scene, call)
        _step(scene, call, 1).reply(PARTLY)
        judge.await_end(scene, call.requirement, id)
        shown = judge.look(scene, call, id)
        judge.has_failed(scene, shown, network=True)
        code = int(ErrorCode.NETWORK_PROTOCOL)
        scene.equal("monitor/error-code-step", "ErrorCode", code, shown.get("ErrorCode"))

    return run


def fails_late(call: Call) -> Check:
    """A step that fails behind one that succeeded ends the job, and no other step comes."""

    def run(scene: Scene) -> None:
        id, _ = submit(scene, call)
        _step(scene, call, 1).reply(judge.TAKEN)
        _step(scene, call, 2).reply(judge.REFUSED)
        needed = "monitor/state-failure"
        scene.until(
            lambda: scene.job(id)["State"] == State.FAILURE,
            needed,
            f"{State.FAILURE}, since a step has failed",
            lambda: scene.job(id)["State"],
        )
        judge.has_failed(scene, judge.look(scene, call, id), network=True)
        scene.equal(needed, "steps that arrived", 2, len(_holds(scene)))

    return run


def paused(call: Call) -> Check:
    """A pause takes effect at the end of the step that runs; resumed, the job goes on behind it."""

    def run(scene: Scene) -> None:
        id, request = submit(scene, call)
        _asked(scene, call, id, Action.PAUSE)
        _stops(scene, id, Action.PAUSE, State.PAUSED)
        judge.resume(scene, call, id)
        _step(scene, call, 2)
        judge.await_end(scene, call.requirement, id)
        has_succeeded(scene, call, request, id)

    return run


def canceled(call: Call) -> Check:
    """A cancel takes effect at the end of the step that runs; resubmitted, the job starts over."""

    def run(scene: Scene) -> None:
        id, _ = submit(scene, call)
        first = _asked(scene, call, id, Action.CANCEL)
        _stops(scene, id, Action.CANCEL, State.FAILURE)
        code, shown = int(ErrorCode.CANCELED_JOB), judge.look(scene, call, id)
        scene.equal("monitor/error-code-cancelled", "ErrorCode", code, shown.get("ErrorCode"))
        judge.ask(scene, call, id, State.FAILURE, Action.RESUBMIT)
        again = _step(scene, call, 2)
        needed = "step/resubmitted-starts-over"
        scene.equal(needed, "the step that it begins with", first.step, again.step)
        judge.await_end(scene, call.requirement, id)
        judge.is_in(scene, call.requirement, judge.look(scene, call, id), State.SUCCESS)

    return run


def _asked(scene: Scene, call: Call, id: str, action: Action) -> Hold:
    """Ask it of a job while its first step waits, then let that step succeed."""
    first = _step(scene, call, 1)
    judge.is_in(scene, "monitor/state-running", scene.job(id), State.RUNNING)
    judge.ask(scene, call, id, State.RUNNING, action)
    first.reply(judge.TAKEN)
    return first


def _stops(scene: Scene, id: str, action: Action, state: State) -> None:
    """The job comes to this state, without another step."""

    def has_stopped() -> bool:
        further = len(_holds(scene)) - 1
        scene.require(f"route/{action}", not further, "no further step", f"{further} more")
        return str(scene.job(id)["State"]) == state

    scene.until(has_stopped, f"route/{action}", state, lambda: scene.job(id)["State"])


def _step(scene: Scene, call: Call, number: int) -> Hold:
    """Wait until so many steps of the call's job have arrived; the last of them."""
    scene.until(
        lambda: len(_holds(scene)) >= number,
        call.requirement,
        f"step {number} of the job at the gate",
        lambda: f"{len(_holds(scene))} steps have arrived",
    )
    return _holds(scene)[number - 1]


def _holds(scene: Scene) -> list[Hold]:
    (job,) = scene.bench.prepared.values()
    return job.holds
