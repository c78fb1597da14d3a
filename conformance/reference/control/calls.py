"""What clients have asked: each call, and what it was answered, for who wants to hear of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    Hear = Callable[["Call"], None]


@dataclass(frozen=True, slots=True)
class Call:
    """A call that is over. `at`, `ended`: seconds of the monotonic clock.

    `path`: with its query. `asked`: the body that came with it. `answer`: the body of the answer;
    `status`: None = there was none.
    """

    at: float
    ended: float
    method: str
    path: str
    asked: bytes
    status: int | None
    answer: bytes


class Calls:
    """Tells each call to those that listen, on the thread of the server, when it was answered."""

    def __init__(self) -> None:
        self._listeners: tuple[Hear, ...] = ()

    def listen(self, hear: Hear) -> None:
        """From now on `hear` is told each call; it must be short, and not raise."""
        self._listeners = (*self._listeners, hear)

    @property
    def heard(self) -> bool:
        """Whether anybody listens."""
        return bool(self._listeners)

    def tell(self, call: Call) -> None:
        """A call is over."""
        for hear in self._listeners:
            hear(call)


class Heard:
    """The application, whose calls are told."""

    def __init__(self, app: ASGIApp, calls: Calls) -> None:
        self._app = app
        self._calls = calls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the life of the server."""
        if scope["type"] != "http" or not self._calls.heard:
            await self._app(scope, receive, send)
            return
        overheard = _Overheard(scope, receive, send)
        try:
            await self._app(scope, overheard.receive, overheard.send)
        finally:
            self._calls.tell(overheard.call())


@dataclass
class _Overheard:
    """A call under way: `receive` and `send` of the application, which are listened to."""

    scope: Scope
    _receive: Receive
    _send: Send
    _at: float = field(default_factory=time.monotonic)
    _asked: list[bytes] = field(default_factory=list)
    _answer: list[bytes] = field(default_factory=list)
    _status: int | None = None
    _sent: bool = False

    async def receive(self) -> Message:
        """What comes from the client."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._asked.append(message.get("body", b""))
        return message

    async def send(self, message: Message) -> None:
        """What goes to the client."""
        await self._send(message)
        if message["type"] == "http.response.start":
            self._status = message["status"]
        else:
            self._answer.append(message.get("body", b""))
            self._sent = not message.get("more_body", False)

    def call(self) -> Call:
        """All of it."""
        query = self.scope["query_string"].decode("latin-1")
        return Call(
            self._at,
            time.monotonic(),
            self.scope["method"],
            self.scope["path"] + (f"?{query}" if query else ""),
            b"".join(self._asked),
            self._status if self._sent else None,
            b"".join(self._answer),
        )
