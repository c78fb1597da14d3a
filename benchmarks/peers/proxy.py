"""A proxy in front of the server that all peers share: passes each request on, and writes it down.

Before it passes an action on it reads the job, on a connection of its own: so the state that an
action met is found in the same way for every peer, whatever that peer knows itself. What the proxy
reads is counted for nobody.
"""

from __future__ import annotations

import http.client
import json
import re
import select
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ACTION = re.compile(r"/jobs/([^/?]+)/(cancel|pause|resume|resubmit)")
OF_THE_HOP = {"connection", "keep-alive", "host", "transfer-encoding", "content-length", "date"}
NOT_REACHED = 502


@dataclass(frozen=True, slots=True)
class Passed:
    """One request that went through. ``at``: by the monotonic clock, when it was answered.

    ``before``: the State that its job showed just before, where it is an action of a job. ``sent``
    and ``got``: the bodies of both.
    """

    at: float
    method: str
    path: str
    status: int
    before: str | None = None
    sent: bytes = b""
    got: bytes = b""

    @property
    def action(self) -> tuple[str, str] | None:
        """The job and what it is asked for."""
        found = ACTION.fullmatch(self.path) if self.method == "POST" else None
        return None if found is None else (found[1], found[2])


class Line:
    """A connection to the server that is kept, and made anew where the server has closed it."""

    def __init__(self, port: int) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Status, headers and body of the answer. Raises `OSError` and `HTTPException`."""
        sock = self._http.sock
        if sock is not None and select.select([sock], [], [], 0)[0]:
            self._http.close()  # an idle connection that the server has ended
        try:
            self._http.request(method, path, body or None, headers)
            answer = self._http.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        except (OSError, http.client.HTTPException):
            self._http.close()
            raise

    def close(self) -> None:
        self._http.close()


class Proxy:
    """Use it with ``with``; then `url` answers as the server at this port of loopback does."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._passed: list[Passed] = []
        self._lock = threading.Lock()
        self._own = Line(port)
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._own.close()

    def taken(self) -> list[Passed]:
        """What went through since this was asked last."""
        with self._lock:
            found, self._passed = self._passed, []
            return found

    def line(self) -> Line:
        return Line(self._to)

    def state(self, job: str) -> str | None:
        """What the job shows now; None where there is none."""
        with self._lock:
            try:
                status, _, body = self._own.ask("GET", f"/jobs/{job}", {}, b"")
                return str(json.loads(body)["State"]) if status == 200 else None
            except (OSError, http.client.HTTPException, ValueError, KeyError):
                return None

    def note(self, passed: Passed) -> None:
        with self._lock:
            self._passed.append(passed)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    proxy: Proxy

    def handle_error(self, request: object, client_address: object) -> None:
        """A peer that hangs up is no error of the proxy."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536  # an answer goes out at once
    server: _Server

    def setup(self) -> None:
        super().setup()
        self._line = self.server.proxy.line()

    def finish(self) -> None:
        self._line.close()
        super().finish()

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {k: v for k, v in self.headers.items() if k.lower() not in OF_THE_HOP}
        proxy = self.server.proxy
        action = ACTION.fullmatch(self.path) if self.command == "POST" else None
        before = proxy.state(action[1]) if action else None
        try:
            status, found, text = self._line.ask(self.command, self.path, headers, body)
        except (OSError, http.client.HTTPException):
            status, found, text = NOT_REACHED, [], b""
        passed = Passed(time.monotonic(), self.command, self.path, status, before, body, text)
        proxy.note(passed)
        self.send_response_only(status)
        for name, value in found:
            if name.lower() not in OF_THE_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = do_PATCH = do_TRACE = _pass

    def log_message(self, format: str, *args: object) -> None:
        """It writes no log."""
