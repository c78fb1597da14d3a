"""How long whole runs take, and what more workers are worth.

    python -m benchmarks.workers [TARGET ...] [--workers 1 2 4] [--case persist/stop]

A run of all cases on each target, with the ledger that comes with the kit and as many workers as
there are cores. Then the cases of one prefix, which mostly wait for an Orthanc, with more and more
workers.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.peers.counting import table

RUNS = ("server", "cases judged", "seconds", "sum of its cases")
WORKERS = ("cases", "workers", "seconds", "ratio")


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


def whole(found: dict[str, Any]) -> tuple[str, ...]:
    """The row of a run of all cases."""
    judged = [one for one in found["cases"] if one["verdict"] not in ("skipped", "unknown")]
    return (
        f"{found['target']['name']} {found['target']['version']}",
        str(len(judged)),
        f"{found['statistics']['seconds']:.0f}",
        f"{sum(one['seconds'] for one in judged):.0f}",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("target", nargs="*", default=["reference", "orthanc"])
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument("--case", default="persist/stop")
    asked = parser.parse_args()
    print(*table([whole(report(one)) for one in asked.target], RUNS), "", sep="\n", flush=True)
    rows, first = [], None
    for count in asked.workers:
        words = ("--case", asked.case, "--workers", str(count))
        seconds = report("orthanc", *words)["statistics"]["seconds"]
        first = first or seconds
        case = f"`orthanc`, `{asked.case}`"
        rows.append((case, str(count), f"{seconds:.0f}", f"{seconds / first:.2f}"))
    print(*table(rows, WORKERS), sep="\n")


if __name__ == "__main__":
    main()
