"""What a person sees: progress while it works, each difference, and the summary last."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

from conformance import events
from conformance.events import CaseBegins, CaseEnds, Ended, Event, Share, Started
from conformance.reports.story import Story, stale_words
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
    """Prints to a `Terminal`. A line of progress is shown only where it can be overwritten.

    Of a run that could not begin it prints what is left: why, the command says.
    """

    console: Terminal
    _story: Story = field(default_factory=Story)
    _progress: Progress | None = None
    _task: TaskID | None = None

    def take(self, event: Event) -> None:
        known = set(self._story.results)
        self._story.take(event)
        match event:
            case Started():
                self._start(event)
            case CaseBegins(name):
                self._show(name)
            case events.Progress(name, done, of):
                self._show(f"{name} {min(done, of)}/{of}")
            case CaseEnds(result):
                counts = result.id not in known and result.part_of is None
                if counts and self._progress and self._task is not None:
                    self._progress.advance(self._task)
            case Ended():
                self._end(event)

    def _start(self, event: Started) -> None:
        if event.cases == 0:
            return
        ledger = f"ledger {event.ledger}" if event.ledger else "no ledger"
        self.console.say(
            f"Testing {self._story.server} ({event.mode}): {counted(event.cases, 'case')},"
            f" {ledger}, seed {event.seed}"
        )
        if event.time_limit is not None:
            self.console.say(
                f"It takes {event.time_limit:g} s at most (--time-limit), and"
                f" {TIMING.cleaning:g} s to clean up"
            )
        if self.console.is_terminal:
            self._progress = Progress(
                BarColumn(20),
                TextColumn("{task.completed:.0f}/{task.total:.0f}"),
                TextColumn("{task.description}", markup=False),
                console=self.console,
                transient=True,
            )
            self._task = self._progress.add_task("", total=event.cases)
            self._progress.start()

    def _show(self, text: str) -> None:
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, description=text)

    def _end(self, event: Ended) -> None:
        if self._progress is not None:
            self._progress.stop()
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
            yield from self._story.block(group)
        for group in self._story.accepted:
            yield ""
            told = f"{group.title}: {group.first.reason or ''}"
            yield _headed("accepted", "yellow", told)
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
        found = event.coverage
        yield ""
        whole = self._story.started is None or self._story.started.whole
        for reason, count in self._story.skipped:
            yield f"skipped {counted(count, 'case')}: {reason}"
        yield _share("cells", "covered", found.cells, whole)
        yield _share("edges", "covered", found.edges, whole)
        yield _share("requirements", "judged", found.requirements, whole)
        yield from self._story.bounds
        yield from self._left()
        for name in event.stale:
            yield _headed("stale", "bold red", stale_words(name))
        for warning in self._story.warnings:
            yield _headed("warning:", "yellow", warning)
        failed = self._story.failed
        if failed is not None:
            yield _headed("cut short:", "yellow", failed)
        yield self._story.times
        yield _headed(self._story.word, STYLE[event.verdict], self._story.told)


def _headed(head: str, style: str, rest: str) -> Text:
    """A line that begins with a word in colour."""
    return Text.assemble((head, style), " ", rest)


def _share(name: str, word: str, share: Share, whole: bool) -> str:
    """A line on one catalogue. ``whole``: what is open was to be covered."""
    closed = len(share.unreachable)
    why = f" ({closed} cannot be reached here)" if closed else ""
    return f"{name:12} {len(share.covered)} of {share.total} {word}{why}{_missing(share, whole)}"


def _missing(share: Share, whole: bool) -> str:
    if not share.missing:
        return ""
    if not whole:
        return f"; {len(share.missing)} not selected or not run"
    more = len(share.missing) - SHOWN
    return f"; missing: {', '.join(share.missing[:SHOWN])}" + (
        f" and {more} more" if more > 0 else ""
    )
