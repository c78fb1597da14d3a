"""Traces as files: good ones, bad ones, and files that are none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conformance.cli.main import status_of
from conformance.errors import BadArgument
from conformance.passive.trace import check
from tests.conformance.passive.histories import job

HEAD: dict[str, Any] = {"schema": 1, "trace": "orthanc-jobs", "version": "1.12.7"}
Write = Callable[..., Path]
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(*lines: Any) -> Path:
        path = tmp_path / "trace.ndjson"
        texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
        path.write_text("\n".join(texts) + "\n")
        return path

    return written


def reading(begin: float, *jobs: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"at": [begin, begin + 0.01], "jobs": list(jobs), **more}


def test_a_good_trace_holds(write: Write) -> None:
    path = write(
        HEAD,
        reading(0, job("Paused")),
        {"at": [1, 1.01], "action": "resume", "job": "A", "status": 200},
        {"at": [2, 3], "outage": "connection refused"},
        "",
        reading(4, job("Success"), fresh=True),
    )
    assert check(path) == (2, [])
    assert status_of(["check-trace", str(path)]) == 0


def test_a_bad_one_ends_with_1_and_shows_the_history(write: Write, capsys: Captured) -> None:
    path = write(HEAD, reading(0, job("Success")), reading(1, job("Running")))
    assert status_of(["check-trace", str(path)]) == 1
    out = capsys.readouterr().out
    assert "monitor/state-success, job A" in out
    assert out.splitlines()[-1].startswith("1 impossible: 2 readings")


@pytest.mark.parametrize(
    ("id", "told"),
    [
        ("A\nholds: 9 readings", "job A\\nholds: 9 readings"),
        ("\x1b[2J\x9b2J", "job \\x1b[2J\\x9b2J"),
        ("[/] [bold]", "job [/] [bold]"),
        ("\ud83d", "job \\ud83d"),
    ],
)
def test_what_a_trace_holds_is_only_text(
    write: Write, capsys: Captured, id: str, told: str
) -> None:
    path = write(HEAD, reading(0, job("Success", id)), reading(1, job("Running", id)))
    assert status_of(["check-trace", str(path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert f"impossible: monitor/state-success, {told}" in lines
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize("runtime", [10**400, -1, float("inf"), float("nan")])
def test_a_runtime_that_is_none_is_impossible(write: Write, runtime: float) -> None:
    (found,) = check(write(HEAD, reading(0, job("Success", EffectiveRuntime=runtime))))[1]
    assert found.requirement == "monitor/effective-runtime"


def test_a_trace_without_a_head_knows_nothing_of_the_server(write: Write) -> None:
    assert check(write(reading(0, job("Success"))))[1] == []


def test_the_head_says_that_all_actions_are_known(write: Write) -> None:
    lines = (reading(0, job("Paused")), reading(1, job("Running")))
    assert check(write(HEAD, *lines))[1] == []
    assert len(check(write(HEAD | {"actions": "all"}, *lines))[1]) == 1


def test_an_action_beside_a_reading_is_not_put_in_an_order(write: Write) -> None:
    """The reading was still under way when the action was asked for."""
    beside = {"at": [0.005, 0.2], "action": "resume", "job": "A", "status": 400}
    path = write(
        HEAD | {"actions": "all"}, reading(0, job("Paused")), beside, reading(1, job("Success"))
    )
    assert check(path)[1] == []


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("{", "line 2: no JSON"),
        ("[]", "must be an object"),
        ({"jobs": []}, "'at' must be two times"),
        ({"at": [2, 1], "jobs": []}, "'at' must be two times"),
        ({"at": [0, float("nan")], "jobs": []}, "'at' must be two times"),
        ({"at": [0, float("inf")], "jobs": []}, "'at' must be two times"),
        ({"at": [1, 2], "action": "pause", "job": "A", "status": True}, "'status', a number"),
        ({"at": [1, 2]}, "none of 'jobs', 'action' and 'outage'"),
        ({"at": [1, 2], "action": "stop", "job": "A", "status": 200}, "unknown action 'stop'"),
        ({"at": [1, 2], "action": "pause", "job": 7, "status": 200}, "'job', a text"),
    ],
)
def test_a_line_that_is_none_is_named(write: Write, line: Any, word: str) -> None:
    with pytest.raises(BadArgument, match="line 2") as error:
        check(write(HEAD, line))
    assert word in str(error.value)


@pytest.mark.parametrize(
    "head",
    [
        HEAD | {"schema": 2},
        HEAD | {"colour": "red"},
        HEAD | {"workers": "two"},
        HEAD | {"workers": 0},
        HEAD | {"history": -1},
        HEAD | {"actions": "few"},
        HEAD | {"relaxations": ["laziness"]},
    ],
)
def test_a_head_that_is_none_is_named(write: Write, head: dict[str, Any]) -> None:
    with pytest.raises(BadArgument, match="line 1"):
        check(write(head, reading(0)))


def test_lines_must_be_in_their_order(write: Write) -> None:
    with pytest.raises(BadArgument, match="line 3: it was asked for before"):
        check(write(HEAD, reading(5), reading(1)))


def test_what_holds_no_reading_is_no_trace(write: Write, tmp_path: Path) -> None:
    with pytest.raises(BadArgument, match="holds no reading"):
        check(write(HEAD))
    assert status_of(["check-trace", str(tmp_path / "none")]) == 2
