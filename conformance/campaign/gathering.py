"""What the lots of a run tell, put together: in the book of the run, and in one stream of events.

What is told of a lot comes from its own book, in this process or from a worker.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from conformance.campaign.attempt import Experience
from conformance.campaign.book import Book
from conformance.campaign.lots import Lot
from conformance.events import (
    GRAVITY,
    CaseBegins,
    CaseEnds,
    Cleanup,
    Event,
    Progress,
    Result,
    Statistics,
    Verdict,
    Warned,
)

Results = Mapping[str, Result]


@dataclass(frozen=True, slots=True)
class Brief:
    """What has to be known to run a lot: what the run has come to so far.

    ``earlier``: its deviations.
    """

    lot: Lot
    experience: Experience
    earlier: tuple[Result, ...]

    def learned(self, experience: Experience) -> Experience:
        """What was learned in the lot beyond what was known before."""
        return replace(experience, confirmed=experience.confirmed - self.experience.confirmed)


@dataclass(frozen=True, slots=True)
class Done:
    """What a lot has come to beside what it has told. ``whole``: it came to its end."""

    lot: Lot
    whole: bool
    seen: frozenset[str]
    experience: Experience
    cleanup: Cleanup
    statistics: Statistics
    crowd: str | None


def done(brief: Brief, book: Book, experience: Experience, whole: bool) -> Done:
    """The summary of a lot. ``book``: what was entered in it; ``experience``: after it."""
    return Done(
        brief.lot,
        whole,
        frozenset(book.seen),
        brief.learned(experience),
        book.cleanup,
        book.statistics,
        book.crowd,
    )


@dataclass
class Gathering:
    """Puts what lots tell into the ``book`` of the run."""

    book: Book
    experience: Experience = field(default_factory=Experience)
    _actions: dict[int, int] = field(default_factory=dict)  # by lot, those of open servers
    _begun: set[str] = field(default_factory=set)
    _progress: dict[str, dict[int, Progress]] = field(default_factory=dict)
    _streams: dict[str, dict[int, dict[str, Result]]] = field(default_factory=dict)
    _ended: dict[str, int] = field(default_factory=dict)  # streams that came to their end

    def brief(self, lot: Lot) -> Brief:
        """What has to be known to run this lot now."""
        known = replace(self.experience, troubled=0, slow=0)
        return Brief(lot, known, tuple(self.book.deviations))

    def take(self, lot: Lot, event: Event) -> None:
        """Take an event of a lot. Of a case in several streams it is held until all have ended."""
        match event:
            case CaseBegins(id):
                if id not in self._begun:
                    self._begun.add(id)
                    self.book.tell(event)
            case Progress(id):
                self.book.tell(self._together(lot, event))
            case CaseEnds(result, actions):
                self._actions[lot.number] = actions
                if lot.stream is None:
                    self._enter(result)
                else:
                    streams = self._streams.setdefault(lot.cases[0], {})
                    streams.setdefault(lot.stream.number, {})[result.id] = result
            case Warned(reason):
                self.book.warn(reason)
            case _:
                self.book.tell(event)

    def close(self, done: Done) -> None:
        """A lot is over."""
        book, lot, learned = self.book, done.lot, done.experience
        book.seen |= done.seen
        book.cleaned(done.cleanup)
        book.spend(**{name: getattr(done.statistics, name) for name in Statistics.__slots__})
        book.crowd = book.crowd or done.crowd
        self._actions.pop(lot.number, None)
        experience = self.experience
        experience.obstacle = experience.obstacle or learned.obstacle
        experience.retries = experience.retries or learned.retries
        experience.confirmed += learned.confirmed
        if lot.stream is not None and done.whole:
            (case,) = lot.cases
            self._ended[case] = self._ended.get(case, 0) + 1
            if self._ended[case] == lot.stream.of:
                for result in united(self._in_order(self._streams.pop(case))):
                    self._enter(result)

    def flush(self) -> None:
        """The run was cut short: of a case in several streams only a deviation can be told."""
        for streams in self._streams.values():
            for result in united(self._in_order(streams)):
                if result.verdict is Verdict.DEVIATION:
                    self._enter(result)
        self._streams.clear()

    def _enter(self, result: Result) -> None:
        self.book.enter(result, sum(self._actions.values()))

    @staticmethod
    def _in_order(streams: Mapping[int, Results]) -> list[Results]:
        return [streams[number] for number in sorted(streams)]

    def _together(self, lot: Lot, event: Progress) -> Progress:
        if lot.stream is None:
            return event
        parts = self._progress.setdefault(event.id, {})
        parts[lot.stream.number] = event
        each = -(-sum(part.of for part in parts.values()) // len(parts))
        return Progress(event.id, sum(part.done for part in parts.values()), each * lot.stream.of)


def united(parts: Sequence[Results]) -> Iterable[Result]:
    """The results of a case, and of what was found in it, by those of its parts in their order.

    Of each the worst one is told, and the first of these; the replay files of others go.
    """
    by_id: dict[str, list[Result]] = {}
    for part in parts:
        for result in part.values():
            by_id.setdefault(result.id, []).append(result)
    # What was found in a case is told before it, as by a case in one part.
    for results in sorted(by_id.values(), key=lambda ones: ones[0].part_of is None):
        worst = min(results, key=lambda one: GRAVITY.index(one.verdict))
        for other in results:
            if other.replay is not None and other is not worst:
                with suppress(OSError):
                    Path(other.replay).unlink()
        yield replace(worst, seconds=sum(one.seconds for one in results))
