"""The files at the root: what they say is so."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib
from fnmatch import fnmatch
from itertools import pairwise
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from conformance.reference.faults import FAULTS
from conformance.suites import suites
from conformance.sut.profile import Profile
from spec.requirements import CATALOGUE
from tests.rooms import PACKAGES, ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
DATA: dict[str, list[str]] = PROJECT["tool"]["setuptools"]["package-data"]
WORKFLOWS = {
    ".github/workflows/ci.yml": ".ci/run",
    ".github/workflows/weekly.yml": ".ci/run weekly",
    ".gitlab-ci.yml": ".ci/run",
}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_runs_what_ci_is_on_a_plain_debian(name: str) -> None:
    job = yaml.safe_load((ROOT / name).read_text())
    job = job["jobs"]["test"] if "jobs" in job else job["test"]
    steps = job.get("steps") or [{"run": line} for line in job["script"]]
    assert [step["run"] for step in steps if "run" in step] == [WORKFLOWS[name]]
    assert job.get("container", job.get("image")) == "debian:12"
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_a_commit_is_held_to_what_make_lint_says_and_fetches_nothing() -> None:
    found = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert [repository["repo"] for repository in found["repos"]] == ["local"]
    (hook,) = found["repos"][0]["hooks"]
    assert (hook["entry"], hook["language"]) == ("make lint", "system")
    assert "lint:" in (ROOT / "Makefile").read_text()


@pytest.mark.parametrize("package", PACKAGES)
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


def test_a_version_that_is_allowed_is_locked_of_all_that_is_needed() -> None:
    """And of each its hashes: `make lock` was done after the last change of pyproject.toml."""
    text = (ROOT / "requirements" / "kit.txt").read_text()
    locked = dict(re.findall(r"^([\w.-]+)==(\S+?)(?: ;[^\\]+)? \\\n +--hash=sha256:", text, re.M))
    needed = [*PROJECT["project"]["dependencies"]]
    for extra in PROJECT["project"]["optional-dependencies"].values():
        needed += extra
    wrong = [one for one in map(Requirement, needed) if one.name.lower() not in locked]
    assert wrong == []
    assert all(locked[one.name.lower()] in one.specifier for one in map(Requirement, needed))


def test_the_images_are_made_of_what_is_there() -> None:
    """`tools/container` builds them, which takes a registry; here is what a change could break."""
    text = (ROOT / "Containerfile").read_text()
    targets = set(re.findall(r"^[$().\w/]+", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for target in re.findall(r"^RUN make --silent \.venv/(\w+)", text, re.MULTILINE):
        assert f"$(VENV)/{target}" in targets
    started = [json.loads(words) for words in re.findall(r"^ENTRYPOINT (.*)", text, re.MULTILINE)]
    assert [words[:2] for words in started] == [["orthanc-jobs"], ["orthanc-jobs", "serve"]]
    assert {words[0] for words in started} <= set(PROJECT["project"]["scripts"])
    first, *_, last = re.findall(r"^FROM (.*)", text, re.MULTILINE)
    assert (first, last) == ("${BASE} AS kit", "kit")  # without a target it is the kit


def test_the_licence_is_the_one_of_the_package() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert text.startswith(f"{PROJECT['project']['license']['text']} License\n")
    assert re.search(r"Copyright \(c\) \d{4} the orthanc-jobs-conformance authors", text)


# --- CONTRIBUTING.md ---------------------------------------------------------------------------

GUIDE = (ROOT / "CONTRIBUTING.md").read_text()
SPANS = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", GUIDE, flags=re.DOTALL))


def squeezed(text: str) -> str:
    return "".join(text.split())


def test_its_samples_are_code_of_this_project() -> None:
    code = [
        squeezed(path.read_text()) for folder in PACKAGES for path in (ROOT / folder).rglob("*.py")
    ]
    samples = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    assert len(samples) >= 4
    for sample in samples:
        assert any(squeezed(sample) in text for text in code), sample


def test_the_files_that_it_names_are_there() -> None:
    folders = ("spec", "conformance", "tests", "tools")
    words = [word for span in SPANS for word in span.split()]
    files = [word for word in words if "/" in word and word.split("/")[0] in folders]
    links = [link for link in re.findall(r"\]\(([^)]+)\)", GUIDE) if "://" not in link]
    assert files
    assert links
    assert [name for name in (*files, *links) if not (ROOT / name).exists()] == []


def test_what_readme_has_written_into_this_folder_is_no_file_of_the_project() -> None:
    text = (ROOT / "README.md").read_text()
    written = set(re.findall(r"--(?:html|json|junit) ([a-z]+\.[a-z]+)\b", text))
    assert {"report.html", "report.json", "junit.xml", "old.json", "new.json"} <= written
    ignored = (ROOT / ".gitignore").read_text().split()
    assert {one for one in written if not any(fnmatch(f"/{one}", p) for p in ignored)} == set()


def test_the_targets_that_readme_names_are_there_and_setting_up_says_what_is_next() -> None:
    text, make = (ROOT / "README.md").read_text(), (ROOT / "Makefile").read_text()
    named = set(re.findall(r"`make (\w+)`", text))
    named |= set(re.findall(r"^make (\w+) +#", text, re.MULTILINE))
    assert {"setup", "run", "test"} <= named
    assert {name for name in named if f"\n{name}:" not in make} == set()
    done = subprocess.run(
        ["make", "--dry-run", "setup"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    (line,) = re.findall(r"^source \.venv/bin/activate", text, re.MULTILINE)
    assert line in done.stdout
    assert "orthanc-jobs run" not in done.stdout


def test_the_targets_cases_and_faults_that_it_names_are_there() -> None:
    make = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`make\s+(\w+)`", GUIDE):
        assert f"\n{target}:" in make
    known = {*FAULTS, *(case.id for case in suites(Profile())), *CATALOGUE}
    words = [word for span in SPANS for word in span.split()]
    named = {after for option, after in pairwise(words) if option in ("--case", "--fault", "--aim")}
    assert named
    assert named <= known
