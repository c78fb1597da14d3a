"""Servers that the kit starts and stops itself: an Orthanc, or the reference server.

Each gets free loopback ports and a folder of its own. Paths are given to it as its command
sees them, which under ``chroot DIR Orthanc {config}`` is by other names than ours. Each bears a
name that no other server has, so that nobody else is taken for it who got its port.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

from conformance.errors import BadArgument, NoServer, ServerDied
from conformance.sut.address import Address
from conformance.sut.client import Client, printable
from conformance.sut.identity import System, identify

STARTS = 30.0  # seconds that a server may take until it answers
STOPS = 10.0  # seconds that it may take to end after SIGTERM
LINGERS = 2.4  # seconds after SIGTERM in which an Orthanc still runs jobs, and then saves them
LINGERS_BRIEFLY = 0.15  # the same, of a reference server that saves each change at once
SAVED = 0.5  # seconds after which a new job is on the disk; 100 ms are promised
SAVED_BRIEFLY = 0.15  # the same, of a reference server
PERIOD = 12.0  # seconds after which all that has happened is on the disk; 10 s are promised
LAST = 5.0  # seconds after SIGKILL
TICK = 0.01  # seconds between two looks at a starting server
LOG_END = 2000  # characters of the log that are shown when a server dies

ANSWERS = 5.0  # seconds that a starting server may take for one answer
ORTHANC = "Orthanc {config}"
FAR_ZONE = "XXX-14"  # the time zone of a server, unless the environment names one: far from UTC
NO_JOBS = "--no-jobs"
WAIT = "--wait"  # of the reference server: begin when told to, on standard input
NOTHING: Mapping[str, Any] = MappingProxyType({})
DEFAULTS: dict[str, Any] = {
    "ConcurrentJobs": 2,
    "JobsHistorySize": 10,
    "SaveJobs": True,
    "HttpTimeout": 600,
    "LimitJobs": 0,  # where a server heeds it, a full queue would hold back cases of other things
}


@dataclass(frozen=True, slots=True)
class _Child:
    """A process, and the end of a pipe that tells when it and all its children are gone."""

    process: subprocess.Popen[bytes]
    alive: int

    def go(self, more: Sequence[str]) -> bool:
        """Let one that waits begin, with ``more`` arguments; whether it was still there."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(f"{shlex.join(more)}\n".encode())
            self.process.stdin.close()
        except OSError:
            self.end()
            return False
        return True

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        if self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(LAST)
        os.close(self.alive)


