"""How fast the kit is on a real, already running Orthanc, beside plain HTTP clients.

    python benchmarks/speed.py [--rounds N] [--server-command TEMPLATE]

Everything is measured in one run, against one server, in turns, because machines are noisy:
only the ratios are worth comparing. Seconds are the report's ``statistics.seconds``.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from conformance.sut import managed

READS = 500  # GETs of one job list, to compare the clients by


def kit(url: str, *arguments: str) -> dict[str, Any]:
    """The JSON report of a run of the command."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        words = [sys.executable, "-m", "conformance.cli", "run", url, "--exclusive"]
        done = subprocess.run(
            [*words, *arguments, "--json", str(report)], capture_output=True, text=True, cwd=folder
        )
        if done.returncode != 0:
            sys.exit(f"the run ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        found: dict[str, Any] = json.loads(report.read_text())
        return found


def rate(read: Callable[[], object]) -> float:
    """Readings per second."""
    began = time.perf_counter()
    for _ in range(READS):
        read()
    return READS / (time.perf_counter() - began)


def straight(port: int) -> float:
    """GETs per second of http.client on a kept-alive connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port)

    def read() -> None:
        connection.request("GET", "/jobs")
        connection.getresponse().read()

    return rate(read)


def session(url: str) -> float:
    """GETs per second of a `requests` session with its defaults, as scripts use it."""
    with requests.Session() as client:
        return rate(lambda: client.get(f"{url}/jobs").content)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--server-command")
    asked = parser.parse_args()
    with managed.orthanc(asked.server_command) as server:
        url, port = server.address.url, server.port
        cells, busy, plain, raw = [], [], [], []
        for _ in range(asked.rounds):
            report = kit(url, "--suite", "action")
            cells.append(report["statistics"]["seconds"])
            plain.append(session(url))
            raw.append(straight(port))
            search = kit(url, "--suite", "search", "--examples", "200")
            busy.append(search["statistics"])
        version = report["target"]["version"]
    seconds = statistics.median(b["seconds"] for b in busy)
    per_second = statistics.median(b["requests"] / b["seconds"] for b in busy)
    actions = statistics.median(b["actions"] / 200 for b in busy)
    print(f"Orthanc {version}, median of {asked.rounds} rounds")
    print(f"20 cells of the action matrix   {statistics.median(cells):6.2f} s")
    print(f"search, 200 examples            {seconds:6.1f} s")
    print(f"  actions in an example         {actions:6.1f}")
    print(f"  requests per second           {per_second:6.0f}")
    print(f"requests session, GET only      {statistics.median(plain):6.0f} per second")
    print(f"http.client, GET only           {statistics.median(raw):6.0f} per second")
    print(f"kit / requests session          {per_second / statistics.median(plain):6.2f}")


if __name__ == "__main__":
    main()
