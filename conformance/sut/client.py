"""The HTTP client of a server under test.

It follows no redirect, takes nothing from the environment, bounds every answer in size and
in time, and sends a request that changes something at most once: a kept-alive connection
that has idled is replaced before it is used for one, because Orthanc closes it after about a
second, and a request that broke half-way is reported, not repeated. A reading may be repeated
once. No password is shown by any text that is made here.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import Any

from conformance.errors import AnswerTooLarge, NotAnswered, TimeOver, Unjudged
from conformance.sut.address import Address
from conformance.sut.answer import TooLarge, Undecodable
from conformance.sut.reply import LARGEST, SHOWN, Reply
from conformance.sut.transport import Transport
from conformance.talk import Talk
from conformance.text import hidden, one_line
from conformance.timing import TIMING

OVER = "there is no time left to ask"
HEADERS = ("Location", "Content-Type", "Content-Disposition")  # of an answer, which are kept
# Of an id of the server's as well: it must not lead out of where it is put.
_PATH = re.compile(r"(?!.*/\.\.?(?:[/?]|$))/[!$&'()*+,;=:@%/?._~0-9A-Za-z-]*")


# Entered before a request is sent, and left when it was answered. ``(method, path)``. It raises
# `Unjudged` for one that must not be sent.
Permit = Callable[[str, str], AbstractContextManager[None]]


# Asked for every answer, with the client, the method, the path and what was sent; it may raise
# `Unjudged`.
Judge = Callable[["Client", str, str, Any, "Reply"], "Reply"]


def _as_it_is(_: Client, __: str, ___: str, ____: Any, reply: Reply) -> Reply:
    return reply


def _always(_: str, __: str) -> AbstractContextManager[None]:
    return nullcontext()


def _json(body: Any) -> bytes:
    return b"" if body is None else json.dumps(body).encode()


class Broken(Exception):
    """The connection broke before the answer was complete. ``cause`` is what was raised."""

    def __init__(self, cause: Exception, secrets: tuple[str, ...]) -> None:
        self.cause = cause
        super().__init__(hidden(_cause(cause), secrets))


class Client:
    """Requests to one server; not for use by several threads.

    ``timeout``: seconds for all of one answer, from before the connection is made. ``permit``:
    asked for every request, but for those of `read` and `again`; ``judge``: for every answer to
    them. ``talk``: keeps all of them.
    """

    def __init__(
        self,
        address: Address,
        timeout: float = 10.0,
        permit: Permit = _always,
        judge: Judge = _as_it_is,
        talk: Talk | None = None,
    ) -> None:
        self.address = address
        self.timeout = timeout
        self.permit = permit
        self.judge = judge
        self.talk = Talk() if talk is None else talk
        self.ends = math.inf  # by the monotonic clock: afterwards nothing is sent any more
        self.waited = 0.0  # seconds for answers
        self.requests = 0
        self._transport = Transport(address, LARGEST)
        self._used = 0.0
        self._secrets = address.secrets

    @property
    def connections(self) -> int:
        """How many connections were made so far: a server that is started again needs a new one."""
        return self._transport.connections

    def beside(self) -> Client:
        """Another one to the same server, for another thread: no more is permitted to it."""
        made = Client(self.address, self.timeout, self.permit, self.judge, self.talk)
        made.ends = self.ends
        return made

    def begin(self, method: str, path: str, body: Any = None) -> Callable[[], Reply]:
        """Ask leave for a request, and return what sends it, once. Raises `Unjudged`."""
        permitted = ExitStack()
        permitted.enter_context(self.permit(method, path))

        def send() -> Reply:
            with permitted:
                change = method != "GET"
                reply = self._change(method, path, body) if change else self._get(path)
                return self.judge(self, method, path, body, reply)

        return send

    def get(self, path: str) -> Reply:
        """A reading. A broken connection is tried once more. Raises `Unjudged`."""
        return self.request("GET", path)

    def post(self, path: str, body: Any = None) -> Reply:
        return self.request("POST", path, body)

    def put(self, path: str, body: Any) -> Reply:
        return self.request("PUT", path, body)

    def delete(self, path: str) -> Reply:
        return self.request("DELETE", path)

    def request(self, method: str, path: str, body: Any = None) -> Reply:
        """A request by any method: a reading for GET, a change for every other."""
        return self.begin(method, path, body)()

    def _get(self, path: str) -> Reply:
        try:
            return self.read(path)
        except Broken as error:
            raise Unjudged(f"GET {path}: {error}") from None

    def read(self, path: str) -> Reply:
        """As `get`, but raises `Broken` where the connection broke twice."""
        began = time.monotonic()
        try:
            return self._send("GET", path, None, self.timeout)
        except Broken:
            pass
        return self._send("GET", path, None, began + self.timeout - time.monotonic())

    def again(self, method: str, path: str, body: Any = None) -> Reply:
        """A request that was permitted and answered, once more. Raises `Broken`, `Unjudged`."""
        change = method != "GET"
        return self._send(method, path, body, self.timeout) if change else self.read(path)

    def _change(self, method: str, path: str, body: Any) -> Reply:
        """A change, sent once. Raises `Unjudged` where its answer did not come."""
        if time.monotonic() - self._used > TIMING.idle:
            self._transport.close()
        try:
            return self._send(method, path, body, self.timeout)
        except Broken as error:
            raise Unjudged(f"{method} {path}: {error}") from None

    def _send(self, method: str, path: str, body: Any, seconds: float) -> Reply:
        """One request. Raises `Broken`, and `Unjudged` where the answer passed its bounds."""
        if not _PATH.fullmatch(path):
            raise Unjudged(f"{method}: the server gave a name that is no part of a URL")
        began = time.monotonic()
        if began > self.ends:
            raise TimeOver(OVER)
        self.requests += 1
        sent = body if isinstance(body, bytes) else _json(body)
        try:
            answer = self._transport.exchange(method, path, sent, min(seconds, self.ends - began))
        except TimeoutError:
            if time.monotonic() > self.ends:  # so it had not the time that it may take
                raise TimeOver(OVER) from None
            text = f"{method} {path}: not answered within {self.timeout:g} s"
            raise NotAnswered(text) from None
        except TooLarge:
            text = f"{method} {path}: an answer of more than {LARGEST} bytes"
            raise AnswerTooLarge(text) from None
        except (OSError, Undecodable) as error:
            raise Broken(error, self._secrets) from None
        finally:
            self._used = time.monotonic()
            self.waited += self._used - began
        self.talk.call(method, path, sent, began, (answer.status, answer.body))
        headers = {
            name: one_line(hidden(answer.headers[name.lower()], self._secrets))[:SHOWN]
            for name in HEADERS
            if name.lower() in answer.headers
        }
        return Reply(answer.status, answer.body, headers, self._secrets)

    def move(self, address: Address) -> None:
        """The server has been started again, at another port."""
        self._transport.move(address)
        self.address = address

    def close(self) -> None:
        self._transport.close()


def _cause(error: BaseException) -> str:
    """The innermost reason of an error, in one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    strerror = getattr(error, "strerror", None)
    text = strerror if isinstance(strerror, str) and strerror else str(error)
    return one_line(text)[:SHOWN] or type(error).__name__
