"""`route/<call>/<action>`: every type of job against the action matrix.

The page describes one state machine for all jobs, and a client sees one list of them. For each
call and each action there is a job in every state that the call's jobs can be brought to from
outside: one that has run to its end, and behind jobs that hold every worker one that is
Pending, one that is Paused, and one that was canceled. Where a job fails without what it works
on, there is one that has failed by itself as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING

from conformance.suites.case import Case, Check
from conformance.suites.needs import DICOM, EXCLUSIVE, Needed, room_for
from conformance.suites.route import judge
from conformance.suites.route.calls import Call, Request
from conformance.suites.route.calls.transfers import NAMES
from conformance.suites.route.outcomes import hold, let_go, of_call, remove, submit
from conformance.suites.route.succeeding import has_output, has_succeeded
from conformance.sut.profile import Profile
from spec.lookup import RESTING
from spec.of_jobs import UNDONE
from spec.table import ACTIONS, Action, ErrorCode, State
from spec.types import row

if TYPE_CHECKING:
    from conformance.driver.context import Context

# Ordinary, minimal and empty input of each type; two calls of one type are one implementation.
TYPES = (
    "archive/study", "archive/series", "archive/nothing",
    "media/study", "media/series", "media/nothing",
    "modify/study", "modify/series", "modify/several", "modify/nothing",
    "anonymize/study", "anonymize/nothing", "split/series", "merge/study", "merge/nothing",
    "peer-store/nothing", "store/nothing", "retrieve/studies", "retrieve/get",
    *NAMES.values(),
)  # fmt: skip
JOBS = 5  # of the call, in one case


def cases(profile: Profile, calls: list[Call]) -> Iterator[Case]:
    for call in calls:
        for action in ACTIONS:
            yield Check(
                f"route/{call.name}/{action}",
                f"route/{action}",
                check=check(call, action),
                needs=needs(call),
                leaves=JOBS,
            )


def needs(call: Call) -> tuple[Needed, ...]:
    return (EXCLUSIVE, room_for(JOBS), *of_call(call), *((DICOM,) if call.start else ()))


def check(call: Call, action: Action) -> Callable[[Context], None]:
    def run(context: Context) -> None:
        done, _ = submit(context, call)
        judge.await_end(context, call.requirement, done)
        judge.act(context, call, done, action)
        failed = [_failed(context, call)] if call.fails else []
        held = hold(context, "X")
        waiting: dict[str, Waiting] = {}
        try:
            _standing_still(context, call, waiting)
            for id in (*waiting, *failed):
                judge.act(context, call, id, action, waiting[id].last if id in waiting else None)
        except judge.Unreadable:  # what waits makes the list of all jobs unreadable: let it run
            let_go(context, held)
            for id in waiting:
                judge.await_end(context, call.requirement, id)
            return
        let_go(context, held[:1])  # one runs at a time: it has to be known which is the newest
        ended: list[tuple[str, str, Request]] = []
        for id, one in waiting.items():
            shown = _to_its_end(context, call, id, one.request)
            if shown["State"] == State.SUCCESS:
                ended.append((str(shown.get("CompletionTime")), id, one.request))
        for id in failed:
            _to_its_end(context, call, id, None)
        let_go(context, held[1:])
        if ended:  # of archives an Orthanc keeps the newest only: its option MediaArchiveSize
            _, id, request = max(ended, key=itemgetter(0))
            has_output(context, call, request, id)
        if call.archives and action is Action.RESUBMIT:
            _again(context, call)

    run.__doc__ = f"{action} of a {call.type} job, in every state in which it stands still."
    return run


@dataclass
class Waiting:
    """A job behind others, and its last reading."""

    request: Request
    last: judge.Shown | None = None


def _standing_still(context: Context, call: Call, waiting: dict[str, Waiting]) -> None:
    """Behind jobs that hold every worker: one job that waits, one paused, one canceled.

    Puts them into ``waiting``.
    """
    for before in (None, Action.PAUSE, Action.CANCEL):
        id, request = submit(context, call)
        one = waiting[id] = Waiting(request)
        one.last = judge.look(context, call, id)
        judge.is_in(context, "queue/pending-first", one.last, State.PENDING)
        if before is not None:
            one.last = judge.act(context, call, id, before, one.last)
        _has_done_nothing(context, call, one.last, request)


def _again(context: Context, call: Call) -> None:
    """An archive that was canceled and is resubmitted is made: it is the newest one."""
    held = hold(context, "Y")
    id, request = submit(context, call)
    judge.act(context, call, id, Action.CANCEL)
    shown = judge.act(context, call, id, Action.RESUBMIT)
    let_go(context, held)
    if shown["State"] == State.PENDING:
        judge.await_end(context, call.requirement, id)
        has_succeeded(context, call, request, id)
        has_output(context, call, request, id)


def _has_done_nothing(context: Context, call: Call, shown: judge.Shown, request: Request) -> None:
    """What a job works on is as it was as long as the job has not run, and it has no output.

    ``shown``: the last reading of it.
    """
    content = shown["Content"] if isinstance(shown["Content"], dict) else {}
    for key in UNDONE.keys() & content.keys():
        name = f"{key} of a job that has not run"
        context.equal("route/content", name, UNDONE[key], content[key])
    for path in request.remove:
        there = context.resources.client.get(path).status
        context.equal(
            "route/result", f"HTTP status of {path}, on which no job has worked", 200, there
        )
    for name in row(call.type).run.outputs:
        found = context.resources.client.get(f"/jobs/{shown['ID']}/{name}").status
        context.equal(
            "route/archive-output", f"HTTP status of {name}, which is not made", 404, found
        )


def _failed(context: Context, call: Call) -> str:
    """A job that has failed by itself: what it works on was removed while it waited."""
    held = hold(context, "W")
    id, request = submit(context, call)
    remove(context, *request.remove)
    let_go(context, held)
    judge.await_end(context, call.requirement, id)
    judge.has_failed(context, judge.look(context, call, id), network=call.sends is not None)
    return id


def _to_its_end(context: Context, call: Call, id: str, request: Request | None) -> judge.Shown:
    """What waits, or is resumed, runs, and does its work; what was canceled is as it was.

    ``request``: None where what the job works on is gone, so that it fails. The last reading.
    """
    context.until(
        lambda: judge.state(context, id) in RESTING,
        call.requirement,
        f"job {id} at its end, or {State.PAUSED}",
        lambda: judge.state(context, id),
    )
    shown = judge.look(context, call, id)
    canceled = shown.get("ErrorCode") == ErrorCode.CANCELED_JOB
    if shown["State"] == State.PAUSED:
        judge.resume(context, call, id)
        judge.await_end(context, call.requirement, id)
        shown = judge.look(context, call, id)
    if canceled or request is None:
        judge.is_in(context, call.requirement, shown, State.FAILURE)
    else:
        has_succeeded(context, call, request, id)
    return shown
