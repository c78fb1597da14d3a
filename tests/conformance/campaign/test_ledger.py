"""The ledger: what it accepts, when an entry is stale, and what is no ledger."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conformance import files as reading
from conformance.campaign import ledger as ledgers
from conformance.campaign.ledger import Ledger, load, shipped
from conformance.errors import BadArgument
from conformance.events import Result, Verdict
from conformance.sut.identity import System
from spec.relaxations import Relaxation, Shortfall
from spec.table import Ground

KNOWN = ("race/a", "race/b", "schedule/c")
TIES = Relaxation.TIES_UNORDERED.value
ENTRY = {"relaxation": TIES, "reason": "so", "reference": "there", "cases": ["race/a", "race/b"]}
GOOD = {"schema": 1, "entries": [ENTRY]}


def written(folder: Path, found: Any) -> Path:
    path = folder / "ledger.json"
    path.write_text(found if isinstance(found, str) else json.dumps(found))
    return path


def result(case: str, verdict: Verdict, *relaxations: str) -> Result:
    return Result(case, "queue/engine", Ground.DOCUMENTED, verdict, relaxations=relaxations)


def test_a_good_one(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    ledger = load(path, KNOWN)
    assert ledger.file == str(path)
    assert ledger.accepted == {Relaxation.TIES_UNORDERED}
    assert load(written(tmp_path, {"schema": 1, "entries": []}), KNOWN).accepted == frozenset()


def entry(**changed: Any) -> dict[str, Any]:
    return {"schema": 1, "entries": [{**ENTRY, **changed}]}


@pytest.mark.parametrize(
    ("found", "part"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("\ud83d".encode("utf-8", "surrogatepass").decode("latin-1"), "not JSON"),
        ("[" * 100_000, "not JSON"),
        ([], "'schema' 1"),
        (None, "'schema' 1"),
        ({}, "'schema' 1"),
        ({**GOOD, "schema": 2}, "'schema' 1"),
        ({**GOOD, "schema": "1"}, "'schema' 1"),
        ({"schema": 1}, "'entries' must be a list"),
        ({"schema": 1, "entries": {}}, "'entries' must be a list"),
        ({"schema": 1, "entries": [7]}, "exactly the fields"),
        ({"schema": 1, "entries": [{**ENTRY, "more": 1}]}, "exactly the fields"),
        ({"schema": 1, "entries": [{"relaxation": TIES}]}, "exactly the fields"),
        ({"schema": 1, "entries": [ENTRY, ENTRY]}, "two entries"),
        (entry(relaxation="none-such"), "unknown relaxation 'none-such'"),
        (entry(relaxation=[]), "'relaxation' must be a text"),
        (entry(reason=" "), "'reason' must be a text"),
        (entry(reference=None), "'reference' must be a text"),
        (entry(cases=[]), "'cases'"),
        (entry(cases="race/a"), "'cases'"),
        (entry(cases=[1]), "'cases'"),
        (entry(cases=["race/none"]), "unknown case 'race/none'"),
    ],
    ids=lambda x: str(x)[:50],
)
def test_what_is_no_ledger_is_named(tmp_path: Path, found: Any, part: str) -> None:
    path = written(tmp_path, found)
    with pytest.raises(BadArgument) as error:
        load(path, KNOWN)
    text = str(error.value)
    assert part in text
    assert str(path) in text
    assert len(text.splitlines()) <= 2


def test_what_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadArgument, match=r"cannot read the ledger .*none: No such file"):
        load(tmp_path / "none", KNOWN)
    with pytest.raises(BadArgument, match=r"cannot read the ledger .*: Is a directory"):
        load(tmp_path, KNOWN)
    monkeypatch.setattr(reading, "LARGEST", 1000)
    with pytest.raises(BadArgument, match="larger than 1000 bytes"):
        load(Path("/dev/zero"), KNOWN)


@pytest.mark.parametrize(
    ("results", "stale"),
    [
        ([], False),
        ([result("race/a", Verdict.PASS)], False),
        ([result("race/a", Verdict.PASS), result("race/b", Verdict.UNKNOWN)], False),
        ([result("race/a", Verdict.PASS), result("race/b", Verdict.SKIPPED)], False),
        ([result("race/a", Verdict.PASS), result("race/b", Verdict.ACCEPTED, TIES)], False),
        ([result("race/a", Verdict.PASS), result("race/b", Verdict.PASS)], True),
        ([result("race/a", Verdict.PASS), result("race/b", Verdict.DEVIATION)], True),
    ],
)
def test_stale(tmp_path: Path, results: list[Result], stale: bool) -> None:
    ledger = load(written(tmp_path, GOOD), KNOWN)
    assert ledger.stale(results) == ((TIES,) if stale else ())
    used = any(TIES in one.relaxations for one in results)
    assert ledger.used(results) == ((TIES,) if used else ())


@pytest.mark.parametrize(
    ("version", "orthanc", "declared", "found"),
    [
        ("1.10.1", True, {}, True),
        ("1.10.1+dfsg", True, {}, True),
        ("1.10.1", False, {}, False),
        ("1.10.1", True, {"Retry": True}, False),
        ("0.1", True, {}, False),
        ("mainline", True, {}, False),
        ("", True, {}, False),
        ("\x1b", True, {}, False),
    ],
)
def test_which_ledger_is_shipped_for_a_server(
    version: str, orthanc: bool, declared: dict[str, Any], found: bool
) -> None:
    from conformance.suites import suites
    from conformance.sut.profile import Profile

    known = [case.id for case in suites(Profile())]
    ledger = shipped(System(version, "", declared, orthanc), known)
    assert (ledger != Ledger()) == found
    assert ledger.file == (f"ledgers/{ledgers.SHIPPED}" if found else None)


# --- versions -----------------------------------------------------------------------------------


def ranged(*ranges: dict[str, str]) -> dict[str, Any]:
    return {"schema": 1, "entries": [{**ENTRY, **one} for one in ranges]}


@pytest.mark.parametrize(
    ("version", "reasons"),
    [
        ("1.9.0", []),
        ("1.9.1", ["old"]),
        ("1.10.0+dfsg", ["old"]),
        ("1.10.1", []),
        ("1.12.7", ["new"]),
        ("mainline", ["new"]),
    ],
)
def test_an_entry_is_about_its_versions(tmp_path: Path, version: str, reasons: list[str]) -> None:
    old = {"since": "1.9.1", "until": "1.10.0", "reason": "old"}
    path = written(tmp_path, ranged(old, {"since": "1.12", "reason": "new"}))
    ledger = load(path, KNOWN, version)
    assert [one.reason for one in ledger.entries] == reasons
    assert ledger.file == str(path)
    passed = [result("race/a", Verdict.PASS), result("race/b", Verdict.PASS)]
    assert ledger.stale(passed) == ((TIES,) if reasons else ())
    assert len(load(path, KNOWN).entries) == 2


def test_the_range_of_a_ledger_is_that_of_entries_that_have_none(tmp_path: Path) -> None:
    found = {**GOOD, "since": "1.9.1", "until": "1.13.0"}
    assert load(written(tmp_path, found), KNOWN, "1.13.0").entries
    assert not load(written(tmp_path, found), KNOWN, "1.13.1").entries
    own = {**ranged({"until": "1.10.0"}), "since": "1.9.1", "until": "1.13.0"}
    assert load(written(tmp_path, own), KNOWN, "1.9.1").entries
    assert not load(written(tmp_path, own), KNOWN, "1.9.0").entries
    assert not load(written(tmp_path, own), KNOWN, "1.13.0").entries


@pytest.mark.parametrize(
    ("ranges", "part"),
    [
        (({"since": "soon"},), "'since' must be a version"),
        (({"until": ""},), "'until' must be a version"),
        (({"until": 1.9},), "'until' must be a version"),
        (({"since": "1.9"}, {"since": "1.10"}), "two entries for ties-unordered"),
        (({"until": "1.10"}, {"since": "1.10.0"}), "two entries for ties-unordered"),
        (({}, {"since": "1.10.0"}), "two entries for ties-unordered"),
    ],
)
def test_ranges_that_cannot_be(tmp_path: Path, ranges: tuple[Any, ...], part: str) -> None:
    with pytest.raises(BadArgument, match=part):
        load(written(tmp_path, ranged(*ranges)), KNOWN)


def test_a_shortfall_is_accepted_like_a_relaxation(tmp_path: Path) -> None:
    name = Shortfall.LIMIT_JOBS_IGNORED
    ledger = load(written(tmp_path, entry(relaxation=name.value)), KNOWN)
    assert ledger.accepted == {name}
    needed = result("race/a", Verdict.ACCEPTED, name.value)
    assert ledger.used([needed]) == (name.value,)
    assert ledger.stale([needed, result("race/b", Verdict.PASS)]) == ()
