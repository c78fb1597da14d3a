"""The jobs of one case, as the oracle follows them: what is read, what arrives, what has to come.

The oracle knows which arrivals and which readings would show that the server has come to rest, so
the wait is for those and for nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NoReturn

from conformance.driver.answers import Answers
from conformance.driver.arrivals import Arrivals
from conformance.driver.resources import Resources
from conformance.driver.script import Step
from conformance.driver.tracked import Tracked
from conformance.errors import NotAnswered, Unjudged
from conformance.oracle.history import Together
from conformance.oracle.oracle import Finding, Oracle
from conformance.sut.reply import Reply as Answer
from conformance.text import clipped
from conformance.timing import TIMING
from spec.engine import Arrive, Config, Event, Read, View
from spec.table import State

TOLD = 1000  # characters of a text of a finding: some of them are a server's
BUSY = (State.PENDING, State.RUNNING, State.RETRY)  # of a job that has a worker, or waits for one


class Deviated(Exception):
    """The server did what the model does not allow, and no admitted relaxation explains it."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        super().__init__(f"{finding.requirement}: {finding.actual}")


def deviate(requirement: str, expected: str, actual: str) -> NoReturn:
    """Something is wrong that belongs to no case under way. Raises `Deviated`."""
    raise Deviated(Finding(requirement, (expected,), actual, None))


