"""Traces as files: good ones, bad ones, and files that are none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conformance.cli.running import status_of
from conformance.errors import BadArgument
from conformance.passive.trace import check
from spec.requirements import CATALOGUE
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
    judge, found = check(path)
    assert (judge.readings, found) == (2, [])
    assert status_of(["check-trace", str(path)]) == 0


def test_a_bad_one_ends_with_1_and_shows_the_history(write: Write, capsys: Captured) -> None:
    path = write(HEAD, reading(0, job("Success")), reading(1, job("Running")))
    assert status_of(["check-trace", str(path)]) == 1
    out = capsys.readouterr().out
    assert "monitor/state-success, job A" in out
    stands = CATALOGUE["monitor/state-success"]
    assert f"\n  requirement {stands.id} (documented): {stands.sentence}\n" in out
    assert f"\n              {stands.url}\n" in out
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
        ({"at": [1, 2]}, "it has none of 'action', 'jobs', 'job', 'status', 'outage'"),
        ({"at": [1, 2], "action": "stop", "job": "A", "status": 200}, "unknown action 'stop'"),
        ({"at": [1, 2], "action": "pause", "job": 7, "status": 200}, "'job', a text"),
        ({"at": [1, 2], "action": "pause", "job": "A", "status": True}, "must be an HTTP status"),
        ({"at": [1, 2], "action": "pause", "job": "A", "status": 7}, "must be an HTTP status"),
        ({"at": [1, 2], "action": "pause", "job": "A"}, "must be an HTTP status"),
        ({"at": [1, 2], "status": "400"}, "must be an HTTP status"),
        ({"at": [1, 2], "jobs": [], "fresh": "yes"}, "'fresh' must be true or false"),
        ({"at": [1, 2], "jobs": [], "fresch": True}, "unknown field 'fresch'"),
        ({"at": [1, 2], "job": {}, "id": 7}, "must be a text"),
        ('{"at": [0, 1e999], "jobs": []}', "'at' must be two times"),
        (f'{{"at": [0, {10**400}], "jobs": []}}', "'at' must be two times"),
        ({"at": [True, 2], "jobs": []}, "'at' must be two times"),
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
        HEAD | {"workers": -1},
        HEAD | {"workers": 0},
        HEAD | {"workers": True},
        HEAD | {"history": -1},
        HEAD | {"version": 1.12},
        HEAD | {"live": 1},
        HEAD | {"relaxations": "ties-unordered"},
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


# --- what stands in a line ----------------------------------------------------------------------


def one(begin: float, id: str, found: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"at": [begin, begin + 0.01], "id": id, "job": found, **more}


def requirements(path: Path, strict: bool = False) -> list[str]:
    return [found.requirement for found in check(path, strict)[1]]


def test_a_trace_may_hold_readings_of_single_jobs(write: Write) -> None:
    good = (
        reading(0, job("Running")),
        one(1, "B", job("Pending", "B")),
        one(2, "A", job("Success")),
    )
    assert requirements(write(HEAD, *good)) == []
    back = (one(0, "A", job("Success")), one(1, "A", job("Running")))
    assert requirements(write(HEAD, *back)) == ["monitor/state-success"]
    assert requirements(write(HEAD, one(0, "B", job("Success")))) == ["monitor/id"]


def test_of_single_jobs_nothing_is_concluded_about_the_others(write: Write) -> None:
    path = write(
        HEAD | {"actions": "all"},
        reading(0, job("Paused"), job("Paused", "B")),
        one(1, "A", job("Paused")),
        reading(2, job("Paused"), job("Paused", "B")),
    )
    assert requirements(path) == []


def test_a_job_that_is_read_singly_after_a_restart_need_not_be_new(write: Write) -> None:
    late = job("Success", "B")
    path = write(HEAD, reading(0), one(1, "A", job("Paused"), fresh=True), one(2, "B", late))
    assert requirements(path) == []


def test_a_list_that_is_refused_is_an_answer_and_has_a_name(write: Write) -> None:
    refused = write(HEAD, {"at": [0, 0.1], "status": 400})
    judge, found = check(refused)
    assert ([str(name) for name in judge.findings], found) == (["empty-archive-unreadable"], [])
    assert requirements(refused, strict=True) == ["monitor/list-expand"]
    assert requirements(write(HEAD | {"relaxations": []}, {"at": [0, 1], "status": 400})) == [
        "monitor/list-expand"
    ]


def test_a_server_of_which_nothing_is_known_may_be_of_any_version(write: Write) -> None:
    old = job("Failure", error=0)
    assert requirements(write(reading(0, old))) == []
    assert requirements(write({"schema": 1, "trace": "orthanc-jobs"}, reading(0, old))) == []
    assert requirements(write(HEAD, reading(0, old))) == ["monitor/error-code"]


def test_lua_autorouting_raises_no_alarm_and_has_names(write: Write) -> None:
    lua = {"Type": "SequenceOfOperations", "Content": {"CountOperations": 6, "Description": "Lua"}}
    path = write(
        HEAD | {"actions": "all"},
        reading(0),
        reading(1, job("Running", progress=50) | lua),
        reading(2, job("Running", progress=67) | lua),
        reading(3, job("Running", progress=57) | lua),
        reading(4, job("Success", progress=86) | lua),
    )
    judge, found = check(path)
    names = {"operations-progress-falls", "operations-succeed-below-100"}
    assert ({str(name) for name in judge.findings}, found) == (names, [])
    assert set(requirements(path, strict=True)) == {"monitor/progress"}
    other = write(HEAD | {"actions": "all", "relaxations": []}, *(
        reading(at, job("Running", progress=progress)) for at, progress in enumerate((50, 67, 33))
    ))  # fmt: skip
    assert requirements(other) == ["monitor/progress"]


def test_a_retrieve_whose_progress_falls_is_a_finding_of_the_newer_ones(write: Write) -> None:
    move = {
        "Type": "DicomMoveScu",
        "Content": {"Description": "", "LocalAet": "A", "Query": [], "RemoteAet": "B"},
    }
    lines = [reading(at, job("Running", progress=p) | move) for at, p in enumerate((75, 100, 25))]
    lines[1]["jobs"][0]["EffectiveRuntime"] = 9.0
    lines[2]["jobs"][0]["EffectiveRuntime"] = 9.0  # so it was not resubmitted
    for version, alarm in {"1.10.1": ["monitor/progress"], "1.12.7": []}.items():
        head = {**HEAD, "version": version, "actions": "all"}
        assert requirements(write(head, *lines)) == alarm


# --- documents as people paste them -------------------------------------------------------------


def test_one_job_or_several_as_people_paste_them(write: Write, tmp_path: Path) -> None:
    plain = tmp_path / "plain.json"
    for found in (job("Success"), [job("Success"), job("Running", "B")], {"A": job("Success")}):
        for indent in (None, 2):
            plain.write_text(json.dumps(found, indent=indent))
            assert requirements(plain) == []
    plain.write_text(json.dumps({"B": job("Success")}))
    assert requirements(plain) == ["monitor/id"]
    plain.write_text(json.dumps([job("Done")], indent=2))
    assert requirements(plain) == ["monitor/state"]


def test_a_document_from_which_fields_were_cut(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = tmp_path / "plain.json"
    plain.write_text(json.dumps({"State": "Failure", "ErrorCode": 2006}))
    assert status_of(["check-trace", str(plain)]) == 1
    out = capsys.readouterr().out
    assert "impossible" not in out
    assert "missing: monitor/id" in out
    assert out.splitlines()[-1].startswith("10 missing: 1 readings")


@pytest.mark.parametrize("text", ["[]", "{}", "7", "", "null", "[7"])
def test_a_document_without_a_job(tmp_path: Path, text: str) -> None:
    plain = tmp_path / "plain.json"
    plain.write_text(text)
    with pytest.raises(BadArgument):
        check(plain)
