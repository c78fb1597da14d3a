"""The engine as a Promela model, checked by Spin: safety, and what must come eventually.

This proof shares `spec.table` and `spec.relaxations.taken_for` with the other two, and no
more: the rules of the engine (docstring of `spec.engine`, design 2.2) are stated here once
again, in Promela, and the numbers of reachable states and of moves are held against the
explorer's.

**The state.** For each job ``st`` (0: not submitted; then the states in the order of
`State`; last: gone), ``prio``, ``steps``, ``done``, ``shown``, ``err``, ``asked``, ``phase``;
then ``queue`` and ``hist``, lists of job numbers plus one, filled from the front, zero
behind. A job that is gone or not yet submitted is all zero. So equal engines are equal states.
Scratch variables are `hidden`: Spin does not count them as part of the state; and it is told
not to save on variables that it finds dead or write-only (-o1, -o2).

**The moves.** One process, one loop, one guarded ``d_step`` for each event or move and each
job, no partial-order reduction: what Spin stores is what the engine can be in, and nothing
between. There is no set-up step to be taken off. Where a job goes is asked of the table; where
the table has no edge (a mutant of it) there is no such move, and an action does nothing. What
does not depend on the table (`Rule`): which job starts; a job that becomes Pending goes to the
end of the queue and one that stops being Pending leaves it; a completed job enters the
history, from whose front the surplus is dropped, and one that is no longer completed leaves
it; requests end with the run. The environment is the explorer's (`spec.proofs.explore`).

**Two variants.** `Variant.SAFETY` submits jobs in the order of their numbers, as the explorer
does, makes refused actions, too, and checks assertions after each move. In `Variant.LIVENESS`
jobs may be submitted in any order, which makes their numbers interchangeable: what holds for
job 0, the observed one, holds for every job. Actions that change nothing are left out; instead
it is a move that nothing happens. It adds ghosts, which no guard of the engine's moves reads:
``last`` (the kind of the last move) and, of job 0, ``cancel_due`` and ``pause_due``: KEPT;
DUE, when the action was answered 200 and is not yet honoured; BROKEN, for good, when a step
began while it was due. So "leads to Failure, and no further step begins" is one formula, and a
job that is resubmitted after its Failure and canceled again begins anew.

**Fairness** is written into the formulas, not taken from Spin's ``-f``, which knows only
processes. Weak fairness of a kind of moves: if from some point on one of that kind is always
possible, one is made; ``[]<>(!possible || made)``. The kinds: *run* of job 0 (its worker's
moves, and its surroundings': a POST on its way arrives, and the peer replies), *run* of the
others, taken together, *start* (a free worker takes a job), *delay* of job 0 (its Retry delay
ends). Clients are not fair: they may do anything at any time, or never anything again. Each
formula assumes only the kinds that it needs (`Eventually.fair`). Of a kind that is not possible
nothing is assumed, so a missing edge is not assumed away; and among the moves of one kind the
choice is free: nothing says that a step ever succeeds.

**What is not proved.** Only the scopes given; z3 has the safety properties for any number.
That a chain of retries ends is not promised: a step may ask for Retry for ever, each time after
a delay that ends. ``retry-leaves`` says little more than its assumption, that a delay ends:
that the edge is there, and can always be taken. A Pending job before which others are put for
ever, by their priority, may wait for ever. Progress and ErrorCode are checked as far as
`ASSERTED` says. That a refused action changes nothing holds here by construction, and so is
not counted as proved; nor is that each action of the table is ever of use: a table without the
way back from Failure or from Paused breaks no promise, and only the explorer's *sometimes*
notices it. Restarts and the passing of time are not modelled.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from itertools import combinations
from pathlib import Path

from spec import table
from spec.proofs import Checked, NotInstalled, ProofEngine, Scope, Verdict
from spec.properties import BY_NAME
from spec.relaxations import NONE, Relaxation, taken_for
from spec.table import (
    FINAL,
    STAY,
    Action,
    Asked,
    Cell,
    Edge,
    Ended,
    ErrorCode,
    Move,
    State,
    Trigger,
)

# --- what a model is made from ----------------------------------------------------------------


STATES = list(State)
ASKED = list(Asked)


@dataclass(frozen=True)
class Table:
    """The tables of `spec.table` as one value, so that a mutant can be put in their place."""

    edges: tuple[Edge, ...]
    cells: dict[tuple[State | str, Action], Cell]
    boundary: dict[Asked, dict[Ended, tuple[Trigger | str, ...]]]

    def target(self, source: State | None, trigger: Trigger) -> State | None:
        found = [e.target for e in self.edges if e.source is source and e.trigger == trigger]
        return found[0] if found else None


def published() -> Table:
    """The table as it stands in `spec.table`."""
    rows: list[State | str] = [*STATES, table.UNKNOWN]
    cells = {(row, action): table.cell(row, action) for row in rows for action in Action}
    return Table(table.EDGES, cells, table.BOUNDARY)


class Rule(StrEnum):
    """What the model knows beside the table. A test switches each off, and must notice."""

    FREE_WORKER = "free-worker"  # a job starts only while fewer than ConcurrentJobs run
    PRIORITY = "priority"  # not while one of higher priority is Pending
    ORDER = "order"  # nor while an equal one became Pending earlier
    EVICTION = "eviction"  # the history is cut to its size
    LEAVE_HISTORY = "leave-history"  # a resubmitted job is no longer in it
    LEAVE_QUEUE = "leave-queue"  # a job that is no longer Pending is not in the queue
    REQUESTS_END = "requests-end"  # a run's requests end with it
    LOOK_FIRST = "look-first"  # a step begins only when nothing was asked for
    ARRIVAL = "arrival"  # a step's POST arrives
    REPLY = "reply"  # the peer replies


class Variant(StrEnum):
    SAFETY = "safety"
    LIVENESS = "liveness"


class Phase(StrEnum):
    """Where the worker of a Running job stands."""

    NONE = "none"
    READY = "ready"
    SENT = "sent"
    HELD = "held"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SHOWN = "failure-shown"
    RETRYING = "retrying"


REPLIES = {
    "succeed": Phase.SUCCEEDED,
    "fail": Phase.FAILED,
    "retry": Phase.RETRYING,
}


@dataclass(frozen=True)
class Setup:
    """All that a model depends on.

    ``without``: the rules that a test switched off. ``unasserted``: properties not to be checked.
    """

    scope: Scope
    variant: Variant
    admit: frozenset[Relaxation] = NONE
    table: Table = field(default_factory=published)
    without: frozenset[Rule] = frozenset()
    unasserted: frozenset[str] = frozenset()


# --- the model ----------------------------------------------------------------------------------


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
    Action.CANCEL: [state for state in State if state not in FINAL],
    Action.PAUSE: [state for state in State if state not in FINAL and state is not State.PAUSED],
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


def is_(state: State) -> str:
    return f"S_{state.upper()}"


def at(phase: Phase) -> str:
    return f"P_{phase.upper().replace('-', '_')}"


def any_of(parts: Iterable[str]) -> str:
    """A disjunction; ``false`` when it is empty."""
    found = list(dict.fromkeys(parts))
    return " || ".join(f"({part})" for part in found) if found else "false"


def one_of(variable: str, asked: Iterable[Asked]) -> str:
    return any_of(
        f"{variable} == {ASKED.index(one)}" for one in sorted(set(asked), key=ASKED.index)
    )


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


def _may_start(setup: Setup, job: int) -> str:
    rules = frozenset(Rule) - setup.without
    if Relaxation.TIES_UNORDERED in setup.admit:
        rules -= {Rule.ORDER}
    ahead = _none_ahead(setup, job, equals=False, rules=rules)
    return f"free && {ahead}" if Rule.FREE_WORKER in rules else ahead


def _first(setup: Setup, job: int) -> str:
    """None is before this Pending job; where equals have no order, each is before the other."""
    equals = Relaxation.TIES_UNORDERED in setup.admit
    return _none_ahead(setup, job, equals=equals, rules=frozenset(Rule))


# --- what is asserted ---------------------------------------------------------------------------


def invariants(setup: Setup) -> dict[str, str]:
    """What must be true of each state: property, condition."""
    scope = setup.scope
    jobs = range(scope.jobs)

    def every(condition: str) -> str:
        return " && ".join(f"({condition.format(k, k + 1)})" for k in jobs)

    def times(array: str) -> str:
        return "(" + " + ".join(f"({array}[{i}] == {{1}})" for i in jobs) + ")"

    final = any_of(f"st[{{0}}] == {is_(state)}" for state in STATES if state in FINAL)
    told = "done[{0}] == steps[{0}] && shown[{0}] == steps[{0}] && err[{0}] == 0"
    return {
        "running-bounded": f"n_running <= {scope.workers}",
        "history-bounded": f"{' + '.join(f'(hist[{i}] != 0)' for i in jobs)} <= {scope.history}",
        "history-iff-completed": every(f"{times('hist')} == ({final})"),
        "queue-iff-pending": every(f"{times('queue')} == pending({{0}})"),
        "requests-only-running": every("asked[{0}] == 0 || running({0})"),
        "worker-iff-running": every(f"(phase[{{0}}] != {at(Phase.NONE)}) == running({{0}})"),
        "outcome-told": every(
            f"(st[{{0}}] != {is_(State.SUCCESS)} || ({told})) "
            f"&& (st[{{0}}] != {is_(State.FAILURE)} || err[{{0}}] != 0)"
        ),
    }


REMEMBERED = ("st", "prio", "steps", "done", "shown", "err", "asked", "phase")


def obligations(setup: Setup, option: Option) -> tuple[tuple[str, str], ...]:
    """What must be true of one move, with ``was_…`` before it: property, condition."""
    job = option.job
    others = [k for k in range(setup.scope.jobs) if k != job]
    fallen = "st[{0}] == GONE && (" + any_of(f"was_st[{{0}}] == {is_(s)}" for s in FINAL) + ")"
    same = " && ".join(f"{array}[{{0}}] == was_{array}[{{0}}]" for array in REMEMBERED)

    def rest(condition: str) -> list[str]:
        return [condition.format(k) for k in others]

    def owed(action: Action) -> str:
        if option.client:
            return "true" if option.trigger is action else "false"
        if option.kind == run_kind(job):
            return one_of(f"was_asked[{job}]", (Asked(action), Asked.BOTH))
        return "false"

    leads = [
        (was, edge.target)
        for edge in setup.table.edges
        if edge.trigger == option.trigger
        for was in ("NEW" if edge.source is None else is_(edge.source),)
    ]
    steps = [f"was_st[{job}] == {was} && st[{job}] == {is_(goes_to)}" for was, goes_to in leads]
    if setup.scope.history == 0:
        steps += [
            f"was_st[{job}] == {was} && st[{job}] == GONE"
            for was, goes_to in leads
            if goes_to in FINAL
        ]
    canceled = int(ErrorCode.CANCELED_JOB)
    left = f"was_st[{job}] != {is_(State.RUNNING)} || "
    step_failed = any_of(f"was_phase[{job}] == {at(p)}" for p in (Phase.FAILED, Phase.SHOWN))
    step_retries = f"was_phase[{job}] == {at(Phase.RETRYING)}"
    ready = f"was_phase[{job}] == {at(Phase.READY)}"
    at_peer = any_of(f"was_phase[{job}] == {at(p)}" for p in (Phase.SENT, Phase.HELD))
    ends = {
        State.SUCCESS: f"{ready} && was_done[{job}] == was_steps[{job}]",
        State.FAILURE: f"{step_failed} || {owed(Action.CANCEL)}",
        State.RETRY: f"{step_retries} || {step_failed}",
        State.PENDING: f"!({at_peer})",
        State.PAUSED: f"!({at_peer})",
    }
    found = {
        "success-final": " && ".join(
            f"(was_st[{k}] != {is_(State.SUCCESS)} || st[{k}] == GONE || ({same.format(k)}))"
            for k in (job, *others)
        ),
        "canceled-only-by-cancel": " && ".join(
            [
                f"(err[{job}] != {canceled} || was_err[{job}] == {canceled} "
                f"|| ({owed(Action.CANCEL)}))",
                *(f"(err[{k}] != {canceled} || was_err[{k}] == {canceled})" for k in others),
            ]
        ),
        "paused-only-by-pause": f"st[{job}] != {is_(State.PAUSED)} "
        f"|| was_st[{job}] == {is_(State.PAUSED)} || ({owed(Action.PAUSE)})",
        "refinement": " && ".join(
            f"({one})"
            for one in (
                any_of([f"st[{job}] == was_st[{job}]", fallen.format(job), *steps]),
                *rest(f"(st[{{0}}] == was_st[{{0}}]) || ({fallen})"),
            )
        ),
        "others-untouched": " && ".join(rest(f"(({same}) || ({fallen}))")) or "true",
        "ends-as-its-step-ended": left
        + " && ".join(f"(st[{job}] != {is_(s)} || ({how}))" for s, how in ends.items()),
    }
    return tuple(found.items())


def _flag(name: str) -> str:
    """Spin names the variable of an assertion that fails, so it bears the property's name."""
    return name.replace("-", "_")


