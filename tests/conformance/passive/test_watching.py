"""Watching live servers: nothing is made on them, restarts raise no alarm, faults do."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from conformance.passive.trace import check
from conformance.passive.watching import Wish, watch
from conformance.sut.client import Client
from conformance.sut.managed import Managed
from conformance.sut.servers import reference

QUICK = 0.05  # seconds between two readings


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
            server.start(port=server.port)
        assert watcher.poll() is None
    finally:
        watcher.send_signal(signal.SIGINT)
        out, _ = watcher.communicate(timeout=30)
    assert watcher.returncode == 2  # it was interrupted
    assert out.startswith("interrupted: nothing impossible in "), out
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


def test_a_fault_raises_the_alarm_beside_the_kit(capsys: pytest.CaptureFixture[str]) -> None:
    with reference(fault="success-with-progress-99") as server:
        kit = work(server)
        assert watched(server, 30) == 1
        kit.terminate()
        kit.wait(10)
    assert "impossible: monitor/progress" in capsys.readouterr().out


def test_a_move_that_is_not_published_raises_the_alarm(tmp_path: Path) -> None:
    trace = tmp_path / "trace.ndjson"
    with reference(fault="cancel-of-success-fails-job") as server:
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
