"""`verify`, as it is called."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from spec.proofs import ProofEngine
from spec.proofs.packed import MOST_JOBS
from spec.proofs.promela import ASSERTED
from spec.proofs.smt import CLAIMS
from spec.properties import PROPERTIES, Modality
from tests.conformance.kit import COMMAND, command
from tests.conformance.pseudoterminal import OnTerminal

pytestmark = pytest.mark.apart

SMALL = ("--jobs", "2", "--workers", "1", "--history", "1", "--steps", "1", "--priorities", "1")


def without_spin(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command where no program is on PATH but a C compiler: the explorer makes use of it."""
    programs = folder / "bin"
    programs.mkdir()
    (programs / "cc").symlink_to(str(shutil.which("cc")))
    return subprocess.run(
        [*COMMAND, "verify", *SMALL, *words],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=folder,
        env={**os.environ, "PATH": str(programs)},
    )


@pytest.mark.parametrize("jobs", [MOST_JOBS + 1, 40])
def test_more_jobs_than_can_be_explored_are_refused_in_a_line(jobs: int) -> None:
    command = [sys.executable, "-m", "conformance.cli", "verify", "--jobs", str(jobs)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert f"--jobs {jobs}" in line
    assert f"the most is {MOST_JOBS}" in line


def test_an_engine_that_was_asked_for_and_is_not_there_ends_it_in_a_line(tmp_path: Path) -> None:
    done = without_spin(tmp_path, "--engine", "spin", "--json", "report.json")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("orthanc-jobs: spin was asked for, and cannot run: `spin`"), line


@pytest.mark.long
def test_one_that_nobody_asked_for_is_told_to_be_missing(tmp_path: Path) -> None:
    done = without_spin(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    *engines, last = done.stdout.splitlines()
    assert {line.split()[0] for line in engines} == {"explore", "smt", "spin"}
    (missing,) = (line for line in engines if line.startswith("spin"))
    assert re.match(r"spin +not run: `spin` \(Debian's package spin\)", missing), missing
    assert last.startswith("holds: "), last
    assert last.endswith("; without spin"), last


def test_an_engine_has_a_line_and_the_whole_another(tmp_path: Path) -> None:
    done = command(tmp_path, "verify", "--engine", "explore", *SMALL)
    engine, last = done.out.splitlines()
    properties = json.loads((tmp_path / "report.json").read_text())["properties"]
    holds = sum(one["verdict"] == "holds" for one in properties)
    asked = sum(one["verdict"] == "not-run" for one in properties)
    states = max(one["states"] for one in properties)
    told = (
        rf"explore +{holds} hold(, {asked} not asked in this scope)? in [\d.]+ s: {states:,} states"
    )
    assert re.match(told + r" of 2 jobs, 1 worker, history 1, 1 priority, 1 step$", engine), engine
    assert f"{holds} of {len(PROPERTIES)} properties, by {holds} proofs" in last


def test_what_fails_is_told_by_its_sentence_and_its_replay(tmp_path: Path) -> None:
    words = ("--engine", "explore", "--admit", "cancel-lost-to-pause", *SMALL)
    done = command(tmp_path, "verify", *words, report=False)
    assert done.status == 1
    assert re.search(r"^explore +\d+ hold, 1 fail\b", done.out, re.MULTILINE), done.out
    (sentence,) = (p.sentence for p in PROPERTIES if p.name == "cancel-honoured")
    assert f"fails cancel-honoured, by explore\n  property   {sentence}\n" in done.out
    (file,) = (tmp_path / "counterexamples").iterdir()
    assert f"orthanc-jobs replay counterexamples/{file.name} orthanc" in done.out
    assert done.out.splitlines()[-1].startswith("fails: cancel-honoured; ")


def test_what_nobody_decides_is_told_with_the_reason(tmp_path: Path) -> None:
    one = ("--jobs", "1", "--workers", "1", "--history", "1")
    done = command(tmp_path, "verify", "--engine", "explore", *one, report=False)
    assert done.status == 2
    assert re.search(r"^unknown .*, by explore: it takes 2 jobs", done.out, re.MULTILINE)


def test_every_sentence_is_listed(tmp_path: Path) -> None:
    done = command(tmp_path, "verify", "--list", report=False)
    for p in PROPERTIES:
        assert f"\n{p.name}  {p.modality}, by explore" in f"\n{done.out}"
    words = " ".join(done.out.split())
    assert all(" ".join(p.sentence.split()) in words for p in PROPERTIES)
    assert done.out.endswith(f"{len(PROPERTIES)} properties\n")


def test_those_of_an_engine_are_listed(tmp_path: Path) -> None:
    """What each engine decides, tests/spec/proofs hold to what it does."""
    listed = {}
    for engine in ProofEngine:
        done = command(tmp_path, "verify", "--list", "--engine", engine, report=False)
        found = re.findall(r"^(\S+)  \w+, by (explore.*)$", done.out, re.MULTILINE)
        assert all(engine in deciding.split(", ") for _, deciding in found)
        listed[engine] = {name for name, _ in found}
    eventually = {p.name for p in PROPERTIES if p.modality is Modality.EVENTUALLY}
    assert listed[ProofEngine.EXPLORE] == {p.name for p in PROPERTIES}
    assert listed[ProofEngine.SMT] == {claim.name for claim in CLAIMS}
    assert listed[ProofEngine.SPIN] == {*ASSERTED, *eventually}


@pytest.mark.parametrize("columns", [80, 160])
def test_on_a_terminal_it_is_seen_to_be_at_work(tmp_path: Path, columns: int) -> None:
    shown = OnTerminal(tmp_path, columns, 24, "verify", "--engine", "explore", *SMALL)
    try:
        shown.until(lambda text: re.search(r"explore at work 0:00:\d\d", text))
        assert shown.until_the_end() == 0
    finally:
        shown.close()
    assert "at work" not in shown.shown
    assert shown.screen.above == []
    lines = [line.rstrip() for line in shown.screen.lines if line.strip()]
    assert lines[-1].startswith("holds: ")
    assert sum(line.startswith("explore") for line in lines) == 1
    assert max(map(len, lines)) <= columns
    assert columns == 80 or len(lines) == 2, lines
