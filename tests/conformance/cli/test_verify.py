"""`verify`, as it is called."""

from __future__ import annotations

import subprocess
import sys

import pytest

from spec.proofs.packed import MOST_JOBS


@pytest.mark.parametrize("jobs", [MOST_JOBS + 1, 40])
def test_more_jobs_than_can_be_explored_are_refused_in_a_line(jobs: int) -> None:
    command = [sys.executable, "-m", "conformance.cli", "verify", "--jobs", str(jobs)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert f"--jobs {jobs}" in line
    assert f"the most is {MOST_JOBS}" in line
