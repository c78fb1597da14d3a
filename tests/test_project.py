"""The files at the root: what they say is so."""

from __future__ import annotations

import os
import re
import tomllib
from typing import Any

import pytest
import yaml

from tests.rooms import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
DATA: dict[str, list[str]] = PROJECT["tool"]["setuptools"]["package-data"]
WORKFLOWS = (".github/workflows/ci.yml", ".gitlab-ci.yml")


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_runs_what_ci_is_on_a_plain_debian(name: str) -> None:
    job = yaml.safe_load((ROOT / name).read_text())
    job = job["jobs"]["test"] if "jobs" in job else job["test"]
    steps = job.get("steps") or [{"run": line} for line in job["script"]]
    assert [step["run"] for step in steps if "run" in step] == [".ci/run"]
    assert job.get("container", job.get("image")) == "debian:12"
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_a_commit_is_held_to_what_make_lint_says_and_fetches_nothing() -> None:
    found = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert [repository["repo"] for repository in found["repos"]] == ["local"]
    (hook,) = found["repos"][0]["hooks"]
    assert (hook["entry"], hook["language"]) == ("make lint", "system")
    assert "lint:" in (ROOT / "Makefile").read_text()


@pytest.mark.parametrize("package", ["spec", "conformance"])
def test_the_packages_say_that_they_are_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").exists()
    assert "py.typed" in DATA[package]


def test_all_data_of_the_packages_is_shipped() -> None:
    """What is neither module nor page, and is not named in pyproject.toml is not in the wheel."""
    for package, patterns in DATA.items():
        folder = ROOT / package
        shipped = {path for pattern in patterns for path in folder.glob(pattern)}
        files = {path for path in folder.rglob("*") if path.is_file()}
        code = {path for path in files if path.suffix in (".py", ".pyc", ".md")}
        assert files - code == shipped


def test_the_licence_is_the_one_of_the_package() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert text.startswith(f"{PROJECT['project']['license']['text']} License\n")
    assert re.search(r"Copyright \(c\) \d{4} the orthanc-jobs-conformance authors", text)
