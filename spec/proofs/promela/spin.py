"""Spin and its verifier as processes: what is run, what it prints, and trails as events."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from spec.proofs import Verdict
from spec.proofs.promela.options import NOBODY
from spec.proofs.promela.setup import STATES, Setup, Variant
from spec.proofs.promela.text import model

COMPILERS = ("gcc", "cc", "clang")
SAFETY_FLAGS = ("-DSAFETY", "-DNOCLAIM")
LIVENESS_FLAGS = ("-DNOFAIR",)
DEPTHS = (1_000_000, 8_000_000)  # of the search; each costs about 46 bytes
SHORT = (2, 4, 6, 8, 10, 12, 14, 17, 20, 24, 28, 34, 40, 50, 70, 100, 200)
"""The depths at which a short trail is looked for."""


@dataclass(frozen=True)
class Limits:
    """What searches may cost: ``seconds`` and ``megabytes`` each, ``at_once`` of them.

    ``hash_bits``: the size of the table of states, best as many bits as the states' number has.
    ``depths``: how deep to search, one after the other until one is deep enough.
    """

    seconds: float = 300.0
    megabytes: int = 700
    at_once: int = 2
    hash_bits: int = 22
    depths: tuple[int, ...] = DEPTHS


def available() -> str | None:
    """What is missing to run Spin, in words; None when nothing is."""
    missing = []
    if shutil.which("spin") is None:
        missing.append("`spin` (Debian's package spin)")
    if _compiler() is None:
        missing.append(f"a C compiler ({', '.join(COMPILERS)})")
    return " and ".join(missing) + " not found on PATH" if missing else None


def _compiler() -> str | None:
    return next((name for name in COMPILERS if shutil.which(name)), None)


@dataclass(frozen=True)
class Event:
    """One thing that happened, as a trail has it.

    ``what``: submit, act, arrive, reply or move. ``details``: of a submission its priority and
    number of steps, of an action its name and status, of a reply or a move its name.
    ``state``: the job's state after it, or ``gone``.
    """

    what: str
    job: int
    details: tuple[str, ...]
    state: str

    def __str__(self) -> str:
        job = "an unknown id" if self.job == NOBODY else f"job {self.job}"
        details = self.details
        match self.what:
            case "submit":
                text = f"{job} is submitted, with priority {details[0]} and {details[1]} steps"
            case "act":
                text = f"{details[0]} of {job} is answered {details[1]}"
            case "arrive":
                text = f"a step of {job} arrives"
            case "reply":
                text = f"the peer lets the step of {job} {details[0]}"
            case _:
                text = f"{job} does '{details[0]}'"
        return f"{text}: {self.state}"


@dataclass(frozen=True)
class Trail:
    """A counterexample: what happened, and, for a promise, what then goes on for ever."""

    stem: tuple[Event, ...]
    loop: tuple[Event, ...] | None = None

    def __str__(self) -> str:
        lines = [f"{number}. {event}" for number, event in enumerate(self.stem, 1)]
        if self.loop is not None:
            lines.append("and then for ever:" if self.loop else "and then nothing happens any more")
            lines += [f"   {event}" for event in self.loop]
        return "\n".join(lines)


def parse_trail(text: str) -> Trail:
    """The trail that ``pan -r`` printed: our own lines, and Spin's mark where a cycle begins."""
    stem: list[Event] = []
    loop: list[Event] | None = None
    for line in text.splitlines():
        if "START OF CYCLE" in line:
            loop = []
        elif line.strip().startswith("@ "):
            what, job, *details, code = line.split()[1:]
            state = dict(enumerate(STATES, 1)).get(int(code), "gone")
            (stem if loop is None else loop).append(Event(what, int(job), tuple(details), state))
    return Trail(tuple(stem), None if loop is None else tuple(loop))


@dataclass(frozen=True)
class Search:
    """What one run of the verifier came to.

    ``failed``: it found an error. ``assertion``: the property whose assertion it was.
    ``unknown``: why nothing can be concluded, if so; never set together with ``failed``.
    """

    states: int = 0
    moves: int = 0
    depth: int = 0
    seconds: float = 0.0
    failed: bool = False
    assertion: str | None = None
    unknown: str | None = None

    @property
    def verdict(self) -> Verdict:
        if self.failed:
            return Verdict.FAILS
        return Verdict.HOLDS if self.unknown is None else Verdict.UNKNOWN


_TRUNCATED = {
    "max search depth too small": "the search was too deep",
    "out of memory": "out of memory",
    "MEMLIM": "out of memory",
    "Search not completed": "the search was not completed",
}


