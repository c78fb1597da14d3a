"""A gate in forty lines, and the jobs that send their steps to it: for the peers that use one.

A job of `/peers/NAME/store` sends each instance by a POST, which waits at the gate until it is
answered. Nothing sleeps: what is waited for is a step at the gate, or a state of a job.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from spec.table import FINAL, Action, State

JOB, BLOCKER = (
    "bench-job",
    "bench-blocker",
)  # the peers: jobs that are tried, jobs that hold workers
GOOD, BAD = 200, 500
PATIENCE, LOOK = 10.0, 0.001  # seconds until something has to come, and between two looks


class Gate(ThreadingHTTPServer):
    """Steps wait here by the name of the peer that they were sent to."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Step)
        self.change = threading.Condition()
        self.waiting: dict[str, list[list[int]]] = {JOB: [], BLOCKER: []}
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def waits(self, peer: str) -> int:
        """How many steps wait."""
        return len(self.waiting[peer])

    def answer(self, peer: str, status: int) -> None:
        """Let the oldest step that waits end."""
        with self.change:
            self.waiting[peer].pop(0).append(status)
            self.change.notify_all()


class _Step(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Gate

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        answer: list[int] = []
        with self.server.change:
            self.server.waiting[self.path.split("/")[1]].append(answer)
            self.server.change.notify_all()
            self.server.change.wait_for(lambda: answer)
        self.send_response(answer[0])
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:
        """It writes no log."""


class Jobs:
    """Jobs of a server whose steps wait at a gate, over one connection.

    ``workers``: how many the server has, so how many blockers hold them all.
    """

    def __init__(self, url: str, workers: int) -> None:
        self._http = http.client.HTTPConnection(urlsplit(url).netloc)
        self._workers = workers
        self._blockers: list[str] = []
        self.requests = 0
        self.gate = Gate()
        for peer in (JOB, BLOCKER):
            where = f"http://127.0.0.1:{self.gate.server_port}/{peer}/"
            self.call("PUT", f"/peers/{peer}", {"Url": where})
        self._instances = [
            self.call("POST", "/tools/create-dicom", {"Tags": {"PatientID": f"bench-{n}"}})[1]["ID"]
            for n in range(2)
        ]

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status, and the answer."""
        self.requests += 1
        self._http.request(method, path, None if body is None else json.dumps(body))
        answer = self._http.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else None

    def submit(self, steps: int, peer: str = JOB) -> str:
        body = {"Resources": self._instances[:steps], "Asynchronous": True}
        return str(self.call("POST", f"/peers/{peer}/store", body)[1]["ID"])

    def act(self, job: str, action: Action) -> int:
        """The HTTP status."""
        return self.call("POST", f"/jobs/{job}/{action}", {})[0]

    def state(self, job: str) -> State:
        return State(self.call("GET", f"/jobs/{job}")[1]["State"])

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait for a condition. Raises `TimeoutError`."""
        deadline = time.monotonic() + PATIENCE
        while not holds():
            if time.monotonic() > deadline:
                raise TimeoutError("what had to come did not")
            with self.gate.change:
                self.gate.change.wait(LOOK)

    def arrived(self, peer: str = JOB, count: int = 1) -> None:
        """Wait until so many steps are at the gate."""
        with self.gate.change:
            if not self.gate.change.wait_for(lambda: self.gate.waits(peer) >= count, PATIENCE):
                raise TimeoutError("no step comes")

    def is_now(self, job: str, state: State) -> None:
        """Wait until it is in this state."""
        self.until(lambda: self.state(job) is state)

    def settled(self, job: str) -> State:
        """Wait until its next step is at the gate, or it is out of the worker; its state then."""
        self.until(lambda: bool(self.gate.waits(JOB)) or self.state(job) is not State.RUNNING)
        return self.state(job)

    def hold(self, busy: int = 0) -> None:
        """Take every worker but ``busy`` ones."""
        for _ in range(self._workers - busy - len(self._blockers)):
            self._blockers.append(self.submit(1, BLOCKER))
        self.arrived(BLOCKER, len(self._blockers))

    def let_go(self) -> None:
        """Give the workers back."""
        for _ in range(self.gate.waits(BLOCKER)):
            self.gate.answer(BLOCKER, GOOD)
        self.until(lambda: all(self.state(one) in FINAL for one in self._blockers))
        self._blockers.clear()

    def finish(self, job: str) -> None:
        """End it, wherever it is."""
        self.act(job, Action.CANCEL)

        def over() -> bool:
            if self.gate.waits(JOB):
                self.gate.answer(JOB, BAD)
            return self.state(job) in FINAL

        self.until(over)
