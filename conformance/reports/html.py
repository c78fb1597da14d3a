"""One page that needs nothing else: verdict, each deviation with its time line, coverage, cases."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

from conformance.campaign.typed import of_results, was_tried
from conformance.events import Ended, Verdict
from conformance.reports import compared, page
from conformance.reports.coloring import marks
from conformance.reports.comparing import Comparison
from conformance.reports.file_report import FileReport
from conformance.reports.rendering import rendered
from conformance.reports.story import WORDS, ledger, slowest, stale_words, times
from conformance.reports.timeline import timeline
from conformance.text import counted
from spec.diagram.looks import MARKS, verb
from spec.of_jobs import SAID
from spec.requirements import requirement
from spec.table import ACTIONS, State

TEMPLATE = "report.html.j2"
SLOWEST = 10


class HtmlReport(FileReport):
    """Everything that comes from a server is text to the template, which escapes it.

    With ``since``, the page also tells what changed since an older run. Without Graphviz it has no
    figure; matrix and edges are there as tables all the same.
    """

    def __init__(self, path: Path, since: Comparison | None = None) -> None:
        super().__init__(path)
        self._since = since

    def _text(self, ended: Ended) -> str:
        from markupsafe import Markup

        story, results = self._story, self._story.results.values()
        coloured = {**page.unknown_job(results), **marks(ended.coverage, results)}
        cases = page.by_requirement(results)
        drawn = page.figure(coloured, cases) if ended.coverage.cells.total else None
        told = [*story.deviations, *story.accepted]
        tested = "" if story.started is None else story.started.target.version
        return rendered(
            TEMPLATE,
            story=story,
            ended=ended,
            times=times,
            ledger=ledger(story.started),
            server=story.tested,
            kit=version("orthanc-jobs-conformance"),
            words=WORDS,
            verdicts=Verdict,
            shares=_shares(ended),
            matrix=page.matrix(coloured, cases),
            edges=page.edges(coloured, cases),
            closed={f"edge/{name}": why for name, why in ended.coverage.edges.unreachable},
            figure=None if drawn is None else Markup(drawn),
            actions=[verb(action) for action in ACTIONS],
            signs=MARKS.items(),
            states=list(State),
            suites=page.suites(results),
            slowest=slowest(story.results.values(), SLOWEST),
            judged=page.judged(story),
            types={
                t: found for t, found in of_results(results, tested).items() if was_tried(found)
            },
            said=SAID,
            told={group.first.id for group in told},
            since=self._since,
            changes=[] if self._since is None else list(compared.told(self._since)),
            compared=compared.summary,
            modes=compared.warning,
            timeline=timeline,
            downloads=page.downloads,
            requirement=requirement,
            stale_words=stale_words,
            counted=counted,
        )


def _shares(ended: Ended) -> list[tuple[str, str, Any]]:
    """Each catalogue: its name, what is said of what was done of it, and the share."""
    found = ended.coverage
    return [
        ("cells", "covered", found.cells),
        ("edges", "covered", found.edges),
        ("requirements", "judged", found.requirements),
    ]
