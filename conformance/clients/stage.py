"""The stage of one scenario: a reference server under control, a job, and who asks for it."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

from conformance.errors import Unjudged
from conformance.timing import TIMING
from spec.table import FINAL, Action, Move, State, Trigger, target

if TYPE_CHECKING:
    from conformance.reference.control.calls import Call
    from conformance.reference.double import ReferenceServer

GONE = "gone"  # what a client is shown of a job that is not there
MANY_STEPS = 8  # of a job: more than any scenario lets end singly
PEER = "pacs"  # the peer that a client submits to


@dataclass(frozen=True, slots=True)
class Look:
    """A call of the client that asked for the job. ``shown``: its State, or `GONE`, or None."""

    at: float
    ended: float
    shown: str | None
    status: int | None


@dataclass
class Watch:
    """What a client has asked, and what it was shown of the job. Any thread may ask."""

    looks: list[Look] = field(default_factory=list)
    calls: int = 0
    submitted: list[Mapping[str, Any]] = field(default_factory=list)  # the bodies of its calls
    job: str | None = None
    changed: threading.Condition = field(default_factory=threading.Condition)

    def hear(self, call: Call) -> None:
        """A call of the client is over."""
        with self.changed:
            self.calls += 1
            path = call.path.partition("?")[0].rstrip("/")
            if call.method == "POST" and path.endswith("/store"):
                self._submission(call)
            elif call.method == "GET" and path.startswith("/jobs"):
                shown = self._shown(call, path)
                self.looks.append(Look(call.at, call.ended, shown, call.status))
            self.changed.notify_all()

    def _submission(self, call: Call) -> None:
        body = _json(call.asked)
        self.submitted.append(body if isinstance(body, dict) else {})

    def _shown(self, call: Call, path: str) -> str | None:
        if call.status == 404 and path == f"/jobs/{self.job}":
            return GONE
        found = _json(call.answer) if call.status == 200 else None
        if path == f"/jobs/{self.job}" and isinstance(found, dict):
            return str(found.get("State"))
        if path != "/jobs" or not isinstance(found, list):
            return None
        listed = [one for one in found if one == self.job or _id(one) == self.job]
        if not listed:
            return GONE
        return str(listed[0]["State"]) if isinstance(listed[0], dict) else None

    @property
    def shown(self) -> list[str]:
        """All that it was shown of the job, without what came again at once."""
        found = [look.shown for look in self.looks if look.shown is not None]
        return [one for n, one in enumerate(found) if n == 0 or found[n - 1] != one]

    @property
    def over(self) -> float | None:
        """When it was first shown that the job has ended, or is gone; None: it was not."""
        ends = {*FINAL, GONE}
        return next((look.ended for look in self.looks if look.shown in ends), None)

    @property
    def rate(self) -> float | None:
        """How many looks a second it makes, by the pauses between them; None: too few to tell."""
        looks = self.looks
        pauses = [b.at - a.ended for a, b in itertools.pairwise(looks)]
        return 1 / max(median(pauses), 1e-6) if len(pauses) >= ENOUGH else None


ENOUGH = 5  # pauses between looks, to tell a rate


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _id(one: Any) -> Any:
    return one.get("ID") if isinstance(one, dict) else None


@dataclass
class Stage:
    """Where a scenario is played. ``job``: its id, as soon as there is one. ``submitted_at``: when
    the client was seen to have made it, by `time.monotonic`; None where it has not.
    """

    server: ReferenceServer
    watch: Watch
    job: str = ""
    submitted_at: float | None = None
    lines: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.server.url

    def looked(self, since: float, times: int) -> bool:
        """Whether the client has looked so often at the job, with calls that began ``since``."""
        return sum(look.at >= since for look in self.watch.looks) >= times

    def await_state(self, *states: State) -> None:
        """Wait until the job is in one of these. Raises `Unjudged` if it never is."""
        _until(lambda: self._state() in states, f"the job became none of {', '.join(states)}")

    def _state(self) -> Any:
        from conformance.reference.control.controls import NoSuchJob

        try:
            return self.server.control.read(self.job)["State"]
        except NoSuchJob:
            return GONE

    def evict_as_it_succeeds(self) -> None:
        """Drive the job out of the history as soon as it has completed."""
        from conformance.reference.control.controls import ControlError

        _succeed(self)

        def gone() -> bool:
            try:
                self.server.control.evict(self.job)
            except ControlError:
                return bool(self._state() == GONE)
            return True

        _until(gone, "the job did not complete")

    def make(self, job: Mapping[str, Any]) -> None:
        """The job, which waits; ``job``: what of it is not usual."""
        self.take(self.server.control.job(**{"steps": MANY_STEPS, **job}))

    def submitted(self) -> str | None:
        """The job that the client has made, if it has."""
        jobs = self.server.control.standing()["Jobs"]
        return jobs[0] if isinstance(jobs, list) and jobs else None

    def take(self, job: str) -> None:
        """This is the job."""
        self.job = self.watch.job = job


def _until(holds: Callable[[], bool], otherwise: str) -> None:
    """Wait for what the server does. Raises `Unjudged`."""
    ends, tick = time.monotonic() + TIMING.starts, threading.Event()
    while not holds():
        if time.monotonic() > ends:
            raise Unjudged(f"the reference server is too slow: {otherwise}")
        tick.wait(TIMING.tick)


@contextmanager
def stage_with(config: Mapping[str, Any]) -> Iterator[Stage]:
    """A server with these settings, on which no job starts by itself."""
    from conformance.reference.double import reference_server

    watch = Watch()
    settings = {"DicomServerEnabled": False, "LimitJobs": 0, **config}
    with reference_server(**settings) as server:
        server.control.hold_queue()
        server.control.hold()
        yield Stage(server, watch)


# --- what may happen to a job ---------------------------------------------------------------------


def along(trigger: Trigger) -> Callable[[Stage], None]:
    """What takes the job along the edge of ``trigger``, wherever it is, and waits until it is."""

    def go(stage: Stage) -> None:
        control, job = stage.server.control, stage.job
        before = State(str(control.read(job)["State"]))
        goal = target(before, trigger)
        assert goal is not None
        if isinstance(trigger, Action):
            control.act(job, trigger)
        _MOVES.get(trigger, _nothing)(stage)
        if before is State.RUNNING and isinstance(trigger, Action):
            control.succeed(job)  # it is taken at the end of a step
        if goal in FINAL:
            _until(lambda: stage._state() in (goal, GONE), f"the job did not become {goal}")
        else:
            stage.await_state(goal)

    return go


def _nothing(stage: Stage) -> None:
    """The action has done it."""


def _start(stage: Stage) -> None:
    control = stage.server.control
    control.release_queue()
    control.wait(stage.job, TIMING.starts)
    control.hold_queue()


def _succeed(stage: Stage) -> None:
    for _ in range(MANY_STEPS):  # all that may be left
        if stage._state() not in {*FINAL, GONE}:
            stage.server.control.succeed(stage.job)


_MOVES: Mapping[Trigger, Callable[[Stage], None]] = {
    Move.START: _start,
    Move.SUCCEED: _succeed,
    Move.FAIL: lambda stage: stage.server.control.fail(stage.job),
    Move.RETRY: lambda stage: stage.server.control.retry(stage.job),
    Move.TIMEOUT: lambda stage: stage.server.control.advance(2 * 3600.0),
}
