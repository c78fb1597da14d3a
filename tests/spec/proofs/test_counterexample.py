"""Counterexamples: shortest runs in the replay format, and that a real server takes them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from conformance.campaign.replay import Recording, load
from conformance.driver.script import Do
from spec.engine import EMPTY, Config, Reply, Submit
from spec.proofs import counterexample
from spec.proofs.counterexample import MEASURED, build, rests
from spec.properties import BY_NAME, PROPERTIES
from spec.relaxations import NONE, Relaxation
from spec.table import State

CANCEL_LOST = Relaxation.CANCEL_LOST_TO_PAUSE
REQUEST_LOST = Relaxation.REQUEST_LOST_ON_LAST_STEP
UNORDERED = Relaxation.TIES_UNORDERED

# property, relaxation, requirement, what it may show, what it shows
PREDICTED = [
    (
        "cancel-honoured",
        CANCEL_LOST,
        "race/both/step-succeeds",
        "Failure, ErrorCode 37, Progress 50",
        "Paused, ErrorCode 0, Progress 50",
    ),
    (
        "cancel-honoured",
        REQUEST_LOST,
        "race/cancel/last-step-succeeds",
        "Failure, ErrorCode 37, Progress 0",
        "Success, ErrorCode 0, Progress 100",
    ),
    (
        "pause-honoured",
        REQUEST_LOST,
        "race/pause/last-step-succeeds",
        "Paused, ErrorCode 0, Progress 100",
        "Success, ErrorCode 0, Progress 100",
    ),
    (
        "ties-in-order",
        UNORDERED,
        "queue/ties-in-order",
        "Pending, ErrorCode 0, Progress 0",
        "Running, ErrorCode 0, Progress 0",
    ),
]


def recorded(name: str, relaxation: Relaxation, folder: Path) -> tuple[Path, Recording]:
    made = build(name, frozenset({relaxation}))
    assert made is not None
    path = counterexample.write(made, folder)
    return path, load(path)


@pytest.mark.parametrize(("name", "relaxation", "requirement", "expected", "actual"), PREDICTED)
def test_a_counterexample_is_a_replay(
    name: str,
    relaxation: Relaxation,
    requirement: str,
    expected: str,
    actual: str,
    tmp_path: Path,
) -> None:
    path, found = recorded(name, relaxation, tmp_path)
    assert path.name == f"verify-{name}-{relaxation}.json"
    assert found.requirement == requirement
    assert found.expected == (expected,)
    assert found.actual == actual
    assert found.relaxations == (relaxation.value,)
    assert found.config == {"ConcurrentJobs": 1, "JobsHistorySize": 10}
    assert all(expect for _, expect in found.steps)


def test_there_is_one_for_each_property_that_a_relaxation_breaks() -> None:
    pairs = {(p.name, r) for p in PROPERTIES for r in p.relaxed_by}
    assert pairs == {(name, relaxation) for name, relaxation, *_ in PREDICTED}


def test_the_shortest_run_has_no_needless_input(tmp_path: Path) -> None:
    _, found = recorded("pause-honoured", REQUEST_LOST, tmp_path)
    assert [step.do for step, _ in found.steps] == [Do.SUBMIT, Do.PAUSE, Do.SUCCEED]
    _, found = recorded("cancel-honoured", CANCEL_LOST, tmp_path)
    assert found.program[0] == "submit A, 2 steps, priority 0"  # the last step tells less
    assert len(found.steps) == 4


def test_the_run_for_ties_has_as_many_as_a_released_server_needs(tmp_path: Path) -> None:
    _, found = recorded("ties-in-order", UNORDERED, tmp_path)
    born = [step for step, _ in found.steps if step.do is Do.SUBMIT]
    assert len(born) == 1 + len(MEASURED)
    assert len({step.priority for step in born}) == 1


def test_there_is_none_for_what_is_not_broken() -> None:
    assert build("cancel-honoured", NONE) is None
    assert build("pause-honoured", frozenset({CANCEL_LOST})) is None
    assert build("running-bounded", frozenset(Relaxation)) is None
    assert build("eviction", frozenset(Relaxation)) is None


def test_with_all_relaxations_there_is_still_one_that_tells_a_reason() -> None:
    """The run shows an end that only one reading explains, though three are admitted."""
    for name in ("pause-honoured", "ties-in-order"):
        made = build(name, frozenset(Relaxation))
        assert made is not None
        broken_by = {r.value for r in BY_NAME[name].relaxed_by}
        assert set(made["deviation"]["relaxations"]) == broken_by


def test_rest_is_where_only_an_input_can_change_something() -> None:
    config = Config(workers=1, history=1)
    ((answer, engine),) = rests(config, EMPTY, Submit(0, 1))
    assert answer is True
    (job,) = engine.jobs
    assert job is not None
    assert job.state is State.RUNNING
    ends = {
        one.state
        for _, e in rests(config, engine, counterexample.Replied(0, Reply.FAIL))
        if (one := e.jobs[0]) is not None
    }
    assert ends == {State.FAILURE, State.RETRY}  # the server's choice


@pytest.mark.apart
@pytest.mark.parametrize(("name", "relaxation"), [pair[:2] for pair in PREDICTED])
def test_a_real_orthanc_ends_as_predicted(
    name: str, relaxation: Relaxation, installed_orthanc: None, tmp_path: Path
) -> None:
    path, _ = recorded(name, relaxation, tmp_path)
    command = [sys.executable, "-m", "conformance.cli", "replay", str(path), "orthanc"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "reproduced" in done.stdout
