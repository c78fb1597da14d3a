"""A managed server that ends, by a clean stop or kill -9, and is started again by a driver.

A server that is asked to end lets the steps under way end first, so the gate must answer them,
and when decides what the server can still save: an Orthanc ends its web server first, runs jobs
on meanwhile, then saves its jobs, and waits for the workers last. So a stop holds what arrives
during it until `Managed.lingers` seconds are over, which is about then; what is held when it begins
is answered at once, or late: when all of that is surely over (`conformance.driver.script.Life`).
"""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from conformance.driver.driver import Driver
from conformance.driver.script import Life
from conformance.errors import NoServer, ServerDied
from conformance.oracle.oracle import Finding
from conformance.sut.managed import Managed
from conformance.talk import KILLS, STARTS, STOPS
from conformance.timing import TIMING
from spec.restart import MOST_ORDERED, Start

CLEAN = frozenset({0, -signal.SIGTERM, 128 + signal.SIGTERM})  # how a server ends that was asked to


@dataclass(frozen=True, slots=True)
class Restarts:
    """What it takes to end a server and to start it again.

    ``errors``: it keeps the ErrorCode of a Failure. ``saves_new``: it saves a job soon after its
    creation, and all others with it.
    """

    server: Managed
    errors: bool = True
    saves_new: bool = True

    def idle(self) -> AbstractContextManager[None]:
        """Within it a case waits for the server, and neither of them does anything."""
        return self.server.awaited()

    def restart(self, driver: Driver, life: Life) -> None:
        """SIGTERM, and a start. Raises `Deviated`, and `ServerDied` where it ends as by a fault."""
        since = driver.oracle.events
        self._stop(driver, life)
        self._start(driver, life, since, killed=False)

    def kill(self, driver: Driver, life: Life) -> None:
        """SIGKILL, and a start. Raises `Deviated`."""
        if life.saved:
            with self.server.awaited():
                driver.watch(driver.born + self.server.saved - time.monotonic())
        driver.arrivals(0.0)
        since = driver.last_life
        if self.saves_new:
            old = time.monotonic() - self.server.saved
            since = max([since, *(at for born, at in driver.births if born <= old)])
        if life.settled:
            since = driver.oracle.events
            with self.server.awaited():
                driver.watch(self.server.period)
        driver.resources.gate.talk.life(KILLS)
        self.server.kill()
        self._start(driver, life, since, killed=True)

    def _stop(self, driver: Driver, life: Life) -> None:
        server, begun = self.server, time.monotonic()
        driver.resources.client.close()  # a server may wait for a connection that is open
        driver.resources.gate.talk.life(STOPS)
        server.dismiss()
        lingers = server.lingers * (TIMING.late if life.late else 1.0)
        if not life.late:
            driver.release(life.held)
        with server.awaited():
            while not server.ended():
                now = time.monotonic()
                if now > begun + lingers:
                    driver.release(life.held)
                if now > begun + TIMING.stops:
                    what = f"it has not ended {TIMING.stops:g} s after SIGTERM"
                    self._breaks(driver, "the server ends once its steps have", what, missing=True)
                driver.arrivals(TIMING.look)
        status = server.status()
        server.kill()  # what is left of its processes
        if status is not None and status not in CLEAN:
            raise ServerDied(status, server.log())
        driver.resources.gate.quiet(TIMING.hangs_up)
        driver.arrivals(0.0)
        if driver.held.open():
            expected = "the server waits for the step under way"
            self._breaks(driver, expected, "it has ended, and hung up on the gate")

    def _breaks(self, driver: Driver, expected: str, actual: str, missing: bool = False) -> None:
        requirement = "persist/step-ends-before-stop"
        driver.found(Finding(requirement, (expected,), actual, None, missing))

    def _start(self, driver: Driver, life: Life, since: int, killed: bool) -> None:
        resources, server = driver.resources, self.server
        resources.gate.quiet(TIMING.hangs_up)  # the last steps of the life before are seen as such
        driver.arrivals(0.0)
        driver.held.forget()
        changed: Mapping[str, Any] = {}
        if life.history is not None:
            changed = {"JobsHistorySize": life.history}
        driver.changed = life.history is not None
        try:
            resources.gate.talk.life(STARTS, str(life).removeprefix(", "))
            server.start(changed, life.loads)
        except NoServer as error:
            why = str(error).splitlines()[0]
            finding = Finding("persist/saved-by-default", ("the server starts again",), why, None)
            driver.found(finding)
        resources.client.move(server.address)
        resources.began_again(self.errors)
        size = int({**server.config, **changed}["JobsHistorySize"])
        start = Start(
            killed=killed,
            saves=server.config["SaveJobs"] is not False,
            loads=life.loads,
            errors=self.errors,
            history=size if self._ours_alone(driver, size) else None,
        )
        driver.began_again(start, since)

    def _ours_alone(self, driver: Driver, size: int) -> bool:
        """Whether it is known which completed job leaves the history next.

        A restart mixes them up, and jobs of earlier cases with them.
        """
        found = driver.answers.listed(driver.answers.get("/jobs"))
        ours = {job.id for job in driver.jobs.values()}
        completed = max((len(e.history) for e in driver.oracle.engines), default=0)
        ordered = completed <= MOST_ORDERED or len(ours) <= size
        return ordered and all(id in ours for id in found)
