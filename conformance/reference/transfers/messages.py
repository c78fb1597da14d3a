"""The requests of one run of a transfer to its peer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.reference.errors import ErrorCode
from conformance.reference.job import CutOff, Failed, RetryAsked
from conformance.reference.peer_connection import (
    LONGEST_ANSWER,
    NoAnswer,
    PeerConnection,
    Reply,
    peer_headers,
)
from conformance.reference.transfers.options import RETRY_DELAY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from threading import Event
    from typing import TypeVar

    from conformance.reference.tasks.transfers import Transfer
    from conformance.reference.transfers.options import TransferOptions

    T = TypeVar("T")

SENDER = "sender-transfer-id"
JSON = "application/json"
BYTES = "application/octet-stream"


class NotDone(Exception):
    """A step is not done; `outcome` says how it has ended."""

    def __init__(self, outcome: Failed | RetryAsked | CutOff) -> None:
        super().__init__()
        self.outcome = outcome


def failed(details: str) -> NotDone:
    """A step has failed. A job of a plugin has one code for all that may go wrong (measured)."""
    return NotDone(Failed(ErrorCode.PLUGIN, details))


@dataclass(frozen=True, slots=True)
class Message:
    """A request. `path`: below the peer's address; `kind`: the Content-Type of its body.

    `timeout`: seconds, None = as of all; `longest`: bytes that the answer may have.
    """

    method: str
    path: str
    body: bytes | None = None
    kind: str = JSON
    timeout: float | None = None
    longest: int = LONGEST_ANSWER


class Messenger:
    """Sends the requests of a run of `task`, on as many connections as may be under way at once.

    `timeout`: seconds that a request may take, 0 = without limit; `stopping`: the server ends, so
    nothing is sent again.
    """

    def __init__(
        self, task: Transfer, options: TransferOptions, timeout: float, stopping: Event
    ) -> None:
        self._task = task
        self._stopping = stopping
        self._retries = options.max_http_retries
        self._timeout = timeout
        self._connections: dict[int, PeerConnection] = {}

    def close(self) -> None:
        """Hang up."""
        for connection in self._connections.values():
            connection.close()

    def ask(self, message: Message, line: int = 0) -> Reply:
        """Send `message` on the connection of this number, and again if that is allowed.

        Raises `NotDone` unless it is answered 200.
        """
        for _ in range(self._retries):
            try:
                return self._ask_once(message, line)
            except NotDone as error:
                if isinstance(error.outcome, RetryAsked):
                    raise
            if self._stopping.wait(RETRY_DELAY):
                raise NotDone(CutOff())
        return self._ask_once(message, line)

    def at_once(self, ask: Callable[[int, T], bytes], items: Sequence[T]) -> list[bytes]:
        """`ask` for each of the items, each on a connection of its own, whose number it is given.

        All have ended when this returns. Raises the `NotDone` of the first that has one.
        """
        if len(items) == 1:
            return [ask(0, items[0])]
        with ThreadPoolExecutor(len(items), "transfer") as pool:
            futures = [pool.submit(ask, line, item) for line, item in enumerate(items)]
        return [future.result() for future in futures]

    def _ask_once(self, message: Message, line: int) -> Reply:
        headers = {} if message.body is None else {"Content-Type": message.kind}
        headers |= peer_headers(self._task.peer) | {SENDER: self._task.sender_id}
        if line not in self._connections:
            self._connections[line] = PeerConnection(self._task.peer, self._timeout)
        try:
            reply = self._connections[line].send(
                message.method,
                message.path,
                message.body,
                headers,
                timeout=message.timeout,
                longest=message.longest,
            )
        except NoAnswer as error:
            raise failed(str(error)) from error
        outcome = reply.outcome(reply.status == 200, ErrorCode.PLUGIN)
        if isinstance(outcome, Failed | RetryAsked):
            raise NotDone(outcome)
        return reply
