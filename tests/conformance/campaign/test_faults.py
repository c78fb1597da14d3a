"""The kit's power: each of these faults, planted in the reference server, is a deviation.

They are run at default settings, and each is reported for what it is: in the requirement that it
breaks. Of a run of all suites, which runs the same cases and more, each fault gets the suite that
is about it, up to some deviations, so that it does not take an hour; docs/power.md says what all
suites find. `orthanc-jobs serve --list-faults` says what each fault does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import pytest

from conformance.reference.faults import FAULTS
from tests.conformance.kit import Run, command

ENOUGH = "2"  # deviations, after which a run ends
# fault: the suite, and the requirements of which at least one must be reported as broken
PLANTED: dict[str, tuple[str, set[str]]] = {
    "cancel-of-paused-ignored": ("action", {"action/cancel/paused"}),
    "resubmit-of-success-accepted": ("action", {"action/resubmit/success"}),
    "refused-with-body": ("action", {"answer/refused"}),
    "action-on-unknown-job-answered-200": (
        "action",
        {"action/cancel/unknown", "action/resubmit/unknown"},
    ),
    "cancel-leaves-error-code-0": ("action", {"monitor/error-code", "monitor/error-description"}),
    "cancel-of-running-ignored": ("race", {"race/cancel/step-succeeds"}),
    "requests-lost-on-last-step": ("race", {"race/pause/last-step-succeeds"}),
    "resume-starts-over": ("schedule", {"step/resumed-goes-on"}),
    "retry-starts-over": ("edge", {"step/run-once"}),
    "resubmitted-jumps-queue": ("schedule", {"queue/ties-in-order"}),
    "paused-with-progress-0": ("edge", {"monitor/progress"}),
    "expand-omits-paused": ("history", {"monitor/list"}),
    "newest-evicted-first": ("history", {"history/kept"}),
    "second-resubmit-refused": ("race", {"action/resubmit/failure"}),
    "pause-ignored-after-resume": (
        "race",
        {"race/pause/step-succeeds", "race/pause/last-step-succeeds"},
    ),
    "cancel-ignored-after-resubmit": (
        "race",
        {"race/cancel/last-step-succeeds", "race/cancel/step-succeeds"},
    ),
}


@pytest.fixture(scope="session")
def found(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Run]:
    """A run against each fault, made when it is first asked for."""

    @cache
    def run(name: str) -> Run:
        folder = tmp_path_factory.mktemp("fault")
        words = ("--suite", PLANTED[name][0], "--max-failures", ENOUGH)
        return command(folder, "run", "reference", "--fault", name, *words)

    return run


def each(names: Iterable[str]) -> list[Any]:
    """A parameter for each, and for each a group: its tests read one run."""
    return [
        pytest.param(name, marks=(pytest.mark.long, pytest.mark.together(name))) for name in names
    ]


def test_there_are_enough_of_them() -> None:
    assert len(PLANTED) >= 15
    assert set(PLANTED) <= set(FAULTS)


@pytest.mark.parametrize("name", each(PLANTED))
def test_a_planted_fault_is_reported_for_what_it_is(name: str, found: Callable[[str], Run]) -> None:
    run = found(name)
    assert run.status == 1, run.out + run.err
    deviations = run.cases("deviation")
    assert {c["requirement"] for c in deviations.values()} & PLANTED[name][1]
    for case in deviations.values():
        assert (run.folder / case["replay"]).is_file()


@pytest.mark.parametrize("name", each(["resume-starts-over", "second-resubmit-refused"]))
def test_its_replay_shows_it_again_and_a_sound_server_does_not(
    name: str, found: Callable[[str], Run]
) -> None:
    run = found(name)
    file = next(iter(run.cases("deviation").values()))["replay"]
    again = command(run.folder, "replay", file, "reference", "--fault", name, report=False)
    assert (again.status, "reproduced" in again.out) == (1, True), again.out
    sound = command(run.folder, "replay", file, "reference", report=False)
    assert sound.status == 0, sound.out
