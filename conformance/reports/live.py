"""What is told while a run is under way: suites as they end, deviations as they are found.

On a terminal a line below them shows how far it has come; elsewhere a line says so now and then.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

from conformance import events
from conformance.events import (
    CaseBegins,
    CaseEnds,
    Event,
    Result,
    Searched,
    Spoken,
    Started,
    Verdict,
)
from conformance.reports.pace import Pace, counts_of, suite_of, told
from conformance.reports.story import WORDS, searched_words
from conformance.reports.terminal import Terminal
from conformance.talk import Said
from conformance.text import clipped, counted

SILENT = 15.0  # seconds at most without a line, where there is no line of progress
SEARCHING = 10.0  # the same of a search, which tells of itself between its examples only
TOLD = 100  # characters of what was seen, and of what was expected
SAID = 300  # characters of a body


@dataclass
class Live:
    """Tells of a run while it is under way. ``before``: what its cases took in earlier runs.

    ``quiet``: nothing but a line of progress on a terminal.
    """

    console: Terminal
    quiet: bool = False
    before: Mapping[str, float] = field(default_factory=dict)
    clock: Callable[[], float] = time.monotonic
    _pace: Pace = field(default_factory=lambda: Pace(()))
    _results: dict[str, Result] = field(default_factory=dict)
    _case: str = ""
    _searched: Searched | None = None
    _said: float = 0.0  # when something was told for the last time
    _progress: Progress | None = None
    _task: TaskID | None = None

    def take(self, event: Event) -> None:
        match event:
            case Started():
                self._start(event)
            case CaseBegins(name):
                self._case = name
            case events.Progress(name, done, of):
                self._pace.goes_on(done, of)
                self._case = f"{name} {min(done, of)}/{of}"
            case Searched():
                self._pace.goes_on(int(event.seconds), int(event.of))
                self._searching(event)
            case Spoken(said):
                self._say(_spoken(said))
            case CaseEnds(result):
                self._ended(result)
        self._show()

    def stop(self) -> None:
        """The run is over: nothing is shown of it any more."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
        self._pace = Pace(())

    def _start(self, event: Started) -> None:
        self._pace, self._said = Pace(event.ids, self.before, event.workers), self.clock()
        if self.console.is_terminal and event.ids:
            self._progress = Progress(
                BarColumn(20),
                TextColumn("{task.fields[told]}", markup=False, table_column=Column(no_wrap=True)),
                TextColumn(
                    "{task.description}",
                    markup=False,
                    table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1),
                ),
                console=self.console,
                transient=True,
                expand=True,
            )
            self._task = self._progress.add_task("", total=1.0, told="")
            self._progress.start()

    def _ended(self, result: Result) -> None:
        first = result.id not in self._results
        self._results[result.id] = result
        if result.verdict is Verdict.DEVIATION:
            actual = clipped(result.actual or "", TOLD)
            expected = clipped(result.expected[0] if result.expected else "", TOLD)
            line = f"found {result.id}: {actual}; expected {expected}"
            if self.console.is_terminal:
                line = clipped(line, self.console.width)
            self._say(Text.assemble(("found", "bold red"), line.removeprefix("found")))
        if self._pace.ended(result) and first:
            suite = suite_of(result.id)
            found = [one for one in self._results.values() if suite_of(one.id) == suite]
            seconds = sum(one.seconds for one in found)
            self._say(f"{suite:10} {counts_of(found, WORDS)} in {seconds:.1f} s")

    def _searching(self, event: Searched) -> None:
        """Tell how far a search has come that has no end of its own."""
        first, self._searched = self._searched is None, event
        self._case = searched_words(event)
        if not self.console.is_terminal and (first or self.clock() - self._said > SEARCHING):
            self._say(f"{self._told()}: {self._case}")

    def _say(self, line: str | Text) -> None:
        if not self.quiet:
            self._said = self.clock()
            self.console.say(line)

    def _show(self) -> None:
        if not self._pace.ids or self._pace.done == len(self._pace.ids):
            self.stop()
        elif self._progress is not None and self._task is not None:
            self._progress.update(
                self._task, completed=self._pace.share, description=self._case, told=self._told()
            )
        elif not self.console.is_terminal and self.clock() - self._said > SILENT:
            self._say(f"{self._told()}: {self._case}")

    def _told(self) -> str:
        """How far it has come, in a few words."""
        if self._searched is not None:
            both = self._searched.seconds, self._searched.of
            return " of ".join(str(timedelta(seconds=int(one))) for one in both)
        deviating = sum(one.verdict is Verdict.DEVIATION for one in self._results.values())
        found = f", {counted(deviating, 'deviation')}" if deviating else ""
        left = told(self._pace.left)
        return f"{self._pace.done}/{len(self._pace.ids)}{found}, about {left} left"


def _spoken(said: Said) -> str:
    """A request and its answer, as they were."""
    sent = f" {clipped(said.sent, SAID)}" if said.sent else ""
    got = f" {clipped(said.got, SAID)}" if said.got else ""
    times = f"{said.at:8.3f} s  {said.method} {said.path}{sent}"
    return f"{times}: {said.status}{got} ({said.took * 1000:.1f} ms)"
