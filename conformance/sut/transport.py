"""The transport of a client: HTTP over a connection of its own, answers bounded in size and time.

A timeout of a socket is for one reading from it, so a server that sends a byte a second would be
waited for without end. So every wait and every byte is asked of the `Allowance` of the request:
the look-up of a name, a TLS handshake, the head of an answer and its body alike. That needs no
thread, and costs a microsecond a reading.
"""

from __future__ import annotations

import queue
import select
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from conformance.sut.address import Address
from conformance.sut.answer import Answer, Reading, TooLarge

LEAST = 0.001  # seconds: a timeout of 0 would make a socket one that does not wait
PIECE = 64 * 1024  # bytes that are read at once
PORTS = {"http": 80, "https": 443}  # those that a Host header leaves out
WITH_BODY = ("POST", "PUT")  # methods whose requests have a body, if only an empty one
# What is sent with each request, unless the address has a header of that name.
HEADERS = {
    "User-Agent": "orthanc-jobs",
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "Connection": "keep-alive",
}

Found = Sequence[tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]]


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


class Transport:
    """Requests to one server at a time, over one connection that is kept alive.

    ``largest`` bounds the bytes of an answer, head and body, as they come and also unpacked. It
    follows no redirect, uses no proxy, and sends each request once. Not for use by several threads.
    """

    def __init__(self, address: Address, largest: int) -> None:
        self.connections = 0  # that were made so far
        self._largest = largest
        self._connection: _Connection | None = None
        self.move(address)

    def move(self, address: Address) -> None:
        """The server is there from now on."""
        self.close()
        parts = urlsplit(address.url)
        self._address, self._base = address, parts.path
        self._host, self._port = parts.hostname or "", parts.port or PORTS[parts.scheme]
        self._headers = headers_of(address)
        self._tls: ssl.SSLContext | None = None  # made when it is needed first

    def exchange(self, method: str, path: str, body: bytes, seconds: float) -> Answer:
        """Send a request, and read all of its answer within so many seconds.

        ``path`` and the address have only characters that can be sent as they are. Raises
        `TimeoutError`, `TooLarge`, `NoConnection`, `ssl.SSLError`, `Undecodable`, and `OSError` for
        whatever else broke the answer off or is not HTTP.
        """
        allowance = Allowance(seconds, self._largest)
        request = self._request(method, path, body)
        going_on = False
        try:
            if self._connection is None or not self._connection.is_silent():
                self.close()
                self._connection = self._connected(allowance)
            reading = self._connection.exchange(request, allowance)
            going_on = reading.lasting
        finally:
            if not going_on:  # the rest of an answer must not be taken for the next one
                self.close()
        return reading.answer(self._largest)

    def _request(self, method: str, path: str, body: bytes) -> bytes:
        head = f"{method} {self._base}{path} HTTP/1.1\r\n{self._headers}"
        if method not in WITH_BODY:
            return f"{head}\r\n".encode("latin-1")
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body

    def close(self) -> None:
        """Close the connection; the next request makes another one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self, allowance: Allowance) -> _Connection:
        made = _connected(self._host, self._port, allowance)
        try:
            if self._address.url.startswith("https:"):
                self._tls = self._tls or _context(self._address)
                made.settimeout(allowance.left())
                made = self._tls.wrap_socket(made, server_hostname=self._host)
        except BaseException:
            made.close()
            raise
        self.connections += 1
        return _Connection(made)


class _Connection:
    """A connected socket, and the answers that come on it."""

    def __init__(self, wire: socket.socket) -> None:
        self._wire = wire
        self._reading = Reading()
        self._looks = select.poll()
        self._looks.register(wire, select.POLLIN)

    def is_silent(self) -> bool:
        """Whether the server has neither closed it nor sent what nobody asked for."""
        return not self._looks.poll(0)

    def exchange(self, request: bytes, allowance: Allowance) -> Reading:
        """Send, and read until the answer is complete."""
        rest = memoryview(request)
        while rest:
            self._wire.settimeout(allowance.left())
            rest = rest[self._wire.send(rest) :]
        reading = self._reading
        reading.begin()
        while not reading.complete:
            piece = self._received(allowance)
            if piece:
                reading.feed(piece)
            else:
                reading.end()
        return reading

    def _received(self, allowance: Allowance) -> bytes:
        """What has come; nothing where the server has closed its side."""
        self._wire.settimeout(allowance.left())
        piece = self._wire.recv(PIECE)
        allowance.take(len(piece))
        return piece

    def close(self) -> None:
        self._wire.close()


def headers_of(address: Address) -> str:
    """The lines that are the same in every request."""
    parts = urlsplit(address.url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host.encode("idna").decode()
    if parts.port not in (None, PORTS[parts.scheme]):
        host += f":{parts.port}"
    made = {name.lower(): (name, value) for name, value in {"Host": host, **HEADERS}.items()}
    made |= {name.lower(): (name, value) for name, value in address.headers}
    if address.authorization is not None:
        made["authorization"] = ("Authorization", address.authorization)
    return "".join(f"{name}: {value}\r\n" for name, value in made.values())


def _context(address: Address) -> ssl.SSLContext:
    """How TLS is spoken with the server. Without a word about it, `requests` says whom to trust."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["http/1.1"])
    if address.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif address.ca_cert:
        context.load_verify_locations(address.ca_cert)
    else:
        from requests.utils import DEFAULT_CA_BUNDLE_PATH

        context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    if address.client_cert is not None:
        context.load_cert_chain(address.client_cert)
    return context


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
