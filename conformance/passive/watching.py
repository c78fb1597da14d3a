"""What `orthanc-jobs watch` and `check-trace` do.

Watching creates nothing: it reads ``/system`` once and ``/jobs?expand`` at a polite rate, on one
connection that it keeps, so that a restart of the server is seen by the loss of it.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.live import Live
from rich.table import Table

from conformance.campaign import ledger as ledgers
from conformance.errors import CannotWrite, Interrupted, Unjudged
from conformance.interrupts import interruptible
from conformance.passive import trace
from conformance.passive.judge import Impossible, Judge, Watched, lines
from conformance.passive.shown import Shown
from conformance.reports.terminal import Terminal
from conformance.suites import suites
from conformance.sut.address import Address
from conformance.sut.client import Broken, Client
from conformance.sut.identity import identify
from conformance.sut.profile import Profile
from conformance.text import hidden, shown
from spec.engine import Config
from spec.relaxations import Relaxation
from spec.table import FINAL, State

SHOWN_JOBS = 20  # rows of the table
STYLE = {
    State.RUNNING: "cyan",
    State.SUCCESS: "green",
    State.FAILURE: "red",
    State.PAUSED: "yellow",
    State.RETRY: "magenta",
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What to watch. Times in seconds; ``seconds`` None: until an interrupt or a finding."""

    address: Address
    interval: float = 0.25
    seconds: float | None = None
    workers: int | None = None
    history: int | None = None
    timeout: float = 10.0
    record: Path | None = None


def watch(wish: Wish) -> int:
    """Watch until the end; the exit status: 1 with the first impossible history.

    Raises `KitError` where no server with a jobs engine answers at first.
    """
    client = Client(wish.address, wish.timeout)
    console = Terminal()
    judge: Judge | None = None
    try:
        with interruptible(), _writing(wish.record, wish.address.secrets) as write:
            system = identify(client)
            known = [case.id for case in suites(Profile())]
            accepted = ledgers.shipped(system, known).accepted
            watched = Watched(
                Config(
                    workers=wish.workers
                    if wish.workers is not None
                    else _declared(system, "ConcurrentJobs"),
                    history=wish.history
                    if wish.history is not None
                    else _declared(system, "JobsHistorySize"),
                    relaxations=frozenset(n for n in accepted if isinstance(n, Relaxation)),
                ),
                errors_kept=trace.errors_kept(system.version),
                live=bool(system.declared),
            )
            write(trace.head(watched, system.version))
            judge = Judge(watched)
            found = _watch(wish, client, judge, console, write)
    except Interrupted:
        readings = 0 if judge is None else judge.readings
        console.say(f"interrupted: nothing impossible in {readings} readings")
        return 2
    finally:
        client.close()
    for line in lines(found):
        console.say(shown(line, wish.address.secrets))
    if not judge.readings:
        console.say("unknown: the server was not there to be read")
        return 2
    word = "alarm" if found else "holds"
    console.say(f"{word}: {judge.readings} readings, {len(judge.seen)} jobs")
    return 1 if found else 0


def _watch(
    wish: Wish, client: Client, judge: Judge, console: Terminal, write: Any
) -> list[Impossible]:
    began = time.monotonic()
    ends = None if wish.seconds is None else began + wish.seconds
    made, tick = client.connections, threading.Event()
    outage: str | None = None
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while True:
            begin = time.monotonic()
            try:
                reply = client.read("/jobs?expand")
            except (Broken, Unjudged) as error:
                outage = str(error)
                write({"at": [begin - began, time.monotonic() - began], "outage": outage})
            else:
                end = time.monotonic()
                fresh = client.connections != made or outage is not None
                made, jobs = client.connections, reply.json()
                if reply.ok:
                    outage = None
                    write({"at": [begin - began, end - began], "fresh": fresh, "jobs": jobs})
                    if found := judge.reading(begin, end, jobs, fresh):
                        return found
                else:  # as 503 while it starts
                    outage = str(reply)
                    write({"at": [begin - began, end - began], "outage": outage})
            if console.is_terminal:
                live.update(_table(judge, outage, wish.address.secrets), refresh=True)
            left = wish.interval if ends is None else min(wish.interval, ends - time.monotonic())
            if left <= 0:
                return []
            tick.wait(left)


def _declared(system: Any, key: str) -> int | None:
    value = system.declared.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


@contextmanager
def _writing(path: Path | None, secrets: tuple[str, ...]) -> Iterator[Any]:
    """A function that writes a line of the trace; none of the ``secrets`` gets into it."""
    if path is None:
        yield lambda line: None
        return
    try:
        with path.open("w", encoding="utf-8", buffering=1) as file:

            def write(line: dict[str, Any]) -> None:
                file.write(hidden(json.dumps(line), secrets) + "\n")

            yield write
    except OSError as error:
        raise CannotWrite(f"cannot write the trace {path}: {error.strerror}") from None


def _table(judge: Judge, outage: str | None, secrets: tuple[str, ...]) -> Table:
    jobs = sorted(judge.jobs.values(), key=lambda one: (one.state in FINAL, one.creation))
    title = f"{len(jobs)} jobs, {judge.readings} readings"
    made = Table(title=title if outage is None else f"{title}; no answer: {shown(outage)}")
    for name in ("job", "type", "state", "progress", "priority", "error", "ran"):
        made.add_column(name)
    for one in jobs[:SHOWN_JOBS]:
        made.add_row(*_row(one, secrets), style=STYLE.get(one.state, ""))
    if len(jobs) > SHOWN_JOBS:
        made.add_row(f"and {len(jobs) - SHOWN_JOBS} more")
    return made


def _row(one: Shown, secrets: tuple[str, ...]) -> tuple[str, ...]:
    ran = "" if one.runtime is None else f"{one.runtime:g} s"
    error = str(one.error or "")
    return (
        shown(one.id, secrets),
        shown(one.type, secrets),
        str(one.state),
        f"{one.progress} %",
        str(one.priority or ""),
        error,
        ran,
    )


def check_trace(path: Path) -> int:
    """Judge a recorded history; the exit status. Raises `BadArgument`."""
    readings, found = trace.check(path)
    console = Terminal()
    for line in lines(found):
        console.say(shown(line))
    verdict = f"{len(found)} impossible" if found else "holds"
    console.say(f"{verdict}: {readings} readings in {shown(str(path))}")
    return 1 if found else 0
