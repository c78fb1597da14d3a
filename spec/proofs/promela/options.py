"""Everything that can happen, as guarded steps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from spec.lookup import sources
from spec.proofs.promela.setup import (
    ASKED,
    REPLIES,
    Phase,
    Rule,
    Setup,
    Variant,
    any_of,
    at,
    is_,
    one_of,
)
from spec.relaxations import Relaxation, taken_for
from spec.table import FINAL, STAY, Action, Asked, Cell, Ended, ErrorCode, Move, State, Trigger


@dataclass(frozen=True)
class Case:
    """A Running job in this phase, that was asked for one of these."""

    phase: Phase
    condition: str
    asked: frozenset[Asked]

    def guard(self, job: int) -> str:
        parts = [f"phase[{job}] == {at(self.phase)}"]
        if self.condition != "true":
            parts.append(self.condition)
        if self.asked != frozenset(Asked):
            parts.append(f"({one_of(f'asked[{job}]', self.asked)})")
        return " && ".join(parts)


@dataclass(frozen=True)
class Option:
    """One ``d_step`` of the loop: a guard, what it does, and the event that a trail shows.

    ``kind``: the fair kind that it belongs to (`run_kind`, `START`, `delay_kind`), or what a
    client did to job 0 (`heard`), or nothing of interest. ``trigger``: whose edge the job takes,
    if it takes one. ``client``: an action. ``run``: the guard of a move of kind *run*, in its
    cases. ``asserts``: (property, condition) to be checked before it.
    """

    guard: str
    effect: tuple[str, ...]
    event: str
    job: int = 0
    kind: str = "OTHER"
    trigger: Trigger | None = None
    client: bool = False
    run: tuple[Case, ...] = ()
    asserts: tuple[tuple[str, str], ...] = ()


START = "STARTED"
OTHERS_RUN = "OTHERS_RAN"
HEARD: dict[Action, list[State]] = {
    action: [state for state in State if state in sources(action)]
    for action in (Action.CANCEL, Action.PAUSE)
}
"""Where an action that is answered 200 must be honoured: a Paused job need not be paused."""

_DUE = {Action.CANCEL: "cancel_due", Action.PAUSE: "pause_due"}
NOBODY = -1  # the job of an id that names none


def run_kind(job: int) -> str:
    return f"RAN_{job}"


def delay_kind(job: int) -> str:
    return f"DELAYED_{job}"


def heard(action: Action, state: State) -> str:
    """The kind of move: the action on job 0 in ``state`` was answered 200."""
    return f"HEARD_{action.upper()}_{state.upper()}"


def kinds(setup: Setup) -> list[str]:
    """The values of ``last``."""
    return [
        "OTHER",
        *(run_kind(job) for job in range(setup.scope.jobs)),
        START,
        delay_kind(0),
        *(heard(action, state) for action, states in HEARD.items() for state in states),
    ]


def outcomes(setup: Setup, asked: Asked, ended: Ended) -> Iterator[tuple[Trigger | str, Asked]]:
    """How a Running job may leave a step, and what ``asked`` was taken for.

    A failed step may count as one that asks for Retry, if nothing was asked for.
    """
    for taken in taken_for(setup.admit, asked, ended):
        for trigger in setup.table.boundary[taken][ended]:
            yield trigger, taken
    if ended is Ended.FAILED and asked is Asked.NOTHING:
        yield from outcomes(setup, asked, Ended.RETRY)


def options(setup: Setup) -> Iterator[Option]:
    """Everything that can happen."""
    for part in (_work, _surroundings, _starts, _submissions, _actions):
        for job in range(setup.scope.jobs):
            yield from part(setup, job)


def _submissions(setup: Setup, job: int) -> Iterator[Option]:
    born = setup.table.target(None, Move.SUBMIT)
    if born is None:
        return
    guard = f"st[{job}] == NEW"
    if setup.variant is Variant.SAFETY and job > 0:
        guard += f" && st[{job - 1}] != NEW"
    for priority in range(setup.scope.priorities):
        for steps in range(1, setup.scope.steps + 1):
            given = (f"prio[{job}] = {priority}", f"steps[{job}] = {steps}")
            effect = (*given, *_go(setup, job, None, Move.SUBMIT, born))
            event = f"submit {job} {priority} {steps}"
            yield Option(guard, effect, event, job, trigger=Move.SUBMIT)


def _actions(setup: Setup, job: int) -> Iterator[Option]:
    """An action, by the state that it finds; a job that is gone is unknown, like no job at all.

    The safety variant counts those that change nothing, too; the other one leaves them out.
    """
    for (row, action), cell in setup.table.cells.items():
        found = is_(row) if isinstance(row, State) else "GONE"
        guard, event = f"st[{job}] == {found}", f"act {job} {action} {cell.status}"
        effect = tuple(_effect(setup, job, row, action, cell)) if isinstance(row, State) else ()
        if setup.variant is Variant.SAFETY:
            yield Option(guard, effect, event, job, trigger=action, client=True)
            if found == "GONE" and job == 0:
                yield Option("true", (), f"act {NOBODY} {action} {cell.status}", client=True)
            continue
        kind = "OTHER"
        news = f"!({asks(job, action)})" if cell is Cell.ASK and action in _DUE else "true"
        if job == 0 and row in HEARD.get(action, []) and cell.status == 200:
            kind, due = heard(action, State(row)), _DUE[action]
            news = any_of([f"{due} == KEPT", news]) if effect else f"{due} == KEPT"
            effect = (f"{due} = ({due} == KEPT -> DUE : {due})", *effect)
        if effect:
            yield Option(
                f"{guard} && ({news})", effect, event, job, kind, trigger=action, client=True
            )


def asks(job: int, action: Action) -> str:
    """Whether the job was asked for this: a pause or a cancel."""
    return one_of(f"asked[{job}]", (Asked(action), Asked.BOTH))


def _effect(setup: Setup, job: int, row: State, action: Action, cell: Cell) -> Iterator[str]:
    goes_to = setup.table.target(row, action)
    if cell is Cell.EDGE and goes_to is not None:
        yield from _go(setup, job, row, action, goes_to)
    elif cell is Cell.ASK and action in _DUE:
        other = Action.CANCEL if action is Action.PAUSE else Action.PAUSE
        alone, together = ASKED.index(Asked(action)), ASKED.index(Asked.BOTH)
        yield f"asked[{job}] = (({asks(job, other)}) -> {together} : {alone})"


def _starts(setup: Setup, job: int) -> Iterator[Option]:
    runs = setup.table.target(State.PENDING, Move.START)
    if runs is None:
        return
    others = [other for other in range(setup.scope.jobs) if other != job]
    higher = any_of(f"pending({k}) && prio[{k}] > prio[{job}]" for k in others)
    earlier = any_of(f"prio[{k}] == prio[{job}] && ({_before(setup, k, job)})" for k in others)
    yield Option(
        f"may_start_{job}",
        tuple(_go(setup, job, State.PENDING, Move.START, runs)),
        f"move {job} {Move.START}",
        job,
        START,
        Move.START,
        asserts=(("priority-not-passed-over", f"!({higher})"), ("ties-in-order", f"!({earlier})")),
    )


def _work(setup: Setup, job: int) -> Iterator[Option]:
    """The moves of the worker that has the job."""
    phase = f"phase[{job}]"
    more, last = f"done[{job}] + 1 < steps[{job}]", f"done[{job}] + 1 >= steps[{job}]"

    def move(name: str, case: Case, *effect: str) -> Option:
        return Option(
            case.guard(job), effect, f"move {job} {name}", job, run_kind(job), run=(case,)
        )

    stays = [
        one
        for one in ASKED
        if Rule.LOOK_FIRST in setup.without
        or any(trigger == STAY for trigger, _ in outcomes(setup, one, Ended.MORE))
    ]
    ghosts = [f"{due} = ({due} != KEPT -> BROKEN : KEPT)" for due in ("cancel_due", "pause_due")]
    yield move(
        "begin",
        Case(Phase.READY, f"done[{job}] < steps[{job}]", frozenset(stays)),
        f"{phase} = {at(Phase.SENT)}",
        *(ghosts if setup.variant is Variant.LIVENESS and job == 0 else ()),
    )

    published = (
        f"done[{job}]++",
        f"shown[{job}] = done[{job}]",
        f"{phase} = {at(Phase.READY)}",
    )
    yield move("publish", Case(Phase.SUCCEEDED, more, frozenset(Asked)), *published)
    takes: dict[Asked, set[Asked]] = defaultdict(set)
    for one in ASKED:
        for trigger, taken in outcomes(setup, one, Ended.LAST):
            if trigger is not Action.CANCEL:
                takes[taken].add(one)
    for taken, ones in takes.items():
        noted = f"asked[{job}] = {ASKED.index(taken)}"
        yield move("publish", Case(Phase.SUCCEEDED, last, frozenset(ones)), *published, noted)
    yield move(
        "publish",
        Case(Phase.FAILED, "true", frozenset(Asked)),
        f"{phase} = {at(Phase.SHOWN)}",
        f"shown[{job}] = done[{job}]",
        f"err[{job}] = {int(ErrorCode.NETWORK_PROTOCOL)}",
    )
    yield from _departures(setup, job)


def _departures(setup: Setup, job: int) -> Iterator[Option]:
    """The moves by which a job leaves its worker.

    A failure, and the success of the last step (but for a canceled job), are published first.
    If a step ended without being done, what Progress shows may be set right on the way.
    """
    boundaries = (
        (Phase.READY, Ended.MORE, f"done[{job}] < steps[{job}]"),
        (Phase.READY, Ended.LAST, f"done[{job}] >= steps[{job}]"),
        (Phase.SUCCEEDED, Ended.LAST, f"done[{job}] + 1 >= steps[{job}]"),
        (Phase.FAILED, Ended.FAILED, "true"),
        (Phase.SHOWN, Ended.FAILED, "true"),
        (Phase.RETRYING, Ended.RETRY, "true"),
    )
    ways: dict[Action | Move, list[Case]] = defaultdict(list)
    for where, ended, condition in boundaries:
        for trigger in (*Action, *Move):
            ones = frozenset(
                one for one in ASKED if trigger in {way for way, _ in outcomes(setup, one, ended)}
            )
            first = (where is Phase.SUCCEEDED and trigger is not Action.CANCEL) or (
                where is Phase.FAILED and trigger is Move.FAIL
            )
            if ones and not first:
                ways[trigger].append(Case(where, condition, ones))
    for trigger, cases in ways.items():
        goes_to = setup.table.target(State.RUNNING, trigger)
        if goes_to is None:
            continue
        effect = _go(setup, job, State.RUNNING, trigger, goes_to)
        right = [case for case in cases if case.phase is not Phase.READY]
        for each, guard, before in (
            (cases, "true", []),
            (right, f"shown[{job}] != done[{job}]", [f"shown[{job}] = done[{job}]"]),
        ):
            if each:
                yield Option(
                    f"{guard} && ({any_of(case.guard(job) for case in each)})",
                    (*before, *effect),
                    f"move {job} {trigger}",
                    job,
                    run_kind(job),
                    trigger,
                    run=tuple(cases),
                )


def _surroundings(setup: Setup, job: int) -> Iterator[Option]:
    """What a step's peer does, and the end of a Retry delay."""
    kind, phase = run_kind(job), f"phase[{job}]"
    sent = Case(Phase.SENT, "true", frozenset(Asked))
    if Rule.ARRIVAL not in setup.without:
        effect = (f"{phase} = {at(Phase.HELD)}",)
        yield Option(sent.guard(job), effect, f"arrive {job}", job, kind, run=(sent,))
    held = Case(Phase.HELD, "true", frozenset(Asked))
    for reply, then in REPLIES.items() if Rule.REPLY not in setup.without else ():
        effect = (f"{phase} = {at(then)}",)
        yield Option(held.guard(job), effect, f"reply {job} {reply}", job, kind, run=(held,))
    goes_to = setup.table.target(State.RETRY, Move.TIMEOUT)
    if goes_to is not None:
        guard = f"st[{job}] == {is_(State.RETRY)}"
        after = tuple(_go(setup, job, State.RETRY, Move.TIMEOUT, goes_to))
        event = f"move {job} {Move.TIMEOUT}"
        kind = delay_kind(job) if job == 0 else "OTHER"
        yield Option(guard, after, event, job, kind, Move.TIMEOUT)


