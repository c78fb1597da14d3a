"""Processes that end with the kit, however it ends: they are started by its keeper.

`conformance.sut.keeper` is the other side, and says what is sent. Where this process has no other
thread, its keeper is a fork of it, which has the imports done that it needs, and so have the forks
of that one: imports are most of what a short run costs. Else it is a new process.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from conformance.errors import KitError
from conformance.sut import keeper
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

    `close` ends it, and with it whatever it has started. ``forked``: whether it is a fork of this
    process; without a word, where that is safe.
    """

    def __init__(self, forked: bool | None = None) -> None:
        self._forked = forked
        self._see_end: Callable[[], object] | None = None
        self._wire: socket.socket | None = None
        self._unread = b""
        self._number = 0  # of the last request that wants an answer
        self._one = threading.Lock()

    def begin(self, modules: Iterable[str] = ()) -> None:
        """Begin it, where it has not begun. ``modules``: what more than one of its processes needs.

        A fork of this process has them imported once, and so have its own forks.
        """
        with self._one:
            self._begun(modules)

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
        if self._wire is None or self._see_end is None:
            return
        with self._wire, contextlib.suppress(OSError):
            self._wire.shutdown(socket.SHUT_WR)
            deadline = time.monotonic() + TIMING.keeper_ends
            while select.select([self._wire], [], [], max(0.0, deadline - time.monotonic()))[0]:
                if not self._wire.recv(LONGEST):
                    self._see_end()
                    break
        self._wire = self._see_end = None

    def _send(self, asked: Mapping[str, Any], descriptors: Sequence[int] = ()) -> None:
        wire = self._begun()
        try:
            data = f"{json.dumps(asked)}\n".encode()
            sent = socket.send_fds(wire, [data], descriptors) if descriptors else 0
            wire.sendall(data[sent:])
        except OSError:
            raise KitError("the process that starts the servers was ended from outside") from None

    def _begun(self, modules: Iterable[str] = ()) -> socket.socket:
        """Its end of the wire. ``modules``: what a fork of this process is to have."""
        if self._wire is None:
            ours, theirs = socket.socketpair()
            with theirs:
                alone = threading.active_count() == 1
                if alone if self._forked is None else self._forked:
                    for module in modules:
                        importlib.import_module(module)
                    self._see_end = _fork(theirs.fileno())
                else:
                    self._see_end = _new(theirs.fileno())
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


def _new(wire: int) -> Callable[[], object]:
    """Begin a keeper that is a new process; how its end is seen, when it has ended."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", keeper.__name__, str(wire)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(wire,),
        env={"TZ": FAR_ZONE, **os.environ},
        start_new_session=True,
    ).wait


def _fork(wire: int) -> Callable[[], object]:
    """Begin a keeper that is a fork of this process; how its end is seen, when it has ended."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()  # or what is still in them would be written twice
    if (pid := keeper.fork()) == 0:
        _become(wire)
    return lambda: os.waitpid(pid, 0)


def _become(wire: int) -> NoReturn:
    """Be the keeper, as if it had been started, and then what a fork of it becomes."""
    status = 1
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in map(int, os.listdir("/dev/fd")):
            # Not closed: objects that own these numbers may close them once more.
            if descriptor not in (wire, nothing):
                with contextlib.suppress(OSError):  # the one of the folder
                    os.fstat(descriptor)
                    os.dup2(nothing, descriptor, inheritable=descriptor < 3)
        sys.stdin, sys.stdout, sys.stderr = (
            os.fdopen(number, mode, closefd=False) for number, mode in enumerate("rww")
        )
        os.environ.setdefault("TZ", FAR_ZONE)
        time.tzset()
        status = keeper.keep(wire)
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def pair(ends: list[int]) -> tuple[int, int]:
    """A pipe whose two ends are noted in ``ends``, which are to be closed."""
    made = os.pipe()
    ends += made
    return made
