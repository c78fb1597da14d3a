"""`orthanc-jobs list`: the whole catalogue, and what is done for each entry."""

from __future__ import annotations

import json

from conformance.evidence.listing import THROUGHOUT, entries, lines, to_json
from conformance.evidence.planted import CLOSED, SHOWN
from conformance.evidence.power import measured
from conformance.reference.faults import FAULTS
from conformance.suites import suites
from conformance.sut.profile import Profile
from spec.requirements import CATALOGUE, Bound
from spec.table import Ground


def test_every_requirement_and_every_case_is_listed() -> None:
    text = list(lines())
    heads = [line.split()[0] for line in text if not line.startswith(" ")]
    assert heads[:-1] == list(CATALOGUE)
    listed = {c for line in text if "cases:" in line for c in line.split(":", 1)[1].split(", ")}
    assert {case.id for case in suites(Profile())} <= {name.strip() for name in listed}


def test_the_last_line_counts_what_is_checked() -> None:
    text = list(lines())
    checked = sum("    cases: " in line and "none yet" not in line for line in text)
    closed = sum("    no case: " in line for line in text)
    open_ = len(CATALOGUE) - checked - closed
    assert f"check {checked} of {len(CATALOGUE)} requirements" in text[-1]
    assert f"{closed} cannot be reached from outside, {open_} have no case" in text[-1]


def test_what_is_checked_throughout_is_in_the_catalogue() -> None:
    assert set(CATALOGUE) >= THROUGHOUT


def test_a_requirement_has_cases_or_a_reason_and_not_both() -> None:
    for entry in entries():
        assert not (entry.checked and entry.unreachable), entry.requirement.id
        if entry.requirement.binds is Bound.CLIENT:
            assert entry.unreachable is not None


def test_the_faults_that_were_seen_exist_and_break_what_exists() -> None:
    assert set(measured()) <= set(FAULTS)
    for power in measured().values():
        assert power.catches, f"nothing finds {power.fault}"
        assert power.replayed, f"no replay shows {power.fault}"
        assert {catch.requirement for catch in power.catches} <= set(CATALOGUE)
    assert set(SHOWN) <= set(CATALOGUE)
    assert {fault for shown in SHOWN.values() for fault, _ in shown} <= set(FAULTS)


def test_each_documented_requirement_has_a_fault_or_a_reason() -> None:
    for entry in entries():
        id = entry.requirement.id
        if entry.requirement.ground is Ground.DOCUMENTED:
            assert entry.faults or entry.unreachable or id in CLOSED, id


def test_the_json_says_the_same() -> None:
    found = json.loads(to_json())
    assert found["schema"] == 1
    assert [one["id"] for one in found["requirements"]] == list(CATALOGUE)
    cases = [id for one in found["requirements"] for id in one["cases"]]
    assert sorted(cases) == sorted(case.id for case in suites(Profile()))
