"""How the kit grows: what one checked action costs, as more and more is on the server or in a case.

    python -m benchmarks.scale [orthanc | reference] [--foreign 10 100 1000 10000]
                               [--actions 10 100 1000 10000] [--jobs 1 10 100 1000]
                               [--markdown FILE]

(How far the proofs go is `benchmarks.growth`.) Everything is measured in one run on one server,
whose history holds all of it and which does not save its jobs: an Orthanc writes all that it has
whenever one is made. Three things grow, one at a time:

- jobs of somebody else, which have ended, while the same case is run, with the server for the kit
  alone, and in use (polite);
- the actions of one sequence on one job, which is paused, resumed, fails and is resubmitted;
- the jobs of one case: each is submitted, paused, resumed and canceled, most while they wait.

The end of a case is told for itself: in it its jobs are ended, and all jobs of the server are read
before and after. *Engines*: the largest set of the oracle.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from benchmarks.peers.counting import table
from benchmarks.peers.quick import Quick
from conformance.driver.driver import Driver
from conformance.driver.following import Following
from conformance.driver.script import Step, act, fail, submit, succeed
from conformance.driver.spares import put_aside
from conformance.session.session import Session, opened
from conformance.suites.case import QUICK_TO_STOP
from conformance.sut.managed import Managed
from conformance.sut.target import Choice
from spec.engine import Config
from spec.relaxations import Relaxation
from spec.table import Action

HEADER = (
    "what grows",
    "to",
    "actions",
    "ms for an action",
    "requests for an action",
    "ms for the end",
    "engines",
)
FOREIGN, FOREIGN_POLITE = "jobs of others", "jobs of others, polite"
ACTIONS, JOBS = "actions of a sequence", "jobs of a case"
HISTORY, WORKERS = 100_000, 2
CONFIG: dict[str, Any] = {
    "ConcurrentJobs": WORKERS,
    "JobsHistorySize": HISTORY,
    "SaveJobs": False,
    **QUICK_TO_STOP,
}
CASES, IN_A_CASE = 5, 20  # what is run beside jobs of others
TIMEOUT = 60.0  # seconds for a list of ten thousand jobs
ROUND = (
    act(Action.PAUSE, "A"),
    succeed("A"),
    act(Action.RESUME, "A"),
    fail("A"),
    act(Action.RESUBMIT, "A"),
)


@dataclass(frozen=True, slots=True)
class Grown:
    """One measurement. ``engines``: in the largest set of the oracle. ``end``: of one case."""

    what: str
    size: int
    actions: int
    seconds: float
    requests: int
    end: float
    engines: int

    @property
    def row(self) -> tuple[str, ...]:
        return (
            self.what,
            f"{self.size:,}",
            f"{self.actions:,}",
            f"{1000 * self.seconds / self.actions:.2f}",
            f"{self.requests / self.actions:.2f}",
            f"{1000 * self.end:.0f}",
            str(self.engines),
        )


def sequence(actions: int) -> Iterator[Step]:
    """So many actions on one job, and the submission before them."""
    yield submit("A", 2)
    yield from islice(cycle(ROUND), actions)


def crowd(jobs: int) -> Iterator[Step]:
    """Four actions for each of so many jobs: all of one kind, and then all of the next."""
    names = [f"J{number}" for number in range(jobs)]
    yield from (submit(name, 1) for name in names)
    for action in (Action.PAUSE, Action.RESUME, Action.CANCEL):
        yield from (act(action, name) for name in names)


class Meter:
    """What the cases cost that are run by `run`. ``session``: on the server."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.seconds = 0.0
        self.ends: list[float] = []
        self.actions = self.requests = self.engines = 0

    def run(self, steps: Iterable[Step]) -> None:
        session = self.session
        admitted = frozenset(Relaxation)  # what is known of an Orthanc is not looked for here
        config = Config(WORKERS, HISTORY, relaxations=admitted)
        actions, requests = session.resources.actions, session.client.requests
        began = time.perf_counter()
        driver = session.driver(config, "scale")
        driver.hold_limit = None  # the server waits for a step as long as it takes
        self._watch(driver)
        for step in steps:
            driver.perform(step)
        ends = time.perf_counter()
        self.seconds += ends - began
        self.actions += session.resources.actions - actions
        self.requests += session.client.requests - requests
        driver.finish()
        put_aside(driver)
        session.look_around("scale")
        self.ends.append(time.perf_counter() - ends)

    def _watch(self, driver: Driver) -> None:
        """Note how large the set is, behind each thing that is seen."""
        see = Following.see.__get__(driver)

        def seen(event: Any, answer: Any) -> None:
            see(event, answer)
            self.engines = max(self.engines, len(driver.oracle.engines))

        driver.see = seen  # type: ignore[method-assign]

    def grown(self, what: str, size: int) -> Grown:
        end = statistics.median(self.ends)
        return Grown(what, size, self.actions, self.seconds, self.requests, end, self.engines)


def measure(server: Managed, what: str, size: int) -> Grown:
    """One case, or some, on a server that is there, as on anybody's."""
    choice = Choice(
        "url",
        server.address,
        exclusive=what != FOREIGN_POLITE,
        history_size=HISTORY,
        timeout=TIMEOUT,
    )
    with opened(choice) as session:
        session.profile = replace(session.profile, workers=WORKERS)
        meter = Meter(session)
        if what in (FOREIGN, FOREIGN_POLITE):
            for _ in range(CASES):
                meter.run(sequence(IN_A_CASE))
        elif what == ACTIONS:
            meter.run(sequence(size))
        else:
            meter.run(crowd(size))
        session.clean()
        return meter.grown(what, size)


def grow(target: str, sizes: dict[str, list[int]]) -> Iterator[Grown]:
    """All measurements. Jobs of others are on a server of their own: an Orthanc keeps ours."""
    with Choice(target).server(CONFIG) as server:
        for what in (ACTIONS, JOBS):
            for size in sizes[what]:
                yield measure(server, what, size)
    with Choice(target).server(CONFIG) as server, Quick(server.port) as quick:
        for size in sorted(sizes[FOREIGN]):
            quick.fill(size)
            for what in (FOREIGN, FOREIGN_POLITE):
                yield measure(server, what, size)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("target", nargs="?", default="orthanc", choices=["orthanc", "reference"])
    parser.add_argument("--foreign", type=int, nargs="*", default=[10, 100, 1000, 10_000])
    parser.add_argument("--actions", type=int, nargs="*", default=[10, 100, 1000, 10_000])
    parser.add_argument("--jobs", type=int, nargs="*", default=[1, 10, 100, 1000])
    parser.add_argument("--markdown", type=Path, help="write the table to this file as well")
    asked = parser.parse_args()
    sizes = {ACTIONS: asked.actions, JOBS: asked.jobs, FOREIGN: asked.foreign}
    rows = []
    for one in grow(asked.target, sizes):
        print(" | ".join(one.row), file=sys.stderr, flush=True)
        rows.append(one.row)
    lines = table(rows, HEADER)
    lines += ["", f"Load average at the end: {os.getloadavg()[0]:.1f}."]
    print(*lines, sep="\n")
    if asked.markdown is not None:
        asked.markdown.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
