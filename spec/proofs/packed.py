"""The explorer's packed form: the same search as `spec.proofs.direct`, a hundred times faster.

Nothing here states a rule of the engine. A state is packed into 64 bits: the number of its
*outline* (who is in which state with which priority, the queue, the history), and for each job
the number of its *record*. What can happen is looked up in two tables, and both are filled by
running `spec.engine` on states that were really reached, the first time that they are asked:

* *rows*, by record: what can happen to a job with this record, and the record after it; found by
  running the engine with this job alone in it;
* *effects*, by outline, job and kind of thing that happens (with the state that it leads to):
  whether it can happen there, and the outline after it; found by running the engine on the
  whole state.

So the packed form takes one thing for granted: what happens to a job's record depends on that
record alone, and what happens to the outline depends on the outline alone. That is shown, not
believed: the tests compare every successor of every state of the small scopes with the
engine's own, with and without relaxations, and `Packed` raises `NotPackable` when an entry that
it fills contradicts it.

Properties are evaluated on the true states and transitions that an entry was filled from: on
everything that can happen in the first state of each outline and in the first state with each
record, and on the transition behind each effect. By their form (`spec.properties`) they look at
one record and the outline, so that is enough.

The search itself is a loop that knows numbers only. There are two of it: one in C, used where a
C compiler is found (`cc`, as Spin needs it, too), and one in Python.
"""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, TypeAlias

from spec.engine import EMPTY, Act, Arrive, Config, Engine, Job, Replied, Submit
from spec.proofs import Scope
from spec.proofs.direct import Exploration, configuration, happenings
from spec.proofs.watch import Watch, in_words
from spec.properties import Node, Own, Transition, job_of
from spec.relaxations import NONE, Relaxation
from spec.table import State

UNBORN, GONE = 0, 1  # the records of a job that is not submitted yet, and of one that is gone
UNKNOWN, CANNOT = 0, 1  # the effects that were not asked for yet, and that are impossible
FIRST = 2  # effects from here on are outcomes
SLICE = 200_000  # states between two looks at the limit (and at signals)

Class: TypeAlias = tuple[State, int] | None  # what an outline knows of a job; None: gone
Label: TypeAlias = tuple[object, ...]  # a kind of thing that happens


class Outline(NamedTuple):
    """What the jobs of an engine have to do with each other."""

    classes: tuple[Class, ...]
    queue: tuple[int, ...]
    history: tuple[int, ...]


class Want(NamedTuple):
    """An entry that the search needs. ``effect`` is None for a row."""

    state: int
    slot: int
    record: int  # the record whose row is wanted, or the record after the effect
    effect: int | None


class NotPackable(Exception):
    """The engine does something that the packed form cannot say: use `direct` instead."""


class TooLarge(Exception):
    """The scope's states do not fit into 64 bits."""


class Kernel(Protocol):
    """The search. It knows numbers only."""

    @property
    def states(self) -> int: ...
    @property
    def moves(self) -> int: ...
    @property
    def depth(self) -> int: ...

    def set_row(self, record: int, row: Sequence[tuple[int, int]]) -> None: ...
    def set_effect(self, outline: int, slot: int, effect: int, outcome: int) -> None: ...
    def set_outcome(self, outcome: int, outline: int, sources: Sequence[int]) -> None: ...
    def set_twins(self, outline: int, twins: Sequence[int]) -> None: ...
    def run(self, states: int) -> Want | bool:
        """Go on for some states. What is wanted; or whether there is more to do."""
        ...

    def close(self) -> None: ...


class Packed:
    """The tables of one scope, and what they are filled from."""

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
        self.width = 48 // scope.jobs  # bits of a record's number; the rest is the outline's
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
            self.kernel = CKernel(
                compiler, scope.jobs, self.width, idle, LABELS * (1 + scope.priorities)
            )
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
            if found >= 1 << (62 - self.width * self.scope.jobs):
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
            found = [t for t in every if job_of(t.what) == 0]
            here = [
                t for t in happenings(self.config, self.scope, engine) if job_of(t.what) == slot
            ]
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
            if (slot == born if isinstance(t.what, Submit) else job_of(t.what) == slot)
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


# --- the search, in Python -----------------------------------------------------------------


