"""The explorer: every reachable engine of a scope, breadth-first, from the empty engine.

**What a state is.** A value of `spec.engine.Engine` and nothing else: the record of each job
that was ever submitted (None for one that is gone from the history), the queue, the history.
The empty engine, before the first submission, is a state and is counted.

**What happens** in a state, and is counted as a *move* each time, whether or not it leads to
a new state (a refused action leads back to its own):

* a submission of each priority from 0 to ``priorities`` - 1 with each number of steps from 1 to
  ``steps``, as long as fewer than ``jobs`` jobs were submitted; jobs that are gone count;
* each of the four actions on each job that was ever submitted, gone ones included, and on an id
  that names none;
* the arrival of each POST that is on its way (`Phase.SENT`);
* each of the replies succeed, fail and retry to each step that the peer holds (`Phase.HELD`).
  Not retry-later: it differs from retry only in that its delay outlasts the observer;
* each of the engine's own moves (`spec.engine.moves`), a Retry's timeout among them.

Readings are left out: they change nothing where the history's size is known. The configuration
is the scope's ConcurrentJobs and JobsHistorySize, ``retries`` is off (no server was seen to
choose Retry after a failed step; it may choose it wherever nothing was asked for), and the
relaxations are the admitted ones. Two things that happen and agree in what they are, in
their answer and in the engine after are one.

**Symmetry.** Jobs are named by index, and no rule looks at the index itself: renaming the jobs
of a state, in the queue and in the history alike, gives a state with the same future. So the
jobs are sorted (`canonical`), and only one state of each such class is kept. ``symmetry=False``
keeps them all: that is the number that another model checker must come to as well.

**Always and sometimes** are evaluated on each state and on everything that happens in it.

**Eventually** is decided without looking for cycles in the whole graph, by a ranking that the
exploration itself checks. A job leaves Running under weak fairness if (1) in every reachable
state each Running job has something of its own to do (a move, an arrival, a reply), and (2) the
records that a job goes through while it is Running form no cycle. By (1) its worker, or its
peer, is enabled all the time and by fairness goes on; by (2) that ends. The same for Retry. The
other *eventually* properties follow from a predicate on what happens and from `running-leaves`:
`spec.properties` says how, property by property.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from spec.engine import (
    EMPTY,
    Act,
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
from spec.properties import (
    BY_NAME,
    PROPERTIES,
    Modality,
    Node,
    Own,
    Property,
    Transition,
    acts,
    job_of,
    records,
)
from spec.relaxations import NONE, Relaxation
from spec.table import Action, State

from spec.proofs import Checked, ProofEngine, Scope, Verdict

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
    """Everything that can happen in this state."""
    found = [
        Transition(config, engine, event, answer, after)
        for event in events(scope, engine)
        for answer, after in _step(config, engine, event)
    ]
    found += [
        Transition(config, engine, Own(name, job), None, after)
        for name, job, after in _moves(config, engine)
    ]
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


# --- the properties, watched during an exploration ----------------------------------------------


class Watch:
    """Evaluates properties on what an exploration comes by."""

    def __init__(self, properties: Iterable[Property] = PROPERTIES) -> None:
        self.broken: dict[str, str] = {}
        self.met: set[str] = set()
        watched = list(properties)
        never = [p for p in watched if p.modality is not Modality.SOMETIMES]
        self._seek = [p for p in watched if p.modality is Modality.SOMETIMES]
        self._states = [p for p in never if p.state is not None]
        self._transitions = [p for p in never if p.transition is not None]
        self._nodes = [p for p in never if p.node is not None]
        self._leaves = [p for p in never if p.leaves is not None]
        self._ranks: dict[State, dict[Job, set[Job]]] = {
            p.leaves: {} for p in self._leaves if p.leaves is not None
        }

    def node(self, node: Node) -> None:
        """A state, with everything that can happen in it."""
        self.state(node.config, node.engine)
        for t in node.happens:
            self.transition(t)
        for p in self._nodes:
            if p.name not in self.broken and p.node is not None and not p.node(node):
                self.broken[p.name] = in_words(node.engine)

    def state(self, config: Config, engine: Engine) -> None:
        for p in self._states:
            if p.name not in self.broken and p.state is not None and not p.state(config, engine):
                self.broken[p.name] = in_words(engine)
        met = [p for p in self._seek if p.state is not None and p.state(config, engine)]
        if met:
            self._meet(met)

    def transition(self, t: Transition) -> None:
        for p in self._transitions:
            if p.name not in self.broken and p.transition is not None and not p.transition(t):
                self.broken[p.name] = what_happened(t)
        met = [p for p in self._seek if p.transition is not None and p.transition(t)]
        if met:
            self._meet(met)
        for _, before, after in records(t):
            if before is not None and after is not None and before != after:
                ranks = self._ranks.get(before.state)
                if ranks is not None and after.state is before.state:
                    ranks.setdefault(before, set()).add(after)

    def _meet(self, met: list[Property]) -> None:
        self.met |= {p.name for p in met}
        self._seek = [p for p in self._seek if p.name not in self.met]

    def finish(self) -> None:
        """After the last state: look for cycles, and follow what rests on what."""
        for p in self._leaves:
            assert p.leaves is not None
            if p.name not in self.broken and (loop := cycle(self._ranks[p.leaves])):
                way = ", then ".join(map(_record, loop))
                self.broken[p.name] = f"a job can go round for ever: {way}"
        for name, p in BY_NAME.items():
            for other in p.rests_on:
                if other in self.broken:
                    self.broken.setdefault(name, f"{other} fails: {self.broken[other]}")


def cycle(graph: dict[Job, set[Job]]) -> list[Job]:
    """A cycle of ``graph``, or the empty list."""
    done: set[Job] = set()
    for root in graph:
        path: list[Job] = []
        todo: list[tuple[Job, Iterator[Job]]] = []
        if root not in done:
            path.append(root)
            todo.append((root, iter(graph[root])))
        while todo:
            node, after = todo[-1]
            following = next(after, None)
            if following is None:
                done.add(node)
                path.pop()
                todo.pop()
            elif following in path:
                return [*path[path.index(following) :], following]
            elif following not in done:
                path.append(following)
                todo.append((following, iter(graph.get(following, ()))))
    return []


# --- in words ---------------------------------------------------------------------------------------


def _record(job: Job | None) -> str:
    if job is None:
        return "gone"
    text = f"{job.state} ({job.done} of {job.steps} steps done, shows {job.shown}"
    text += f", priority {job.priority}, ErrorCode {int(job.error)}"
    if job.state is State.RUNNING:
        text += f", asked for {job.asked}, worker {job.phase}"
    return f"{text})"


def in_words(engine: Engine) -> str:
    """A state in the domain's words."""
    text = "; ".join(f"job {i}: {_record(job)}" for i, job in enumerate(engine.jobs))
    queue = ", ".join(map(str, engine.queue)) or "empty"
    history = ", ".join(map(str, engine.history)) or "empty"
    return f"{text or 'no job'}; queue: {queue}; history: {history}"


