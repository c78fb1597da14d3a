"""On somebody's server: nothing foreign is touched, and nothing of ours is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from conformance.peer.gate import Gate
from conformance.suites import SUITES
from conformance.sut.client import Client
from conformance.sut.managed import Managed
from tests.conformance.conftest import COMMAND, Run, command

WITHIN = 2.0  # seconds from a signal to the end
HISTORY = 10  # Orthanc's default
PAGES = ("/statistics", "/peers", "/modalities", "/instances")
FINAL = ("Success", "Failure")


@contextmanager
def somebodys(server: Managed, jobs: int) -> Iterator[Client]:
    """Two studies, a peer, and a history of jobs that are not ours."""
    client = Client(server.address)
    with Gate() as gate:
        gate.drain()
        tags = [{"PatientID": name, "StudyDescription": name} for name in ("one", "two")]
        ids = [client.post("/tools/create-dicom", {"Tags": t}).json()["ID"] for t in tags]
        client.put("/peers/theirs", {"Url": gate.url(0)})
        for _ in range(jobs):
            client.post("/peers/theirs/store", {"Resources": ids, "Asynchronous": True})
        wait_for_ends(client)
        yield client


def wait_for_ends(client: Client) -> None:
    deadline = time.monotonic() + 10
    while not all(job["State"] in FINAL for job in client.get("/jobs?expand").json()):
        assert time.monotonic() < deadline


def seen(client: Client) -> tuple[dict[str, Any], dict[str, Any]]:
    jobs = client.get("/jobs?expand").json()
    for job in jobs:
        del job["Timestamp"]
    return {p: client.get(p).json() for p in PAGES}, {job["ID"]: job for job in jobs}


def check(client: Client, before: tuple[dict[str, Any], dict[str, Any]], run: Run) -> None:
    """What was there is unchanged, and whatever else is there now was named."""
    pages, jobs = seen(client)
    assert pages == before[0]
    assert {i: jobs.get(i) for i in before[1]} == before[1]
    left = run.report["cleanup"]["left"]
    assert {job["id"] for job in left if job["kind"] == "job"} == set(jobs) - set(before[1])
    assert all(job["why"] for job in left)
    assert all(jobs[job["id"]]["State"] in FINAL for job in left)


def interrupted(folder: Path, url: str, number: int, after: str, *more: str) -> tuple[Run, float]:
    """A run that gets a signal as soon as its event log tells of ``after``."""
    words = [*COMMAND, "run", url, "--json", "report.json", "--events", "events.ndjson", *more]
    process = subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    log = folder / "events.ndjson"
    deadline = time.monotonic() + 60
    while not (log.exists() and after in log.read_text()):
        assert time.monotonic() < deadline, "the run did not get so far"
        assert process.poll() is None, "the run ended before"
    process.send_signal(number)
    sent = time.monotonic()
    out, err = process.communicate(timeout=30)
    took = time.monotonic() - sent
    return Run(process.returncode, out.decode(), err.decode(), folder), took


def test_polite_by_default(orthanc: Managed, tmp_path: Path) -> None:
    with somebodys(orthanc, 3) as client:
        before = seen(client)
        run = command(tmp_path, "run", orthanc.address.url)
        assert run.status == 0, run.out + run.err
        check(client, before, run)
        assert run.report["verdict"] == "conforms"
        reasons = {c["reason"] for c in run.cases("skipped").values()}
        assert reasons == {
            "needs --exclusive",
            "needs --exclusive: this server cannot delete the jobs that it leaves",
            "needs a server that the kit starts",
            "no job of this server uses Retry",
            "not documented for this version",
        }
        assert run.report["coverage"]["cells"]["covered"] == 16
        assert run.report["coverage"]["edges"]["covered"] == 5


def test_one_worker_at_most_is_held(orthanc: Managed, tmp_path: Path) -> None:
    """With one of two workers held by somebody else, all that is polite still runs."""
    with somebodys(orthanc, 1) as client, Gate() as theirs:
        client.put("/peers/held", {"Url": theirs.url(1)})
        ids = client.get("/instances").json()
        client.post("/peers/held/store", {"Resources": ids, "Asynchronous": True})
        assert theirs.wait(10)
        run = command(tmp_path, "run", orthanc.address.url)
        assert run.status == 0, run.out + run.err
        states = [job["State"] for job in client.get("/jobs?expand").json()]
        assert states.count("Running") == 1


@pytest.mark.parametrize("jobs", [HISTORY, HISTORY - 1])
def test_no_foreign_job_is_driven_out_of_the_history(
    orthanc: Managed, tmp_path: Path, jobs: int
) -> None:
    with somebodys(orthanc, jobs) as client:
        before = seen(client)
        assert len(before[1]) == jobs
        run = command(tmp_path, "run", orthanc.address.url)
        check(client, before, run)
        assert run.status == 2, "what was not covered is missing"
        assert "history full" in {c["reason"] for c in run.cases("skipped").values()}
        assert run.cases("deviation", "unknown") == {}


def test_exclusive_runs_all_suites(orthanc: Managed, tmp_path: Path) -> None:
    with somebodys(orthanc, 2) as client:
        pages, _ = seen(client)
        arguments = ("--exclusive", "--history-size", str(HISTORY), "--examples", "20")
        run = command(tmp_path, "run", orthanc.address.url, *arguments)
        assert run.status == 0, run.out + run.err
        assert seen(client)[0] == pages
        suites = {i.split("/")[0] for i in run.cases("pass", "accepted")}
        assert suites == set(SUITES) - {"persist"}  # that one needs a server of our own
        assert run.report["coverage"]["cells"]["covered"] == 20


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("after", ["Started", "action/pause/paused", "action/cancel/failure"])
def test_an_interrupt_leaves_nothing_behind(
    orthanc: Managed, tmp_path: Path, number: int, after: str
) -> None:
    with somebodys(orthanc, 2) as client:
        before = seen(client)
        run, took = interrupted(tmp_path, orthanc.address.url, number, after)
        assert run.status == 2
        assert took < WITHIN
        assert run.report["interrupted"] is True
        assert "interrupted" in run.out.splitlines()[-1]
        check(client, before, run)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("after", ["race/pause/step-fails", "schedule/ties", '"Progress"'])
def test_an_interrupt_of_an_exclusive_run(
    orthanc: Managed, tmp_path: Path, number: int, after: str
) -> None:
    with somebodys(orthanc, 0) as client:
        pages, _ = seen(client)
        more = ["--exclusive", *(["--suite", "search"] if "Progress" in after else [])]
        run, took = interrupted(tmp_path, orthanc.address.url, number, after, *more)
        assert (run.status, took < WITHIN) == (2, True)
        assert run.report["interrupted"] is True
        wait_for_ends(client)
        assert seen(client)[0] == pages


def test_an_interrupt_ends_the_server_that_the_kit_has_started(
    installed_orthanc: None, tmp_path: Path
) -> None:
    folder = tmp_path / "servers"
    folder.mkdir()
    run, took = interrupted(
        tmp_path, "orthanc", signal.SIGTERM, "action/pause/failure", "--workdir", str(folder)
    )
    assert (run.status, took < WITHIN) == (2, True)
    assert os.listdir(folder) == []
    assert run.report["cleanup"]["left"] == []
    assert json.loads((tmp_path / "events.ndjson").read_text().splitlines()[-1])["interrupted"]
