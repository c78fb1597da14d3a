"""Processes that end with the kit, however it ends: they are started by its keeper.

`conformance.sut.keeper` is the other side, and says what is sent.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.errors import KitError
from conformance.timing import TIMING

LONGEST = 65536  # bytes that are read at once
FAR_ZONE = "XXX-14"  # the time zone of a server, unless the environment names one: far from UTC


@dataclass(eq=False)
class Process:
    """A process of the keeper's, the first of a session of its own.

    ``alive``: a pipe that is at its end when no process of the session is left to hold it.
    """

    pid: int
    keeper: Keeper
    _alive: int
    _status: int
    _ended: int | None = None

    def status(self) -> int | None:
        """With which status it has ended, a signal as a negative number; None while it runs."""
        if self._ended is None and self.wait(0.0):
            digits = os.read(self._status, LONGEST)
            if not digits:
                raise KitError("the process that starts the servers was ended from outside")
            self._ended = int(digits)
        return self._ended

    def wait(self, seconds: float) -> bool:
        """Wait up to ``seconds`` for its end; whether it has ended."""
        return self._ended is not None or bool(select.select([self._status], [], [], seconds)[0])

    def gone(self, seconds: float) -> bool:
        """Wait up to ``seconds`` until no process of its session is left; whether so."""
        return bool(select.select([self._alive], [], [], seconds)[0])

    def signal(self, number: signal.Signals) -> None:
        """To its whole session, since it may be a shell."""
        with contextlib.suppress(ProcessLookupError, PermissionError):  # another user's: sudo
            os.killpg(self.pid, number)

    def forget(self) -> None:
        """It has ended, and nothing more is asked of it."""
        self.keeper.forget(self.pid)
        os.close(self._alive)
        os.close(self._status)


class Keeper:
    """The keeper of this process, which begins with the first thing that it is asked for.

    `close` ends it, and with it whatever it has started.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._wire: socket.socket | None = None
        self._unread = b""
        self._number = 0  # of the last request that wants an answer
        self._one = threading.Lock()

    def folder(self, path: Path) -> None:
        """A folder that is to be removed at the end. Say so before it is made."""
        with self._one:
            self._send({"folder": str(path)})

    def start(
        self, words: Sequence[str], log: int, folder: Path, module: str | None = None
    ) -> Process:
        """Start a process in ``folder``, whose output goes to the descriptor ``log``.

        ``words`` are its command, or what ``main`` of the ``module`` is called with, in a fork.
        Raises `OSError` where there is no such command, and `KitError`.
        """
        ends: list[int] = []
        try:
            with self._one:
                alive, held = pair(ends)
                status, tells = pair(ends)
                self._number += 1
                asked = {"start": self._number, "words": list(words), "module": module}
                self._send({**asked, "cwd": str(folder)}, (held, alive, tells, log))
                answer = self._answer()
                if "error" in answer:
                    raise OSError(answer["errno"], answer["error"])
                ends[:] = [held, tells]
                return Process(answer["pid"], self, alive, status)
        finally:
            for end in ends:
                os.close(end)

    def forget(self, pid: int) -> None:
        with self._one, contextlib.suppress(KitError):  # it has forgotten everything
            self._send({"forget": pid})

    def close(self) -> None:
        """End it, and all that it has started and that was not ended yet."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(TIMING.keeper_ends)
            self._process = None

    def _send(self, asked: Mapping[str, Any], descriptors: Sequence[int] = ()) -> None:
        wire = self._begun()
        try:
            data = f"{json.dumps(asked)}\n".encode()
            sent = socket.send_fds(wire, [data], descriptors) if descriptors else 0
            wire.sendall(data[sent:])
        except OSError:
            raise KitError("the process that starts the servers was ended from outside") from None

    def _begun(self) -> socket.socket:
        if self._wire is None:
            ours, theirs = socket.socketpair()
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "conformance.sut.keeper", str(theirs.fileno())],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    env={"TZ": FAR_ZONE, **os.environ},
                    start_new_session=True,
                )
            self._wire, self._unread = ours, b""
        return self._wire

    def _answer(self) -> dict[str, Any]:
        """The answer to the last request; one to a request that was interrupted is dropped."""
        assert self._wire is not None
        deadline = time.monotonic() + TIMING.begins
        while True:
            line, end, rest = self._unread.partition(b"\n")
            if end:
                self._unread = rest
                found: dict[str, Any] = json.loads(line)
                if found["start"] == self._number:
                    return found
                continue
            left = max(0.0, deadline - time.monotonic())
            if not select.select([self._wire], [], [], left)[0]:
                raise KitError(f"no process could be started within {TIMING.begins:g} s")
            data = self._wire.recv(LONGEST)
            if not data:
                raise KitError("the process that starts the servers was ended from outside")
            self._unread += data


def pair(ends: list[int]) -> tuple[int, int]:
    """A pipe whose two ends are noted in ``ends``, which are to be closed."""
    made = os.pipe()
    ends += made
    return made