ASSERTED = (
    "running-bounded",
    "history-bounded",
    "history-iff-completed",
    "queue-iff-pending",
    "requests-only-running",
    "worker-iff-running",
    "outcome-told",
    "priority-not-passed-over",
    "ties-in-order",
    "success-final",
    "canceled-only-by-cancel",
    "paused-only-by-pause",
    "refinement",
    "others-untouched",
    "ends-as-its-step-ended",
)
"""The *always* properties that Spin decides."""


# --- what comes eventually ----------------------------------------------------------------------


@dataclass(frozen=True)
class Eventually:
    """One promise as LTL. ``fair``: the kinds of moves that are assumed fair; ``meets``: what
    must be possible in a fair run for the promise to say anything (name, formula)."""

    name: str
    fair: tuple[str, ...]
    promise: str
    meets: tuple[tuple[str, str], ...]

    @property
    def formula(self) -> str:
        return f"{self.assumption} -> {self.promise}"

    @property
    def assumption(self) -> str:
        return "(" + " && ".join(f"[]<> fair_{kind}" for kind in self.fair) + ")"


def eventually(setup: Setup) -> tuple[Eventually, ...]:
    """The promises about job 0; all jobs are alike in `Variant.LIVENESS`."""
    own = run_kind(0)
    waits = "first_0 && !free" if setup.scope.jobs > setup.scope.workers else "first_0"

    def heard_of(action: Action) -> tuple[tuple[str, str], ...]:
        return tuple(
            (f"{action}-in-{state.lower()}", f"(last == {heard(action, state)})")
            for state in HEARD[action]
        )

    return (
        Eventually(
            "cancel-honoured",
            (own,),
            "[] ((cancel_due != KEPT) -> <> (cancel_due == KEPT))",
            heard_of(Action.CANCEL),
        ),
        Eventually(
            "pause-honoured",
            (own,),
            "[] ((pause_due != KEPT) -> <> (pause_due == KEPT))",
            heard_of(Action.PAUSE),
        ),
        Eventually(
            "pending-runs",
            (OTHERS_RUN, START) if setup.scope.jobs > 1 else (START,),
            "[] ((pending(0) && [] undisturbed_0) -> <> running(0))",
            (("first-in-the-queue", f"({waits} && [] undisturbed_0)"),),
        ),
        Eventually(
            "running-leaves",
            (own,),
            "[] (running(0) -> <> !running(0))",
            (("a-running-job", "running(0)"),),
        ),
        Eventually(
            "retry-leaves",
            (delay_kind(0),),
            "[] (retrying_0 -> <> !retrying_0)",
            (("a-job-in-retry", "retrying_0"),),
        ),
    )


