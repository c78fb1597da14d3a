"""The cases as items of pytest: their verdicts, their texts, and that nothing else changes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from orthanc_jobs.pytest_plugin import WHOLE
from tests.conformance.kit import LONGEST, Run
from tests.rooms import ROOT

CASE, FAULT = "race/in-turn/cancel-twice", "second-resubmit-refused"
SUITES = "--suite race --suite action"
OF_SUITES = ("race/", "action/")


def under_pytest(folder: Path, *words: str, status: int = 0) -> str:
    """What pytest says, run in ``folder`` with the plugin; it has to end with ``status``."""
    plugins = ["-p", "orthanc_jobs.pytest_plugin", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *plugins, "--rootdir", str(folder), *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=LONGEST,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def verdicts(folder: Path, target: str, options: str, status: int = 0) -> dict[str, str]:
    """What ``--junitxml`` has of each case, in the words of a run."""
    words = ["--orthanc-jobs", target, "--orthanc-jobs-options", options, "--junitxml", "j.xml"]
    under_pytest(folder, *words, status=status)
    return {
        case.attrib["name"]: _verdict(case)
        for case in ElementTree.parse(folder / "j.xml").iter("testcase")
        if case.attrib["name"] != WHOLE
    }


def _verdict(case: ElementTree.Element) -> str:
    words = {"failure": "deviation", "error": "unknown"}
    skipped = case.find("skipped")
    if skipped is not None:
        return "accepted" if skipped.attrib["type"] == "pytest.xfail" else "skipped"
    return next((words[one.tag] for one in case if one.tag in words), "pass")


def of_a_run(run: Run) -> dict[str, str]:
    return {id: case["verdict"] for id, case in run.cases(*VERDICTS, of=OF_SUITES).items()}


VERDICTS = ("pass", "deviation", "accepted", "skipped", "unknown")


def test_the_verdicts_are_those_of_a_run_on_the_reference(
    on_reference: Run, tmp_path: Path
) -> None:
    assert verdicts(tmp_path, "reference", SUITES) == of_a_run(on_reference)


def test_the_verdicts_are_those_of_a_run_on_an_orthanc(on_orthanc: Run, tmp_path: Path) -> None:
    found = verdicts(tmp_path, "orthanc", SUITES)
    assert found == of_a_run(on_orthanc)
    assert "accepted" in found.values()


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


@pytest.mark.apart
def test_processes_side_by_side_have_servers_of_their_own(tmp_path: Path) -> None:
    words = ["--orthanc-jobs", "reference", "--orthanc-jobs-options", "--suite edge"]
    assert "passed" in under_pytest(tmp_path, *words, "-n", "2")


@pytest.mark.apart
def test_an_entry_of_the_ledger_that_nothing_needs_fails(tmp_path: Path) -> None:
    (tmp_path / "ledger.json").write_text(
        '{"schema": 1, "entries": [{"relaxation": "request-lost-on-last-step", "reason": "a",'
        ' "reference": "b", "cases": ["race/pause/last-step-succeeds"]}]}'
    )
    chosen = "--suite race --ledger ledger.json"
    said = under_pytest(
        tmp_path, "--orthanc-jobs", "reference", "--orthanc-jobs-options", chosen, status=1
    )
    assert f"FAILED orthanc-jobs::{WHOLE}" in said
    assert "take the entry out" in said


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
    assert "1 passed" in under_pytest(tmp_path)
    assert "the one in" in under_pytest(tmp_path, "--orthanc-jobs", "reference", status=4)


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