class PythonKernel:
    """The search for a machine without a C compiler."""

    def __init__(self, jobs: int, width: int, idle: int) -> None:
        self.moves = self.depth = 0
        self._jobs, self._width, self._idle = jobs, width, idle
        self._rows: dict[int, Sequence[tuple[int, int]]] = {}
        self._effects: dict[tuple[int, int, int], int] = {}
        self._outcomes: dict[int, tuple[int, Sequence[int]]] = {}
        self._twins: dict[int, Sequence[int]] = {}
        self._seen = {0}
        self._level, self._following = [0], list[int]()
        self._at = 0

    @property
    def states(self) -> int:
        return len(self._seen)

    def set_row(self, record: int, row: Sequence[tuple[int, int]]) -> None:
        self._rows[record] = row

    def set_effect(self, outline: int, slot: int, effect: int, outcome: int) -> None:
        self._effects[outline, slot, effect] = outcome

    def set_outcome(self, outcome: int, outline: int, sources: Sequence[int]) -> None:
        self._outcomes[outcome] = (outline, sources)

    def set_twins(self, outline: int, twins: Sequence[int]) -> None:
        self._twins[outline] = twins

    def close(self) -> None:
        self._seen = set()

    def run(self, states: int) -> Want | bool:
        for _ in range(states):
            if self._at == len(self._level):
                if not self._following:
                    return False
                self._level, self._following, self._at = self._following, [], 0
                self.depth += 1
            want = self._expand(self._level[self._at])
            if want is not None:
                return want
            self._at += 1
        return True

    def _expand(self, state: int) -> Want | None:
        after = self.successors(state)
        if isinstance(after, Want):
            return after
        self.moves += self._idle + len(after)
        for found in after:
            if found not in self._seen:
                self._seen.add(found)
                self._following.append(found)
        return None

    def successors(self, state: int) -> list[int] | Want:
        """Where everything that can happen to a job leads to; or what must be known for it."""
        jobs, width = self._jobs, self._width
        mask = (1 << width) - 1
        outline = state >> (width * jobs)
        records = [state >> (width * slot) & mask for slot in range(jobs)]
        after = []
        for slot, record in enumerate(records):
            row = self._rows.get(record)
            if row is None:
                return Want(state, slot, record, None)
            for effect, to in row:
                outcome = self._effects.get((outline, slot, effect), UNKNOWN)
                if outcome == UNKNOWN:
                    return Want(state, slot, to, effect)
                if outcome != CANNOT:
                    after.append(self._move(records, slot, to, outcome))
        return after

    def _move(self, records: list[int], slot: int, to: int, outcome: int) -> int:
        outline, sources = self._outcomes[outcome]
        old = [*records, GONE, UNBORN]
        old[slot] = to
        new = [old[source] for source in sources]
        for _ in self._twins[outline]:  # as many passes as put the longest run in order
            for at in self._twins[outline]:
                if new[at] > new[at + 1]:
                    new[at], new[at + 1] = new[at + 1], new[at]
        packed = outline
        for number in reversed(new):
            packed = packed << self._width | number
        return packed


# --- the search, in C -----------------------------------------------------------------

