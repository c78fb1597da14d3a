"""One page that needs nothing else: verdict, coverage with its pictures, and each deviation."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from conformance.campaign.coverage import CELLS, EDGE_IDS
from conformance.events import Ended, Result, Verdict
from conformance.reports.coloring import marks
from conformance.reports.file_report import FileReport
from conformance.reports.story import WORDS, stale_words
from spec.diagram import DotMissing, pictures, render
from spec.requirements import requirement

TEMPLATE = "report.html.j2"


class HtmlReport(FileReport):
    """Everything that comes from a server is text to the template, which escapes it.

    Without Graphviz the page has tables in the place of its pictures.
    """

    def _text(self, ended: Ended) -> str:
        from jinja2 import Environment, PackageLoader, StrictUndefined
        from markupsafe import Markup

        environment = Environment(
            loader=PackageLoader("conformance.reports", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        return environment.get_template(TEMPLATE).render(
            story=self._story,
            ended=ended,
            words=WORDS,
            verdicts=Verdict,
            shares=self._shares(ended),
            pictures=[Markup(svg) for svg in _pictures(ended, self._story.results.values())],
            marks=marks(ended.coverage, self._story.results.values()),
            ids=(*CELLS, *EDGE_IDS),
            requirement=requirement,
            stale_words=stale_words,
        )

    def _shares(self, ended: Ended) -> list[tuple[str, str, Any]]:
        """Each catalogue: its name, what is said of what was done of it, and the share."""
        found = ended.coverage
        return [
            ("cells", "covered", found.cells),
            ("edges", "covered", found.edges),
            ("requirements", "judged", found.requirements),
        ]


def _pictures(ended: Ended, results: Iterable[Result]) -> list[str]:
    """Both pictures as SVG to stand in the page, with no id twice; none without Graphviz."""
    if not ended.coverage.cells.total:
        return []
    try:
        coloured = pictures(marks(ended.coverage, results))
        found = {one.name: render(one) for one in coloured.values()}
    except DotMissing:
        return []
    return [
        re.sub(r'\bid="', f'id="{name}-', svg[svg.index("<svg") :]) for name, svg in found.items()
    ]
