"""Schemathesis, on the OpenAPI document that this Orthanc makes of itself: its stateful phase.

    python -m benchmarks.peers.schema URL --document FILE [--seconds S] [--alarms FILE]

It is given the paths of jobs, and the ids of jobs that send to a peer which takes its time: the
document does not say where ids come from, so that by itself it would only ask for jobs that there
are not.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.peers.polling import BAD, GOOD, Server
from benchmarks.peers.telling import Alarm, Asked

PATHS = "^/jobs/"
JOBS = (GOOD, BAD, GOOD, BAD)  # the peers of the jobs that it is given
STEPS = 2
CONFIG = """
[dictionaries.jobs]
values = {ids}

[parameters]
"path.id" = {{ dictionary = "jobs" }}
"""
GRACE = 60.0  # seconds more that it may take to end


def words(url: str, document: Path, seconds: float, report: Path, config: Path) -> list[str]:
    """The command."""
    return [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config)),
        *("run", str(document), "--url", url),
        *("--phases", "stateful", "--max-time", str(max(1, int(seconds)))),
        *("--include-path-regex", PATHS, "--continue-on-failure"),
        *("--suppress-health-check", "all", "--warnings", "off", "--seed", "0"),
        *("--report", "ndjson", "--report-ndjson-path", str(report)),
    ]


def alarms(lines: list[str]) -> Iterator[Alarm]:
    """Each failed check of each operation, as often as it stands in the report."""
    for line in lines:
        for operation, check in failed(json.loads(line)):
            yield Alarm(f"{operation}: {check}")


def failed(found: Any) -> Iterator[tuple[str, str]]:
    """The operations and the names of the checks that failed, wherever in a report they stand."""
    if isinstance(found, dict):
        if found.get("status") == "failure" and "failure_info" in found:
            yield found["failure_info"]["failure"]["operation"], found["name"]
        else:
            for one in found.values():
                yield from failed(one)
    elif isinstance(found, list):
        for one in found:
            yield from failed(one)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("url")
    parser.add_argument("--document", type=Path, required=True)
    parser.add_argument("--workers", type=int, help="not used")
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--alarms", type=Path, default=Path("/dev/stdout"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report, config = Path(folder, "report.ndjson"), Path(folder, "schemathesis.toml")
        peer = Asked(given.url, 0, given.seconds, given.alarms)
        server = Server(peer)
        config.write_text(
            CONFIG.format(ids=json.dumps([server.submit(STEPS, one) for one in JOBS]))
        )
        command = words(given.url, given.document.resolve(), given.seconds, report, config)
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=folder, timeout=given.seconds + GRACE
        )
        if done.returncode not in (0, 1):
            raise SystemExit(f"Schemathesis ended with {done.returncode}:\n{done.stdout[-2000:]}")
        for alarm in alarms(report.read_text(encoding="utf-8").splitlines()):
            peer.tell(alarm)


if __name__ == "__main__":
    main()
