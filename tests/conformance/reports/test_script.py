"""A replay as a script: it needs nothing of the kit, and shows the same, or that it is mended."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from conformance.campaign.replay import load
from conformance.errors import BadArgument
from conformance.reports.judging import judgement
from conformance.reports.script import script
from conformance.sut import servers
from conformance.sut.client import Client
from conformance.talk import Said
from tests.conformance.findings import MATRIX, OF_A_PLUGIN, REPLAYS, VERSIONS, shows
from tests.conformance.kit import command
from tests.rooms import ROOT

FINDINGS = REPLAYS
WITH_PLUGIN = [path for path in FINDINGS if path.stem in OF_A_PLUGIN]
WITHOUT = [path for path in FINDINGS if path not in WITH_PLUGIN]
SHOWS = ROOT / "conformance" / "reports" / "shows"
RECORDED = [path for path in FINDINGS if not (SHOWS / f"{path.stem}.txt").exists()]
HERE = "1.10.1"  # which is Debian 12's
SAID = {path: shows(path.stem.removesuffix("-cancel")) for path in FINDINGS}  # of which versions
# What `tools/matrix` has installed, the folder of each by the version of its Orthanc.
SERVERS = Path(os.environ.get("MATRIX_FOLDER") or ROOT / "build" / "servers")
ELSEWHERE = {server["version"]: SERVERS / server["title"] for server in MATRIX}
PLUGIN = os.environ.get("MATRIX_PLUGIN")  # that of `tools/matrix`, for the Orthanc of the PATH
# Those of the others, in their folders; the name of each ends with its version.
PLUGINS = "usr/share/orthanc/plugins/libOrthancTransfers.so"
MIDNIGHT = "20261201T000000.000000"
ARCHIVE = {"ID": "a", "Type": "Archive", "State": "Pending"}
LONGEST = 300  # seconds for a script, on a machine that has other work as well


def run(folder: Path, file: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script of a replay by Python alone: without what is installed, and without us."""
    made = folder / "shows.py"
    made.write_text(script(load(file), made.name), encoding="utf-8")
    words = [sys.executable, "-I", "-S", str(made), *arguments]
    where = {**os.environ, "TMPDIR": str(folder)}
    return subprocess.run(
        words, cwd=folder, env=where, capture_output=True, text=True, timeout=LONGEST
    )


@pytest.fixture
def elsewhere(version: str, tmp_path: Path) -> Iterator[str]:
    """A program that starts the Orthanc of a version, as one is started here."""
    if version == HERE:
        yield "Orthanc"
        return
    root = ELSEWHERE[version]
    if not (root / "usr" / "sbin" / "Orthanc").exists():
        pytest.skip(f"there is no Orthanc {version} in {root}: tools/matrix installs it")
    made = tmp_path / "orthanc"
    made.write_text(
        f'#!/bin/sh\nmkdir -p "{root}$(dirname "$1")"\ncp "$1" "{root}$1"\n'
        f'exec chroot {root} Orthanc "$@"\n'
    )
    made.chmod(0o755)
    yield str(made)
    shutil.rmtree(root / tmp_path.relative_to("/"), ignore_errors=True)


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
    done = run(tmp_path, FINDINGS[0], "/no/such/program")
    assert done.returncode == 2
    assert "it could not be tried" in done.stderr
    done = run(tmp_path, FINDINGS[0], "http://localhost:8042")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "name the program of an Orthanc, which is started here: not a URL\n"


@pytest.mark.long
@pytest.mark.parametrize(
    "path", [path for path in WITHOUT if HERE in SAID[path]], ids=lambda path: path.stem
)
def test_the_orthanc_that_is_installed_shows_each_finding(
    path: Path, installed_orthanc: None, tmp_path: Path
) -> None:
    done = run(tmp_path, path)
    assert (done.returncode, done.stderr) == (1, ""), done.stdout


@pytest.mark.weekly
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("path", WITHOUT, ids=lambda path: path.stem)
def test_a_script_shows_it_on_each_version_that_it_is_said_of_and_on_no_other(
    path: Path, version: str, elsewhere: str, installed_orthanc: None, tmp_path: Path
) -> None:
    done = run(tmp_path, path, elsewhere)
    expected = 1 if version in SAID[path] else 0
    assert (done.returncode, done.stderr) == (expected, ""), done.stdout


@pytest.mark.weekly
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("path", WITH_PLUGIN, ids=lambda path: path.stem)
def test_a_script_shows_it_on_each_plugin_that_it_is_said_of_and_on_no_other(
    path: Path, version: str, elsewhere: str, installed_orthanc: None, tmp_path: Path
) -> None:
    plugin = plugin_of(version)
    if plugin is None:
        pytest.skip(f"there is no transfers accelerator for Orthanc {version}: see CONTRIBUTING.md")
    done = run(tmp_path, path, elsewhere, plugin)
    expected = 1 if version_of(plugin, version) in SAID[path] else 0
    assert (done.returncode, done.stderr) == (expected, ""), done.stdout


def plugin_of(version: str) -> str | None:
    """The file of the transfers accelerator, as the Orthanc of a version sees it; None: no file."""
    if version == HERE:
        return PLUGIN
    root = ELSEWHERE[version]
    return next((f"/{file.relative_to(root)}" for file in root.glob(f"{PLUGINS}.*")), None)


