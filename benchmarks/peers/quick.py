"""A peer that answers each step at once, and jobs that send to it: they have ended soon."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from benchmarks.peers.proxy import Line

NAME = "bench-quick"
PATIENCE, LOOK = 120.0, 0.05  # seconds until all have ended, and between two looks


class Answering(BaseHTTPRequestHandler):
    """Answers at once."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:
        """It writes no log."""


class Quick:
    """Use it with ``with``. ``url``: of the peer. Without a ``port`` it makes no jobs."""

    def __init__(self, port: int | None = None) -> None:
        self._peer = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self._peer.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._peer.server_port}/"
        self._line = None if port is None else Line(port)
        self._instance = ""

    def __enter__(self) -> Quick:
        threading.Thread(target=self._peer.serve_forever, args=(0.05,), daemon=True).start()
        if self._line is not None:
            self._call("PUT", f"/peers/{NAME}", {"Url": self.url})
            tags = {"Tags": {"PatientID": NAME}}
            self._instance = self._call("POST", "/tools/create-dicom", tags)["ID"]
        return self

    def __exit__(self, *_: object) -> None:
        self._peer.shutdown()
        self._peer.server_close()
        if self._line is not None:
            self._line.close()

    def fill(self, count: int) -> None:
        """See to it that so many jobs are on the server, and have ended. Raises `TimeoutError`."""
        body = {"Resources": [self._instance], "Asynchronous": True}
        there = len(self._call("GET", "/jobs"))
        for _ in range(count - there):
            last = self._call("POST", f"/peers/{NAME}/store", body)["ID"]
        deadline = time.monotonic() + PATIENCE
        while count > there and self._call("GET", f"/jobs/{last}")["State"] != "Success":
            if time.monotonic() > deadline:
                raise TimeoutError(f"{count} jobs have not ended in {PATIENCE:g} s")
            threading.Event().wait(LOOK)

    def _call(self, method: str, path: str, body: object = None) -> Any:
        assert self._line is not None
        sent = b"" if body is None else json.dumps(body).encode()
        return json.loads(self._line.ask(method, path, {}, sent)[2] or b"null")
