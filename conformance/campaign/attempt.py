"""One execution of a case on an open server, and what the run learns of the server by it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from math import inf
from random import Random

from conformance.campaign.afterwards import Afterwards
from conformance.campaign.book import Book
from conformance.campaign.telling import Teller
from conformance.campaign.verdict import Judgement
from conformance.driver.context import Context
from conformance.driver.driver import Driver
from conformance.driver.ending import remove_jobs
from conformance.driver.following import Deviated
from conformance.driver.script import Do
from conformance.driver.spares import can_take_up, put_aside, take_up
from conformance.errors import HistoryFull, ServerDied, Unjudged
from conformance.session.session import Session
from conformance.suites.case import Case, Check, Script
from conformance.timing import TIMING
from spec.engine import Config
from spec.relaxations import NONE, Relaxation

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
    not come, and did not with more patience either.
    """

    obstacle: Obstacle | None = None
    retries: bool = False
    confirmed: int = 0

    @property
    def hasty(self) -> bool:
        """Whether so much did not come that it is not waited for any longer."""
        return self.confirmed >= MOST_CONFIRMED


@dataclass(frozen=True)
class Runner:
    """Runs cases on one open server. ``timeout``: seconds for an answer, with usual patience.

    ``seed``: of what a check leaves to chance.
    """

    session: Session
    book: Book
    experience: Experience
    afterwards: Afterwards
    timeout: float
    seed: int

    @property
    def teller(self) -> Teller:
        """Who makes results of what is run."""
        return self.afterwards.teller

    def attempt(self, case: Script | Check, patience: int = 1, number: int = 0) -> Judgement:
        """Run the case once. ``number``: how often it was run before."""
        session = self.session
        if case.fresh:
            kills = isinstance(case, Script) and any(step.do is Do.KILL for step in case.steps)
            session.empty(on_disk=kills)
        before = tuple(session.had)
        session.had.append(case.id)
        driver = self.driver(case, patience)
        draw = Random(f"{self.seed}/{case.id}/{number}")
        context = Context(driver, session.profile, session.system.version, draw, number)
        reason, died, dirty, full = None, None, False, False
        with self._patient(patience):
            try:
                try:
                    _perform(case, driver, context)
                except Deviated:
                    driver.abandon()
                except Unjudged as unjudged:
                    reason, full = str(unjudged), isinstance(unjudged, HistoryFull)
                    session.check(TIMING.dying)  # a connection breaks before its process has ended
                    driver.abandon()
                context.close()
            except Unjudged as unjudged:
                reason, dirty = reason or str(unjudged), True
            except ServerDied as ended:
                died, dirty = ended, True
        self.close(driver)
        if dirty or driver.unexplained:
            self.spoil(case, dirty)
        elif driver.changed:
            session.renew()
        return Judgement(
            findings=tuple(driver.findings),
            performed=tuple(driver.performed[: driver.deviated_at or None]),
            unjudged=reason,
            died=died,
            dirty=dirty,
            full=full,
            lines=tuple(context.lines),
            before=before,
        )

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
        if frugal and profile.deletes:
            with suppress(Unjudged):  # what is left is looked for again at the end
                remove_jobs(self.session.resources, [job.id for job in driver.jobs.values()])

    def spoil(self, case: Case, dirty: bool) -> None:
        """After a fault the server is not to be relied on: start another, where we can."""
        self.afterwards.late()
        if not self.session.renew() and dirty:
            why = f"jobs of {case.id} do not end, and get in the way of all others"
            self.experience.obstacle = Obstacle(why)

    def look_after(self) -> None:
        """A server that has gone or hangs is not waited for again in every later case."""
        obstacle = self.experience.obstacle
        if obstacle is not None and obstacle.spared is None:
            return
        try:
            self.session.client.get("/system")
        except Unjudged as gone:
            if not self.session.renew():
                why = f"the server does not answer any more: {gone}"
                self.experience.obstacle = Obstacle(why)

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
