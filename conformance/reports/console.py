"""What a person sees: progress while it works, each difference, and the summary last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.text import Text

from conformance.events import Ended, Event, RunVerdict, Share, Started
from conformance.reports.live import Live
from conformance.reports.story import (
    Story,
    block,
    searched_words,
    slowest,
    stale_words,
    times,
)
from conformance.reports.terminal import Terminal
from conformance.text import counted
from conformance.timing import TIMING

SHOWN = 6  # of what is missing; the JSON report has all of it
STYLE = {
    "conforms": "bold green",
    "deviates": "bold red",
    "unknown": "bold yellow",
}


@dataclass
class ConsoleReport:
    """Prints to a `Terminal`, what it tells while the run is under way by `Live`.

    Of a run that could not begin it prints what is left: why, the command says. ``quiet``: only
    deviations, and the last line. ``verbose``: of what is accepted the cases and a replay as well,
    and what complete suites have shown. ``durations``: how many of the slowest cases it names.
    ``before``: what the cases took in earlier runs, in seconds. ``written``: the files of the other
    reports, which it names.
    """

    console: Terminal
    quiet: bool = False
    verbose: bool = False
    durations: int = 0
    before: Mapping[str, float] = field(default_factory=dict)
    written: Sequence[Path] = ()
    _story: Story = field(default_factory=Story)
    _live: Live = field(init=False)

    def __post_init__(self) -> None:
        self._live = Live(self.console, self.quiet, self.before)

    def take(self, event: Event) -> None:
        self._story.take(event)
        if isinstance(event, Started) and event.cases and not self.quiet:
            self._start(event)
        self._live.take(event)
        if isinstance(event, Ended):
            self._live.stop()
            self._end(event)

    def _start(self, event: Started) -> None:
        ledger = f"ledger {event.ledger}" if event.ledger else "no ledger"
        self.console.say(
            f"Testing {self._story.server} ({event.mode}): {counted(event.cases, 'case')},"
            f" {ledger}, seed {event.seed}"
        )
        if event.time_limit is not None:
            self.console.say(
                f"It ends after {event.time_limit:g} s at the latest (--time-limit), and after"
                f" {TIMING.cleaning:g} s of cleaning up"
            )

    def _end(self, event: Ended) -> None:
        started = self._story.started
        if self._story.failed is not None and started is not None and started.cases == 0:
            for left in self._left():
                self.console.say(left)
            return
        for line in (*self._details(), *self._summary(event)):
            self.console.say(line)

    # --- what was found -----------------------------------------------------------------------

    def _details(self) -> Iterator[str | Text]:
        for group in self._story.deviations:
            yield ""
            yield _headed("deviation", "bold red", group.first.id)
            yield from block(self._story, group)
        if self.quiet:
            return
        if self._story.accepted:
            yield ""
        for group in self._story.accepted:
            cases = counted(len(group.results), "case")
            told = f"{group.title} ({cases}): {group.first.reason or ''}"
            yield _headed("accepted", "yellow", told)
            if self.verbose:
                yield f"  shown by    {', '.join(r.id for r in group.results)}"
                yield f"  replay      {self._story.replay(group.first) or 'none'}"
        for reason, found in self._story.unknown:
            yield ""
            others = f" and {len(found) - 1} more" if len(found) > 1 else ""
            yield _headed("unknown", "yellow", f"{found[0]}{others}: {reason}")

    # --- the summary --------------------------------------------------------------------------

    def _left(self) -> Iterator[str]:
        for kind, why, ids in self._story.left:
            yield f"left on the server, {why}:"
            yield from (f"  {kind} {id}" for id in ids)

    def _summary(self, event: Ended) -> Iterator[str | Text]:
        failed = self._story.failed
        if self.quiet:
            if failed is not None and event.verdict is RunVerdict.DEVIATES:
                yield _headed("cut short:", "yellow", failed)  # else the command ends by saying it
            yield _headed(self._story.word, STYLE[event.verdict], self._story.told)
            return
        found = event.coverage
        yield ""
        for result in slowest(self._story.results.values(), self.durations):
            yield f"{result.seconds:8.2f} s  {result.id}"
        whole = self._story.started is None or self._story.started.alone
        for reason, count in self._story.skipped:
            yield f"skipped {counted(count, 'case')}: {reason}"
        if self.written:
            yield f"{'reports':12} {', '.join(map(str, self.written))}"
        if not self._story.of_a_client:
            yield self._share("cells", "covered", found.cells, whole)
            yield self._share("edges", "covered", found.edges, whole)
        yield self._share("requirements", "judged", found.requirements, whole)
        if self.verbose:
            yield from self._story.bounds
        if self._story.searched is not None:
            yield searched_words(self._story.searched)
        yield from self._left()
        for name in event.stale:
            yield _headed("stale", "bold red", stale_words(name))
        for warning in self._story.warnings:
            yield _headed("warning:", "yellow", warning)
        if failed is not None:
            yield _headed("cut short:", "yellow", failed)
        yield times(event.statistics)
        yield _headed(self._story.word, STYLE[event.verdict], self._story.told)

    def _share(self, name: str, word: str, share: Share, whole: bool) -> str:
        """A line on one catalogue. ``whole``: what is open was to be covered."""
        closed = self._story.closed(share)
        why = f" ({'; '.join(closed)})" if closed else ""
        return (
            f"{name:12} {len(share.covered)} of {share.total} {word}{why}{_missing(share, whole)}"
        )


def _headed(head: str, style: str, rest: str) -> Text:
    """A line that begins with a word in colour."""
    return Text.assemble((head, style), " ", rest)


def _missing(share: Share, whole: bool) -> str:
    if not share.missing:
        return ""
    if not whole:
        return f"; {len(share.missing)} not selected or not run"
    more = len(share.missing) - SHOWN
    return f"; missing: {', '.join(share.missing[:SHOWN])}" + (
        f" and {more} more" if more > 0 else ""
    )
