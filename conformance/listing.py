"""What `orthanc-jobs list` prints: the catalogue, with the cases that check each requirement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from conformance.suites import suites
from conformance.suites.case import Profile
from spec.requirements import CATALOGUE, Requirement


def lines() -> Iterator[str]:
    """Every requirement: its ground, sentence and source, then its cases."""
    cases = defaultdict(list)
    for case in suites(Profile()):
        cases[case.requirement].append(case.id)
    for id, one in CATALOGUE.items():
        yield f"{id}  [{one.ground}{_versions(one)}]"
        yield f"    {one.sentence}"
        if one.reading:
            yield f"    reading: {one.reading}"
        if one.note:
            yield f"    note:    {one.note}"
        yield f"    source:  {one.source}"
        yield f"    cases:   {', '.join(cases[id]) or 'none yet'}"
    total = sum(map(len, cases.values()))
    yield f"{total} cases check {len(cases)} of {len(CATALOGUE)} requirements"


def _versions(one: Requirement) -> str:
    since = f", since {one.since}" if one.since else ""
    return since + (f", until {one.until}" if one.until else "")
