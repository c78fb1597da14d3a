"""The driver: one case's jobs on the server, at the gate, and in the oracle, side by side.

`Driver.perform` does one step on the live server and tells the oracle what was answered. After
an input it waits until the server has come to rest: the oracle knows which arrivals and which
readings would show that, so the wait is for those and for nothing else.

A driver lives as long as a case; `conformance.driver.resources` as long as a run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol

from conformance.driver.resources import Resources, Spare, Tracked
from conformance.driver.script import LIVES, MOST_STEPS, UNKNOWN_JOB, Do, Life, Step, Via
from conformance.errors import NotAnswered, Unjudged
from conformance.oracle.fields import Moment
from conformance.oracle.history import Together
from conformance.oracle.oracle import Finding, Oracle
from conformance.peer.gate import Hold
from conformance.sut.client import Reply as Answer
from spec.engine import (
    Act,
    Arrive,
    Config,
    Event,
    List,
    Read,
    Replied,
    Reply,
    Submit,
    View,
)
from spec.restart import Start
from spec.table import Action, ErrorCode, State

AT_ONCE = "submit/asynchronous-returns"  # what an asynchronous call that waits breaks
ABANDON = 0.5  # seconds in which the jobs of a failed case end, or the server is made anew
GRACE = 0.05  # seconds for which something that must not come is watched for
SLICE = 0.02  # seconds of waiting for an arrival before the job is read
RETRY_SOON, RETRY_LATER = 400, 600_000  # milliseconds
TYPES = {Via.PEER: "OrthancPeerStore", Via.MODALITY: "DicomModalityStore"}
_HEXADECIMAL = "0123456789abcdef"
RETRY_HEADER = "Orthanc-Jobs-Retry"


class Deviated(Exception):
    """The server did what the model does not allow, and no admitted relaxation explains it."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        super().__init__(f"{finding.requirement}: {finding.actual}")


class Lives(Protocol):
    """What ends the server and starts it again: `conformance.driver.restarts.Restarts`."""

    def restart(self, driver: Driver, life: Life) -> None: ...
    def kill(self, driver: Driver, life: Life) -> None: ...


