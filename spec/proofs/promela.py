"""The engine as a Promela model, checked by Spin: safety, and what must come eventually.

This is the second of three proofs. It shares `spec.table`, `spec.relaxations.taken_for` and
nothing else with the explorer and the z3 proof: the rules of the engine (docstring of
`spec.engine`, design 2.2) are stated here once more, in Promela, and the number of reachable
states is held against the explorer's.

**The state.** For each job ``st`` (0: not submitted; then the states in the order of
`State`; last: gone), ``prio``, ``done``, ``shown``, ``err``, ``asked``, ``phase``; then
``queue`` and ``hist``, lists of job numbers plus one, filled from the front, zero behind. A
job that is gone or not yet submitted is all zero. So equal engines are equal states. Scratch
variables are `hidden`: Spin does not count them as part of the state.

**The moves.** One process, one loop, one guarded ``d_step`` for each event or move and each
job: what Spin stores is what the engine can be in, and nothing between. There is no set-up
step. Where a job goes is asked of the table; where the table has no edge (a mutant of it)
there is no such move, and an action does nothing. What does not depend on the table: a job
that becomes Pending goes to the end of the queue and one that stops being Pending leaves it;
a completed job enters the history, from whose front the surplus is dropped, and one that is
no longer completed leaves it; requests end with the run.

**Two variants.** `Variant.SAFETY` submits jobs in the order of their numbers, as the explorer
does, and checks assertions after each move; breadth first, so its trails are shortest. In
`Variant.LIVENESS` jobs may be submitted in any order, which makes their numbers
interchangeable: what holds for job 0, the observed one, holds for every job. It adds ghosts,
which no guard reads: ``last`` (what kind of move was the last one) and, of job 0,
``cancel_due`` and ``pause_due`` (answered 200, and not yet honoured).

**Fairness** is written into the formulas, not taken from Spin's ``-f``, which knows only
processes. Weak fairness of a kind of moves: if from some point on one of that kind is always
possible, one is made; ``[]<>(!can || made)``. The kinds: *run* of a job (its worker's moves,
and its surroundings': a POST on its way arrives, and the peer replies), *start* (a free
worker takes a job), *delay* of a job (its Retry delay ends). Clients are not fair: they may
do anything at any time, or never anything again. Each formula assumes only the kinds that it
needs, by `Eventually.fair`. A kind of move that is never possible is fair in vain, so a
missing edge is not assumed away.

**What is not proved.** Only the scopes given. That a chain of retries ends is not promised: a
step may ask for Retry for ever, each time after a delay that ends. ``retry-leaves`` says
little more than its assumption, that a delay ends: that the edge is there, and can always be
taken. A Pending job that others, of higher priority, are put before again and again may wait
for ever. A Retry delay "that does not end while anybody looks" (`RETRY_LATER`) is left out of
the liveness variant, as it contradicts the assumption. Restarts, evicted jobs that are named
again, and time are not modelled.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import combinations
from pathlib import Path

from spec import table
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


@dataclass(frozen=True)
class Table:
    """The tables of `spec.table` as one value, so that a mutant can be put in their place."""

    edges: tuple[Edge, ...]
    cells: dict[tuple[State, Action], Cell]
    boundary: dict[Asked, dict[Ended, tuple[Trigger | str, ...]]]

    def target(self, source: State | None, trigger: Trigger) -> State | None:
        found = [e.target for e in self.edges if e.source is source and e.trigger == trigger]
        return found[0] if found else None


def published() -> Table:
    """The table as it stands in `spec.table`."""
    cells = {(state, action): table.cell(state, action) for state in State for action in Action}
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
    """Where the worker of a Running job stands; `LATER` belongs to Retry. The order counts."""

    NONE = "none"
    READY = "ready"
    SENT = "sent"
    HELD = "held"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SHOWN = "failure-shown"
    RETRYING = "retrying"
    RETRYING_LATER = "retrying-later"
    LATER = "later"


REPLIES = {
    "succeed": Phase.SUCCEEDED,
    "fail": Phase.FAILED,
    "retry": Phase.RETRYING,
    "retry-later": Phase.RETRYING_LATER,
}

STATES = list(State)
PHASES = list(Phase)
ASKED = list(Asked)


@dataclass(frozen=True)
class Setup:
    """All that a model depends on. ``without``: the rules that a test switched off."""

    scope: Scope
    variant: Variant
    admit: frozenset[Relaxation] = NONE
    retries: bool = False
    replies: tuple[str, ...] = tuple(REPLIES)
    table: Table = field(default_factory=published)
    without: frozenset[Rule] = frozenset()
    unasserted: frozenset[str] = frozenset()


# --- the model ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Option:
    """One ``d_step`` of the loop: a guard, what it does, and the event that a trail shows.

    ``kind``: the fair kind that it belongs to (`run_kind`, `START`, `delay_kind`), or what a
    client did to job 0 (`heard`), or nothing of interest. ``trigger``: whose edge the job takes,
    if it takes one. ``asserts``: (property, condition) to be checked before it.
    """

    guard: str
    effect: tuple[str, ...]
    event: str
    job: int = 0
    kind: str = "OTHER"
    trigger: Trigger | None = None
    client: bool = False
    asserts: tuple[tuple[str, str], ...] = ()


START = "STARTED"
HEARD = {
    Action.CANCEL: [state for state in State if state not in FINAL],
    Action.PAUSE: [state for state in State if state not in FINAL and state is not State.PAUSED],
}
"""Where an action that is answered 200 must be honoured: a Paused job need not be paused."""


def run_kind(job: int) -> str:
    return f"RAN_{job}"


def delay_kind(job: int) -> str:
    return f"DELAYED_{job}"


def heard(action: Action, state: State) -> str:
    """The kind of move: the action on job 0 in ``state`` was answered 200."""
    return f"HEARD_{action.upper()}_{state.upper()}"


def kinds(setup: Setup) -> list[str]:
    """The values of ``last``."""
    jobs = range(setup.scope.jobs)
    return [
        "OTHER",
        *map(run_kind, jobs),
        START,
        *map(delay_kind, jobs),
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
    return any_of(f"{variable} == {ASKED.index(one)}" for one in sorted(set(asked), key=ASKED.index))


def outcomes(setup: Setup, asked: Asked, ended: Ended) -> Iterator[tuple[Trigger | str, Asked]]:
    """How a Running job may leave a step, and what ``asked`` was taken for.

    A failed step may count as one that asks for Retry, if nothing was asked for, or if the
    server is one that retries.
    """
    for taken in taken_for(setup.admit, asked, ended):
        for trigger in setup.table.boundary[taken][ended]:
            yield trigger, taken
    if ended is Ended.FAILED and (setup.retries or asked is Asked.NOTHING):
        yield from outcomes(setup, asked, Ended.RETRY)


def options(setup: Setup) -> Iterator[Option]:
    for job in range(setup.scope.jobs):
        yield from _submissions(setup, job)
        yield from _actions(setup, job)
        yield from _starts(setup, job)
        yield from _work(setup, job)
        yield from _surroundings(setup, job)


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
    """An accepted action, by the state that it finds. A refused one is no move at all."""
    for (state, action), cell in setup.table.cells.items():
        goes_to = setup.table.target(state, action)
        effect: tuple[str, ...] = ()
        if cell is Cell.EDGE and goes_to is not None:
            effect = tuple(_go(setup, job, state, action, goes_to))
        elif cell is Cell.ASK and action in (Action.PAUSE, Action.CANCEL):
            other = Asked.CANCEL if action is Action.PAUSE else Asked.PAUSE
            both = one_of(f"asked[{job}]", (other, Asked.BOTH))
            alone, together = ASKED.index(Asked(action)), ASKED.index(Asked.BOTH)
            effect = (f"asked[{job}] = ({both} -> {together} : {alone})",)
        kind = "OTHER"
        if setup.variant is Variant.SAFETY:
            if not effect:
                continue
        elif cell.status != 200:
            continue
        elif job == 0 and state in HEARD.get(action, ()):
            kind = heard(action, state)
            due = "cancel_due" if action is Action.CANCEL else "pause_due"
            effect = (f"{due} = ({due} == BROKEN -> BROKEN : DUE)", *effect)
        event = f"act {job} {action} {cell.status}"
        guard = f"st[{job}] == {is_(state)}"
        yield Option(guard, effect, event, job, kind, action, client=True)


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
    asked, phase, kind = f"asked[{job}]", f"phase[{job}]", run_kind(job)
    left, last = f"done[{job}] < steps[{job}]", f"done[{job}] + 1 >= steps[{job}]"
    stays = [
        one
        for one in ASKED
        if Rule.LOOK_FIRST in setup.without
        or any(trigger == STAY for trigger, _ in outcomes(setup, one, Ended.MORE))
    ]
    began = [f"{phase} = {at(Phase.SENT)}"]
    if setup.variant is Variant.LIVENESS and job == 0:
        for due in ("cancel_due", "pause_due"):
            began.append(f"{due} = ({due} != KEPT -> BROKEN : KEPT)")
    guard = f"{phase} == {at(Phase.READY)} && {left} && ({one_of(asked, stays)})"
    yield Option(guard, tuple(began), f"move {job} begin", job, kind)

    published = (
        f"done[{job}]++",
        f"shown[{job}] = done[{job}]",
        f"{phase} = {at(Phase.READY)}",
    )
    succeeded = f"{phase} == {at(Phase.SUCCEEDED)}"
    yield Option(f"{succeeded} && !({last})", published, f"move {job} publish", job, kind)
    takes: dict[Asked, list[Asked]] = defaultdict(list)
    for one in ASKED:
        for trigger, taken in outcomes(setup, one, Ended.LAST):
            if trigger is not Action.CANCEL:
                takes[taken].append(one)
    for taken, ones in takes.items():
        effect = (*published, f"{asked} = {ASKED.index(taken)}")
        guard = f"{succeeded} && {last} && ({one_of(asked, ones)})"
        yield Option(guard, effect, f"move {job} publish", job, kind)
    effect = (
        f"{phase} = {at(Phase.SHOWN)}",
        f"shown[{job}] = done[{job}]",
        f"err[{job}] = {int(ErrorCode.NETWORK_PROTOCOL)}",
    )
    yield Option(f"{phase} == {at(Phase.FAILED)}", effect, f"move {job} publish", job, kind)

    yield from _departures(setup, job)


def _departures(setup: Setup, job: int) -> Iterator[Option]:
    """The moves by which a job leaves its worker; what Progress shows may be set right then."""
    asked, phase = f"asked[{job}]", f"phase[{job}]"
    plain: dict[tuple[Trigger | str, bool], list[str]] = defaultdict(list)
    set_right: dict[tuple[Trigger | str, bool], list[str]] = defaultdict(list)
    boundaries = (
        (Phase.READY, Ended.MORE, f"done[{job}] < steps[{job}]"),
        (Phase.READY, Ended.LAST, f"done[{job}] >= steps[{job}]"),
        (Phase.SUCCEEDED, Ended.LAST, f"done[{job}] + 1 >= steps[{job}]"),
        (Phase.FAILED, Ended.FAILED, "true"),
        (Phase.SHOWN, Ended.FAILED, "true"),
        (Phase.RETRYING, Ended.RETRY, "true"),
        (Phase.RETRYING_LATER, Ended.RETRY, "true"),
    )
    for where, ended, condition in boundaries:
        ways: dict[Trigger | str, list[Asked]] = defaultdict(list)
        for one in ASKED:
            for trigger, _ in outcomes(setup, one, ended):
                ways[trigger].append(one)
        for trigger, ones in ways.items():
            if where is Phase.SUCCEEDED and trigger is not Action.CANCEL:
                continue  # published first
            if where is Phase.FAILED and trigger is Move.FAIL:
                continue  # published first
            later = where is Phase.RETRYING_LATER and trigger is Move.RETRY
            guard = f"{phase} == {at(where)} && {condition} && ({one_of(asked, ones)})"
            plain[trigger, later].append(guard)
            if where is not Phase.READY:
                set_right[trigger, later].append(guard)
    for guards, right in ((plain, False), (set_right, True)):
        for (trigger, later), alternatives in guards.items():
            goes_to = _edge_of(setup, trigger)
            if goes_to is None or not isinstance(trigger, Action | Move):
                continue
            effect = _go(setup, job, State.RUNNING, trigger, goes_to)
            if later:
                effect = [*effect, f"{phase} = {at(Phase.LATER)}"]
            guard = any_of(alternatives)
            if right:
                guard = f"shown[{job}] != done[{job}] && ({guard})"
                effect = [f"shown[{job}] = done[{job}]", *effect]
            event = f"move {job} {trigger}"
            yield Option(guard, tuple(effect), event, job, run_kind(job), trigger)


def _edge_of(setup: Setup, trigger: Trigger | str) -> State | None:
    if isinstance(trigger, Action | Move):
        return setup.table.target(State.RUNNING, trigger)
    return None


def _surroundings(setup: Setup, job: int) -> Iterator[Option]:
    """What a step's peer does, and the end of a Retry delay."""
    phase, kind = f"phase[{job}]", run_kind(job)
    if Rule.ARRIVAL not in setup.without:
        effect = (f"{phase} = {at(Phase.HELD)}",)
        yield Option(f"{phase} == {at(Phase.SENT)}", effect, f"arrive {job}", job, kind)
    for reply in setup.replies if Rule.REPLY not in setup.without else ():
        effect = (f"{phase} = {at(REPLIES[reply])}",)
        event = f"reply {job} {reply}"
        yield Option(f"{phase} == {at(Phase.HELD)}", effect, event, job, kind)
    goes_to = setup.table.target(State.RETRY, Move.TIMEOUT)
    if goes_to is not None:
        guard = f"st[{job}] == {is_(State.RETRY)} && {phase} != {at(Phase.LATER)}"
        after = tuple(_go(setup, job, State.RETRY, Move.TIMEOUT, goes_to))
        event = f"move {job} {Move.TIMEOUT}"
        yield Option(guard, after, event, job, delay_kind(job), Move.TIMEOUT)


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
    }.get(trigger)  # type: ignore[call-overload]
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
    working = f"phase[{{0}}] != {at(Phase.NONE)} && phase[{{0}}] != {at(Phase.LATER)}"
    told = f"done[{{0}}] == steps[{{0}}] && shown[{{0}}] == steps[{{0}}] && err[{{0}}] == 0"
    return {
        "running-bounded": f"n_running <= {scope.workers}",
        "history-bounded": f"{' + '.join(f'(hist[{i}] != 0)' for i in jobs)} <= {scope.history}",
        "history-iff-completed": every(f"{times('hist')} == ({final})"),
        "queue-iff-pending": every(f"{times('queue')} == pending({{0}})"),
        "requests-only-running": every("asked[{0}] == 0 || running({0})"),
        "worker-iff-running": every(
            f"({working}) == running({{0}}) "
            f"&& (phase[{{0}}] != {at(Phase.LATER)} || st[{{0}}] == {is_(State.RETRY)})"
        ),
        "outcome-told": every(
            f"(st[{{0}}] != {is_(State.SUCCESS)} || ({told})) "
            f"&& (st[{{0}}] != {is_(State.FAILURE)} || err[{{0}}] != 0)"
        ),
    }


