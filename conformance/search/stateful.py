"""`search/stateful`: random sequences over several jobs at once, made and shrunk by Hypothesis.

The rules only choose the next step; the driver performs it and the oracle judges it. So a
failing run is a list of steps like any other case, and its replay file needs no Hypothesis.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from conformance.driver.driver import Deviated, Driver
from conformance.driver.script import LIVES, UNKNOWN_JOB, Do, Step
from conformance.errors import Interrupted, ServerDied, Unjudged
from conformance.oracle.oracle import Finding
from conformance.search.executor import (
    HASTY,
    PATIENT,
    SHRINKING,
    Found,
    Performed,
    Repeater,
    found_on,
)
from conformance.search.shrinking import Key, key_of, shortened
from conformance.sut.profile import Profile
from spec.relaxations import NONE, Name
from spec.table import Action, State

MOST_JOBS = 6
MOST_ACTIONS = 20  # steps that Hypothesis chooses in one example
PATIENCE = 3  # examples that cannot be judged before the search gives up
PRIORITIES = (0, 0, 1, -1, 2)
STEPS = (1, 2, 3, 4, 7)
LOOKS = (Do.READ, Do.LIST, Do.EXPAND, *(Do(action.value) for action in Action))
MOST_RESTARTS, MOST_KILLS = 1, 2  # in one search: an Orthanc takes some seconds to stop
RARELY = 40  # one in so many draws of the rule ends the life of the server


@dataclass(kw_only=True)
class Search:
    """A search under way. ``run_by``: who runs an example, and runs it again.

    ``admitted``: relaxations that do not fail an example; what they explained is in `used`.
    ``shrinking_time``: seconds that one finding may be shrunk for.
    """

    run_by: Repeater
    profile: Profile
    examples: int
    seed: int
    admitted: frozenset[Name] = NONE
    shrinking_time: float = SHRINKING
    used: dict[Name, Found] = field(default_factory=dict)
    found: list[Found] = field(default_factory=list)
    unjudged: list[str] = field(default_factory=list)
    lost: list[tuple[Step, ...]] = field(default_factory=list)  # the examples that these were
    died: tuple[ServerDied, Performed] | None = None
    ran: int = 0
    actions: int = 0
    restarts: dict[Do, int] = field(
        default_factory=lambda: {Do.RESTART: MOST_RESTARTS, Do.KILL: MOST_KILLS}
    )
    _wanted: Key | None = None
    _best: Found | None = None
    _shrink_until: float = 0.0

    def run(self) -> None:
        """Search, and search on behind each finding that has a name."""
        while True:
            self._wanted, self._best = None, None
            self._once()
            if self._best is None:
                return
            best = shortened(self._best, self.run_by, self.shrinking_time)
            self.found.append(best)
            if best.finding.relaxations is None:
                return
            self.admitted |= best.finding.relaxations

    def _confirms(self, performed: Performed) -> bool:
        """What did not come is a finding if it does not come in four times the time either."""
        again = self.run_by.attempt([step for step, _ in performed], PATIENT)
        return again is not None and again.finding.missing

    def _once(self) -> None:
        from hypothesis import HealthCheck, Phase, settings
        from hypothesis import seed as seeded
        from hypothesis.errors import Flaky
        from hypothesis.reporting import with_reporter
        from hypothesis.stateful import run_state_machine_as_test

        machine = seeded(self.seed)(machine_of(self))
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

    @property
    def shrinking(self) -> bool:
        return self._wanted is not None

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


class Elsewhere(Exception):
    """While one finding is shrunk, the example shows another: it is left for later."""


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


def machine_of(search: Search) -> Any:
    """The Hypothesis state machine of a search: a class, as `run_state_machine_as_test` wants."""
    from hypothesis import strategies as st
    from hypothesis.stateful import RuleBasedStateMachine, rule

    replies = [Do.SUCCEED, Do.SUCCEED, Do.FAIL] + ([Do.RETRY_LATER] if search.profile.retry else [])
    which = st.integers(0, MOST_JOBS - 1)

    class Jobs(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.dead = search.over
            self.judged = 0
            self.failed = False
            self.driver = search.run_by.open()
            if search.shrinking:
                self.driver.deadline = min(self.driver.deadline, HASTY)
            search.ran += 1
            search.run_by.progress(search.ran, search.examples)

        def do(self, step: Step) -> None:
            self._guarded(lambda: self.driver.perform(step))
            search.actions += 1

        def _guarded(self, act: Callable[[], None]) -> None:
            if self.dead:
                return
            try:
                try:
                    act()
                except Deviated:
                    if self.driver.findings[self.judged :] == []:
                        raise
                new, self.judged = self.driver.findings[self.judged :], len(self.driver.findings)
                search.judge(self.driver, new)
            except Deviated:
                self.dead = self.failed = True
                raise
            except Elsewhere:
                self.dead = self.failed = True
            except Unjudged as reason:
                self.dead = self.failed = True
                search.unjudged.append(str(reason))
                search.lost.append(tuple(step for step, _ in self.driver.performed))
            except ServerDied as died:
                self.dead = self.failed = True
                search.died = died, tuple(self.driver.performed)
            except Interrupted:
                self.dead = True
                raise

        def names_in(self, *states: State) -> list[str]:
            return [
                name
                for name, job in self.driver.jobs.items()
                if self.driver.oracle.states(job.index) & set(states)
            ]

        def held(self) -> list[str]:
            jobs = self.driver.jobs.items()
            return [name for name, job in jobs if self.driver.oracle.held(job.index)]

        # No rule has a precondition, and no strategy depends on the server: what Hypothesis draws
        # for a sequence is always the same, even where a server does not always do the same. A
        # rule that does not apply adds a job, or lets a step end where there are jobs enough.

        @rule(steps=st.sampled_from(STEPS), priority=st.sampled_from(PRIORITIES))
        def submit(self, steps: int, priority: int) -> None:
            if len(self.driver.names) < MOST_JOBS:
                name = chr(ord("A") + len(self.driver.names))
                self.do(Step(Do.SUBMIT, name, steps, priority))
            elif held := self.held():
                self.do(Step(Do.SUCCEED, held[0]))

        @rule(which=which, reply=st.sampled_from(replies))
        def let_a_step_end(self, which: int, reply: Do) -> None:
            if held := self.held():
                self.do(Step(reply, held[which % len(held)]))
            else:
                self.submit(2, 0)

        @rule(which=which, action=st.sampled_from(list(Action)))
        def act(self, which: int, action: Action) -> None:
            if names := self.driver.names:
                self.do(Step(Do(action.value), names[which % len(names)]))
            else:
                self.submit(2, 0)

        @rule(which=which, action=st.sampled_from([Action.PAUSE, Action.CANCEL]))
        def ask_of_a_running_job(self, which: int, action: Action) -> None:
            if running := self.names_in(State.RUNNING):
                self.do(Step(Do(action.value), running[which % len(running)]))
            else:
                self.submit(2, 0)

        @rule(which=which)
        def take_up_again(self, which: int) -> None:
            if ended := self.names_in(State.PAUSED, State.FAILURE):
                name = ended[which % len(ended)]
                paused = name in self.names_in(State.PAUSED)
                self.do(Step(Do.RESUME if paused else Do.RESUBMIT, name))
            else:
                self.submit(1, 0)

        @rule(which=which, what=st.sampled_from(LOOKS))
        def look(self, which: int, what: Do) -> None:
            if what.action is not None:
                self.do(Step(what, UNKNOWN_JOB))
            elif what is not Do.READ:
                self.do(Step(what))
            elif names := self.driver.names:
                self.do(Step(what, names[which % len(names)]))

        @rule(which=which, draw=st.integers(0, RARELY), life=st.sampled_from(sorted(LIVES)))
        def begin_again(self, which: int, draw: int, life: Do) -> None:
            # A kill takes back what was not saved, of earlier examples too; a new job saves it all.
            if draw == RARELY and self.driver.names and search.may(life):
                self.do(Step(life))
            else:
                self.act(which, Action.RESUME)

        def teardown(self) -> None:
            try:
                self._guarded(self.driver.finish)
            finally:
                search.run_by.close(self.driver, self.failed)

    return Jobs
