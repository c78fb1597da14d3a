"""The cases that make their own sequences, run by the campaign: the search and complete suites."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from conformance.campaign.attempt import Runner
from conformance.campaign.lots import Stream
from conformance.campaign.telling import undecided
from conformance.campaign.verdict import Judgement
from conformance.driver.driver import Driver
from conformance.driver.script import Step
from conformance.errors import ServerDied, Unjudged
from conformance.events import Progress, Result, Verdict
from conformance.interrupts import Interrupt
from conformance.search.complete import PLANTS, Completing
from conformance.search.executor import Found
from conformance.search.stateful import PATIENCE, Search
from conformance.suites.case import Case, CompleteSuite, Script, StatefulSearch
from conformance.timing import TIMING


@dataclass(frozen=True)
class Hunt:
    """Runs the sequences of one case. Implements `conformance.search.executor.Repeater`."""

    runner: Runner
    case: CompleteSuite | StatefulSearch
    interrupt: Interrupt

    def open(self, patience: int = 1) -> Driver:
        return self.runner.driver(self.case, patience)

    def close(self, driver: Driver, failed: bool) -> None:
        """Where the jobs of the sequence do not end, the server is spoilt."""
        dirty = False
        try:
            if failed:
                driver.abandon()
        except (Unjudged, ServerDied):
            dirty = True
        self.runner.close(driver)
        if dirty or driver.unexplained:
            self.runner.spoil(self.case, dirty)

    def attempt(self, steps: Sequence[Step], patience: int = 1) -> Found | None:
        judged = self.runner.attempt(self._example(steps), patience)
        return Found(judged.findings[-1], judged.performed) if judged.findings else None

    def check(self) -> None:
        self.runner.session.check(TIMING.dying)

    def progress(self, done: int, of: int) -> None:
        """What Hypothesis made of an interrupt in the example before ends here."""
        self.interrupt.check()
        self.runner.book.tell(Progress(self.case.id, done, of))

    def _example(self, steps: Sequence[Step]) -> Script:
        case = self.case
        return Script(case.id, case.requirement, tuple(steps), config=case.config)

    def tell(self, found: Found) -> None:
        """Tell of a finding as of a case of its own, beside the verdict on the rest."""
        finding = found.finding
        if finding.relaxations is None:
            part = self.part(finding.requirement.replace("/", "-"))
        else:
            part = self.part("+".join(sorted(finding.relaxations)))
        self.enter(self.runner.teller.found(part, found, self.case))

    def part(self, name: str) -> Case:
        """What was found in the case, as a case of its own."""
        return replace(self.case, id=f"{self.case.id}/{name}")

    def enter(self, result: Result) -> None:
        """Tell of a part of the case."""
        self.runner.teller.enter(replace(result, part_of=self.case.id))

    # --- the two kinds ------------------------------------------------------------------------

    def search(self, stream: Stream, seed: int) -> Result:
        """Search on behind each deviation that has a name; each is told as a case of its own.

        Where this is one stream of several, it has its part of the examples and of the time.
        """
        book = self.runner.book
        shrinking = TIMING.shrinking_more if book.faulty else TIMING.shrinking
        search = Search(
            run_by=self,
            profile=self.runner.session.profile,
            examples=stream.examples,
            seed=stream.seed(seed),
            admitted=book.ledger.accepted,
            shrinking_time=shrinking / stream.of,
        )
        search.run()
        self.interrupt.check()
        if search.unjudged and search.died is None:
            self.once_more(search)
        return self._result(search)

    def once_more(self, search: Search) -> None:
        """As for any case, what broke on the way is tried once more."""
        known = self.runner.book.ledger.accepted | search.admitted
        if len(search.unjudged) >= PATIENCE:  # it has left the rest of its examples alone
            return
        for steps in search.unfinished:
            judged = self.runner.attempt(self._example(steps))
            if judged.died is not None:
                search.died = judged.died, judged.performed
            if judged.unjudged or judged.died or judged.missing:
                return
            search.found += [
                Found(finding, judged.performed)
                for finding in judged.findings
                if finding.relaxations is None or not finding.relaxations <= known
            ]
        search.unjudged.clear()

    def complete(self, extra: int) -> Result:
        """Run a complete suite, and go on behind each deviation that has a name.

        ``extra``: states that the server may have beyond those of the model.
        """
        suite = Completing(
            run_by=self,
            plant=PLANTS[self.case.id],
            workers=self.runner.session.profile.workers or 1,
            extra=extra,
            admitted=self.runner.book.ledger.accepted,
        )
        suite.run()
        return replace(self._result(suite), bound=suite.bound)

    def _result(self, hunt: Search | Completing) -> Result:
        """Tell what was found and has a name; the verdict on the rest."""
        case: Case = self.case
        named = {f.finding.relaxations: f for f in (*hunt.used.values(), *hunt.found)}
        for names, found in named.items():
            if names is not None:
                self.tell(found)
        if hunt.died is not None:
            died, performed = hunt.died
            return self.runner.teller.result(case, Judgement(performed=performed, died=died))
        if (last := named.get(None)) is not None:
            return self.runner.teller.found(case, last)
        if hunt.unjudged:
            return undecided(case, Verdict.UNKNOWN, hunt.unjudged[0])
        return undecided(case, Verdict.PASS)