# --- the text -----------------------------------------------------------------------------------


_LIST = """
inline append_LIST(job) {
  at = 0;
  do
  :: at < JOBS && LIST[at] != 0 -> at++
  :: else -> break
  od;
  if
  :: at < JOBS -> LIST[at] = job + 1
  :: else
  fi
}
inline drop_LIST(job) {
  at = 0;
  do
  :: at < JOBS && LIST[at] != job + 1 -> at++
  :: else -> break
  od;
  if
  :: at < JOBS ->
    do
    :: at + 1 < JOBS -> LIST[at] = LIST[at + 1]; at++
    :: else -> LIST[at] = 0; break
    od
  :: else
  fi
}
"""


def model(setup: Setup) -> str:
    """The Promela text."""
    scope, jobs = setup.scope, range(setup.scope.jobs)
    found = list(options(setup))
    codes = {
        "NEW": 0,
        **{is_(state): 1 + i for i, state in enumerate(STATES)},
        "GONE": 1 + len(STATES),
        **{at(phase): i for i, phase in enumerate(Phase)},
        **{kind: i for i, kind in enumerate(kinds(setup))},
        "KEPT": 0,
        "DUE": 1,
        "BROKEN": 2,
        "JOBS": scope.jobs,
    }
    lines = [
        f"/* Generated from spec/table.py by {__name__}: {setup.variant}, {scope}. */",
        *(f"#define {name} {code}" for name, code in codes.items()),
        f"#define pending(job) (st[job] == {is_(State.PENDING)})",
        f"#define running(job) (st[job] == {is_(State.RUNNING)})",
        f"#define n_running ({' + '.join(f'running({k})' for k in jobs)})",
        f"#define free (n_running < {scope.workers})",
        *(f"#define may_start_{k} ({_may_start(setup, k)})" for k in jobs),
        *(f"byte {array}[JOBS];" for array in (*REMEMBERED, "queue", "hist")),
        "hidden byte at;",
        "hidden byte who;",
    ]
    if setup.variant is Variant.LIVENESS:
        lines += [
            "byte last;",
            "byte cancel_due;",
            "byte pause_due;",
            f"#define first_0 ({_first(setup, 0)})",
            f"#define retrying_0 (st[0] == {is_(State.RETRY)})",
            "#define disturbed_0 ("
            + any_of(f"last == {heard(action, State.PENDING)}" for action in HEARD)
            + ")",
            "#define undisturbed_0 ((!pending(0) || first_0) && !disturbed_0)",
        ]
        lines += _fairness(setup, found)
    else:
        lines += [f"hidden byte was_{array}[JOBS];" for array in REMEMBERED]
        lines += [f"hidden byte {_flag(name)};" for name in ASSERTED]
    lines += [_LIST.replace("LIST", name) for name in ("queue", "hist")]
    lines += [*_forget(setup), "active proctype engine() {", "  do"]
    if setup.variant is Variant.SAFETY:
        lines += _watch(setup)
    if setup.variant is Variant.LIVENESS:
        lines.append("  :: d_step { true -> last = OTHER }  /* clients may do nothing, for ever */")
    lines += ["  :: d_step { " + _step(setup, option) + " }" for option in found]
    lines += ["  od", "}"]
    if setup.variant is Variant.LIVENESS:
        for promise in eventually(setup):
            lines.append(f"ltl {ltl_name(promise.name)} {{ {promise.formula} }}")
            for name, condition in promise.meets:
                met = f"{promise.assumption} && <> {condition}"
                lines.append(f"ltl {never(promise, name)} {{ !({met}) }}")
    return "\n".join(lines) + "\n"


