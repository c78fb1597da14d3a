"""A connection to a peer, on which requests are sent one after the other, each at most once.

The requests of one run of a job share a connection, which is opened for the first one and closed
with the run: within a run it never idles, so a peer that closes idle connections cannot cut a step
off. If the peer has closed the connection after the request before, this is seen before anything is
sent, and a new connection is made; whatever breaks once sending has begun is no answer: a request
may have been handled, and is not sent again (`step/run-once`, `step/timeout`).
"""

from __future__ import annotations

import base64
import http.client
import io
import select
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from conformance.reference.errors import ErrorCode
from conformance.reference.job import Failed, RetryAsked, Succeeded

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

    from _typeshed import WriteableBuffer

    from conformance.reference.job import Outcome
    from conformance.reference.peers import Peer

RETRY_HEADER = "Orthanc-Jobs-Retry"
LONGEST_ANSWER = 2**20
"""Bytes of an answer that are read where nobody expects more."""
_NO_LIMIT = 365 * 24 * 3600.0


class NoAnswer(Exception):
    """A request has none, or one that is cut off; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a peer has answered to the request that `asked` names."""

    asked: str
    status: int
    body: bytes
    retry: str = ""

    def outcome(
        self, done: bool, code: ErrorCode = ErrorCode.NETWORK_PROTOCOL
    ) -> Succeeded | Failed | RetryAsked:
        """What it means for a step. `done`: it says so; `code`: of the failure, if it does not.

        A peer that answers 5xx may ask for Retry, by `RETRY_HEADER` and milliseconds.
        """
        if done:
            return Succeeded()
        delay = self.retry.strip()
        if self.status >= 500 and delay.isascii() and delay.isdigit() and len(delay) <= 10:
            return RetryAsked(int(delay) / 1000)
        return Failed(code, f"{self.asked}: HTTP status {self.status}")


class PeerConnection:
    """A persistent connection to one peer. `http.client` sets TCP_NODELAY on it.

    `timeout`: how long a request may take, from its first byte to the end of the answer, in
    seconds, 0 = without limit.
    """

    def __init__(self, peer: Peer, timeout: float) -> None:
        parts = urlsplit(peer.url)
        connection_type = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        self._connection = connection_type(parts.hostname or "", parts.port)
        self._connection.response_class = self._timed_response  # type: ignore[assignment]
        self._timeout = timeout
        self._deadline = 0.0
        self._url = peer.url
        self._path = parts.path

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
        """Send `body` once, and say what came of it."""
        try:
            reply = self.send("POST", path, body, headers)
        except NoAnswer as error:
            return Failed(ErrorCode.NETWORK_PROTOCOL, str(error))
        return reply.outcome(200 <= reply.status < 300)

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
        *,
        timeout: float | None = None,
        longest: int = LONGEST_ANSWER,
    ) -> Reply:
        """Send a request once. `path`: below the peer's address; `timeout`: another one.

        `longest`: bytes that are read of the answer. Raises `NoAnswer`.
        """
        asked = f"{method} {self._url}{path}"
        limit = (self._timeout if timeout is None else timeout) or _NO_LIMIT
        self._deadline = time.monotonic() + limit
        try:
            self._connect(limit)
            self._connection.request(method, self._path + path, body, dict(headers))
            response = self._connection.getresponse()
            answer = _read(response, longest)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()  # a ValueError: a host name, or an answer, that makes no sense
            raise NoAnswer(f"{asked}: {type(error).__name__}: {error}") from error
        if answer is None:
            self.close()
            raise NoAnswer(f"{asked}: the answer is cut off or too long")
        return Reply(asked, response.status, answer, response.getheader(RETRY_HEADER, ""))

    def _connect(self, limit: float) -> None:
        """Make sure of a connection that the peer has not closed since the last request."""
        if self._connection.sock is not None and _has_news(self._connection.sock):
            self.close()
        if self._connection.sock is None:
            self._connection.timeout = limit
            self._connection.connect()
        self._connection.sock.settimeout(_remaining(self._deadline))

    def _timed_response(
        self, sock: socket.socket, debuglevel: int = 0, method: str | None = None
    ) -> http.client.HTTPResponse:
        """A response each of whose reads ends by the deadline, however slowly it trickles in."""
        response = http.client.HTTPResponse(sock, debuglevel, method)
        response.fp.close()
        response.fp = io.BufferedReader(_TimedReader(sock, self._deadline))
        return response


class _TimedReader(io.RawIOBase):
    """The bytes of a socket up to `deadline`, a reading of `time.monotonic`."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._socket = sock
        self._stream = sock.makefile("rb", buffering=0)
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        self._socket.settimeout(_remaining(self._deadline))
        return self._stream.readinto(buffer)

    def close(self) -> None:
        self._stream.close()
        super().close()


def peer_headers(peer: Peer) -> dict[str, str]:
    """The headers of each request to `peer`: its own, and the login there."""
    headers = dict(peer.headers)
    if peer.username:
        login = base64.b64encode(f"{peer.username}:{peer.password}".encode()).decode()
        headers["Authorization"] = f"Basic {login}"
    return headers


def _read(response: http.client.HTTPResponse, longest: int) -> bytes | None:
    """The body of an answer; None when it is cut off or longer than that."""
    pieces: list[bytes] = []
    size = 0
    while chunk := response.read(65536):
        size += len(chunk)
        if size > longest:
            return None
        pieces.append(chunk)
    return None if response.length else b"".join(pieces)


def _has_news(sock: socket.socket) -> bool:
    """Whether an idle connection has something to read: its end, or an answer nobody asked for."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


def _remaining(deadline: float) -> float:
    """Seconds to `deadline`. Raises `TimeoutError` when it has passed."""
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise TimeoutError("timed out")
    return remaining
