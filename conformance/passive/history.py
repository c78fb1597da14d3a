"""What was seen of one job, as a finding tells it: the readings that matter, each once."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from conformance.passive.shown import Shown

REMEMBERED = 12  # lines that a finding shows


@dataclass
class _Alike:
    """Readings, one after the other, in which nothing changed but the runtime of the job."""

    first: Shown
    last: Shown
    number: int = 1

    def lines(self, to_the_end: bool) -> list[str]:
        """In a line; ``to_the_end``: the last reading has one of its own, as it may decide."""
        alone = to_the_end and self.number > 1
        number = self.number - alone
        told = str(self.first) if number == 1 else f"{self.first}: the first of {number} like it"
        return [told, str(self.last)] if alone else [told]


@dataclass
class History:
    """The readings of a job, and what was done with it, as far as it is remembered."""

    _parts: deque[_Alike | str] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def read(self, now: Shown) -> None:
        last = self._parts[-1] if self._parts else None
        if isinstance(last, _Alike) and _standing(last.last) == _standing(now):
            last.last = now
            last.number += 1
        else:
            self._parts.append(_Alike(now, now))

    def note(self, line: str) -> None:
        """Something else than a reading, in words."""
        self._parts.append(line)

    def lines(self) -> tuple[str, ...]:
        """A line for what follows one another alike, and one for the last reading."""
        told: list[str] = []
        for number, part in enumerate(self._parts, start=1):
            last = number == len(self._parts)
            told += [part] if isinstance(part, str) else part.lines(last)
        return tuple(told)


def _standing(one: Shown) -> tuple[object, ...]:
    """What of a reading matters to who follows the job."""
    return one.state, one.error, one.progress, one.priority, one.type, one.completion
