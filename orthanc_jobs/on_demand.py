"""A run in a thread of its own, whose cases are asked for one by one."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import replace
from queue import SimpleQueue

from conformance.campaign.on_demand import OnDemand
from conformance.campaign.plan import Plan
from conformance.errors import KitError
from conformance.events import GRAVITY, Ended, Event, Result, Verdict
from conformance.reports import Reports
from conformance.reports.story import Story, stale_words
from conformance.sut.target import Choice

DEADLINE = 30.0  # seconds for a run to clean up, when it is over


class Stopped(Exception):
    """The run has ended before the case had a verdict. ``str()`` is the reason."""


class Steps:
    """Runs the cases that `result` is asked for, on one target. ``selected``: all that may be.

    ``whole``: these are all that there are.
    """

    def __init__(self, choice: Choice, plan: Plan, selected: Iterable[str], whole: bool) -> None:
        if not whole:
            plan = replace(plan, suites=(), prefixes=tuple(selected), excluded=())
        self.story = Story()
        self._asked: SimpleQueue[str | None] = SimpleQueue()
        self._change = threading.Condition()
        self._told: dict[str, Result] = {}  # as they were told to who asked
        self._error: KitError | None = None
        secrets = () if choice.address is None else choice.address.secrets
        reports = Reports([self], secrets)
        self._run = OnDemand(choice, plan, reports, iter(self._asked.get, None))
        self._thread = threading.Thread(target=self._go, name="orthanc-jobs", daemon=True)

    def _go(self) -> None:
        try:
            self._run.run()
        except KitError as error:
            self._error = error
        finally:
            with self._change:
                self._change.notify_all()

    def take(self, event: Event) -> None:
        """An event of the run: a `Writer` of its reports."""
        with self._change:
            self.story.take(event)
            self._change.notify_all()

    def result(self, id: str) -> Result:
        """Run a case, and wait for its verdict. Raises `Stopped`."""
        if not self._thread.is_alive() and self.story.ended is None:
            self._thread.start()
        self._asked.put(id)
        with self._change:
            self._change.wait_for(lambda: id in self.story.results or not self._thread.is_alive())
            if id not in self.story.results:
                raise Stopped(str(self._error or self.story.failed or "the run has ended"))
            self._told[id] = self._worst(id)
            return self._told[id]

    def worsened(self) -> list[Result]:
        """The results that were told otherwise before: what came late is booked to its case."""
        with self._change:
            found = [self._worst(id) for id, told in self._told.items() if self._worst(id) != told]
            self._told |= {self._id(result): result for result in found}
        return found

    def _id(self, result: Result) -> str:
        return result.part_of or result.id

    def _worst(self, id: str) -> Result:
        """The verdict on a case, and on what was found in it beside."""
        results = self.story.results
        found = [results[id], *(one for one in results.values() if one.part_of == id)]
        return min(found, key=lambda one: GRAVITY.index(one.verdict))

    def finish(self) -> Ended | None:
        """No more is asked for: wait until all is cleaned up. None, where nothing ever was."""
        self._asked.put(None)
        if self._thread.is_alive():
            self._thread.join(DEADLINE)
        return self.story.ended

    def wrong(self) -> list[str]:
        """What is wrong with the run as a whole, and not with one of its cases."""
        ended = self.finish()
        if ended is None:
            return []
        told = [stale_words(name) for name in ended.stale]
        told += [self.story.failed] if self.story.failed is not None else []
        for kind, why, ids in self.story.left:
            told.append(f"left on the server, {why}: " + ", ".join(f"{kind} {id}" for id in ids))
        blamed = told or self.story.of(Verdict.UNKNOWN, Verdict.DEVIATION)
        return told if blamed or ended.why is None else [ended.why]
