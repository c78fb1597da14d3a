"""A search that goes on for as long as it is let: rounds of the stateful search, with new seeds.

What a sequence reached is the guide: one that has brought the server where none has before, by the
model, is kept in a corpus (`conformance.search.corpus`), and later sequences begin as it does. What
of the corpus has not been run here is run before anything else, be it of an earlier search or of
another machine.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import TypeAlias

from conformance.driver.driver import Driver
from conformance.driver.following import Deviated
from conformance.driver.script import LIVES, Do
from conformance.errors import Interrupted
from conformance.search.corpus import Corpus, Unreachable
from conformance.search.rules import Jobs, prolific_machine_of
from conformance.search.shrinking import Steps, key_of
from conformance.search.stateful import MOST_KILLS, MOST_RESTARTS, Search
from spec.engine import Engine, Job

ROUND = 24  # examples
RECENT = 300.0  # seconds that count as lately
GOES_ON = "the search goes on with what it has"
LIVES_EVERY = 5  # rounds in which the server may be ended once more: an Orthanc takes its time

Reached: TypeAlias = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """How far a search has come. ``recent``: states that were reached in the last minutes."""

    examples: int = 0
    actions: int = 0
    states: int = 0
    recent: int = 0
    kept: int = 0


def reached(driver: Driver) -> Reached | None:
    """The state of the model that the server is in, where only one explains what was seen.

    It is what its jobs are: without names, priorities and numbers of steps, which would make each
    state a new one.
    """
    found = {_state(engine) for engine in driver.oracle.rest()}
    return found.pop() if len(found) == 1 else None


def _state(engine: Engine) -> Reached:
    return tuple(sorted(_kind(job) for job in engine.jobs if job is not None))


def _kind(job: Job) -> tuple[str, ...]:
    steps = "none done" if not job.done else "some done" if job.done < job.steps else "all done"
    left = "" if job.steps - job.done > 1 else "one left"
    return (job.state.value, job.phase.value, job.asked.name, job.error.name, steps, left)


@dataclass(kw_only=True)
class Fuzz(Search):
    """A search of many rounds. ``until``: when it ends, by the monotonic clock.

    ``told``: is called when the tally has changed. ``warned``: with what changes no verdict.
    """

    corpus: Corpus
    until: float
    told: Callable[[Tally], None]
    warned: Callable[[str], None]
    examples: int = ROUND
    round_number: int = 0
    _states: set[Reached] = field(default_factory=set)
    _when: deque[float] = field(default_factory=deque)  # each of the last states was reached
    _ran: set[Steps] = field(default_factory=set)  # of the corpus
    _unkept: list[Steps] = field(default_factory=list)  # as the database did not answer
    _kept: list[Steps] = field(default_factory=list)
    _replaying: bool = False
    _news: int = 0  # steps of the example under way, up to the last new state
    _seed: Random = field(init=False)

    def __post_init__(self) -> None:
        self._seed = Random(self.seed)

    @property
    def ended(self) -> bool:
        """Whether its time is over."""
        return time.monotonic() > self.until

    @property
    def over(self) -> bool:
        return self.ended or super().over

    def round(self) -> None:
        """Run what of the corpus is new here, and then some examples.

        It ends with the first finding, which is in `found`, also where it was interrupted.
        """
        if self.round_number % LIVES_EVERY == 0:
            self.restarts = {Do.RESTART: MOST_RESTARTS, Do.KILL: MOST_KILLS}
        self.round_number += 1
        self.seed = self._seed.getrandbits(64)
        for steps in self._unseen():
            if self.over:
                return
            self._ran.add(steps)
            self._kept.append(steps)
            if self._finds(partial(self._replay, steps)):
                return
        self._finds(self._once)

    def _finds(self, once: Callable[[], None]) -> bool:
        try:
            best = self.hunted(once)
        except Interrupted:
            if self._best is not None:
                self.found.append(self._best)
            raise
        if best is None:
            return False
        self._wanted, self._best = None, None  # nothing is shrunk any more
        self.found.append(best)
        self.known.add(key_of(best.finding))
        self.admitted |= best.finding.relaxations or frozenset()
        self._keep(tuple(step for step, _ in best.steps))
        return True

    def _machine(self) -> type[Jobs]:
        return prolific_machine_of(self, tuple(self._kept))

    # --- the corpus ---------------------------------------------------------------------------

    def _unseen(self) -> Iterable[Steps]:
        """What of the corpus has not been run here yet."""
        try:
            while self._unkept:
                self.corpus.keep(self._unkept[0])
                del self._unkept[0]
            found = self.corpus.sequences()
        except Unreachable as error:
            self.warned(f"{error}; {GOES_ON}")
            return []
        return [steps for steps in found if steps not in self._ran]

    def _replay(self, steps: Steps) -> None:
        machine = self._machine()()
        self._replaying = True
        try:
            with suppress(Deviated):  # what was found is noted
                for step in steps:
                    machine.redo(step)
            with suppress(Deviated):
                machine.teardown()
        finally:
            self._replaying = False

    def _keep(self, steps: Steps) -> None:
        if steps in self._ran:
            return
        self._ran.add(steps)
        self._kept.append(steps)
        if self._unkept:  # it is asked again in the next round
            self._unkept.append(steps)
            return
        try:
            self.corpus.keep(steps)
        except Unreachable as error:
            self._unkept.append(steps)
            self.warned(f"{error}; {GOES_ON}")

    # --- an example ---------------------------------------------------------------------------

    def begin(self) -> Driver:
        self._news = 0
        driver = super().begin()
        self.told(self.tally())
        return driver

    def acted(self, driver: Driver) -> None:
        super().acted(driver)
        state = None if self.shrinking else reached(driver)
        if state is None or state in self._states:
            return
        self._states.add(state)
        self._when.append(time.monotonic())
        # What a restart costs is too much for what is run so often.
        if not any(step.do in LIVES for step, _ in driver.performed):
            self._news = len(driver.performed)

    def end(self, driver: Driver, failed: bool) -> None:
        if self._news and not self._replaying:  # what is replayed is kept already
            self._keep(tuple(step for step, _ in driver.performed[: self._news]))
        super().end(driver, failed)

    def tally(self) -> Tally:
        """How far it has come."""
        while self._when and self._when[0] < time.monotonic() - RECENT:
            self._when.popleft()
        return Tally(self.ran, self.actions, len(self._states), len(self._when), len(self._kept))