REMEMBERED = ("st", "prio", "steps", "done", "shown", "err", "asked", "phase")


def obligations(setup: Setup, option: Option) -> dict[str, str]:
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
    step_retries = any_of(
        f"was_phase[{job}] == {at(p)}" for p in (Phase.RETRYING, Phase.RETRYING_LATER)
    )
    ready = f"was_phase[{job}] == {at(Phase.READY)}"
    at_peer = any_of(f"was_phase[{job}] == {at(p)}" for p in (Phase.SENT, Phase.HELD))
    ends = {
        State.SUCCESS: f"{ready} && was_done[{job}] == was_steps[{job}]",
        State.FAILURE: f"{step_failed} || {owed(Action.CANCEL)}",
        State.RETRY: f"{step_retries} || {step_failed}",
        State.PENDING: f"!({at_peer})",
        State.PAUSED: f"!({at_peer})",
    }
    return {
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


def _assert(name: str, condition: str) -> str:
    """Spin names the variable of an assertion that fails, so it bears the property's name."""
    flag = name.replace("-", "_")
    return f"{flag} = ({condition}); assert({flag})"


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
    own, others = run_kind(0), tuple(run_kind(k) for k in range(1, setup.scope.jobs))

    def heard_of(action: Action) -> tuple[tuple[str, str], ...]:
        return tuple(
            (f"{action}-in-{state.lower()}", f"(last == {heard(action, state)})")
            for state in HEARD[action]
        )

    return (
        Eventually(
            "cancel-honoured",
            (own,),
            "[] (cancel_due != KEPT -> <> cancel_due == KEPT)",
            heard_of(Action.CANCEL),
        ),
        Eventually(
            "pause-honoured",
            (own,),
            "[] (pause_due != KEPT -> <> pause_due == KEPT)",
            heard_of(Action.PAUSE),
        ),
        Eventually(
            "pending-runs",
            (*others, START),
            "[] ((pending(0) && [] undisturbed_0) -> <> running(0))",
            (("first-in-the-queue", "(first_0 && !free)"),),
        ),
        Eventually(
            "running-leaves",
            (own,),
            "[] (running(0) -> <> !running(0))",
            (("running", "running(0)"),),
        ),
        Eventually(
            "retry-leaves",
            (delay_kind(0),),
            "[] (retrying_0 -> <> !retrying_0)",
            (("retry", "retrying_0"),),
        ),
    )


# --- the text -----------------------------------------------------------------------------------


_LIST = """
inline append_LIST(job) {
  at = 0;
  do
  :: LIST[at] != 0 -> at++
  :: else -> break
  od;
  LIST[at] = job + 1
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
        **{at(phase): i for i, phase in enumerate(PHASES)},
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
        for kind in kinds(setup):
            can = any_of(option.guard for option in found if option.kind == kind)
            if kind == START or kind in map(run_kind, jobs) or kind == delay_kind(0):
                lines.append(f"#define fair_{kind} (!({can}) || last == {kind})")
    else:
        lines += [f"hidden byte was_{array}[JOBS];" for array in REMEMBERED]
        lines += [f"hidden byte {name.replace('-', '_')};" for name in ASSERTED]
    lines += [_LIST.replace("LIST", name) for name in ("queue", "hist")]
    lines += [*_forget(setup), "active proctype engine() {", "  do"]
    if setup.variant is Variant.SAFETY:
        lines += _watch(setup)
    for option in found:
        lines.append("  :: d_step { " + _step(setup, option) + " }")
    lines += ["  od", "}"]
    if setup.variant is Variant.LIVENESS:
        for promise in eventually(setup):
            lines.append(f"ltl {ltl_name(promise.name)} {{ {promise.formula} }}")
            for name, condition in promise.meets:
                never = f"!({promise.assumption} && <> {condition})"
                lines.append(f"ltl {ltl_name(f'never {promise.name} {name}')} {{ {never} }}")
    return "\n".join(lines) + "\n"


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
        checks = "; ".join(_assert(name, condition) for name, condition in wanted.items())
        yield f"  :: d_step {{ !({good}) -> {checks} }}"


def _step(setup: Setup, option: Option) -> str:
    lines = list(option.effect)
    if setup.variant is Variant.LIVENESS:
        lines.append(f"last = {option.kind}")
    else:
        before = [_assert(*each) for each in option.asserts if each[0] not in setup.unasserted]
        before += [f"was_{array}[{k}] = {array}[{k}]" for array in REMEMBERED
                   for k in range(setup.scope.jobs)]
        after = [
            _assert(name, condition)
            for name, condition in obligations(setup, option).items()
            if name not in setup.unasserted
        ]
        lines = [*before, *lines, *after]
    # The parameters of a printf are evaluated in a replay only.
    event = f'printf("@ {option.event} %d\\n", st[{option.job}])'
    return f"{option.guard} -> " + "; ".join([*lines, event])
