"""`concurrent/`: what it finds, and that it finds nothing where nothing is wrong."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from conformance.events import Verdict
from conformance.reference.faults import FAULTS
from conformance.reference.faults import concurrency as planted
from conformance.suites import suites
from conformance.suites.case import Check
from conformance.suites.concurrent import CLIENTS, pairs
from conformance.suites.needs import EXCLUSIVE
from conformance.sut.profile import Profile
from spec.table import Action, State
from tests.conformance.kit import Run, command

pytestmark = pytest.mark.apart
SUITE = ("concurrent/",)
LEAST = 20  # rounds without a deviation
# The faults of which each is shown by one case at least; by which, is up to how calls meet.
SHOWN = (
    "request-overwritten",
    "cancel-lost-to-resume",
    "resubmitted-twice-starts-twice",
    "action-answered-from-stale-state",
)


def concurrent(folder: Path, *words: str) -> Run:
    return command(folder, "run", *words, "--suite", "concurrent")


def rounds(profile: Profile) -> int:
    found = (case for case in suites(profile) if case.suite == "concurrent")
    return sum(case.repeat for case in found if isinstance(case, Check))


@pytest.fixture(scope="session")
def found(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Run]:
    """A run against each fault, made when it is first asked for."""

    @cache
    def run(fault: str) -> Run:
        words = ("reference", "--fault", fault, "--max-failures", "3")
        return concurrent(tmp_path_factory.mktemp("fault"), *words)

    return run


def shown(*faults: str) -> list[Any]:
    """A parameter for each, and for each a group: its tests read one run."""
    marks = {fault: (pytest.mark.long, pytest.mark.together(fault)) for fault in faults}
    return [pytest.param(fault, marks=marks[fault]) for fault in faults]


def test_every_fault_of_concurrency_is_here() -> None:
    module = planted.__name__
    torn = {name for name, fault in FAULTS.items() if fault.parts.engine.__module__ == module}
    assert torn == set(SHOWN)


@pytest.mark.parametrize("fault", shown(*SHOWN))
def test_a_planted_fault_is_found_by_two_actions_at_once(
    fault: str, found: Callable[[str], Run]
) -> None:
    run = found(fault)
    assert run.status == 1, run.out + run.err
    assert run.cases("deviation"), run.out


@pytest.mark.long
@pytest.mark.parametrize("fault", SHOWN)
def test_one_client_does_not_see_it(fault: str, tmp_path: Path) -> None:
    run = command(tmp_path, "run", "reference", "--fault", fault, "--suite", "action")
    assert run.cases("deviation") == {}, run.out + run.err


@pytest.mark.parametrize("fault", shown("resubmitted-twice-starts-twice"))
def test_a_deviation_is_drawn_as_a_history_of_intervals(
    fault: str, found: Callable[[str], Run]
) -> None:
    out = found(fault).out
    assert "at once, client 8: read A" in out
    assert "calls explains these of them:" in out
    assert "step 1 of A arrives" in out


@pytest.mark.parametrize("fault", shown("request-overwritten"))
def test_its_replay_shows_it_again_and_a_sound_server_does_not(
    fault: str, found: Callable[[str], Run]
) -> None:
    run = found(fault)
    files = [case["replay"] for case in run.cases("deviation").values()]

    def reproduced(file: str) -> bool:
        """Whether it was seen again: how calls meet is never quite the same."""
        again = command(run.folder, "replay", file, "reference", "--fault", fault, report=False)
        return (again.status, "reproduced" in again.out) == (1, True)

    file = next((file for file in files for _ in range(3) if reproduced(file)), None)
    assert file is not None, files
    sound = command(run.folder, "replay", file, "reference", report=False)
    assert sound.status == 0, sound.out


@pytest.mark.long
def test_a_job_that_comes_after_the_calls_is_part_of_the_history_that_is_drawn(
    tmp_path: Path,
) -> None:
    """It was no job that the search for the shortest history knew, and ended the run."""
    run = concurrent(tmp_path, "reference", "--fault", "last-step-left-out")
    assert (run.status, run.err) == (1, "")
    assert "no order of" in run.out


def test_there_are_enough_rounds() -> None:
    assert rounds(Profile()) >= LEAST


def passes_every_round(run: Run) -> None:
    """A sound server: what the case is about is not found where it is not."""
    every = run.cases(*Verdict, of=SUITE)
    assert every
    assert run.cases("pass", of=SUITE) == every


def needs_its_ledger_and_nothing_else(run: Run) -> None:
    every = run.cases(*Verdict, of=SUITE)
    assert every
    assert run.cases("pass", "accepted", "deviation", of=SUITE) == every
    named = {name for case in every.values() for name in case["relaxations"]}
    assert named <= {"cancel-lost-to-pause", "request-lost-on-last-step", "ties-unordered"}
    assert all(case["relaxations"] for case in run.cases("deviation", of=SUITE).values())


def test_a_sound_server_passes_every_round(on_reference: Run, seeded_otherwise: Run) -> None:
    for run in (on_reference, seeded_otherwise):
        passes_every_round(run)


def test_a_real_orthanc_needs_its_ledger_and_nothing_else(on_orthanc: Run) -> None:
    needs_its_ledger_and_nothing_else(on_orthanc)
    assert on_orthanc.cases("deviation", of=SUITE) == {}


@pytest.mark.weekly
def test_with_another_seed_it_needs_no_more(orthanc_seeded_otherwise: Run) -> None:
    needs_its_ledger_and_nothing_else(orthanc_seeded_otherwise)


def test_a_pair_of_actions_is_tried_where_one_of_them_may_change_something() -> None:
    assert CLIENTS == 8
    assert (Action.RESUBMIT, Action.RESUBMIT) in pairs(State.FAILURE)
    assert (Action.CANCEL, Action.RESUME) in pairs(State.PAUSED)
    assert [len(pairs(s)) for s in (State.RUNNING, State.PAUSED, State.FAILURE)] == [7, 7, 4]


def test_in_polite_mode_it_cannot_be_reached() -> None:
    polite = Profile(workers=None, history=None, exclusive=False, managed=False)
    assert {case.unreachable for case in suites(polite) if case.suite == "concurrent"} == {
        EXCLUSIVE.why
    }
