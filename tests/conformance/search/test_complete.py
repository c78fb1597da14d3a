"""`complete/` and `learn` on real servers: as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conformance.automata.covering import suite
from conformance.automata.derivation import OF_A_JOB, Choices, derive
from conformance.automata.plant import JOB, TWO_JOBS
from conformance.search.complete import PLANTS
from conformance.suites import SUITES
from conformance.suites.needs import EXCLUSIVE
from conformance.sut.profile import Profile
from tests.conformance.kit import Run, command

pytestmark = pytest.mark.apart
LOST = {"cancel-lost-to-pause", "request-lost-on-last-step"}


def bounds(run: Run) -> dict[str, dict[str, Any]]:
    return {c["id"]: c["complete"] for c in run.report["cases"] if "complete" in c}


SUITE = ("complete/",)


def test_on_the_reference_server_all_of_it_passes_and_the_bound_is_reported(
    on_reference: Run,
) -> None:
    assert set(on_reference.cases("pass", of=SUITE)) == set(PLANTS)
    found = bounds(on_reference)
    for id, plant in PLANTS.items():
        machine = derive(plant)
        assert found[id]["states"] == len(machine)
        assert found[id]["sequences"] == found[id]["ran"] == len(suite(machine, 0))
        assert found[id]["extra"] == 0
        assert found[id]["relaxations"] == []
        assert found[id]["actions"] > found[id]["sequences"]
    assert "deterministic" in found["complete/job"]["assumption"]
    assert "like the specification" not in on_reference.out  # that is for who asks for all details


@pytest.mark.weekly
def test_more_extra_states_are_more_sequences(tmp_path: Path) -> None:
    words = ("run", "--case", "complete/two-jobs", "--extra-states", "1")
    run = command(tmp_path, *words)
    assert run.status == 0, run.out + run.err
    found = bounds(run)["complete/two-jobs"]
    assert (found["extra"], found["sequences"]) == (1, len(suite(derive(TWO_JOBS), 1)))


@pytest.mark.long
@pytest.mark.parametrize(
    ("fault", "id"),
    [
        ("cancel-lost-after-pause", "complete/job/cancel-lost-to-pause"),
        ("paused-twice-resumes-as-failure", "complete/job"),
        ("second-failure-reads-success", "complete/job"),
    ],
)
def test_a_fault_is_found_with_a_short_run_that_shows_it_again(
    tmp_path: Path, fault: str, id: str
) -> None:
    run = command(tmp_path, "run", "--case", "complete/job", "--fault", fault)
    assert run.status == 1, run.out + run.err
    found = run.cases("deviation")
    assert id in found
    replay = tmp_path / found[id]["replay"]
    assert len(json.loads(replay.read_text())["steps"]) <= 9
    again = command(tmp_path, "replay", str(replay), "--fault", fault, report=False)
    assert again.status == 1, again.out + again.err
    assert "complete/job" not in bounds(run)


def test_orthanc_passes_with_its_ledger_and_the_automaton_takes_what_it_needs(
    on_orthanc: Run,
) -> None:
    assert set(on_orthanc.cases("pass", of=SUITE)) == set(PLANTS)
    assert set(on_orthanc.cases("accepted", of=SUITE)) == {f"complete/job/{name}" for name in LOST}
    found = bounds(on_orthanc)["complete/job"]
    assert set(found["relaxations"]) == LOST
    assert found["sequences"] == len(suite(derive(JOB, Choices(frozenset(OF_A_JOB))), 0))
    assert bounds(on_orthanc)["complete/two-jobs"]["relaxations"] == []


def test_without_a_ledger_orthanc_deviates_in_exactly_what_is_known_of_one_job(
    without_ledger: Run,
) -> None:
    found = without_ledger.cases("deviation", "unknown", of=SUITE)
    assert {id: case["relaxations"] for id, case in found.items()} == {
        f"complete/job/{name}": [name] for name in LOST
    }


def test_it_needs_a_server_of_its_own() -> None:
    found = SUITES["complete"].cases(Profile(exclusive=False))
    assert {case.unreachable for case in found} == {EXCLUSIVE.why}


@pytest.mark.weekly
def test_learning_finds_no_difference_in_the_reference_server(tmp_path: Path) -> None:
    run = command(tmp_path, "learn")
    assert run.status == 0, run.out + run.err
    assert run.report["verdict"] == "equal"
    assert (run.report["states"], run.report["states_by_state"]) == (34, 13)
    assert run.report["confirmed"]["extra_states"] == 1
    assert (tmp_path / "learned.svg").read_text().lstrip().startswith("<?xml")


def test_learning_finds_both_lost_requests_of_orthanc_unaided(learned: Run) -> None:
    """And they have their names; the ledger only says that they are accepted."""
    assert learned.status == 0, learned.out + learned.err
    assert learned.report["verdict"] == "accepted"
    assert learned.report["confirmed"]["extra_states"] == 1
    found = learned.report["differences"]
    assert {name for one in found for name in one["relaxations"]} == LOST
    assert "let a worker go; cancel A; pause A; let the step of A succeed" in learned.out
    assert 'label="+ step succeeds"' in (learned.folder / "learned.dot").read_text()


def test_what_cannot_be_confirmed_in_the_time_is_unknown(tmp_path: Path) -> None:
    run = command(tmp_path, "learn", "--seconds", "1")
    assert run.status == 2
    assert run.report["verdict"] == "unknown"
    assert "nothing is confirmed" in run.out


def test_a_server_of_somebody_else_is_not_filled(tmp_path: Path) -> None:
    run = command(tmp_path, "learn", "http://localhost:1", report=False)
    assert run.status == 2
    assert "--exclusive" in run.err
