"""The context: what a check has at hand that no list of steps can say.

A check brings jobs where it wants them by the steps of a driver, so under the eyes of the oracle,
and sends requests of its own beside them: a call that waits for its job, a body with a wrong
field, a job of another kind. What it requires it says with the requirement and in words, and
everything that it does is kept as a line, for who reads the failure.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from random import Random
from typing import Any

from conformance.driver.driver import Driver
from conformance.driver.ending import end_jobs
from conformance.driver.requiring import SHOWN, Call, Requiring, short
from conformance.driver.script import LIVES, Step, Via
from conformance.driver.tracked import Tracked
from conformance.errors import NotAnswered, Unavailable, Unjudged
from conformance.oracle.fields import Moment, Seen
from conformance.peer.gate import REFUSE
from conformance.sut.profile import Profile, inapplicable
from conformance.sut.reply import Reply as Answer
from conformance.timing import TIMING
from spec.engine import Arrive, Submit
from spec.table import State

NOWHERE = "/orthanc-jobs"  # a path of no server, whose error is described where any is


class Context(Requiring):
    """One check under way on a live server. ``lines``: what was done so far, in words.

    ``draw``: chance, for what a check leaves to it; the same in each run with the same seed.
    ``number``: how often the case was run before.
    """

    def __init__(
        self,
        driver: Driver,
        profile: Profile,
        version: str,
        draw: Random | None = None,
        number: int = 0,
    ) -> None:
        super().__init__(driver)
        self.resources = driver.resources
        self.profile = profile
        self.version = version
        self.draw = draw or Random(0)
        self.number = number
        self._calls: list[Call] = []
        self._others: dict[str, Seen] = {}  # what `other` was told in this case

    def binds(self, requirement: str) -> bool:
        """Whether a requirement holds for a server of this version, or it says that it does."""
        return inapplicable(self.profile, requirement) is None

    # --- doing --------------------------------------------------------------------------------

    def do(self, *steps: Step) -> None:
        """Perform steps, judged by the oracle."""
        for step in steps:
            self.lines.append(str(step))
            self.driver.perform(step)
            if step.do in LIVES:  # a check that restarts says itself what must be as before
                self._others = {id: Seen() for id in self._others}

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        """A request of any method, sent once; ``body`` goes as JSON, or as it is if it is bytes.

        A change that a managed server leaves unanswered is a deviation, as on the driver.
        """
        self._note(method, path, body)
        self.driver.check()
        self._touch(method)
        try:
            reply = self.resources.client.request(method, path, body)
        except NotAnswered as error:
            self.driver.unanswered(error)
            raise
        except Unjudged:
            self.driver.check()
            raise
        self.lines[-1] += f": {self.resources.gate.hidden(str(reply))[:SHOWN]}"
        return reply

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def post(self, path: str, body: Any = None) -> Answer:
        return self.ask("POST", path, body)

    def call(self, method: str, path: str, body: Any = None) -> Call:
        """The same beside everything else, for an answer that comes later."""
        self._note(method, path, body)
        self.lines[-1] += ", and do not wait for the answer"
        self._touch(method)
        made = Call(self.resources.client.beside(), method, path, body)
        self._calls.append(made)
        return made

    def job(self, name: str) -> dict[str, Any]:
        """What ``GET /jobs/{id}`` shows of a job of the driver, or of an id."""
        answers, tracked = self.driver.answers, self.driver.jobs.get(name)
        if tracked is not None and (shown := self.driver.look(tracked)) is not None:
            return shown
        id = name if tracked is None else tracked.id
        reply = answers.get(f"/jobs/{id}")
        if tracked is not None:
            answers.reading(tracked, reply)
        return answers.details(reply, id)

    def jobs(self) -> list[str]:
        """The ids that ``GET /jobs`` lists."""
        answers = self.driver.answers
        return answers.listed(answers.get("/jobs"))

    def see_described(self, error: Answer) -> None:
        """See that a server tells in words and numbers what an ``error`` of it is.

        Raises `Unavailable` where one that is not ours tells that of no error.
        """
        if self.profile.managed or error.body:
            return
        unknown = self.get(NOWHERE)
        if unknown.status == 404 and not unknown.body:
            raise Unavailable("the server does not describe its errors (HttpDescribeErrors)")

    # --- jobs that a check submits by its own words -------------------------------------------

    def prepare(self, name: str, steps: int = 1, via: Via = Via.PEER) -> tuple[str, dict[str, Any]]:
        """A store that waits at the gate: its path, and a body that names no mode yet.

        Whoever sends it then says what came of it, by `adopt` or `refused`.
        """
        slot = self.resources.slot(via)
        job = Tracked(name, steps, slot, self.driver.case, expected=True)
        if any(one.slot is slot for one in self.resources.jobs):
            job.earlier = frozenset(self.driver.answers.made(job))
        slot.owner = job
        self.resources.jobs.append(job)
        self.driver.prepared[name] = job
        resources = [self.resources.instance(n) for n in range(steps)]
        return f"{slot.path}/store", {"Resources": resources}

    def adopt(self, name: str, id: str | None = None, priority: int = 0) -> None:
        """The prepared job is on the server: from now on the oracle follows it.

        Without an ``id``, as for a call that is not answered yet, it is known by its peer.
        """
        job = self.driver.prepared[name]
        if id is None:
            found: list[str] = []

            def listed() -> bool:
                found.extend(self.made(name))
                return bool(found)

            self.until(
                listed,
                "submit/creates-job",
                "a job that sends to the peer of the call",
                lambda: "no such job is listed",
            )
            id = found[0]
        self.driver.take(name, id, len(self.driver.names))
        self.driver.see(Submit(priority, job.steps), True)
        for hold in job.holds:
            self.driver.see(Arrive(job.index, hold.step), None)
        self.driver.settle()

    def refused(self, name: str, requirement: str = "submit/creates-job") -> None:
        """The prepared job was refused: nothing of it may be on the server."""
        job = self.driver.prepared.pop(name)
        job.expected = False
        for id in self.driver.answers.made(job):
            job.id = id
            self.deviates(requirement, "a refused call makes no job", f"job {id}")
        self.resources.release(job)

    def made(self, name: str) -> list[str]:
        """The ids of all jobs that send to the peer of a job: of this one, and no other may."""
        job = self.driver.prepared.get(name) or self.driver.jobs[name]
        return self.driver.answers.made(job)

    def other(self, id: str) -> None:
        """A job that does not send to the gate is ours as well: it ends, and is removed."""
        self.resources.others.append(id)
        self._others[id] = Seen()

    def fields(self, found: Mapping[str, Any], asked: Moment) -> None:
        """A reading of such a job: its fields are held to what is said of those of every job."""
        seen = self._others.setdefault(str(found["ID"]), Seen())
        for broken in self.resources.fields.check(seen, found, State(found["State"]), asked):
            self.deviates(broken.requirement, broken.expected, broken.actual)

    @property
    def restarted(self) -> bool:
        """Whether the server was started again in this case."""
        return any(step.do in LIVES for step, _ in self.driver.performed)

    def resource(self, path: str) -> None:
        """A resource was made on the server: it is removed at the end. ``path``: /studies/{id}."""
        if path not in self.resources.stored:
            self.resources.stored.append(path)

    # --- the end ------------------------------------------------------------------------------

    def close(self) -> None:
        """End what the driver does not know of: other jobs, and calls that are still open.

        Raises `Unjudged` where a job does not end.
        """
        end = time.monotonic() + self.deadline
        client, get = self.resources.client, self.driver.answers.get
        if left := end_jobs(client, get, [*self._others], self.deadline, self._pump):
            raise Unjudged(f"a job of {self.driver.case} does not end: {left[0]}")
        for call in self._calls:
            call.ended(max(0.0, end - time.monotonic()))
        if not self.driver.replaceable:  # a server of our own takes all of it with it
            self._remove()

    def _pump(self) -> None:
        """Let every step fail that comes to the gate: also one whose job was not waited for."""
        self.driver.arrivals(TIMING.tick)
        for job in self.driver.prepared.values():
            for hold in job.holds:
                hold.reply(REFUSE)

    def _remove(self) -> None:
        """Remove what the case has stored; what is left is tried again at the end of the run."""
        for path in tuple(self.resources.stored):
            if self.resources.client.delete(path).status in (200, 404):
                self.resources.stored.remove(path)

    def _touch(self, method: str) -> None:
        """A change may concern any job: what stood still before may have moved."""
        self.resources.actions += method == "POST"
        if method != "GET":
            for seen in (
                *self._others.values(),
                *(job.fields for job in self.driver.jobs.values()),
            ):
                seen.touched()

    def _note(self, method: str, path: str, body: Any) -> None:
        text = "" if body is None else f" {short(body)}"
        self.lines.append(self.resources.gate.hidden(f"{method} {path}{text}"))
