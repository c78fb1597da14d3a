"""The kit beside other ways to test the jobs of an Orthanc: one run, one server, one table.

    python -m benchmarks.peers [--seconds 120] [--peer NAME] [--server-command TEMPLATE]
                               [--markdown FILE]

Each is a program of its own, written as its users would write it, and talks to the server through
the same proxy, which counts for all of them (`benchmarks.peers.proxy`). Those that search do so
for as many seconds as are given.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.peers.counting import Outcome, row, table
from benchmarks.peers.proxy import Line, Passed, Proxy
from benchmarks.peers.telling import told
from conformance.sut import servers
from conformance.sut.managed import Managed
from spec.table import FINAL

ROOT = Path(__file__).parents[2]
WORKERS = 2
GRACE = 90.0  # seconds that a peer may take beyond those that it is given
NOT_INSTALLED = "not installed: pip install -e '.[bench]'"
SAMPLES = 300  # requests, to tell what the proxy costs


class Peer(NamedTuple):
    """``module``: of this folder. ``needs``: a module that has to be installed."""

    title: str
    module: str
    needs: str | None = None


# Schemathesis is the last: what it makes on the server is anybody's guess.
PEERS = (
    Peer("this kit: `--suite action --suite race`", "kit"),
    Peer("the straightest script, with the gate", "floor"),
    Peer("AALpy, with the gate", "learned", "aalpy"),
    Peer("a Hypothesis machine that polls and sleeps", "polling", "hypothesis"),
    Peer("Schemathesis, stateful", "schema", "schemathesis"),
)


def run(peer: Peer, proxy: Proxy, seconds: float, document: Path | None) -> Outcome:
    """Let a peer do its work."""
    if peer.needs is not None and importlib.util.find_spec(peer.needs) is None:
        return Outcome(peer.title, 0.0, 0.0, (), (), NOT_INSTALLED)
    more: tuple[str, ...] = ()
    if peer.module == "schema":
        if document is None:
            return Outcome(peer.title, 0.0, 0.0, (), (), "this server writes no OpenAPI document")
        more = ("--document", str(document))
    proxy.taken()
    with tempfile.TemporaryDirectory() as folder:
        alarms = Path(folder, "alarms")
        command = [sys.executable, "-m", f"benchmarks.peers.{peer.module}", proxy.url, *more]
        command += ["--workers", str(WORKERS), "--seconds", str(seconds), "--alarms", str(alarms)]
        began, why = time.monotonic(), None
        try:
            done = subprocess.run(
                command, cwd=ROOT, capture_output=True, text=True, timeout=seconds + GRACE
            )
            if done.returncode:
                sys.stderr.write(done.stderr)
                why = (done.stderr.strip() or "it failed").splitlines()[-1]
        except subprocess.TimeoutExpired:
            why = "it did not end"
        took = time.monotonic() - began
        for alarm in (found := told(alarms)):
            print(f"{peer.module}: {alarm.said}", file=sys.stderr)
        return Outcome(peer.title, began, took, ends(proxy.taken()), found, why)


def ends(passed: list[Passed]) -> tuple[Passed, ...]:
    return tuple(sorted(passed, key=lambda one: one.at))


def document(server_command: str | None, folder: Path) -> Path | None:
    """The OpenAPI document that the Orthanc makes of itself; None where it makes none."""
    file = folder / "openapi.json"
    words = shlex.split(server_command or servers.ORTHANC)
    place = next((n for n, word in enumerate(words) if "{config}" in word), len(words))
    subprocess.run([*words[:place], f"--openapi={file}"], cwd=folder, capture_output=True)
    try:
        json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return file


def tidy(server: Managed) -> None:
    """Let no job go on, and take away what is on the server, so that each peer finds the same."""
    line = Line(server.port)

    def get(path: str) -> list[object]:
        found = json.loads(line.ask("GET", path, {}, b"")[2])
        return found if isinstance(found, list) else []

    deadline = time.monotonic() + GRACE
    for kind in ("peers", "modalities", "patients"):
        for one in get(f"/{kind}"):
            line.ask("DELETE", f"/{kind}/{one}", {}, b"")
    while time.monotonic() < deadline:
        jobs = [one for one in get("/jobs?expand") if isinstance(one, dict)]
        left = [one["ID"] for one in jobs if one["State"] not in FINAL]
        if not left:
            break
        for id in left:
            line.ask("POST", f"/jobs/{id}/cancel", {}, b"{}")
    line.close()


def cost(server: Managed, proxy: Proxy) -> float:
    """Microseconds that a request takes longer through the proxy."""
    seconds = []
    for port in (server.port, int(proxy.url.rpartition(":")[2])):
        line = Line(port)
        began = time.perf_counter()
        for _ in range(SAMPLES):
            line.ask("GET", "/jobs", {}, b"")
        seconds.append((time.perf_counter() - began) / SAMPLES)
        line.close()
    return (seconds[1] - seconds[0]) * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=120.0, help="for each that searches")
    names = [peer.module for peer in PEERS]
    parser.add_argument("--peer", action="append", choices=names, help="only this; repeatable")
    parser.add_argument("--server-command")
    parser.add_argument("--markdown", type=Path, help="write the table to this file as well")
    asked = parser.parse_args()
    rows = []
    with (
        tempfile.TemporaryDirectory() as folder,
        servers.orthanc(asked.server_command, {"ConcurrentJobs": WORKERS}) as server,
        Proxy(server.port) as proxy,
    ):
        found = document(asked.server_command, Path(folder))
        more = cost(server, proxy)
        for peer in PEERS:
            if asked.peer is None or peer.module in asked.peer:
                rows.append(row(run(peer, proxy, asked.seconds, found)))
                print(" | ".join(rows[-1]), file=sys.stderr)
                tidy(server)
    lines = [
        *table(rows),
        "",
        f"The proxy adds {more:.0f} microseconds to a request; the load average is"
        f" {os.getloadavg()[0]:.1f} at the end.",
    ]
    print(*lines, sep="\n")
    if asked.markdown is not None:
        asked.markdown.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
