"""The explorer at its plainest: breadth-first over `spec.engine` itself.

`spec.proofs.explore` says what a state is, and what can happen in one; this module is that
definition in code. It is slow, and it is the measure that the fast one (`spec.proofs.packed`)
is held against.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from spec.closure import closure
from spec.engine import (
    EMPTY,
    Act,
    Answer,
    Arrive,
    Config,
    Engine,
    Event,
    Job,
    Phase,
    Replied,
    Reply,
    Submit,
    moves,
    step,
)
from spec.proofs import Scope
from spec.proofs.watch import Watch
from spec.properties import ERRORS, Fault, Node, Own, Transition
from spec.relaxations import NONE, Relaxation
from spec.table import Action

REPLIES = (Reply.SUCCEED, Reply.FAIL, Reply.RETRY)
# The functions without their caches: a state is looked at once.
_step = step.__wrapped__
_moves = moves.__wrapped__


@dataclass(frozen=True, slots=True)
class Exploration:
    """What an exploration came to. ``depth``: the greatest distance from the empty engine.

    ``broken``: for each property that failed, what broke it, in the domain's words.
    ``met``: the *sometimes* properties that were met. ``complete``: the scope was exhausted.
    """

    states: int
    moves: int
    depth: int
    seconds: float
    broken: dict[str, str]
    met: frozenset[str]
    complete: bool = True


def configuration(scope: Scope, admitted: frozenset[Relaxation] = NONE) -> Config:
    """The engine's configuration in this scope."""
    return Config(scope.workers, scope.history, relaxations=admitted)


def events(scope: Scope, engine: Engine) -> Iterator[Event]:
    """What the surroundings may do in this state."""
    if len(engine.jobs) < scope.jobs:
        for priority in range(scope.priorities):
            for steps in range(1, scope.steps + 1):
                yield Submit(priority, steps)
    for action in Action:
        yield Act(action, None)
    for index, job in enumerate(engine.jobs):
        for action in Action:
            yield Act(action, index)
        if job is not None and job.phase is Phase.SENT:
            yield Arrive(index, job.done)
        elif job is not None and job.phase is Phase.HELD:
            for reply in REPLIES:
                yield Replied(index, reply)


def happenings(config: Config, scope: Scope, engine: Engine) -> tuple[Transition, ...]:
    """Everything that can happen in this state. Raises `Fault`."""
    found = []
    asked: Event | None = None
    try:
        for asked in events(scope, engine):
            found += [
                Transition(config, engine, asked, answer, after)
                for answer, after in _step(config, engine, asked)
            ]
        asked = None
        found += [
            Transition(config, engine, Own(name, job), None, after)
            for name, job, after in _moves(config, engine)
        ]
    except ERRORS as error:
        raise Fault(config, engine, asked, error) from error
    return tuple(dict.fromkeys(found))


def canonical(engine: Engine) -> Engine:
    """The engine with its jobs renamed into a fixed order: by record, then by place."""

    def key(index: int) -> tuple[Job | tuple[()], int, int]:
        return (
            engine.jobs[index] or (),
            engine.queue.index(index) if index in engine.queue else -1,
            engine.history.index(index) if index in engine.history else -1,
        )

    order = sorted(range(len(engine.jobs)), key=key)
    if order == list(range(len(order))):
        return engine
    name = {old: new for new, old in enumerate(order)}
    return Engine(
        tuple(engine.jobs[old] for old in order),
        tuple(name[old] for old in engine.queue),
        tuple(name[old] for old in engine.history),
    )


class Small:
    """The explorer of small scopes that some properties ask: `spec.properties.Explorer`."""

    def happens(
        self, jobs: int, admitted: frozenset[Relaxation], engine: Engine
    ) -> tuple[Transition, ...]:
        scope = Scope(jobs, 1, 1, 1, 1)
        return happenings(configuration(scope, admitted), scope, engine)

    def reached(
        self, jobs: int, admitted: frozenset[Relaxation], roots: Iterable[Engine] = (EMPTY,)
    ) -> Iterator[Node]:
        """Of each class of engines that differ in the names of their jobs, one."""
        config = configuration(Scope(jobs, 1, 1, 1, 1), admitted)
        for engine in closure(roots, lambda e: self._after(jobs, admitted, e)):
            yield Node(config, engine, self.happens(jobs, admitted, engine))

    def _after(
        self, jobs: int, admitted: frozenset[Relaxation], engine: Engine
    ) -> Iterator[Engine]:
        return (canonical(t.after) for t in self.happens(jobs, admitted, engine))


# --- breadth-first ---------------------------------------------------------------------------

# How each state that was seen was first come by: from which, by what, with which answer.
_Ways = dict[Engine, tuple[Engine, Event | Own, Answer] | None]


def _way(came: _Ways, state: Engine) -> list[tuple[Event | Own, Answer]]:
    """A shortest way from the empty engine."""
    way = []
    last = came[state]
    while last is not None:
        before, what, answer = last
        way.append((what, answer))
        last = came[before]
    return way[::-1]


def explore(
    scope: Scope,
    admitted: frozenset[Relaxation] = NONE,
    *,
    symmetry: bool = True,
    watch: Watch | None = None,
    limit: int | None = None,
) -> Exploration:
    """Explore the scope with `spec.engine` itself: slow, and the measure of `spec.proofs.packed`.

    ``watch`` evaluates properties on the way, and may have seen enough before the end. ``limit``:
    the number of states after which to stop. Stopped early, the exploration is incomplete; so it
    is where the engine ends with an error. Raises `Fault` where nobody watches.

    Jobs keep their names on the way to a state, so that the way can be told; with ``symmetry``
    states are the same if their canonical forms are.
    """
    begun = time.perf_counter()
    config = configuration(scope, admitted)
    same = canonical if symmetry else _itself
    came: _Ways = {EMPTY: None}
    level = [EMPTY]
    made = depth = 0
    complete = True
    while level:
        following = []
        for engine in level:
            known = 0 if watch is None else len(watch.broken)
            try:
                happens = happenings(config, scope, engine)
            except Fault as fault:
                if watch is None:
                    raise
                happens, complete = (), False
                watch.state(config, engine)
                watch.fault(fault)
            else:
                if watch is not None:
                    watch.node(Node(config, engine, happens))
            here = same(engine)
            if watch is not None and len(watch.broken) > known:
                watch.reached(_way(came, here), known)
            made += len(happens)
            for t in happens:
                after = same(t.after)
                if after not in came:
                    came[after] = (here, t.what, t.answer)
                    following.append(t.after)
            enough = watch is not None and watch.enough
            if enough or (limit is not None and len(came) > limit):
                return _done(len(came), made, depth, begun, watch, complete=False)
        level = following
        depth += bool(level)
    return _done(len(came), made, depth, begun, watch, complete)


def _itself(engine: Engine) -> Engine:
    return engine


def _done(
    states: int, made: int, depth: int, begun: float, watch: Watch | None, complete: bool = True
) -> Exploration:
    if watch is not None:
        watch.finish()
    return Exploration(
        states,
        made,
        depth,
        time.perf_counter() - begun,
        {} if watch is None else dict(watch.broken),
        frozenset() if watch is None else frozenset(watch.met),
        complete,
    )
