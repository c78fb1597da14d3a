"""`orthanc-jobs list`: the whole catalogue, and what checks each entry."""

from __future__ import annotations

from conformance.listing import THROUGHOUT, lines
from conformance.suites import suites
from conformance.suites.case import Profile
from spec.requirements import CATALOGUE


def test_every_requirement_and_every_case_is_listed() -> None:
    text = list(lines())
    heads = [line.split()[0] for line in text if not line.startswith(" ")]
    assert heads[:-1] == list(CATALOGUE)
    listed = {c for line in text if "cases:" in line for c in line.split(":", 1)[1].split(", ")}
    assert {case.id for case in suites(Profile())} <= {name.strip() for name in listed}


def test_the_last_line_counts_what_is_checked() -> None:
    checked = sum("cases:" in line and "none yet" not in line for line in lines())
    assert f"check {checked} of {len(CATALOGUE)} requirements" in list(lines())[-1]
    assert checked < len(CATALOGUE)


def test_what_is_checked_throughout_is_in_the_catalogue() -> None:
    assert set(CATALOGUE) >= THROUGHOUT
