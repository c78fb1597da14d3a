"""What a run has come to so far, and what its reports are told of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from conformance.campaign import coverage as covering
from conformance.campaign import verdict
from conformance.campaign.ledger import Ledger
from conformance.campaign.little import cure, too_little
from conformance.events import (
    UNCOVERED,
    CaseEnds,
    Cleanup,
    Coverage,
    Ended,
    Event,
    Result,
    RunVerdict,
    Statistics,
    Verdict,
    Warned,
)
from conformance.interrupts import uninterrupted
from conformance.oracle.history import Together
from conformance.suites.case import Case
from conformance.text import counted
from spec.engine import Event as Happening

Emit: TypeAlias = Callable[[Event], None]
SHOWN = 3  # of what is missing, in a line


@dataclass
class Book:
    """Results, coverage, and what was spent. ``cases``: all of the kit's for this server.

    ``whole``: all of them run, so that what they do not cover is missing. ``selected``: those
    that run; ``named``: the suites that were asked for by name. ``bound``: the requirements that
    are said of the server's version. ``crowd``: who fills its history, where somebody does.
    ``seen``: the ids of cells and edges. ``earlier``: deviations that were found elsewhere.
    ``covered``: the coverage, where others have judged it already.
    """

    emit: Emit
    whole: bool
    cases: Sequence[Case] = ()
    selected: Sequence[Case] = ()
    named: Sequence[str] = ()
    bound: Sequence[str] = ()
    crowd: str | None = None
    ledger: Ledger = field(default_factory=Ledger)
    results: dict[str, Result] = field(default_factory=dict)
    cleanup: Cleanup = field(default_factory=Cleanup)
    statistics: Statistics = field(default_factory=Statistics)
    seen: set[str] = field(default_factory=set)
    earlier: Sequence[Result] = ()
    covered: Coverage | None = None
    _warned: set[str] = field(default_factory=set)

    def tell(self, event: Event) -> None:
        """Tell the reports, which are never interrupted in the middle of writing."""
        with uninterrupted():
            self.emit(event)

    def warn(self, reason: str) -> None:
        """Tell what changes no verdict, once."""
        if reason not in self._warned:
            self._warned.add(reason)
            self.tell(Warned(reason))

    def enter(self, result: Result, actions: int) -> None:
        """A case has its verdict. ``actions``: those on the server that is open."""
        self.results[result.id] = result
        self.tell(CaseEnds(result, self.statistics.actions + actions))

    def saw(self, trace: Sequence[tuple[Happening | Together, Any]]) -> None:
        """What a driver has seen counts for the coverage."""
        self.seen |= covering.seen(trace)

    def spend(self, **more: float) -> None:
        """``more``: by fields of `Statistics`."""
        old = self.statistics
        self.statistics = replace(old, **{k: getattr(old, k) + v for k, v in more.items()})

    def took(self, before: Statistics, seconds: float) -> None:
        """Lots have run side by side for so long, each with its set-up and its cleaning up."""
        self.statistics = replace(
            self.statistics,
            seconds=before.seconds + seconds,
            setup_seconds=before.setup_seconds,
            cleanup_seconds=before.cleanup_seconds,
        )

    def cleaned(self, done: Cleanup) -> None:
        """A server was cleaned up."""
        old = self.cleanup
        self.cleanup = Cleanup(old.removed + done.removed, (*old.left, *done.left))

    @property
    def faulty(self) -> bool:
        """Whether a deviation was found that nothing explains."""
        return any(not result.relaxations for result in self.deviations)

    @property
    def deviated(self) -> Set[str]:
        """The cases that were a deviation, or in which one was found."""
        return {result.part_of or result.id for result in self.deviations}

    @property
    def deviating(self) -> Set[str]:
        """The suites of which a case was a deviation."""
        return {result.id.partition("/")[0] for result in self.deviations}

    @property
    def deviations(self) -> list[Result]:
        """What deviates, of this book and of earlier ones."""
        found = (*self.earlier, *self.results.values())
        return [result for result in found if result.verdict is Verdict.DEVIATION]

    def coverage(self) -> Coverage:
        """What was seen on the server, of all that there is to see."""
        if self.covered is not None or not self.cases:
            return self.covered or UNCOVERED
        return covering.coverage(self.cases, self.results.values(), self.seen, self.bound)

    def verdict(self, cut_short: bool) -> RunVerdict:
        """``cut_short``: the run did not come to its end."""
        results = self.results.values()
        return verdict.of_run(
            [result.verdict for result in results],
            stale=self.ledger.stale(results),
            lacks=self._lacking() is not None,
            cut_short=cut_short,
        )

    def _lacking(self) -> str | None:
        """What a run that came to its end lacks for a verdict, or None."""
        little = too_little(self.selected, self.named, self.results, self.crowd)
        if little is not None or not self.whole:
            return little
        found = self.coverage()
        missing = [*found.cells.missing, *found.edges.missing, *found.requirements.missing]
        more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
        return f"not covered: {', '.join(missing[:SHOWN])}{more}" if missing else None

    def _why(self, verdict: RunVerdict) -> str | None:
        """Why the verdict is unknown, if it is."""
        if verdict is not RunVerdict.UNKNOWN:
            return None
        found = [r for r in self.results.values() if r.verdict is Verdict.UNKNOWN]
        if found:
            why = found[0].reason or ""
            return f"{counted(len(found), 'case')} came to no verdict: {why}; {cure(why)}"
        return self._lacking()

    def ended(self, verdict: RunVerdict, interrupted: bool) -> Ended:
        """The last event of the run."""
        results = self.results.values()
        return Ended(
            verdict,
            interrupted,
            self.coverage(),
            self.ledger.used(results),
            self.ledger.stale(results),
            self.cleanup,
            self.statistics,
            self._why(verdict),
        )
