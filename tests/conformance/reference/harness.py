"""A reference server in a process of its own, a client of it, and a gate that holds its steps."""

from __future__ import annotations

import http.client
import itertools
import json
import queue
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.forked import Forked
from tests.waiting import until

IDLE = 10.0  # seconds after which a connection is made anew
DEADLINE = 30.0  # seconds that anything may take on a loaded machine
ROOT = Path(__file__).resolve().parents[3]
SERVER = "conformance.reference"  # what `forked` runs


@dataclass
class Arrival:
    """A step that waits at the gate for its answer."""

    path: str
    body: bytes
    connection: int
    method: str
    headers: Mapping[str, str]
    answered: queue.Queue[tuple[int, dict[str, str], bytes]] = field(default_factory=queue.Queue)

    def answer(self, status: int = 200, body: object = None, **headers: str) -> None:
        """Answer JSON, or these bytes."""
        data = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        self.answered.put((status, {k.replace("_", "-"): v for k, v in headers.items()}, data))

    def ask_for_retry(self, milliseconds: int | str) -> None:
        self.answer(503, Orthanc_Jobs_Retry=str(milliseconds))


class Quiet(ThreadingHTTPServer):
    """Says nothing of a server under test that was killed and so has hung up."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Gate:
    """A peer that holds each step until the test answers it. Each slot is a path of its own."""

    def __init__(self) -> None:
        self._slots: dict[str, queue.Queue[Arrival]] = {}
        self._lock = threading.Lock()
        self.numbers = itertools.count(1)  # of the slots, for all servers
        gate = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                connection, method = self.client_address[1], self.command
                arrival = Arrival(self.path, body, connection, method, dict(self.headers.items()))
                gate.slot(self.path.split("/")[1]).put(arrival)
                status, headers, answer = arrival.answered.get()
                if status == 0:  # hang up without an answer
                    self.close_connection = True
                    return
                lines = [f"HTTP/1.1 {status} So", f"Content-Length: {len(answer)}"]
                lines += [f"{name}: {value}" for name, value in headers.items()]
                self.wfile.write(("\r\n".join(lines) + "\r\n\r\n").encode() + answer)
                self.close_connection = headers.get("Connection") == "close"

            do_GET = do_POST = do_PUT = do_DELETE = answer

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def slot(self, name: str) -> queue.Queue[Arrival]:
        with self._lock:
            return self._slots.setdefault(name, queue.Queue())

    def arrival(self, slot: str) -> Arrival:
        """The next step that arrives at `slot`. Raises `queue.Empty` at the deadline."""
        return self.slot(slot).get(timeout=DEADLINE)

    def is_empty(self, slot: str) -> bool:
        return self.slot(slot).empty()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Reply:
    status: int
    body: bytes
    headers: http.client.HTTPMessage

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Server:
    """A client of one reference server, and of its process."""

    def __init__(self, process: Forked, port: int, gate: Gate) -> None:
        self.process = process
        self.port = port
        self.gate = gate
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
        self._used = 0.0
        self._start: Callable[[list[str], dict[str, object]], Forked] | None = None
        self._instances: list[str] = []

    def call(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        if time.monotonic() - self._used > IDLE:  # the server may have hung up by now
            self._connection.close()
        self._used = time.monotonic()
        try:
            self._connection.request(method, path, data, dict(headers or {}))
            response = self._connection.getresponse()
        except OSError:
            self._connection.close()  # so that one failed test does not fail the next ones
            raise
        return Reply(response.status, response.read(), response.headers)

    def instances(self, count: int) -> list[str]:
        """The ids of `count` instances, made when they are needed."""
        while len(self._instances) < count:
            made = self.call("POST", "/tools/create-dicom", {"Tags": {"PatientName": "A^B"}})
            self._instances.append(made.json["ID"])
        return self._instances[:count]

    def peer(self, known: str | None = None) -> str:
        """The name of a new peer, which is a slot of the gate; or of a `known` one, once more."""
        name = f"slot{next(self.gate.numbers)}" if known is None else known
        assert self.call("PUT", f"/peers/{name}", {"Url": f"{self.gate.url}/{name}"}).status == 200
        return name

    def submit(self, steps: int = 1, priority: int = 0, peer: str | None = None) -> Job:
        """A job, submitted asynchronously."""
        peer = self.peer() if peer is None else peer
        body = {
            "Resources": self.instances(steps),
            "Asynchronous": True,
            "Priority": priority,
        }
        reply = self.call("POST", f"/peers/{peer}/store", body)
        assert reply.status == 200, reply
        assert reply.json["Path"] == f"/jobs/{reply.json['ID']}"
        return Job(self, reply.json["ID"], peer)

    def ids(self) -> list[str]:
        listed: list[str] = self.call("GET", "/jobs").json
        return listed

    def is_told_to_stop(self) -> None:
        """SIGTERM, and wait until it has heard: it begins no step any more, and takes no call."""

        def takes_no_call() -> bool:
            try:
                socket.create_connection(("127.0.0.1", self.port), DEADLINE).close()
            except ConnectionRefusedError:
                return True
            except ConnectionResetError:  # it was taken on while the port was being closed
                pass
            return False

        self.process.terminate()
        until(takes_no_call, DEADLINE, "it goes on after SIGTERM")

    def stop(self) -> int:
        """SIGTERM, and the exit status."""
        self.process.terminate()
        return self.process.wait(DEADLINE)

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()

    def start(self, *arguments: str, **config: object) -> None:
        """Start it again after its end, on its database, with what is added to its config."""
        assert self._start is not None
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._connection.close()
        self.process = self._start([*arguments], config)
        self.port = _listening(self.process)
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)

    def restart(self, *arguments: str, **config: object) -> None:
        """SIGTERM, and start it again."""
        assert self.stop() == 0
        self.start(*arguments, **config)


@dataclass(frozen=True)
class Job:
    """A handle of a job."""

    server: Server
    id: str
    slot: str

    def read(self) -> dict[str, Any]:
        reply = self.server.call("GET", f"/jobs/{self.id}")
        assert reply.status == 200, reply
        described: dict[str, Any] = reply.json
        return described

    @property
    def state(self) -> str:
        return str(self.read()["State"])

    def standing(self) -> tuple[str, int, int]:
        """State, ErrorCode and Progress, of one reading."""
        described = self.read()
        return described["State"], described["ErrorCode"], described["Progress"]

    def becomes(self, state: str) -> Job:
        """Wait until the job is in `state`."""
        until(lambda: self.state == state, DEADLINE, f"it did not become {state}")
        return self

    def ends(self) -> None:
        """Wait until the job has succeeded, or was evicted."""

        def ended() -> bool:
            reply = self.server.call("GET", f"/jobs/{self.id}")
            return reply.status != 200 or reply.json["State"] == "Success"

        until(ended, DEADLINE)

    def act(self, action: str) -> Reply:
        return self.server.call("POST", f"/jobs/{self.id}/{action}")

    def accepts(self, *actions: str) -> Job:
        for action in actions:
            reply = self.act(action)
            assert (reply.status, reply.body) == (200, b"{}"), (action, reply)
        return self

    def step(self) -> Arrival:
        """The step of this job that arrives next."""
        return self.server.gate.arrival(self.slot)

    def steps_succeed(self, count: int) -> Job:
        for _ in range(count):
            self.step().answer()
        return self


@contextmanager
def running_server(folder: Path, gate: Gate, *arguments: str, **config: object) -> Iterator[Server]:
    """A reference server with this configuration, ended at the end."""
    database = str(folder / f"database-{time.monotonic_ns()}")
    settings = {"LimitJobs": 0, "StorageDirectory": database, **config}

    def start(others: list[str], changes: dict[str, object]) -> Forked:
        file = folder / f"config-{time.monotonic_ns()}.json"
        file.write_text(json.dumps({**settings, **changes}))
        words = ["--port", "0", "--config", str(file), *arguments, *others]
        return Forked.with_output(SERVER, words, ROOT)

    server = None
    process = start([], {})
    try:
        server = Server(process, _listening(process), gate)
        server._start = start
        yield server
    finally:
        last = process if server is None else server.process
        last.kill()
        last.wait()
        if last.stdout is not None:
            last.stdout.close()


def _listening(process: Forked) -> int:
    """The port of a server that has just been started."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("listening on http://127.0.0.1:"), line
    return int(line.rsplit(":", 1)[1])


@contextmanager
def busy_workers(server: Server, count: int) -> Iterator[list[Arrival]]:
    """Hold `count` workers with jobs of their own, of the highest priority."""
    jobs = [server.submit(priority=2**31 - 1) for _ in range(count)]
    arrivals = [job.step() for job in jobs]
    try:
        yield arrivals
    finally:
        for arrival in arrivals:
            arrival.answer()
    for job in jobs:
        job.ends()
