"""Drives a plant on a live server: each input as steps of a driver, each output as it was read.

The oracle judges all of it. What is read here is what the server has shown, whatever the oracle
makes of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.automata.plant import QUEUES, REPLIES, Input, Output, Plant, Verb, Views, Word
from conformance.driver.script import Do, Step, submit
from conformance.errors import Unjudged
from spec.engine import Act, Read, View

if TYPE_CHECKING:
    from conformance.driver.driver import Driver


class Player:
    """One plant on a driver of its own. ``workers``: how many the server has."""

    def __init__(self, driver: Driver, plant: Plant, workers: int) -> None:
        self.driver = driver
        self.plant = plant
        self._workers = workers
        self._blockers: list[str] = []
        self._made = 0  # blockers, in all

    def begin(self) -> Views:
        """Submit the jobs of the plant behind busy workers; what they show."""
        self._hold()
        for job in self.plant.jobs:
            self.driver.perform(submit(job.name, job.steps, job.priority))
        return self._shown()

    def run(self, word: Word) -> tuple[Output, ...]:
        """What each input shows; up to one that there is not, as the server stands."""
        outputs: list[Output] = []
        views = self._shown()
        for one in word:
            if one not in self.plant.possible([view.state for view in views]):
                break
            outputs.append(self.do(one))
            views = self._shown()
        return tuple(outputs)

    def do(self, one: Input) -> Output:
        """One input, which must be possible, and the reading when the server has come to rest."""
        if one.verb in QUEUES:
            self._hold()
        seen = len(self.driver.trace)
        if one.verb is Verb.START:
            self.driver.perform(Step(Do.SUCCEED, self._blockers.pop()))
        elif one.job is not None:
            self.driver.perform(Step(Do(one.verb.value), self.plant.jobs[one.job].name))
        views = self._views(one)
        acts = one.verb not in REPLIES | {Verb.START, Verb.READ}
        return Output(self._status(seen) if acts else None, views)

    def _hold(self) -> None:
        """Take every free worker."""
        oracle, jobs = self.driver.oracle, self.driver.jobs
        busy = sum(oracle.held(job.index) for job in jobs.values())
        for _ in range(busy, self._workers):
            self._made += 1
            self.driver.perform(submit(f"X{self._made}"))
            self._blockers.append(f"X{self._made}")

    def _status(self, since: int) -> int | None:
        told = [answer for event, answer in self.driver.trace[since:] if isinstance(event, Act)]
        return told[-1] if told else None

    def _views(self, one: Input) -> Views:
        """What the jobs of the plant show. An input to one of several may concern the others."""
        if len(self.plant.jobs) > 1:
            self.driver.perform(Step(Do.EXPAND))
        elif one.verb is Verb.READ:
            self.driver.perform(Step(Do.READ, self.plant.jobs[0].name))
        return self._shown()

    def _shown(self) -> Views:
        """The last reading of each job."""
        last: dict[int, View | None] = {}
        for event, answer in self.driver.trace:
            if isinstance(event, Read):
                last[event.job] = answer
        found = [last[self.driver.jobs[job.name].index] for job in self.plant.jobs]
        views = tuple(view for view in found if view is not None)
        if len(views) < len(found):
            raise Unjudged("a job of the plant is gone")
        return views
