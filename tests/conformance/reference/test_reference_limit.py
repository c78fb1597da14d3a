"""LimitJobs: a full queue holds back submissions, and nothing else."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.reference.harness import (
    DEADLINE,
    Gate,
    Job,
    Reply,
    Server,
    busy_workers,
    running_server,
)


class Call:
    """A submission on a connection of its own, since it may wait."""

    def __init__(self, server: Server, peer: str, **fields: object) -> None:
        body = {"Resources": server.instances(1), "Asynchronous": True, **fields}
        own = Server(server.process, server.port, server.gate)
        self._replies: list[Reply] = []
        path = f"/peers/{peer}/store"
        self._thread = threading.Thread(
            target=lambda: self._replies.append(own.call("POST", path, body)), daemon=True
        )
        self._thread.start()

    @property
    def waits(self) -> bool:
        """Whether there is no answer yet, after a while in which one could have come."""
        self._thread.join(0.1)
        return self._thread.is_alive()

    def reply(self) -> Reply:
        self._thread.join(DEADLINE)
        return self._replies[0]


def queue(server: Server) -> list[dict[str, Any]]:
    """The Pending jobs, as they are described."""
    return [each for each in server.call("GET", "/jobs?expand").json if each["State"] == "Pending"]


def waiting(server: Server, peer: str, count: int, **fields: object) -> list[Call]:
    """Calls that wait for room, one after the other."""
    calls = []
    for _ in range(count):
        calls.append(Call(server, peer, **fields))
        assert calls[-1].waits
    return calls


@pytest.fixture(scope="module")
def limited(gate: Gate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One worker, and a queue of two."""
    folder = tmp_path_factory.mktemp("limited")
    config = {"ConcurrentJobs": 1, "LimitJobs": 2, "JobsHistorySize": 1000}
    with running_server(folder, gate, **config) as server:
        yield server


def test_it_is_declared(limited: Server) -> None:
    assert limited.call("GET", "/system").json["JobsConformance"]["LimitJobs"] == 2


def test_a_submission_waits_until_some_job_finishes(limited: Server) -> None:
    peer = limited.peer()
    with busy_workers(limited, 1) as arrivals:
        for _ in range(2):
            limited.submit(peer=peer)  # a running one does not count
        (call,) = waiting(limited, peer, 1)
        assert len(queue(limited)) == 2
        before = limited.call("GET", "/jobs?expand").json
        arrivals.pop().answer()
        created = call.reply()
        assert created.status == 200
        assert created.json["ID"] not in {each["ID"] for each in before}
        job = Job(limited, created.json["ID"], peer)
        assert job.read()["CreationTime"] > max(each["CreationTime"] for each in before)
        for _ in range(3):
            limited.gate.arrival(peer).answer()
        job.becomes("Success")


def test_a_synchronous_call_waits_as_well(limited: Server) -> None:
    peer = limited.peer()
    with busy_workers(limited, 1) as arrivals:
        for _ in range(2):
            limited.submit(peer=peer)
        (call,) = waiting(limited, peer, 1, Asynchronous=False)
        assert len(queue(limited)) == 2
        arrivals.pop().answer()
        for _ in range(3):
            limited.gate.arrival(peer).answer()
        assert call.reply().json["InstancesCount"] == 1


def test_they_are_added_in_the_order_of_their_arrival(limited: Server) -> None:
    peer = limited.peer()
    with busy_workers(limited, 1):
        pending = [limited.submit(peer=peer) for _ in range(2)]
        calls = [waiting(limited, peer, 1, Priority=priority)[0] for priority in (-1, 9, 3)]
        for number, job in enumerate([*pending, None]):
            if job is not None:
                job.accepts("pause")  # it leaves the queue: there is room again
            else:
                Job(limited, calls[0].reply().json["ID"], peer).accepts("pause")
            assert calls[number].reply().status == 200
            assert not any(not call.waits for call in calls[number + 1 :])
            assert len(queue(limited)) == 2
        created = [call.reply().json["ID"] for call in calls]
        assert [each["Priority"] for each in queue(limited)] == [9, 3]
    for _ in range(2):
        limited.gate.arrival(peer).answer()
    for job_id in created[1:]:
        Job(limited, job_id, peer).becomes("Success")


