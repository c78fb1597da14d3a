"""Answers that are late, wrong, or none at all: what a client meets on a bad day."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    HangUp = Callable[[object], None]

PREFIX = "/_control"
_NO_LINGER = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Disturbance:
    """What becomes of calls of `method` to `path`; both may have ``*`` in them.

    `times`: of so many calls, None = of all. `delay`: seconds that pass before anything else.
    `status`: it is answered instead. `reset`: the connection breaks, and nothing is answered.
    `done`: the call is done all the same, and only its answer is lost.
    """

    path: str = "*"
    method: str = "*"
    times: int | None = 1
    delay: float = 0.0
    status: int | None = None
    reset: bool = False
    done: bool = False

    def fits(self, method: str, path: str) -> bool:
        """Whether it is about such a call."""
        return fnmatchcase(method, self.method) and fnmatchcase(path, self.path)


class Disturbances:
    """Those that there are, the oldest first; any thread may change them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: list[tuple[Disturbance, int | None]] = []

    def add(self, disturbance: Disturbance) -> None:
        """One more."""
        with self._lock:
            self._left.append((disturbance, disturbance.times))

    def clear(self) -> None:
        """None any more."""
        with self._lock:
            self._left.clear()

    def take(self, method: str, path: str) -> Disturbance | None:
        """The one that a call meets; None: none."""
        with self._lock:
            for place, (disturbance, times) in enumerate(self._left):
                if disturbance.fits(method, path):
                    if times is not None:
                        self._left[place] = (disturbance, times - 1)
                    if times is not None and times <= 1:
                        del self._left[place]
                    return disturbance
            return None

    def count(self) -> int:
        """How many there are."""
        with self._lock:
            return len(self._left)


class Disturbed:
    """The application as its clients meet it. `hang_up` breaks the connection of a client."""

    def __init__(self, app: ASGIApp, disturbances: Disturbances, hang_up: HangUp) -> None:
        self._app = app
        self._disturbances = disturbances
        self._hang_up = hang_up

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the life of the server."""
        if scope["type"] != "http" or scope["path"].startswith(f"{PREFIX}/"):
            await self._app(scope, receive, send)
            return
        met = self._disturbances.take(scope["method"], scope["path"])
        if met is None:
            await self._app(scope, receive, send)
            return
        if met.delay:
            await _pass(met.delay)
        if met.status is None and not met.reset:
            await self._app(scope, receive, send)
            return
        if met.done:
            await self._app(scope, receive, _nowhere)
        if met.reset:
            self._hang_up(scope["client"])
            while (await receive())["type"] != "http.disconnect":
                pass  # of the body
        else:
            text = "This answer was asked for by control.\n"
            await PlainTextResponse(text, met.status or 503)(scope, receive, send)


async def _nowhere(message: Message) -> None:
    """Where an answer goes that is lost."""


async def _pass(seconds: float) -> None:
    """Let time pass."""
    loop = asyncio.get_running_loop()
    over: asyncio.Future[None] = loop.create_future()
    timer = loop.call_later(seconds, over.set_result, None)
    try:
        await over
    finally:
        timer.cancel()


def break_off(transport: asyncio.Transport) -> None:
    """Reset a connection: nothing that was to be sent is sent, and the other side sees an error."""
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    transport.abort()
