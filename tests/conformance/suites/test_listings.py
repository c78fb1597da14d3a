"""Lists of jobs, on a server of which somebody else makes use meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conformance.sut import servers
from conformance.sut.client import Client
from tests.conformance.kit import command

CASE = "monitor/list/expand-named"
KEPT = 10_000  # completed jobs: more than are made meanwhile, so that there is a place for ours


@contextmanager
def at_work(client: Client) -> Iterator[None]:
    """Jobs are made and end all the time."""
    made = client.post("/tools/create-dicom", {"Tags": {"PatientName": "somebody"}}).json()
    enough = threading.Event()

    def work() -> None:
        while not enough.is_set():
            client.post(f"/studies/{made['ParentStudy']}/archive", {"Asynchronous": True})

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield
    finally:
        enough.set()
        worker.join()


def test_jobs_of_somebody_else_that_come_and_go_are_no_difference(tmp_path: Path) -> None:
    words = ("--history-size", str(KEPT))
    with servers.reference({"JobsHistorySize": KEPT}, release="1.12.7") as server:
        client = Client(server.address)
        with at_work(client):
            run = command(tmp_path, "run", server.address.url, "--case", CASE, *words)
        client.close()
    assert list(run.cases("pass")) == [CASE], run.out + run.err
    assert run.cases("deviation", "unknown") == {}
