"""Connections whose answers are bounded: so many bytes and so many seconds in all, for each.

A timeout of `requests` is for one reading from the socket, so a server that sends a byte a
second is waited for without end, and some parts of an answer (the lines of a chunked body) are
read without a limit of size. So the bounds are kept where every byte comes by: the socket asks
the `Allowance` of the request before it waits, and tells it what came. That needs no thread,
costs a microsecond a reading, and holds for the head, the body, a TLS handshake and the look-up
of a name alike.
"""

from __future__ import annotations

import queue
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.ssl_ import create_urllib3_context

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

LEAST = 0.001  # seconds: a timeout of 0 would make a socket one that does not wait

Found = Sequence[tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]]


class TooLarge(OSError):
    """More bytes came than the answer may have."""


class Allowance:
    """What the answer to the request under way may still take."""

    def __init__(self) -> None:
        self._ends = 0.0
        self._bytes = 0
        self.connections = 0  # that were made so far

    def renew(self, seconds: float, size: int) -> None:
        self._ends = time.monotonic() + seconds
        self._bytes = size

    @property
    def late(self) -> bool:
        return time.monotonic() >= self._ends

    @property
    def exceeded(self) -> bool:
        return self._bytes < 0

    def left(self) -> float:
        """Seconds. Raises `TimeoutError` when there are none."""
        seconds = self._ends - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("timed out")
        return max(seconds, LEAST)

    def take(self, size: int) -> None:
        """``size`` bytes have come. Raises `TooLarge`."""
        self._bytes -= size
        if self._bytes < 0:
            raise TooLarge("the answer is too large")


class _Socket(socket.socket):
    allowance: Allowance

    def recv_into(self, buffer: WriteableBuffer, nbytes: int = 0, flags: int = 0) -> int:
        self.settimeout(self.allowance.left())
        size = super().recv_into(buffer, nbytes, flags)
        self.allowance.take(size)
        return size

    def sendall(self, data: ReadableBuffer, flags: int = 0) -> None:
        self.settimeout(self.allowance.left())
        super().sendall(data, flags)


class _TlsSocket(ssl.SSLSocket):
    allowance: Allowance

    def recv_into(self, buffer: WriteableBuffer, nbytes: int | None = None, flags: int = 0) -> int:
        self.settimeout(self.allowance.left())
        size = super().recv_into(buffer, nbytes, flags)
        self.allowance.take(size)
        return size

    def send(self, data: ReadableBuffer, flags: int = 0) -> int:
        self.settimeout(self.allowance.left())
        return super().send(data, flags)


class _Connection(HTTPConnection):
    allowance: Allowance

    def _new_conn(self) -> socket.socket:
        return _connect(self, self.allowance)


class _TlsConnection(HTTPSConnection):
    allowance: Allowance

    def _new_conn(self) -> socket.socket:
        return _connect(self, self.allowance)

    def connect(self) -> None:
        super().connect()
        if isinstance(self.sock, _TlsSocket):
            self.sock.allowance = self.allowance


class Adapter(HTTPAdapter):
    """The transport of one client. What it sends and gets is on ``allowance``."""

    def __init__(self, allowance: Allowance, insecure: bool) -> None:
        self._trust = ssl.CERT_NONE if insecure else ssl.CERT_REQUIRED
        bound = {"allowance": allowance}
        self._makes = {
            "http": type("_Connection", (_Connection,), bound),
            "https": type("_TlsConnection", (_TlsConnection,), bound),
        }
        self._pool: Any = None
        super().__init__(pool_connections=1, pool_maxsize=1)

    def init_poolmanager(self, *args: Any, **settings: Any) -> None:
        context = create_urllib3_context(cert_reqs=self._trust)
        context.sslsocket_class = _TlsSocket
        super().init_poolmanager(*args, ssl_context=context, **settings)

    def get_connection_with_tls_context(self, *args: Any, **settings: Any) -> Any:
        """The pool of the one server that a client talks to, until `close`."""
        if self._pool is None:
            self._pool = super().get_connection_with_tls_context(*args, **settings)
            self._pool.ConnectionCls = self._makes[self._pool.scheme]
        return self._pool

    def request_url(self, request: PreparedRequest, *_: Any) -> str:
        """The path, which the client has checked; it is not taken apart once more."""
        return f"/{str(request.url).split('/', 3)[3]}"

    def build_response(self, req: PreparedRequest, resp: Any) -> Response:
        """Status, headers and body; no cookie is wanted, nor what the text is encoded by."""
        made = Response()
        made.request, made.url = req, str(req.url)
        made.status_code, made.raw = resp.status, resp
        made.headers = CaseInsensitiveDict(resp.headers)
        return made

    def close(self) -> None:
        self._pool = None
        super().close()


def _connect(connection: HTTPConnection, allowance: Allowance) -> socket.socket:
    """A connected socket. Raises what urllib3 expects."""
    try:
        found = _resolve(connection.host, connection.port or 0, allowance.left())
    except TimeoutError as error:
        raise ConnectTimeoutError(connection, "the look-up of the name timed out") from error
    except socket.gaierror as error:
        raise NameResolutionError(connection.host, connection, error) from error
    failed: OSError = OSError("the name has no address")
    for number, (family, kind, protocol, _, where) in enumerate(found):
        made = _Socket(family, kind, protocol)
        made.allowance = allowance
        try:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            made.settimeout(allowance.left() / (len(found) - number))
            made.connect(where)
            made.settimeout(allowance.left())
            allowance.connections += 1
        except OSError as error:
            made.close()
            failed = error
        except BaseException:
            made.close()
            raise
        else:
            return made
    if isinstance(failed, TimeoutError):
        raise ConnectTimeoutError(connection, "connecting timed out") from failed
    raise NewConnectionError(connection, str(failed)) from failed


def _resolve(host: str, port: int, seconds: float) -> Found:
    """The addresses of a host. A name is looked up in a thread: nothing else can bound that."""
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        pass  # it is a name
    answers: queue.SimpleQueue[Found | socket.gaierror] = queue.SimpleQueue()

    def look() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except socket.gaierror as error:
            answers.put(error)
        except UnicodeError:  # a label that is empty or too long
            answers.put(socket.gaierror(socket.EAI_NONAME, "not the name of a host"))

    threading.Thread(target=look, daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError("timed out") from None
    if isinstance(answer, socket.gaierror):
        raise answer
    return answer