SOURCE = r"""
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  int32_t jobs, width, idle, labels;
  int64_t states, moves, depth;
  uint64_t want_state;
  int32_t want_slot, want_record, want_effect;
  int32_t *row_at, *row_effect, *row_to;            /* by record; ends with an effect of -1 */
  int64_t rows, row_space, records, outlines, outcomes;
  int32_t *effect;                                  /* by outline, slot, label */
  int32_t *outcome_outline;
  uint8_t *outcome_source, *twins;
  uint64_t *seen, seen_space;                       /* open addressing; a state plus one */
  uint64_t *level, *following;
  int64_t at, level_size, following_size, level_space, following_space;
} Search;

/* The small tables: a machine without memory for these has other problems. */
static void *grown(void *old, int64_t *space, int64_t needed, int64_t size) {
  if (needed < *space) return old;
  int64_t more = *space ? *space : 64;
  while (more <= needed) more *= 2;
  char *made = realloc(old, more * size);
  if (!made) abort();
  memset(made + *space * size, 0, (more - *space) * size);
  *space = more;
  return made;
}

Search *make(int32_t jobs, int32_t width, int32_t idle, int32_t labels) {
  Search *s = calloc(1, sizeof *s);
  s->jobs = jobs; s->width = width; s->idle = idle; s->labels = labels;
  s->seen_space = 1 << 16;
  s->seen = calloc(s->seen_space, 8);
  s->level = grown(0, &s->level_space, 1, 8);
  s->level[0] = 0; s->level_size = 1;
  s->seen[0] = 1; s->states = 1;
  s->row_at = calloc(1 << width, sizeof(int32_t));
  return s;
}

void release(Search *s) {
  free(s->row_at); free(s->row_effect); free(s->row_to); free(s->effect);
  free(s->outcome_outline); free(s->outcome_source); free(s->twins);
  free(s->seen); free(s->level); free(s->following); free(s);
}

void set_row(Search *s, int32_t record, int32_t size, const int32_t *effects, const int32_t *to) {
  int64_t space = s->row_space;
  s->row_effect = grown(s->row_effect, &space, s->rows + size + 2, sizeof(int32_t));
  s->row_to = grown(s->row_to, &s->row_space, s->rows + size + 2, sizeof(int32_t));
  if (!s->rows) s->rows = 1;                        /* 0 stands for unknown */
  s->row_at[record] = s->rows;
  memcpy(s->row_effect + s->rows, effects, size * sizeof(int32_t));
  memcpy(s->row_to + s->rows, to, size * sizeof(int32_t));
  s->rows += size;
  s->row_effect[s->rows++] = -1;
}

void set_twins(Search *s, int64_t outline, int32_t size, const int32_t *twins) {
  int64_t space = s->outlines, other = s->outlines * s->jobs * s->labels;
  s->twins = grown(s->twins, &space, outline, s->jobs);
  s->effect = grown(s->effect, &other, space * s->jobs * s->labels - 1, sizeof(int32_t));
  s->outlines = space;
  for (int32_t i = 0; i < size; i++) s->twins[outline * s->jobs + twins[i]] = 1;
}

void set_effect(Search *s, int64_t outline, int32_t slot, int32_t effect, int32_t outcome) {
  s->effect[(outline * s->jobs + slot) * s->labels + effect] = outcome;
}

void set_outcome(Search *s, int32_t outcome, int32_t outline, const int32_t *sources) {
  int64_t space = s->outcomes;
  s->outcome_outline = grown(s->outcome_outline, &space, outcome, sizeof(int32_t));
  s->outcome_source = grown(s->outcome_source, &s->outcomes, outcome, s->jobs);
  s->outcome_outline[outcome] = outline;
  for (int32_t i = 0; i < s->jobs; i++) s->outcome_source[outcome * s->jobs + i] = sources[i];
}

static int insert(uint64_t *seen, uint64_t space, uint64_t key) {
  uint64_t at = key * 0x9E3779B97F4A7C15ull;
  at = (at ^ at >> 32) & (space - 1);
  while (seen[at]) {
    if (seen[at] == key) return 0;
    at = (at + 1) & (space - 1);
  }
  seen[at] = key;
  return 1;
}

static void add(Search *s, uint64_t state) {
  if (!insert(s->seen, s->seen_space, state + 1)) return;
  s->states++;
  s->following[s->following_size++] = state;
}

/* Room for `more` states; 0 where there is none. */
static int reserve(Search *s, int64_t more) {
  while ((uint64_t)(s->states + more) * 2 > s->seen_space) {
    uint64_t *bigger = calloc(s->seen_space * 2, 8);
    if (!bigger) return 0;
    for (uint64_t i = 0; i < s->seen_space; i++)
      if (s->seen[i]) insert(bigger, s->seen_space * 2, s->seen[i]);
    free(s->seen);
    s->seen = bigger;
    s->seen_space *= 2;
  }
  if (s->following_size + more > s->following_space) {
    int64_t space = s->following_space * 2 + more;
    uint64_t *bigger = realloc(s->following, space * 8);
    if (!bigger) return 0;
    s->following = bigger;
    s->following_space = space;
  }
  return 1;
}

/* 0: this state is done. 1: an entry is wanted. What was added before that stays right. */
static int expand(Search *s, uint64_t state) {
  const int jobs = s->jobs, width = s->width;
  const uint64_t mask = (1ull << width) - 1, outline = state >> (width * jobs);
  uint64_t old[18], new[16];
  int64_t moves = s->idle;
  for (int slot = 0; slot < jobs; slot++) old[slot] = state >> (width * slot) & mask;
  old[jobs] = 1; old[jobs + 1] = 0;
  for (int slot = 0; slot < jobs; slot++) {
    const uint64_t record = old[slot];
    int64_t row = s->row_at[record];
    if (!row) {
      s->want_state = state; s->want_slot = slot; s->want_record = record; s->want_effect = -1;
      return 1;
    }
    const int32_t *effects = s->effect + (outline * jobs + slot) * s->labels;
    for (; s->row_effect[row] >= 0; row++) {
      const int32_t outcome = effects[s->row_effect[row]];
      if (outcome == 1) continue;
      if (!outcome) {
        s->want_state = state; s->want_slot = slot; s->want_record = s->row_to[row];
        s->want_effect = s->row_effect[row];
        return 1;
      }
      moves++;
      const uint64_t after = s->outcome_outline[outcome];
      if (after == outline && (uint64_t)s->row_to[row] == record) continue;
      const uint8_t *source = s->outcome_source + outcome * jobs, *twin = s->twins + after * jobs;
      old[slot] = s->row_to[row];
      for (int i = 0; i < jobs; i++) new[i] = old[source[i]];
      old[slot] = record;
      for (int i = 0; i + 1 < jobs; i++)
        for (int j = i; j >= 0 && twin[j] && new[j] > new[j + 1]; j--) {
          uint64_t kept = new[j]; new[j] = new[j + 1]; new[j + 1] = kept;
        }
      uint64_t packed = after;
      for (int i = jobs - 1; i >= 0; i--) packed = packed << width | new[i];
      add(s, packed);
    }
  }
  s->moves += moves;
  return 0;
}

/* 0: nothing is left. 1: there is more to do. 2: an entry is wanted. 3: no memory is left. */
int run(Search *s, int64_t states) {
  while (states-- > 0) {
    if (s->at == s->level_size) {
      if (!s->following_size) return 0;
      uint64_t *kept = s->level; int64_t space = s->level_space;
      s->level = s->following; s->level_space = s->following_space;
      s->level_size = s->following_size;
      s->following = kept; s->following_space = space; s->following_size = 0;
      s->at = 0;
      s->depth++;
    }
    if (!reserve(s, (int64_t)s->jobs * s->labels)) return 3;
    if (expand(s, s->level[s->at])) return 2;
    s->at++;
  }
  return 1;
}
"""


