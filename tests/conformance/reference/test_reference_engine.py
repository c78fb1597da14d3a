"""Queue, workers, steps, Retry and history."""

from __future__ import annotations

import queue
import random
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conformance.reference.harness import Gate, Job, Server, busy_workers, running_server


def order(server: Server, jobs: list[Job]) -> list[int]:
    """In which order `jobs`, all to one peer, pass a single worker, by their EffectiveRuntime."""
    for _ in jobs:
        server.gate.arrival(jobs[0].slot).answer()
    ended = [job.becomes("Success").read()["CompletionTime"] for job in jobs]
    return sorted(range(len(jobs)), key=ended.__getitem__)


@pytest.fixture(scope="module")
def single(gate: Gate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One worker, and three places in the history."""
    folder = tmp_path_factory.mktemp("single")
    with running_server(folder, gate, ConcurrentJobs=1, JobsHistorySize=3) as server:
        yield server


def test_equal_priorities_run_in_order_of_submission(gate: Gate, tmp_path: Path) -> None:
    with running_server(tmp_path, gate, ConcurrentJobs=1, JobsHistorySize=100) as server:
        peer = server.peer()
        with busy_workers(server, 1):
            jobs = [server.submit(peer=peer) for _ in range(8)]
        assert order(server, jobs) == list(range(8))

        with busy_workers(server, 1):
            priorities = [0, -5, 3, 0, 2**31 - 1, -(2**31)]
            jobs = [server.submit(peer=peer, priority=priority) for priority in priorities]
            assert [job.read()["Priority"] for job in jobs] == priorities
        assert order(server, jobs) == [4, 2, 0, 3, 1, 5]

        with busy_workers(server, 1):  # a resumed or resubmitted job goes to the end
            jobs = [server.submit(peer=peer) for _ in range(4)]
            jobs[0].accepts("pause", "resume")
            jobs[2].accepts("cancel", "resubmit")
        assert order(server, jobs) == [1, 3, 0, 2]


def test_workers(gate: Gate, tmp_path: Path) -> None:
    with running_server(tmp_path, gate, ConcurrentJobs=3) as server:
        assert server.call("GET", "/system").json["JobsConformance"]["ConcurrentJobs"] == 3
        with busy_workers(server, 3) as arrivals:
            waiting = server.submit()
            assert waiting.state == "Pending"
            arrivals.pop().answer()
            step = waiting.step()
        step.answer()
        waiting.becomes("Success")


@pytest.mark.parametrize("way", ["pause", "cancel", "fail", "retry"])
def test_worker_is_free_again(single: Server, way: str) -> None:
    job, following = single.submit(steps=2), single.submit()
    step = job.step()
    match way:
        case "fail":
            step.answer(500)
        case "retry":
            step.ask_for_retry(3_600_000)
        case action:
            job.accepts(action)
            step.answer()
    following.steps_succeed(1).becomes("Success")
    job.accepts("cancel")


def test_retry_waits_as_long_as_it_is_asked_to_and_holds_no_worker(single: Server) -> None:
    job, other = single.submit(steps=2), single.submit()
    step = job.step()
    asked = time.monotonic()
    step.ask_for_retry(1000)
    job.becomes("Retry")
    other.steps_succeed(1).becomes("Success")
    step = job.step()
    assert time.monotonic() - asked >= 1
    assert job.standing() == ("Running", 0, 0)
    step.answer()
    job.steps_succeed(1).becomes("Success")


def test_retry_goes_to_the_end_of_the_queue(single: Server) -> None:
    job = single.submit()
    step = job.step()
    first, second = single.submit(), single.submit()
    step.ask_for_retry(0)
    step = first.step()
    assert job.becomes("Pending").state == "Pending"
    step.answer()
    second.steps_succeed(1)
    job.steps_succeed(1).becomes("Success")


@pytest.mark.parametrize("header", ["soon", "-1", "1.5", "", "9" * 20])
def test_retry_needs_a_number_of_milliseconds(single: Server, header: str) -> None:
    job = single.submit()
    job.step().ask_for_retry(header)
    assert job.becomes("Failure").standing() == ("Failure", 9, 0)


def test_retry_header_means_nothing_below_500(single: Server) -> None:
    job = single.submit()
    job.step().answer(404, Orthanc_Jobs_Retry="1")
    job.becomes("Failure")


def test_a_later_retry_is_not_cut_short_by_an_earlier_one(single: Server) -> None:
    job = single.submit()
    job.step().ask_for_retry(1000)
    job.becomes("Retry").accepts("pause", "resume").step().ask_for_retry(3_600_000)
    other = single.submit()
    job.becomes("Retry")
    other.step().ask_for_retry(1200)  # a barrier: later than the first timeout of the other job
    other.steps_succeed(1).becomes("Success")
    assert job.accepts("cancel").state == "Failure"


@pytest.mark.parametrize("status", [302, 401, 404, 500, 0])
def test_anything_but_2xx_fails_the_step(single: Server, status: int) -> None:
    job = single.submit()
    job.step().answer(status)
    described = job.becomes("Failure").read()
    assert described["ErrorCode"] == 9
    assert described["ErrorDescription"] == "Error in the network protocol"
    assert "POST" in described["ErrorDetails"]


def test_a_step_has_a_time_limit(gate: Gate, tmp_path: Path) -> None:
    with running_server(tmp_path, gate, HttpTimeout=1) as server:
        job = server.submit()
        step = job.step()
        ended = job.becomes("Failure").read()
        assert ended["ErrorCode"] == 9
        assert 0.9 < ended["EffectiveRuntime"] < 3
        step.answer()


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://a..b/", "https://127.0.0.1:1/"])
def test_no_peer_there(single: Server, url: str) -> None:
    assert single.call("PUT", "/peers/nobody", {"Url": url}).status == 200
    assert single.submit(peer="nobody").becomes("Failure").standing() == ("Failure", 9, 0)


def test_a_closed_connection_is_made_anew_and_no_step_repeated(single: Server) -> None:
    job = single.submit(steps=4)
    bodies, ports = set(), set()
    for _ in range(4):
        step = job.step()
        bodies.add(step.body)
        ports.add(step.connection)
        step.answer(Connection="close")
    job.becomes("Success")
    assert len(bodies) == len(ports) == 4
    assert single.gate.is_empty(job.slot)


def test_steps_of_a_run_share_a_connection(single: Server) -> None:
    job = single.submit(steps=3)
    ports = set()
    for _ in range(3):
        step = job.step()
        assert step.path == f"/{job.slot}/instances"
        assert step.body[128:132] == b"DICM"
        ports.add(step.connection)
        step.answer()
    job.becomes("Success")
    assert len(ports) == 1


def test_removed_instance_fails_the_job(single: Server) -> None:
    made = single.call("POST", "/tools/create-dicom", {"Tags": {}}).json["ID"]
    peer = single.peer()
    with busy_workers(single, 1):
        body = {"Resources": [made], "Asynchronous": True}
        job = Job(single, single.call("POST", f"/peers/{peer}/store", body).json["ID"], peer)
        single.call("DELETE", f"/instances/{made}")
    described = job.becomes("Failure").read()
    assert described["ErrorCode"] == -1
    assert described["Content"]["FailedInstancesCount"] == 1


def test_history_forgets_the_oldest(single: Server) -> None:
    done = [single.submit().steps_succeed(1).becomes("Success") for _ in range(4)]
    assert single.ids() == [job.id for job in done[1:]]
    assert single.call("GET", f"/jobs/{done[0].id}").status == 404

    failed = single.submit()
    failed.step().answer(500)
    failed.becomes("Failure")
    with busy_workers(single, 1) as arrivals:
        failed.accepts("resubmit")  # it leaves the history, so nothing can evict it
        arrivals.pop().answer()
        step = failed.step()
        for _ in range(3):
            single.submit().accepts("cancel")
        assert failed.state == "Running"
        step.answer()
        failed.becomes("Success")
    assert failed.id in single.ids()
    assert len(single.ids()) == 3


def test_delete(shared: Server) -> None:
    job = shared.submit()
    step = job.step()
    assert shared.call("DELETE", f"/jobs/{job.id}").status == 404
    step.answer()
    job.becomes("Success")
    assert shared.call("DELETE", f"/jobs/{job.id}").status == 200
    assert shared.call("GET", f"/jobs/{job.id}").status == 404


def test_no_history_at_all(gate: Gate, tmp_path: Path) -> None:
    with running_server(tmp_path, gate, JobsHistorySize=0) as server:
        job = server.submit()
        job.step().answer()
        empty = server.call("POST", f"/peers/{job.slot}/store", {"Resources": []})
        assert empty.status == 404
        deadline = time.monotonic() + 10
        while server.ids():
            assert time.monotonic() < deadline
        assert server.call("GET", f"/jobs/{job.id}").status == 404


def test_description(shared: Server) -> None:
    job = shared.submit(steps=2, priority=3).steps_succeed(1)
    step = job.step()
    running = job.read()
    assert running["State"] == "Running"
    assert running["EstimatedTimeOfArrival"] >= running["Timestamp"]
    assert job.read()["EffectiveRuntime"] >= running["EffectiveRuntime"]
    step.answer()
    ended = job.becomes("Success").read()
    assert set(ended) == {
        *("CompletionTime", "Content", "CreationTime", "EffectiveRuntime", "ErrorCode"),
        *("ErrorDescription", "ErrorDetails", "ID", "Priority", "Progress", "State"),
        *("Timestamp", "Type"),
    }
    assert ended["Content"] | {"Size": None} == {
        "Compress": False,
        "Description": "REST API",
        "FailedInstancesCount": 0,
        "InstancesCount": 2,
        "ParentResources": sorted(shared.instances(2)),
        "Peer": [f"{shared.gate.url}/{job.slot}/"],
        "Size": None,
        "SizeMB": 0,
    }
    assert ended["CreationTime"] <= ended["CompletionTime"] <= ended["Timestamp"]
    assert (ended["ID"], ended["Priority"], ended["Type"]) == (job.id, 3, "OrthancPeerStore")


def test_lists(shared: Server) -> None:
    job = shared.submit()
    step = job.step()
    with busy_workers(shared, 1):
        pending, paused = shared.submit(), shared.submit().accepts("pause")
        states = {job.id: "Running", pending.id: "Pending", paused.id: "Paused"}
        ids = shared.ids()
        assert states.keys() <= set(ids)
        assert len(ids) == len(set(ids))
        for query in ("?expand", "?expand=true", "?expand=1", "?expand="):
            expanded = shared.call("GET", f"/jobs{query}").json
            assert [each["ID"] for each in expanded] == ids
            assert states.items() <= {each["ID"]: each["State"] for each in expanded}.items()
        for query in ("?expand=false", "?expand=0", "?other"):
            assert shared.call("GET", f"/jobs{query}").json == ids
    step.answer()
    pending.steps_succeed(1).becomes("Success")


def test_no_reader_sees_half_of_a_change(gate: Gate, tmp_path: Path) -> None:
    """Act on running jobs at random, and read them all the while."""
    seen: list[dict[str, object]] = []
    ended = threading.Event()

    def answer_steps(slot: str) -> None:
        statuses = random.Random(2)
        while not ended.is_set():
            with suppress(queue.Empty):
                step = gate.slot(slot).get(timeout=0.05)
                step.answer(statuses.choice([200, 200, 200, 500]))

    def read_jobs(reader: Server) -> None:
        while not ended.is_set():
            seen.extend(reader.call("GET", "/jobs?expand").json)

    dice = random.Random(1)
    with running_server(tmp_path, gate, ConcurrentJobs=2, JobsHistorySize=100) as server:
        peer = server.peer()
        jobs = [server.submit(steps=3, peer=peer) for _ in range(10)]
        reader = Server(server.process, server.port, gate)
        threads = [
            threading.Thread(target=answer_steps, args=(peer,)),
            threading.Thread(target=read_jobs, args=(reader,)),
        ]
        for thread in threads:
            thread.start()
        for _ in range(400):
            dice.choice(jobs).act(dice.choice(["pause", "cancel", "resume", "resubmit"]))
        for job in jobs:  # whatever has happened to them, they can all be brought to their end
            job.act("resume")
            deadline = time.monotonic() + 10
            while job.state not in ("Success", "Failure"):
                assert time.monotonic() < deadline
                job.act("resume")
        ended.set()
        for thread in threads:
            thread.join()
    for reading in seen:
        state, code, progress = reading["State"], reading["ErrorCode"], reading["Progress"]
        assert ("CompletionTime" in reading) is (state in ("Success", "Failure"))
        assert progress in (0, 33, 67, 100)
        if state == "Success":
            assert (code, progress) == (0, 100)
        elif state == "Failure":
            assert code in (9, 37)
        elif state == "Running":
            assert code == 0
    assert {"Pending", "Running", "Failure"} <= {reading["State"] for reading in seen}