def what_happened(t: Transition) -> str:
    """A transition in the domain's words."""
    match t.what:
        case Submit(priority, steps):
            what = f"a job of {steps} steps is submitted with priority {priority}"
        case Act(action, job):
            what = f"{action} of job {'unknown' if job is None else job} is answered {t.answer}"
        case Arrive(job, number):
            what = f"step {number + 1} of job {job} arrives"
        case Replied(job, reply):
            what = f"the peer lets the step of job {job} {reply}"
        case Own(name, job):
            what = f"job {job} does '{name}'"
        case _:
            what = str(t.what)
    return f"{what}: from [{in_words(t.before)}] to [{in_words(t.after)}]"


# --- breadth-first ------------------------------------------------------------------------------------


def explore(
    scope: Scope,
    admitted: frozenset[Relaxation] = NONE,
    *,
    symmetry: bool = True,
    watch: Watch | None = None,
    limit: int | None = None,
) -> Exploration:
    """Explore the scope with `spec.engine` itself: slow, and the measure of `spec.proofs.packed`.

    ``watch`` evaluates properties on the way, and stops the exploration once it has nothing
    more to find. ``limit``: the number of states after which to stop, incomplete.
    """
    begun = time.perf_counter()
    config = configuration(scope, admitted)
    seen = {EMPTY}
    level = [EMPTY]
    count = depth = 0
    while level:
        following = []
        for engine in level:
            happens = happenings(config, scope, engine)
            count += len(happens)
            if watch is not None:
                watch.node(Node(config, engine, happens))
            for t in happens:
                after = canonical(t.after) if symmetry else t.after
                if after not in seen:
                    seen.add(after)
                    following.append(after)
            if limit is not None and len(seen) > limit:
                return _done(len(seen), count, depth, begun, watch, complete=False)
        level = following
        depth += bool(level)
    return _done(len(seen), count, depth, begun, watch)


def _done(
    states: int, count: int, depth: int, begun: float, watch: Watch | None, complete: bool = True
) -> Exploration:
    if watch is not None:
        watch.finish()
    return Exploration(
        states,
        count,
        depth,
        time.perf_counter() - begun,
        {} if watch is None else dict(watch.broken),
        frozenset() if watch is None else frozenset(watch.met),
        complete,
    )


def count(
    scope: Scope, *, symmetry: bool = True, admit: frozenset[Relaxation] = NONE
) -> Exploration:
    """The number of states, moves and levels of a scope; no property is evaluated."""
    return explore(scope, admit, symmetry=symmetry)
