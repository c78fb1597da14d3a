"""A web server that does what a test says, byte by byte, and a proxy that does so now and then."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TLS = b"\x16"  # the first byte of a TLS handshake
ABOUT = ("Content-Type", "Content-Disposition")  # the headers that a proxy passes on
DEADLINE = 10.0  # seconds that anything may take on a loaded machine


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def line(self) -> str:
        return f"{self.method} {self.path}"


# Sends what it likes; True: the connection goes on, and the next request is read from it.
Answer = Callable[[Request, socket.socket], bool]


def raw(text: bytes, goes_on: bool = False) -> Answer:
    """An answer as it goes over the wire."""

    def answer(_: Request, wire: socket.socket) -> bool:
        wire.sendall(text)
        return goes_on

    return answer


def http_answer(status: int, body: bytes = b"", *headers: str) -> Answer:
    lines = [f"HTTP/1.1 {status} So", f"Content-Length: {len(body)}", *headers]
    return raw("\r\n".join(lines).encode() + b"\r\n\r\n" + body, goes_on=True)


def json_answer(found: Any, status: int = 200) -> Answer:
    return http_answer(status, json.dumps(found).encode(), "Content-Type: application/json")


def reset(_: Request, wire: socket.socket) -> bool:
    """Break the connection off, without a farewell."""
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    return False


def hang(_: Request, wire: socket.socket) -> bool:
    """Say nothing until the other side has gone."""
    while wire.recv(65536):
        pass
    return False


class Dripping:
    """Sends ``text``, then a byte every ``seconds``, until the other side has gone."""

    def __init__(self, text: bytes, byte: bytes = b"x", seconds: float = 0.05) -> None:
        self.text, self.byte, self.seconds = text, byte, seconds

    def __call__(self, _: Request, wire: socket.socket) -> bool:
        wire.sendall(self.text)
        wire.settimeout(self.seconds)
        for _ in range(int(4 * DEADLINE / self.seconds)):
            with contextlib.suppress(TimeoutError):
                if not wire.recv(1):
                    break
            wire.sendall(self.byte)
        return False


def endless(text: bytes, block: bytes = b"0" * 65536) -> Answer:
    """Sends without an end, as fast as it is taken."""

    def answer(_: Request, wire: socket.socket) -> bool:
        wire.sendall(text)
        while True:
            wire.sendall(block)

    return answer


class Scripted:
    """A server on loopback. ``answer`` may be changed at any time."""

    def __init__(self, answer: Answer, tls: Path | None = None, host: str = "127.0.0.1") -> None:
        self.answer = answer
        self.seen: list[Request] = []
        self.connections = 0
        self.host = host
        self._wires: list[socket.socket] = []
        self._hung_up = threading.Semaphore(0)
        self._context: ssl.SSLContext | None = None
        if tls is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(tls)
        self._family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=self._family)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'http' if self._context is None else 'https'}://{host}:{self.port}"

    def lines(self, method: str = "") -> list[str]:
        return [one.line for one in self.seen if one.line.startswith(method)]

    def has_hung_up(self) -> None:
        """Wait until it has closed one more of its connections."""
        assert self._hung_up.acquire(timeout=DEADLINE)

    def __enter__(self) -> Scripted:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for wire in self._wires:
            with contextlib.suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                wire, _ = self._listener.accept()
                wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.connections += 1
                self._wires.append(wire)
                number = self.connections
                threading.Thread(target=self._serve, args=(wire, number), daemon=True).start()

    def _serve(self, wire: socket.socket, number: int) -> None:
        try:
            if self._context is not None:
                wire = self._context.wrap_socket(wire, server_side=True)
            elif wire.recv(1, socket.MSG_PEEK) == TLS:
                wire.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                wire.close()
                return
            with wire, wire.makefile("rb") as lines:
                while (request := _read(lines, number)) is not None:
                    self.seen.append(request)
                    if not self.answer(request, wire):
                        break
        except (OSError, ValueError):
            wire.close()
        finally:
            self._hung_up.release()


def _read(lines: Any, number: int) -> Request | None:
    first = lines.readline().decode().split()
    if len(first) != 3:
        return None
    headers: dict[str, str] = {}
    while (line := lines.readline().decode("latin-1").strip()) != "":
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = lines.read(int(headers.get("content-length", 0)))
    return Request(first[0], first[1], headers, body, number)


Rule = Callable[[Request], Answer | None]


@dataclass
class Proxy:
    """An `Answer` that asks the server at ``port``, unless ``rule`` has one of its own.

    ``change``: what is made of a JSON answer on its way back.
    """

    port: int
    rule: Rule = lambda _: None
    change: Callable[[Request, Any], Any] | None = None
    _local: threading.local = field(default_factory=threading.local)

    def __call__(self, request: Request, wire: socket.socket) -> bool:
        own = self.rule(request)
        return self.forward(request, wire) if own is None else own(request, wire)

    def forward(self, request: Request, wire: socket.socket) -> bool:
        status, body, headers = self._asked(request)
        if self.change is not None and body:
            body = json.dumps(self.change(request, json.loads(body))).encode()
        return http_answer(status, body, *headers)(request, wire)

    def ask(self, request: Request) -> tuple[int, bytes]:
        return self._asked(request)[:2]

    def _asked(self, request: Request) -> tuple[int, bytes, list[str]]:
        """The answer of the server: its status, its body, and the headers that tell of that."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        try:
            connection.request(request.method, request.path, request.body)
            found = connection.getresponse()
            told = {name: found.headers.get(name) for name in ABOUT}
            headers = [f"{name}: {value}" for name, value in told.items() if value is not None]
            return found.status, found.read(), headers
        finally:
            connection.close()
