"""What the tests of the kit share: the command as a user runs it, and servers to run it against."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from conformance.sut import servers
from conformance.sut.managed import Managed

COMMAND = [sys.executable, "-m", "conformance.cli"]
LONGEST = 280  # seconds for one run of the command


@dataclass(frozen=True)
class Run:
    """A finished run of the command, in a folder of its own."""

    status: int
    out: str
    err: str
    folder: Path

    @property
    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "report.json").read_text())
        return found

    def cases(self, *verdicts: str) -> dict[str, dict[str, Any]]:
        return {c["id"]: c for c in self.report["cases"] if c["verdict"] in verdicts}


def command(folder: Path, *arguments: str, report: bool = True) -> Run:
    """Run ``orthanc-jobs`` in ``folder``; with ``report``, its JSON is in report.json."""
    words = [*COMMAND, *arguments, *(["--json", "report.json"] if report else [])]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=LONGEST)
    return Run(done.returncode, done.stdout, done.stderr, folder)


def run_planted(
    folders: pytest.TempPathFactory,
    named: Iterable[tuple[str, str, str]],
    at_once: int,
    *more: str,
) -> dict[str, Run]:
    """For each fault of (requirement, fault, case) one run, of the cases that are to show it."""
    wanted = defaultdict(set)
    for _, fault, case in named:
        wanted[fault].add(case)
    made = {fault: folders.mktemp("planted") for fault in wanted}

    def run(fault: str) -> Run:
        chosen = [word for case in sorted(wanted[fault]) for word in ("--case", case)]
        return command(made[fault], "run", "reference", "--fault", fault, *more, *chosen)

    with ThreadPoolExecutor(at_once) as pool:
        return dict(zip(wanted, pool.map(run, wanted), strict=True))


@pytest.fixture(scope="session")
def installed_orthanc() -> None:
    """A real Orthanc is part of these tests: without it they fail, and do not pass quietly."""
    if shutil.which("Orthanc") is None:
        pytest.fail("there is no Orthanc on PATH: apt-get install orthanc")


@pytest.fixture(scope="session")
def on_reference(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """All suites on the embedded reference server, as `make run` does."""
    return command(tmp_path_factory.mktemp("reference"), "run", "--events", "events.ndjson")


@pytest.fixture(scope="session")
def on_orthanc(installed_orthanc: None, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """All suites on a real Orthanc, with the ledger that the kit brings."""
    return command(tmp_path_factory.mktemp("orthanc"), "run", "orthanc")


@pytest.fixture(scope="session")
def without_ledger(installed_orthanc: None, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """All suites on a real Orthanc, with no deviation accepted."""
    return command(tmp_path_factory.mktemp("strict"), "run", "orthanc", "--no-ledger")


@pytest.fixture
def orthanc(installed_orthanc: None) -> Iterator[Managed]:
    """An Orthanc that runs already, as somebody's would."""
    with servers.orthanc() as server:
        yield server
