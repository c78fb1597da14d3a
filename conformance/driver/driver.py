"""The driver: one case's jobs on the server, at the gate, and in the oracle, side by side.

`Driver.perform` does one step on the live server and tells the oracle what was answered. After
an input it waits until the server has come to rest: the oracle knows which arrivals and which
readings would show that, so the wait is for those and for nothing else.

A driver lives as long as a case; `conformance.driver.resources` as long as a run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

from conformance.driver.arrivals import answer_step
from conformance.driver.ending import end_jobs
from conformance.driver.following import Following
from conformance.driver.resources import Resources
from conformance.driver.script import LIVES, MOST_STEPS, UNKNOWN_JOB, Do, Life, Step
from conformance.driver.tracked import Tracked
from conformance.errors import NotAnswered, Unjudged
from conformance.oracle.fields import Moment
from conformance.sut.reply import EXPAND
from conformance.sut.reply import Reply as Answer
from conformance.timing import TIMING
from spec.engine import Act, Config, List, Read, Replied, Reply, Submit
from spec.restart import Start
from spec.table import Action, State

AT_ONCE = "submit/asynchronous-returns"  # what an asynchronous call that waits breaks
_HEXADECIMAL = "0123456789abcdef"


class Lives(Protocol):
    """What ends the server and starts it again: `conformance.driver.restarts.Restarts`."""

    def restart(self, driver: Driver, life: Life) -> None: ...
    def kill(self, driver: Driver, life: Life) -> None: ...
    def idle(self) -> AbstractContextManager[None]: ...


class Driver(Following):
    """The jobs of one case, and what is done with them."""

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
        restarts: Lives | None = None,
    ) -> None:
        super().__init__(
            case,
            resources,
            config,
            deadline,
            hold_limit=hold_limit,
            check=check,
            replaceable=replaceable,
        )
        self.restarts = restarts  # for a server that can be stopped and started
        self.births: list[tuple[float, int]] = []  # when jobs were submitted; what was seen then
        self.last_life = 0  # how much had been seen when the server was started for the last time
        self.changed = False  # the server was started otherwise than its configuration says
        self.judged = False  # the case has run to its end, jobs and all

    # --- steps --------------------------------------------------------------------------------

    def perform(self, step: Step) -> None:
        """Do one step. Raises `Deviated`, or `Unjudged` where nothing can be concluded."""
        at = len(self.performed)
        self.performed.append((step, ()))
        self._expect = ()
        try:
            self._perform(step)
        except NotAnswered as error:
            self.unanswered(error)
        finally:
            self.performed[at] = (step, self._expect)

    def _perform(self, step: Step) -> None:
        if step.do is Do.SUBMIT:
            self._submit(step)
        elif step.do.action is not None:
            self._act(step.job or "", step.do.action)
        elif step.do.reply is not None:
            self._reply(self._job(step), step.do.reply)
        elif step.do is Do.LIST:
            self._list()
        elif step.do is Do.EXPAND:
            self._expand()
        elif step.do in LIVES:
            self._begin_again(step)
        elif step.do is Do.AWAIT:
            self._await(self._job(step), step.state)
        elif step.do is Do.COMPLETE:
            self._complete(self._job(step))
        elif step.job == UNKNOWN_JOB:
            self._read_unknown()
        else:
            self.read(self._job(step))
        if step.settle and step.do not in (Do.READ, Do.LIST, Do.EXPAND, Do.AWAIT, Do.COMPLETE):
            self.settle()

    def _job(self, step: Step) -> Tracked:
        return self.jobs[step.job or ""]

    def _submit(self, step: Step) -> None:
        assert step.job is not None
        resources = self.resources
        slot = resources.slot(step.via)
        job = Tracked(step.job, step.steps, slot, self.case)
        body = {
            "Resources": [resources.instance(n) for n in range(step.steps)],
            "Asynchronous": True,
            "Synchronous": False,  # both, so that a server which hears only one is judged as well
            "Priority": step.priority,
        }
        slot.owner = job
        resources.jobs.append(job)
        before = time.monotonic()
        try:
            reply = self._change(f"{slot.path}/store", body)
        except NotAnswered as error:
            job.holds += (one for one in resources.gate.arrivals() if one.slot == slot.number)
            if job.holds:
                self.deviates(AT_ONCE, "an answer while the job runs", str(error))
            raise
        job.fields.born = Moment(before, time.monotonic())
        handle = self.answers.handle(reply)
        self.register(job, handle.id, len(self.names))
        self.see(Submit(step.priority, step.steps), True)
        self.births.append((time.monotonic(), self.oracle.events))
        self.answers.path(handle)

    def _act(self, name: str, action: Action) -> None:
        job = self.jobs.get(name)
        path = f"/jobs/{self._no_job() if job is None else job.id}/{action}"
        reply = self._change(path)
        if job is not None:
            job.fields.touched()
        self.see(Act(action, None if job is None else job.index), reply.status)
        self.answers.acted(reply)
        if job is None:
            self._read_unknown()
        else:
            self.read(job)

    def _reply(self, job: Tracked, reply: Reply) -> None:
        resting = self.oracle.settled()
        if not self.arrives(job.name, 0.0 if resting else self.deadline):
            raise Unjudged(f"no step of {job.name} is at the gate, so it cannot be answered")
        hold = job.holds[-1]
        self.held.check(self.hold_limit)
        self.resources.actions += 1
        self.see(Replied(job.index, reply), None)
        job.fields.touched()
        answer_step(hold, reply)

    def _read_unknown(self) -> None:
        reply = self.answers.get(f"/jobs/{self._no_job()}")
        if reply.status != 404:
            self.deviates("monitor/unknown-job", "HTTP 404", str(reply))
        self._expect = self._expect or ("HTTP 404",)

    def _list(self) -> None:
        self._listed(self.answers.listed(self.answers.get("/jobs")))

    def _expand(self) -> None:
        found = self.answers.expanded(self.answers.get(EXPAND))
        self._listed([one["ID"] for one in found])
        mine = {job.id: job for job in self.jobs.values()}
        for one in found:  # Orthanc reads them one after the other, in this order
            if (job := mine.get(one["ID"])) is not None:
                self.see(Read(job.index), self.answers.fields(job, one))

    def _listed(self, ids: list[str]) -> None:
        listed = set(ids)
        self.see(List(), frozenset(j.index for j in self.jobs.values() if j.id in listed))

    def _await(self, job: Tracked, state: State | None) -> None:
        deadline = time.monotonic() + self.deadline
        while True:
            found = self.read(job)
            if (None if found is None else found.state) is state:
                return
            if time.monotonic() > deadline:
                shown = "gone" if found is None else str(found.state)
                self.overdue(job.index, f"{job.name} is {shown}, and did not become {state}")
            self.arrivals(TIMING.tick / 2)

    def _complete(self, job: Tracked) -> None:
        while self.oracle.held(job.index):
            self._reply(job, Reply.SUCCEED)
            self.settle()

    # --- the end of the server's life, and another ---------------------------------------------

    def _begin_again(self, step: Step) -> None:
        if self.restarts is None:
            raise Unjudged("only a server that the kit has started can be stopped and started")
        begin = self.restarts.kill if step.do is Do.KILL else self.restarts.restart
        begin(self, step.life)

    @property
    def born(self) -> float:
        """When the newest job was submitted, by the monotonic clock."""
        return self.births[-1][0] if self.births else 0.0

    def release(self, reply: Reply) -> None:
        """Let every step at the gate end."""
        for job, hold in self.held.open():
            if not hold.broken:
                self.resources.actions += 1
                self.see(Replied(job.index, reply), None)
                answer_step(hold, reply)

    def began_again(self, start: Start, since: int) -> None:
        """Tell the oracle of a start, which is not to be mistaken for anything that came after."""
        for job in self.jobs.values():
            job.fields.began_again(start.killed, start.errors)
        finding = self.oracle.restart(start, since)
        self._expect = self.oracle.expected
        if start.saves and start.loads:  # otherwise it may still have what it did not load
            self.last_life = self.oracle.events
        if finding is not None:
            self.found(finding)

    def finish(self) -> None:
        """End all jobs of the case, under the eyes of the oracle: the next case finds none.

        No request is left to a step boundary, so that no relaxation is needed for it: what is
        queued, paused or in Retry is canceled, and a Running job ends by a step that fails.
        """
        self.perform(Step(Do.EXPAND))
        for name, job in self.jobs.items():
            if self.oracle.states(job.index) <= {State.PENDING, State.PAUSED, State.RETRY}:
                self.perform(Step(Do.CANCEL, name))
        for _ in range(2 * len(self.jobs) * MOST_STEPS):
            running = [n for n, j in self.jobs.items() if self.oracle.held(j.index)]
            if not running:
                break
            self.perform(Step(Do.FAIL, running[0]))
        self.perform(Step(Do.EXPAND))
        self.judged = True

    def abandon(self) -> None:
        """End all jobs of a case that was not judged to its end, without the oracle.

        Raises `Unjudged` where they do not end: then no later case can rely on the server.
        """
        seconds = TIMING.abandon if self.replaceable else self.deadline
        ids = [*(job.id for job in self.jobs.values() if job.id), *self._lost()]
        self.held.refuse()

        def meanwhile() -> None:
            self.resources.gate.wait(TIMING.tick)
            self.held.refuse()

        if end_jobs(self.resources.client, self.answers.get, ids, seconds, meanwhile):
            raise Unjudged(f"jobs of {self.case} do not end, whatever they are asked for")

    def _lost(self) -> Iterator[str]:
        """Jobs whose submission was not answered, if they were made: they must end as well."""
        for job in self.resources.jobs:
            if job.case == self.case and not job.id:  # whatever else is wrong with the list
                shown = self.answers.get(EXPAND).jobs()
                for id in self.answers.sending(job, shown):
                    job.id = id
                    self.resources.others.append(id)
                    yield id

    # --- talking to the server ----------------------------------------------------------------

    def _change(self, path: str, body: Any = None) -> Answer:
        self.resources.actions += 1
        self.check()
        self.arrivals(0.0)
        try:
            return self.resources.client.post(path, body)
        except Unjudged:
            self.check()
            raise

    def _no_job(self) -> str:
        """An id that names no job; where we have one, it differs from its id in the end only."""
        known = [job.id for job in (*self.jobs.values(), *self.resources.jobs) if job.id]
        if not known:
            return "00000000-0000-4000-8000-" + self.resources.run.zfill(12)
        return next(id for id in (known[-1][:-1] + end for end in _HEXADECIMAL) if id not in known)
