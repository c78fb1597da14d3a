"""A ledger of one's own, from the first run to the last: made, filled in, used, and stale."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from conformance.campaign import drafting
from conformance.campaign import ledger as ledgers
from tests.conformance.kit import Run, command
from tests.rooms import ROOT

SCHEMA: dict[str, Any] = json.loads((ROOT / "docs" / "ledger.schema.json").read_text())
SHIPPED = ROOT / "conformance" / "campaign" / "ledgers" / ledgers.SHIPPED
CASES = ("--case", "action/resume/paused", "--case", "action/pause/paused")
FAULT = "resume-refused"


def run(folder: Path, *words: str) -> Run:
    return command(folder, "run", "reference", *CASES, *words)


def drafted(folder: Path, path: str) -> dict[str, Any]:
    made = command(folder, "ledger", "--from", "report.json", "--to", path, report=False)
    assert made.status == 0, made.err
    found: dict[str, Any] = json.loads((folder / path).read_text())
    return found


def fill(folder: Path, path: str, found: Mapping[str, Any], **changed: Any) -> None:
    filled = [{**one, "reason": "Our fork does so.", **changed} for one in found["entries"]]
    (folder / path).write_text(json.dumps({**found, "entries": filled}))


def test_from_a_deviation_to_a_ledger_that_is_stale(tmp_path: Path) -> None:
    assert run(tmp_path, "--fault", FAULT).status == 1
    found = drafted(tmp_path, "own.json")
    (entry,) = found["entries"]
    assert (entry["case"], entry["reason"]) == ("action/resume/paused", "")
    unfilled = run(tmp_path, "--fault", FAULT, "--ledger", "own.json")
    assert unfilled.status == 2
    assert "'reason' must be a text, and not an empty one" in unfilled.err
    fill(tmp_path, "own.json", found)
    accepted = run(tmp_path, "--fault", FAULT, "--ledger", "own.json")
    assert accepted.status == 0, accepted.out
    (case,) = accepted.cases("accepted").values()
    assert (case["id"], case["reason"]) == ("action/resume/paused", "Our fork does so.")
    assert accepted.report["ledger"]["used"] == case["kept"]
    repaired = run(tmp_path, "--ledger", "own.json")
    assert (repaired.status, repaired.report["ledger"]["stale"]) == (1, case["kept"])
    assert repaired.out.splitlines()[-1].startswith("stale-ledger reference 1.5.6, ")


@pytest.mark.parametrize("changed", [{"actual": "HTTP 404"}, {"requirement": "queue/engine"}])
def test_an_entry_accepts_no_more_than_it_says(tmp_path: Path, changed: dict[str, str]) -> None:
    assert run(tmp_path, "--fault", FAULT).status == 1
    fill(tmp_path, "own.json", drafted(tmp_path, "own.json"), **changed)
    other = run(tmp_path, "--fault", FAULT, "--ledger", "own.json")
    assert (other.status, len(other.cases("deviation"))) == (1, 1)


def test_what_relaxations_explain_is_an_entry_by_their_name(tmp_path: Path) -> None:
    words = ("--case", "race/pause/", "--fault", "requests-lost-on-last-step")
    assert command(tmp_path, "run", "reference", *words).status == 1
    found = drafted(tmp_path, "own.json")
    (entry,) = found["entries"]
    assert entry["relaxation"] == "request-lost-on-last-step"
    assert "race/pause/last-step-succeeds" in entry["cases"]
    fill(tmp_path, "own.json", found)
    assert fits(json.loads((tmp_path / "own.json").read_text()))
    assert command(tmp_path, "run", "reference", *words, "--ledger", "own.json").status == 0


def test_what_a_plugin_does_is_drafted_with_its_versions_not_with_those_of_orthanc() -> None:
    shipped = json.loads(SHIPPED.read_text())["entries"]
    assert {one["relaxation"] for one in shipped if "plugin" in one} == drafting.OF_PLUGIN


def test_the_entry_on_a_plugin_is_taken_as_it_was_drafted(tmp_path: Path) -> None:
    words = ("--case", "route/transfers/push/resubmitted", "--fault", "transfer-not-started-over")
    assert command(tmp_path, "run", "reference", *words).status == 1
    found = drafted(tmp_path, "own.json")
    (entry,) = found["entries"]
    assert (entry["plugin"], entry["since"], "until" in entry) == ("transfers", "1.4", False)
    fill(tmp_path, "own.json", found)
    assert fits(json.loads((tmp_path / "own.json").read_text()))
    assert command(tmp_path, "run", "reference", *words, "--ledger", "own.json").status == 0


def test_what_cannot_be_made_a_ledger_of(tmp_path: Path) -> None:
    assert run(tmp_path).status == 0
    (tmp_path / "there").write_text("")
    for words, part in (
        (["--from", "report.json"], "has no deviation"),
        (["--from", "none"], "cannot read the report none"),
        (["--from", "there"], "is not JSON"),
    ):
        made = command(tmp_path, "ledger", *words, report=False)
        assert (made.status, made.out) == (2, "")
        assert part in made.err
    assert run(tmp_path, "--fault", FAULT).status == 1
    made = command(tmp_path, "ledger", "--from", "report.json", "--to", "there", report=False)
    assert (made.status, (tmp_path / "there").read_text()) == (2, "")


# --- the schema ----------------------------------------------------------------------------------

TYPES = {"object": dict, "array": list, "string": str}


def fits(value: Any, schema: Mapping[str, Any] = SCHEMA) -> bool:
    """Whether a value is valid by the keywords that the schema uses; another is a KeyError."""
    return all(KEYWORDS[key](value, said, schema) for key, said in schema.items())


KEYWORDS: dict[str, Callable[[Any, Any, Mapping[str, Any]], bool]] = {
    "$schema": lambda _, __, ___: True,
    "$defs": lambda _, __, ___: True,
    "title": lambda _, __, ___: True,
    "description": lambda _, __, ___: True,
    "$ref": lambda value, said, _: fits(value, SCHEMA["$defs"][said.removeprefix("#/$defs/")]),
    "type": lambda value, said, _: isinstance(value, TYPES[said]),
    "const": lambda value, said, _: bool(value == said),
    "pattern": lambda value, said, _: re.search(said, value) is not None,
    "minItems": lambda value, said, _: len(value) >= said,
    "items": lambda value, said, _: all(fits(one, said) for one in value),
    "oneOf": lambda value, said, _: sum(fits(value, one) for one in said) == 1,
    "required": lambda value, said, _: set(said) <= set(value),
    "properties": lambda value, said, _: all(
        fits(value[k], said[k]) for k in set(value) & set(said)
    ),
    "additionalProperties": lambda value, _, schema: set(value) <= set(schema["properties"]),
}

KEPT = {
    "case": "race/a", "requirement": "queue/engine", "actual": "x", "reason": "r", "reference": "f",
}  # fmt: skip


def test_the_shipped_ledger_follows_the_schema() -> None:
    assert fits(json.loads(SHIPPED.read_text()))


@pytest.mark.parametrize(
    ("change", "right"),
    [
        ({}, True),
        ({"since": "1.9"}, True),
        ({"since": "soon"}, False),
        ({"reason": ""}, False),
        ({"more": 1}, False),
        ({"relaxation": "ties-unordered"}, False),
    ],
)
def test_the_schema_takes_what_the_code_takes(change: dict[str, Any], right: bool) -> None:
    found = {"schema": 1, "entries": [{**KEPT, **change}]}
    assert fits(found) is right