def _fairness(setup: Setup, found: Sequence[Option]) -> Iterator[str]:
    """For each kind of moves: none is possible, or one was made."""
    others = range(1, setup.scope.jobs)
    delays = any_of(option.guard for option in found if option.kind == delay_kind(0))
    starts = any_of(option.guard for option in found if option.kind == START)
    for name, possible, made in (
        (run_kind(0), can_run(found, 0), [run_kind(0)]),
        (OTHERS_RUN, any_of(can_run(found, k) for k in others), [run_kind(k) for k in others]),
        (START, starts, [START]),
        (delay_kind(0), delays, [delay_kind(0)]),
    ):
        was_made = any_of(f"last == {kind}" for kind in made)
        yield f"#define fair_{name} (!({possible}) || {was_made})"


def never(promise: Eventually, met: str) -> str:
    """The name of the claim that says that in no fair run this is ever met."""
    return ltl_name(f"never_{promise.name}_{met}")


def ltl_name(name: str) -> str:
    return re.sub(r"\W", "_", name)


def _forget(setup: Setup) -> Iterator[str]:
    """`cut`: while the history is too long, the job that completed first is gone."""
    clear = "; ".join(f"{array}[who] = 0" for array in REMEMBERED)
    yield "inline cut() {"
    if Rule.EVICTION not in setup.without and setup.scope.history < setup.scope.jobs:
        yield "  do"
        yield f"  :: hist[{setup.scope.history}] != 0 ->"
        yield f"    who = hist[0] - 1; drop_hist(who); {clear}; st[who] = GONE"
        yield "  :: else -> break"
        yield "  od"
    else:
        yield "  skip"
    yield "}"