class _Search(ctypes.Structure):
    """The beginning of `Search` in `SOURCE`."""

    _fields_ = (
        *((name, ctypes.c_int32) for name in ("jobs", "width", "idle", "labels")),
        *((name, ctypes.c_int64) for name in ("states", "moves", "depth")),
        ("want_state", ctypes.c_uint64),
        *((name, ctypes.c_int32) for name in ("want_slot", "want_record", "want_effect")),
    )


LABELS = 32  # kinds of things that happen to a job, per priority


class CKernel:
    """The search, compiled. Raises `subprocess.CalledProcessError` if that fails."""

    def __init__(self, compiler: str, jobs: int, width: int, idle: int, labels: int) -> None:
        self._labels = labels
        with tempfile.TemporaryDirectory(prefix="orthanc-jobs-") as folder:
            source, library = Path(folder, "search.c"), Path(folder, "search.so")
            source.write_text(SOURCE, encoding="utf-8")
            command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(source)]
            subprocess.run(command, check=True, capture_output=True)
            self._c = ctypes.CDLL(str(library))
        self._c.make.restype = ctypes.POINTER(_Search)
        self._search = self._c.make(jobs, width, idle, labels)

    @property
    def states(self) -> int:
        return int(self._search.contents.states)

    @property
    def moves(self) -> int:
        return int(self._search.contents.moves)

    @property
    def depth(self) -> int:
        return int(self._search.contents.depth)

    def set_row(self, record: int, row: Sequence[tuple[int, int]]) -> None:
        array = ctypes.c_int32 * len(row)
        effects, to = array(*(e for e, _ in row)), array(*(t for _, t in row))
        if any(effect >= self._labels for effect in effects):
            raise NotPackable(f"more than {self._labels} kinds of things happen")
        self._c.set_row(self._search, record, len(row), effects, to)

    def set_effect(self, outline: int, slot: int, effect: int, outcome: int) -> None:
        self._c.set_effect(self._search, ctypes.c_int64(outline), slot, effect, outcome)

    def set_outcome(self, outcome: int, outline: int, sources: Sequence[int]) -> None:
        array = (ctypes.c_int32 * len(sources))(*sources)
        self._c.set_outcome(self._search, outcome, outline, array)

    def set_twins(self, outline: int, twins: Sequence[int]) -> None:
        array = (ctypes.c_int32 * len(twins))(*twins)
        self._c.set_twins(self._search, ctypes.c_int64(outline), len(twins), array)

    def run(self, states: int) -> Want | bool:
        found = self._c.run(self._search, ctypes.c_int64(states))
        if found == 3:
            raise MemoryError(f"no memory for more than {self.states} states")
        if found < 2:
            return bool(found)
        search = self._search.contents
        effect = search.want_effect
        return Want(
            search.want_state,
            search.want_slot,
            search.want_record,
            None if effect < 0 else effect,
        )

    def close(self) -> None:
        """Free the memory of the search. Its numbers can no longer be read."""
        self._c.release(self._search)
