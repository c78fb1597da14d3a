"""A replay as a script: it needs nothing of the kit, and shows the same, or that it is mended."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance.campaign.replay import load
from conformance.errors import BadArgument
from conformance.reports.judging import judgement
from conformance.reports.script import script
from conformance.talk import Said
from tests.conformance.kit import command
from tests.rooms import ROOT

FINDINGS = sorted((ROOT / "docs" / "findings").glob("*.json"))
LUA = "operation"  # their jobs are made by a Lua script
TRANSFER = "transfer-"  # their peer is more than a script has
EXPORTED = [
    path for path in FINDINGS if load(path).talk and not path.stem.startswith((LUA, TRANSFER))
]
ON_10 = [path for path in EXPORTED if load(path).server == "orthanc 1.10.1"]  # which is Debian 12's
MIDNIGHT = "20261201T000000.000000"
ARCHIVE = {"ID": "a", "Type": "Archive", "State": "Pending"}
LONGEST = 300  # seconds for a script, on a machine that has other work as well


def run(folder: Path, file: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script of a replay by Python alone: without what is installed, and without us."""
    made = folder / "shows.py"
    made.write_text(script(load(file), made.name), encoding="utf-8")
    words = [sys.executable, "-I", "-S", str(made), *arguments]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=LONGEST)


def server(folder: Path, *arguments: str) -> str:
    """A program that starts the reference server as an Orthanc is started."""
    made = folder / f"server{len(arguments)}"
    words = " ".join([sys.executable, "-m", "conformance.reference", *arguments, "--config"])
    made.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {words} "$@"\n')
    made.chmod(0o755)
    return str(made)


@pytest.mark.long
def test_a_fault_is_shown_and_a_server_without_it_does_not_show_it(tmp_path: Path) -> None:
    fault = ("--fault", "requests-lost-on-last-step")
    case = "race/pause/last-step-succeeds"
    assert command(tmp_path, "run", "reference", *fault, "--case", case).status == 1
    (replay,) = (tmp_path / "replays").glob("*.json")
    shown = run(tmp_path, replay, server(tmp_path, *fault))
    assert (shown.returncode, shown.stderr) == (1, ""), shown.stdout
    assert "It was seen again." in shown.stdout
    text = (tmp_path / "shows.py").read_text()
    text = text.replace("PATIENCE = 10", "PATIENCE = 4")
    (tmp_path / "shows.py").write_text(text)
    words = [sys.executable, "-I", str(tmp_path / "shows.py"), server(tmp_path)]
    sound = subprocess.run(words, capture_output=True, text=True, timeout=LONGEST)
    assert (sound.returncode, sound.stderr) == (0, ""), sound.stdout
    assert "seen     State Paused" in sound.stdout


def test_what_cannot_be_tried_is_neither_seen_nor_not_seen(tmp_path: Path) -> None:
    done = run(tmp_path, EXPORTED[0], "/no/such/program")
    assert done.returncode == 2
    assert "it could not be tried" in done.stderr
    done = run(tmp_path, EXPORTED[0], "http://localhost:8042")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "name the program of an Orthanc, which is started here: not a URL\n"


@pytest.mark.long
@pytest.mark.parametrize("path", ON_10, ids=lambda path: path.stem)
def test_the_orthanc_that_is_installed_shows_each_finding(
    path: Path, installed_orthanc: None, tmp_path: Path
) -> None:
    done = run(tmp_path, path)
    assert (done.returncode, done.stderr) == (1, ""), done.stdout


@pytest.mark.parametrize("path", EXPORTED, ids=lambda path: path.stem)
def test_a_script_needs_nothing_of_ours_and_no_id_of_the_server_that_was_recorded(
    path: Path, tmp_path: Path
) -> None:
    recording = load(path)
    text = script(recording, "a.py")
    compile(text, "a.py", "exec")
    assert not re.search(r"^@[A-Z]", text, re.MULTILINE)
    assert "return None" not in text  # it says by itself whether it was seen again
    assert "import conformance" not in text
    answers = [one.json() for one in recording.talk if '"/jobs/' in one.got]
    given = {one["ID"] for one in answers if isinstance(one, dict) and "Path" in one}
    assert given
    done = text.partition("def shows")[2]
    assert not [id for id in given if id in done]


def test_what_is_shown_only_after_a_moment_is_waited_for() -> None:
    (path,) = (path for path in EXPORTED if path.stem == "estimate-too-soon")
    assert re.search(r'wait\(.*has=\["EstimatedTimeOfArrival"\]', script(load(path), "a.py"))


def test_without_what_was_said_on_the_wire_there_is_none() -> None:
    recording = replace(load(FINDINGS[0]), talk=())
    with pytest.raises(BadArgument, match=re.escape(recording.case)):
        script(recording, "a.py")


def test_what_goes_over_dicom_is_refused() -> None:
    talk = (Said(0.0, "POST", "/modalities/m-1/store", "{}", 200, "{}"),)
    with pytest.raises(BadArgument, match="DICOM"):
        script(replace(load(FINDINGS[0]), talk=talk), "a.py")