def can_run(found: Sequence[Option], job: int) -> str:
    """Whether a Running job, or its step's peer, can go on: short, as LTL must carry it."""
    asked: dict[tuple[Phase, str], set[Asked]] = defaultdict(set)
    for option in found:
        for case in option.run:
            if option.job == job:
                asked[case.phase, case.condition] |= case.asked
    return any_of(
        Case(phase, condition, frozenset(ones)).guard(job)
        for (phase, condition), ones in asked.items()
    )


def _go(
    setup: Setup, job: int, source: State | None, trigger: Trigger, goes_to: State
) -> list[str]:
    """What a job does on its way from ``source`` to ``goes_to``, where the table sent it."""
    lines: list[str] = []
    if source is State.PENDING and Rule.LEAVE_QUEUE not in setup.without:
        lines.append(f"drop_queue({job})")
    if source in FINAL and Rule.LEAVE_HISTORY not in setup.without:
        lines.append(f"drop_hist({job})")
    if source is State.RUNNING and Rule.REQUESTS_END not in setup.without:
        lines.append(f"asked[{job}] = {ASKED.index(Asked.NOTHING)}")
    lines.append(f"st[{job}] = {is_(goes_to)}")
    phase = Phase.READY if goes_to is State.RUNNING else Phase.NONE
    lines.append(f"phase[{job}] = {at(phase)}")
    shows = {
        Move.START: ErrorCode.SUCCESS,
        Move.FAIL: ErrorCode.NETWORK_PROTOCOL,
        Action.CANCEL: ErrorCode.CANCELED_JOB,
    }.get(trigger)
    if shows is not None:
        lines.append(f"err[{job}] = {int(shows)}")
    if trigger is Action.RESUBMIT:
        lines.append(f"done[{job}] = 0")
    if goes_to is State.PENDING:
        lines.append(f"append_queue({job})")
    if setup.variant is Variant.LIVENESS and job == 0:
        lines += _settled(trigger, goes_to)
    if goes_to in FINAL:
        lines.append(f"append_hist({job})")
        lines.append("cut()")
    return lines


