"""A server that is somebody's: what is there before a run, what is there after it, interrupts."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from conformance.peer.gate import Gate
from conformance.sut.client import Client
from conformance.sut.managed import Managed
from tests.conformance.kit import COMMAND, Run
from tests.waiting import until

WITHIN = 7.0  # seconds from a signal to the end: 2 are promised, 5 for a machine with other work
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
    def ended() -> bool:
        return all(job["State"] in FINAL for job in client.get("/jobs?expand").json())

    until(ended, 10)


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

    def begun() -> bool:
        assert process.poll() is None, "the run ended before"
        return log.exists() and after in log.read_text()

    until(begun, 60, "the run did not get so far")
    process.send_signal(number)
    sent = time.monotonic()
    out, err = process.communicate(timeout=30)
    took = time.monotonic() - sent
    return Run(process.returncode, out.decode(), err.decode(), folder), took
