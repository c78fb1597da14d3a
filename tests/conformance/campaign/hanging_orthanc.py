"""An Orthanc behind a door that never answers a cancel of a Paused job. A test starts it."""

from __future__ import annotations

import http.client
import http.server
import json
import subprocess
import sys
import threading
from pathlib import Path


class Door(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    behind = 0

    def ask(self, method: str, path: str, body: bytes) -> tuple[int, bytes, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.behind)
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers.get("Content-Type", "")

    def do_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        job, _, action = self.path.rpartition("/")
        if action == "cancel" and b'"Paused"' in self.ask("GET", job, b"")[1]:
            threading.Event().wait(30)
        status, content, kind = self.ask(self.command, self.path, body)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = do_any

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


class Quiet(http.server.ThreadingHTTPServer):
    """Says nothing of a client that has gone."""

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def main() -> None:
    path = Path(sys.argv[1])
    config = json.loads(path.read_text())
    front = config["HttpPort"]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Door)
    config["HttpPort"] = server.server_port
    server.server_close()  # its port is now the one behind the door
    Door.behind = config["HttpPort"]
    path.write_text(json.dumps(config))
    subprocess.Popen(["Orthanc", str(path)])
    Quiet(("127.0.0.1", front), Door).serve_forever()


if __name__ == "__main__":
    main()
