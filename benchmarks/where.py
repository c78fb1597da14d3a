"""Where a second of a run goes.

    python -m benchmarks.where [reference | orthanc] [--markdown FILE]

Every few milliseconds the run is interrupted by a signal, and the time since the last one is
booked to the first line of `PLACES` that fits its stack, wherever in the stack it fits: what is
asked of a server while it starts is booked to its start. Everything is measured in one run; beside
it stand the seconds of each suite, by the report of that run.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path
from types import FrameType

from conformance.cli.main import main as command

EVERY = 0.003  # seconds between two looks
SOON = 0.00005  # seconds until Python lets another thread send it: not only where the run waits

# What is booked, and the modules and functions of whose stack it is: the first that fits.
PLACES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("a server starts", ("sut.managed:_await_answer", "sut.processes:start")),
    ("a server ends", ("driver.restarts:_stop", "sut.managed:kill", "sut.managed:reap")),
    ("waiting that a server saves its jobs", ("driver.restarts:kill",)),
    ("simultaneous calls, and waiting for their moment", ("driver.burst:",)),
    ("the server answers", ("sut.transport:_received",)),
    ("the client", ("sut.transport:", "sut.answer:", "sut.client:", "json:", "json.decoder:")),
    (
        "waiting for what must not come, and for time to pass",
        (
            "driver.arrivals:watch",
            "driver.following:watch",
            "driver.requiring:stays",
            "driver.requiring:pass_time",
        ),
    ),
    ("waiting for a step to come, or a connection to end", ("peer.gate:wait", "peer.gate:quiet")),
    ("the oracle and its model", ("oracle.", "spec.")),
    ("the driver, and reading what a server shows", ("driver.",)),
    ("choosing sequences: Hypothesis", ("hypothesis.",)),
    ("choosing sequences: complete suites", ("automata.", "search.complete:")),
    ("importing", ("importlib._bootstrap:",)),
)
ELSE = "the rest: cases, campaign, reports"


def stack(frame: FrameType | None) -> list[str]:
    """The stack as ``module:function``, the outermost first; our modules without their package."""
    found = []
    while frame is not None:
        module = str(frame.f_globals.get("__name__", "")).removeprefix("conformance.")
        found.append(f"{module}:{frame.f_code.co_name}")
        frame = frame.f_back
    return found[::-1]


def place(frames: list[str]) -> str:
    for name, starts in PLACES:
        if any(frame.startswith(starts) for frame in frames):
            return name
    return ELSE


class Watch:
    """Books the time of the thread that makes it, while it is used with ``with``."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._last = time.perf_counter()
        self._thread = threading.get_ident()
        self._over = threading.Event()
        self._sender = threading.Thread(target=self._send, daemon=True)

    def __enter__(self) -> Watch:
        sys.setswitchinterval(SOON)
        signal.signal(signal.SIGPROF, self._look)
        self._sender.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._sender.join()

    def _send(self) -> None:
        while not self._over.wait(EVERY):
            signal.pthread_kill(self._thread, signal.SIGPROF)

    def _look(self, _: int, frame: FrameType | None) -> None:
        now = time.perf_counter()
        self.seconds[place(stack(frame))] += now - self._last
        self._last = now


def run(target: str, report: Path) -> dict[str, float]:
    """Run the command; seconds by place. Ends the program where the run fails."""
    sys.argv = ["orthanc-jobs", "run", target, "--workers", "1", "--json", str(report)]
    with Watch() as watch:
        try:
            command()
        except SystemExit as end:
            if end.code:
                raise
    return watch.seconds


def table(head: str, seconds: dict[str, float]) -> list[str]:
    whole = sum(seconds.values())
    rows = [f"| {head} | seconds | share |", "| --- | --- | --- |"]
    for name in sorted(seconds, key=lambda name: -seconds[name]):
        rows.append(f"| {name} | {seconds[name]:.1f} | {seconds[name] / whole:.0%} |")
    return [*rows, f"| **all** | {whole:.1f} | |", ""]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", nargs="?", default="reference", choices=["reference", "orthanc"])
    parser.add_argument("--markdown", type=Path, help="write the tables to this file")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        seconds = run(asked.target, report)
        cases = json.loads(report.read_text())["cases"]
    suites: dict[str, float] = defaultdict(float)
    for case in cases:
        suites[f"`{case['id'].split('/')[0]}/`"] += case["seconds"]
    text = "\n".join([*table("where", seconds), *table("suite", suites)])
    print(text)
    if asked.markdown is not None:
        asked.markdown.write_text(text)


if __name__ == "__main__":
    main()
