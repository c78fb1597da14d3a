"""One execution of a case on an open server, and what the run learns of the server by it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from math import inf
from random import Random

from conformance.campaign.afterwards import Afterwards
from conformance.campaign.book import Book
from conformance.campaign.little import SLOW
from conformance.campaign.telling import Teller
from conformance.campaign.verdict import Judgement
from conformance.driver.context import Context
from conformance.driver.driver import Driver
from conformance.driver.ending import remove_jobs
from conformance.driver.following import Deviated
from conformance.driver.script import Do
from conformance.driver.spares import can_take_up, put_aside, take_up
from conformance.errors import (
    Displaced,
    HistoryFull,
    ServerDied,
    ServerStopped,
    TimeOver,
    Trouble,
    Unavailable,
    Unjudged,
)
from conformance.events import Result, Verdict
from conformance.session.session import Session
from conformance.suites.case import Case, Check, Script
from conformance.suites.needs import LARGEST
from conformance.timing import TIMING
from spec.engine import Config
from spec.relaxations import NONE, Relaxation

MOST_HINDERED = 3  # cases in a row that the same trouble spoils; no other is tried
MOST_CONFIRMED = 3  # cases in which something did not come that are run again


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why no case can be judged any more, but for those about one requirement, if it is named."""

    why: str
    spared: str | None = None

    def bars(self, case: Case) -> bool:
        """Whether the case cannot be judged."""
        return self.spared is None or case.requirement != self.spared


@dataclass
class Experience:
    """What a run has learned of its server, from one configuration of it to the next.

    ``retries``: a step of it has asked for Retry. ``confirmed``: the cases in which something did
    not come, and did not with more patience either. ``troubled``, ``slow``: how many cases in a
    row came to nothing by trouble, and waited long for their answers. ``clock_steps``: how often
    the clock of the server was set.
    """

    obstacle: Obstacle | None = None
    retries: bool = False
    confirmed: int = 0
    troubled: int = 0
    slow: int = 0
    clock_steps: int = 0

    @property
    def hasty(self) -> bool:
        """Whether so much did not come that it is not waited for any longer."""
        return self.confirmed >= MOST_CONFIRMED


