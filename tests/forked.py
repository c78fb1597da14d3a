"""Commands of the project, each in a fork of a process that has imported what they need.

Importing is most of what a short command costs, and the tests run hundreds. A fork is a process
like any other: it can be signalled, has a status of its own, and its output is its own. What is
tested of the beginning of a process needs a new one: `subprocess`.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import reduction
from pathlib import Path
from typing import Any, TextIO

IMPORTED = ["conformance.cli.commands", "conformance.campaign.campaign", "conformance.suites",
            "conformance.search.stateful", "conformance.reports.console", "pydicom.pixels",
            "conformance.reference.__main__", "conformance.cli.run", "conformance.cli.compare",
            "conformance.reports.json_report", "conformance.reports.last", "pydantic.type_adapter",
            "typer._adapters", "tests.asked_before"]  # fmt: skip
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(IMPORTED)


@dataclass(frozen=True)
class _Descriptor:
    """A file descriptor that is handed to a fork, where it is an `int`."""

    number: int

    def __reduce__(self) -> Any:
        return _received, (reduction.DupFd(self.number),)


def _received(sent: Any) -> int:
    return int(sent.detach())


class Forked:
    """A command that runs: what the tests use of `subprocess.Popen`."""

    def __init__(self, module: str, arguments: Sequence[str], cwd: Path, out: int, err: int = 2):
        """``python -m MODULE ARGUMENTS`` in the folder ``cwd``. ``out``, ``err``: descriptors."""
        words = (module, list(arguments), str(cwd), dict(os.environ))
        self._process = FORKS.Process(
            target=_become, args=(*words, _Descriptor(out), _Descriptor(err))
        )
        self._process.start()
        self.stdout: TextIO | None = None
        assert self._process.pid is not None
        self.pid = self._process.pid

    @classmethod
    def with_output(cls, module: str, arguments: Sequence[str], cwd: Path) -> Forked:
        """Its output can be read from its ``stdout``."""
        ours, theirs = os.pipe()
        try:
            process = cls(module, arguments, cwd, theirs)
        except BaseException:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        process.stdout = os.fdopen(ours)
        return process

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Its status. Raises `subprocess.TimeoutExpired`."""
        self._process.join(timeout)
        status = self._process.exitcode
        if status is None:
            assert timeout is not None
            raise subprocess.TimeoutExpired(str(self.pid), timeout)
        return status

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has ended, and its status is on the way
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def run(
    module: str, arguments: Sequence[str], cwd: Path, timeout: float
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end. Raises `subprocess.TimeoutExpired`, and has ended it."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = Forked(module, arguments, cwd, out.fileno(), err.fileno())
        try:
            status = process.wait(timeout)
        finally:
            process.kill()
        for file in (out, err):
            file.seek(0)
        return subprocess.CompletedProcess([*arguments], status, out.read(), err.read())


def _become(
    module: str, arguments: list[str], cwd: str, environment: dict[str, str], out: int, err: int
) -> None:
    """Become the command, in a fork."""
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.close(out)
    os.close(err)
    sys.argv = [module, *arguments]
    sys.modules.pop(f"{module}.__main__", None)  # which is about to be run
    runpy.run_module(module, run_name="__main__", alter_sys=True)
