"""The campaign: runs cases on a target, one after the other, and emits events.

It knows no output format. Cases that need another configuration of a managed server are run
on a server that was started with it. However the campaign ends, what it made is removed and
`Ended` is emitted, so that every report is written.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import inf
from typing import Any

from conformance.campaign import ledger as ledgers
from conformance.campaign.afterwards import Afterwards
from conformance.campaign.attempt import Experience, Obstacle, Runner
from conformance.campaign.book import Book, Emit
from conformance.campaign.confirm import judged
from conformance.campaign.hunting import Hunt
from conformance.campaign.little import crowd
from conformance.campaign.plan import Plan
from conformance.campaign.replaying import case_of, replay
from conformance.campaign.telling import Teller, undecided
from conformance.driver.driver import AT_ONCE
from conformance.driver.following import Deviated
from conformance.driver.places import HISTORY_FULL
from conformance.errors import (
    Interrupted,
    KitError,
    NoServer,
    ServerDied,
    TimeOver,
    Unjudged,
    masked,
    mistake,
)
from conformance.events import (
    CaseBegins,
    Cleanup,
    Failed,
    Result,
    RunVerdict,
    Started,
    Target,
    Verdict,
)
from conformance.interrupts import Interrupt, interruptible, uninterrupted
from conformance.session.probe import KeepsWaiting, probe
from conformance.session.session import Session, opened
from conformance.session.yard import Yard
from conformance.suites import select, suites
from conformance.suites.case import Case, Check, CompleteSuite, Script, StatefulSearch
from conformance.sut.profile import NOTHING, inapplicable
from conformance.sut.target import Choice
from conformance.timing import TIMING
from spec.requirements import CATALOGUE

FOUND_FIRST = "a deviation of its suite was found before it"
STATUS = {RunVerdict.CONFORMS: 0, RunVerdict.DEVIATES: 1, RunVerdict.UNKNOWN: 2}


@dataclass(frozen=True, slots=True)
class Group:
    """Cases that run on a server of one configuration."""

    config: Mapping[str, Any]
    cases: tuple[Case, ...]


def grouped(cases: Iterable[Case], first: Mapping[str, Any], managed: bool) -> list[Group]:
    """The cases by the configuration that they need, as they come; but ``first`` is the first.

    A server that is not ``managed`` cannot be had otherwise than it is: it runs all of them.
    """
    found: list[tuple[Mapping[str, Any], list[Case]]] = [(first, [])]
    for case in cases:
        needed = case.config if managed else first
        group = next((members for config, members in found if config == needed), None)
        if group is None:
            found.append((needed, group := []))
        group.append(case)
    return [Group(config, tuple(members)) for config, members in found]


class Campaign:
    """One run. ``behind``: how many cases a recording was run after."""

    def __init__(self, choice: Choice, plan: Plan, emit: Emit) -> None:
        self.choice = choice
        self.plan = plan
        self.behind = 0
        self._book = Book(emit, plan.whole)
        self._experience = Experience()
        self._yard = Yard()
        self._interrupt = Interrupt()
        self._begun = False
        self._ends = time.monotonic() + plan.time_limit
        self._over = f"the time limit of {plan.time_limit:g} s is over (--time-limit)"

    @property
    def results(self) -> Mapping[str, Result]:
        """What the cases came to, by their ids."""
        return self._book.results

    def run(self) -> int:
        """Run everything. The exit status of the contract: 0, 1 or 2.

        Raises `KitError`, after `Ended`, where it could not begin or go on.
        """
        interrupted, error = False, None
        try:
            with interruptible() as self._interrupt:
                try:
                    self._run()
                except BaseException:
                    self._yard.cut_short()
                    raise
                self._yard.clear(TIMING.stops)
        except Interrupted:
            interrupted = True
        except KitError as failed:
            error = failed
        except (Unjudged, ServerDied) as failed:  # outside of any case
            error = NoServer(f"the run cannot go on: {failed}")
        except Exception as ours:  # noqa: BLE001 - of the kit: it costs no report, and is told
            interrupted = self._interrupt.came  # and became this on its way
            error = None if interrupted else mistake(ours)
        verdict = self._conclude(interrupted, error)
        if error is not None and verdict is not RunVerdict.DEVIATES:
            raise error
        return STATUS[verdict]

    def _conclude(self, interrupted: bool, error: KitError | None) -> RunVerdict:
        """Tell how the run ended."""
        book = self._book
        verdict = book.verdict(cut_short=interrupted or error is not None)
        if not self._begun:
            name = Target(self.choice.name, "", self.choice.kind)
            book.tell(Started(name, self.plan.seed, _now(), 0, None))
        if error is not None:
            book.tell(Failed(masked(str(error))))
        book.tell(book.ended(verdict, interrupted))
        return verdict

    # --- servers ------------------------------------------------------------------------------

    def _run(self) -> None:
        """The first server tells which cases there are, and so which other servers it takes."""
        recording = self.plan.recording
        first = NOTHING if recording is None else recording.config
        began = time.perf_counter()
        with self._opened(first) as session:
            chosen = self._begin(session)
            here, *others = grouped(chosen, first, session.profile.managed)
            self._serve(session, here.cases, others, began)
        while others:
            group = others.pop(0)
            if time.monotonic() > self._ends:
                self._experience.obstacle = Obstacle(self._over)
                self._give_up(group.cases)
                continue
            began = time.perf_counter()
            with self._opened(group.config) as session:
                self._serve(session, group.cases, others, began)

    def _give_up(self, cases: Sequence[Case]) -> None:
        """Tell of cases for which no server is started any more."""
        for case in cases:
            self._book.tell(CaseBegins(case.id))
            skipped = undecided(case, Verdict.SKIPPED, case.unreachable)
            self._book.enter(self._left_out(case) or skipped, 0)

    @contextmanager
    def _opened(self, config: Mapping[str, Any]) -> Iterator[Session]:
        with opened(self.choice, config, self._yard) as session, self._cleaning(session):
            self._probe(session)
            yield session

    def _serve(
        self, session: Session, cases: Sequence[Case], others: Sequence[Group], began: float
    ) -> None:
        """Run the cases of a server that is open since ``began``; the next one begins meanwhile."""
        self._book.spend(setup_seconds=time.perf_counter() - began)
        if others and self.choice.address is None:
            self._yard.prepare(self.choice, others[0].config)
        self._group(session, cases)

    def _probe(self, session: Session) -> None:
        """A probe leaves a job in the history: only where there is room for it."""
        if self._experience.obstacle is not None or not session.fit(1):
            return
        try:
            probe(session)
            session.look_around("the first job")
        except KeepsWaiting as waits:
            session.renew()
            self._experience.obstacle = Obstacle(str(waits), spared=AT_ONCE)

    @contextmanager
    def _cleaning(self, session: Session) -> Iterator[None]:
        try:
            yield
            with suppress(Unjudged, Deviated, ServerDied):  # there is nothing left to look at
                self._afterwards(session).sweep()
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
            done.append(session.clean(self._interrupt.came))
            self._book.cleaned(done[-1])
            self._book.spend(
                cleanup_seconds=time.perf_counter() - began,
                actions=session.resources.actions,
                requests=session.client.requests,
            )

    # --- cases --------------------------------------------------------------------------------

    def _begin(self, session: Session) -> list[Case]:
        """Choose ledger and cases for this server."""
        plan, book = self.plan, self._book
        every = suites(session.profile)
        known = [case.id for case in every]
        book.ledger = ledgers.chosen(plan.ledger, plan.no_ledger, session.system, known)
        if plan.recording is not None:
            every = [case_of(plan.recording, session.profile)]
        book.cases = every
        chosen = select(every, plan.suites, plan.prefixes, plan.excluded)
        if not chosen:
            raise KitError("nothing is selected: --case, --suite and --exclude leave no case")
        self._begun = True
        book.selected, book.named = chosen, plan.suites
        book.bound = [id for id in CATALOGUE if inapplicable(session.profile, id) is None]
        book.tell(
            Started(
                session.target,
                plan.seed,
                _now(),
                len(chosen),
                book.ledger.file,
                tuple(sorted(name.value for name in book.ledger.accepted)),
                session.profile.mode,
                plan.whole,
                None if plan.time_limit == inf else plan.time_limit,
                plan.command,
            )
        )
        if book.ledger.note is not None:
            book.warn(book.ledger.note)
        return chosen

    def _afterwards(self, session: Session) -> Afterwards:
        return Afterwards(session, self._book, Teller(session, self._book, self.plan.replays))

    def _group(self, session: Session, cases: Iterable[Case]) -> None:
        """Run cases on an open server."""
        began = time.perf_counter()
        runner = Runner(
            session=session,
            book=self._book,
            experience=self._experience,
            afterwards=self._afterwards(session),
            timeout=self.choice.timeout,
            seed=self.plan.seed,
            over=self._over,
        )
        session.client.ends = self._ends
        try:
            for case in cases:
                self._interrupt.check()
                runner.is_over()
                self._book.tell(CaseBegins(case.id))
                if (result := self._left_out(case)) is not None:
                    runner.teller.enter(result)
                    continue
                with runner.stock_taken() as results:
                    results.append(self._case(runner, case))
                runner.teller.enter(results[0])
                runner.afterwards.late()
                runner.look_around(case)
            if any(one.reason == HISTORY_FULL for one in self._book.results.values()):
                self._book.crowd = crowd(session)
        finally:
            self._book.spend(seconds=time.perf_counter() - began)

    def _left_out(self, case: Case) -> Result | None:
        """The result of a case that is not run, because of those before it."""
        obstacle = self._experience.obstacle
        if obstacle is not None and obstacle.bars(case) and case.unreachable is None:
            return undecided(case, Verdict.UNKNOWN, obstacle.why)
        if self.plan.first and case.suite in self._book.deviating:
            return undecided(case, Verdict.SKIPPED, FOUND_FIRST)
        return None

    def _case(self, runner: Runner, case: Case) -> Result:
        if case.unreachable is not None:
            return undecided(case, Verdict.SKIPPED, case.unreachable)
        began = time.perf_counter()
        try:
            if not runner.has_room(case):
                return undecided(case, Verdict.SKIPPED, HISTORY_FULL)
            result = self._run_case(runner, case)
        except TimeOver:
            result = undecided(case, Verdict.UNKNOWN, self._over)
        except Unjudged as unjudged:  # not in a step of the case, but around them
            result = undecided(case, Verdict.UNKNOWN, str(unjudged))
        if result.verdict is Verdict.UNKNOWN:
            runner.look_after()
        return replace(result, seconds=time.perf_counter() - began)

    def _run_case(self, runner: Runner, case: Case) -> Result:
        match case:
            case Script() | Check() if self.plan.recording is not None:
                recording = self.plan.recording
                result, told = replay(runner, case, recording, self._interrupt)
                self.behind = told.behind
                self._book.tell(told)
                return result
            case Script() | Check():
                return runner.teller.result(case, judged(runner, case))
            case CompleteSuite():
                return Hunt(runner, case, self._interrupt).complete(self.plan.extra)
            case StatefulSearch():
                hunt = Hunt(runner, case, self._interrupt)
                return hunt.search(self.plan.examples, self.plan.seed)
        raise TypeError(f"no such kind of case: {type(case).__name__}")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
