"""Watching live servers: nothing is made on them, restarts raise no alarm, faults do."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from conformance.passive.trace import check
from conformance.passive.watching import Wish, watch
from conformance.sut import servers
from conformance.sut.client import Client
from conformance.sut.managed import Managed
from tests.waiting import until

QUICK = 0.05  # seconds between two readings
WAITS = 4.0  # seconds, at most, until an Orthanc has done some steps that cannot be sent


pytestmark = pytest.mark.apart


@pytest.fixture
def server(orthanc: Managed) -> Managed:
    return orthanc


def work(server: Managed, *more: str) -> subprocess.Popen[bytes]:
    """The kit at work on the server, in a process of its own."""
    words = [sys.executable, "-m", "conformance.cli", "run", server.address.url, "--exclusive"]
    return subprocess.Popen(
        [*words, "--suite", "action", "--suite", "race", *more],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def watched(server: Managed, seconds: float) -> int:
    return watch(Wish(server.address, QUICK, seconds, workers=2, history=10))


def test_a_server_at_work_that_is_restarted_raises_no_alarm(
    server: Managed, tmp_path: Path
) -> None:
    trace = tmp_path / "trace.ndjson"
    words = [sys.executable, "-m", "conformance.cli", "watch", server.address.url]
    known = ["--workers", "2", "--history-size", "10", "--interval", str(QUICK)]
    watcher = subprocess.Popen(
        [*words, *known, "--record", str(trace)], stdout=subprocess.PIPE, text=True
    )
    try:
        for _ in range(2):
            assert work(server).wait(120) == 0
            server.stop()
            server.start(moves=False)
        assert watcher.poll() is None
    finally:
        watcher.send_signal(signal.SIGINT)
        out, _ = watcher.communicate(timeout=30)
    assert watcher.returncode == 0  # an interrupt is how such a watch ends
    *told, last = out.splitlines()
    assert re.match(r"holds: \d+ readings, \d+ jobs, 2 outages of ", last), out
    assert all(
        line.startswith(("outage: ", "it answers again, ", "finding: ", "  "))
        or re.match(r"\d+ readings, ", line)
        for line in told
    )
    assert sum(line.startswith("outage: ") for line in told) == 2
    lines = [json.loads(line) for line in trace.read_text().splitlines()]
    assert lines[0]["trace"] == "orthanc-jobs"
    assert any("outage" in line for line in lines)
    assert any(line.get("fresh") for line in lines)
    assert any(line.get("jobs") for line in lines)
    assert check(trace)[1] == []


def test_nothing_is_made_on_the_server(server: Managed) -> None:
    client = Client(server.address)
    before = {path: client.get(path).body for path in ("/jobs", "/peers", "/statistics")}
    assert watched(server, 0.5) == 0
    assert {path: client.get(path).body for path in before} == before
    client.close()


@pytest.mark.long
def test_a_fault_raises_the_alarm_beside_the_kit(capsys: pytest.CaptureFixture[str]) -> None:
    with servers.reference(fault="success-with-progress-99") as server:
        kit = work(server)
        assert watched(server, 30) == 1
        kit.terminate()
        kit.wait(10)
    assert "impossible: monitor/progress" in capsys.readouterr().out


def test_a_move_that_is_not_published_raises_the_alarm(tmp_path: Path) -> None:
    trace = tmp_path / "trace.ndjson"
    with servers.reference(fault="cancel-of-success-fails-job") as server:
        words = [sys.executable, "-m", "conformance.cli", "watch", server.address.url]
        watcher = subprocess.Popen(
            [*words, "--interval", str(QUICK), "--record", str(trace)],
            stdout=subprocess.PIPE,
            text=True,
        )
        client = Client(server.address)
        client.put("/peers/nobody", ["http://127.0.0.1:9/"])
        asked = {"Resources": [], "Asynchronous": True}
        job = client.post("/peers/nobody/store", asked).json()["ID"]
        deadline, tick = time.monotonic() + 20, threading.Event()
        while not (trace.exists() and '"Success"' in trace.read_text()):
            assert time.monotonic() < deadline, client.get(f"/jobs/{job}")
            tick.wait(QUICK)
        assert client.post(f"/jobs/{job}/cancel").ok
        out, _ = watcher.communicate(timeout=20)
        client.close()
    assert watcher.returncode == 1, out
    assert "impossible: monitor/state-success" in out, out


def test_a_list_that_is_refused_is_told_by_its_name_and_the_jobs_are_read_one_by_one(
    server: Managed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An archive of nothing waits behind jobs whose peer takes their steps and never answers."""
    client, trace = Client(server.address), tmp_path / "trace.ndjson"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client.put("/peers/silent", [f"http://127.0.0.1:{silent.getsockname()[1]}/"])
        made = client.post("/tools/create-dicom", {"Tags": {"PatientID": "P"}}).json()["ID"]
        asked = {"Resources": [made], "Asynchronous": True}
        for _ in range(2):
            assert client.post("/peers/silent/store", asked).ok
        nothing = {"Resources": [], "Asynchronous": True}
        assert client.post("/tools/create-archive", nothing).ok
        assert watch(Wish(server.address, QUICK, 0.5, record=trace)) == 0
        assert "finding: empty-archive-unreadable" in capsys.readouterr().out
        assert watch(Wish(server.address, QUICK, 0.5, strict=True)) == 1
        assert "impossible: monitor/list-expand" in capsys.readouterr().out
        client.close()
        server.kill()  # its jobs wait for the silent peer
    lines = [json.loads(line) for line in trace.read_text().splitlines()]
    assert {line.get("status") for line in lines[1:]} == {400, None}
    assert {line["job"]["Type"] for line in lines if "job" in line} == {"OrthancPeerStore"}
    assert not any("outage" in line for line in lines)


def progress(client: Client) -> list[int]:
    return [job["Progress"] for job in client.get("/jobs?expand").json()]


def test_lua_autorouting_raises_no_alarm(installed_orthanc: None, tmp_path: Path) -> None:
    """Its jobs succeed below 100, and a cancel that comes while they wait for more is lost."""
    script, trace = tmp_path / "autorouting.lua", tmp_path / "trace.ndjson"
    script.write_text("function OnStoredInstance(id) SendToPeer(id, 'nobody') end")
    config = {"LuaScripts": [str(script)], "OrthancPeers": {"nobody": ["http://127.0.0.1:9/"]}}
    with servers.orthanc(config=config) as server:
        client, watching = Client(server.address), Wish(server.address, QUICK, 8, record=trace)
        for patient in "ABC":
            assert client.post("/tools/create-dicom", {"Tags": {"PatientID": patient}}).ok
        until(lambda: progress(client) == [75], WAITS, "the three steps of the job are not done")
        for job in client.get("/jobs").json():
            assert client.post(f"/jobs/{job}/cancel").ok
        assert watch(watching) == 0
        client.close()
        server.kill()
    read = [json.loads(line) for line in trace.read_text().splitlines()]
    jobs = [job for line in read for job in line.get("jobs", [])]
    ended = [job["Progress"] for job in jobs if job["State"] == "Success"]
    assert {job["Type"] for job in jobs} == {"SequenceOfOperations"}
    assert ended
    assert max(ended) < 100


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "conformance.cli", "watch", "http://127.0.0.1:9"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 2
    assert "no server answers at http://127.0.0.1:9" in done.stderr
