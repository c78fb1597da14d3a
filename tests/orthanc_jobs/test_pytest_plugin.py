"""The cases as items of pytest: their verdicts, their texts, and that nothing else changes."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from orthanc_jobs.pytest_plugin import WHOLE
from tests.orthanc_jobs.kit import under_pytest
from tests.rooms import ROOT

CASE, FAULT = "race/in-turn/cancel-twice", "second-resubmit-refused"


@pytest.mark.long
@pytest.mark.apart
def test_a_deviation_fails_with_the_text_of_a_run(tmp_path: Path) -> None:
    chosen = f"--case {CASE} --case race/in-turn/pause --fault {FAULT}"
    said = under_pytest(
        tmp_path, "--orthanc-jobs", "reference", "--orthanc-jobs-options", chosen, status=1
    )
    assert f"FAILED orthanc-jobs::{CASE}" in said
    assert "  requirement action/resubmit/failure (documented): Resubmitting a job" in said
    assert f"  replay      orthanc-jobs replay replays/{CASE.replace('/', '-')}.json" in said
    assert "Traceback" not in said


@pytest.mark.long
@pytest.mark.apart
def test_it_does_as_people_expect_of_pytest(tmp_path: Path) -> None:
    """Own tests beside, ``-k``, marks, ``--collect-only``, and the report of JUnit."""
    (tmp_path / "test_own.py").write_text(
        "def test_own(orthanc_jobs_table):\n    assert orthanc_jobs_table.may('Paused', 'resume')\n"
    )
    words = ["--orthanc-jobs", "reference", "--strict-markers", "-k", f"test_own or {CASE}"]
    under_pytest(tmp_path, *words, "--junitxml", "j.xml")
    names = [one.attrib["name"] for one in ElementTree.parse(tmp_path / "j.xml").iter("testcase")]
    assert {"test_own", CASE} <= {*names}
    assert all(CASE in name for name in names[1:])
    found = [one.attrib for one in ElementTree.parse(tmp_path / "j.xml").iter("property")]
    assert {"name": "requirement", "value": "step/requests-end-with-run"} in found
    listed = under_pytest(
        tmp_path, "--orthanc-jobs", "orthanc", "-m", "orthanc_jobs_race", "--co", "-q"
    )
    lines = [line for line in listed.splitlines() if "::" in line]
    assert lines
    assert all(line.startswith("orthanc-jobs::race/") for line in lines)


@pytest.mark.long
@pytest.mark.apart
def test_processes_side_by_side_have_servers_of_their_own(tmp_path: Path) -> None:
    words = ["--orthanc-jobs", "reference", "--orthanc-jobs-options", "--suite edge"]
    assert "passed" in under_pytest(tmp_path, *words, "-n", "2", anew=True)


@pytest.mark.long
@pytest.mark.apart
def test_an_entry_of_the_ledger_that_nothing_needs_fails(tmp_path: Path) -> None:
    (tmp_path / "ledger.json").write_text(
        '{"schema": 1, "entries": [{"relaxation": "request-lost-on-last-step", "reason": "a",'
        ' "reference": "b", "cases": ["race/pause/last-step-succeeds"]}]}'
    )
    chosen = "--case race/pause/last-step-succeeds --ledger ledger.json"
    said = under_pytest(
        tmp_path, "--orthanc-jobs", "reference", "--orthanc-jobs-options", chosen, status=1
    )
    assert f"FAILED orthanc-jobs::{WHOLE}" in said
    assert "take the entry out" in said


@pytest.mark.long
@pytest.mark.apart
@pytest.mark.parametrize(
    ("words", "said", "status"),
    [
        (["--orthanc-jobs", "nonsense"], "the target must be 'reference', 'orthanc'", 4),
        (["--orthanc-jobs", "reference", "--orthanc-jobs-options=--hope"], "No such option", 4),
        (["--orthanc-jobs-options=--hope"], "belongs to --orthanc-jobs", 4),
        (["--orthanc-jobs", "http://127.0.0.1:1", "-n", "2"], "not a URL", 4),
        (["--orthanc-jobs", "http://127.0.0.1:1"], "no server answers", 2),
    ],
)
def test_what_cannot_be_run_is_told(
    words: list[str], said: str, status: int, tmp_path: Path
) -> None:
    found = under_pytest(tmp_path, *words, status=status)
    assert said in found
    assert "Traceback" not in found


@pytest.mark.apart
def test_without_the_option_nothing_is_collected(tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text(
        "import sys\n\n\ndef test_own():\n"
        "    assert not {'spec', 'conformance'} & sys.modules.keys()\n"
    )
    (tmp_path / "conformance").mkdir()  # somebody else's, which is none of our business
    (tmp_path / "conformance" / "__init__.py").touch()
    assert "1 passed" in under_pytest(tmp_path, anew=True)
    assert "the one in" in under_pytest(
        tmp_path, "--orthanc-jobs", "reference", status=4, anew=True
    )


@pytest.mark.apart
def test_a_test_has_a_server_under_control(tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text(
        "import requests\n\n\n"
        "def test_own(orthanc_jobs_server):\n"
        "    job = orthanc_jobs_server.control.job()\n"
        "    orthanc_jobs_server.control.wait(job)\n"
        "    url = f'{orthanc_jobs_server.url}/jobs/{job}'\n"
        "    assert requests.get(url).json()['State'] == 'Running'\n"
        "    orthanc_jobs_server.control.succeed(job)\n"
        "    while (state := requests.get(url).json()['State']) == 'Running':\n"
        "        pass\n"
        "    assert state == 'Success'\n"
    )
    assert "1 passed" in under_pytest(tmp_path)


def test_the_plugin_is_an_entry_point_of_the_project() -> None:
    assert '"orthanc_jobs.pytest_plugin" = "orthanc_jobs.pytest_plugin"' in (
        ROOT / "pyproject.toml"
    ).read_text(encoding="utf-8")
