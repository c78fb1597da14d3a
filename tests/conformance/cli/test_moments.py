"""Ctrl-C, SIGTERM and SIGKILL at moments that the command passes, from the first it can hear."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.sut import servers
from conformance.sut.client import Client
from conformance.sut.managed import Managed
from tests.conformance.kit import COMMAND
from tests.conformance.somebody import WITHIN
from tests.waiting import until

pytestmark = pytest.mark.apart


@pytest.fixture(scope="module")
def reference_server() -> Iterator[Managed]:
    with servers.reference({"DicomServerEnabled": False}) as server:
        yield server


SIGNALS = (signal.SIGINT, signal.SIGTERM)
REPORTS = ("--json", "report.json", "--junit", "report.xml")
PATIENCE = 60.0  # seconds that a loaded machine may take
MARK = "MARK_OF_THE_TEST"


class Command:
    """The command in a process of its own, in a folder of its own, and all that it starts."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.folder, self.mark = folder, secrets.token_hex(8)
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.process = subprocess.Popen(
            [*COMMAND, *words],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "TMPDIR": str(self.temporary), MARK: self.mark},
            text=True,
        )

    def when(self, holds: Callable[[], object], number: signal.Signals) -> tuple[str, str]:
        """End it by a signal as soon as this holds; what it wrote to its outputs."""

        def so_far() -> object:
            assert self.process.poll() is None, self.process.communicate()
            return holds()

        until(so_far, PATIENCE)
        sent = time.monotonic()
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=PATIENCE)
        if number is not signal.SIGKILL:
            assert time.monotonic() - sent < WITHIN
        return out, err

    def hears(self) -> bool:
        """Whether it has a handler of its own for SIGTERM, which Python has not."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
        return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)

    def has_made_a_folder(self) -> bool:
        return bool(list(self.temporary.glob("orthanc-jobs-*")))

    def tells_of(self, pattern: str) -> bool:
        log = self.folder / "events.ndjson"
        return log.exists() and re.search(pattern, log.read_text(), re.DOTALL) is not None

    @property
    def left(self) -> list[object]:
        """Processes and folders that are still there."""
        found: list[object] = list(self.temporary.iterdir())
        for path in Path("/proc").glob("[0-9]*"):
            try:
                if f"{MARK}={self.mark}".encode() in (path / "environ").read_bytes():
                    found.append(path)
            except OSError:  # it has ended meanwhile
                continue
        return found

    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "report.json").read_text())
        return found


def check_told(command: Command, out: str, err: str) -> None:
    assert command.process.returncode == 2, err
    assert err == ""
    report = command.report()
    assert report["interrupted"] is True
    assert report["verdict"] == "unknown"
    assert report["cleanup"]["left"] == []
    assert "<testsuites" in (command.folder / "report.xml").read_text()
    assert "interrupted" in out.splitlines()[-1]
    until(lambda: not command.left, PATIENCE)


@pytest.mark.long
@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("target", ["reference", "http://127.0.0.1:9"])
def test_the_first_signal_that_can_be_heard_is_told_in_the_reports(
    number: signal.Signals, target: str, tmp_path: Path
) -> None:
    command = Command(tmp_path, "run", target, *REPORTS)
    out, err = command.when(command.hears, number)
    check_told(command, out, err)
    assert command.report()["cases"] == []


@pytest.mark.long
@pytest.mark.parametrize("number", SIGNALS)
def test_a_server_that_is_starting_is_not_waited_for(
    number: signal.Signals, tmp_path: Path
) -> None:
    command = Command(tmp_path, "run", "reference", *REPORTS)
    out, err = command.when(command.has_made_a_folder, number)
    check_told(command, out, err)


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.usefixtures("installed_orthanc")
def test_an_orthanc_that_is_starting_is_not_waited_for(
    number: signal.Signals, tmp_path: Path
) -> None:
    command = Command(tmp_path, "run", "orthanc", *REPORTS)
    out, err = command.when(command.has_made_a_folder, number)
    check_told(command, out, err)


def test_a_command_without_reports_ends_with_2_as_well(tmp_path: Path) -> None:
    command = Command(tmp_path, "verify", "--engine", "explore", "--jobs", "5")
    out, err = command.when(command.hears, signal.SIGINT)
    assert (command.process.returncode, out, err) == (2, "", "")


def test_a_watch_that_found_nothing_ends_well(reference_server: Managed, tmp_path: Path) -> None:
    trace = tmp_path / "events.ndjson"
    url = reference_server.address.url
    command = Command(tmp_path, "watch", url, "--record", str(trace), "--interval", "0.05")
    judged_one = r'("jobs": \[\].*){2}'  # when the second is written, the first has been judged
    out, err = command.when(lambda: command.tells_of(judged_one), signal.SIGINT)
    assert command.process.returncode == 0, err
    assert out.startswith("holds: ")


def test_a_watch_that_has_read_nothing_is_unknown(tmp_path: Path) -> None:
    command = Command(tmp_path, "watch", "http://127.0.0.1:9")
    out, _ = command.when(command.hears, signal.SIGINT)
    assert command.process.returncode == 2
    assert out == "unknown: interrupted before the server was read\n"


# --- killed, and cleaned up -----------------------------------------------------------------------


def there(client: Client) -> dict[str, Any]:
    paths = ("/jobs", "/peers", "/modalities", "/patients", "/queries")
    return {path: sorted(client.get(path).json()) for path in paths}


@pytest.mark.long
def test_what_a_killed_run_has_left_is_named_and_removed(tmp_path: Path) -> None:
    """And nothing else: not what bears a name that only begins as ours do."""
    # A history that keeps their job, however many jobs the run ends before it is killed.
    with servers.reference({"DicomServerEnabled": False, "JobsHistorySize": 1000}) as server:
        the_left_is_removed(server, tmp_path)


def the_left_is_removed(server: Managed, tmp_path: Path) -> None:
    url, client = server.address.url, Client(server.address)
    tags = {"PatientID": "orthanc-jobs-1234567", "PatientName": "Theirs"}
    made = client.post("/tools/create-dicom", {"Tags": tags}).json()["ID"]
    client.put("/peers/orthanc-jobs-theirs", {"Url": "http://127.0.0.1:9/"})
    client.post("/peers/orthanc-jobs-theirs/store", {"Resources": [made], "Asynchronous": True})
    before = there(client)
    words = ("run", url, "--exclusive", "--suite", "action", "--events", "events.ndjson")
    command = Command(tmp_path, *words)
    command.when(lambda: command.tells_of('"CaseEnds"'), signal.SIGKILL)
    left = there(client)
    assert set(left["/peers"]) > set(before["/peers"])
    assert set(left["/patients"]) > set(before["/patients"])

    named = subprocess.run([*COMMAND, "clean", url, "--dry-run"], capture_output=True, text=True)
    assert named.returncode == 2
    assert there(client)["/peers"] == left["/peers"]
    for name in set(left["/peers"]) - set(before["/peers"]):
        assert f"would remove peer {name}\n" in named.stdout

    cleaned = subprocess.run([*COMMAND, "clean", url], capture_output=True, text=True)
    assert cleaned.returncode == 0, cleaned
    assert (
        named.stdout.replace("would remove", "removed").splitlines()[:-1]
        == (cleaned.stdout.splitlines()[:-1])
    )
    assert there(client) == before
    again = subprocess.run([*COMMAND, "clean", url], capture_output=True, text=True)
    assert (again.returncode, again.stdout) == (0, f"{url}: 0 removed, 0 left\n")
    client.close()
