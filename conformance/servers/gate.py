"""The gate: the peer that every job of the kit sends its steps to.

Each step of a ``/peers/{name}/store`` job is one ``POST`` of one instance. It arrives here and
waits until the kit replies: the arrival says that the step has begun, the reply lets it end.
So the kit decides when a step ends, and nothing has to sleep.

A path is ``/SECRET/SLOT/instances``: the secret keeps others out, the slot says which job it
is, because an arrival bears no job id. Which step it is stands in the instance itself
(`MARKER`). Threads: one for each connection of the server; they only queue arrivals and wait.
"""

from __future__ import annotations

import contextlib
import secrets
import select
import socket
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MARKER = b"orthanc-jobs-step-"
LARGEST = 1024 * 1024  # bytes of an instance
REFUSE = 503  # what an arrival gets that nobody waits for any more


@dataclass(eq=False)
class Hold:
    """A step that waits at the gate. ``since`` is a time of the monotonic clock."""

    slot: int
    step: int
    since: float = field(default_factory=time.monotonic)
    broken: bool = False  # the server hung up before the reply
    _reply: tuple[int, dict[str, str]] | None = None
    _wake: tuple[socket.socket, socket.socket] = field(default_factory=socket.socketpair)

    def reply(self, status: int, headers: dict[str, str] | None = None) -> None:
        """Let the step end. The first reply counts; later ones are ignored."""
        if self._reply is None:
            self._reply = (status, headers or {})
            with contextlib.suppress(OSError):  # the server has hung up, and the hold has ended
                self._wake[1].send(b"!")


class Gate:
    """The HTTP server; start it with ``with``. ``host`` is how the server under test reaches it."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.host = host
        self.secret = secrets.token_hex(16)
        self._arrived: deque[Hold] = deque()
        self._open: set[Hold] = set()
        self._change = threading.Condition()
        self._draining = False
        loopback = host in ("127.0.0.1", "localhost", "::1")
        self._server = _Server(("127.0.0.1" if loopback else "", 0), _Handler)
        self._server.gate = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    def __enter__(self) -> Gate:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.drain()
        self._server.shutdown()
        self._server.server_close()

    def url(self, slot: int) -> str:
        """The address to register as a peer for this slot."""
        return f"http://{self.host}:{self._server.server_port}/{self.secret}/{slot}/"

    def arrivals(self) -> list[Hold]:
        """The steps that have arrived since the last call, in order."""
        with self._change:
            found = list(self._arrived)
            self._arrived.clear()
        return found

    def wait(self, seconds: float) -> bool:
        """Wait until a step has arrived that was not fetched yet; whether one has."""
        with self._change:
            return self._change.wait_for(lambda: bool(self._arrived), seconds)

    def drain(self) -> None:
        """From now on nothing is held: every waiting and every later step fails at once."""
        with self._change:
            self._draining = True
            for hold in self._open:
                hold.reply(REFUSE)

    def fill(self) -> None:
        """The opposite of `drain`."""
        with self._change:
            self._draining = False

    def _arrive(self, hold: Hold) -> None:
        with self._change:
            self._open.add(hold)
            self._arrived.append(hold)
            if self._draining:
                hold.reply(REFUSE)
            self._change.notify_all()

    def _end(self, hold: Hold) -> None:
        with self._change:
            self._open.discard(hold)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    gate: Gate

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A server that hangs up on the gate is no error of the gate: the hold says so."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        gate = self.server.gate
        parts = self.path.strip("/").split("/")
        length = self.headers.get("Content-Length", "")
        if len(parts) != 3 or parts[0] != gate.secret or not parts[1].isdigit():
            self.close_connection = True
            self._answer(404, {})
            return
        if not length.isdigit() or int(length) > LARGEST:
            self.close_connection = True
            self._answer(413, {})
            return
        body = self.rfile.read(int(length))
        hold = Hold(slot=int(parts[1]), step=_step(body))
        gate._arrive(hold)
        try:
            status, headers = self._wait(hold)
            if not hold.broken:
                self._answer(status, headers)
        finally:
            gate._end(hold)
            for end in hold._wake:
                end.close()

    def do_GET(self) -> None:
        """Orthanc asks a peer for /system when somebody looks at the peer; nobody here does."""
        self._answer(404, {})

    def _wait(self, hold: Hold) -> tuple[int, dict[str, str]]:
        wake = hold._wake[0]
        ready, _, _ = select.select([wake, self.connection], [], [])
        if wake not in ready:
            if not self.connection.recv(1, socket.MSG_PEEK):
                hold.broken = True
                self.close_connection = True
                return REFUSE, {}
            select.select([wake], [], [])  # the server has sent more; it waits for the reply
        assert hold._reply is not None
        return hold._reply

    def _answer(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: Any) -> None:
        """The gate writes no log."""


def _step(body: bytes) -> int:
    """The number of the step (from 0) that the instance was made for, or -1."""
    at = body.find(MARKER)
    digits = body[at + len(MARKER) : at + len(MARKER) + 2] if at >= 0 else b""
    return int(digits) if digits.isdigit() else -1