@dataclass(frozen=True)
class Runner:
    """Runs cases on one open server. ``timeout``: seconds for an answer, with usual patience.

    ``over``: what is said when the time of the run is. ``seed``: of what a check leaves to chance.
    """

    session: Session
    book: Book
    experience: Experience
    afterwards: Afterwards
    timeout: float
    seed: int
    over: str = ""

    @property
    def teller(self) -> Teller:
        """Who makes results of what is run."""
        return self.afterwards.teller

    def attempt(self, case: Script | Check, patience: int = 1, number: int = 0) -> Judgement:
        """Run the case once. ``number``: how often it was run before."""
        session = self.session
        if case.fresh:
            kills = isinstance(case, Script) and any(step.do is Do.KILL for step in case.steps)
            session.empty(on_disk=kills or case.anew)
        before = tuple(session.had)
        session.had.append(case.id)
        driver = self.driver(case, patience)
        draw = Random(f"{self.seed}/{case.id}/{number}")
        context = Context(driver, session.profile, session.system.version, draw, number)
        reason: Unjudged | None = None
        died, dirty = None, False
        clock, doubts = session.resources.fields.clock, session.doubts
        steps, refused = clock.steps, len(doubts.refused)
        with self._patient(patience):
            try:
                try:
                    _perform(case, driver, context)
                except Deviated:
                    driver.abandon()
                except Unjudged as unjudged:
                    reason = unjudged
                    session.check(TIMING.dying)  # a connection breaks before its process has ended
                    driver.abandon()
                reason = reason or self._not_let(driver, refused)
                context.close()
            except Unjudged as unjudged:
                stopped = isinstance(unjudged, ServerStopped)  # which is why the other came
                reason, dirty = unjudged if stopped else reason or unjudged, True
            except ServerDied as ended:
                died, dirty = ended, True
        self.close(driver)
        if driver.unexplained or type(reason) is Unjudged:
            with suppress(Unjudged):
                session.see_kept()
        if dirty or driver.unexplained:
            self.spoil(case, dirty)
        elif driver.changed:
            session.renew()
        return Judgement(
            findings=() if isinstance(reason, Unavailable) else tuple(driver.findings),
            performed=tuple(driver.performed[: driver.deviated_at or None]),
            unjudged=self._told(reason),
            died=died,
            dirty=dirty,
            full=isinstance(reason, HistoryFull | Displaced | Unavailable),
            displaced=isinstance(reason, Displaced),
            trouble=reason.kind if isinstance(reason, Trouble) else None,
            clock_set=clock.steps > steps,
            lines=tuple(context.lines),
            before=before,
        )

    def _not_let(self, driver: Driver, refused: int) -> Unavailable | None:
        """Why a case that deviates is not judged: somebody's server does not let its user do it.

        ``refused``: how much it had refused before.
        """
        kind = self.session.doubts.not_let(refused)
        if self.session.server is not None or not driver.findings or kind is None:
            return None
        method, path, status = kind
        return Unavailable(f"the server refuses its user {method} {path} (HTTP {status})")

    def _told(self, reason: Unjudged | None) -> str | None:
        if isinstance(reason, TimeOver):
            return self.over
        return None if reason is None else str(reason)

    @contextmanager
    def _patient(self, patience: int) -> Iterator[None]:
        client = self.session.client
        client.timeout = self.timeout * patience
        try:
            yield
        finally:
            client.timeout = self.timeout

    def driver(self, case: Case, patience: int = 1) -> Driver:
        """A driver for the case, whose oracle admits what its verdict must not depend on."""
        profile = self.session.profile
        config = Config(
            workers=profile.workers,
            history=profile.history if profile.exclusive else None,
            retries=self.experience.retries,
            relaxations=self._granted(case),
        )
        at_most = TIMING.hasty if self.experience.hasty else inf
        return self.session.driver(config, case.id, patience=patience, at_most=at_most)

    def _granted(self, case: Case) -> frozenset[Relaxation]:
        if not isinstance(case, Check) or not case.by_chance:
            return NONE
        return frozenset(n for n in self.book.ledger.accepted if isinstance(n, Relaxation))

    def close(self, driver: Driver) -> None:
        """The sequence of a driver is over, and its jobs have ended."""
        profile = self.session.profile
        self.book.saw(driver.trace)
        self.experience.retries = self.experience.retries or driver.oracle.config.retries
        frugal = not profile.exclusive
        put_aside(driver, keep=frugal and not profile.deletes)
        if profile.deletes and (frugal or self._heaps_up):
            with suppress(Unjudged):  # what is left is looked for again at the end
                remove_jobs(self.session.resources, [job.id for job in driver.jobs.values()])

    @property
    def _heaps_up(self) -> bool:
        """Whether somebody's server keeps so many jobs that each list of them grows long."""
        return self.session.server is None and (self.session.profile.history or 0) > LARGEST

    def spoil(self, case: Case, dirty: bool) -> None:
        """After a fault the server is not to be relied on: start another, where we can."""
        self.afterwards.late()
        if self.is_over() or self.session.renew() or not dirty or self.is_gone():
            return
        if self.experience.obstacle is None:
            why = f"jobs of {case.id} do not end, and get in the way of all others"
            self.experience.obstacle = Obstacle(why)

    def look_after(self) -> None:
        """A server that has gone or hangs is not waited for again in every later case."""
        obstacle = self.experience.obstacle
        if obstacle is None or obstacle.spared is not None:
            self.is_gone()

    def is_over(self) -> bool:
        """Whether the time of the run is over."""
        over = time.monotonic() > self.session.client.ends
        if over:
            self.experience.obstacle = Obstacle(self.over)
        return over

    def is_gone(self) -> bool:
        """Whether the server does not answer any more, and cannot be made anew."""
        try:
            self.session.client.get("/system")
        except Unjudged as gone:
            if not self.is_over() and self.session.renew():
                return False
            why = f"the server does not answer any more: {gone}"
            self.experience.obstacle = self.experience.obstacle or Obstacle(why)
            return True
        return False

    @contextmanager
    def stock_taken(self) -> Iterator[list[Result]]:
        """Around a case, whose result is put into the list.

        Where trouble or slowness spoils one case after the other, that is told once, and no other
        case is tried: it would take long, and come to nothing.
        """
        client, doubts, experience = self.session.client, self.session.doubts, self.experience
        waited, asked, raised = client.waited, client.requests, doubts.raised
        results: list[Result] = []
        yield results
        (result,) = results
        hindered = result.verdict is Verdict.UNKNOWN and doubts.raised > raised
        experience.troubled = experience.troubled + 1 if hindered else 0
        waited, asked = client.waited - waited, client.requests - asked
        slow = waited > TIMING.slow_case and waited > asked * TIMING.slow_answer
        slow = slow and result.verdict in (Verdict.UNKNOWN, Verdict.PASS)
        experience.slow = experience.slow + 1 if slow else 0
        if experience.obstacle is None and experience.troubled == MOST_HINDERED:
            why = f"{MOST_HINDERED} cases in a row came to nothing, the last by {result.reason}"
            experience.obstacle = Obstacle(why)
        if experience.obstacle is None and experience.slow == MOST_HINDERED:
            experience.obstacle = Obstacle(
                f"{SLOW}: {waited / asked:.2f} s for an answer,"
                f" the mean of {asked}; so it was in {MOST_HINDERED} cases in a row"
            )

    def look_around(self, case: Case) -> None:
        """After a case, nobody's job is gone. Raises `JobsLost`."""
        if self.experience.obstacle is None and case.unreachable is None:
            with suppress(Unjudged):  # it is looked at again after the next one
                self.session.look_around(case.id)

    def has_room(self, case: Case) -> bool:
        """Whether it is of use to begin a case, by the jobs that it says it leaves.

        Each of them is asked for again when it is made: `conformance.driver.places`.
        """
        session = self.session
        if session.profile.exclusive:
            return True
        if isinstance(case, Script):
            submitted = sum(step.do is Do.SUBMIT for step in case.steps)
            return session.fit(submitted - can_take_up(session.resources, case.steps))
        return not isinstance(case, Check) or session.fit(case.leaves)


def _perform(case: Script | Check, driver: Driver, context: Context) -> None:
    if isinstance(case, Check):
        case.check(context)
    else:
        for step in take_up(driver, case.steps):
            driver.perform(step)
        if case.watch:
            driver.watch()
    driver.finish()