class Managed:
    """A server of our own. ``config`` holds the Orthanc configuration keys that differ from ours.

    The command runs in a session of its own, in the folder of its files if it is ``inside``.
    With ``ahead`` it understands ``--wait``: once the server has been started again, the process
    of its next life is made while this one goes on, and waits on its standard input.
    Use it with ``with``; then `address` answers. Raises `BadArgument` where the command cannot
    be run, and `NoServer` where it ends or does not answer within `STARTS` seconds.
    """

    def __init__(
        self,
        command: Sequence[str],
        config: Mapping[str, Any] | None = None,
        workdir: Path | None = None,
        inside: bool = False,
        lingers: float = LINGERS,
        saved: float = SAVED,
        period: float = PERIOD,
        ahead: bool = False,
    ) -> None:
        self.command = list(command)
        self.config = {**DEFAULTS, **(config or {})}
        self.lingers = lingers  # seconds after SIGTERM until it has saved its jobs
        self.saved = saved  # seconds after which a new job is saved
        self.period = period  # seconds after which everything is saved
        self._ahead = ahead
        self._next: _Child | None = None
        self._parent = workdir
        self._inside = inside
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None
        self._alive = -1  # a pipe that is at its end when no process of the server is left
        self._lived = False
        self._name = ""  # of this life
        self.port = 0

    def __enter__(self) -> Managed:
        try:
            if self._folder is None:
                self.prepare()
            self._await_answer()
        except BaseException:
            self.__exit__()
            raise
        return self

    def prepare(self) -> None:
        """Let its process begin, without waiting for an answer. Raises `BadArgument`."""
        try:
            self._folder = Path(tempfile.mkdtemp(prefix="orthanc-jobs-", dir=self._parent))
        except OSError as error:
            raise BadArgument(
                f"cannot make a folder for the server: {error.filename}: {error.strerror}.\n"
                "Name one that can be written to, and that the server sees, with --workdir."
            ) from None
        self._begin()

    def __exit__(self, *_: object) -> None:
        self.dismiss()
        self.reap(STOPS)

    def renew(self) -> System:
        """Kill it, and start it again with an empty database."""
        assert self._folder is not None
        self.kill()
        shutil.rmtree(self._folder / "database", ignore_errors=True)
        return self.start()

    def dismiss(self) -> None:
        """Ask it to end, and do not wait: an Orthanc takes some seconds to think about it."""
        if self._process is not None:
            self._signal(signal.SIGTERM)

    def reap(self, seconds: float) -> None:
        """Wait up to ``seconds`` for the end of a dismissed server, then make it end."""
        if self._next is not None:
            self._next.end()
            self._next = None
        self._end(seconds)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def address(self) -> Address:
        return Address(f"http://127.0.0.1:{self.port}")

    def start(
        self, changed: Mapping[str, Any] = NOTHING, loads: bool = True, port: int | None = None
    ) -> System:
        """Start it (again), and wait until it answers: at a free port, or at ``port``.

        ``changed``: Orthanc configuration keys for this life of it only. ``loads``: False leaves
        its earlier jobs alone (``--no-jobs``). Raises `BadArgument` where that cannot be said.
        """
        self._begin(changed, loads, port)
        return self._await_answer()

    def _begin(
        self, changed: Mapping[str, Any] = NOTHING, loads: bool = True, port: int | None = None
    ) -> None:
        assert self._folder is not None
        free, dicom = _free_ports()
        self.port = free if port is None else port
        self._name = f"orthanc-jobs {secrets.token_hex(4)}"
        seen = _seen_by(self.command, self._folder)
        settings = {
            "Name": self._name,
            "HttpPort": self.port,
            "DicomPort": dicom,
            "StorageDirectory": f"{seen}/database",
            "IndexDirectory": f"{seen}/database",
            "Plugins": [],
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            **self.config,
            **changed,
        }
        try:
            (self._folder / "database").mkdir(exist_ok=True)
            (self._folder / "orthanc.json").write_text(json.dumps(settings, indent=2) + "\n")
            log = (self._folder / "log").open("ab")
        except OSError as error:
            raise BadArgument(f"cannot write to {self._folder}: {error.strerror}") from None
        words = [
            word.replace("{config}", f"{seen}/orthanc.json").replace("{workdir}", seen)
            for word in self.command
        ]
        if not loads and "{config}" not in self.command:
            raise BadArgument(f"--no-jobs cannot be given to {shlex.join(self.command)}")
        more = () if loads else (NO_JOBS,)
        again, self._lived = self._lived, True
        with log:
            self._run(words, more, log)
            if self._ahead and again:
                self._next = self._child([*words, WAIT], log, subprocess.PIPE)

    def _run(self, words: Sequence[str], more: Sequence[str], log: IO[bytes]) -> None:
        self._forget()
        child, self._next = self._next, None
        if child is None or not child.go(more):
            child = self._child([*words, *more], log)
        self._process, self._alive = child.process, child.alive

    def _child(
        self, words: Sequence[str], log: IO[bytes], stdin: int = subprocess.DEVNULL
    ) -> _Child:
        alive, theirs = os.pipe()
        try:
            process = subprocess.Popen(
                words,
                stdin=stdin,
                stdout=log,
                stderr=log,
                cwd=self._folder if self._inside else None,
                pass_fds=(theirs,),
                env={"TZ": FAR_ZONE, **os.environ},
                start_new_session=True,  # a Ctrl-C is for the kit, which then stops the server
            )
        except OSError as error:
            os.close(alive)
            raise BadArgument(
                f"cannot start {words[0]!r}: {error.strerror}.\n"
                "Install Orthanc (Debian: apt-get install orthanc), or give --server-command."
            ) from None
        finally:
            os.close(theirs)
        return _Child(process, alive)

    def _await_answer(self) -> System:
        deadline = time.monotonic() + STARTS
        client = Client(self.address, timeout=min(ANSWERS, STARTS))
        try:
            while True:
                try:
                    if (system := identify(client)).name == self._name:
                        return system
                    why = "another server has its port"
                except NoServer as error:
                    why = str(error).splitlines()[0]
                self._wait(TICK)
                if time.monotonic() > deadline:
                    raise NoServer(
                        f"the server did not answer within {STARTS:g} s: {why}\n{self._log_end()}"
                    )
        except ServerDied as died:
            raise NoServer(
                f"the server ended by itself with status {died.status} while it started.\n"
                f"{self._log_end()}"
            ) from None
        finally:
            client.close()

    def _log_end(self) -> str:
        log = self.log()
        return f"The end of its log:\n{log}" if log else "It wrote no log."

    def _wait(self, seconds: float) -> None:
        """Wait; raises `ServerDied` as soon as it has ended."""
        assert self._process is not None
        if self._gone(seconds):
            with contextlib.suppress(subprocess.TimeoutExpired):  # it may have closed our pipe
                self._process.wait(seconds)
        self.check()

    def check(self) -> None:
        """Raise `ServerDied` if it has ended by itself."""
        if self._process is not None and (status := self._process.poll()) is not None:
            raise ServerDied(status, self.log())

    def log(self) -> str:
        """The end of what the server wrote."""
        if self._folder is None:
            return ""
        try:
            with (self._folder / "log").open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - LOG_END))
                text = file.read(LOG_END).decode("utf-8", "replace")
        except OSError:
            return ""
        return "\n".join(printable(line) for line in text.strip().splitlines())

    def stop(self) -> None:
        """SIGTERM, and SIGKILL for what has not ended after `STOPS` seconds."""
        self.dismiss()
        self._end(STOPS)

    def ended(self) -> bool:
        """Whether all its processes have ended, after it was told to."""
        if self._process is None:
            return True
        if self._process.poll() is None:
            return False
        return self._gone(0.0)

    def status(self) -> int | None:
        """With which status it has ended; None while it runs."""
        return None if self._process is None else self._process.poll()

    def _end(self, seconds: float) -> None:
        """Wait for the end of all its processes: the command may be a shell's that ends first."""
        if self._process is None:
            return
        deadline = time.monotonic() + seconds
        self._gone(seconds)
        with contextlib.suppress(subprocess.TimeoutExpired):  # it may have closed our pipe
            self._process.wait(max(0.0, deadline - time.monotonic()))
        self.kill()

    def _gone(self, seconds: float) -> bool:
        """Wait up to ``seconds`` until no process of it is left to hold our pipe; whether so."""
        return bool(select.select([self._alive], [], [], seconds)[0])

    def kill(self) -> None:
        """SIGKILL to what is left, and wait for the end."""
        if self._process is None:
            return
        self._signal(signal.SIGKILL)
        if self._gone(LAST):  # it may not be ours to kill
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(LAST)
        self._process = None
        self._forget()

    def _forget(self) -> None:
        if self._alive >= 0:
            os.close(self._alive)
            self._alive = -1

    def _signal(self, number: signal.Signals) -> None:
        """To the whole session that was started, since the command may be a shell's."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError, PermissionError):  # another user's: sudo
            os.killpg(self._process.pid, number)


def orthanc(
    template: str | None = None,
    config: Mapping[str, Any] | None = None,
    workdir: Path | None = None,
) -> Managed:
    """An Orthanc from PATH, or started by ``template``. Raises `BadArgument`."""
    command = words(ORTHANC if template is None else template)
    if workdir is None and (root := _chroot(command)) is not None:
        workdir = root / "tmp"
    return Managed(command, config, workdir)


def reference(
    config: Mapping[str, Any] | None = None,
    workdir: Path | None = None,
    fault: str | None = None,
) -> Managed:
    """The reference server, with one planted ``fault`` if one is named.

    Nobody sends to its DICOM server, which takes its time to start and to end.
    """
    config = {"DicomServerEnabled": False, **(config or {})}
    command = [sys.executable, "-m", "conformance.reference", "--config", "{config}"]
    command += ["--fault", fault] if fault else []
    return Managed(
        command,
        config,
        workdir,
        inside=True,
        lingers=LINGERS_BRIEFLY,
        saved=SAVED_BRIEFLY,
        period=SAVED_BRIEFLY,
        ahead=True,
    )


def words(template: str) -> list[str]:
    """The words of a command template. Raises `BadArgument` where it cannot be split or used."""
    try:
        found = shlex.split(template)
    except ValueError as error:
        raise BadArgument(f"--server-command cannot be split into words: {error}") from None
    if not any("{config}" in word for word in found):
        raise BadArgument("--server-command must say where the configuration goes: {config}")
    return found


def _chroot(command: Sequence[str]) -> Path | None:
    """The folder that ``chroot DIR ...`` makes the root, or None for another command.

    Something may stand before it, as ``sudo`` or ``env``.
    """
    at = next((n for n, word in enumerate(command) if Path(word).name == "chroot"), None)
    if at is None:
        return None
    return next((Path(w).resolve() for w in command[at + 1 :] if not w.startswith("-")), None)


def _seen_by(command: Sequence[str], folder: Path) -> str:
    """The name of ``folder`` as the command will see it: shorter inside of a chroot."""
    root, here = _chroot(command), folder.resolve()
    if root is None or not here.is_relative_to(root) or (root / here.relative_to("/")).exists():
        return str(here)
    return f"/{here.relative_to(root)}"


def _free_ports() -> tuple[int, int]:
    """Two ports of the loopback address that nobody has."""
    with socket.socket() as one, socket.socket() as other:
        for probe in (one, other):
            probe.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1]), int(other.getsockname()[1])
