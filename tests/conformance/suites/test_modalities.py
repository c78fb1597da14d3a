"""Jobs that send by C-STORE: the cases of `action/` and `race/` again, and the same verdicts."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from conformance.driver.script import Do, Via
from conformance.peer.gate import Gate
from conformance.suites import SUITES, action, race
from conformance.suites.case import Script
from conformance.suites.needs import EXCLUSIVE, RETRY, RETRY_BY_C_STORE
from conformance.suites.route import by_c_store
from conformance.sut.managed import Managed
from conformance.sut.profile import Profile
from tests.conformance.kit import Run, command
from tests.conformance.somebody import (
    WITHIN,
    interrupted,
    seen,
    somebodys,
    wait_for_ends,
)

pytestmark = pytest.mark.apart
FULL = Profile()
ORTHANC = Profile(retry=False)
POLITE = Profile(workers=None, history=None, retry=False, exclusive=False, managed=False)
PREFIX = by_c_store.PREFIX
AGAIN = (f"{PREFIX}action", f"{PREFIX}race")


def originals(profile: Profile) -> dict[str, Script]:
    """The cases of `action/` and `race/` that are scripts."""
    every = (*action.cases(profile), *race.cases(profile))
    return {case.id: case for case in every if isinstance(case, Script)}


def once_more(profile: Profile) -> dict[str, Script]:
    """The cases that this is about, by the ids of those that they repeat."""
    found = [case for case in SUITES["route"].cases(profile) if case.id.startswith(AGAIN)]
    return {case.id.removeprefix(PREFIX): case for case in found if isinstance(case, Script)}


@pytest.mark.parametrize("profile", [FULL, ORTHANC, POLITE])
def test_every_case_that_has_a_job_is_there_again(profile: Profile) -> None:
    found = once_more(profile)
    every = originals(profile)
    left_out = {i for i in every if i.startswith(by_c_store.LEFT_OUT)}
    unknown = {f"action/{a}/unknown" for a in Do if a.action}
    assert {i for i in every if i not in found} == unknown | left_out
    for name, case in found.items():
        assert case.requirement == every[name].requirement
        assert case.repeat == every[name].repeat
        submits = [step for step in case.steps if step.do is Do.SUBMIT]
        assert submits
        assert all(step.via is Via.MODALITY for step in submits)
        assert len(case.steps) == len(every[name].steps)


def test_what_cannot_be_reached_says_why() -> None:
    for profile, retry, other in (
        (FULL, RETRY_BY_C_STORE.why, None),
        (ORTHANC, RETRY.why, None),
        (POLITE, RETRY.why, EXCLUSIVE.why),
    ):
        for case in once_more(profile).values():
            asks = any(step.do in (Do.RETRY, Do.RETRY_LATER) for step in case.steps)
            assert case.unreachable == (retry if asks else other), case.id


def test_the_same_verdicts_and_relaxations_on_orthanc(on_orthanc: Run) -> None:
    found = {c["id"]: (c["verdict"], c["relaxations"]) for c in on_orthanc.report["cases"]}
    over_dicom = {i: v for i, v in found.items() if i.startswith(AGAIN)}
    assert len(over_dicom) == 50
    for name, verdict in over_dicom.items():
        assert found[name.removeprefix(PREFIX)] == verdict, name
    assert sum(verdict == "accepted" for verdict, _ in over_dicom.values()) == 6


def cases(*prefixes: str) -> list[str]:
    return [word for prefix in prefixes for word in ("--case", prefix)]


@pytest.mark.long
@pytest.mark.parametrize(
    ("fault", "case"),
    [
        ("cancel-of-running-ignored", "race/cancel/step-succeeds"),
        ("cancel-of-paused-ignored", "action/cancel/paused"),
        ("pause-forgets-failing-step", "race/pause/step-fails"),
    ],
)
def test_a_fault_shows_over_dicom_too(tmp_path: Path, fault: str, case: str) -> None:
    run = command(tmp_path, "run", "--fault", fault, *cases(PREFIX + case))
    assert run.status == 1, run.out + run.err
    (found,) = run.report["cases"]
    assert found["requirement"] == case
    again = command(tmp_path, "replay", found["replay"], "--fault", fault, report=False)
    assert again.status == 1
    assert "reproduced" in again.out
    assert '"via": "modality"' in (tmp_path / found["replay"]).read_text()


def test_somebodys_modalities_are_as_before(orthanc: Managed, tmp_path: Path) -> None:
    with somebodys(orthanc, 0) as client:
        with Gate() as gate:
            there = {"AET": gate.aet(0), "Host": "127.0.0.1", "Port": 104}
        assert client.put("/modalities/theirs", there).ok
        before = client.get("/modalities?expand").json()
        assert before
        which = cases(f"{PREFIX}action/pause")
        run = command(tmp_path, "run", orthanc.address.url, "--exclusive", *which)
        assert run.status == 0, run.out + run.err
        assert client.get("/modalities?expand").json() == before


def test_an_interrupt_takes_the_modalities_away(orthanc: Managed, tmp_path: Path) -> None:
    with somebodys(orthanc, 0) as client:
        pages, _ = seen(client)
        more = ("--exclusive", *cases(*AGAIN))
        after = f"{PREFIX}action/pause/paused"
        run, took = interrupted(tmp_path, orthanc.address.url, signal.SIGTERM, after, *more)
        assert (run.status, took < WITHIN) == (2, True)
        wait_for_ends(client)
        assert seen(client)[0] == pages