def _watch(setup: Setup) -> Iterator[str]:
    """An option that is possible in no good state, and says of a bad one what is wrong with it."""
    wanted = {k: v for k, v in invariants(setup).items() if k not in setup.unasserted}
    if wanted:
        good = " && ".join(f"({condition})" for condition in wanted.values())
        checks = "; ".join(
            f"{_flag(name)} = ({condition}); assert({_flag(name)})"
            for name, condition in wanted.items()
        )
        yield f"  :: d_step {{ !({good}) -> {checks} }}"


def _step(setup: Setup, option: Option) -> str:
    event = f'printf("@ {option.event} %d\\n", st[{option.job}])'
    if setup.variant is Variant.LIVENESS:
        return f"{option.guard} -> " + "; ".join([*option.effect, f"last = {option.kind}", event])
    if not option.effect:  # then nothing changes, and there is nothing to check
        return f"{option.guard} -> {event}"
    before = [f"{_flag(name)} = ({condition})" for name, condition in option.asserts]
    after = [f"{_flag(name)} = ({condition})" for name, condition in obligations(setup, option)]
    remember = [
        f"was_{array}[{k}] = {array}[{k}]" for array in REMEMBERED for k in range(setup.scope.jobs)
    ]
    asserts = [
        f"assert({_flag(name)})"
        for name, _ in (*option.asserts, *obligations(setup, option))
        if name not in setup.unasserted
    ]
    if asserts:
        lines = [*before, *remember, *option.effect, event, *after, *asserts]
    else:
        lines = [*option.effect, event]
    return f"{option.guard} -> " + "; ".join(lines)


# --- Spin ---------------------------------------------------------------------------------------


COMPILERS = ("gcc", "cc", "clang")
SAFETY_FLAGS = ("-DSAFETY", "-DNOCLAIM")
LIVENESS_FLAGS = ("-DNOFAIR",)
DEPTHS = (1_000_000, 8_000_000)  # of the search; each costs about 46 bytes
SHORT = (2, 4, 6, 8, 10, 12, 14, 17, 20, 24, 28, 34, 40, 50, 70, 100, 200)
"""The depths at which a short trail is looked for."""


