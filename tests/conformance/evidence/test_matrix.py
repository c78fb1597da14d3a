"""The matrix: what a requirement is on a server, and the page that says so."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance.campaign.throughout import THROUGHOUT
from conformance.campaign.typed import UNNAMED, Field, Mark
from conformance.events import Verdict
from conformance.evidence.kept import measured, parse, released, to_json
from conformance.evidence.matrix import BOUND, Column, fields, kept, markdown
from spec.requirements import RELEASES

ROOT = Path(__file__).parents[3]
CASE = "race/pause/last-step-succeeds"


def case(id: str, verdict: str, requirement: str | None = None, *names: str) -> dict[str, Any]:
    return {
        "id": id,
        "requirement": requirement or id,
        "verdict": verdict,
        "relaxations": list(names),
        "reason": "it is so" if verdict == "skipped" else None,
    }


def column(*cases: dict[str, Any], version: str = "1.12.7", kind: str = "orthanc") -> Column:
    report = {
        "kit": "0",
        "started": "2026-01-01T00:00:00+00:00",
        "target": {"name": kind, "version": version, "kind": kind},
        "verdict": "deviates",
        "cases": list(cases),
    }
    return Column(kind, f"orthanc-jobs run {kind}", report)


@pytest.mark.parametrize(
    ("cases", "field"),
    [
        ([case(CASE, "pass")], Field(Mark.PASS)),
        ([case(CASE, "deviation", None, "x", "a")], Field(Mark.DEVIATION, ("a", "x"))),
        ([case(CASE, "deviation")], Field(Mark.DEVIATION, (UNNAMED,))),
        ([case("x", "deviation", CASE, "n"), case(CASE, "pass")], Field(Mark.DEVIATION, ("n",))),
        ([case(CASE, "deviation", "step/run-once")], Field(Mark.UNKNOWN)),
        ([case(CASE, "unknown")], Field(Mark.UNKNOWN)),
        ([case(CASE, "skipped")], Field(Mark.NOT_REACHABLE, why=("it is so",))),
    ],
)
def test_a_field(cases: list[dict[str, Any]], field: Field) -> None:
    assert fields(column(*cases))[CASE] == field


def test_what_no_case_covers() -> None:
    found = fields(column(case(CASE, "pass")))
    assert "submit/asynchronous-advised" not in found  # which binds clients
    assert found["history/zero"].mark is Mark.NO_CASE
    assert {found[id].mark for id in THROUGHOUT} == {Mark.PASS}


def test_what_is_said_of_other_versions() -> None:
    deletes = case("x", "pass", "history/delete-job")
    assert fields(column(version="1.10.1"))["history/delete-job"].mark is Mark.NOT_APPLICABLE
    assert fields(column(version="1.12.7"))["queue/limit-jobs"].mark is Mark.NOT_APPLICABLE
    assert fields(column(deletes))["history/delete-job"].mark is Mark.PASS
    reference = column(deletes, version="1.5.6", kind="reference")
    assert fields(reference)["history/delete-job"].mark is Mark.PASS


def test_the_page_has_a_row_for_each_requirement_and_says_why_not() -> None:
    text = "\n".join(markdown([kept(column(case(CASE, "skipped")))]))
    rows = re.findall(r"^\| `([\w/-]+)` \|", text, re.MULTILINE)
    assert sorted(rows) == sorted(BOUND)
    assert "| `orthanc-jobs run orthanc` | 2026-01-01 | 0 | deviates |" in text
    assert f"- it is so:\n  - `{CASE}`" in text


def test_the_committed_page_is_of_this_catalogue_and_names_its_commands() -> None:
    text = (ROOT / "docs" / "matrix.md").read_text()
    rows = re.findall(r"^\| `([\w/-]+)` \|", text, re.MULTILINE)
    assert sorted(rows) == sorted(BOUND), "run `make matrix` again"
    for version in ("1.9.1", "1.10.1", "1.12.7", "1.13.0", "1.5.6"):
        assert f"| {version} | `orthanc-jobs run " in text


def test_the_committed_page_is_of_what_the_kit_ships() -> None:
    text = "\n".join(markdown(measured())) + "\n"
    assert (ROOT / "docs" / "matrix.md").read_text() == text, "run tools/pages"
    assert [server.version for server in released()] == list(RELEASES)


def test_what_is_kept_is_what_was_found() -> None:
    """Of each mark, with the names of a deviation and the reasons for which nothing was tried."""
    server = kept(
        column(
            case(CASE, "deviation", None, "b", "a"),
            case("edge/new/pending/submit", "skipped"),
            case("action/pause/paused", "unknown"),
            version="1.10.1",
        )
    )
    assert {field.mark for field in server.fields.values()} == set(Mark)
    (again,) = parse(to_json([server]))
    assert sorted(again.cases, key=lambda case: case.id) == sorted(
        server.cases, key=lambda case: case.id
    )
    assert replace(again, cases=()) == replace(server, cases=())
    assert server.breaks(CASE)
    assert not server.breaks("action/pause/paused")


def test_each_committed_cell_rests_on_committed_cases() -> None:
    """What is broken has a case that broke it; what is met, one that passed or looks in passing."""
    for server in measured():
        broken = {case.requirement for case in server.cases if case.verdict is Verdict.DEVIATION}
        met = {case.requirement for case in server.cases if case.verdict is Verdict.PASS}
        for id, field in server.fields.items():
            assert (field.mark is Mark.DEVIATION) <= (id in broken), id
            assert (field.mark is Mark.PASS) <= (id in met or id in THROUGHOUT), id


def test_what_is_newer_than_the_run_has_no_case_in_it() -> None:
    assert kept(column()).of("queue/of-tomorrow") == Field(Mark.NO_CASE)


def test_another_schema_is_refused() -> None:
    with pytest.raises(ValueError, match="schema 0"):
        parse('{"schema": 0, "servers": []}')
