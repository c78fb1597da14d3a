"""What the search of the packed form is asked and told, in numbers; and the search in Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

UNBORN, GONE = 0, 1  # the records of a job that is not submitted yet, and of one that is gone
UNKNOWN, CANNOT = 0, 1  # the effects that were not asked for yet, and that are impossible
FIRST = 2  # effects from here on are outcomes


class Want(NamedTuple):
    """An entry that the search needs. ``effect`` is None for a row."""

    state: int
    slot: int
    record: int  # the record whose row is wanted, or the record after the effect
    effect: int | None


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
