"""What the kit has started ends with it, at whatever moment the kit is killed."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.errors import KitError
from conformance.sut import servers
from conformance.sut.client import Client
from conformance.sut.processes import Keeper, Process
from tests.conformance.kit import COMMAND
from tests.waiting import until

SLACK = 60.0  # seconds that a loaded machine may take
MARK = "MARK_OF_THE_TEST"


def marked(mark: str) -> list[int]:
    """The processes that run with ``mark`` in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"{MARK}={mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


def left(mark: str, workdir: Path) -> list[object]:
    """What is still there of a kit: its processes, and the folders of its servers."""
    return [*marked(mark), *workdir.iterdir()]


@pytest.fixture
def mark(monkeypatch: pytest.MonkeyPatch) -> str:
    made = secrets.token_hex(8)
    monkeypatch.setenv(MARK, made)
    return made


@pytest.fixture
def log(tmp_path: Path) -> Iterator[int]:
    made = os.open(tmp_path / "log", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    yield made
    os.close(made)


@pytest.fixture
def keeper() -> Iterator[Keeper]:
    """One that is a new process, which has `MARK` in its environment."""
    made = Keeper(forked=False)
    yield made
    made.close()


@pytest.fixture(params=[False, True], ids=["new", "forked"])
def either(request: pytest.FixtureRequest) -> Iterator[Keeper]:
    made = Keeper(forked=request.param)
    yield made
    made.close()


def sleeper(keeper: Keeper, log: int) -> Process:
    return keeper.start(["sleep", "1000"], log, Path("/"))


# --- the kit is killed -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target", ["reference", pytest.param("orthanc", marks=pytest.mark.orthanc)]
)
@pytest.mark.parametrize(
    "runs", [pytest.param(True, marks=pytest.mark.long), False], ids=["runs", "starts"]
)
def test_nothing_is_left_of_a_kit_that_was_killed(
    target: str, runs: bool, tmp_path: Path, mark: str
) -> None:
    workdir, events = tmp_path / "work", tmp_path / "events"
    workdir.mkdir()
    words = [*COMMAND, "run", target, "--workdir", str(workdir), "--events", str(events)]
    kit = subprocess.Popen(
        words, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until(lambda: list(workdir.iterdir()), SLACK)
        if runs:
            until(lambda: "CaseEnds" in events.read_text(), SLACK)
    finally:
        kit.kill()
        kit.wait()
    until(lambda: not left(mark, workdir), SLACK)


def test_nothing_is_left_of_a_kit_that_was_killed_with_its_group(tmp_path: Path, mark: str) -> None:
    """As CI does it, and a terminal that is closed."""
    words = [*COMMAND, "run", "reference", "--workdir", str(tmp_path)]
    kit = subprocess.Popen(
        words,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd=tmp_path.parent,
    )
    try:
        until(lambda: list(tmp_path.iterdir()), SLACK)
    finally:
        os.killpg(kit.pid, signal.SIGKILL)
        kit.wait()
    until(lambda: not left(mark, tmp_path), SLACK)


def test_what_ends_a_session_does_not_end_the_keeper(keeper: Keeper, log: int, mark: str) -> None:
    process = sleeper(keeper, log)
    (parent,) = set(marked(mark)) - {process.pid}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(parent, number)
    assert process.status() is None
    process.signal(signal.SIGTERM)
    assert process.wait(SLACK)
    assert process.status() == -signal.SIGTERM  # it is not deaf to what its keeper is deaf to
    process.forget()


# --- one process -------------------------------------------------------------------------------


@pytest.mark.parametrize("forked", [False, True])
def test_closing_ends_what_was_started_and_removes_the_folders(
    log: int, tmp_path: Path, mark: str, forked: bool
) -> None:
    keeper, folder = Keeper(forked), tmp_path / "folder"
    keeper.folder(folder)
    folder.mkdir()
    (folder / "file").touch()
    process = keeper.start(["sh", "-c", "sleep 1000 & sleep 1000"], log, folder)
    until(lambda: len(marked(mark)) >= 2, SLACK)
    keeper.close()
    assert process.gone(0.0)
    assert not folder.exists()
    assert marked(mark) == []


def test_the_status_of_a_process(either: Keeper, log: int) -> None:
    for script, status in (("exit 0", 0), ("exit 3", 3), ("kill -9 $$", -9)):
        process = either.start(["sh", "-c", script], log, Path("/"))
        assert process.wait(SLACK)
        assert [process.status(), process.status()] == [status, status]
        assert process.wait(0.0)
        process.forget()


def test_a_process_keeps_its_number_until_it_is_forgotten(either: Keeper, log: int) -> None:
    process = either.start(["true"], log, Path("/"))
    assert process.wait(SLACK)
    assert Path(f"/proc/{process.pid}").exists()
    process.forget()
    until(lambda: not Path(f"/proc/{process.pid}").exists(), SLACK)


def test_a_command_that_there_is_not(either: Keeper, log: int) -> None:
    with pytest.raises(FileNotFoundError):
        either.start(["no-such-command"], log, Path("/"))
    with pytest.raises(OSError, match="no_such_module"):
        either.start([], log, Path("/"), "no_such_module")
    sleeper(either, log)


def test_a_keeper_that_was_killed_is_said_to_be(log: int, mark: str) -> None:
    keeper = Keeper(forked=False)
    process = sleeper(keeper, log)
    (parent,) = set(marked(mark)) - {process.pid}
    os.kill(parent, signal.SIGKILL)
    assert process.wait(SLACK)
    with pytest.raises(KitError, match="ended from outside"):
        process.status()
    with pytest.raises(KitError, match="ended from outside"):
        sleeper(keeper, log)
    process.signal(signal.SIGKILL)
    assert process.gone(SLACK)
    process.forget()
    keeper.close()


# --- a server that is forked -------------------------------------------------------------------

MODULE = r"""
import json, os, sys, time
IMPORTED_BY = os.getpid()
def is_open(number):
    try:
        return os.readlink(f"/proc/self/fd/{number}") != os.devnull
    except OSError:  # it was the listing's
        return False
def main(words):
    print(json.dumps({
        "words": words, "imported": IMPORTED_BY, "parent": os.getppid(), "pid": os.getpid(),
        "session": os.getsid(0), "cwd": os.getcwd(), "zone": time.tzname[0],
        "open": [n for n in os.listdir("/proc/self/fd") if int(n) > 2 and is_open(n)],
    }))
    print("and said", file=sys.stderr)
    return len(words)
"""


def test_a_fork_is_as_if_it_had_been_started(
    either: Keeper, log: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "of_the_test.py").write_text(MODULE)
    monkeypatch.delitem(sys.modules, "of_the_test", raising=False)
    monkeypatch.delenv("TZ", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    waiting = sleeper(either, log)  # whose descriptors are none of a fork's
    processes = []
    for words in (["a"], ["b", "c"]):
        process = either.start(words, log, tmp_path, "of_the_test")
        assert process.wait(SLACK)
        assert process.gone(SLACK)
        assert process.status() == len(words)
        processes.append(process)
    text = (tmp_path / "log").read_text()
    assert text.count("and said") == 2
    first, second = (json.loads(line) for line in text.splitlines() if line.startswith("{"))
    assert (first["words"], second["words"]) == (["a"], ["b", "c"])
    assert first["imported"] == first["parent"] == second["imported"]
    for found, process in zip((first, second), processes, strict=True):
        assert found["pid"] == found["session"] == process.pid
        assert (found["cwd"], found["zone"]) == (str(tmp_path), "XXX")
        assert len(found["open"]) == 1, "the pipe that it holds"
    waiting.signal(signal.SIGKILL)


def test_a_keeper_that_is_forked_has_the_imports_of_the_kit(
    log: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And of those that come after it, whoever forks them."""
    (tmp_path / "of_the_test.py").write_text(MODULE)
    monkeypatch.delitem(sys.modules, "of_the_test", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    for _ in range(2):
        keeper = Keeper(forked=True)
        keeper.begin(["of_the_test"])
        keeper.folder(tmp_path / "of_a_server")
        process = keeper.start([], log, tmp_path, "of_the_test")
        assert process.wait(SLACK)
        keeper.close()
    found = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()[::2]]
    assert [one["imported"] for one in found] == [os.getpid()] * 2
    assert len({one["parent"] for one in found} | {os.getpid()}) == 3


def test_two_reference_servers_of_one_keeper(keeper: Keeper, tmp_path: Path) -> None:
    """The second is forked from what the first has imported, and is another server."""
    with (
        servers.reference(None, tmp_path, keeper=keeper) as one,
        servers.reference(None, tmp_path, "cancel-of-pending-ignored", keeper) as two,
    ):
        assert one.port != two.port
        for server in (one, two):
            client = Client(server.address)
            assert client.post("/tools/create-dicom", {"Tags": {"PatientName": "A"}}).ok
            assert len(client.get("/patients").json()) == 1
            client.close()
        one.kill()
        assert Client(two.address).get("/system").ok
        two.stop()
        assert two.ended()
    assert list(tmp_path.iterdir()) == []
