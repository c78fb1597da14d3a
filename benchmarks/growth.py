"""How the state space grows with the number of jobs, and how fast it is explored.

    python -m benchmarks.growth [--workers 2 --history 2 --priorities 1 --steps 1]
                                [--seconds 300 --gigabytes 8] [--markdown FILE]

One run, engine beside engine, one after the other: the explorer without symmetry reduction,
Spin on its generated model (the same states: the table says so), and the explorer with symmetry
reduction, which is how `orthanc-jobs verify` uses it. Each measurement is a process of its own,
held to the time and the memory; an engine that ran out of either is not asked for more jobs.

Seconds are those of the search. A C compiler's run is in the explorer's, as it is made anew for
each search (0.3 s), and not in Spin's. Memory is the greatest resident size of any one process.
Spin is compiled with -O2, and told what it would have to find out by trying: a table for as many
states as the explorer has just counted, and a depth that is enough. It prints eight digits of a
number: of a hundred million moves and more, the last digits are lost.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from spec.proofs import Scope

EXPLORER, SYMMETRIC, SPIN = "explorer", "explorer, symmetry", "spin"
HEADER = ("jobs", "engine", "states", "moves", "seconds", "states/s", "moves/s", "MiB")
MOST = 12  # jobs; no engine has come near
UNCOUNTED = 1 << 28  # states, where the explorer has come to no number
DEPTH = 40_000_000  # of Spin's search at most; each costs some 46 bytes


@dataclass(frozen=True, slots=True)
class Measured:
    """One search, or why it has no result."""

    jobs: int
    engine: str
    states: int = 0
    moves: int = 0
    seconds: float = 0.0
    mebibytes: int = 0
    failed: str = ""

    @property
    def row(self) -> tuple[str, ...]:
        if self.failed:
            return (str(self.jobs), self.engine, self.failed, *[""] * (len(HEADER) - 3))
        rate = 1 / max(self.seconds, 1e-3)
        return (
            str(self.jobs),
            self.engine,
            f"{self.states:,}",
            f"{self.moves:,}",
            f"{self.seconds:.2f}",
            f"{self.states * rate:,.0f}",
            f"{self.moves * rate:,.0f}",
            f"{self.mebibytes:,}",
        )


def search(engine: str, scope: Scope, seconds: float, gigabytes: float, states: int) -> Measured:
    """Do one search, in this process. ``states``: how many there will be, if that is known.

    Raises `MemoryError` and what the engines raise.
    """
    from spec.proofs import explore, promela

    if engine == SPIN:
        limits = promela.Limits(
            seconds=seconds,
            megabytes=int(gigabytes * 1024),
            hash_bits=states.bit_length(),
            depths=(min(DEPTH, states + 1),),  # a search that repeats no state is no deeper
        )
        spun = promela.count(scope, limits=limits, flags=("-O2",))
        found = Measured(scope.jobs, engine, spun.states, spun.moves, spun.seconds)
        if spun.unknown:
            return Measured(scope.jobs, engine, failed=spun.unknown)
    else:
        size = explore.count(scope, symmetry=engine == SYMMETRIC)
        found = Measured(scope.jobs, engine, size.states, size.moves, size.seconds)
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    used = max(resource.getrusage(kind).ru_maxrss for kind in kinds)
    return Measured(
        found.jobs, engine, found.states, found.moves, found.seconds, mebibytes=used // 1024
    )


def measure(engine: str, scope: Scope, seconds: float, gigabytes: float, states: int) -> Measured:
    """Do one search in a process of its own, within the limits."""
    numbers = json.dumps(asdict(scope))
    command = [sys.executable, __file__, "--one", engine, "--scope", numbers]
    command += ["--seconds", str(seconds), "--gigabytes", str(gigabytes), "--states", str(states)]
    most = int(gigabytes * 2**30)
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=seconds + 30,  # Spin has its own clock, and compiles first
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (most, most)),
        )
    except subprocess.TimeoutExpired:
        return Measured(scope.jobs, engine, failed=f"more than {seconds:g} s")
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        return Measured(scope.jobs, engine, failed=(lines[-1].partition(": ")[2] or lines[-1])[:60])
    found = Measured(**json.loads(done.stdout))
    if found.seconds > seconds:
        return Measured(scope.jobs, engine, failed=f"more than {seconds:g} s")
    return found


def table(scope: Scope, seconds: float, gigabytes: float) -> Iterator[Measured]:
    """The measurements, with more and more jobs, until no engine can do more."""
    going = [EXPLORER, SPIN, SYMMETRIC]
    for jobs in range(1, MOST + 1):
        states = UNCOUNTED
        for engine in tuple(going):
            larger = Scope(jobs, scope.workers, scope.history, scope.priorities, scope.steps)
            found = measure(engine, larger, seconds, gigabytes, states)
            yield found
            if engine == EXPLORER and not found.failed:
                states = found.states
            if found.failed:
                going.remove(engine)
        if not going:
            return


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name, size in (("workers", 2), ("history", 2), ("priorities", 1), ("steps", 1)):
        parser.add_argument(f"--{name}", type=int, default=size)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--gigabytes", type=float, default=8.0)
    parser.add_argument("--markdown", type=Path, help="write the table to this file as well")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--scope", help=argparse.SUPPRESS)
    parser.add_argument("--states", type=int, default=UNCOUNTED, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        scope = Scope(**json.loads(asked.scope))
        found = search(asked.one, scope, asked.seconds, asked.gigabytes, asked.states)
        print(json.dumps(asdict(found)))
        return 0
    scope = Scope(1, asked.workers, asked.history, asked.priorities, asked.steps)
    lines = ["| " + " | ".join(HEADER) + " |", "|" + " --- |" * len(HEADER)]
    print(*lines, sep="\n", flush=True)
    for row in table(scope, asked.seconds, asked.gigabytes):
        lines.append("| " + " | ".join(row.row) + " |")
        print(lines[-1], flush=True)
    if asked.markdown is not None:
        asked.markdown.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
