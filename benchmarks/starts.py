"""How long servers of the kit take to start and to stop, one after the other.

    python -m benchmarks.starts [--times N]

A start ends with the first answer. All are started by one keeper, as those of a run are: the first
reference server pays for the imports, the next ones are forks.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

from conformance.sut import servers
from conformance.sut.managed import Managed
from conformance.sut.processes import Keeper


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


if __name__ == "__main__":
    main()
