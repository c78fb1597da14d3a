"""What is looked at when a case is over: what comes late, and whether its jobs stay as they are."""

from __future__ import annotations

import time
from dataclasses import dataclass

from conformance.campaign.book import Book
from conformance.campaign.telling import Teller
from conformance.driver.answers import Answers
from conformance.driver.arrivals import Arrivals
from conformance.driver.following import Deviated, deviate
from conformance.events import Verdict
from conformance.oracle.oracle import Finding
from conformance.session.session import Session
from conformance.suites.case import Case, Script
from conformance.timing import TIMING
from spec.engine import View, describe
from spec.table import State


@dataclass(frozen=True)
class Afterwards:
    """Amends the results of cases on one open server."""

    session: Session
    book: Book
    teller: Teller

    def late(self) -> None:
        """Book what came too late to the case that it belongs to."""
        resources = self.session.resources
        late, resources.late = resources.late, []
        for name, finding in late:
            if name in self.book.results:
                self._amend(name, finding)
            else:  # of an earlier example of the search that is still under way
                resources.late.append((name, finding))

    def linger(self, case: Case) -> None:
        """Let what comes late of a case come, before the last look."""
        gate = Arrivals(self.session.resources)
        end = time.monotonic() + TIMING.late_arrivals
        late = self.session.resources.late
        while all(name != case.id for name, _ in late) and time.monotonic() < end:
            gate.watch(TIMING.late_arrivals / 10)

    def sweep(self) -> None:
        """A last look: nothing arrives any more, and completed jobs are as they were."""
        Arrivals(self.session.resources).watch()
        self.late()
        answers = Answers(self.session.resources, deviate)
        shown = answers.jobs()
        for job in self.session.resources.jobs:
            if job.last is None or job.id not in shown or job.case not in self.book.results:
                continue
            try:
                now = answers.fields(job, shown[job.id])
            except Deviated as deviated:
                self._amend(job.case, deviated.finding)
                continue
            if now != job.last:
                broken = _unchanging(job.last)
                finding = Finding(broken, (describe(job.last),), describe(now), None)
                self._amend(job.case, finding)

    def _amend(self, name: str, finding: Finding) -> None:
        """Make a deviation of a case, unless it is one already."""
        case = next((case for case in self.book.cases if case.id == name), None)
        if case is not None and self.book.results[name].verdict is not Verdict.DEVIATION:
            steps = case.steps if isinstance(case, Script) else ()
            performed = [(step, ()) for step in steps]
            self.teller.enter(self.teller.finding(case, finding, performed))


def _unchanging(view: View) -> str:
    return f"monitor/state-{view.state.lower()}" if view.state in State else "monitor/state"
