"""An engine that never answers an action, in a server that answers all else: a deadlock."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.conformance.kit import command


def test_an_action_that_is_never_answered_is_a_deviation(
    installed_orthanc: None, tmp_path: Path
) -> None:
    proxy = Path(__file__).with_name("hanging_orthanc.py")
    template = f"{sys.executable} {proxy} {{config}}"
    run = command(
        tmp_path,
        "run",
        "orthanc",
        "--server-command",
        template,
        "--case",
        "action/cancel/paused",
        "--timeout",
        "1",
    )
    assert run.status == 1, run.out + run.err
    (case,) = run.cases("deviation").values()
    assert "not answered within 4 s" in case["actual"]
    assert "/cancel" in case["actual"]