@dataclass(frozen=True)
class Limits:
    """What searches may cost: ``seconds`` and ``megabytes`` each, ``at_once`` of them.

    ``hash_bits``: the size of the table of states, best as many bits as the states' number has.
    """

    seconds: float = 300.0
    megabytes: int = 700
    at_once: int = 2
    hash_bits: int = 22


def available() -> str | None:
    """What is missing to run Spin, in words; None when nothing is."""
    missing = []
    if shutil.which("spin") is None:
        missing.append("`spin` (Debian's package spin)")
    if _compiler() is None:
        missing.append(f"a C compiler ({', '.join(COMPILERS)})")
    return " and ".join(missing) + " not found on PATH" if missing else None


def _compiler() -> str | None:
    return next((name for name in COMPILERS if shutil.which(name)), None)


@dataclass(frozen=True)
class Event:
    """One thing that happened, as a trail has it.

    ``what``: submit, act, arrive, reply or move. ``details``: of a submission its priority and
    number of steps, of an action its name and status, of a reply or a move its name.
    ``state``: the job's state after it, or ``gone``.
    """

    what: str
    job: int
    details: tuple[str, ...]
    state: str

    def __str__(self) -> str:
        job = "an unknown id" if self.job == NOBODY else f"job {self.job}"
        details = self.details
        match self.what:
            case "submit":
                text = f"{job} is submitted, with priority {details[0]} and {details[1]} steps"
            case "act":
                text = f"{details[0]} of {job} is answered {details[1]}"
            case "arrive":
                text = f"a step of {job} arrives"
            case "reply":
                text = f"the peer lets the step of {job} {details[0]}"
            case _:
                text = f"{job} does '{details[0]}'"
        return f"{text}: {self.state}"


@dataclass(frozen=True)
class Trail:
    """A counterexample: what happened, and, for a promise, what then goes on for ever."""

    stem: tuple[Event, ...]
    loop: tuple[Event, ...] | None = None

    def __str__(self) -> str:
        lines = [f"{number}. {event}" for number, event in enumerate(self.stem, 1)]
        if self.loop is not None:
            lines.append("and then for ever:" if self.loop else "and then nothing happens any more")
            lines += [f"   {event}" for event in self.loop]
        return "\n".join(lines)


def parse_trail(text: str) -> Trail:
    """The trail that ``pan -r`` printed: our own lines, and Spin's mark where a cycle begins."""
    stem: list[Event] = []
    loop: list[Event] | None = None
    for line in text.splitlines():
        if "START OF CYCLE" in line:
            loop = []
        elif line.strip().startswith("@ "):
            what, job, *details, code = line.split()[1:]
            state = dict(enumerate(STATES, 1)).get(int(code), "gone")
            (stem if loop is None else loop).append(Event(what, int(job), tuple(details), state))
    return Trail(tuple(stem), None if loop is None else tuple(loop))


@dataclass(frozen=True)
class Search:
    """What one run of the verifier came to.

    ``failed``: it found an error. ``assertion``: the property whose assertion it was.
    ``unknown``: why nothing can be concluded, if so; never set together with ``failed``.
    """

    states: int = 0
    moves: int = 0
    depth: int = 0
    seconds: float = 0.0
    failed: bool = False
    assertion: str | None = None
    unknown: str | None = None

    @property
    def verdict(self) -> Verdict:
        if self.failed:
            return Verdict.FAILS
        return Verdict.HOLDS if self.unknown is None else Verdict.UNKNOWN


_TRUNCATED = {
    "max search depth too small": "the search was too deep",
    "out of memory": "out of memory",
    "MEMLIM": "out of memory",
    "Search not completed": "the search was not completed",
}


def parse_search(text: str, status: int | None) -> Search:
    """What the verifier printed. ``status``: its exit status, None if it was stopped."""

    def number(pattern: str) -> int:
        found = re.search(pattern, text)
        return int(found[1]) if found else 0

    states, depth = number(r"(\d+) states, stored"), number(r"depth reached (\d+)")
    moves = max(0, number(r"(\d+) transitions") - 1)  # the initial state counts as one
    errors = re.search(r"errors: (\d+)", text)
    wrong = re.search(r"^pan:1: (.*?) \(at depth", text, re.MULTILINE)
    if wrong and ("assertion violated" in wrong[1] or "acceptance cycle" in wrong[1]):
        named = re.match(r"assertion violated \W*(\w+)", wrong[1])
        name = named[1].replace("_", "-") if named else None
        return Search(states, moves, depth, failed=True, assertion=name)
    unknown = None
    if status is None:
        unknown = "out of time"
    elif cut := next((why for sign, why in _TRUNCATED.items() if sign in text), None):
        unknown = cut
    elif status != 0 or errors is None or int(errors[1]) or not states:
        unknown = f"Spin's verifier: {wrong[1] if wrong else f'exit status {status}'}"
    return Search(states, moves, depth, unknown=unknown)


