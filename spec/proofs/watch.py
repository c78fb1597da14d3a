"""The properties, evaluated on what an exploration comes by, and states in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import ParamSpec

from spec.engine import Act, Answer, Arrive, Config, Engine, Event, Job, Replied, Submit
from spec.properties import (
    BY_NAME,
    PROPERTIES,
    Fault,
    Modality,
    Node,
    Own,
    Property,
    Transition,
)
from spec.table import State

Of = ParamSpec("Of")


class Watch:
    """Evaluates properties on what an exploration comes by. ``first``: one failure is enough.

    A predicate that runs the engine may meet a `Fault`: that breaks the properties of the kind
    ``fault``, and says nothing of the property that the predicate belongs to.
    """

    def __init__(self, properties: Iterable[Property] = PROPERTIES, *, first: bool = False) -> None:
        self._first = first
        self.broken: dict[str, str] = {}
        self.met: set[str] = set()
        watched = list(properties)
        never = [p for p in watched if p.modality is not Modality.SOMETIMES]
        self._seek = [p for p in watched if p.modality is Modality.SOMETIMES]
        self._states = [p for p in never if p.state is not None]
        self._transitions = [(p.name, p.transition) for p in never if p.transition is not None]
        self._nodes = [p for p in never if p.node is not None]
        self._faults = [p for p in never if p.fault]
        self._leaves = [p for p in never if p.leaves is not None]
        self._ranks: dict[State, dict[Job, set[Job]]] = {
            p.leaves: {} for p in self._leaves if p.leaves is not None
        }

    @property
    def enough(self) -> bool:
        """Whether the exploration may stop here."""
        return self._first and bool(self.broken)

    def node(self, node: Node) -> None:
        """A state, with everything that can happen in it."""
        self.state(node.config, node.engine)
        for t in node.happens:
            self.transition(t)
        for p in self._nodes:
            if p.name not in self.broken and p.node is not None and not self._true(p.node, node):
                self.broken[p.name] = in_words(node.engine)

    def fault(self, fault: Fault) -> None:
        """The engine has ended with an error."""
        for p in self._faults:
            self.broken.setdefault(p.name, in_words_of(fault))

    def reached(self, way: Sequence[tuple[Event | Own, Answer]], before: int) -> None:
        """``way`` leads to where all but the first ``before`` of `broken` were seen to fail."""
        told = ", then ".join(what_in_words(*one) for one in way)
        for name in list(self.broken)[before:] if told else ():
            self.broken[name] += f"\nReached by: {told}"

    def _true(self, predicate: Callable[Of, bool], *of: Of.args, **more: Of.kwargs) -> bool:
        try:
            return predicate(*of, **more)
        except Fault as fault:
            self.fault(fault)
            return True

    def state(self, config: Config, engine: Engine) -> None:
        for p in self._states:
            if p.name in self.broken or p.state is None:
                continue
            if not self._true(p.state, config, engine):
                self.broken[p.name] = in_words(engine)
        met = [p for p in self._seek if p.state is not None and p.state(config, engine)]
        if met:
            self._meet(met)

    def transition(self, t: Transition) -> None:
        for name, holds in self._transitions:
            if name not in self.broken and not holds(t):
                self.broken[name] = what_happened(t)
        met = [p for p in self._seek if p.transition is not None and p.transition(t)]
        if met:
            self._meet(met)
        for _, before, after in t.records:
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


# --- in words --------------------------------------------------------------------------------


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


def what_in_words(what: Event | Own, answer: Answer) -> str:
    """One thing that happens, in the domain's words."""
    match what:
        case Submit(priority, steps):
            return f"a job of {steps} steps is submitted with priority {priority}"
        case Act(action, job):
            return f"{action} of job {'unknown' if job is None else job} is answered {answer}"
        case Arrive(job, number):
            return f"step {number + 1} of job {job} arrives"
        case Replied(job, reply):
            return f"the peer lets the step of job {job} {reply}"
        case Own(name, job):
            return f"job {job} does '{name}'"
        case _:
            return str(what)


def what_happened(t: Transition) -> str:
    """A transition in the domain's words."""
    what = what_in_words(t.what, t.answer)
    return f"{what}: from [{in_words(t.before)}] to [{in_words(t.after)}]"


def in_words_of(fault: Fault) -> str:
    """What the engine was asked, in which state and configuration, and the error it ended with."""
    what = "what it does by itself" if fault.what is None else str(fault.what)
    config = f"ConcurrentJobs {fault.config.workers}, JobsHistorySize {fault.config.history}"
    return f"{what} ends with {fault.error}: in [{in_words(fault.engine)}] with {config}"