class Driver:
    """The jobs of one case. ``deadline``: seconds for each thing that has to come."""

    def __init__(
        self,
        case: str,
        resources: Resources,
        config: Config,
        deadline: float,
        hold_limit: float | None = None,
        check: Callable[[], None] = lambda: None,
        replaceable: bool = False,
        restarts: Lives | None = None,
    ) -> None:
        self.case = case
        self.resources = resources
        self.deadline = deadline
        self.hold_limit = hold_limit
        self.replaceable = replaceable  # the server can be had anew
        self.restarts = restarts  # for a server that can be stopped and started
        self.births: list[tuple[float, int]] = []  # when jobs were submitted; what was seen then
        self.last_life = 0  # how much had been seen when the server was started for the last time
        self.changed = False  # the server was started otherwise than its configuration says
        self.check = check  # raises `ServerDied` when a managed server has ended by itself
        self.jobs: dict[str, Tracked] = {}
        self.prepared: dict[str, Tracked] = {}  # submissions whose answer is not known yet
        self.names: list[str] = []
        self.oracle = Oracle(config, self.names)
        self.findings: list[Finding] = []
        self.performed: list[tuple[Step, tuple[str, ...]]] = []
        self.trace: list[tuple[Event | Together, Any]] = []
        self._expect: tuple[str, ...] = ()  # what the step under way may be answered
        self.deviated_at = 0  # the number of steps up to the last finding
        self.judged = False  # the case has run to its end, jobs and all
        self.asked = Moment(0.0, 0.0)  # when the last reading was asked for and answered

    @property
    def unexplained(self) -> bool:
        """Whether something was found that no relaxation explains."""
        return any(finding.relaxations is None for finding in self.findings)

    # --- taking up a job of an earlier case ---------------------------------------------------

    def take_up(self, steps: Sequence[Step]) -> Sequence[Step]:
        """Begin with a spare job, if there is one of the right shape; the steps that are left.

        What is known of it is told to the oracle first, so nothing about it is assumed.
        """
        for spare in self.resources.spares:
            if done := spare.runs_as(steps):
                self._adopt(spare)
                return steps[done:]
        for spare in self.resources.spares:
            if spare.can_run(steps):
                self._adopt(spare)
                return (Step(Do.RESUBMIT, spare.job.name), *steps[1:])
        return steps

    def can_take_up(self, steps: Sequence[Step]) -> bool:
        return any(spare.runs_as(steps) or spare.can_run(steps) for spare in self.resources.spares)

    def _adopt(self, spare: Spare) -> None:
        self.resources.spares.remove(spare)
        job = spare.job
        job.case, job.ended = self.case, False
        self.jobs[job.name] = job
        self.names.append(job.name)
        self.performed += spare.performed
        for event, answer in spare.trace:
            self.see(event, answer)

    def put_aside(self, keep: bool = False) -> None:
        """The case is over: its jobs have ended. ``keep`` one that a later case can take up."""
        for job in (*self.jobs.values(), *self.prepared.values()):
            job.ended, job.expected = True, False
        for job in self.prepared.values():
            self.resources.release(job)
        for job in self.jobs.values():
            views = self.oracle.views(job.index)
            job.last = next(iter(views)) if self.judged and len(views) == 1 else None
        if keep and len(self.jobs) == 1 and self.judged:
            (job,) = self.jobs.values()
            self.resources.spares.append(Spare(job, tuple(self.performed), tuple(self.trace)))
            return
        for job in self.jobs.values():
            self.resources.release(job)

    def remove(self) -> None:
        """Take the completed jobs of the case out of the server's history."""
        client, others = self.resources.client, self.resources.others
        for job in self.jobs.values():
            client.delete(f"/jobs/{job.id}")
        while others:
            client.delete(f"/jobs/{others[-1]}")
            others.pop()

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
            self._read(self._job(step))
        if step.settle and step.do not in (Do.READ, Do.LIST, Do.EXPAND, Do.AWAIT, Do.COMPLETE):
            self.settle()

    def _job(self, step: Step) -> Tracked:
        return self.jobs[step.job or ""]

    def _submit(self, step: Step) -> None:
        assert step.job is not None
        resources = self.resources
        slot = resources.slot(step.via)
        job = Tracked(step.job, len(self.names), step.steps, slot, self.case)
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
                self._deviates(AT_ONCE, "an answer while the job runs", str(error))
            raise
        job.fields.born = Moment(before, time.monotonic())
        made = reply.json()
        handle = isinstance(made, dict) and isinstance(made.get("ID"), str)
        if not reply.ok or not handle:
            self._deviates("submit/creates-job", "HTTP 200 with the ID of the job", str(reply))
        job.id = made["ID"]
        self.jobs[job.name] = job
        self.names.append(job.name)
        self.see(Submit(step.priority, step.steps), True)
        self.births.append((time.monotonic(), self.oracle.events))
        if made.get("Path") != f"/jobs/{job.id}":
            expected = f"Path /jobs/{job.id}"
            self._deviates("submit/asynchronous-handle", expected, f"Path {made.get('Path')}")

    def _act(self, name: str, action: Action) -> None:
        job = self.jobs.get(name)
        path = f"/jobs/{self._no_job() if job is None else job.id}/{action}"
        reply = self._change(path)
        if job is not None:
            job.fields.touched()
        self.see(Act(action, None if job is None else job.index), reply.status)
        self.check_acted(reply)
        if job is None:
            self._read_unknown()
        else:
            self._read(job)

    def check_acted(self, reply: Answer) -> None:
        """What the body of the answer to an action has to be."""
        if reply.ok:
            if reply.json() != {}:
                self._deviates("answer/accepted", "the JSON object {}", str(reply))
        elif reply.body.strip():
            self._deviates("answer/refused", f"HTTP {reply.status} with an empty body", str(reply))

    def _reply(self, job: Tracked, reply: Reply) -> None:
        resting = self.oracle.settled()
        if not self.arrives(job.name, 0.0 if resting else self.deadline):
            raise Unjudged(f"no step of {job.name} is at the gate, so it cannot be answered")
        hold = job.holds[-1]
        self._check_holds()
        self.resources.actions += 1
        self.see(Replied(job.index, reply), None)
        job.fields.touched()
        answer_step(hold, reply)

    def _read(self, job: Tracked) -> View | None:
        reply = self._get(f"/jobs/{job.id}")
        found = None if reply.status == 404 else self._view(job, reply)
        self.see(Read(job.index), found)
        self.arrivals(0.0)  # only now: what has arrived meanwhile may be younger than the answer
        return found

    def _read_unknown(self) -> None:
        reply = self._get(f"/jobs/{self._no_job()}")
        if reply.status != 404:
            self._deviates("monitor/unknown-job", "HTTP 404", str(reply))
        self._expect = self._expect or ("HTTP 404",)

    def _list(self) -> None:
        reply = self._get("/jobs")
        found = reply.json()
        if (
            not reply.ok
            or not isinstance(found, list)
            or not all(isinstance(i, str) for i in found)
        ):
            self._deviates("monitor/list", "HTTP 200 with an array of ids", _clip(reply))
        self._check_listed(found)

    def _check_listed(self, found: list[str]) -> None:
        if len(set(found)) != len(found):
            self._deviates("monitor/list", "each job once", f"lists {_clip(found)}")
        self.see(List(), frozenset(j.index for j in self.jobs.values() if j.id in set(found)))

    def _expand(self) -> None:
        reply = self._get("/jobs?expand")
        found = reply.json()
        if (
            not reply.ok
            or not isinstance(found, list)
            or not all(isinstance(one, dict) and isinstance(one.get("ID"), str) for one in found)
        ):
            self._deviates("monitor/list-expand", "HTTP 200 with an array of jobs", _clip(reply))
        self._check_listed([one["ID"] for one in found])
        mine = {job.id: job for job in self.jobs.values()}
        for one in found:  # Orthanc reads them one after the other, in this order
            if (job := mine.get(one["ID"])) is not None:
                self.see(Read(job.index), self.fields(job, one))

    def expanded(self) -> dict[str, dict[str, Any]]:
        """All jobs as the expanded list shows them, by their ids."""
        return {one["ID"]: one for one in self._get("/jobs?expand").jobs()}

    def look(self, job: Tracked) -> dict[str, Any] | None:
        """A reading for the oracle, as it is; None where the job is gone."""
        reply = self._get(f"/jobs/{job.id}")
        found = None if reply.status == 404 else self._view(job, reply)
        self.see(Read(job.index), found)
        self.arrivals(0.0)
        return None if found is None else reply.json()

    def _await(self, job: Tracked, state: State | None) -> None:
        deadline = time.monotonic() + self.deadline
        while True:
            found = self._read(job)
            if (None if found is None else found.state) is state:
                return
            if time.monotonic() > deadline:
                shown = "gone" if found is None else str(found.state)
                self._overdue(job.index, f"{job.name} is {shown}, and did not become {state}")
            self.arrivals(0.001)

    def _complete(self, job: Tracked) -> None:
        while self.oracle.held(job.index):
            self._reply(job, Reply.SUCCEED)
            self.settle()

    def take(self, name: str, id: str, index: int) -> Tracked:
        """A prepared job is on the server, and the oracle is told of it by who calls this."""
        job = self.prepared.pop(name)
        job.id, job.index, job.expected = id, index, False
        self.jobs[name] = job
        self.names.append(name)
        return job

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

    def open_holds(self) -> list[tuple[Tracked, Hold]]:
        """The steps at the gate that were not answered."""
        jobs = self.jobs.values()
        return [(job, hold) for job in jobs for hold in job.holds if hold._reply is None]

    def release(self, reply: Reply) -> None:
        """Let every step at the gate end."""
        for job, hold in self.open_holds():
            if not hold.broken:
                self.resources.actions += 1
                self.see(Replied(job.index, reply), None)
                answer_step(hold, reply)

    def let_go(self) -> None:
        """The server has ended, and nothing that it held at the gate is under way any more."""
        for job in self.jobs.values():
            job.holds.clear()

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

    # --- waiting ------------------------------------------------------------------------------

    def settle(self) -> None:
        """Wait until the server may have come to rest. Raises `Deviated` past the deadline."""
        deadline = time.monotonic() + self.deadline
        self.arrivals(0.0)
        while not self.oracle.settled():
            if time.monotonic() > deadline:
                self._give_up()
            if self.oracle.arrival_due() and self.arrivals(SLICE):
                continue
            before = self.oracle.engines
            for index in self.oracle.awaited():
                self._read(self.jobs[self.names[index]])
            if before == self.oracle.engines:
                self.arrivals(0.0005)

    def arrives(self, name: str, seconds: float) -> bool:
        """Wait up to ``seconds`` for a step of the job to arrive; whether one is held."""
        deadline = time.monotonic() + seconds
        while not self.oracle.held(self.jobs[name].index):
            if time.monotonic() > deadline:
                return False
            self.arrivals(deadline - time.monotonic())
        return True

    def watch(self, seconds: float = GRACE) -> None:
        """Watch for so many seconds that nothing comes which must not."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.arrivals(left)

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
        resources = self.resources
        deadline = time.monotonic() + (ABANDON if self.replaceable else self.deadline)
        open_ = [*(job for job in self.jobs.values() if job.id), *self._lost()]
        while open_:
            if time.monotonic() > deadline:
                raise Unjudged(f"jobs of {self.case} do not end, whatever they are asked for")
            for hold in resources.gate.arrivals():
                hold.reply(503)
            for job in open_:
                for hold in job.holds:
                    hold.reply(503)
            for job in self.prepared.values():
                for hold in job.holds:
                    hold.reply(503)
            open_ = [job for job in open_ if not self._has_ended(job)]
            if open_:
                resources.gate.wait(0.002)

    def _lost(self) -> list[Tracked]:
        """Jobs whose submission was not answered, if they were made: they must end as well."""
        lost = [job for job in self.resources.jobs if job.case == self.case and not job.id]
        if not lost:
            return []
        known = {job.id for job in self.resources.jobs}
        shown = [one for one in self._get("/jobs?expand").jobs() if one["ID"] not in known]
        return [
            replace(job, id=one["ID"])
            for job in lost
            for one in shown
            if job.slot.mark in str(one.get("Content"))
        ]

    def _has_ended(self, job: Tracked) -> bool:
        found = self._get(f"/jobs/{job.id}").json()
        state = str(found.get("State")) if isinstance(found, dict) else None
        if state in (None, State.SUCCESS, State.FAILURE):
            return True
        self.resources.client.post(f"/jobs/{job.id}/{Action.CANCEL}")
        if state == State.PAUSED:  # where a cancel does not end it, a step that fails may
            self.resources.client.post(f"/jobs/{job.id}/{Action.RESUME}")
        return state not in set(State)  # what shows no state of ours cannot be waited for

    def _give_up(self) -> None:
        late = self.oracle.awaited()
        index = late[0] if late else 0
        name = self.names[index]
        shown = self.oracle.say(Read(index), self._read(self.jobs[name]))
        if self.oracle.settled():
            return
        what = "no step arrives" if self.oracle.arrival_due() else "nothing more happens"
        self._overdue(index, f"{name} stays {shown}, and {what} within {self.deadline:g} s")

    def _overdue(self, index: int, what: str) -> None:
        others = self._strangers()
        if others:
            raise Unjudged(f"{what}, but {others} jobs that are not ours may hold the workers")
        self.found(self.oracle.overdue(what, index))
        raise Unjudged(what)

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
        found = self._get("/jobs?expand").jobs()
        ours = {job.id for job in self.jobs.values()}
        busy = {State.PENDING.value, State.RUNNING.value, State.RETRY.value}
        return sum(one["ID"] not in ours and one["State"] in busy for one in found)

    def arrivals(self, seconds: float) -> bool:
        """Take what has arrived at the gate, waiting for it up to ``seconds``; whether any has."""
        if seconds > 0:
            self.resources.gate.wait(seconds)
        arrivals = self.resources.gate.arrivals()
        for job, hold in self.mine(arrivals):
            if not job.expected:
                self.see(Arrive(job.index, hold.step), None)
        return bool(arrivals)

    def mine(self, arrivals: Iterable[Hold]) -> Iterator[tuple[Tracked, Hold]]:
        """The steps of the jobs of this case, which are held; all others are turned away."""
        for hold in arrivals:
            job = self.resources.owner(hold)
            if job is not None and job.expected and job.case == self.case:
                job.holds.append(hold)
                yield job, hold
            elif job is None or not job.id:  # no job, or one whose submission was not answered
                hold.reply(503)
            elif job.case != self.case or job.ended or self.jobs.get(job.name) is not job:
                hold.reply(503)
                if job.last is not None:  # its case was judged to its end
                    self.resources.late.append((job.case, _late(job, hold)))
            else:
                job.holds.append(hold)
                yield job, hold

    def _check_holds(self) -> None:
        now = time.monotonic()
        for job in self.jobs.values():
            for hold in job.holds:
                if hold.broken:
                    raise Unjudged(f"the server gave up a step of {job.name} that the gate held")
                open_ = hold._reply is None
                if open_ and self.hold_limit is not None and now - hold.since > self.hold_limit:
                    raise Unjudged(f"a step of {job.name} was held for {self.hold_limit:g} s")

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

    def _get(self, path: str) -> Answer:
        before = time.monotonic()
        try:
            reply = self.resources.client.get(path)
        except Unjudged:
            self.check()
            raise
        self.asked = Moment(before, time.monotonic())
        return reply

    def _view(self, job: Tracked, reply: Answer) -> View:
        found = reply.json()
        if not reply.ok or not isinstance(found, dict):
            self._deviates("monitor/job", "HTTP 200 with the details of the job", _clip(reply))
        return self.fields(job, found)

    def view(self, job: Tracked, reply: Answer) -> View:
        """What an answer that overlapped others shows of a job: only what the model knows of it.

        The other fields are compared with those of the reading before, and there is none.
        """
        found = reply.json()
        if not reply.ok or not isinstance(found, dict):
            self._deviates("monitor/job", "HTTP 200 with the details of the job", _clip(reply))
        return self._known(found)

    def fields(self, job: Tracked, found: dict[str, Any]) -> View:
        """What a job's JSON shows, with the fields checked that the model does not know."""
        for key, requirement, right in (
            ("ID", "monitor/id", job.id),
            ("Type", "monitor/type", TYPES[job.slot.via]),
        ):
            if found.get(key) != right:
                self._deviates(requirement, f"{key} {right}", f"{key} {found.get(key)!r}")
        shown = self._known(found)
        for broken in self.resources.fields.check(job.fields, found, shown.state, self.asked):
            self._deviates(broken.requirement, broken.expected, broken.actual)
        return shown

    def _known(self, found: dict[str, Any]) -> View:
        """What the model knows of a job's JSON."""
        try:
            state = State(str(found.get("State")))
        except ValueError:
            self._deviates(
                "monitor/state", "one of the six states", f"State {found.get('State')!r}"
            )
        numbers = [found.get(key) for key in ("ErrorCode", "Progress", "Priority")]
        for key, value in zip(("error-code", "progress", "priority"), numbers, strict=True):
            if not isinstance(value, int) or isinstance(value, bool):
                self._deviates(f"monitor/{key}", "an integer", repr(value))
        try:
            error = ErrorCode(numbers[0])  # type: ignore[arg-type]
        except ValueError:
            expected = ", ".join(str(int(code)) for code in ErrorCode)
            self._deviates("monitor/error-code", f"one of {expected}", f"ErrorCode {numbers[0]}")
        return View(state, error, numbers[1], numbers[2])  # type: ignore[arg-type]

    def _no_job(self) -> str:
        """An id that names no job; where we have one, it differs from its id in the end only."""
        known = [job.id for job in (*self.jobs.values(), *self.resources.jobs) if job.id]
        if not known:
            return "00000000-0000-4000-8000-" + self.resources.run.zfill(12)
        return next(id for id in (known[-1][:-1] + end for end in _HEXADECIMAL) if id not in known)

    def see(self, event: Event | Together, answer: Any) -> None:
        finding = self.oracle.see(event, answer)
        if not isinstance(event, Arrive) and not (self._expect and isinstance(event, Read)):
            self._expect = self.oracle.expected
        self.trace.append((event, answer))
        if finding is not None:
            self.found(finding)

    def _deviates(self, requirement: str, expected: str, actual: str) -> None:
        self.found(Finding(requirement, (expected,), actual, None))

    def found(self, finding: Finding) -> None:
        self.findings.append(finding)
        self.deviated_at = len(self.performed)
        if finding.relaxations is None or finding.missing:
            raise Deviated(finding)


def answer_step(hold: Hold, reply: Reply) -> None:
    """What the peer says to a step."""
    match reply:
        case Reply.SUCCEED:
            hold.reply(200)
        case Reply.FAIL:
            hold.reply(503)
        case Reply.RETRY:
            hold.reply(503, {RETRY_HEADER: str(RETRY_SOON)})
        case Reply.RETRY_LATER:
            hold.reply(503, {RETRY_HEADER: str(RETRY_LATER)})


def _late(job: Tracked, hold: Hold) -> Finding:
    return Finding(
        "step/only-while-running",
        (f"no step of {job.name} begins after its case has ended",),
        f"step {hold.step + 1} of {job.name} arrives",
        None,
    )


def _clip(value: object) -> str:
    text = str(value)
    return text if len(text) <= 200 else text[:197] + "..."
