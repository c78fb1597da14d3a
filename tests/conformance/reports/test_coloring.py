"""What the pictures say of a run: red, amber, green and grey, by one rule for all of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from conformance.campaign.coverage import CELLS, EDGE_IDS
from conformance.errors import BadArgument
from conformance.events import Coverage, Result, Share, Verdict
from conformance.reports.coloring import coverage_of, marks
from conformance.reports.json_report import JsonReport
from spec.diagram import Coverage as Mark
from spec.table import Ground
from tests.conformance.reports.samples import events

CELL, EDGE = "action/cancel/pending", "edge/running/failure/fail"
NAMES = {
    "cells": [id.removeprefix("action/") for id in CELLS],
    "edges": [id.removeprefix("edge/") for id in EDGE_IDS],
}
ALL = {name: Share(len(ids), tuple(ids), ()) for name, ids in NAMES.items()}
NONE = {name: Share(len(ids), (), tuple(ids)) for name, ids in NAMES.items()}
REQUIREMENTS = Share(1, (), ())


def result(id: str, verdict: Verdict) -> Result:
    return Result(id, id, Ground.DOCUMENTED, verdict)


@pytest.mark.parametrize("id", [CELL, EDGE])
@pytest.mark.parametrize("seen", [ALL, NONE], ids=["seen", "not seen"])
@pytest.mark.parametrize(
    ("verdict", "mark"),
    [(Verdict.DEVIATION, Mark.DEVIATED), (Verdict.ACCEPTED, Mark.ACCEPTED)],
)
def test_what_deviated_is_never_green(
    id: str, seen: dict[str, Share], verdict: Verdict, mark: Mark
) -> None:
    """Whatever else was seen of it: another case may have seen the same cell do right."""
    found = marks(Coverage(**seen, requirements=REQUIREMENTS), [result(id, verdict)])
    assert found[id] is mark
    plain = Mark.COVERED if seen is ALL else Mark.NOT_SEEN
    assert {found[other] for other in (*CELLS, *EDGE_IDS) if other != id} == {plain}


def test_what_was_not_selected_is_never_red() -> None:
    assert set(marks(Coverage(**NONE, requirements=REQUIREMENTS), []).values()) == {Mark.NOT_SEEN}


def test_what_was_not_judged_is_not_green() -> None:
    found = marks(
        Coverage(**ALL, requirements=REQUIREMENTS),
        [result(CELL, Verdict.UNKNOWN), result(EDGE, Verdict.PASS)],
    )
    assert (found[CELL], found[EDGE]) == (Mark.NOT_SEEN, Mark.COVERED)


def test_what_cannot_be_reached_is_told_apart() -> None:
    closed = replace(ALL["cells"], covered=(), unreachable=(("cancel/pending", "a reason"),))
    found = marks(Coverage(closed, ALL["edges"], REQUIREMENTS), [result(CELL, Verdict.SKIPPED)])
    assert found[CELL] is Mark.UNREACHABLE


def test_a_report_says_the_same_as_its_run(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    told = [result(CELL, Verdict.DEVIATION), result(EDGE, Verdict.ACCEPTED)]
    writer = JsonReport(path)
    *before, ended = events(*told)
    for event in before:
        writer.take(event)
    cover = Coverage(**NONE, requirements=REQUIREMENTS)
    writer.take(replace(ended, coverage=cover))  # type: ignore[call-arg]
    assert coverage_of(path) == marks(cover, told)


def test_what_is_no_report_colours_nothing(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text('{"coverage": {"cells": {}, "edges": {}}}')
    with pytest.raises(BadArgument, match="is not a JSON report"):
        coverage_of(path)
