"""Servers that the kit starts and stops itself.

Each gets free loopback ports and a folder of its own, and bears a name that no other server has,
so that nobody else is taken for it who got its port. `conformance.sut.servers` says which there
are.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from conformance.errors import BadArgument, NoServer, ServerDied, ServerStopped
from conformance.sut.address import Address
from conformance.sut.client import Client
from conformance.sut.command import Command
from conformance.sut.identity import System, identify, with_plugins
from conformance.sut.ports import Ports
from conformance.sut.processes import Keeper, Process
from conformance.sut.profile import BY_DEFAULT
from conformance.text import shown
from conformance.timing import TIMING

KILLS = ", from a person, or from a system that was short of memory"
LOG_END = 2000  # characters of the log that are shown when a server dies

# How a server ends that was made to: by its status, which a shell gives as 128 and the signal.
OUTSIDE: Mapping[int, str] = MappingProxyType(
    {0: "it was told to end, and did"}
    | {
        status: f"it got {number.name}" + (KILLS if number is signal.SIGKILL else "")
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL)
        for status in (-number, 128 + number)
    }
)
CONFIGURATION = "orthanc.json"
NO_JOBS = "--no-jobs"
SCRIPTS = files("conformance.sut").joinpath("scripts")
NOTHING: Mapping[str, Any] = MappingProxyType({})
DEFAULTS: dict[str, Any] = {
    **BY_DEFAULT,  # said all the same: it is what a case says that differs
    "SaveJobs": True,
    "HttpTimeout": 600,
    "LimitJobs": 0,  # where a server heeds it, a full queue would hold back cases of other things
}


class Managed:
    """A server of our own. ``config`` holds the Orthanc configuration keys that differ from ours;
    None: its file has no such key.

    ``keeper`` starts its processes; without one it has one of its own, which ends with it.
    ``lingers``: seconds after SIGTERM until it has saved its jobs; ``saved``: after which a new
    job is saved; ``period``: after which everything is. ``waited``: seconds that cases have waited
    while neither they nor it did anything: `awaited`.
    Use it with ``with``; then `address` answers. Raises `BadArgument` where the command cannot
    be run, and `NoServer` where it ends or does not answer within `TIMING.starts` seconds.
    """

    def __init__(
        self,
        command: Command,
        config: Mapping[str, Any] | None = None,
        workdir: Path | None = None,
        *,
        keeper: Keeper | None = None,
        lingers: float = TIMING.lingers,
        saved: float = TIMING.saved,
        period: float = TIMING.saved_all,
    ) -> None:
        self.command = command
        self.config = {**DEFAULTS, **(config or {})}
        self.lingers, self.saved, self.period = lingers, saved, period
        self._keeper = Keeper() if keeper is None else keeper
        self._keeps = keeper is None
        self._parent = workdir
        self._process: Process | None = None
        self._folder: Path | None = None
        self._name = ""  # of this life
        self.waited = 0.0
        self._ports = Ports()
        self.port = self._dicom_port = 0

    def __enter__(self) -> Managed:
        self.answers()
        return self

    def answers(self) -> System:
        """See that it has begun, and answers; what it says that it is."""
        try:
            if self._folder is None:
                self.prepare()
            return self._await_answer()
        except BaseException:  # it has no jobs that it had to save, nor needs time to end
            self.dismiss()
            self.reap(TIMING.cut_short)
            raise

    def prepare(self) -> None:
        """Let its process begin, without waiting for an answer. Raises `BadArgument`."""
        # Not what `tempfile` finds: it tries a file there, which stays if it is killed meanwhile.
        parent = Path(os.environ.get("TMPDIR") or "/tmp") if self._parent is None else self._parent
        folder = parent.absolute() / f"orthanc-jobs-{secrets.token_hex(8)}"
        module = self.command.module
        self._keeper.begin([] if module is None else [module])
        self._keeper.folder(folder)
        try:
            folder.mkdir(mode=0o700)
        except OSError as error:
            raise BadArgument(
                f"cannot make a folder for the server: {error.filename}: {error.strerror}.\n"
                "Name one that can be written to, and that the server sees, with --workdir."
            ) from None
        self._folder = folder
        self._begin()

    def __exit__(self, *_: object) -> None:
        self.dismiss()
        self.reap(TIMING.stops)

    def renew(self) -> System:
        """Kill it, and start it again with an empty database."""
        assert self._folder is not None
        self.kill()
        shutil.rmtree(self._folder / "database", ignore_errors=True)
        return self.start()

    @contextmanager
    def awaited(self) -> Iterator[None]:
        """Within it a case waits for it to end, to save its jobs, or for time to pass in it."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.waited += time.monotonic() - began

    def dismiss(self) -> None:
        """Ask it to end, and do not wait: an Orthanc takes some seconds to think about it."""
        if self._process is not None:
            self._process.signal(signal.SIGTERM)

    def reap(self, seconds: float) -> None:
        """Wait up to ``seconds`` for the end of a dismissed server, then make it end."""
        self._end(seconds)
        self._ports.give_up()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        if self._keeps:
            self._keeper.close()

    @property
    def address(self) -> Address:
        return Address(f"http://127.0.0.1:{self.port}")

    def start(
        self, changed: Mapping[str, Any] = NOTHING, loads: bool = True, *, moves: bool = True
    ) -> System:
        """Start it (again), and wait until it answers: at another port, if it ``moves``.

        ``changed``: Orthanc configuration keys for this life of it only. ``loads``: False leaves
        its earlier jobs alone (``--no-jobs``). Raises `BadArgument` where that cannot be said.
        """
        self._begin(changed, loads, moves)
        return self._await_answer()

    def _begin(
        self, changed: Mapping[str, Any] = NOTHING, loads: bool = True, moves: bool = True
    ) -> None:
        assert self._folder is not None
        if moves:
            self._ports.give_up()
            self.port, self._dicom_port = self._ports.take(), self._ports.take()
        self._name = f"orthanc-jobs {secrets.token_hex(4)}"
        seen = self.command.seen(self._folder)
        settings = {
            "Name": self._name,
            "HttpPort": self.port,
            "DicomPort": self._dicom_port,
            "StorageDirectory": f"{seen}/database",
            "IndexDirectory": f"{seen}/database",
            "TemporaryDirectory": f"{seen}/temporary",  # what is left of a killed one goes with it
            "Plugins": [],
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            **self.config,
            **changed,
        }
        settings = {key: value for key, value in settings.items() if value is not None}
        try:
            for name in ("database", "temporary"):
                (self._folder / name).mkdir(exist_ok=True)
            (self._folder / CONFIGURATION).write_text(json.dumps(settings, indent=2) + "\n")
            self._put_scripts(settings.get("LuaScripts", ()))
            log = (self._folder / "log").open("ab")
        except OSError as error:
            raise BadArgument(f"cannot write to {self._folder}: {error.strerror}") from None
        words = self.command.filled(self._folder, CONFIGURATION)
        if not loads:
            if not self.command.takes_arguments():
                raise BadArgument(f"--no-jobs cannot be given to {self.command}")
            words.append(NO_JOBS)
        self._forget()
        with log:
            folder = self._folder if self.command.inside else Path.cwd()
            try:
                self._process = self._keeper.start(words, log.fileno(), folder, self.command.module)
            except OSError as error:
                raise BadArgument(
                    f"cannot start {words[0]!r}: {error.strerror}.\n"
                    "Install Orthanc (Debian: apt-get install orthanc), or give --server-command."
                ) from None

    def _put_scripts(self, names: Sequence[str]) -> None:
        """Put the Lua scripts that come with the kit where a configuration names them."""
        assert self._folder is not None
        for script in SCRIPTS.iterdir():
            if script.name in names:  # a server looks for it beside its configuration
                (self._folder / script.name).write_text(script.read_text())

    def _await_answer(self) -> System:
        deadline = time.monotonic() + TIMING.starts
        client = Client(self.address, timeout=min(TIMING.starting_answer, TIMING.starts))
        try:
            while True:
                try:
                    if (system := identify(client)).name == self._name:
                        return with_plugins(client, system)
                    why = "another server has its port"
                except NoServer as error:
                    why = str(error).splitlines()[0]
                self._wait(TIMING.look)
                if time.monotonic() > deadline:
                    late = f"the server did not answer within {TIMING.starts:g} s"
                    raise NoServer(f"{late}: {why}\n{self._log_end()}")
        except ServerStopped as stopped:
            raise NoServer(f"{stopped}, while it started.\n{self._log_end()}") from None
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
        if self._process.gone(seconds):
            self._process.wait(seconds)  # it may have closed our pipe, and go on
        self.check()

    def check(self, within: float = 0.0) -> None:
        """Raise `ServerDied` if it has ended by itself, or does so ``within`` so many seconds.

        Raise `ServerStopped` if somebody has ended it.
        """
        if self._process is None:
            return
        self._process.wait(within)
        if (status := self._process.status()) is not None:
            if (how := OUTSIDE.get(status)) is not None:
                raise ServerStopped(f"somebody has ended the server: {how}")
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
        return "\n".join(shown(line) for line in text.strip().splitlines())

    def stop(self) -> None:
        """SIGTERM, and SIGKILL for what has not ended after `TIMING.stops` seconds."""
        self.dismiss()
        self._end(TIMING.stops)

    def ended(self) -> bool:
        """Whether all its processes have ended, after it was told to."""
        return self._process is None or (self.status() is not None and self._process.gone(0.0))

    def status(self) -> int | None:
        """With which status it has ended; None while it runs."""
        return None if self._process is None else self._process.status()

    def _end(self, seconds: float) -> None:
        """Wait for the end of all its processes: the command may be a shell's that ends first."""
        if self._process is None:
            return
        deadline = time.monotonic() + seconds
        self._process.gone(seconds)
        self._process.wait(max(0.0, deadline - time.monotonic()))  # it may have closed our pipe
        self.kill()

    def kill(self) -> None:
        """SIGKILL to what is left, and wait for the end."""
        if self._process is None:
            return
        self._process.signal(signal.SIGKILL)
        if self._process.gone(TIMING.killed_end_longest):  # it may not be ours to kill
            self._process.wait(TIMING.killed_end_longest)
        self._forget()

    def _forget(self) -> None:
        if self._process is not None:
            self._process.forget()
            self._process = None
