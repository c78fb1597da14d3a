"""What the page shows, as values that its template only has to write down."""

from __future__ import annotations

import base64
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from conformance.campaign.replay import load
from conformance.errors import KitError
from conformance.events import Result, Verdict
from conformance.reports.coloring import OF_A_CASE
from conformance.reports.script import script
from conformance.reports.story import Story
from spec import table
from spec.diagram import DotMissing, pictures, render
from spec.diagram.looks import MARKS, STATES, Coverage, effect, verb
from spec.requirements import Requirement, requirement
from spec.table import State

Cases = Mapping[str, list[str]]  # of a requirement
EDGE = re.compile(r'<g id="(edge/[^"]+)" class="edge">.*?</g>', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the matrix. ``mark``: how this run stands to it; ``cases``: those that try it."""

    id: str
    words: str
    remark: str
    coverage: Coverage
    cases: tuple[str, ...]

    @property
    def sign(self) -> str:
        return MARKS[self.coverage]


@dataclass(frozen=True, slots=True)
class SuiteRow:
    """How a suite has come out."""

    name: str
    counts: Mapping[Verdict, int]
    seconds: float


@dataclass(frozen=True, slots=True)
class Judged:
    """A requirement that cases of this run are of: the worst verdict, and the cases."""

    requirement: Requirement
    verdict: Verdict
    cases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class File:
    """A file that stands in the page, to be downloaded."""

    name: str
    content: str  # in base 64


def matrix(marks: Mapping[str, str], cases: Cases) -> list[tuple[str, list[Cell]]]:
    """The rows of the action matrix: a state, and its cells in the order of the actions."""
    rows: list[tuple[str, list[Cell]]] = []
    for state in table.MATRIX:
        name = str(state) if isinstance(state, State) else "(no such job)"
        cells = []
        for action in table.ACTIONS:
            id = table.cell_id(action, state)
            words, remark = effect(state, action)
            mark = Coverage(marks.get(id, Coverage.NOT_SEEN))
            cells.append(Cell(id, words, remark, mark, tuple(cases.get(id, ()))))
        rows.append((name, cells))
    return rows


def unknown_job(results: Iterable[Result]) -> dict[str, str]:
    """How this run stands to the actions on a job that there is not, which no coverage counts."""
    means = {Verdict.PASS: Coverage.COVERED, **OF_A_CASE}
    ids = {table.cell_id(action, table.UNKNOWN) for action in table.ACTIONS}
    return {one.id: means[one.verdict] for one in results if one.id in ids and one.verdict in means}


def edges(marks: Mapping[str, str], cases: Cases) -> list[Cell]:
    """The published edges, as the figure names them."""
    return [
        Cell(
            edge.id,
            f"{edge.source or 'new'} \u2192 {edge.target}",
            verb(edge.trigger),
            Coverage(marks.get(edge.id, Coverage.NOT_SEEN)),
            tuple(cases.get(edge.id, ())),
        )
        for edge in table.EDGES
    ]


def by_requirement(results: Iterable[Result]) -> dict[str, list[str]]:
    """The cases of each requirement: what is reported of one, or is called by its name."""
    found: dict[str, list[str]] = defaultdict(list)
    for result in results:
        for id in dict.fromkeys((result.requirement, result.id)):
            found[id].append(result.id)
    return found


def figure(marks: Mapping[str, str], cases: Cases) -> str | None:
    """The state diagram as SVG whose edges are links; None without Graphviz."""
    try:
        svg = render(pictures(marks)[STATES])
    except DotMissing:
        return None

    def linked(found: re.Match[str]) -> str:
        ids = cases.get(found[1])
        return f'<a href="#case/{ids[0]}">{found[0]}</a>' if ids else found[0]

    svg = EDGE.sub(linked, svg[svg.index("<svg") :])
    return re.sub(r'\bid="', f'id="{STATES}-', svg)


def suites(results: Iterable[Result]) -> list[SuiteRow]:
    found: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        found[result.id.partition("/")[0]].append(result)
    return [
        SuiteRow(
            name,
            {verdict: sum(one.verdict is verdict for one in group) for verdict in Verdict},
            sum(one.seconds for one in group),
        )
        for name, group in found.items()
    ]


def judged(story: Story) -> list[Judged]:
    """The requirements of the cases that ran or deviated, in the order of their sections."""
    gravity = (Verdict.DEVIATION, Verdict.UNKNOWN, Verdict.ACCEPTED, Verdict.PASS, Verdict.SKIPPED)
    found: dict[str, list[Result]] = defaultdict(list)
    for result in story.results.values():
        found[result.requirement].append(result)
    return [
        Judged(
            requirement(id),
            min((one.verdict for one in group), key=gravity.index),
            tuple(one.id for one in group),
        )
        for id, group in sorted(found.items())
    ]


def downloads(result: Result) -> list[File]:
    """The replay of a result, and a script of it, as far as they can be had."""
    if result.replay is None:
        return []
    path = Path(result.replay)
    found: list[File] = []
    with suppress(KitError, OSError):  # there is no script of every replay
        found.append(File(path.name, _in_base_64(path.read_text(encoding="utf-8"))))
        made = path.with_suffix(".py").name
        found.append(File(made, _in_base_64(script(load(path), made))))
    return found


def _in_base_64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
