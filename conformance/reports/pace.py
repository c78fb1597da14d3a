"""How far a run has come, and how long the rest takes: by what its cases have taken before.

A case that was measured in an earlier run takes as long as then; another as long as those of its
suite so far; and where none of these has run, as long as they take on the reference server.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from conformance.events import Result, Verdict
from conformance.reports.story import numbered

# Seconds of a case, the mean of a suite on the reference server; of one that makes sequences, all.
USUAL = {"concurrent": 0.5, "monitor": 0.5, "persist": 2.0, "complete": 10.0, "search": 20.0}
SHORT = 0.05


@dataclass
class Pace:
    """``ids``: the cases of the run, in their order. ``before``: seconds of earlier runs, by id.

    ``workers``: how many run cases at once.
    """

    ids: tuple[str, ...]
    before: Mapping[str, float] = field(default_factory=dict)
    workers: int = 1
    _left: dict[str, None] = field(init=False)  # those that have not ended
    _spent: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    _part: float = 0.0  # of the case under way

    def __post_init__(self) -> None:
        self._left = dict.fromkeys(self.ids)

    def goes_on(self, done: int, of: int) -> None:
        """The case under way has done so many of its parts."""
        self._part = min(1.0, done / of) if of else 0.0

    def ended(self, result: Result) -> bool:
        """A case has ended; whether its suite has, with it."""
        self._part = 0.0
        if result.id not in self._left:
            return False
        del self._left[result.id]
        suite = suite_of(result.id)
        self._spent[suite].append(result.seconds)
        return not any(suite_of(id) == suite for id in self._left)

    @property
    def done(self) -> int:
        return len(self.ids) - len(self._left)

    @property
    def left(self) -> float:
        """Seconds, as far as can be told."""
        left = [self._seconds(id) for id in self._left]
        longest = max(left, default=0.0)
        return max(0.0, sum(left) - self._part * longest) / self.workers

    @property
    def share(self) -> float:
        """How much of the run is over, from 0 to 1; 1 only when nothing is left."""
        spent = sum(map(sum, self._spent.values()))
        all_ = spent + self.left * self.workers
        return 1.0 if not self._left else min(0.99, spent / max(all_, SHORT))

    def _seconds(self, id: str) -> float:
        suite = suite_of(id)
        if id in self.before:
            return self.before[id]
        if spent := self._spent.get(suite):
            return sum(spent) / len(spent)
        return USUAL.get(suite, SHORT)


def suite_of(id: str) -> str:
    return id.partition("/")[0]


def told(seconds: float) -> str:
    """A time that is left, in words: ``40 s``, ``2 min``."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def counts_of(results: Iterable[Result], words: Mapping[Verdict, str]) -> str:
    """How many came to which verdict, those that came to any."""
    verdicts = [result.verdict for result in results]
    found = {word: verdicts.count(verdict) for verdict, word in words.items()}
    return ", ".join(numbered(number, word) for word, number in found.items() if number)