def parse_search(text: str, status: int | None) -> Search:
    """What the verifier printed. ``status``: its exit status, None if it was stopped.

    It prints eight digits of a number, and a power of ten for the rest: of a larger one, the others
    are lost (3.016722e+08).
    """

    def number(pattern: str) -> int:
        found = re.search(pattern, text)
        return int(float(found[1])) if found else 0

    states, depth = number(r"(\S+) states, stored"), number(r"depth reached (\d+)")
    moves = max(0, number(r"(\S+) transitions") - 1)  # the initial state counts as one
    errors = re.search(r"errors: (\d+)", text)
    wrong = re.search(r"^pan:1: (.*?) \(at depth", text, re.MULTILINE)
    if wrong and ("assertion violated" in wrong[1] or "acceptance cycle" in wrong[1]):
        named = re.match(r"assertion violated \W*(\w+)", wrong[1])
        name = named[1].replace("_", "-") if named else None
        return Search(states, moves, depth, failed=True, assertion=name)
    unknown = None
    if status is None:
        unknown = "out of time"
    elif cut := next((why for sign, why in _TRUNCATED.items() if sign in text), None):
        unknown = cut
    elif status != 0 or errors is None or int(errors[1]) or not states:
        unknown = f"Spin's verifier: {wrong[1] if wrong else f'exit status {status}'}"
    return Search(states, moves, depth, unknown=unknown)


class SpinFailed(RuntimeError):
    """Spin or the compiler rejected a model: a fault of this module, not of the specification."""


class Workshop:
    """A temporary folder, and the processes that run in it; both are gone when it is left."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._closed = False
        self._builds = 0

    def __enter__(self) -> Workshop:
        self._folder = tempfile.TemporaryDirectory(prefix="orthanc-jobs-spin-")
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._folder.cleanup()

    def stop(self) -> None:
        """Kill what runs, and start nothing more."""
        with self._lock:
            self._closed = True
            for process in self._running:
                _kill(process)

    def run(self, command: Sequence[str], folder: Path) -> tuple[str, int | None]:
        """The output of a command and its status; None if it had to be stopped."""
        with self._lock:
            if self._closed:
                return "", None
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, "TMPDIR": str(folder)},  # a killed compiler leaves files there
                process_group=0,
                text=True,
                errors="replace",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            self._running.add(process)
        try:
            output, _ = process.communicate(timeout=self.limits.seconds)
            return output, process.returncode
        except subprocess.TimeoutExpired:
            return "", None
        finally:
            _kill(process)
            process.communicate()
            with self._lock:
                self._running.discard(process)

    def build(self, setup: Setup, *flags: str) -> Verifier:
        """The verifier of a model. `SpinFailed`: it could not be made."""
        with self._lock:
            self._builds += 1
            folder = Path(self._folder.name) / str(self._builds)
        folder.mkdir()
        (folder / "model.pml").write_text(model(setup), encoding="ascii")
        compiler = _compiler() or "cc"
        variant = SAFETY_FLAGS if setup.variant is Variant.SAFETY else LIVENESS_FLAGS
        limit = f"-DMEMLIM={self.limits.megabytes}"
        # A job's record is the state, even where the model never reads it: in the safety variant
        # Spin must not save on dead (-o1) and write-only (-o2) variables.
        keep = ["-o1", "-o2"] if setup.variant is Variant.SAFETY else []
        for command in (
            ["spin", f"-P{compiler} -E -x c", *keep, "-a", "model.pml"],
            [compiler, "-O1", "-w", "-DNOREDUCE", limit, *variant, *flags, "-o", "pan", "pan.c"],
        ):
            output, status = self.run(command, folder)
            if status != 0:
                raise SpinFailed(f"{' '.join(command)}: {status}: {output[-2000:]}")
        return Verifier(self, folder)


def _kill(process: subprocess.Popen[str]) -> None:
    """Kill a process that still runs with all that it has started: a compiler is several."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


@dataclass(frozen=True)
class Verifier:
    """A compiled model. Searches for different claims may run at the same time."""

    shop: Workshop
    folder: Path

    def search(self, claim: str | None = None) -> Search:
        """Look for a violation of the assertions or of an LTL claim, everywhere."""
        begun = time.perf_counter()
        found = Search()
        for depth in self.shop.limits.depths:
            found = self._search(claim, depth)
            if found.unknown != _TRUNCATED["max search depth too small"]:
                break
        return replace(found, seconds=time.perf_counter() - begun)

    def _search(self, claim: str | None, depth: int) -> Search:
        folder = self.folder / (claim or "assertions")
        folder.mkdir(exist_ok=True)
        options = [
            "-E",
            f"-w{self.shop.limits.hash_bits}",
            f"-m{depth}",
            *(["-a", "-N", claim] if claim else []),
        ]
        return parse_search(*self.shop.run([str(self.folder / "pan"), *options], folder))

    def trail(self, found: Search, claim: str | None = None) -> Trail:
        """The trail of the violation that this search has found."""
        self._search(claim, found.depth + 1)
        return self._replay(claim)

    def shortest(self, claim: str | None = None) -> Trail | None:
        """The trail of a violation that was looked for at increasing depths, if one was found."""
        for depth in SHORT:
            if self._search(claim, depth).failed:
                return self._replay(claim)
        return None

    def _replay(self, claim: str | None) -> Trail:
        folder = self.folder / (claim or "assertions")
        options = ["-r", *(["-N", claim] if claim else [])]
        text, _ = self.shop.run([str(self.folder / "pan"), *options], folder)
        return parse_trail(text)
