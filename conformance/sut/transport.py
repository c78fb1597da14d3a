"""The transport of a client: an adapter of `requests` whose answers are bounded in size and time.

A timeout of `requests` and of ``http.client`` is for one reading from the socket, so a server that
sends a byte a second is waited for without end, and some parts of an answer (the lines of a chunked
body) are read without a limit of size. So the bounds are kept where every byte comes by:
``http.client`` speaks HTTP over a `_Wire`, which asks the `Allowance` of the request before it
waits, and tells it what came. That needs no thread, costs a microsecond a reading, and holds for
the head, the body, a TLS handshake and the look-up of a name alike.
"""

from __future__ import annotations

import http.client
import io
import queue
import select
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import urlsplit

from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter
from requests.exceptions import (
    ConnectionError,
    ContentDecodingError,
    RequestException,
    SSLError,
    Timeout,
)
from requests.structures import CaseInsensitiveDict
from requests.utils import DEFAULT_CA_BUNDLE_PATH

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

LEAST = 0.001  # seconds: a timeout of 0 would make a socket one that does not wait
CHUNK = 64 * 1024  # bytes of a body that are read at once
PACKED = frozenset({"gzip", "x-gzip", "deflate"})  # what a proxy may do to a body unasked

Found = Sequence[tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]]
Trust = bool | str  # False: any certificate; True: the authorities of `requests`; or a file


class TooLarge(RequestException):
    """More bytes came than the answer may have."""


class NoConnection(ConnectionError):
    """There was no connection: nobody listens there, or the name is unknown."""


class Allowance:
    """What one answer may still take: seconds on the monotonic clock, and bytes."""

    def __init__(self, seconds: float, size: int) -> None:
        self._ends = time.monotonic() + seconds
        self._bytes = size

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


class BoundedAdapter(BaseAdapter):
    """A `requests` adapter for one server at a time, over one connection that is kept alive.

    ``seconds`` and ``largest`` bound an answer: the time for all of it, from before the connection
    is made, and its bytes, head and body, as they come and also unpacked. It follows no redirect,
    uses no proxy, and sends each request once. Not for use by several threads.
    """

    def __init__(self, seconds: float, largest: int) -> None:
        super().__init__()
        self.connections = 0  # that were made so far
        self._seconds = seconds
        self._largest = largest
        self._connection: _Connection | None = None
        self._server: _Server | None = None  # that the connection is to

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Trust = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> Response:
        """The whole answer. ``timeout``: the seconds for this one, in place of its own.

        Raises `Timeout`, `TooLarge`, `NoConnection`, `SSLError`, `ContentDecodingError`, and
        `ConnectionError` for whatever else broke the answer off or is not HTTP.
        """
        allowance = Allowance(self._seconds if timeout is None else timeout, self._largest)
        scheme, _, authority, path = str(request.url).split("/", 3)
        server = _Server(scheme, authority, verify, cert)
        try:
            return self._exchanged(request, server, f"/{path}", allowance)
        except TimeoutError as error:
            raise Timeout(error, request=request) from error
        except ssl.SSLError as error:
            raise SSLError(error, request=request) from error
        except RequestException:
            raise
        except (OSError, http.client.HTTPException) as error:
            raise ConnectionError(error, request=request) from error

    def close(self) -> None:
        """Close the connection; the next request makes another one."""
        if self._connection is not None:
            self._connection.hang_up()

    def _exchanged(
        self, request: PreparedRequest, server: _Server, path: str, allowance: Allowance
    ) -> Response:
        connection, going_on = self._to(server), False
        connection.allowance = allowance
        try:
            if not connection.is_open():
                connection.hang_up()
                connection.connect()
                self.connections += 1
            headers = cast(dict[str, str], request.headers)
            connection.request(str(request.method), path, request.body, headers)
            answer = connection.getresponse()
            if connection.ended:
                raise ConnectionError("closed in the middle of the head")
            body = _body(answer)
            going_on = not answer.will_close
        finally:
            if not going_on:  # the rest of an answer must not be taken for the next one
                connection.hang_up()
        encoding = answer.headers.get("Content-Encoding", "").strip().lower()
        if encoding in PACKED:
            body = _unpacked(body, encoding, self._largest)
        return _response(request, answer, body)

    def _to(self, server: _Server) -> _Connection:
        if self._connection is None or self._server != server:
            self.close()
            self._connection, self._server = _Connection(server), server
        return self._connection


class _Server(NamedTuple):
    """Whom a connection is to, and how. ``scheme`` has its colon."""

    scheme: str
    authority: str
    verify: Trust
    cert: Any

    def context(self) -> ssl.SSLContext | None:
        """How TLS is spoken, if it is. ``cert``: a file with our certificate and its key."""
        if self.scheme != "https:":
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.set_alpn_protocols(["http/1.1"])
        if self.verify is False:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        else:
            context.load_verify_locations(
                DEFAULT_CA_BUNDLE_PATH if self.verify is True else self.verify
            )
        if self.cert is not None:
            context.load_cert_chain(self.cert)
        return context


