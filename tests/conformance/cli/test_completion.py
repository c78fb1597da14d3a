"""What `--completion` prints, in the shell that it is for."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance.kit import command
from tests.rooms import ROOT

pytestmark = pytest.mark.apart


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["orthanc-jobs", "ver"], {"verify"}),
        (["orthanc-jobs", "c"], {"check-trace", "ci-gate", "client", "clean", "compare"}),
        (["orthanc-jobs", "watch", "--hist"], {"--history-size"}),
    ],
)
def test_bash_completes_commands_and_options(
    words: list[str], found: set[str], tmp_path: Path
) -> None:
    program = tmp_path / "orthanc-jobs"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m conformance.cli "$@"\n')
    program.chmod(0o755)
    line = (
        'source <(orthanc-jobs --completion bash); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1));'
        ' _orthanc_jobs_completion orthanc-jobs; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", line, "bash", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
    )
    assert set(done.stdout.split()) == found, shlex.join(words) + done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_it_ends_well(shell: str, tmp_path: Path) -> None:
    done = command(tmp_path, "--completion", shell, report=False)
    assert (done.status, done.err) == (0, "")
    assert "_ORTHANC_JOBS_COMPLETE" in done.out


def test_a_shell_that_is_not_known_is_told_which_are(tmp_path: Path) -> None:
    done = command(tmp_path, "--completion", "tcsh", report=False)
    assert (done.status, done.out) == (2, "")
    assert "there are bash, zsh, fish" in done.err
