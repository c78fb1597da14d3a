"""The command as a user runs it, for the tests that run it."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from conformance.reference.faults import FAULTS
from tests import forked

MODULE = "conformance.cli"
COMMAND = [sys.executable, "-m", MODULE]
# The suites whose cases show by chance what they show, shallow.
BY_CHANCE = ("--suite", "concurrent", "--suite", "search", "--examples", "20")
LONGEST = 900  # seconds for one run of the command, on a machine that has other work as well


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

    def cases(self, *verdicts: str, of: tuple[str, ...] = ("",)) -> dict[str, dict[str, Any]]:
        """The cases that came to one of these verdicts, and whose id begins with one of ``of``."""
        cases = [c for c in self.report["cases"] if c["id"].startswith(of)]
        return {c["id"]: c for c in cases if c["verdict"] in verdicts}


def command(folder: Path, *arguments: str, report: bool = True) -> Run:
    """Run ``orthanc-jobs`` in ``folder``; with ``report``, its JSON is in report.json."""
    words = [*arguments, *(["--json", "report.json"] if report else [])]
    done = forked.run(MODULE, words, folder, LONGEST)
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
        release = FAULTS[fault].release
        kept = () if release is None else ("--release", release)
        return command(made[fault], "run", "reference", "--fault", fault, *kept, *more, *chosen)

    with ThreadPoolExecutor(at_once) as pool:
        return dict(zip(wanted, pool.map(run, wanted), strict=True))
