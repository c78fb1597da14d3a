"""How fast the kit is on a real, already running Orthanc, beside plain HTTP clients.

    python -m benchmarks.speed [--rounds N] [--server-command TEMPLATE] [--clients]

Everything is measured in one run, against one server, in turns, because machines are noisy: only
the ratios are worth comparing. Seconds are the report's ``statistics.seconds``. The floor is the
straightest script that tries the same cells, with a fresh job for each (`benchmarks.peers.floor`);
and what the search has sent is sent once more by `http.client` (`benchmarks.resend`), which asks
nothing and waits for nothing but the answers. With ``--clients``
only the clients are compared: each reads one empty list of jobs over a connection that is kept
alive, for a moment at a time, one after the other.
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
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import requests

from benchmarks.peers import floor
from benchmarks.peers.counting import CELLS
from benchmarks.peers.gated import Jobs
from benchmarks.peers.proxy import Proxy
from benchmarks.resend import resend
from conformance.sut import servers
from conformance.sut.client import Client
from conformance.sut.managed import Managed
from spec.table import cell_id

READS = 300  # GETs in a turn
TURNS = 15  # of each client, in a round
HTTP_CLIENT, KIT, SESSION = "`http.client`", "client of the kit", "`requests` session"
Rows = list[tuple[str, str]]


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


def turn(read: Callable[[], object]) -> float:
    """Seconds for one reading, on a connection that is made before."""
    read()
    began = time.perf_counter()
    for _ in range(READS):
        read()
    return (time.perf_counter() - began) / READS


def clients(server: Managed) -> dict[str, list[float]]:
    """Seconds for a GET by each client, turn by turn."""
    url = f"{server.address.url}/jobs"
    with ExitStack() as stack:
        plain = stack.enter_context(closing(http.client.HTTPConnection("127.0.0.1", server.port)))
        ours = stack.enter_context(closing(Client(server.address)))
        session = stack.enter_context(requests.Session())

        def read() -> bytes:
            plain.request("GET", "/jobs")
            return plain.getresponse().read()

        found: dict[str, list[float]] = {HTTP_CLIENT: [], KIT: [], SESSION: []}
        for _ in range(TURNS):
            plain.close()  # the server has closed it: it had idled for the turns of the others
            found[HTTP_CLIENT].append(turn(read))
            found[KIT].append(turn(lambda: ours.get("/jobs")))
            found[SESSION].append(turn(lambda: session.get(url).content))
    return found


def compared(seconds: dict[str, list[float]]) -> Rows:
    """Each client beside ``http.client``: medians, and the median of the ratios of a turn."""
    rows = [
        (f"microseconds for a GET, {name}", f"{statistics.median(each) * 1e6:.0f}")
        for name, each in seconds.items()
    ]
    for name in (KIT, SESSION):
        ratios = (a / b for a, b in zip(seconds[name], seconds[HTTP_CLIENT], strict=True))
        rows.append((f"{name} / {HTTP_CLIENT}", f"{statistics.median(ratios):.2f}"))
    return rows


def floor_seconds(server: Managed) -> float:
    """How long the straightest script takes for the 20 cells."""
    began = time.perf_counter()
    jobs = Jobs(server.address.url, server.config["ConcurrentJobs"])
    floor.cells(jobs, lambda alarm: sys.exit(f"the floor is wrong: {alarm.said}"))
    return time.perf_counter() - began


def bare_rate(server: Managed, search: list[str]) -> float:
    """Actions per second of a search, where `http.client` alone sends its requests once more."""
    with Proxy(server.port) as proxy:
        actions = kit(proxy.url, *search)["statistics"]["actions"]
        passed = sorted(proxy.taken(), key=lambda one: one.at)
    return actions / resend(passed, server.port)


def runs(server: Managed, rounds: int) -> Rows:
    """What the command does in a second, and how long it takes for all cells."""
    cells, floors, busy, rates = [], [], [], []
    names = [word for state, action in CELLS for word in ("--case", cell_id(action, state))]
    search = ["--suite", "search", "--examples", "200"]
    for _ in range(rounds):
        floors.append(floor_seconds(server))
        cells.append(kit(server.address.url, *names)["statistics"]["seconds"])
        busy.append(kit(server.address.url, *search)["statistics"])
        rates.append(bare_rate(server, search))
    actions = [b["actions"] / b["seconds"] for b in busy]
    ratios = [a / b for a, b in zip(cells, floors, strict=True)]
    shares = [a / b for a, b in zip(actions, rates, strict=True)]
    median = statistics.median
    return [
        ("seconds for the 20 cells of the action matrix", f"{median(cells):.2f}"),
        ("the same by the straightest script, a fresh job a cell", f"{median(floors):.2f}"),
        ("kit / straightest script", f"{median(ratios):.2f}"),
        (
            "seconds for the random search, 200 examples",
            f"{median(b['seconds'] for b in busy):.1f}",
        ),
        ("actions in an example", f"{median(b['actions'] / 200 for b in busy):.1f}"),
        (
            "requests per second of the kit, in the search",
            f"{median(b['requests'] / b['seconds'] for b in busy):.0f}",
        ),
        ("checked actions per second of the kit, in the search", f"{median(actions):.0f}"),
        (f"the same requests sent by {HTTP_CLIENT}: actions per second", f"{median(rates):.0f}"),
        (f"checked actions, kit / {HTTP_CLIENT}", f"{median(shares):.2f}"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--server-command")
    parser.add_argument("--clients", action="store_true", help="compare the clients only")
    parser.add_argument("--markdown", type=Path, help="write the table to this file")
    asked = parser.parse_args()
    with servers.orthanc(asked.server_command) as server:
        rows = [] if asked.clients else runs(server, asked.rounds)
        rows += compared(clients(server))
    table = ["| what | measured |", "| --- | --- |", *(f"| {a} | {b} |" for a, b in rows), ""]
    if asked.markdown is None:
        print("\n".join(table))
    else:
        asked.markdown.write_text("\n".join(table))


if __name__ == "__main__":
    main()