class SpinFailed(RuntimeError):
    """Spin or the compiler rejected a model: a fault of this module, not of the specification."""


class Workshop:
    """A temporary folder, and the processes that run in it; both are gone when it is left."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._closed = False
        self._builds = 0

    def __enter__(self) -> Workshop:
        self._folder = tempfile.TemporaryDirectory(prefix="orthanc-jobs-spin-")
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._folder.cleanup()

    def stop(self) -> None:
        """Kill what runs, and start nothing more."""
        with self._lock:
            self._closed = True
            for process in self._running:
                _kill(process)

    def run(self, command: Sequence[str], folder: Path) -> tuple[str, int | None]:
        """The output of a command and its status; None if it had to be stopped."""
        with self._lock:
            if self._closed:
                return "", None
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, "TMPDIR": str(folder)},  # a killed compiler leaves files there
                process_group=0,
                text=True,
                errors="replace",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            self._running.add(process)
        try:
            output, _ = process.communicate(timeout=self.limits.seconds)
            return output, process.returncode
        except subprocess.TimeoutExpired:
            return "", None
        finally:
            _kill(process)
            process.communicate()
            with self._lock:
                self._running.discard(process)

    def build(self, setup: Setup, *flags: str) -> Verifier:
        """The verifier of a model. `SpinFailed`: it could not be made."""
        with self._lock:
            self._builds += 1
            folder = Path(self._folder.name) / str(self._builds)
        folder.mkdir()
        (folder / "model.pml").write_text(model(setup), encoding="ascii")
        compiler = _compiler() or "cc"
        variant = SAFETY_FLAGS if setup.variant is Variant.SAFETY else LIVENESS_FLAGS
        limit = f"-DMEMLIM={self.limits.megabytes}"
        # A job's record is the state, even where the model never reads it: in the safety variant
        # Spin must not save on dead (-o1) and write-only (-o2) variables.
        keep = ["-o1", "-o2"] if setup.variant is Variant.SAFETY else []
        for command in (
            ["spin", f"-P{compiler} -E -x c", *keep, "-a", "model.pml"],
            [compiler, "-O1", "-w", "-DNOREDUCE", limit, *variant, *flags, "-o", "pan", "pan.c"],
        ):
            output, status = self.run(command, folder)
            if status != 0:
                raise SpinFailed(f"{' '.join(command)}: {status}: {output[-2000:]}")
        return Verifier(self, folder)


def _kill(process: subprocess.Popen[str]) -> None:
    """Kill a process that still runs with all that it has started: a compiler is several."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


@dataclass(frozen=True)
class Verifier:
    """A compiled model. Searches for different claims may run at the same time."""

    shop: Workshop
    folder: Path

    def search(self, claim: str | None = None, depths: Sequence[int] = DEPTHS) -> Search:
        """Look for a violation of the assertions or of an LTL claim, everywhere."""
        begun = time.perf_counter()
        found = Search()
        for depth in depths:
            found = self._search(claim, depth)
            if found.unknown != _TRUNCATED["max search depth too small"]:
                break
        return replace(found, seconds=time.perf_counter() - begun)

    def _search(self, claim: str | None, depth: int) -> Search:
        folder = self.folder / (claim or "assertions")
        folder.mkdir(exist_ok=True)
        options = [
            "-E",
            f"-w{self.shop.limits.hash_bits}",
            f"-m{depth}",
            *(["-a", "-N", claim] if claim else []),
        ]
        return parse_search(*self.shop.run([str(self.folder / "pan"), *options], folder))

    def trail(self, found: Search, claim: str | None = None) -> Trail:
        """The trail of the violation that this search has found."""
        self._search(claim, found.depth + 1)
        return self._replay(claim)

    def shortest(self, claim: str | None = None) -> Trail | None:
        """The trail of a violation that was looked for at increasing depths, if one was found."""
        for depth in SHORT:
            if self._search(claim, depth).failed:
                return self._replay(claim)
        return None

    def _replay(self, claim: str | None) -> Trail:
        folder = self.folder / (claim or "assertions")
        options = ["-r", *(["-N", claim] if claim else [])]
        text, _ = self.shop.run([str(self.folder / "pan"), *options], folder)
        return parse_trail(text)


# --- the proof ----------------------------------------------------------------------------------


LARGEST = Scope(jobs=2, workers=1, history=1, priorities=2, steps=2)
"""What is searched by default: two jobs in want of one worker, of one place in the history."""


