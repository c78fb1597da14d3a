"""Servers that the kit starts and stops itself: an Orthanc, or the reference server.

Each gets free loopback ports and a folder of its own. Paths in its configuration are
relative to that folder, so that a command such as ``chroot DIR Orthanc {config}`` sees the
same files under other names.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from conformance.errors import BadArgument, NoServer, ServerDied
from conformance.servers.client import Address, Client, System, identify

STARTS = 30.0  # seconds that a server may take until it answers
STOPS = 10.0  # seconds that it may take to end after SIGTERM
TICK = 0.01  # seconds between two looks at a starting server
LOG_END = 2000  # characters of the log that are shown when a server dies

ORTHANC = "Orthanc {config}"
DEFAULTS: dict[str, Any] = {
    "ConcurrentJobs": 2,
    "JobsHistorySize": 10,
    "SaveJobs": True,
    "HttpTimeout": 600,
}


class Managed:
    """A server of our own. ``config`` holds the Orthanc configuration keys that differ from ours.

    Use it with ``with``; then `address` answers. Raises `BadArgument` where the command cannot
    be run, and `NoServer` where it ends or does not answer within `STARTS` seconds.
    """

    def __init__(
        self,
        command: Sequence[str],
        config: Mapping[str, Any] | None = None,
        workdir: Path | None = None,
    ) -> None:
        self.command = list(command)
        self.config = {**DEFAULTS, **(config or {})}
        self._parent = workdir
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None
        self.port = 0

    def __enter__(self) -> Managed:
        try:
            self._folder = Path(tempfile.mkdtemp(prefix="orthanc-jobs-", dir=self._parent))
        except OSError as error:
            raise BadArgument(f"cannot make a folder for the server: {error}") from None
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

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
        self._end(seconds)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def address(self) -> Address:
        return Address(f"http://127.0.0.1:{self.port}")

    def start(self) -> System:
        """Start it (again), and wait until it answers."""
        assert self._folder is not None
        self.port = _free_port()
        database = self._folder / "database"
        database.mkdir(exist_ok=True)
        settings = {
            "Name": "orthanc-jobs conformance",
            "HttpPort": self.port,
            "DicomPort": _free_port(),
            "StorageDirectory": "database",
            "IndexDirectory": "database",
            "Plugins": [],
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            **self.config,
        }
        (self._folder / "orthanc.json").write_text(json.dumps(settings, indent=2) + "\n")
        seen = _seen_by(self.command, self._folder)
        words = [
            word.replace("{config}", f"{seen}/orthanc.json").replace("{workdir}", seen)
            for word in self.command
        ]
        with (self._folder / "log").open("ab") as log:
            try:
                self._process = subprocess.Popen(
                    words,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self._folder,
                    start_new_session=True,  # a Ctrl-C is for the kit, which then stops the server
                )
            except OSError as error:
                raise BadArgument(
                    f"cannot start {words[0]!r}: {error.strerror}.\n"
                    "Install Orthanc (Debian: apt-get install orthanc), or give --server-command."
                ) from None
        return self._await_answer()

    def _await_answer(self) -> System:
        client = Client(self.address, timeout=5.0)
        deadline = time.monotonic() + STARTS
        try:
            while True:
                try:
                    return identify(client)
                except NoServer as error:
                    if time.monotonic() > deadline:
                        raise NoServer(
                            f"the server did not answer within {STARTS:g} s: {error}\n{self.log()}"
                        ) from None
                try:
                    self._wait(TICK)
                except ServerDied as died:
                    raise NoServer(
                        f"the server ended by itself with status {died.status} while it started."
                        f" The end of its log:\n{died.log}"
                    ) from None
        finally:
            client.close()

    def _wait(self, seconds: float) -> None:
        assert self._process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            raise ServerDied(self._process.wait(seconds), self.log())

    def check(self) -> None:
        """Raise `ServerDied` if it has ended by itself."""
        if self._process is not None and (status := self._process.poll()) is not None:
            raise ServerDied(status, self.log())

    def log(self) -> str:
        """The end of what the server wrote."""
        if self._folder is None:
            return ""
        try:
            text = (self._folder / "log").read_bytes()[-LOG_END:].decode("utf-8", "replace")
        except OSError:
            return ""
        return text.strip()

    def stop(self) -> None:
        """SIGTERM, and SIGKILL for what has not ended after `STOPS` seconds."""
        self.dismiss()
        self._end(STOPS)

    def _end(self, seconds: float) -> None:
        if self._process is None:
            return
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        if self._process is None:
            return
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._process = None

    def _signal(self, number: signal.Signals) -> None:
        """To the whole session that was started, since the command may be a shell's."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


def orthanc(
    template: str | None = None,
    config: Mapping[str, Any] | None = None,
    workdir: Path | None = None,
) -> Managed:
    """An Orthanc from PATH, or started by ``template``. Raises `BadArgument`."""
    command = words(template or ORTHANC)
    if workdir is None and (root := _chroot(command)) is not None:
        workdir = root / "tmp"
    return Managed(command, config, workdir)


def reference(
    config: Mapping[str, Any] | None = None,
    workdir: Path | None = None,
    fault: str | None = None,
) -> Managed:
    """The reference server, with one planted ``fault`` if one is named."""
    command = [sys.executable, "-m", "conformance.reference", "--config", "{config}"]
    return Managed(command + (["--fault", fault] if fault else []), config, workdir)


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
    """The folder that ``chroot DIR ...`` makes the root, or None for another command."""
    if not command or Path(command[0]).name != "chroot":
        return None
    return next((Path(word).resolve() for word in command[1:] if not word.startswith("-")), None)


def _seen_by(command: Sequence[str], folder: Path) -> str:
    """The name of ``folder`` as the command will see it: shorter inside of a chroot."""
    root, here = _chroot(command), folder.resolve()
    if root is None or not here.is_relative_to(root) or (root / here.relative_to("/")).exists():
        return str(here)
    return f"/{here.relative_to(root)}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
