"""Replay files: written, read again, and what is wrong with those that somebody wrote by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conformance.campaign.replay import Recording, load, record
from conformance.driver.script import Via, submit, succeed
from conformance.errors import BadArgument, CannotWrite
from conformance.events import Result, Verdict
from conformance.oracle.oracle import Finding
from spec.relaxations import Relaxation, Shortfall
from spec.table import Ground

TIES = Relaxation.TIES_UNORDERED.value
STEPS: list[dict[str, Any]] = [
    {"do": "submit", "job": "A", "steps": 2, "priority": -1, "expect": ["accepted"]},
    {"do": "await", "job": "A", "state": "Running"},
    {"do": "list"},
    {"do": "pause", "job": "unknown"},
    {"do": "succeed", "job": "A", "settle": False},
    {"do": "submit", "job": "B", "steps": 1, "priority": 0, "via": "modality"},
]
GOOD: dict[str, Any] = {
    "schema": 1,
    "case": "race/x",
    "server": "here 1.0",
    "config": {"ConcurrentJobs": 1},
    "steps": STEPS,
    "deviation": {
        "requirement": "queue/engine",
        "expected": ["this"],
        "actual": "that",
        "relaxations": [TIES],
    },
}


def written(folder: Path, found: Any) -> Path:
    path = folder / "replay.json"
    path.write_text(found if isinstance(found, str) else json.dumps(found))
    return path


def test_a_good_one(tmp_path: Path) -> None:
    recording = load(written(tmp_path, GOOD))
    assert recording.case == "race/x"
    assert recording.config == {"ConcurrentJobs": 1}
    assert len(recording.steps) == len(recording.program) == len(STEPS)
    assert recording.steps[0][1] == ("accepted",)
    assert (recording.relaxations, recording.repeat) == ((TIES,), 1)


def test_what_was_written_is_what_is_read(tmp_path: Path) -> None:
    steps = [(submit("A", 3, 7), ("accepted",)), (succeed("A"), ())]
    steps += [(submit("B", via=Via.MODALITY), ())]
    finding = Finding("queue/engine", ("this", "or that"), "something else", None)
    settings = {"ConcurrentJobs": 2, "JobsHistorySize": None, "SaveJobs": True}
    before = ("probe", "action/cancel/pending")
    made = record(
        "race/a/b",
        settings,
        steps,
        finding,
        relaxations=["b", "a"],
        server="here 1.0",
        repeat=5,
        before=before,
    )
    made = Recording(**{**_fields(made), "relaxations": (TIES,)})
    path = made.write(tmp_path / "new" / "folder")
    assert path.name == "race-a-b.json"
    assert load(path) == made
    assert made.config == {"ConcurrentJobs": 2}


def _fields(made: Recording) -> dict[str, Any]:
    return {name: getattr(made, name) for name in Recording.__dataclass_fields__}


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite, match="no replay can be written to"):
        load(written(tmp_path, GOOD)).write(tmp_path / "file")


def step(**changed: Any) -> dict[str, Any]:
    return {**GOOD, "steps": [{**STEPS[0], **changed}]}


def deviation(**changed: Any) -> dict[str, Any]:
    return {**GOOD, "deviation": {**GOOD["deviation"], **changed}}


@pytest.mark.parametrize(
    ("found", "part"),
    [
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("\x00", "not JSON"),
        ([], "'schema' 1"),
        ({**GOOD, "schema": 2}, "'schema' 1"),
        ({**GOOD, "config": None}, "'config' and 'deviation'"),
        ({**GOOD, "deviation": []}, "'config' and 'deviation'"),
        ({**GOOD, "config": {"HttpPort": 80}}, "'config' cannot set HttpPort"),
        ({**GOOD, "config": {"ConcurrentJobs": -1}}, "'config' cannot set ConcurrentJobs"),
        ({**GOOD, "config": {"LimitJobs": None}}, "'config' cannot set LimitJobs"),
        ({**GOOD, "config": {"ConcurrentJobs": 10**9}}, "'config' cannot set ConcurrentJobs"),
        ({**GOOD, "config": {"JobsHistorySize": True}}, "'config' cannot set JobsHistorySize"),
        ({**GOOD, "config": {"JobsHistorySize": "1"}}, "'config' cannot set JobsHistorySize"),
        ({**GOOD, "before": "probe"}, "'before' must be a list of texts"),
        ({**GOOD, "steps": []}, "'steps'"),
        ({**GOOD, "steps": {}}, "'steps'"),
        ({**GOOD, "steps": [STEPS[2]] * 10_001}, "'steps'"),
        ({**GOOD, "steps": ["submit"]}, "a step must be an object"),
        ({**GOOD, "steps": [STEPS[0], STEPS[0]]}, "the name is taken"),
        ({**GOOD, "steps": [STEPS[4]]}, "before job 'A' was submitted"),
        (step(do="jump"), "unknown step 'jump'"),
        (step(do=None), "unknown step None"),
        (step(do=["list"]), "unknown step"),
        (step(job=7), "needs a job"),
        (step(job="unknown"), "the name is taken"),
        (step(more=1), "no field 'more'"),
        (step(steps=0), "'steps' must be an integer"),
        (step(steps=1e9), "'steps' must be an integer"),
        (step(priority="1"), "'priority'"),
        (step(priority=2**31), "'priority'"),
        (step(settle=1), "'settle'"),
        (step(via="fax"), "'via' must be one of peer, modality"),
        (step(via=None), "'via'"),
        (step(via=["peer"]), "'via'"),
        (step(state="Running"), "'state'"),
        (step(do="await", state="Foo"), "'state'"),
        (step(do="await", state=["Running"]), "'state'"),
        (step(do="await", state={}), "'state'"),
        (step(expect="x"), "'expect'"),
        (step(expect=[1]), "'expect'"),
        (deviation(requirement="none/such"), "unknown requirement 'none/such'"),
        (deviation(requirement=None), "unknown requirement None"),
        (deviation(relaxations=["none-such"]), "unknown relaxation 'none-such'"),
        (deviation(relaxations=TIES), "'relaxations'"),
        (deviation(expected="x"), "'expected'"),
        (deviation(actual=7), "'actual' must be a text"),
        ({**GOOD, "case": []}, "'case' must be a text"),
        ({**GOOD, "server": {}}, "'server' must be a text"),
        ({**GOOD, "repeat": 0}, "'repeat'"),
        ({**GOOD, "repeat": 10**6}, "'repeat'"),
        ({**GOOD, "repeat": True}, "'repeat'"),
    ],
    ids=lambda x: str(x)[:50],
)
def test_what_is_no_replay_file_is_named(tmp_path: Path, found: Any, part: str) -> None:
    path = written(tmp_path, found)
    with pytest.raises(BadArgument) as error:
        load(path)
    text = str(error.value)
    assert part in text
    assert text.startswith(f"the replay file {path}")
    assert len(text.splitlines()) <= 2


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BadArgument, match=r"cannot read the replay file .*none: No such file"):
        load(tmp_path / "none")
    with pytest.raises(BadArgument, match="Is a directory"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("verdict", "requirement", "relaxations", "same"),
    [
        (Verdict.DEVIATION, "other", (TIES,), True),
        (Verdict.ACCEPTED, "queue/engine", (TIES,), True),
        # Another version may fall short of more, in the same case.
        (Verdict.DEVIATION, "queue/engine", (Shortfall.GET_NOT_SAVED, TIES), True),
        (Verdict.DEVIATION, "queue/engine", (Shortfall.GET_NOT_SAVED,), False),
        (Verdict.DEVIATION, "queue/engine", (), False),
        (Verdict.PASS, "queue/engine", (TIES,), False),
        (Verdict.UNKNOWN, "queue/engine", (TIES,), False),
    ],
)
def test_what_is_the_same_deviation(
    tmp_path: Path, verdict: Verdict, requirement: str, relaxations: tuple[str, ...], same: bool
) -> None:
    recording = load(written(tmp_path, GOOD))
    seen = Result("x", requirement, Ground.DOCUMENTED, verdict, relaxations=relaxations)
    assert recording.same(seen) == same


def test_a_setting_of_one_is_not_taken_for_a_flag_that_is_set() -> None:
    finding = Finding("queue/engine", ("this",), "that", None)
    config = {"ConcurrentJobs": 1, "JobsHistorySize": 1, "LimitJobs": 0, "SaveJobs": True}
    made = record("x", config, [(submit("A"), ())], finding, relaxations=(), server="here")
    assert made.config == {"ConcurrentJobs": 1, "JobsHistorySize": 1}
