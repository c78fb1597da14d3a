"""How many workers a run has, and what its reports say was typed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from conformance.cli import run
from conformance.cli.typed import typed


@pytest.mark.parametrize(
    ("cores", "quota", "workers"),
    [
        (2, None, 2),
        (128, None, run.MOST),
        (128, "max 100000", run.MOST),
        (128, "200000 100000", 2),
        (4, "50000 100000", 1),
        (4, "nonsense", 4),
    ],
)
def test_no_more_workers_than_cores_that_may_be_used(
    cores: int,
    quota: str | None,
    workers: int,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    file = tmp_path / "cpu.max"
    if quota is not None:
        file.write_text(f"{quota}\n")
    monkeypatch.setattr(run, "QUOTA", file)
    monkeypatch.setattr(run.os, "sched_getaffinity", lambda _: set(range(cores)))
    assert run._cores() == workers


def test_what_was_typed_is_told_without_what_lets_us_in(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["run", "http://me:p%40ss@host:1/x", "--header", "X-Token: ab'cd ef"]
    monkeypatch.setattr(sys, "argv", ["orthanc-jobs", *words])
    told = typed(("ab'cd ef",))
    assert "http://host:1/x" in told
    for secret in ("p%40ss", "me:", "cd ef"):
        assert secret not in told
