"""Each requirement of these suites is broken by a planted fault, and the case for it says so."""

from __future__ import annotations

import pytest

from conformance.evidence.planted import CLOSED, SHOWN
from conformance.suites import suites
from conformance.sut.profile import Profile
from spec.requirements import CATALOGUE
from spec.table import Ground
from tests.conformance.kit import Run, run_planted

AT_ONCE = 2
DEADLINE = "1"  # seconds: what does not come is waited for four times as long
NAMED = [(id, fault, case) for id, shown in SHOWN.items() for fault, case in shown]
REQUIRED = {case.id: case.requirement for case in suites(Profile())}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    return run_planted(tmp_path_factory, NAMED, AT_ONCE, "--deadline", DEADLINE)


def test_every_documented_requirement_is_broken_by_a_fault_or_says_why_none_can() -> None:
    documented = {
        id
        for id, one in CATALOGUE.items()
        if one.ground is Ground.DOCUMENTED and not one.unreachable
    }
    assert documented - set(SHOWN) - set(CLOSED) == set()
    assert set(CLOSED) <= documented
    assert set(SHOWN).isdisjoint(CLOSED)


@pytest.mark.faults
@pytest.mark.parametrize(("id", "fault", "case"), NAMED)
def test_a_planted_fault_is_reported_by_the_case(
    id: str, fault: str, case: str, runs: dict[str, Run]
) -> None:
    run = runs[fault]
    assert run.status == 1, run.out + run.err
    found = run.cases("deviation")
    assert case in found, run.out + run.err
    assert id in (found[case]["requirement"], REQUIRED[case])
    if case.startswith("route/"):  # judged without an oracle, so named by the case itself
        assert found[case]["requirement"] == id
        assert found[case]["relaxations"] == []
