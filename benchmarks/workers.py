"""How long whole runs take, and what more workers are worth.

    python -m benchmarks.workers [TARGET ...] [--workers 1 2 4] [--case persist/stop]

A run of all cases on each target, with the ledger that comes with the kit, by as many workers as
there are cores, which is the default, and by twice as many. Then the cases of one prefix, which
mostly wait for an Orthanc, with more and more workers. Last what all cases of each target would
take on a machine with cores enough, of which spare workers need some as well: the rule by which a
run hands them out is gone through with the times of the table of durations, without starts and
stops. One worker has no spare ones, and is left out.
"""

from __future__ import annotations

import argparse
import heapq
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.peers.counting import table
from conformance.campaign.crew import following, spares
from conformance.campaign.lots import Lot, divided, longest_first
from conformance.campaign.plan import Plan
from conformance.suites import suites
from conformance.sut.profile import Profile

MANY = (2, 4, 8, 16)
CORES = os.cpu_count() or 1
RUNS = ("server", "workers", "cases judged", "seconds", "sum of its cases")
WORKERS = ("cases", "workers", "seconds", "ratio")
SIMULATED = ("all cases, simulated", "workers", "seconds", "ratio", "cores busy", "longest lot")


def report(target: str, *more: str) -> dict[str, Any]:
    """The JSON report of a run. Exits where it did not conform."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "report.json")
        words = [sys.executable, "-m", "conformance.cli", "run", target, *more]
        words += ["--json", str(file)]
        done = subprocess.run(words, capture_output=True, text=True, cwd=folder)
        if done.returncode != 0:
            sys.exit(f"the run ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return found


def whole(found: dict[str, Any], workers: int) -> tuple[str, ...]:
    """The row of a run of all cases, by so many workers."""
    judged = [one for one in found["cases"] if one["verdict"] not in ("skipped", "unknown")]
    return (
        f"{found['target']['name']} {found['target']['version']}",
        str(workers),
        str(len(judged)),
        f"{found['statistics']['seconds']:.0f}",
        f"{sum(one['seconds'] for one in judged):.0f}",
    )


def handed_out(lots: list[Lot], workers: int) -> float:
    """Seconds until the last lot has ended, where each takes as long as is expected of it.

    Workers and spare ones are given their lots by the rule of `conformance.campaign.crew`. The
    starts and stops of servers are left out.
    """
    left = longest_first(lots)
    # When each is free, and whether it is a spare one.
    crew = [(0.0, False)] * workers + [(0.0, True)] * spares(left, workers)
    heapq.heapify(crew)
    last = 0.0
    while left and crew:
        free, spare = heapq.heappop(crew)
        if (lot := following(left, spare, None)) is not None:
            left.remove(lot)
            last = max(last, free + lot.seconds)
            heapq.heappush(crew, (free + lot.seconds, spare))
    return last


def simulated(kind: str) -> list[tuple[str, ...]]:
    """A row for each number of workers."""
    lots = divided(suites(Profile()), {}, Plan().examples, kind)
    work = sum(lot.seconds - lot.waited for lot in lots)
    longest = max(lot.seconds for lot in lots)
    took = {workers: handed_out(lots, workers) for workers in MANY}
    rows = ((str(n), one, one / took[MANY[0]], work / one) for n, one in took.items())
    return [
        (kind, workers, f"{seconds:.0f}", f"{ratio:.2f}", f"{cores:.1f}", f"{longest:.0f}")
        for workers, seconds, ratio, cores in rows
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("target", nargs="*", default=["reference", "orthanc"])
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument("--case", default="persist/stop")
    asked = parser.parse_args()
    runs = [
        whole(report(one, "--workers", str(count)), count)
        for one in asked.target
        for count in (CORES, 2 * CORES)
    ]
    print(*table(runs, RUNS), "", sep="\n", flush=True)
    rows, first = [], None
    for count in asked.workers:
        words = ("--case", asked.case, "--workers", str(count))
        seconds = report("orthanc", *words)["statistics"]["seconds"]
        first = first or seconds
        case = f"`orthanc`, `{asked.case}`"
        rows.append((case, str(count), f"{seconds:.0f}", f"{seconds / first:.2f}"))
    print(*table(rows, WORKERS), "", sep="\n", flush=True)
    print(*table([row for one in asked.target for row in simulated(one)], SIMULATED), sep="\n")


if __name__ == "__main__":
    main()
