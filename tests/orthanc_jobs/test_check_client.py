"""A function of Python that waits for a job, in the scenarios."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from orthanc_jobs import Error, check_client
from tests.orthanc_jobs.kit import under_pytest
from tests.waiting import until

CHOSEN = ("path/start", "trap/retry", "trap/texts")


def state(url: str, job: str) -> str:
    return str(requests.get(f"{url}/jobs/{job}", timeout=60).json()["State"])


def waits(url: str, job: str) -> bool:
    until(lambda: state(url, job) in ("Success", "Failure"), 600)
    return state(url, job) == "Success"


def hopes(url: str, job: str) -> bool:
    until(lambda: state(url, job) not in ("Pending", "Running"), 600)
    return state(url, job) != "Failure"


def test_a_right_client_is_let_pass() -> None:
    check_client(waits, scenarios=CHOSEN)


def test_a_wrong_one_is_told_what_it_did() -> None:
    with pytest.raises(AssertionError, match="trap/retry") as told:
        check_client(hopes, scenarios=("trap/retry",))
    assert "A caller goes on waiting while a job is Pending, Running, Paused or Retry." in str(
        told.value
    )


def test_a_scenario_that_there_is_not_is_named() -> None:
    with pytest.raises(Error, match="no scenario begins with 'hope'"):
        check_client(waits, scenarios=("hope",))


@pytest.mark.apart
def test_in_pytest_it_is_a_fixture(tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text(
        "def test_own(orthanc_jobs_scenarios):\n"
        "    orthanc_jobs_scenarios(lambda url, job: True, scenarios=['path/start/fail'])\n"
    )
    assert "without having been shown Success" in under_pytest(tmp_path, status=1)
