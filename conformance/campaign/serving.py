"""One lot of cases on a server that is opened for it: from its beginning to its cleaning up."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any

from conformance.campaign.afterwards import Afterwards
from conformance.campaign.attempt import Experience, Obstacle, Runner
from conformance.campaign.book import Book
from conformance.campaign.confirm import judged
from conformance.campaign.hunting import Hunt
from conformance.campaign.little import OVER, crowd
from conformance.campaign.lots import Lot, Stream
from conformance.campaign.plan import Plan
from conformance.campaign.replaying import replay
from conformance.campaign.telling import Teller, undecided
from conformance.driver.following import Deviated
from conformance.driver.places import HISTORY_FULL
from conformance.errors import (
    Interrupted,
    KitError,
    NoServer,
    ServerDied,
    TimeOver,
    Unjudged,
    mistake,
)
from conformance.events import CaseBegins, Cleanup, Result, Spoken, Verdict
from conformance.interrupts import Interrupt, uninterrupted
from conformance.session.probe import Hopeless, probe
from conformance.session.session import Session, opened
from conformance.session.yard import Yard
from conformance.suites.case import Case, Check, CompleteSuite, Script, StatefulSearch
from conformance.sut.target import Choice

FOUND_FIRST = "a deviation of its suite was found before it"
ENOUGH = "as many deviations were found as were asked for (--max-failures)"


@dataclass(frozen=True)
class Bench:
    """What all lots that one process runs have in common.

    ``ends``: when the time of the run is over. ``yard``: of its servers.
    """

    choice: Choice
    plan: Plan
    ends: float
    yard: Yard = field(default_factory=Yard)
    interrupt: Interrupt = field(default_factory=Interrupt)

    @property
    def over(self) -> str:
        """What is said when the time of the run is over."""
        return f"the time limit of {self.plan.time_limit:g} s is over {OVER}"


@dataclass
class Serving:
    """A lot under way. ``book``: of this lot alone. ``experience``: of the run, so far.

    ``behind``: how many cases a recording was run after.
    """

    bench: Bench
    book: Book
    experience: Experience
    behind: int = 0

    def run(self, lot: Lot, ahead: Mapping[str, Any] | None) -> None:
        """Run all of it. ``ahead``: what the next server is likely to need."""
        cases = {case.id: case for case in self.book.cases}
        chosen = [cases[id] for id in lot.cases]
        if self._is_in_vain(chosen):
            self._give_up(chosen)
            return
        began = time.perf_counter()
        with self.opened(lot.config) as session:
            self.book.spend(setup_seconds=time.perf_counter() - began)
            if ahead is not None:
                self.bench.yard.prepare(self.bench.choice, ahead)
            self.serve(session, chosen, lot)

    def _is_in_vain(self, cases: Sequence[Case]) -> bool:
        if time.monotonic() > self.bench.ends:
            self.experience.obstacle = Obstacle(self.bench.over)
        obstacle = self.experience.obstacle
        return self._enough or (obstacle is not None and all(map(obstacle.bars, cases)))

    @property
    def _enough(self) -> bool:
        """Whether so many cases deviate that no other is begun."""
        most = self.bench.plan.max_failures
        return most is not None and len(self.book.deviated) >= most

    def _give_up(self, cases: Sequence[Case]) -> None:
        """Tell of cases for which no server is started any more."""
        for case in cases:
            self.book.tell(CaseBegins(case.id))
            skipped = undecided(case, Verdict.SKIPPED, case.unreachable)
            self.book.enter(self._left_out(case) or skipped, 0)

    # --- the server ---------------------------------------------------------------------------

    @contextmanager
    def opened(self, config: Mapping[str, Any]) -> Iterator[Session]:
        """A server of this configuration, whose first job was seen; it is cleaned up at the end."""
        with opened(self.bench.choice, config, self.bench.yard) as session, self._cleaning(session):
            if self.bench.plan.verbose:
                session.gate.talk.hear = lambda said: self.book.tell(Spoken(said))
            with self._clock_known(session):
                self._probe(session)
                yield session

    @contextmanager
    def _clock_known(self, session: Session) -> Iterator[None]:
        """How often its clock was set goes on from lot to lot, as that of one server would."""
        clock = session.resources.fields.clock
        clock.steps = self.experience.clock_steps
        try:
            yield
        finally:
            self.experience.clock_steps = clock.steps

    def _probe(self, session: Session) -> None:
        """A probe leaves a job in the history: only where there is room for it."""
        if self.experience.obstacle is not None or not session.fit(1):
            return
        try:
            with suppress(Unjudged):
                session.see_kept(first=True)
            probe(session)
            session.look_around("the first job")
        except ServerDied:  # each case will say so
            session.renew()
        except Hopeless as shown:
            session.renew()
            if self.bench.plan.recording is None:  # what it shows is what it was recorded for
                self.experience.obstacle = Obstacle(str(shown), spared=shown.shown_by)

    @contextmanager
    def _cleaning(self, session: Session) -> Iterator[None]:
        try:
            yield
            with suppress(Unjudged, Deviated, ServerDied):  # there is nothing left to look at
                self._afterwards(session, None).sweep()
        finally:
            done: list[Cleanup] = []
            try:
                self._clean(session, done)
            except Interrupted:  # it may have come when nothing was cleaned up yet
                if not done:
                    self._clean(session, done)
                raise

    def _clean(self, session: Session, done: list[Cleanup]) -> None:
        """Clean up. A second interrupt is not heard, as any after the first."""
        with uninterrupted():
            began = time.perf_counter()
            done.append(session.clean(self.bench.interrupt.came))
            self.book.cleaned(done[-1])
            self.book.spend(
                cleanup_seconds=time.perf_counter() - began,
                actions=session.resources.actions,
                requests=session.client.requests,
                strangers=session.gate.callers.strangers,
            )

    def _afterwards(self, session: Session, lot: Lot | None) -> Afterwards:
        part = None if lot is None or lot.stream is None else lot.stream.number + 1
        return Afterwards(
            session, self.book, Teller(session, self.book, self.bench.plan.replays, part)
        )

    # --- its cases ----------------------------------------------------------------------------

    def serve(self, session: Session, cases: Iterable[Case], lot: Lot) -> None:
        """Run cases on an open server."""
        bench = self.bench
        began = time.perf_counter()
        runner = Runner(
            session=session,
            book=self.book,
            experience=self.experience,
            afterwards=self._afterwards(session, lot),
            timeout=bench.choice.timeout,
            seed=bench.plan.seed,
            over=bench.over,
        )
        session.client.ends = bench.ends
        try:
            for case in cases:
                bench.interrupt.check()
                runner.is_over()
                self.book.tell(CaseBegins(case.id))
                if (result := self._left_out(case)) is not None:
                    runner.teller.enter(result)
                    continue
                with runner.stock_taken() as results:
                    results.append(self._case(runner, case, lot))
                runner.teller.enter(results[0])
                runner.afterwards.late()
                runner.look_around(case)
            if any(one.reason == HISTORY_FULL for one in self.book.results.values()):
                self.book.crowd = crowd(session)
        finally:
            self.book.spend(seconds=time.perf_counter() - began)

    def _left_out(self, case: Case) -> Result | None:
        """The result of a case that is not run, because of those before it."""
        obstacle = self.experience.obstacle
        if obstacle is not None and obstacle.bars(case) and case.unreachable is None:
            return undecided(case, Verdict.UNKNOWN, obstacle.why)
        if self._enough:
            return undecided(case, Verdict.SKIPPED, ENOUGH)
        if self.bench.plan.first and case.suite in self.book.deviating:
            return undecided(case, Verdict.SKIPPED, FOUND_FIRST)
        return None

    def _case(self, runner: Runner, case: Case, lot: Lot) -> Result:
        if case.unreachable is not None:
            return undecided(case, Verdict.SKIPPED, case.unreachable)
        began, waited = time.perf_counter(), runner.session.waited
        try:
            if not runner.has_room(case):
                return undecided(case, Verdict.SKIPPED, HISTORY_FULL)
            result = self._run_case(runner, case, lot)
        except TimeOver:
            result = undecided(case, Verdict.UNKNOWN, self.bench.over)
        except Unjudged as unjudged:  # not in a step of the case, but around them
            result = undecided(case, Verdict.UNKNOWN, str(unjudged))
        if result.verdict is Verdict.UNKNOWN:
            runner.look_after()
        waited = runner.session.waited - waited
        return replace(result, seconds=time.perf_counter() - began, waited=waited)

    def _run_case(self, runner: Runner, case: Case, lot: Lot) -> Result:
        plan, interrupt = self.bench.plan, self.bench.interrupt
        match case:
            case Script() | Check() if plan.recording is not None:
                result, told = replay(runner, case, plan.recording, interrupt)
                self.behind = told.behind
                self.book.tell(told)
                return result
            case Script() | Check():
                return runner.teller.result(case, judged(runner, case))
            case CompleteSuite():
                return Hunt(runner, case, interrupt).complete(plan.extra)
            case StatefulSearch() if plan.fuzzing is not None:
                from conformance.campaign.fuzzing import fuzz  # with Hypothesis, which takes long

                most = plan.max_failures or inf
                return fuzz(Hunt(runner, case, interrupt), plan.fuzzing, plan.seed, most)
            case StatefulSearch():
                hunt = Hunt(runner, case, interrupt)
                return hunt.search(lot.stream or Stream(0, 1, plan.examples), plan.seed)
        raise TypeError(f"no such kind of case: {type(case).__name__}")


def error_of(failed: Exception) -> KitError:
    """What a run is ended by, as an error that can be told."""
    if isinstance(failed, KitError):
        return failed
    if isinstance(failed, Unjudged | ServerDied):  # outside of any case
        return NoServer(f"the run cannot go on: {failed}")
    return mistake(failed)  # of the kit: it costs no report, and is told
