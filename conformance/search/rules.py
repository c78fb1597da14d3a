"""The rules of the stateful search: which step Hypothesis may choose next.

Nothing here judges. Hypothesis is imported with this module, which takes its time: only a search
does so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Protocol

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from conformance.driver.driver import Driver
from conformance.driver.following import Deviated
from conformance.driver.script import LIVES, UNKNOWN_JOB, Do, Step
from conformance.errors import Interrupted, ServerDied, Unjudged
from conformance.oracle.oracle import Finding
from conformance.search.shrinking import Elsewhere
from conformance.sut.profile import Profile
from spec.table import Action, State

MOST_JOBS = 6
PRIORITIES = (0, 0, 1, -1, 2)
STEPS = (1, 2, 3, 4, 7)
LOOKS = (Do.READ, Do.LIST, Do.EXPAND, *(Do(action.value) for action in Action))
RARELY = 40  # one in so many draws of the rule ends the life of the server
REPLIES = (Do.SUCCEED, Do.SUCCEED, Do.FAIL)
WHICH = st.integers(0, MOST_JOBS - 1)


class Judge(Protocol):
    """Who makes an example of what is chosen: `conformance.search.stateful.Search`."""

    profile: Profile

    @property
    def over(self) -> bool:
        """Whether examples are to be left alone."""
        ...

    def begin(self) -> Driver:
        """An example begins."""
        ...

    def acted(self) -> None:
        """A step of it was made."""
        ...

    def judge(self, driver: Driver, new: list[Finding]) -> None:
        """Take note of findings. Raises `Deviated` or `Elsewhere` where they end the example."""
        ...

    def broke(self, driver: Driver, reason: Unjudged) -> None:
        """The example cannot be judged."""
        ...

    def lost(self, driver: Driver, died: ServerDied) -> None:
        """The server ended by itself."""
        ...

    def may(self, life: Do) -> bool:
        """Whether the server may be ended once more."""
        ...

    def end(self, driver: Driver, failed: bool) -> None:
        """The example is over. ``failed``: not by its last step."""
        ...


class Jobs(RuleBasedStateMachine):
    """An example: several jobs at once. ``search``: what it belongs to.

    No rule has a precondition, and no strategy depends on the server: what Hypothesis draws for a
    sequence is always the same, even where a server does not always do the same. A rule that does
    not apply adds a job, or lets a step end where there are jobs enough.
    """

    search: ClassVar[Judge]

    def __init__(self) -> None:
        super().__init__()
        self.dead = self.search.over
        self.judged = 0
        self.failed = False
        self.driver = self.search.begin()

    def do(self, step: Step) -> None:
        """Make a step, unless the example is over already."""
        self._guarded(lambda: self.driver.perform(step))
        self.search.acted()

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
            self.search.judge(self.driver, new)
        except Deviated:
            self.dead = self.failed = True
            raise
        except Elsewhere:
            self.dead = self.failed = True
        except Unjudged as reason:
            self.dead = self.failed = True
            self.search.broke(self.driver, reason)
        except ServerDied as died:
            self.dead = self.failed = True
            self.search.lost(self.driver, died)
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

    @rule(steps=st.sampled_from(STEPS), priority=st.sampled_from(PRIORITIES))
    def submit(self, steps: int, priority: int) -> None:
        if len(self.driver.names) < MOST_JOBS:
            name = chr(ord("A") + len(self.driver.names))
            self.do(Step(Do.SUBMIT, name, steps, priority))
        elif held := self.held():
            self.do(Step(Do.SUCCEED, held[0]))

    @rule(which=WHICH, action=st.sampled_from(list(Action)))
    def act(self, which: int, action: Action) -> None:
        if names := self.driver.names:
            self.do(Step(Do(action.value), names[which % len(names)]))
        else:
            self.submit(2, 0)

    @rule(which=WHICH, action=st.sampled_from([Action.PAUSE, Action.CANCEL]))
    def ask_of_a_running_job(self, which: int, action: Action) -> None:
        if running := self.names_in(State.RUNNING):
            self.do(Step(Do(action.value), running[which % len(running)]))
        else:
            self.submit(2, 0)

    @rule(which=WHICH)
    def take_up_again(self, which: int) -> None:
        if ended := self.names_in(State.PAUSED, State.FAILURE):
            name = ended[which % len(ended)]
            paused = name in self.names_in(State.PAUSED)
            self.do(Step(Do.RESUME if paused else Do.RESUBMIT, name))
        else:
            self.submit(1, 0)

    @rule(which=WHICH, what=st.sampled_from(LOOKS))
    def look(self, which: int, what: Do) -> None:
        if what.action is not None:
            self.do(Step(what, UNKNOWN_JOB))
        elif what is not Do.READ:
            self.do(Step(what))
        elif names := self.driver.names:
            self.do(Step(what, names[which % len(names)]))

    @rule(which=WHICH, draw=st.integers(0, RARELY), life=st.sampled_from(sorted(LIVES)))
    def begin_again(self, which: int, draw: int, life: Do) -> None:
        # A kill takes back what was not saved, of earlier examples too; a new job saves it all.
        if draw == RARELY and self.driver.names and self.search.may(life):
            self.do(Step(life))
        else:
            self.act(which, Action.RESUME)

    def teardown(self) -> None:
        try:
            self._guarded(self.driver.finish)
        finally:
            self.search.end(self.driver, self.failed)


def machine_of(judge: Judge) -> type[Jobs]:
    """The state machine of a search: a class, as Hypothesis wants one."""
    replies = (*REPLIES, Do.RETRY_LATER) if judge.profile.retry else REPLIES

    class Live(Jobs):
        search = judge

        @rule(which=WHICH, reply=st.sampled_from(replies))
        def let_a_step_end(self, which: int, reply: Do) -> None:
            if held := self.held():
                self.do(Step(reply, held[which % len(held)]))
            else:
                self.submit(2, 0)

    return Live