class Following:
    """The jobs of one case. ``deadline``: seconds for each thing that has to come."""

    def __init__(
        self,
        case: str,
        resources: Resources,
        config: Config,
        deadline: float,
        *,
        hold_limit: float | None = None,
        check: Callable[[], None] = lambda: None,
        replaceable: bool = False,
    ) -> None:
        self.case = case
        self.resources = resources
        self.deadline = deadline
        self.hold_limit = hold_limit
        self.replaceable = replaceable  # the server can be had anew
        self.check = check  # raises `ServerDied` when a managed server has ended by itself
        self.jobs: dict[str, Tracked] = {}
        self.prepared: dict[str, Tracked] = {}  # submissions whose answer is not known yet
        self.names: list[str] = []
        self.oracle = Oracle(config, self.names)
        self.answers = Answers(resources, self.deviates, check)
        self.held = Arrivals(resources, case, self.jobs)
        self.findings: list[Finding] = []
        self.performed: list[tuple[Step, tuple[str, ...]]] = []
        self.trace: list[tuple[Event | Together, Any]] = []
        self.deviated_at = 0  # the number of steps up to the last finding
        self._expect: tuple[str, ...] = ()  # what the step under way may be answered

    @property
    def unexplained(self) -> bool:
        """Whether something was found that no relaxation explains."""
        return any(finding.relaxations is None for finding in self.findings)

    # --- the jobs ------------------------------------------------------------------------------

    def begin_with(
        self,
        job: Tracked,
        performed: Sequence[tuple[Step, tuple[str, ...]]],
        trace: Sequence[tuple[Event | Together, Any]],
    ) -> None:
        """Begin with a job of an earlier case: what was done with it, and what was seen of it."""
        job.case = self.case
        self.jobs[job.name] = job
        self.names.append(job.name)
        self.performed += performed
        for event, answer in trace:
            self.see(event, answer)

    def take(self, name: str, id: str, number: int) -> Tracked:
        """A prepared job is on the server, and the oracle is told of it by who calls this."""
        job = self.prepared.pop(name)
        job.expected = False
        self.register(job, id, number)
        return job

    def register(self, job: Tracked, id: str, number: int) -> None:
        """The job is on the server. ``number``: the one that it is to have in the oracle."""
        job.id, job.number = id, number
        self.jobs[job.name] = job
        self.names.append(job.name)

    # --- what is seen --------------------------------------------------------------------------

    def read(self, job: Tracked) -> View | None:
        """A reading, judged; None where the job is gone."""
        return self._seen(job, self.answers.get(f"/jobs/{job.id}"))

    def look(self, job: Tracked) -> dict[str, Any] | None:
        """A reading for the oracle, as it is; None where the job is gone."""
        reply = self.answers.get(f"/jobs/{job.id}")
        return None if self._seen(job, reply) is None else self.answers.details(reply, job.id)

    def _seen(self, job: Tracked, reply: Answer) -> View | None:
        found = self.answers.reading(job, reply)
        self.see(Read(job.index), found)
        self.arrivals(0.0)  # only now: what has arrived meanwhile may be younger than the answer
        return found

    def arrivals(self, seconds: float) -> bool:
        """Take what has arrived at the gate, waiting for it up to ``seconds``; whether any has."""
        arrivals = self.held.fetch(seconds)
        for job, hold in self.held.mine(arrivals):
            if not job.expected:
                self.see(Arrive(job.index, hold.step), None)
        return bool(arrivals)

    def see(self, event: Event | Together, answer: Any) -> None:
        """Tell the oracle what happened, and what was answered. Raises `Deviated`."""
        finding = self.oracle.see(event, answer)
        if not isinstance(event, Arrive) and not (self._expect and isinstance(event, Read)):
            self._expect = self.oracle.expected
        self.trace.append((event, answer))
        if finding is not None:
            self.found(finding)

    def deviates(self, requirement: str, expected: str, actual: str) -> NoReturn:
        """Something is wrong that no relaxation explains. Raises `Deviated`."""
        finding = Finding(requirement, (expected,), actual, None)
        self.found(finding)
        raise Deviated(finding)

    def found(self, finding: Finding) -> None:
        """Keep a finding. Raises `Deviated` where the case cannot go on behind it."""
        expected = tuple(map(self._told, finding.expected))
        actual, talk = self._told(finding.actual), self.resources.gate.talk.so_far()
        finding = replace(finding, expected=expected, actual=actual, talk=talk)
        self.findings.append(finding)
        self.deviated_at = len(self.performed)
        if finding.relaxations is None or finding.missing:
            raise Deviated(finding)

    def _told(self, text: str) -> str:
        return clipped(self.resources.gate.hidden(text), TOLD)

    # --- waiting ------------------------------------------------------------------------------

    def settle(self) -> None:
        """Wait until the server may have come to rest. Raises `Deviated` past the deadline."""
        deadline = time.monotonic() + self.deadline
        self.arrivals(0.0)
        while not self.oracle.settled():
            if time.monotonic() > deadline:
                self._give_up()
            if self.oracle.arrival_due() and self.arrivals(TIMING.arrival):
                continue
            before = self.oracle.engines
            for index in self.oracle.awaited():
                self.read(self.jobs[self.names[index]])
            if before == self.oracle.engines:
                self.arrivals(TIMING.glance)

    def arrives(self, name: str, seconds: float) -> bool:
        """Wait up to ``seconds`` for a step of the job to arrive; whether one is held."""
        deadline = time.monotonic() + seconds
        while not self.oracle.held(self.jobs[name].index):
            if time.monotonic() > deadline:
                return False
            self.arrivals(deadline - time.monotonic())
        return True

    def watch(self, seconds: float = TIMING.grace) -> None:
        """Watch for so many seconds that nothing comes which must not."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.arrivals(left)

    def _give_up(self) -> None:
        late = self.oracle.awaited()
        index = late[0] if late else 0
        name = self.names[index]
        shown = self.oracle.say(Read(index), self.read(self.jobs[name]))
        if self.oracle.settled():
            return
        what = "no step arrives" if self.oracle.arrival_due() else "nothing more happens"
        self.overdue(index, f"{name} stays {shown}, and {what} within {self.deadline:g} s")

    def overdue(self, index: int, what: str) -> NoReturn:
        """What had to come of a job did not. Raises `Deviated`, or `Unjudged` beside other jobs."""
        others = self._strangers()
        if others:
            raise Unjudged(f"{what}, but {others} jobs that are not ours may hold the workers")
        self.found(self.oracle.overdue(what, index))
        raise Unjudged(what)

    def late(self, finding: Finding) -> None:
        """The same of something else that had to come: on a server in use it may wait for others.

        Raises `Deviated`, and `Unjudged` beside jobs of somebody else's.
        """
        if not self.replaceable and (others := self._somebodys()):
            raise Unjudged(f"{finding.actual}, but {others} jobs of somebody else's are under way")
        self.found(finding)

    def unanswered(self, error: NotAnswered) -> None:
        """An answer must come, from a server of our own that answers otherwise.

        On the way to another, something may be lost that is no fault of the server.
        """
        self.check()
        if not self.replaceable:
            raise error
        self.resources.client.get("/system")
        self.found(Finding("queue/engine", ("an answer",), str(error), None, missing=True))

    def _strangers(self) -> int:
        """The number of jobs under way that are not ours."""
        ours = {job.id for job in self.jobs.values()}
        shown = self.answers.jobs().items()
        return sum(id not in ours and one["State"] in BUSY for id, one in shown)

    def _somebodys(self) -> int:
        """The number of jobs under way that this run has not made."""
        shown = self.answers.jobs().values()
        return sum(one["State"] in BUSY and not self.resources.made(one) for one in shown)
