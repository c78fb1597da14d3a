"""The context: what a check has at hand that no list of steps can say.

A check brings jobs where it wants them by the steps of a driver, so under the eyes of the oracle,
and sends requests of its own beside them: a call that waits for its job, a body with a wrong
field, a job of another kind. What it requires it says with the requirement and in words, and
everything that it does is kept as a line, for who reads the failure.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from random import Random
from typing import Any

from conformance.driver.driver import Driver
from conformance.driver.ending import end_jobs
from conformance.driver.script import Step, Via
from conformance.driver.tracked import Tracked
from conformance.errors import NotAnswered, Unjudged
from conformance.oracle.oracle import Finding
from conformance.sut.client import Client
from conformance.sut.client import Reply as Answer
from conformance.sut.profile import Profile, inapplicable
from conformance.timing import TIMING
from spec.engine import Arrive, Submit
from spec.relaxations import Shortfall

SHOWN = 160  # characters of a body that a line shows

Condition = Callable[[], bool]


class Call:
    """A request under way on a connection and a thread of its own. ``reply`` is None until then."""

    def __init__(self, client: Client, method: str, path: str, body: Any) -> None:
        self.reply: Answer | None = None
        self.error: Unjudged | None = None
        self._client = client
        self._asked = (method, path, body)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.reply = self._client.request(*self._asked)
        except Unjudged as error:
            self.error = error
        finally:
            self._client.close()

    def ended(self, seconds: float = 0.0) -> bool:
        """Whether it was answered, or broke, within ``seconds``."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def answer(self) -> Answer:
        """The answer of a call that has ended. Raises `Unjudged` where there is none."""
        if self.reply is None:
            raise self.error or Unjudged("{} {} is not answered yet".format(*self._asked[:2]))
        return self.reply


class Context:
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
        self.driver = driver
        self.resources = driver.resources
        self.profile = profile
        self.version = version
        self.draw = draw or Random(0)
        self.number = number
        self.deadline = driver.deadline
        self.grace = TIMING.grace
        self.lines: list[str] = []
        self._calls: list[Call] = []
        self._others: list[str] = []  # what `other` was told in this case

    def binds(self, requirement: str) -> bool:
        """Whether a requirement holds for a server of this version, or it says that it does."""
        return inapplicable(self.profile, requirement) is None

    # --- doing --------------------------------------------------------------------------------

    def do(self, *steps: Step) -> None:
        """Perform steps, judged by the oracle."""
        for step in steps:
            self.lines.append(str(step))
            self.driver.perform(step)

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
        client = Client(self.resources.client.address, timeout=self.resources.client.timeout)
        made = Call(client, method, path, body)
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

    # --- jobs that a check submits by its own words -------------------------------------------

    def prepare(self, name: str, steps: int = 1, via: Via = Via.PEER) -> tuple[str, dict[str, Any]]:
        """A store that waits at the gate: its path, and a body that names no mode yet.

        Whoever sends it then says what came of it, by `adopt` or `refused`.
        """
        slot = self.resources.slot(via)
        job = Tracked(name, steps, slot, self.driver.case, expected=True)
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
        self._others.append(id)

    def resource(self, path: str) -> None:
        """A resource was made on the server: it is removed at the end. ``path``: /studies/{id}."""
        if path not in self.resources.stored:
            self.resources.stored.append(path)

    # --- requiring ----------------------------------------------------------------------------

    def require(
        self,
        requirement: str,
        holds: bool,
        expected: str,
        actual: object,
        known: Shortfall | None = None,
    ) -> None:
        """A deviation unless ``holds``. ``known``: the name of exactly what was seen instead."""
        if not holds:
            self.deviates(requirement, expected, str(actual), known)

    def equal(self, requirement: str, what: str, expected: object, actual: object) -> None:
        """``what`` has to be ``expected``."""
        same = expected == actual and isinstance(actual, bool) == isinstance(expected, bool)
        self.require(requirement, same, f"{what} {_short(expected)}", f"{what} {_short(actual)}")

    def until(
        self,
        condition: Condition,
        requirement: str,
        expected: str,
        actual: Callable[[], object],
    ) -> None:
        """Wait until ``condition``, which may ask the server. A deviation past the deadline."""
        end = time.monotonic() + self.deadline
        while not condition():
            if time.monotonic() > end:
                shown = f"{actual()}, after {self.deadline:g} s"
                self.driver.found(Finding(requirement, (expected,), shown, None, missing=True))
            self.driver.arrivals(TIMING.tick)

    def stays(
        self,
        condition: Condition,
        requirement: str,
        expected: str,
        seconds: float = TIMING.grace,
        actual: Callable[[], object] = lambda: "it does not",
    ) -> None:
        """Watch for ``seconds`` that ``condition`` holds."""
        end = time.monotonic() + seconds
        while True:
            holds = condition()
            self.require(requirement, holds, expected, "" if holds else actual())
            if time.monotonic() > end:
                return
            self.driver.arrivals(TIMING.tick)

    def unanswered(self, call: Call, requirement: str, expected: str) -> None:
        """Watch for a moment that a call is not answered yet."""
        self.lines.append("watch that the call is not answered")
        self.stays(lambda: not call.ended(), requirement, expected, actual=call.answer)

    def pass_time(self, seconds: float) -> None:
        """Let time pass, which is what a case is about; take what arrives meanwhile."""
        self.lines.append(f"let {seconds:.3f} s pass")
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.driver.arrivals(left)

    def answered(self, call: Call, requirement: str, expected: str) -> Answer:
        """The answer of a call that has to come now."""
        self.until(call.ended, requirement, expected, lambda: "no answer")
        reply = call.answer()
        self.lines.append(f"the call is answered: {self.resources.gate.hidden(str(reply))[:SHOWN]}")
        return reply

    def deviates(
        self, requirement: str, expected: str, actual: str, known: Shortfall | None = None
    ) -> None:
        """Something else was seen. Raises `Deviated`, unless it is ``known`` by a name."""
        names = None if known is None else frozenset({known})
        self.driver.found(Finding(requirement, (expected,), actual, names))

    # --- the end ------------------------------------------------------------------------------

    def close(self) -> None:
        """End what the driver does not know of: other jobs, and calls that are still open.

        Raises `Unjudged` where a job does not end.
        """
        end = time.monotonic() + self.deadline
        client, get = self.resources.client, self.driver.answers.get
        if left := end_jobs(client, get, self._others, self.deadline, self._pump):
            raise Unjudged(f"a job of {self.driver.case} does not end: {left[0]}")
        for call in self._calls:
            call.ended(max(0.0, end - time.monotonic()))
        if not self.driver.replaceable:  # a server of our own takes all of it with it
            self._remove()

    def _pump(self) -> None:
        self.driver.arrivals(TIMING.tick)

    def _remove(self) -> None:
        """Remove what the case has stored; what is left is tried again at the end of the run."""
        for path in tuple(self.resources.stored):
            if self.resources.client.delete(path).status in (200, 404):
                self.resources.stored.remove(path)

    def _touch(self, method: str) -> None:
        """A change may concern any job: what stood still before may have moved."""
        self.resources.actions += method == "POST"
        if method != "GET":
            for job in self.driver.jobs.values():
                job.fields.touched()

    def _note(self, method: str, path: str, body: Any) -> None:
        text = "" if body is None else f" {_short(body)}"
        self.lines.append(self.resources.gate.hidden(f"{method} {path}{text}"))


def _short(value: object) -> str:
    if isinstance(value, bytes):
        return f"({len(value)} bytes)"
    try:
        text = json.dumps(value)
    except (TypeError, ValueError):
        text = str(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