def test_a_transfer_is_refused() -> None:
    """Its peer opens transactions, and lists what it has."""
    for path in FINDINGS:
        if path.stem.startswith(TRANSFER):
            with pytest.raises(BadArgument, match="transfer"):
                script(load(path), "a.py")
    talk = (Said(0.0, "POST", "/transfers/send", "{}", 200, "{}"),)
    with pytest.raises(BadArgument, match="transfer"):
        script(replace(load(FINDINGS[0]), talk=talk), "a.py")


def test_a_job_that_no_call_makes_is_refused() -> None:
    made_by_lua = [path for path in FINDINGS if path.stem.startswith(LUA)]
    assert made_by_lua
    for path in made_by_lua:
        with pytest.raises(BadArgument, match="Lua"):
            script(load(path), "a.py")


@pytest.mark.parametrize(
    ("shown", "expected", "actual", "again", "mended"),
    [
        ("{}", "HTTP 200", "HTTP 404", (404, {}), (200, {})),
        (
            '{"State": "Success", "ErrorCode": 0}',
            "Failure, ErrorCode 37",
            "Success, ErrorCode 0",
            (200, {"State": "Success", "ErrorCode": 0}),
            (200, {"State": "Failure", "ErrorCode": 37}),
        ),
        (
            '{"EffectiveRuntime": 0.3}',
            "EffectiveRuntime 0.000 to 0.065 s",
            "EffectiveRuntime 0.3",
            (200, {"EffectiveRuntime": 0.28}),
            (200, {"EffectiveRuntime": 0.09}),
        ),
        (
            '{"Content": {"A": 1}}',
            "Content {'A': 1, 'B': 1}",
            "Content {'A': 1}",
            (200, {"Content": {"A": 2}}),
            (200, {"Content": {"A": 1, "B": 1}}),
        ),
        (  # what is shown beside differs from release to release
            '{"Content": {"A": 1}}',
            "Content of a Merge job in Success {'A': 1, 'B': 1}",
            "Content {'A': 1}",
            (200, {"Content": {"A": 2, "C": []}}),
            (200, {"Content": {"A": 1, "B": 1, "C": []}}),
        ),
        (
            '{"EstimatedTimeOfArrival": "20261201T000000.008", "Timestamp": "20261201T000000.000"}',
            "0.200 to 0.959 s after Timestamp",
            "0.008 s after it",
            (200, {"EstimatedTimeOfArrival": "20261201T000000.004", "Timestamp": MIDNIGHT}),
            (200, {"EstimatedTimeOfArrival": "20261201T000000.404", "Timestamp": MIDNIGHT}),
        ),
        (
            "[]",
            "the Archive job in Pending shows UserData 1",
            "the Archive job in Pending shows no UserData",
            (200, [{**ARCHIVE, "UserData": 1}, {**ARCHIVE}]),
            (200, [{**ARCHIVE, "UserData": 1}, {**ARCHIVE, "State": "Failure"}]),
        ),
        (
            "[]",
            "no answer and no job yet: LimitJobs is 2, and so many jobs are Pending",
            "the job is in the queue",
            (200, [ARCHIVE] * 3),
            (200, [ARCHIVE] * 2 + [{**ARCHIVE, "State": "Running"}]),
        ),
    ],
)
def test_the_last_lines_tell_what_is_seen_again_from_what_is_mended(
    shown: str, expected: str, actual: str, again: object, mended: object
) -> None:
    said = Said(0.0, "GET", "/jobs/x", "", 404 if actual == "HTTP 404" else 200, shown)
    judge = judging(said, expected, actual)
    assert judge(again)[0] is True
    assert judge(mended)[0] is False


def test_what_only_a_person_can_compare_is_left_to_one() -> None:
    said = Said(0.0, "GET", "/jobs", "", 200, '["a"]')
    assert judging(said, "every job", "a list without one")((200, ["a"]))[0] is None


def judging(said: Said, expected: str, actual: str) -> Callable[[object], tuple[object, str]]:
    """The last lines of a script, as a function of the answer."""
    body = "\n".join(f"    {line}" for line in judgement(said, (expected,), actual))
    names: dict[str, Any] = {}
    exec(f"import datetime, json\ndef judge(got):\n{body}", names)
    judge: Callable[[object], tuple[object, str]] = names["judge"]
    return judge


def test_the_command_writes_one_or_says_why_not(tmp_path: Path) -> None:
    file = str(EXPORTED[0])
    printed = command(tmp_path, "export", file, report=False)
    to = f"{EXPORTED[0].stem}.py"
    made = command(tmp_path, "export", file, "--as", "script", "--to", to, report=False)
    assert (printed.status, made.status) == (0, 0)
    assert (tmp_path / to).read_text() == printed.out
    without = next(path for path in FINDINGS if path not in EXPORTED)
    refused = command(tmp_path, "export", str(without), report=False)
    assert (refused.status, refused.out) == (2, "")
    assert refused.err.startswith("orthanc-jobs: this replay file does not say")
