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
from conformance.campaign.lots import Lot, Stream
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
    _progress: dict[str, dict[int, int]] = field(default_factory=dict)
    _streams: dict[str, dict[int, dict[str, Result]]] = field(default_factory=dict)
    _open: dict[str, list[Stream]] = field(default_factory=dict)  # streams that have not ended
    _examples: dict[str, int] = field(default_factory=dict)

    def foresee(self, lots: Iterable[Lot]) -> None:
        """These are all lots that this run has."""
        for lot in lots:
            if lot.stream is not None:
                self._open.setdefault(lot.cases[0], []).append(lot.stream)
        for case, streams in self._open.items():
            self._examples[case] = sum(stream.examples for stream in streams)

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
        # Lots that ran side by side may have seen one and the same step.
        experience.clock_steps = max(experience.clock_steps, learned.clock_steps)
        if lot.stream is not None and done.whole:
            (case,) = lot.cases
            self._open[case].remove(lot.stream)
            if not self._open[case]:
                self._unite(self._streams.pop(case))

    def flush(self) -> None:
        """The run was cut short: of a case in several streams only a deviation can be told."""
        for streams in self._streams.values():
            self._unite(streams, Verdict.DEVIATION)
        self._streams.clear()

    def _enter(self, result: Result) -> None:
        self.book.enter(result, sum(self._actions.values()))

    def _unite(self, streams: Mapping[int, Results], *verdicts: Verdict) -> None:
        """Tell of a case in several streams; the replay files of what is not told go.

        ``verdicts``: only these are told, if any are named.
        """
        found = united([streams[number] for number in sorted(streams)])
        told = [one for one in found if not verdicts or one.verdict in verdicts]
        written = {result.replay for stream in streams.values() for result in stream.values()}
        for replay in written - {result.replay for result in told} - {None}:
            with suppress(OSError):
                Path(str(replay)).unlink()
        for result in told:
            self._enter(result)

    def _together(self, lot: Lot, event: Progress) -> Progress:
        if lot.stream is None:
            return event
        parts = self._progress.setdefault(event.id, {})
        parts[lot.stream.number] = event.done
        return Progress(event.id, sum(parts.values()), self._examples[event.id])


def united(parts: Sequence[Results]) -> list[Result]:
    """The results of cases, and of what was found in them, by those of their parts in their order.

    Of each the worst one is told, and the first of these.
    """
    by_id: dict[str, list[Result]] = {}
    for part in parts:
        for result in part.values():
            by_id.setdefault(result.id, []).append(result)
    # What was found in a case is told before it, as by a case in one part.
    return [
        replace(
            min(results, key=lambda one: GRAVITY.index(one.verdict)),
            seconds=sum(one.seconds for one in results),
            waited=sum(one.waited for one in results),
        )
        for results in sorted(by_id.values(), key=lambda ones: ones[0].part_of is None)
    ]
