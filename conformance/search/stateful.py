"""`search/stateful`: random sequences over several jobs at once, made and shrunk by Hypothesis.

The rules only choose the next step; the driver performs it and the oracle judges it. So a
failing run is a list of steps like any other case, and its replay file needs no Hypothesis.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.driver.driver import Driver
from conformance.driver.following import Deviated
from conformance.driver.script import Do, Step
from conformance.errors import Interrupted, ServerDied, Unjudged
from conformance.oracle.oracle import Finding
from conformance.search.executor import (
    Found,
    Performed,
    Repeater,
    found_on,
)
from conformance.search.shrinking import Elsewhere, Key, key_of, shortened
from conformance.sut.profile import Profile
from conformance.timing import TIMING
from spec.relaxations import NONE, Name

if TYPE_CHECKING:
    from conformance.search.rules import Jobs

MOST_ACTIONS = 20  # steps that Hypothesis chooses in one example
PATIENCE = 3  # examples that cannot be judged before the search gives up
MOST_RESTARTS, MOST_KILLS = 1, 1  # in one stream: an Orthanc takes some seconds to stop


@dataclass(kw_only=True)
class Search:
    """A search under way, or one stream of it. ``run_by``: who runs an example, and runs it again.

    ``admitted``: relaxations that do not fail an example; what they explained is in `used`.
    ``shrinking_time``: seconds that one finding may be shrunk for.
    """

    run_by: Repeater
    profile: Profile
    examples: int
    seed: int
    admitted: frozenset[Name] = NONE
    shrinking_time: float = TIMING.shrinking
    used: dict[Name, Found] = field(default_factory=dict)
    found: list[Found] = field(default_factory=list)
    unjudged: list[str] = field(default_factory=list)
    unfinished: list[tuple[Step, ...]] = field(default_factory=list)  # the examples of these
    died: tuple[ServerDied, Performed] | None = None
    ran: int = 0
    actions: int = 0
    restarts: dict[Do, int] = field(
        default_factory=lambda: {Do.RESTART: MOST_RESTARTS, Do.KILL: MOST_KILLS}
    )
    known: set[Key] = field(default_factory=set)  # told already, and left alone
    _wanted: Key | None = None
    _best: Found | None = None
    _shrink_until: float = 0.0

    def run(self) -> None:
        """Search, and search on behind each finding that has a name."""
        while (best := self.hunted(self._once)) is not None:
            self.found.append(best)
            if best.finding.relaxations is None:
                return
            self.admitted |= best.finding.relaxations

    def hunted(self, once: Callable[[], None]) -> Found | None:
        """What running ``once`` finds, in the shortest run that shows it."""
        self._wanted, self._best = None, None
        once()
        if self._best is None:
            return None
        return shortened(self._best, self.run_by, self.shrinking_time)

    def _confirms(self, performed: Performed) -> bool:
        """What did not come is a finding if it does not come in four times the time either."""
        again = self.run_by.attempt([step for step, _ in performed], TIMING.patient)
        return again is not None and again.finding.missing

    def _once(self) -> None:
        from hypothesis import HealthCheck, Phase, settings
        from hypothesis import seed as seeded
        from hypothesis.errors import Flaky
        from hypothesis.reporting import with_reporter
        from hypothesis.stateful import run_state_machine_as_test

        machine = seeded(self.seed)(self._machine())
        chosen = settings(
            max_examples=self.examples,
            stateful_step_count=MOST_ACTIONS,
            database=None,
            deadline=None,
            derandomize=False,
            print_blob=False,
            report_multiple_bugs=False,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        try:
            with with_reporter(lambda _: None):
                run_state_machine_as_test(machine, settings=chosen)
        except (Deviated, Flaky, ExceptionGroup) as error:
            if _interrupted(error):
                raise Interrupted from error
            if self._best is None:
                raise

    def _machine(self) -> type[Jobs]:
        from conformance.search.rules import machine_of

        return machine_of(self)

    @property
    def shrinking(self) -> bool:
        """Whether a finding is being shrunk."""
        return self._wanted is not None

    # --- an example, as `conformance.search.rules` makes it -----------------------------------

    def begin(self) -> Driver:
        driver = self.run_by.open()
        if self.shrinking:
            driver.deadline = min(driver.deadline, TIMING.hasty)
        self.ran += 1
        self.run_by.progress(self.ran, self.examples)
        return driver

    def acted(self, driver: Driver) -> None:
        self.actions += 1

    def broke(self, driver: Driver, reason: Unjudged) -> None:
        try:
            self.run_by.check()
        except ServerDied as died:
            self.lost(driver, died)
            return
        except Unjudged as stopped:  # by somebody, which is why the other came
            reason = stopped
        self.unjudged.append(str(reason))
        self.unfinished.append(tuple(step for step, _ in driver.performed))

    def lost(self, driver: Driver, died: ServerDied) -> None:
        self.died = died, tuple(driver.performed)

    def end(self, driver: Driver, failed: bool) -> None:
        self.run_by.close(driver, failed)

    def may(self, life: Do) -> bool:
        """Whether the server may be ended once more. What is shrunk is left as it is."""
        if not self.profile.managed or not (self.shrinking or self.restarts[life]):
            return False
        self.restarts[life] -= not self.shrinking
        return True

    @property
    def over(self) -> bool:
        """Whether examples are to be left alone: no more time to shrink, or no use in going on."""
        shrunk = self._best is not None and time.monotonic() > self._shrink_until
        return shrunk or self.died is not None or len(self.unjudged) >= PATIENCE

    def judge(self, driver: Driver, new: list[Finding]) -> None:
        """Take note of findings; raise `Deviated` for one that is looked for."""
        for finding in new:
            named = finding.relaxations
            if named is not None and named <= self.admitted and not finding.missing:
                for one in named:
                    self.used.setdefault(one, found_on(driver, finding))
                continue
            key = key_of(finding)
            if key in self.known:
                raise Elsewhere
            if self._wanted is None:
                if finding.missing and not self._confirms(driver.performed):
                    raise Elsewhere
                self._wanted = key
                self._shrink_until = time.monotonic() + self.shrinking_time
            if key != self._wanted:
                raise Elsewhere
            if self._best is None or len(driver.performed) <= len(self._best.steps):
                self._best = found_on(driver, finding)
            raise Deviated(finding)


def _interrupted(error: BaseException | None) -> bool:
    """Whether it was an interrupt that Hypothesis made another exception of.

    It may be what an exception came of, or one of several that are told together (`Flaky`).
    """
    while error is not None:
        if isinstance(error, Interrupted):
            return True
        if isinstance(error, BaseExceptionGroup) and any(map(_interrupted, error.exceptions)):
            return True
        error = error.__cause__ or error.__context__
    return False
