"""`route/<call>/race/<asked>/<how the step ends>`: jobs that retrieve, at the end of a step.

The cases of `race/` for the types whose steps a provider of C-MOVE or C-GET holds. They are judged
straight by `spec.table.BOUNDARY`; afterwards the job is taken up again and does its work.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from conformance.driver.context import Context
from conformance.suites.case import Case, Check
from conformance.suites.race import REQUESTS
from conformance.suites.route import judge
from conformance.suites.route.calls import Call
from conformance.suites.route.outcomes import of_call, submit
from conformance.suites.route.sending import holds_of, step_number
from conformance.suites.route.succeeding import has_succeeded
from conformance.sut.profile import Profile
from spec.lookup import way_back
from spec.relaxations import Name, Relaxation, taken_for
from spec.table import (
    ACTIONS,
    BOUNDARY,
    STAY,
    Action,
    Asked,
    Cell,
    Ended,
    ErrorCode,
    Move,
    State,
    Trigger,
    boundary_id,
    cell,
    cell_id,
    target,
)

CALLS = ("retrieve/studies", "retrieve/get")
ENDS = (Ended.MORE, Ended.LAST, Ended.FAILED)  # none of them asks for Retry
CODES: dict[Trigger, ErrorCode] = {
    Move.FAIL: ErrorCode.NETWORK_PROTOCOL,
    Action.CANCEL: ErrorCode.CANCELED_JOB,
}


def cases(_: Profile, calls: list[Call]) -> Iterator[Case]:
    for call in calls:
        if call.name not in CALLS:
            continue
        for name, (asked, actions) in REQUESTS.items():
            for ended in ENDS:
                check = partial(races, call, asked, actions, ended)
                case_id = f"route/{call.name}/race/{name}/{ended}"
                needed = boundary_id(asked, ended)
                yield Check(case_id, needed, check=check, needs=tuple(of_call(call)))


def races(
    call: Call, asked: Asked, actions: tuple[Action, ...], ended: Ended, context: Context
) -> None:
    """What a Running job was asked for takes effect when its step ends, as the table says."""
    needed = boundary_id(asked, ended)
    id, request = submit(context, call)
    number = request.instances if ended is Ended.LAST else 1
    for before in range(1, number):
        step_number(context, call, before).reply(judge.TAKEN)
    hold = step_number(context, call, number)
    refuses(context, id)
    for action in actions:
        judge.ask(context, call, id, State.RUNNING, action)
    hold.reply(judge.REFUSED if ended is Ended.FAILED else judge.TAKEN)
    if BOUNDARY[asked][ended] == (STAY,):
        step_number(context, call, number + 1)
        judge.is_in(context, needed, context.job(id), State.RUNNING)
        judge.await_end(context, needed, id)
    else:
        leaves(context, call, id, asked, ended, number)
    shown = context.job(id)
    if shown["State"] == State.RUNNING:  # by a shortfall
        judge.await_end(context, needed, id)
        shown = context.job(id)
    again = way_back(State(shown["State"]))
    if again is not None:
        if again is Action.RESUBMIT:
            holds_of(context).clear()
        judge.ask(context, call, id, State(shown["State"]), again)
        judge.await_end(context, needed, id)
    has_succeeded(context, call, request, id)


def refuses(context: Context, id: str) -> None:
    """What a Running job refuses leaves it Running."""
    for action in ACTIONS:
        rule = cell(State.RUNNING, action)
        if rule is Cell.REFUSE:
            needed, reply = cell_id(action, State.RUNNING), context.post(f"/jobs/{id}/{action}")
            context.require(needed, reply.status == rule.status, f"HTTP {rule.status}", reply)
            judge.is_in(context, needed, context.job(id), State.RUNNING)


def leaves(context: Context, call: Call, id: str, asked: Asked, ended: Ended, number: int) -> None:
    """The job leaves Running for a state of the table, or does what a relaxation permits."""
    needed, ways = boundary_id(asked, ended), _ways(asked, ended)
    context.until(
        lambda: context.job(id)["State"] != State.RUNNING or len(holds_of(context)) > number,
        needed,
        " or ".join(sorted({state for state, _ in ways})),
        lambda: context.job(id)["State"],
    )
    shown = context.job(id)
    seen = (State(shown["State"]), int(shown["ErrorCode"]))  # any code, of a server
    relaxed = (one for one in Relaxation if seen in _ways(asked, ended, frozenset({one})))
    known: Name | None = next(relaxed, None)
    ignored = judge.ignored(call.type)
    if ended is Ended.FAILED and ignored is not None and seen in _more(asked):
        known = ignored
    expected = " or ".join(f"{state}, ErrorCode {code:d}" for state, code in sorted(ways))
    actual = f"{seen[0]}, ErrorCode {seen[1]:d}"
    context.require(needed, seen in ways, expected, actual, known)


def _more(asked: Asked) -> set[tuple[State, ErrorCode]]:
    """What a job may be when its step has not failed, also with a cancel that is lost."""
    return _ways(asked, Ended.MORE, frozenset({Relaxation.CANCEL_LOST_TO_PAUSE}))


def _ways(
    asked: Asked, ended: Ended, admitted: frozenset[Relaxation] = frozenset()
) -> set[tuple[State, ErrorCode]]:
    """The states that a job may leave Running for, each with its ErrorCode."""
    found = set()
    for taken in taken_for(admitted, asked, ended):
        for trigger in BOUNDARY[taken][ended]:
            if isinstance(trigger, Action | Move):
                state = target(State.RUNNING, trigger) or State.RUNNING
                found.add((state, CODES.get(trigger, ErrorCode.SUCCESS)))
            else:
                found.add((State.RUNNING, ErrorCode.SUCCESS))
    return found
