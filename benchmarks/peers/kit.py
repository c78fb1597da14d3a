"""The kit: the suites of the action matrix and of the ends of steps, without a ledger.

python -m benchmarks.peers.kit URL [--alarms FILE]
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.peers.telling import Alarm, asked


def words(url: str, report: Path) -> list[str]:
    """The command."""
    return [
        *(sys.executable, "-m", "conformance.cli", "run", url, "--exclusive", "--no-ledger"),
        *("--suite", "action", "--suite", "race", "--json", str(report)),
    ]


def alarms(report: dict[str, Any]) -> Iterator[Alarm]:
    """What it says of each case that deviates: the names that explain it, or that none does."""
    for case in report["cases"]:
        if case["verdict"] == "deviation":
            for name in case["relaxations"] or [None]:
                yield Alarm(case["id"] if name is None else f"known as {name}", name=name)


def main() -> None:
    given = asked(__doc__ or "")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        done = subprocess.run(words(given.url, report), capture_output=True, text=True, cwd=folder)
        if done.returncode not in (0, 1):
            raise SystemExit(f"the run ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        for alarm in dict.fromkeys(alarms(json.loads(report.read_text(encoding="utf-8")))):
            given.tell(alarm)


if __name__ == "__main__":
    main()
