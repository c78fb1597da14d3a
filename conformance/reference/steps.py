"""One step: the POST of one instance to ``<peer>/instances``, and what its answer means.

The steps of one run share a connection, which is opened for the first step and closed with the
run: within a run it never idles, so a peer that closes idle connections cannot cut a step off.
A step is sent at most once. If the peer has closed the connection after the step before, this is
seen before anything is sent, and a new connection is made; whatever breaks once sending has begun
is a failed step: a POST may have been handled, and is not sent again (`step/run-once`,
`step/timeout`).
"""

from __future__ import annotations

import base64
import gzip
import http.client
import io
import select
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from conformance.reference.errors import ErrorCode
from conformance.reference.job import (
    Failed,
    Outcome,
    RetryAsked,
    Step,
    Succeeded,
    Task,
    instance_gone,
)
from conformance.reference.tasks.stores import PeerStore
from conformance.reference.transcoding import transcoded

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from _typeshed import WriteableBuffer

    from conformance.reference.peers import Peer

RETRY_HEADER = "Orthanc-Jobs-Retry"
_LONGEST_ANSWER = 2**20
_NO_LIMIT = 365 * 24 * 3600.0


class StepSender:
    """Does the steps of jobs.

    `find_instance` answers the DICOM file of an instance, or None when it is gone;
    `timeout` is how long a step may take, from its first byte to the end of the answer, in
    seconds, 0 = without limit.
    """

    def __init__(self, find_instance: Callable[[str], bytes | None], timeout: float) -> None:
        self._find_instance = find_instance
        self._timeout = timeout or _NO_LIMIT

    @contextmanager
    def open_run(self, task: Task) -> Iterator[Callable[[Step], Outcome]]:
        """Yield the function that does a step of `task`; close the connection afterwards."""
        if not isinstance(task, PeerStore):
            raise TypeError(f"{task.type} is nothing that is sent to a peer")
        connection = PeerConnection(task.peer, self._timeout)

        def perform(step: Step) -> Outcome:
            return self.perform(connection, task, step)

        try:
            yield perform
        finally:
            connection.close()

    def perform(self, connection: PeerConnection, task: PeerStore, step: Step) -> Outcome:
        """Send the instance of `step`."""
        instance = self._find_instance(step.item)
        if instance is None:
            return self.not_taken(task, instance_gone(step))
        body = sent(instance, task)
        outcome = connection.post(body, self.headers(task))
        return self.not_taken(task, outcome) if isinstance(outcome, Failed) else outcome

    def headers(self, task: PeerStore) -> dict[str, str]:
        """The headers of each request, beside those that every request has."""
        peer = task.peer
        headers = {"Content-Type": "application/dicom", **dict(peer.headers)}
        if task.compress:
            headers["Content-Encoding"] = "gzip"
        if peer.username:
            login = base64.b64encode(f"{peer.username}:{peer.password}".encode()).decode()
            headers["Authorization"] = f"Basic {login}"
        return headers

    def not_taken(self, task: PeerStore, failed: Failed) -> Outcome:
        """The peer did not take an instance, or there is none."""
        return Succeeded(instance_gone=failed.instance_gone) if task.permissive else failed


def sent(file: bytes, task: PeerStore) -> bytes:
    """What is sent for `file`: the same each time."""
    file = transcoded(file, task.transcode)
    return gzip.compress(file, mtime=0) if task.compress else file


class PeerConnection:
    """A persistent connection to one peer. `http.client` sets TCP_NODELAY on it."""

    def __init__(self, peer: Peer, timeout: float) -> None:
        parts = urlsplit(peer.url)
        connection_type = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        self._connection = connection_type(parts.hostname or "", parts.port)
        self._connection.response_class = self._timed_response  # type: ignore[assignment]
        self._timeout = timeout
        self._deadline = 0.0
        self._url = f"{peer.url}instances"
        self._path = f"{parts.path}instances"

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def post(self, body: bytes, headers: dict[str, str]) -> Outcome:
        """Send `body` once, and say what came of it."""
        self._deadline = time.monotonic() + self._timeout
        try:
            self._connect()
            self._connection.request("POST", self._path, body, headers)
            response = self._connection.getresponse()
            complete = self._drain(response)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()  # a ValueError: a host name, or an answer, that makes no sense
            return _failure(f"POST {self._url}: {type(error).__name__}: {error}")
        if not complete:
            self.close()
            return _failure(f"POST {self._url}: the answer is cut off or too long")
        return _outcome(response, self._url)

    def _connect(self) -> None:
        """Make sure of a connection that the peer has not closed since the last step."""
        if self._connection.sock is not None and _has_news(self._connection.sock):
            self.close()
        if self._connection.sock is None:
            self._connection.timeout = self._timeout
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

    @staticmethod
    def _drain(response: http.client.HTTPResponse) -> bool:
        """Read the answer's body away; False when it is cut off or too long to be read."""
        size = 0
        while chunk := response.read(65536):
            size += len(chunk)
            if size > _LONGEST_ANSWER:
                return False
        return not response.length


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


def _outcome(response: http.client.HTTPResponse, url: str) -> Outcome:
    """What a peer's answer means for the step."""
    if 200 <= response.status < 300:
        return Succeeded()
    delay = response.getheader(RETRY_HEADER, "").strip()
    if response.status >= 500 and delay.isascii() and delay.isdigit() and len(delay) <= 10:
        return RetryAsked(int(delay) / 1000)
    return _failure(f"POST {url}: HTTP status {response.status}")


def _failure(details: str) -> Failed:
    return Failed(ErrorCode.NETWORK_PROTOCOL, details)


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
