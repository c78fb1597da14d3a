"""What a person sees: progress while it works, each difference, and the summary last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from conformance import events
from conformance.events import (
    CaseBegins,
    CaseEnds,
    Ended,
    Event,
    Left,
    Result,
    Share,
    Started,
    Verdict,
)
from spec.relaxations import Name, named
from spec.requirements import requirement

SHOWN = 6  # of what is missing; the JSON report has all of it
STYLE = {
    "conforms": "bold green",
    "deviates": "bold red",
    "unknown": "bold yellow",
}


@dataclass
class ConsoleReport:
    """Prints to ``console``. A line of progress is shown only where it can be overwritten."""

    console: Console
    _results: dict[str, Result] = field(default_factory=dict)
    _started: Started | None = None
    _progress: Progress | None = None
    _task: TaskID | None = None

    def take(self, event: Event) -> None:
        match event:
            case Started():
                self._start(event)
            case CaseBegins(name):
                self._show(name)
            case events.Progress(name, done, of):
                self._show(f"{name} {min(done, of)}/{of}")
            case CaseEnds(result):
                if result.id not in self._results and self._progress and self._task is not None:
                    self._progress.advance(self._task)
                self._results[result.id] = result
            case Ended():
                self._end(event)

    def _start(self, event: Started) -> None:
        self._started = event
        target = event.target
        ledger = f"ledger {event.ledger}" if event.ledger else "no ledger"
        self.console.print(
            f"Testing {target.name} {target.version}: {event.cases} cases, {ledger},"
            f" seed {event.seed}",
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
        for line in (*self._details(), *self._summary(event)):
            self.console.print(line, highlight=False, soft_wrap=True)

    # --- what was found -----------------------------------------------------------------------

    def _details(self) -> Iterator[str]:
        found = self._results.values()
        deviations = [r for r in found if r.verdict is Verdict.DEVIATION]
        for results in _by_requirement(r for r in deviations if not r.relaxations):
            yield from self._block(results[0], results)
        for names, results in _by_relaxation(deviations):
            yield from self._block(results[0], results, names)
        for names, results in _by_relaxation(r for r in found if r.verdict is Verdict.ACCEPTED):
            yield ""
            yield f"[yellow]accepted[/] {' + '.join(names)}: {escape(results[0].reason or '')}"
            yield f"  shown by    {', '.join(r.id for r in results)}"
            yield f"  replay      {self._replay(results[0])}"
        for result in found:
            if result.verdict is Verdict.UNKNOWN:
                yield ""
                yield f"[yellow]unknown[/] {result.id}: {escape(result.reason or '')}"

    def _block(
        self, result: Result, same: list[Result], names: tuple[str, ...] = ()
    ) -> Iterator[str]:
        stands = requirement(result.requirement)
        yield ""
        yield f"[bold red]deviation[/] {result.id}"
        yield f"  requirement {stands.id} ({stands.ground}): {escape(stands.sentence)}"
        yield f"  source      {escape(stands.source)}"
        for number, line in enumerate(result.program):
            yield f"  {'run' if number == 0 else '':11} {number + 1:2}. {escape(line)}"
        yield f"  expected    {escape(' | '.join(result.expected))}"
        yield f"  actual      {escape(result.actual or '')}"
        if result.reason:
            yield f"  reason      {escape(result.reason)}"
        for name in names:
            yield f"  known as    {name}: {escape(named(name).sentence)}"
        if not names:
            yield "  known as    nothing in the catalogue of relaxations explains it"
        if len(same) > 1:
            yield f"  also in     {', '.join(r.id for r in same[1:])}"
        yield f"  replay      {self._replay(result)}"

    def _replay(self, result: Result) -> str:
        if result.replay is None or self._started is None:
            return "none"
        target = self._started.target
        name = target.name if target.kind != "url" else f"{target.name} --exclusive"
        return escape(f"orthanc-jobs replay {result.replay} {name}")

    # --- the summary --------------------------------------------------------------------------

    def _summary(self, event: Ended) -> Iterator[str]:
        assert self._started is not None
        found, statistics = event.coverage, event.statistics
        target = self._started.target
        yield ""
        yield from self._skipped()
        yield from _share("cells", found.cells)
        yield from _share("edges", found.edges)
        known = found.requirements
        yield f"requirements {len(known.covered)} of {known.total} checked{_missing(known)}"
        yield from _left(event.cleanup.left)
        for name in event.stale:
            yield (
                f"[bold red]stale[/] the ledger accepts {name}, and none of the cases that it"
                " names needed it: take the entry out"
            )
        yield (
            f"{statistics.actions} actions, {statistics.requests} requests in"
            f" {statistics.seconds:.1f} s, set-up {statistics.setup_seconds:.1f} s,"
            f" cleaning up {statistics.cleanup_seconds:.1f} s"
        )
        counts = [
            f"{sum(r.verdict is v for r in self._results.values())} {word}"
            for v, word in WORDS.items()
        ]
        stopped = "interrupted; " if event.interrupted else ""
        yield (
            f"[{STYLE[event.verdict]}]{event.verdict}[/] {target.name} {target.version}:"
            f" {stopped}{', '.join(counts)}"
        )

    def _skipped(self) -> Iterator[str]:
        skipped = [r for r in self._results.values() if r.verdict is Verdict.SKIPPED]
        for reason in sorted({r.reason or "" for r in skipped}):
            yield f"skipped {sum(r.reason == reason for r in skipped)} cases: {reason}"


WORDS = {
    Verdict.PASS: "passed",
    Verdict.DEVIATION: "deviations",
    Verdict.ACCEPTED: "accepted",
    Verdict.UNKNOWN: "unknown",
    Verdict.SKIPPED: "skipped",
}


def _by_requirement(results: Iterable[Result]) -> Iterable[list[Result]]:
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(result.requirement, []).append(result)
    return groups.values()


def _by_relaxation(results: Iterable[Result]) -> Iterator[tuple[tuple[str, ...], list[Result]]]:
    ordered = sorted((r for r in results if r.relaxations), key=lambda r: r.relaxations)
    for names, group in groupby(ordered, key=lambda r: r.relaxations):
        yield names, list(group)


def _left(left: Iterable[Left]) -> Iterator[str]:
    ordered = sorted(left, key=lambda one: (one.kind, one.why))
    for (kind, why), group in groupby(ordered, key=lambda one: (one.kind, one.why)):
        yield f"left on the server, {escape(why)}:"
        yield from (f"  {kind} {escape(one.id)}" for one in group)


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
