"""Where a second of a run goes.

    python benchmarks/where.py [reference | orthanc] [--markdown FILE]

A thread looks at what the run's own thread is doing, every few milliseconds, and books the time
since its last look to the first line of `PLACES` that fits: the stack is read from the outside
in, so that what is asked of a server while it starts is booked to its start. Everything is
measured in one run; beside it stand the seconds of each suite, by the report of that run.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType

from conformance.cli.main import main as command

EVERY = 0.003  # seconds between two looks
AT_ONCE = 0.00002  # seconds until Python lets the watcher look: not only where the run waits

# What is booked, and the modules and functions of whose stack it is: the first that fits.
PLACES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("a server starts", ("sut.managed:_await_answer", "sut.processes:start")),
    ("a server ends", ("driver.restarts:_stop", "sut.managed:kill", "sut.managed:reap")),
    ("waiting that a server saves its jobs", ("driver.restarts:kill",)),
    ("simultaneous calls, and waiting for their moment", ("driver.burst:",)),
    ("the server answers", ("sut.transport:readinto",)),
    ("the client", ("sut.transport:", "sut.client:", "json:", "json.decoder:")),
    ("waiting at the gate", ("peer.gate:wait", "peer.gate:quiet")),
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


def watch(thread: int, over: threading.Event, seconds: Counter[str]) -> None:
    last = time.perf_counter()
    while not over.wait(EVERY):
        frames = stack(sys._current_frames().get(thread))
        now = time.perf_counter()
        seconds[place(frames)] += now - last
        last = now


def run(target: str, report: Path) -> Counter[str]:
    """Run the command in this thread; seconds by place. Ends the program where the run fails."""
    seconds: Counter[str] = Counter()
    over = threading.Event()
    watcher = threading.Thread(target=watch, args=(threading.get_ident(), over, seconds))
    sys.argv = ["orthanc-jobs", "run", target, "--json", str(report)]
    sys.setswitchinterval(AT_ONCE)
    watcher.start()
    try:
        command()
    except SystemExit as end:
        if end.code:
            raise
    finally:
        over.set()
        watcher.join()
    return seconds


def table(head: str, seconds: Counter[str]) -> list[str]:
    whole = sum(seconds.values())
    rows = [f"| {head} | seconds | share |", "| --- | --- | --- |"]
    rows += [f"| {n} | {s:.1f} | {s / whole:.0%} |" for n, s in seconds.most_common()]
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
    suites: Counter[str] = Counter()
    for case in cases:
        suites[f"`{case['id'].split('/')[0]}/`"] += case["seconds"]
    text = "\n".join([*table("where", seconds), *table("suite", suites)])
    print(text)
    if asked.markdown is not None:
        asked.markdown.write_text(text)


if __name__ == "__main__":
    main()
