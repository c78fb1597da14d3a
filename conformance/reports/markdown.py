"""A summary in Markdown, for the page on which a CI server shows a run: verdict first.

Whatever a server may have sent stands in code, so that it cannot become a link or a picture.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from conformance.campaign.typed import Mark, counts, of_results, was_tried
from conformance.events import Ended, Share
from conformance.reports.coloring import marks
from conformance.reports.file_report import FileReport
from conformance.reports.story import Group, ledger, stale_words, times
from spec.diagram import STATES, pictures

MOST = 40  # deviations, and reasons of a kind, that are told; a step summary may have 1 MiB
LONGEST = 600  # characters of one text of a server


class MarkdownReport(FileReport):
    def _text(self, ended: Ended) -> str:
        return "\n".join(self._lines(ended)) + "\n"

    def _lines(self, ended: Ended) -> Iterator[str]:
        story = self._story
        stopped = " (interrupted)" if ended.interrupted else ""
        yield f"## Jobs engine: {story.word}{stopped}"
        yield ""
        yield f"{code(story.server)}: judged {story.scope}: {story.counts}."
        if ended.why:
            yield f"\n**Unknown:** {code(ended.why)}\n"
        yield f"Ledger: {code(ledger(story.started))}. {times(ended.statistics)}."
        if story.failed is not None:
            yield f"\n**The run could not go on:** {code(story.failed)}"
        for warning in story.warnings:
            yield f"\n**Warning:** {code(warning)}"
        for name in ended.stale:
            yield f"\n**Stale:** {stale_words(name)}."
        yield from self._coverage(ended)
        yield from self._types()
        yield from self._deviations()
        yield from _told("Complete suites", story.bounds)
        yield from _told(
            "Accepted by the ledger",
            (f"{_named(g)}: {code(g.first.reason or '')}" for g in story.accepted),
        )
        yield from _told(
            "Unknown",
            (f"{', '.join(map(code, found))}: {code(why)}" for why, found in story.unknown),
        )
        yield from _told("Skipped", (f"{count} cases: {reason}" for reason, count in story.skipped))
        yield from _told(
            "Left on the server",
            (f"{kind} {code(', '.join(ids))}: {code(why)}" for kind, why, ids in story.left),
        )

    def _coverage(self, ended: Ended) -> Iterator[str]:
        if not ended.coverage.cells.total:
            return
        whole = self._story.started is None or self._story.started.alone
        head = "missing" if whole else "not selected or not run"
        yield f"\n| | in all | reachable | done | {head} |\n| --- | --- | --- | --- | --- |"
        found = ended.coverage
        yield _row("cells", "covered", found.cells, whole)
        yield _row("edges", "covered", found.edges, whole)
        yield _row("requirements", "judged", found.requirements, whole)
        yield "\n```mermaid"
        yield pictures(marks(ended.coverage, self._story.results.values()))[STATES].mermaid.rstrip()
        yield "```"

    def _types(self) -> Iterator[str]:
        """Of each type: how much of what is said of every job it met, and what it did not."""
        started = self._story.started
        version = "" if started is None else started.target.version
        found = of_results(self._story.results.values(), version)
        tried = {type: fields for type, fields in found.items() if was_tried(fields)}
        if tried:
            yield "\n### What is said of every job, by type\n"
            yield "| type | met | not | cannot be tried here | open |"
            yield "| --- | --- | --- | --- | --- |"
        for type, fields in tried.items():
            number = counts(fields)
            closed = number[Mark.NOT_APPLICABLE] + number[Mark.NOT_REACHABLE]
            open_ = number[Mark.UNKNOWN] + number[Mark.NO_CASE]
            broken = [f"{id} ({', '.join(f.names)})" for id, f in fields.items() if f.names]
            named = code(", ".join(broken))
            yield f"| {type} | {number[Mark.PASS]} | {named} | {closed} | {open_} |"

    def _deviations(self) -> Iterator[str]:
        found = self._story.deviations
        if found:
            yield "\n### Deviations"
        for group in found[:MOST]:
            yield from self._deviation(group)
        if len(found) > MOST:
            yield f"\nand {len(found) - MOST} more: see the other reports."

    def _deviation(self, group: Group) -> Iterator[str]:
        stands = group.requirement
        source = stands.source if stands.url is None else f"[{stands.source}]({stands.url})"
        yield f"\n#### {code(group.first.id)}\n"
        yield from (f"{number}. {code(line)}" for number, line in enumerate(group.first.program, 1))
        yield f"\n> {stands.sentence}\n>\n> {stands.id} ({stands.ground}; {source})\n"
        yield "| | |\n| --- | --- |"
        for name, text in self._story.details(group):
            if name not in ("run", "requirement", "source"):
                yield f"| {name} | {text if name == 'known as' else code(text)} |"
        yield ""


def _row(name: str, word: str, share: Share, whole: bool) -> str:
    """``whole``: what is open was to be covered, so it is named."""
    open_ = code(", ".join(share.missing)) if whole else str(len(share.missing))
    done = f"{len(share.covered)} {word}"
    return f"| {name} | {share.total} | {share.reachable} | {done} | {open_} |"


def _named(group: Group) -> str:
    """By what an accepted deviation is known; what a server may have sent stands in code."""
    return f"**{group.title}**" if group.names else code(group.title)


def _told(title: str, lines: Iterable[str]) -> Iterator[str]:
    found = list(lines)
    if found:
        yield f"\n### {title}\n"
        yield from (f"- {line}" for line in found[:MOST])
    if len(found) > MOST:
        yield f"- and {len(found) - MOST} more"


def code(text: str) -> str:
    """``text`` as code in one line of Markdown, also within a table."""
    line = " ".join(text.split())
    line = line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."
    if not line:
        return ""
    ticks = "`" * (max(map(len, re.findall("`+", line)), default=0) + 1)
    edge = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{edge}{line}{edge}{ticks}".replace("|", "\\|")