def test_a_full_queue_holds_back_no_resume_and_no_resubmit(limited: Server) -> None:
    peer = limited.peer()
    with busy_workers(limited, 1):
        paused = limited.submit(peer=peer).accepts("pause")
        failed = limited.submit(peer=peer).accepts("cancel")
        for _ in range(2):
            limited.submit(peer=peer)
        assert paused.accepts("resume").state == "Pending"
        assert failed.accepts("resubmit").state == "Pending"
        assert len(queue(limited)) == 4
        (call,) = waiting(limited, peer, 1)
        paused.accepts("cancel")
        assert call.waits  # three are two too many, and not one too few
        failed.accepts("cancel")
        assert call.waits
        pending = queue(limited)[0]
        Job(limited, pending["ID"], peer).accepts("cancel")
        assert call.reply().status == 200
    for _ in range(2):
        limited.gate.arrival(peer).answer()
    Job(limited, call.reply().json["ID"], peer).becomes("Success")


@pytest.mark.parametrize("mode", ["Asynchronous", "Synchronous"])
def test_who_hangs_up_adds_no_job(limited: Server, mode: str) -> None:
    peer = limited.peer()
    with busy_workers(limited, 1):
        pending = [limited.submit(peer=peer) for _ in range(2)]
        body = json.dumps({"Resources": limited.instances(1), mode: True, "Priority": 77})
        head = f"POST /peers/{peer}/store HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
        with socket.create_connection(("127.0.0.1", limited.port)) as caller:
            caller.sendall(f"{head}\r\n{body}".encode())
            caller.settimeout(0.1)
            with pytest.raises(TimeoutError):
                caller.recv(1)
        (call,) = waiting(limited, peer, 1)  # behind it, so it shows when it is gone
        pending[0].accepts("cancel")
        assert call.reply().status == 200
        assert len(queue(limited)) == 2
    for _ in range(2):
        limited.gate.arrival(peer).answer()
    for job in (pending[1], Job(limited, call.reply().json["ID"], peer)):
        job.becomes("Success")
    assert 77 not in {each["Priority"] for each in limited.call("GET", "/jobs?expand").json}


def test_many_that_wait_hold_no_thread(gate: Gate, tmp_path: Path) -> None:
    with running_server(tmp_path, gate, ConcurrentJobs=1, LimitJobs=1) as server:
        peer = server.peer()
        with busy_workers(server, 1):
            server.submit(peer=peer)
            threads = len(list(Path(f"/proc/{server.process.pid}/task").iterdir()))
            calls = [Call(server, peer) for _ in range(60)]
            assert all(call.waits for call in calls[-3:])
            assert server.call("GET", "/system").status == 200
            assert len(list(Path(f"/proc/{server.process.pid}/task").iterdir())) == threads
        for _ in range(61):
            gate.arrival(peer).answer()
        assert {call.reply().status for call in calls} == {200}


def test_a_stop_tells_who_waits(gate: Gate, tmp_path: Path) -> None:
    with running_server(tmp_path, gate, ConcurrentJobs=1, LimitJobs=1) as server:
        peer = server.peer()
        running = server.submit()
        step, pending = running.step(), server.submit(peer=peer)
        calls = [*waiting(server, peer, 1), *waiting(server, peer, 1, Asynchronous=False)]
        server.process.terminate()
        for call in calls:
            reply = call.reply()
            assert (reply.status, reply.json["OrthancStatus"]) == (503, -1)
        step.answer()
        assert server.process.wait(DEADLINE) == 0
        server.start()
        assert set(server.ids()) == {running.id, pending.id}


def test_no_limit(gate: Gate, tmp_path: Path) -> None:
    with running_server(tmp_path, gate, ConcurrentJobs=1, LimitJobs=0) as server:
        peer = server.peer()
        running = server.submit()
        step = running.step()
        began = time.monotonic()
        for _ in range(30):
            server.submit(peer=peer)
        assert time.monotonic() - began < DEADLINE
        assert len(queue(server)) == 30
        step.answer()


def test_a_restart_is_no_submission(gate: Gate, tmp_path: Path) -> None:
    with running_server(tmp_path, gate, ConcurrentJobs=1) as server:
        peer = server.peer()
        running = server.submit(priority=9)
        step = running.step()
        for _ in range(4):
            server.submit(peer=peer)
        server.kill()
        step.answer()
        server.start(LimitJobs=2)
        assert len(queue(server)) + 1 == 5
        (call,) = waiting(server, server.peer(peer), 1)
        running.step().answer()
        for _ in range(5):
            gate.arrival(peer).answer()
        assert call.reply().status == 200