def within(scope: Scope, largest: Scope = LARGEST) -> Scope:
    """The scope, no larger in anything than ``largest``."""
    return Scope(
        **{name: min(size, getattr(largest, name)) for name, size in asdict(scope).items()}
    )


def count(
    scope: Scope,
    *,
    admit: frozenset[Relaxation] = NONE,
    limits: Limits | None = None,
    flags: Sequence[str] = (),
) -> Search:
    """The number of states and of moves of a scope: what the explorer finds without symmetry.

    ``flags``: for the compiler, behind ours; with -O2 it takes longer, and the search less long.
    """
    _needed()
    setup = Setup(scope, Variant.SAFETY, admit, unasserted=frozenset(ASSERTED))
    with Workshop(limits or Limits()) as shop:
        return shop.build(setup, *flags).search()


def check(
    scope: Scope,
    admitted: frozenset[Relaxation] = NONE,
    *,
    whole: bool = False,
    limits: Limits | None = None,
    tables: Table | None = None,
    without: frozenset[Rule] = frozenset(),
    flags: Sequence[str] = (),
) -> Iterator[Checked]:
    """Check what Spin decides: `ASSERTED`, and the promises of `eventually`.

    The scope is cut down to `LARGEST`, unless it is wanted ``whole``; each result bears the
    scope that was searched. ``tables`` and ``without`` make a mutant. ``flags``: for the
    compiler, behind ours. A search that ran out
    of time, memory or depth is `Verdict.UNKNOWN`. A promise whose antecedent is met in no fair
    run fails: it would say nothing. Raises `NotInstalled`.
    """
    _needed()
    limits = limits or Limits()
    scope = scope if whole else within(scope)
    setup = Setup(scope, Variant.SAFETY, admitted, table=tables or published(), without=without)
    with Workshop(limits) as shop, ThreadPoolExecutor(limits.at_once) as pool:
        try:
            # Two threads, and no task that waits for one that is behind it.
            lively = replace(setup, variant=Variant.LIVENESS)
            built = pool.submit(shop.build, lively, *flags)
            safe = pool.submit(_safety, shop, setup, flags)
            verifier = built.result()
            promised = [
                pool.submit(_promise, verifier, lively, promise) for promise in eventually(lively)
            ]
            yield from safe.result()
            for task in promised:
                yield task.result()
        finally:
            shop.stop()
            pool.shutdown(cancel_futures=True)


def _needed() -> None:
    missing = available()
    if missing is not None:
        raise NotInstalled(missing)


def _checked(setup: Setup, name: str, found: Search, verdict: Verdict, evidence: str) -> Checked:
    modality = BY_NAME[name].modality
    return Checked(
        name,
        modality,
        ProofEngine.SPIN,
        str(setup.scope),
        verdict,
        found.states,
        found.seconds,
        evidence,
    )


def _safety(shop: Workshop, setup: Setup, flags: Sequence[str]) -> list[Checked]:
    """All assertions in one search; one that fails is taken out, and the search is made again."""
    results: dict[str, Checked] = {}
    while True:
        setup = replace(setup, unasserted=frozenset(results))
        verifier = shop.build(setup, *flags)
        found = verifier.search()
        name = found.assertion
        if not found.failed or name is None or name in results:
            break
        # With -DREACH, a search of limited depth overlooks nothing within it.
        trail = shop.build(setup, *flags, "-DREACH").shortest() or verifier.trail(found)
        evidence = str(trail)
        results[name] = _checked(setup, name, found, Verdict.FAILS, evidence)
    rest = Verdict.HOLDS if found.verdict is Verdict.HOLDS else Verdict.UNKNOWN
    for name in ASSERTED:
        if name not in results:
            results[name] = _checked(setup, name, found, rest, found.unknown or "")
    return [results[name] for name in ASSERTED]


def _promise(verifier: Verifier, setup: Setup, promise: Eventually) -> Checked:
    """One promise, and then whether it says anything."""
    claim = ltl_name(promise.name)
    found = verifier.search(claim)
    if found.failed:
        evidence = str(verifier.shortest(claim) or verifier.trail(found, claim))
        return _checked(setup, promise.name, found, Verdict.FAILS, evidence)
    verdict, evidence = found.verdict, found.unknown or ""
    for name, _ in promise.meets if verdict is Verdict.HOLDS else ():
        met = verifier.search(never(promise, name))
        if met.verdict is Verdict.HOLDS:
            verdict, evidence = Verdict.FAILS, f"it is never met: {name}"
            break
        if met.verdict is Verdict.UNKNOWN:
            verdict, evidence = Verdict.UNKNOWN, f"whether {name} is ever met: {met.unknown}"
            break
    return _checked(setup, promise.name, found, verdict, evidence)
