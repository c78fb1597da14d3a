"""The rules of the stateful search: which step Hypothesis may choose next.

Nothing here judges. Hypothesis is imported with this module, which takes its time: only a search
does so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Protocol

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from conformance.driver.driver import Driver
from conformance.driver.following import Deviated
from conformance.driver.script import LISTINGS, LIVES, UNKNOWN_JOB, Do, Step
from conformance.errors import Interrupted, ServerDied, Unjudged
from conformance.oracle.oracle import Finding
from conformance.search.shrinking import Elsewhere, Steps
from conformance.sut.profile import Profile
from spec.table import Action, State

MOST_JOBS = 6
NAMES = "ABCDEFGHIJKL"  # twice as many: what is done again may have left some out
PRIORITIES = (0, 0, 1, -1, 2)
STEPS = (1, 2, 3, 4, 7)
LOOKS = (Do.READ, Do.LIST, Do.EXPAND, *(Do(action.value) for action in Action))
RARELY = 40  # one in so many draws of the rule ends the life of the server
REPLIES = (Do.SUCCEED, Do.SUCCEED, Do.FAIL)
WHICH = st.integers(0, MOST_JOBS - 1)
FEW_JOBS = (1, 1, 2, 3, MOST_JOBS)  # where there are fewer, more is done to each
MOST_AGAIN = 8  # steps that are done again
MOST_IN_ALL = 100  # steps of an example, from which on nothing is done again


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

    def acted(self, driver: Driver) -> None:
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
        self.most_jobs = MOST_JOBS
        self.driver = self.search.begin()

    def do(self, step: Step) -> None:
        """Make a step, unless the example is over already."""
        self._guarded(lambda: self.driver.perform(step))
        self.search.acted(self.driver)

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
        if len(self.driver.names) < self.most_jobs:
            name = next(name for name in NAMES if name not in self.driver.jobs)
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

    def redo(self, step: Step) -> None:
        """Make a step of another example, or of this one once more, where it has a place."""
        of_ours = step.job in self.driver.jobs
        if step.do is Do.SUBMIT:
            possible = not of_ours and len(self.driver.names) < MOST_JOBS
        elif step.do.reply is not None:
            possible = step.job in self.held()
        elif step.do in LIVES:
            possible = bool(self.driver.names) and self.search.may(step.do)
        else:
            possible = of_ours or step.do in LISTINGS or step.do.action is not None
        if possible:
            self.do(step)

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


def prolific_machine_of(judge: Judge, corpus: Sequence[Steps]) -> type[Jobs]:
    """The same for a search that goes on for hours: an example may begin as one of the ``corpus``
    does, and do again what it has done, since some faults come the third time only.
    """

    class Prolific(machine_of(judge)):  # type: ignore[misc]  # made here
        @initialize(
            most_jobs=st.sampled_from(FEW_JOBS),
            which=st.integers(0, 2**16),
            left_out=st.integers(0, 12),
        )
        def begin_as_another(self, most_jobs: int, which: int, left_out: int) -> None:
            self.most_jobs = most_jobs
            if corpus and which % 4:  # some begin anew
                steps = corpus[which % len(corpus)]
                for step in steps[: max(0, len(steps) - left_out)]:
                    self.redo(step)

        @rule(last=st.integers(1, MOST_AGAIN), times=st.integers(1, 3))
        def again(self, last: int, times: int) -> None:
            steps = [step for step, _ in self.driver.performed[-last:]]
            for step in steps * times:
                if len(self.driver.performed) < MOST_IN_ALL:
                    self.redo(step)

    return Prolific
