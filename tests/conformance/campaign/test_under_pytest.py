"""The verdicts of ``pytest --orthanc-jobs`` are those of ``orthanc-jobs run``, case by case."""

from __future__ import annotations

from pathlib import Path

from conformance.events import Verdict
from tests.conformance.kit import Run
from tests.orthanc_jobs.kit import verdicts

SUITES = "--suite race --suite action"
OF_SUITES = ("race/", "action/")


def of_a_run(run: Run) -> dict[str, str]:
    return {id: case["verdict"] for id, case in run.cases(*Verdict, of=OF_SUITES).items()}


def test_the_verdicts_are_those_of_a_run_on_the_reference(
    on_reference: Run, tmp_path: Path
) -> None:
    assert verdicts(tmp_path, "reference", SUITES) == of_a_run(on_reference)


def test_the_verdicts_are_those_of_a_run_on_an_orthanc(on_orthanc: Run, tmp_path: Path) -> None:
    found = verdicts(tmp_path, "orthanc", SUITES)
    assert found == of_a_run(on_orthanc)
    assert "accepted" in found.values()
