"""What a person sees: progress while it works, each difference, and the summary last."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from conformance import events
from conformance.events import CaseBegins, CaseEnds, Ended, Event, Share, Started
from conformance.reports.story import Group, Story, stale_words

SHOWN = 6  # of what is missing; the JSON report has all of it
STYLE = {
    "conforms": "bold green",
    "deviates": "bold red",
    "unknown": "bold yellow",
}


@dataclass
class ConsoleReport:
    """Prints to ``console``. A line of progress is shown only where it can be overwritten.

    Of a run that could not begin it prints nothing: why, the command says.
    """

    console: Console
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
                if result.id not in known and self._progress and self._task is not None:
                    self._progress.advance(self._task)
            case Ended():
                self._end(event)

    def _start(self, event: Started) -> None:
        if event.cases == 0:
            return
        ledger = f"ledger {event.ledger}" if event.ledger else "no ledger"
        self.console.print(
            f"Testing {self._story.server}: {event.cases} cases, {ledger}, seed {event.seed}",
            highlight=False,
        )
        if self.console.is_terminal:
            self._progress = Progress(
                BarColumn(20),
                TextColumn("{task.completed:.0f}/{task.total:.0f}"),
                TextColumn("{task.description}"),
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
            return
        for line in (*self._details(), *self._summary(event)):
            self.console.print(line, highlight=False, soft_wrap=True)

    # --- what was found -----------------------------------------------------------------------

    def _details(self) -> Iterator[str]:
        for group in self._story.deviations:
            yield from self._block(group)
        for group in self._story.accepted:
            yield ""
            yield f"[yellow]accepted[/] {' + '.join(group.names)}: {_plain(group.first.reason)}"
            yield f"  shown by    {', '.join(r.id for r in group.results)}"
            yield f"  replay      {_plain(self._story.replay(group.first), 'none')}"
        for reason, found in self._story.unknown:
            yield ""
            others = f" and {len(found) - 1} more" if len(found) > 1 else ""
            yield f"[yellow]unknown[/] {found[0]}{others}: {_plain(reason)}"

    def _block(self, group: Group) -> Iterator[str]:
        result, stands = group.first, group.requirement
        yield ""
        yield f"[bold red]deviation[/] {result.id}"
        yield f"  requirement {stands.id} ({stands.ground}): {escape(stands.sentence)}"
        yield f"  source      {escape(stands.source)}"
        for number, line in enumerate(result.program):
            yield f"  {'run' if number == 0 else '':11} {number + 1:2}. {escape(line)}"
        yield f"  expected    {escape(' | '.join(result.expected))}"
        yield f"  actual      {_plain(result.actual)}"
        if result.reason:
            yield f"  reason      {escape(result.reason)}"
        for words in group.known_as:
            yield f"  known as    {escape(words)}"
        if group.others:
            yield f"  also in     {', '.join(group.others)}"
        yield f"  replay      {_plain(self._story.replay(result), 'none')}"

    # --- the summary --------------------------------------------------------------------------

    def _summary(self, event: Ended) -> Iterator[str]:
        found = event.coverage
        yield ""
        for reason, count in self._story.skipped:
            yield f"skipped {count} cases: {reason}"
        yield from _share("cells", found.cells)
        yield from _share("edges", found.edges)
        known = found.requirements
        yield f"requirements {len(known.covered)} of {known.total} checked{_missing(known)}"
        yield from map(escape, self._story.bounds)
        for kind, why, ids in self._story.left:
            yield f"left on the server, {escape(why)}:"
            yield from (f"  {kind} {escape(id)}" for id in ids)
        for name in event.stale:
            yield f"[bold red]stale[/] {stale_words(name)}"
        yield self._story.times
        stopped = "interrupted; " if event.interrupted else ""
        yield (
            f"[{STYLE[event.verdict]}]{event.verdict}[/] {self._story.server}:"
            f" {stopped}{self._story.counts}"
        )


def _plain(text: str | None, otherwise: str = "") -> str:
    return escape(otherwise if text is None else text)


def _share(name: str, share: Share) -> Iterator[str]:
    closed = len(share.unreachable)
    why = f" ({closed} of {share.total} cannot be reached)" if closed else ""
    yield f"{name:12} {len(share.covered)} of {share.reachable} covered{why}{_missing(share)}"


def _missing(share: Share) -> str:
    if not share.missing:
        return ""
    more = len(share.missing) - SHOWN
    return f"; missing: {', '.join(share.missing[:SHOWN])}" + (
        f" and {more} more" if more > 0 else ""
    )