@cache
def version_of(plugin: str, version: str) -> str:
    """What the plugin says of itself, in the Orthanc of a version."""
    template = None if version == HERE else f"chroot {ELSEWHERE[version]} Orthanc {{config}}"
    with servers.orthanc(template, {"Plugins": [plugin]}) as server:
        told = Client(server.address).get("/plugins/transfers").json()
        server.kill()
    return str(told["Version"])


@pytest.mark.parametrize("path", FINDINGS, ids=lambda path: path.stem)
def test_a_script_needs_nothing_of_ours_and_says_by_itself_whether_it_was_seen(
    path: Path,
) -> None:
    text = script(load(path), "a.py")
    ast.parse(text, feature_version=(3, 9))  # as it says
    assert not re.search(r"^@[A-Z]|^# parts", text, re.MULTILINE)
    assert "return None" not in text
    assert "import conformance" not in text
    # What runs once, on one version, may have a name elsewhere that nothing defines.
    words = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F", "-"]
    checked = subprocess.run(words, input=text, capture_output=True, text=True, timeout=LONGEST)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_a_script_of_a_recording_has_no_id_of_the_server_that_was_recorded(path: Path) -> None:
    recording = load(path)
    answers = [one.json() for one in recording.talk if '"/jobs/' in one.got]
    given = {one["ID"] for one in answers if isinstance(one, dict) and "Path" in one}
    assert given
    done = script(recording, "a.py").partition("def shows")[2]
    assert not [id for id in given if id in done]


def test_what_is_written_by_hand_is_of_a_finding_of_its_name() -> None:
    names = {path.stem for path in SHOWS.glob("*.txt") if not path.stem.startswith("parts.")}
    assert names == {path.stem for path in FINDINGS} - {path.stem for path in RECORDED}
    for path in SHOWS.glob("*.txt"):
        assert max(map(len, path.read_text().splitlines())) <= 105, path


def test_another_recording_of_a_finding_is_shown_by_the_same() -> None:
    (path,) = (path for path in FINDINGS if path.stem == "get-not-saved")
    again = replace(load(path), case="another/case", talk=())
    assert "RetrieveMethod" in script(again, "a.py")
    with pytest.raises(BadArgument, match="another/case"):
        script(replace(again, relaxations=()), "a.py")


def test_what_is_shown_only_after_a_moment_is_waited_for() -> None:
    (path,) = (path for path in FINDINGS if path.stem == "estimate-too-soon")
    assert re.search(r'wait\(.*has=\["EstimatedTimeOfArrival"\]', script(load(path), "a.py"))


def test_without_what_was_said_on_the_wire_there_is_none() -> None:
    recording = replace(load(FINDINGS[0]), talk=(), relaxations=())
    with pytest.raises(BadArgument, match=re.escape(recording.case)):
        script(recording, "a.py")


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/modalities/m-1/store", "DICOM"),
        ("/transfers/send", "transfer"),
        ("/tools/create-dicom", "Lua"),  # no call makes its job
    ],
)
def test_what_is_no_finding_has_none_where_its_peer_is_more_than_a_page(
    path: str, why: str
) -> None:
    talk = (Said(0.0, "POST", path, "{}", 200, "{}"),)
    with pytest.raises(BadArgument, match=why):
        script(replace(load(FINDINGS[0]), talk=talk, relaxations=()), "a.py")


def test_one_of_a_plugin_has_to_be_told_where_that_is(tmp_path: Path) -> None:
    made = command(tmp_path, "export", str(WITH_PLUGIN[0]), "--to", "a.py", report=False)
    assert made.out == "a.py: try it with python3 a.py Orthanc libOrthancTransfers.so\n"
    done = run(tmp_path, WITH_PLUGIN[0])
    assert (done.returncode, done.stdout) == (2, "")
    assert "libOrthancTransfers.so" in done.stderr


def test_what_is_said_of_some_versions_only_is_not_asked_of_others() -> None:
    """That LimitJobs limits was documented until 1.10.0, and UserData is since 1.12.9."""
    texts = {path.stem: script(load(path), "a.py") for path in RECORDED}
    bounded = {name for name, text in texts.items() if "it is said" in text}
    assert bounded == {"limit-jobs-ignored", "archive-user-data-ignored"}
    assert "if number > [1, 10, 0]:" in texts["limit-jobs-ignored"]
    assert "if number < [1, 12, 9]:" in texts["archive-user-data-ignored"]


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
    file = str(FINDINGS[0])
    printed = command(tmp_path, "export", file, report=False)
    to = f"{FINDINGS[0].stem}.py"
    made = command(tmp_path, "export", file, "--as", "script", "--to", to, report=False)
    assert (printed.status, made.status) == (0, 0)
    assert made.out == f"{to}: try it with python3 {to}\n"
    assert (tmp_path / to).read_text() == printed.out
    found = json.loads(FINDINGS[0].read_text())
    found["deviation"]["relaxations"] = []
    (tmp_path / "other.json").write_text(json.dumps({**found, "talk": []}))
    refused = command(tmp_path, "export", str(tmp_path / "other.json"), report=False)
    assert (refused.status, refused.out) == (2, "")
    assert "does not say what was said on the wire" in refused.err
