"""What a person sees of a replay: what was done, expected and seen, and whether it was the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from rich.text import Text

from conformance.campaign.replay import Recording
from conformance.events import Event, Replayed, Result, Verdict
from conformance.reports.story import Group, Story
from conformance.reports.terminal import Terminal
from conformance.text import counted, fit
from spec.requirements import requirement


@dataclass
class ReplayReport:
    """Prints to a `Terminal` when the replay has ended; nothing of one that could not begin."""

    console: Terminal
    recording: Recording
    _story: Story = field(default_factory=Story)
    _told: Replayed | None = None

    def take(self, event: Event) -> None:
        if isinstance(event, Replayed):
            self._told = event
        if self._story.take(event) is not None and self._begun:
            for line in self._lines():
                self.console.say(line)

    @property
    def _begun(self) -> bool:
        return self._story.started is not None and self._story.started.cases > 0

    def _lines(self) -> Iterator[str | Text]:
        found: Recording = fit(self.recording)
        stands = requirement(found.requirement)
        recorded = f", recorded on {found.server}" if found.server else ""
        yield f"Replaying {found.case or 'a run'}{recorded}, on {self._story.server}"
        yield f"  requirement {stands.id} ({stands.ground}): {stands.sentence}"
        yield f"  source      {stands.source}"
        for number, line in enumerate(found.program):
            yield f"  {'run' if number == 0 else '':11} {number + 1:2}. {line}"
        yield f"  expected    {' | '.join(found.expected)}"
        yield f"  recorded    {found.actual}"
        result = next(iter(self._story.results.values()), None)
        if result is not None:
            yield f"  seen        {_seen(result, found)}"
            if result.verdict in (Verdict.DEVIATION, Verdict.ACCEPTED):
                for words in Group((result,), result.relaxations).known_as:
                    yield f"  known as    {words}"
        for warning in self._story.warnings:
            yield f"  warning     {warning}"
        yield self._end(result, found)

    def _end(self, result: Result | None, recording: Recording) -> Text:
        """The last line. ``result`` is None where the replay did not come to one."""
        told = self._told
        if result is None or told is None:
            why = "interrupted" if self._story.failed is None else self._story.failed
            return Text.assemble(("unknown", "bold yellow"), f": {why}")
        times = f"seen in {told.seen} of {counted(told.tries, 'try')}".replace("trys", "tries")
        if told.most > told.tries:
            times += f", of {told.most} at most"
        if recording.same(result):
            behind = f", behind the {told.behind} before it" if told.behind else ""
            return Text.assemble(("reproduced", "bold red"), f": {times}{behind}")
        if result.verdict is Verdict.UNKNOWN:
            return Text.assemble(("unknown", "bold yellow"), f": {times}; {result.reason}")
        other = result.verdict in (Verdict.DEVIATION, Verdict.ACCEPTED)
        why = "the server deviates in another way" if other else "it did what is specified"
        return Text.assemble(("not seen again", "bold green"), f": {times}; {why}")


def _seen(result: Result, recording: Recording) -> str:
    """What came of it this time, in words."""
    if result.verdict in (Verdict.DEVIATION, Verdict.ACCEPTED):
        where = "" if result.requirement == recording.requirement else f" ({result.requirement})"
        return f"{result.actual or ''}{where}"
    return "what is expected" if result.verdict is Verdict.PASS else result.reason or ""
