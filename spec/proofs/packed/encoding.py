"""States as numbers, and the tables of what can happen, filled in by running the engine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from spec.engine import EMPTY, Act, Arrive, Config, Engine, Job, Replied, Submit
from spec.proofs import Scope
from spec.proofs.direct import Exploration, configuration, happenings
from spec.proofs.packed.compiled import CKernel
from spec.proofs.packed.kernel import CANNOT, FIRST, GONE, UNBORN, Kernel, PythonKernel, Want
from spec.proofs.packed.limits import MOST_JOBS, RECORD_BITS, STATE_BITS, NotPackable, TooLarge
from spec.proofs.watch import Watch, in_words
from spec.properties import Node, Own, Transition
from spec.relaxations import NONE, Relaxation
from spec.table import State

LABELS = 32  # kinds of things that happen to a job, per priority
SLICE = 200_000  # states between two looks at the limit (and at signals)

Class: TypeAlias = tuple[State, int] | None  # what an outline knows of a job; None: gone
Label: TypeAlias = tuple[object, ...]  # a kind of thing that happens


class Outline(NamedTuple):
    """What the jobs of an engine have to do with each other."""

    classes: tuple[Class, ...]
    queue: tuple[int, ...]
    history: tuple[int, ...]


class Packed:
    """The tables of one scope, and what they are filled from. Raises `TooLarge`."""

    def __init__(
        self,
        scope: Scope,
        admitted: frozenset[Relaxation] = NONE,
        symmetry: bool = True,
        watch: Watch | None = None,
        compiler: str | None = None,
    ) -> None:
        self.scope = scope
        self.config: Config = configuration(scope, admitted)
        self.symmetry = symmetry
        self.watch = watch
        if scope.jobs > MOST_JOBS:
            raise TooLarge(f"more than {MOST_JOBS} jobs")
        self.width = RECORD_BITS // scope.jobs
        self.records: list[Job | None] = [None, None]  # UNBORN and GONE
        self._records: dict[Job, int] = {}
        self.outlines: list[Outline] = []
        self._outlines: dict[Outline, int] = {}
        self._outcomes: dict[tuple[int, tuple[int, ...]], int] = {}
        self.labels: list[Label] = []
        self._labels: dict[Label, int] = {}
        idle = sum(
            isinstance(t.what, Act) for t in happenings(self.config, scope, EMPTY)
        )  # what can happen in every state, and is about no job
        if compiler is None:
            self.kernel: Kernel = PythonKernel(scope.jobs, self.width, idle)
        else:
            labels = LABELS * (1 + scope.priorities)
            self.kernel = CKernel(compiler, scope.jobs, self.width, idle, labels)
        self._outline(EMPTY)

    # --- numbers ----------------------------------------------------------------------------

    def _record(self, job: Job | None) -> int:
        if job is None:
            return GONE
        found = self._records.get(job)
        if found is None:
            found = self._records[job] = len(self.records)
            self.records.append(job)
            if found >= 1 << self.width:
                raise TooLarge(f"more than {found} records with {self.scope.jobs} jobs")
        return found

    def _outline(self, engine: Engine) -> tuple[int, list[int]]:
        """The outline's number, and which job of ``engine`` is in each of its slots."""
        places = range(len(engine.jobs))
        classes = [None if j is None else (j.state, j.priority) for j in engine.jobs]
        queue = {job: at for at, job in enumerate(engine.queue)}
        history = {job: at for at, job in enumerate(engine.history)}
        order = list(places)
        if self.symmetry:
            order.sort(key=lambda i: (classes[i] or (), queue.get(i, -1), history.get(i, -1)))
        slot = {job: at for at, job in enumerate(order)}
        outline = Outline(
            tuple(classes[i] for i in order),
            tuple(slot[i] for i in engine.queue),
            tuple(slot[i] for i in engine.history),
        )
        found = self._outlines.get(outline)
        if found is None:
            found = self._outlines[outline] = len(self.outlines)
            self.outlines.append(outline)
            if found >= 1 << (STATE_BITS - self.width * self.scope.jobs):
                raise TooLarge(f"more than {found} outlines with {self.scope.jobs} jobs")
            self.kernel.set_twins(found, list(self._twins(outline)) if self.symmetry else [])
            self._look(engine)
        return found, order

    @staticmethod
    def _twins(outline: Outline) -> Iterator[int]:
        """The slots that only their records tell from the slot after them."""
        placed = {*outline.queue, *outline.history}
        for at, (one, next_) in enumerate(zip(outline.classes, outline.classes[1:], strict=False)):
            if one == next_ and at not in placed and at + 1 not in placed:
                yield at

    def _look(self, engine: Engine) -> None:
        if self.watch is not None:
            happens = happenings(self.config, self.scope, engine)
            self.watch.node(Node(self.config, engine, happens))

    def _label(self, label: Label) -> int:
        found = self._labels.get(label)
        if found is None:
            found = self._labels[label] = len(self.labels)
            self.labels.append(label)
        return found

    def unpack(self, state: int) -> Engine:
        """The engine that a packed state is."""
        outline = self.outlines[state >> (self.width * self.scope.jobs)]
        mask = (1 << self.width) - 1
        numbers = [state >> (self.width * slot) & mask for slot in range(len(outline.classes))]
        return Engine(tuple(self.records[i] for i in numbers), outline.queue, outline.history)

    def pack(self, engine: Engine) -> int:
        """The packed state of an engine."""
        outline, order = self._outline(engine)
        if self.symmetry:
            placed = {*engine.queue, *engine.history}
            classes = [None if job is None else (job.state, job.priority) for job in engine.jobs]
            for at in range(len(order)):  # among equals that only records tell apart: by record
                alike = [
                    i
                    for i in order[at:]
                    if classes[i] == classes[order[at]] and not {i, order[at]} & placed
                ]
                if alike:
                    least = min(alike, key=lambda i: self._record(engine.jobs[i]))
                    order.remove(least)
                    order.insert(at, least)
        return outline << (self.width * self.scope.jobs) | sum(
            self._record(engine.jobs[i]) << (self.width * slot) for slot, i in enumerate(order)
        )

    # --- filling the tables -----------------------------------------------------------------

    def answer(self, want: Want) -> None:
        """Fill the entry that is wanted. Raises `NotPackable`."""
        engine = self.unpack(want.state)
        if want.effect is None:
            self._fill_row(engine, want)
        else:
            self._fill_effect(engine, want, want.effect)

    def _fill_row(self, engine: Engine, want: Want) -> None:
        slot = want.slot
        if want.record == UNBORN:
            found = [
                t for t in happenings(self.config, self.scope, EMPTY) if isinstance(t.what, Submit)
            ]
        else:
            alone = Engine(
                (engine.jobs[slot],),
                tuple(0 for i in engine.queue if i == slot),
                tuple(0 for i in engine.history if i == slot),
            )
            every = happenings(self.config, self.scope, alone)
            found = [t for t in every if t.job == 0]
            here = [t for t in happenings(self.config, self.scope, engine) if t.job == slot]
            known = {(self._kind(t), t.after.jobs[0]) for t in found}
            for t in here:
                if (self._kind(t), t.after.jobs[slot]) not in known:
                    raise NotPackable(f"alone, this job would not do so: {in_words(engine)}")
            self._look(engine)
        row = [(self._label(self._full(t, 0)), self._record(t.after.jobs[0])) for t in found]
        self.kernel.set_row(want.record, row)

    @staticmethod
    def _kind(t: Transition) -> Label:
        match t.what:
            case Act(action, _):
                return (Act, action, t.answer)
            case Own(name, _):
                return (Own, name)
            case Arrive():
                return (Arrive,)
            case Replied(_, reply):
                return (Replied, reply)
            case _:
                return (Submit,)

    def _full(self, t: Transition, slot: int) -> Label:
        after = t.after.jobs[slot]
        return (*self._kind(t), None if after is None else (after.state, after.priority))

    def _fill_effect(self, engine: Engine, want: Want, effect: int) -> None:
        outline = want.state >> (self.width * self.scope.jobs)
        slot = want.slot
        after = None if want.record == GONE else self.records[want.record]
        born = len(engine.jobs)
        found = [
            t
            for t in happenings(self.config, self.scope, engine)
            if (slot == born if isinstance(t.what, Submit) else t.job == slot)
            and self._full(t, slot) == self.labels[effect]
            and t.after.jobs[slot] == after
        ]
        if len(found) > 1:
            raise NotPackable(f"two outcomes of one kind: {in_words(engine)}")
        outcome = CANNOT
        for t in found:
            if self.watch is not None:
                self.watch.transition(t)
            outcome = self._outcome(t, slot)
        self.kernel.set_effect(outline, slot, effect, outcome)

    def _outcome(self, t: Transition, slot: int) -> int:
        before, after = t.before.jobs, t.after.jobs
        for index, one in enumerate(before):
            if index != slot and after[index] not in (None, one):
                raise NotPackable(f"another job changes: {in_words(t.before)}")
        outline, order = self._outline(t.after)
        gone, unborn = self.scope.jobs, self.scope.jobs + 1
        sources = [gone if after[i] is None else i for i in order]
        sources += [unborn] * (self.scope.jobs - len(sources))
        key = (outline, tuple(sources))
        found = self._outcomes.get(key)
        if found is None:
            found = self._outcomes[key] = FIRST + len(self._outcomes)
            self.kernel.set_outcome(found, outline, sources)
        return found

    def explore(self, limit: int | None = None) -> Exploration:
        """Run the search to its end, or until ``limit`` states were found.

        Raises `NotPackable`, `TooLarge`, `MemoryError`, and `spec.properties.Fault`.
        """
        begun = time.perf_counter()
        kernel = self.kernel
        more: Want | bool = True
        try:
            while more is not False and (limit is None or kernel.states <= limit):
                more = kernel.run(SLICE)
                if isinstance(more, Want):
                    self.answer(more)
            if self.watch is not None:
                self.watch.finish()
            return Exploration(
                kernel.states,
                kernel.moves,
                kernel.depth,
                time.perf_counter() - begun,
                {} if self.watch is None else dict(self.watch.broken),
                frozenset() if self.watch is None else frozenset(self.watch.met),
                more is False,
            )
        finally:
            kernel.close()
