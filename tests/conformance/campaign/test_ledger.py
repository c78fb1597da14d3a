"""The ledger: what it accepts, when an entry is stale, and what is no ledger."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance import files as reading
from conformance.campaign import ledger as ledgers
from conformance.campaign.ledger import Ledger, load, shipped
from conformance.errors import BadArgument
from conformance.events import Result, Verdict
from conformance.suites import suites
from conformance.sut.identity import System
from conformance.sut.profile import Profile
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
        ("1.13.0", True, {}, True),
        ("1.14", True, {}, True),
        ("mainline", True, {}, True),
        ("mainline", True, {"Retry": True}, False),
        ("", True, {}, False),
        ("\x1b", True, {}, False),
    ],
)
def test_which_ledger_is_shipped_for_a_server(
    version: str, orthanc: bool, declared: dict[str, Any], found: bool
) -> None:
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


# --- versions that nobody has measured ----------------------------------------------------------


def of_version(version: str) -> Ledger:
    return ledgers.of_version(version, [case.id for case in suites(Profile())])


@pytest.mark.parametrize("version", ["1.13.1", "1.14", "2.0", "mainline"])
def test_a_version_newer_than_the_newest_has_the_open_entries(version: str) -> None:
    measured, newer = of_version("1.13.0"), of_version(version)
    assert {one.relaxation for one in newer.entries} == measured.accepted
    assert newer.accepted
    assert measured.note is None
    assert newer.note is not None
    assert f"measured up to 1.13.0: its open entries are applied to {version}" in newer.note


def test_an_entry_that_has_ended_is_not_open() -> None:
    ended = of_version("1.9.1").accepted - of_version("1.13.0").accepted
    assert Shortfall.LIMIT_JOBS_IGNORED in ended
    assert not ended & of_version("mainline").accepted


# --- what nothing explains ----------------------------------------------------------------------

OWN = {
    "case": "race/a",
    "requirement": "monitor/state",
    "actual": "Running",
    "reason": "Our fork does so.",
    "reference": "ticket 7",
}


def kept(verdict: Verdict, *names: str) -> Result:
    return replace(result("race/a", verdict), kept=names)


def test_an_entry_keeps_one_deviation_of_one_case_as_it_was_seen(tmp_path: Path) -> None:
    ledger = load(written(tmp_path, {"schema": 1, "entries": [OWN]}), KNOWN)
    (own,) = ledger.kept
    assert ledger.accepted == frozenset()
    assert ledger.keeps("race/a", "monitor/state", "Running") is own
    assert ledger.keeps("race/b", "monitor/state", "Running") is None
    assert ledger.keeps("race/a", "monitor/progress", "Running") is None
    assert ledger.keeps("race/a", "monitor/state", "Running, ErrorCode 0") is None
    needed = kept(Verdict.ACCEPTED, str(own))
    assert (ledger.used([needed]), ledger.stale([needed])) == ((str(own),), ())
    assert ledger.stale([kept(Verdict.PASS)]) == (str(own),)
    assert ledger.stale([kept(Verdict.DEVIATION)]) == (str(own),)
    assert ledger.stale([kept(Verdict.SKIPPED)]) == ()


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"reason": ""}, "'reason' must be a text, and not an empty one"),
        ({"actual": None}, "'actual' must be a text"),
        ({"case": "race/none"}, "unknown case 'race/none'"),
        ({"requirement": "race/none"}, "unknown requirement 'race/none'"),
        ({"more": 1}, "an entry with a 'case' must have exactly the fields"),
        ({"until": "soon"}, "'until' must be a version"),
    ],
)
def test_what_is_no_such_entry_is_named(tmp_path: Path, change: Any, part: str) -> None:
    with pytest.raises(BadArgument, match=part):
        load(written(tmp_path, {"schema": 1, "entries": [{**OWN, **change}]}), KNOWN)


def test_an_entry_on_a_case_is_about_its_versions(tmp_path: Path) -> None:
    path = written(tmp_path, {"schema": 1, "entries": [{**OWN, "until": "1.10"}]})
    assert load(path, KNOWN, "1.10").kept
    assert not load(path, KNOWN, "1.10.1").kept


def test_chance_makes_nothing_stale(tmp_path: Path) -> None:
    chance = "concurrent/pending"
    found = {"schema": 1, "entries": [{**ENTRY, "cases": [chance]}, {**OWN, "case": chance}]}
    ledger = load(written(tmp_path, found), [chance])
    assert ledger.stale([result(chance, Verdict.PASS)]) == ()


# --- plugins ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("transfers", "reasons"),
    [
        (None, []),
        ("1.4", ["old"]),
        ("1.4.2", []),
        ("1.7", ["new"]),
        ("mainline", ["new"]),
        (ledgers.ANY, ["old", "new"]),
    ],
)
def test_an_entry_on_a_plugin_is_about_versions_of_the_plugin(
    tmp_path: Path, transfers: str | None, reasons: list[str]
) -> None:
    old = {"plugin": "transfers", "since": "1.4", "until": "1.4", "reason": "old"}
    new = {"plugin": "transfers", "since": "1.5", "reason": "new"}
    found = {**ranged(old, new), "since": "1.9.1", "until": "1.13.0"}
    ledger = load(written(tmp_path, found), KNOWN, "1.12.7", transfers)
    assert [one.reason for one in ledger.entries] == reasons
    passed = [result("race/a", Verdict.PASS), result("race/b", Verdict.PASS)]
    assert set(ledger.stale(passed)) == ({TIES} if reasons else set())


def test_another_plugin_is_unknown(tmp_path: Path) -> None:
    with pytest.raises(BadArgument, match="'plugin' must be 'transfers'"):
        load(written(tmp_path, entry(plugin="dicom-web")), KNOWN)


def test_what_is_shipped_for_a_plugin_is_shipped_with_it() -> None:
    known = [case.id for case in suites(Profile())]
    plain = shipped(System("1.12.7", "", {}, True), known).accepted
    saved, gone = Shortfall.TRANSFER_FORGOTTEN_AT_RESTART, Shortfall.TRANSFER_NOT_SAVED
    assert not {saved, gone, Shortfall.TRANSFER_GOES_ON} & plain
    for transfers, named in (("1.4", saved), ("1.7", gone), ("mainline", gone)):
        accepted = shipped(System("1.12.7", "", {}, True, transfers), known).accepted
        assert accepted & {saved, gone} == {named}
        assert accepted > plain
    of_any = shipped(System("1.12.7", "", {}, True, ledgers.ANY), known)
    assert {saved, gone} <= of_any.accepted
    assert of_any.of_plugin(plain).accepted == plain