class _Connection(http.client.HTTPConnection):
    """HTTP over a `_Wire`, for the request that has the ``allowance``."""

    allowance: Allowance

    def __init__(self, server: _Server) -> None:
        self._tls = server.context()
        if self._tls is not None:
            self.default_port = http.client.HTTPS_PORT  # which a Host header leaves out
        where = urlsplit(f"{server.scheme}//{server.authority}")
        super().__init__(where.hostname or "", where.port or self.default_port)
        self._wire: _Wire | None = None

    def connect(self) -> None:
        made = _connected(self.host, self.port, self.allowance)
        try:
            if self._tls is not None:
                made.settimeout(self.allowance.left())
                made = self._tls.wrap_socket(made, server_hostname=self.host)
        except BaseException:
            made.close()
            raise
        self._wire = _Wire(made, self)
        self.sock = cast(socket.socket, self._wire)

    @property
    def ended(self) -> bool:
        """Whether the server was seen to have closed it."""
        return self._wire is not None and self._wire.ended

    def is_open(self) -> bool:
        """Whether the server has neither closed it nor sent what nobody asked for."""
        return self._wire is not None and self._wire.is_silent()

    def hang_up(self) -> None:
        self.close()
        if self._wire is not None:
            self._wire.hang_up()
            self._wire = None


class _Wire(io.RawIOBase):
    """What ``http.client`` takes for its socket, and reads as a file: each wait is bounded."""

    def __init__(self, wire: socket.socket, connection: _Connection) -> None:
        self._socket = wire
        self._connection = connection
        self.ended = False  # whether the server has closed its side

    def makefile(self, _: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        allowance = self._connection.allowance
        self._socket.settimeout(allowance.left())
        size = self._socket.recv_into(buffer)
        allowance.take(size)
        self.ended = not size
        return size

    def sendall(self, data: ReadableBuffer) -> None:
        rest = memoryview(data)
        while rest:
            self._socket.settimeout(self._connection.allowance.left())
            rest = rest[self._socket.send(rest) :]

    def is_silent(self) -> bool:
        looks = select.poll()
        looks.register(self._socket, select.POLLIN)
        return not looks.poll(0)

    def close(self) -> None:
        """Nothing: ``http.client`` calls this while there is an answer to read."""

    def hang_up(self) -> None:
        self._socket.close()


def _body(answer: http.client.HTTPResponse) -> bytes:
    """The whole body, as it came. Raises `ConnectionError` where it was cut off."""
    lengths = set(answer.headers.get_all("Content-Length", []))
    if len(lengths) > 1:
        raise ConnectionError("an answer with two lengths")
    content = bytearray()
    while piece := answer.read(CHUNK):
        content += piece
    if answer.length:  # http.client says nothing of a body that is too short
        raise ConnectionError("closed in the middle of the answer")
    endless = not answer.chunked and not lengths and answer.version == 11
    if endless and not content and answer.status not in (204, 304):
        # Only the end of the connection ends it, and so would the end of a server that dies.
        raise ConnectionError("closed in the middle of the answer")
    return bytes(content)


def _unpacked(body: bytes, encoding: str, largest: int) -> bytes:
    """Raises `TooLarge` before it has grown beyond that, and `ContentDecodingError`."""
    if not body:
        return body
    packed = zlib.decompressobj(zlib.MAX_WBITS | 32)  # its head says whether it is gzip or zlib
    try:
        content = packed.decompress(body, largest + 1)
    except zlib.error as error:
        raise ContentDecodingError(f"the body is not {encoding}") from error
    if len(content) > largest:
        raise TooLarge("the answer is too large")
    if not packed.eof:
        raise ContentDecodingError(f"the body ends in the middle of its {encoding}")
    return content


def _response(request: PreparedRequest, answer: http.client.HTTPResponse, body: bytes) -> Response:
    made = Response()
    made.request, made.url = request, str(request.url)
    made.status_code, made.reason = answer.status, answer.reason
    made.headers = CaseInsensitiveDict(answer.headers.items())
    made.raw = io.BytesIO(body)
    return made


def _connected(host: str, port: int, allowance: Allowance) -> socket.socket:
    """A connected socket. Raises `NoConnection` and `TimeoutError`."""
    try:
        found = _resolved(host, port, allowance.left())
    except socket.gaierror as error:
        raise NoConnection(error) from error
    failed: OSError = OSError("the name has no address")
    for number, (family, kind, protocol, _, where) in enumerate(found):
        made = socket.socket(family, kind, protocol)
        try:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            made.settimeout(allowance.left() / (len(found) - number))
            made.connect(where)
        except OSError as error:
            made.close()
            failed = error
        except BaseException:
            made.close()
            raise
        else:
            return made
    if isinstance(failed, TimeoutError):
        raise failed
    raise NoConnection(failed) from failed


def unresolved(host: str, seconds: float) -> str | None:
    """Why a host's name leads nowhere; None where it leads to an address."""
    try:
        _resolved(host, 0, seconds)
    except TimeoutError as error:
        return str(error)
    except socket.gaierror as error:
        return error.strerror
    return None


def _resolved(host: str, port: int, seconds: float) -> Found:
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
