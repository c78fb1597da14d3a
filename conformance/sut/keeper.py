"""The process that starts the servers of the kit, and ends them when the kit has gone.

    python -m conformance.sut.keeper FD

or a fork of the kit (`conformance.sut.processes`).

The kit may be killed at any moment. So each server is started by a process of its own, which was
told of its folder before that was made: when FD, a socket to the kit, is at its end, it kills what
is left of its servers, removes their folders, and ends itself. It leads a session of its own,
because what ends a terminal, or a job of some CI, is sent to a whole group of processes.

It also makes a server that is written in Python start fast: it imports the module once, and then
forks, which is safe in a process of one thread. The fork is a process like any other; it runs the
module's ``main``, in a session of its own, and never returns here.

Each request is a line of JSON (`conformance.sut.processes` sends them):

- ``{"folder": PATH}``: remove it at the end.
- ``{"start": ID, "words": [...], "module": NAME or null, "cwd": PATH}``, with four descriptors, in
  the order of `Descriptors`. The answer is a line too: ``{"start": ID, "pid": N}``, or
  ``{"start": ID, "errno": N, "error": TEXT}``. When the process has ended, its status is written.
- ``{"forget": PID}``: it has been ended. Until then its number is nobody else's.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from conformance.timing import TIMING

LONGEST = 65536  # bytes that are read at once
QUIET = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # it ends when the kit does, and not before


class Descriptors(NamedTuple):
    """What comes with a request to start a process, and goes by its side.

    ``held``: the end of a pipe for the process and its children to hold. ``alive``: the other end,
    where it is seen that they are gone. ``status``: where its status is written to, in digits.
    ``log``: its standard output and error.
    """

    held: int
    alive: int
    status: int
    log: int


@dataclass
class Child:
    """A process that was started. ``popen``: None for a fork."""

    pid: int
    alive: int
    status: int
    popen: subprocess.Popen[bytes] | None = None
    ended: bool = False
    forgotten: bool = False

    def look(self) -> None:
        """Write down its status when it has ended; it stays a zombie, so that it keeps its pid."""
        if self.ended:
            return
        found = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if found is not None:
            self.ended = True
            code = found.si_status if found.si_code == os.CLD_EXITED else -found.si_status
            with contextlib.suppress(OSError):  # the kit does not listen any more
                os.write(self.status, str(code).encode())

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # another user's: sudo
            os.killpg(self.pid, signal.SIGKILL)

    def reap(self) -> None:
        if self.popen is None:
            os.waitpid(self.pid, 0)
        else:
            self.popen.wait()

    def close(self) -> None:
        os.close(self.alive)
        os.close(self.status)


@dataclass
class Keeping:
    """What it knows. ``wakes``: the ends of a pipe that is written to when a child has ended."""

    kit: socket.socket
    wakes: tuple[int, int]
    children: dict[int, Child] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    unread: bytes = b""
    given: list[int] = field(default_factory=list)  # descriptors whose request is not read yet

    def run(self) -> Callable[[], int]:
        """Serve until the kit has gone, and raise `EOFError`; a fork returns what it is to run."""
        try:
            while (work := self._next()) is None:
                pass
        except BaseException:
            self._end()
            raise
        return work

    def _next(self) -> Callable[[], int] | None:
        ready, _, _ = select.select([self.kit.fileno(), self.wakes[0]], [], [])
        if self.wakes[0] in ready:
            os.read(self.wakes[0], LONGEST)
            self._look()
        if self.kit.fileno() in ready:
            try:
                received = socket.recv_fds(self.kit, LONGEST, len(Descriptors._fields))
            except ConnectionResetError:  # it has gone without reading our last answer
                raise EOFError from None
            data, descriptors, _, _ = received
            if not data:
                raise EOFError
            self.given += descriptors
            *lines, self.unread = (self.unread + data).split(b"\n")
            for line in lines:
                if (work := self._serve(json.loads(line))) is not None:
                    return work
        return None

    def _serve(self, asked: dict[str, Any]) -> Callable[[], int] | None:
        if "folder" in asked:
            self.folders.append(asked["folder"])
        elif "forget" in asked:
            self.children[asked["forget"]].forgotten = True
            self._look()
        else:
            given = Descriptors(*(self.given.pop(0) for _ in Descriptors._fields))
            try:
                answer = self._start(given, asked["words"], asked["module"], asked["cwd"])
            except (OSError, ImportError) as error:
                number = error.errno if isinstance(error, OSError) else 0
                text = getattr(error, "strerror", None) or str(error)
                answer = {"errno": number, "error": text}
                for descriptor in given:
                    os.close(descriptor)
            if callable(answer):
                return answer
            with contextlib.suppress(OSError):  # the kit has gone, which is seen next
                self.kit.sendall(f"{json.dumps({'start': asked['start'], **answer})}\n".encode())
        return None

    def _start(
        self, given: Descriptors, words: list[str], module: str | None, cwd: str
    ) -> dict[str, Any] | Callable[[], int]:
        """Start a process; in a fork, return what it is to run."""
        popen = None
        if module is None:
            popen = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=given.log,
                stderr=given.log,
                cwd=cwd,
                pass_fds=(given.held,),
                start_new_session=True,
            )
            pid = popen.pid
        else:
            imported = importlib.import_module(module)
            gc.freeze()  # so that the pages of what was imported stay shared
            pid = fork()
            if pid == 0:
                return lambda: self._become(given, imported.main, words, cwd)
        os.close(given.held)
        os.close(given.log)
        self.children[pid] = Child(pid, given.alive, given.status, popen)
        return {"pid": pid}

    def _become(
        self, given: Descriptors, main: Callable[[list[str]], int], words: list[str], cwd: str
    ) -> int:
        """Be another process, which is as if it had been started; its status."""
        self._let_go()
        for standard in (1, 2):
            os.dup2(given.log, standard)
        for descriptor in (given.alive, given.status, given.log):
            os.close(descriptor)
        os.chdir(cwd)
        return main(words)

    def _let_go(self) -> None:
        """Of all descriptors that are the keeper's, in a fork of it."""
        self.kit.close()
        for descriptor in (*self.wakes, *self.given):
            os.close(descriptor)
        for child in self.children.values():
            child.close()

    def _look(self) -> None:
        for child in list(self.children.values()):
            child.look()
            if child.ended and child.forgotten:
                child.reap()
                child.close()
                del self.children[child.pid]

    def _end(self) -> None:
        """Kill all, see their ends, and remove the folders."""
        for child in self.children.values():
            child.kill()
        deadline = time.monotonic() + TIMING.killed_end
        waits = {child.alive for child in self.children.values()}
        while waits and (left := deadline - time.monotonic()) > 0:
            waits -= set(select.select(waits, [], [], left)[0])
        for folder in self.folders:
            shutil.rmtree(folder, ignore_errors=True)


def fork() -> int:
    """A fork with a session of its own, which signals end: 0 in it, and its pid here.

    It has the session when this returns, and nothing that is sent to the old group reaches it.
    """
    begun, begins = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in (*QUIET, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.close(begins)
    if pid != 0:
        os.read(begun, 1)  # its end: from now on the kit may send it signals
    os.close(begun)
    return pid


def keep(wire: int) -> int:
    """Its status, or that of what a fork of it has become. ``wire``: the socket to the kit."""
    wakes = os.pipe()
    os.set_blocking(wakes[1], False)
    signal.set_wakeup_fd(wakes[1])
    for number in (*QUIET, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)  # a handler, because SIG_IGN would be inherited
    try:
        work = Keeping(socket.socket(fileno=wire), wakes).run()
    except EOFError:
        return 0
    return work()


if __name__ == "__main__":
    sys.exit(keep(int(sys.argv[1])))
