"""`route/<call>/race/<asked>/<how the step ends>`: jobs that retrieve or transfer, at its end.

The cases of `race/` for the types whose steps a provider of C-MOVE or C-GET holds, and for
transfers, whose requests are held one after the other. They are judged straight by
`spec.table.BOUNDARY`; afterwards the job is taken up again and does its work.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from conformance.driver.context import Context
from conformance.suites.case import Case, Check
from conformance.suites.race import REQUESTS
from conformance.suites.route import judge
from conformance.suites.route.calls import Call
from conformance.suites.route.calls.transfers import NAMES
from conformance.suites.route.outcomes import of_call, submit
from conformance.suites.route.sending import forget_steps, holds_of, step_number
from conformance.suites.route.succeeding import has_succeeded
from conformance.sut.profile import Profile
from conformance.timing import TIMING
from spec.lookup import way_back
from spec.relaxations import Name, Relaxation, Shortfall, taken_for
from spec.table import (
    ACTIONS,
    BOUNDARY,
    FINAL,
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
from spec.types import PULL, PUSH, row

CALLS = ("retrieve/studies", "retrieve/get", *NAMES.values())
# Which steps of a transfer are held; of other jobs it is the first, or the last one.
HELD = {
    NAMES[PUSH]: {Ended.MORE: (1, 2), Ended.LAST: (3,), Ended.FAILED: (1, 2, 3)},
    NAMES[PULL]: {Ended.MORE: (1,), Ended.LAST: (2,), Ended.FAILED: (1, 2)},
}
GOES_ON = (State.RUNNING, ErrorCode.SUCCESS)
KEPT_BACK = Shortfall.TRANSFER_FAILURE_KEPT_BACK
RESTS = frozenset({State.PAUSED, *FINAL})
RUNS = 2  # at most, until a job that was taken up again has done its work
ENDS = (Ended.MORE, Ended.LAST, Ended.FAILED)  # none of them asks for Retry


def cases(_: Profile, calls: list[Call]) -> Iterator[Case]:
    for call in calls:
        if call.name not in CALLS:
            continue
        for name, (asked, actions) in REQUESTS.items():
            for ended in ENDS:
                check = partial(races, call, asked, actions, ended)
                case_id = f"route/{call.name}/race/{name}/{ended}"
                needed = boundary_id(asked, ended)
                leaves = len(held(call, ended))
                needs = tuple(of_call(call))
                yield Check(case_id, needed, check=check, needs=needs, leaves=leaves)


def held(call: Call, ended: Ended) -> tuple[int | None, ...]:
    """The numbers of the steps that are held, of one job after the other; None: the usual one."""
    return HELD.get(call.name, {}).get(ended, (None,))


def races(
    call: Call, asked: Asked, actions: tuple[Action, ...], ended: Ended, context: Context
) -> None:
    """What a Running job was asked for takes effect when its step ends, as the table says."""
    for step in held(call, ended):
        race(call, asked, actions, ended, step, context)


def race(
    call: Call,
    asked: Asked,
    actions: tuple[Action, ...],
    ended: Ended,
    step: int | None,
    context: Context,
) -> None:
    """The same at the end of one step, of one job."""
    needed = boundary_id(asked, ended)
    id, request = submit(context, call)
    number = step or (request.instances if ended is Ended.LAST else 1)
    for before in range(1, number):
        step_number(context, call, before).reply(judge.TAKEN)
    hold = step_number(context, call, number)
    refuses(context, id)
    for action in actions:
        judge.ask(context, call, id, State.RUNNING, action)
    if actions:
        is_looked_at(context, call)
    hold.reply(judge.REFUSED if ended is Ended.FAILED else judge.TAKEN)
    if BOUNDARY[asked][ended] == (STAY,):
        step_number(context, call, number + 1)
        judge.is_in(context, needed, context.job(id), State.RUNNING)
        judge.await_end(context, needed, id)
    else:
        leaves(context, call, id, asked, ended, number)
    if context.job(id)["State"] == State.RUNNING:  # by a shortfall
        comes_to_rest(context, call, id, needed)
    for _ in range(RUNS):
        takes_up(context, call, id, needed)
    has_succeeded(context, call, request, id)


def takes_up(context: Context, call: Call, id: str, needed: str) -> None:
    """A job that is Paused or has failed runs to its end; others have done so."""
    state = State(context.job(id)["State"])
    if (again := way_back(state)) is not None:
        if again is Action.RESUBMIT:
            forget_steps(context)
        judge.ask(context, call, id, state, again)
        judge.await_end(context, needed, id)


def is_looked_at(context: Context, call: Call) -> None:
    """Wait until the server has looked at what a Running transfer was asked for."""
    if sliced(context, call):
        share = context.deadline * TIMING.transfer_share
        context.pass_time(max(TIMING.transfer_slice, share))


def sliced(context: Context, call: Call) -> bool:
    """Whether what a Running job of the call is asked for may be looked at some requests later."""
    return call.name in HELD and context.profile.sliced


def comes_to_rest(context: Context, call: Call, id: str, needed: str) -> None:
    """A job that went on has ended, or does late what it was asked for, where that may be."""
    if not sliced(context, call):
        judge.await_end(context, needed, id)
        return
    context.until(
        lambda: judge.state(context, id) in RESTS,
        needed,
        " or ".join(sorted(RESTS)),
        lambda: context.job(id)["State"],
    )


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
    needed, ways = boundary_id(asked, ended), _ways(call, asked, ended)

    def has_left() -> bool:
        if ended is Ended.FAILED and call.name in HELD:  # its server may be told to try it again
            return judge.state(context, id, judge.REFUSED) != State.RUNNING
        return context.job(id)["State"] != State.RUNNING or len(holds_of(context)) > number

    context.until(
        has_left,
        needed,
        " or ".join(sorted({state for state, _ in ways})),
        lambda: context.job(id)["State"],
    )
    shown = context.job(id)
    seen = (State(shown["State"]), int(shown["ErrorCode"]))  # any code, of a server
    relaxed = (one for one in Relaxation if seen in _ways(call, asked, ended, frozenset({one})))
    known: Name | None = next(relaxed, None)
    ignored = judge.ignored(call.type)
    if ended is Ended.FAILED and ignored is not None and seen in _more(call, asked):
        known = ignored
    kept_back = asked in (Asked.PAUSE, Asked.BOTH) and seen == (State.PAUSED, ErrorCode.SUCCESS)
    if ended is Ended.FAILED and kept_back and KEPT_BACK in row(call.type).short:
        known = KEPT_BACK
    late = len(holds_of(context)) == number + 1 and seen == GOES_ON
    if ended is Ended.MORE and late and sliced(context, call):
        known = Shortfall.TRANSFER_GOES_ON
    expected = " or ".join(f"{state}, ErrorCode {code:d}" for state, code in sorted(ways))
    actual = f"{seen[0]}, ErrorCode {seen[1]:d}"
    context.require(needed, seen in ways, expected, actual, known)


def _more(call: Call, asked: Asked) -> set[tuple[State, int]]:
    """What a job may be when its step has not failed, also with a cancel that is lost."""
    return _ways(call, asked, Ended.MORE, frozenset({Relaxation.CANCEL_LOST_TO_PAUSE}))


def _ways(
    call: Call, asked: Asked, ended: Ended, admitted: frozenset[Relaxation] = frozenset()
) -> set[tuple[State, int]]:
    """The states that a job may leave Running for, each with its ErrorCode."""
    codes: dict[Trigger, int] = {
        Move.FAIL: row(call.type).code,
        Action.CANCEL: int(ErrorCode.CANCELED_JOB),
    }
    found = set()
    for taken in taken_for(admitted, asked, ended):
        for trigger in BOUNDARY[taken][ended]:
            if isinstance(trigger, Action | Move):
                state = target(State.RUNNING, trigger) or State.RUNNING
                found.add((state, codes.get(trigger, 0)))
            else:
                found.add((State.RUNNING, 0))
    return found
