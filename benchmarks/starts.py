"""How long servers of the kit take to start and to stop, and its short commands, one by one.

    python -m benchmarks.starts [--times N]

A start ends with the first answer. All are started by one keeper, as those of a run are: the first
reference server pays for the imports, the next ones are forks. A command is a process of its own.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from conformance.sut import servers
from conformance.sut.managed import Managed
from conformance.sut.processes import Keeper

COMMANDS = ("--help", "--version", "list")


def timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def row(name: str, server: Managed, times: int) -> str:
    """Seconds of the first start, and the medians of the others and of the stops."""
    starts, stops = [timed(server.__enter__)], []
    try:
        for _ in range(times):
            stops.append(timed(server.stop))
            starts.append(timed(server.start))
    finally:
        server.__exit__()
    first, *others = starts
    medians = (statistics.median(others), statistics.median(stops))
    return f"| {name} | {first:.2f} | {medians[0]:.3f} | {medians[1]:.2f} |"


def took(words: str, times: int) -> float:
    """Seconds that ``orthanc-jobs`` takes, the median. Raises `CalledProcessError` if it fails."""
    command = [str(Path(sys.executable).with_name("orthanc-jobs")), *words.split()]
    run = partial(subprocess.run, command, check=True, stdout=subprocess.DEVNULL)
    return statistics.median(timed(run) for _ in range(times))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=20, help="starts after the first")
    asked = parser.parse_args()
    keeper = Keeper()
    try:
        print("| server | first start | next starts | stop |\n| --- | --- | --- | --- |")
        print(row("reference", servers.reference(keeper=keeper), asked.times))
        print(row("Orthanc", servers.orthanc(keeper=keeper), asked.times))
    finally:
        keeper.close()
    print("\n| command | seconds |\n| --- | --- |")
    for words in COMMANDS:
        print(f"| `orthanc-jobs {words}` | {took(words, asked.times):.2f} |")


if __name__ == "__main__":
    main()
