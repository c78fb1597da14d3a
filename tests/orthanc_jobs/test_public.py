"""The public names: what they are, and what they do for who imports nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import orthanc_jobs
from orthanc_jobs import Case, Error, Oracle, check_trace, run, table
from spec.table import MATRIX, UNKNOWN, State, target
from tests.rooms import ROOT

CASE, FAULT = "race/in-turn/cancel-twice", "second-resubmit-refused"
JOB = {
    "CompletionTime": "20190306T095223.753851",
    "Content": {"Description": "REST API", "InstancesCount": 1, "UncompressedSizeMB": 0},
    "CreationTime": "20190306T095223.750666",
    "EffectiveRuntime": 0.001,
    "ErrorCode": 0,
    "ErrorDescription": "Success",
    "ID": "e0d12aac-47eb-454f-bb7f-9857931e2904",
    "Priority": 0,
    "Progress": 100,
    "State": "Success",
    "Timestamp": "20190306T095408.556082",
    "Type": "OfSomePlugin",
}  # the example of the page, of a type of which nothing more is known
PENDING = {key: value for key, value in JOB.items() if key != "CompletionTime"}
PENDING["State"] = "Pending"


def test_the_names_are_what_they_say() -> None:
    assert all(hasattr(orthanc_jobs, name) for name in orthanc_jobs.__all__)
    assert dir(orthanc_jobs) == sorted(orthanc_jobs.__all__)
    assert orthanc_jobs.__version__ == version("orthanc-jobs-conformance")
    with pytest.raises(AttributeError, match="'hope'"):
        _ = orthanc_jobs.hope


# --- the table ----------------------------------------------------------------------------------


def test_the_table_says_what_the_specification_says() -> None:
    for state in table.STATES:
        for action, cell in zip(table.ACTIONS, MATRIX[state], strict=True):
            assert table.may(state, action) is (cell.status == 200)
            assert table.leads_to(state, action) is (
                target(state, action) or state if cell.status == 200 else state
            )
    assert set(MATRIX) == {*table.STATES, UNKNOWN}


def test_the_table_takes_texts_and_names_what_is_none() -> None:
    assert table.may("paused", "Resume")
    assert table.leads_to("Failure", "resubmit") == "Pending"
    with pytest.raises(ValueError, match="Done"):
        table.may("Done", "cancel")
    with pytest.raises(ValueError, match="stop"):
        table.may("Paused", "stop")


# --- a run --------------------------------------------------------------------------------------


def test_a_run_is_data() -> None:
    told: list[Case] = []
    report = run("reference", case=[CASE, "race/in-turn/pause"], fault=FAULT, on_case=told.append)
    assert (report.verdict, report.conforms) == ("deviates", False)
    assert (report.target, report.version) == ("reference", "1.5.6")
    case = report[CASE]
    assert report.of("deviation") == (case,)
    assert (case.requirement, case.expected) == ("action/resubmit/failure", ("HTTP 200",))
    assert case.text.startswith(f"deviation {CASE}\n")
    assert "\n  requirement action/resubmit/failure (documented): " in case.text
    assert [one.id for one in report] == [one.id for one in told]
    assert json.loads(json.dumps(report.data))["verdict"] == "deviates"
    with pytest.raises(KeyError, match="race/nothing"):
        report["race/nothing"]


def test_a_run_that_cannot_begin_says_what_to_do(unused_port: int) -> None:
    with pytest.raises(Error, match="no server answers"):
        run(f"http://127.0.0.1:{unused_port}")
    with pytest.raises(Error, match="no case begins with"):
        run("reference", case=["hope"])
    with pytest.raises(TypeError, match="no option 'sweet'"):
        run("reference", sweet=["race"])  # type: ignore[call-arg]


# --- what was seen ------------------------------------------------------------------------------


def test_the_oracle_knows_what_may_come_next() -> None:
    oracle = Oracle(alone=True)
    assert oracle.allowed(JOB["ID"]) == set(State)
    assert oracle.read({**PENDING, "State": "Paused", "Progress": 50}) == []
    assert oracle.allowed(JOB["ID"]) == {State.PAUSED}
    assert oracle.acted(JOB["ID"], "resume", 200) == []
    assert State.SUCCESS in oracle.allowed(JOB["ID"])
    (wrong,) = oracle.acted(JOB["ID"], "resubmit", 500)
    assert wrong.requirement.startswith("action/resubmit/")


def test_the_oracle_tells_what_is_impossible() -> None:
    oracle = Oracle(alone=True)
    assert oracle.read(JOB) == []
    found = oracle.read(PENDING)
    assert [one.requirement for one in found] == ["monitor/state-success"]
    oracle = Oracle(alone=True)
    oracle.read(JOB)
    oracle.restarted()
    assert oracle.allowed(JOB["ID"]) == set(State)
    assert oracle.read(PENDING) == []


def test_a_trace_is_judged() -> None:
    (wrong,) = check_trace(ROOT / "docs" / "samples" / "leaves-success.ndjson")
    assert wrong.requirement == "monitor/state-success"
    with pytest.raises(Error, match="cannot read"):
        check_trace("no-such-file")


# --- other packages of our names ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["spec", "conformance"])
def test_a_foreign_package_of_our_name_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").touch()
    code = "import orthanc_jobs; print('imported'); orthanc_jobs.table"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"},
    )
    assert done.stdout == "imported\n"
    said = done.stderr.splitlines()[-2:]
    assert f"package {name!r}" in said[0]
    assert str(tmp_path / name) in said[0]
    assert f"Let {ROOT} come first" in said[1]


def test_a_folder_without_modules_of_our_name_is_none(tmp_path: Path) -> None:
    """As the tests of another language: Python prefers a real package, wherever it is."""
    (tmp_path / "spec").mkdir()
    code = "import orthanc_jobs; print(orthanc_jobs.table.may('Paused', 'resume'))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"},
    )
    assert done.stdout == "True\n", done.stderr