def _settled(trigger: Trigger, goes_to: State) -> Iterator[str]:
    """The ghosts of job 0: what it was asked for is honoured by the state that it is in now."""
    honoured = "({0} == DUE -> KEPT : {0})".format
    if goes_to is State.PAUSED:
        yield f"pause_due = {honoured('pause_due')}"
    if goes_to is State.FAILURE:
        excuse = "true" if trigger is Move.FAIL else "cancel_due != KEPT"
        yield f"pause_due = (({excuse}) -> {honoured('pause_due')} : pause_due)"
        yield f"cancel_due = {honoured('cancel_due')}"


def _before(setup: Setup, first: int, second: int) -> str:
    """Both are in the queue, ``first`` before ``second``."""
    return any_of(
        f"queue[{i}] == {first + 1} && queue[{j}] == {second + 1}"
        for i, j in combinations(range(setup.scope.jobs), 2)
    )


def _none_ahead(setup: Setup, job: int, *, equals: bool, rules: frozenset[Rule]) -> str:
    """A Pending job to which no other is preferred. ``equals``: none at all of its priority."""
    parts = []
    for other in range(setup.scope.jobs):
        if other == job:
            continue
        if Rule.PRIORITY in rules:
            parts.append(f"pending({other}) && prio[{other}] > prio[{job}]")
        if equals:
            parts.append(f"pending({other}) && prio[{other}] == prio[{job}]")
        elif Rule.ORDER in rules:
            parts.append(f"prio[{other}] == prio[{job}] && ({_before(setup, other, job)})")
    return f"pending({job}) && !({any_of(parts)})"


def may_start(setup: Setup, job: int) -> str:
    rules = frozenset(Rule) - setup.without
    if Relaxation.TIES_UNORDERED in setup.admit:
        rules -= {Rule.ORDER}
    ahead = _none_ahead(setup, job, equals=False, rules=rules)
    return f"free && {ahead}" if Rule.FREE_WORKER in rules else ahead


def first(setup: Setup, job: int) -> str:
    """None is before this Pending job; where equals have no order, each is before the other."""
    equals = Relaxation.TIES_UNORDERED in setup.admit
    return _none_ahead(setup, job, equals=equals, rules=frozenset(Rule))
