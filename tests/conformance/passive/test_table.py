"""What `watch` shows on a terminal, of servers at work."""

from __future__ import annotations

import re
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from conformance.passive.shown import Shown
from conformance.passive.table import Changes
from conformance.sut.client import Client
from conformance.sut.managed import Managed
from spec.table import State
from tests.conformance.pseudoterminal import OnTerminal

pytestmark = pytest.mark.apart

JOBS, PAUSED = 30, 19
STANDS = f"{JOBS} jobs: {JOBS - PAUSED - 2} Pending, 2 Running, {PAUSED} Paused"


@pytest.fixture
def crowded(orthanc: Managed) -> Iterator[Managed]:
    """A server with many jobs: two run for ever, as their peer never answers; most are Paused."""
    client = Client(orthanc.address)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client.put("/peers/silent", [f"http://127.0.0.1:{silent.getsockname()[1]}/"])
        made = client.post("/tools/create-dicom", {"Tags": {"PatientID": "P"}}).json()["ID"]
        asked = {"Resources": [made], "Asynchronous": True}
        jobs = [client.post("/peers/silent/store", asked).json()["ID"] for _ in range(JOBS)]
        for job in jobs[-PAUSED:]:
            assert client.post(f"/jobs/{job}/pause").ok
        yield orthanc
        orthanc.kill()  # its jobs wait for the silent peer
    client.close()


@contextmanager
def watching(server: Managed, folder: Path, columns: int, rows: int) -> Iterator[OnTerminal]:
    shown = OnTerminal(folder, columns, rows, "watch", server.address.url)
    try:
        yield shown
    finally:
        shown.close()


def filled(shown: OnTerminal) -> list[str]:
    """The lines in which anything stands."""
    return [line.rstrip() for line in (*shown.screen.above, *shown.screen.lines) if line]


def interrupted(shown: OnTerminal) -> tuple[int, list[str]]:
    """The exit status after Ctrl-C, and all that stands on the terminal then."""
    shown.process.send_signal(signal.SIGINT)
    status = shown.until_the_end()
    return status, filled(shown)


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (160, 50)])
def test_it_keeps_to_the_terminal_and_leaves_only_its_last_line(
    crowded: Managed, tmp_path: Path, columns: int, rows: int
) -> None:
    shows = min(JOBS, rows - 4)
    with watching(crowded, tmp_path, columns, rows) as shown:
        shown.until(lambda _: len(filled(shown)) == 2 + shows + (shows < JOBS))
        counts, headings, *jobs = filled(shown)
        assert counts == STANDS
        assert ("priority" in headings) == (columns == 160)
        assert max(map(len, jobs)) <= columns
        assert jobs[shows:] == [f"and {JOBS - shows} more that changed before"] * (shows < JOBS)
        assert [line.split()[2] for line in jobs[:3]] == ["Running", "Running", "Paused"]
        for job in jobs[:shows]:
            assert re.match(r"[0-9a-f-]{36}  OrthancP\S+ +(Pending|Running|Paused) +0 %", job), job
        status, left = interrupted(shown)
    assert status == 0
    assert re.fullmatch(rf"holds: \d+ readings?, {JOBS} jobs", "\n".join(left)), left


def test_what_changed_last_stands_above(crowded: Managed, tmp_path: Path) -> None:
    client = Client(crowded.address)
    with watching(crowded, tmp_path, 80, 24) as shown:
        shown.until(lambda text: STANDS in text)
        first = client.get("/jobs?expand").json()
        for job in [one["ID"] for one in first if one["State"] == "Paused"][:2]:
            assert client.post(f"/jobs/{job}/cancel").ok
            stands = rf"{job}  OrthancP\S+ +Failure \(37\) +0 % +(now|\d+ s)"
            shown.until(lambda _, stands=stands: re.match(stands, shown.screen.lines[2]))
        assert f"{PAUSED - 2} Paused" in shown.screen.lines[0]
        interrupted(shown)
    client.close()


def test_an_outage_is_told_as_it_begins_and_ends_and_in_the_end(
    orthanc: Managed, tmp_path: Path
) -> None:
    with watching(orthanc, tmp_path, 80, 24) as shown:
        shown.until(lambda text: "0 jobs" in text)
        orthanc.stop()
        shown.until(lambda text: re.search(r"^outage: .*\n(.*\n)*no answer: ", text, re.MULTILINE))
        orthanc.start(moves=False)
        shown.until(lambda text: re.search(r"^it answers again, after ", text, re.MULTILINE))
        status, left = interrupted(shown)
    assert status == 0
    assert [line.split()[0] for line in left] == ["outage:", "it", "holds:"]
    assert re.search(r", 0 jobs, 1 outage of \d+\.\d s in all$", left[-1]), left


def job(id: str, state: State, creation: str, progress: int = 0) -> Shown:
    return Shown(id, state, 0, progress, 0, "Archive", creation, None, 0.0, None, {})


def test_at_first_those_that_may_change_come_before_those_that_have_ended() -> None:
    jobs = [
        job("old", State.PAUSED, "1"),
        job("ended", State.SUCCESS, "3"),
        job("running", State.RUNNING, "0"),
        job("young", State.PENDING, "2"),
    ]
    changes = Changes()
    changes.read(jobs, 10.0)
    assert [one.id for one in changes.latest_first(jobs)] == [*("running", "young", "old", "ended")]
    assert not any(changes.of(one.id) for one in jobs)


def test_progress_is_a_change_and_a_new_job_is_one() -> None:
    changes, old = Changes(), job("old", State.RUNNING, "1")
    changes.read([old], 1.0)
    changes.read([old, job("new", State.PENDING, "2")], 2.0)
    changes.read([job("old", State.RUNNING, "1", 50), job("new", State.PENDING, "2")], 3.0)
    assert (changes.of("old"), changes.of("new")) == (3.0, 2.0)
