"""A client under test: a command that is run anew for each scenario, or a function of Python."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from conformance.errors import BadArgument
from conformance.text import shown
from conformance.timing import TIMING

TAIL = 400  # characters of what a client said that are told


@dataclass(frozen=True, slots=True)
class Task:
    """What a client is given. ``job``: to wait for; None: it submits one itself, to ``peer``.

    ``instances``: the ids of those that it sends. ``limit``: seconds that it may wait.
    """

    url: str
    limit: float
    job: str | None = None
    peer: str = ""
    instances: tuple[str, ...] = ()

    @property
    def names(self) -> Mapping[str, str]:
        """By the names of the variables of its environment."""
        found = {"ORTHANC_URL": self.url, "TIME_LIMIT": f"{self.limit:g}"}
        if self.job is not None:
            return found | {"JOB_ID": self.job}
        return found | {"ORTHANC_PEER": self.peer, "INSTANCES": " ".join(self.instances)}

    def filled(self, word: str) -> str:
        """A word of the command, with what it names in braces."""
        for name, value in (
            ("{url}", self.url),
            ("{limit}", f"{self.limit:g}"),
            ("{job}", self.job or ""),
            ("{peer}", self.peer),
            ("{instances}", " ".join(self.instances)),
        ):
            word = word.replace(name, value)
        return word


class Begun(Protocol):
    """A client at work."""

    def status(self) -> int | None:
        """Its exit status, or None while it works."""
        ...

    def stop(self) -> None:
        """End it."""
        ...

    def said(self) -> str:
        """The end of what it said, in a line."""
        ...


class Client(Protocol):
    """Begins a client for a scenario."""

    def begin(self, task: Task) -> Begun: ...


# --- a command ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Command:
    """Words that are run without a shell. Raises `BadArgument` where that cannot be done."""

    words: Sequence[str]

    def begin(self, task: Task) -> Begun:
        output = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the client has ended
        try:
            process = subprocess.Popen(
                [task.filled(word) for word in self.words],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **task.names},
                start_new_session=True,
            )
        except OSError as error:
            output.close()
            name = self.words[0]
            raise BadArgument(f"the client cannot be run: {name}: {error.strerror}") from None
        return _Process(process, output)


@dataclass
class _Process:
    process: subprocess.Popen[bytes]
    output: Any
    _said: str = ""

    def status(self) -> int | None:
        return self.process.poll()

    def stop(self) -> None:
        """End it, and all that it has started."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, number)
                self.process.wait(TIMING.client_dies)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        self.process.wait()
        if not self.output.closed:
            self._said = _tail(self.output)
            self.output.close()

    def said(self) -> str:
        return self._said if self.output.closed else _tail(self.output)


def _tail(output: Any) -> str:
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - TAIL))
    lines = output.read(TAIL).decode("utf-8", "replace").split("\n")
    return shown(" / ".join(line.strip() for line in lines if line.strip()))


# --- a function ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Function:
    """``wait(url, job)`` of Python: it gives True where the job has ended in Success.

    It gives something else, or raises, where that is not so. One that does not end goes on in its
    thread.
    """

    wait: Callable[[str, str], object]

    def begin(self, task: Task) -> Begun:
        begun = _Thread()

        def work() -> None:
            try:
                result = self.wait(task.url, task.job or "")
                begun.end(0 if result is True else 1, repr(result))
            except Exception as error:  # noqa: BLE001 - whatever it is, it is no success
                begun.end(1, f"{type(error).__name__}: {error}")

        threading.Thread(target=work, name="client", daemon=True).start()
        return begun


@dataclass
class _Thread:
    _status: int | None = None
    _said: str = ""

    def end(self, status: int, said: str) -> None:
        self._said, self._status = said, status

    def status(self) -> int | None:
        return self._status

    def stop(self) -> None:
        """A thread cannot be ended; what it asks now is not answered."""

    def said(self) -> str:
        return shown(self._said)
