"""All of control, in Python."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING

from conformance.reference.clock import Clock
from conformance.reference.control.calls import Calls
from conformance.reference.control.disturbances import Disturbance, Disturbances
from conformance.reference.control.steps import StepControl
from conformance.reference.errors import ErrorCode
from conformance.reference.job import Action, Failed, RetryAsked, Step, Succeeded
from conformance.reference.tasks.made_up import MadeUp
from conformance.reference.told import Deletion, Newcomer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.reference.control.steps import Ending
    from conformance.reference.engine import Engine

LONG = 3600.0
"""Seconds that a job stays in Retry unless another time is said: until the clock is moved."""


class ControlError(ValueError):
    """What was asked of control cannot be done; the message is a sentence."""


class NoSuchJob(ControlError):
    """There is no job of this id, or none any more."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"There is no job {job_id}")


class Controls:
    """What a test may do to a server. It outlives the server's lives; any thread may call it.

    Jobs are named by their ids. Each word about a step (`succeed`, `fail`, `retry`, `perform`)
    ends one step: the one that waits, or else the next one to begin. Those of a job that has
    completed are over: none is left for a run after a resubmit, and none is taken.
    Each method that names a job raises `NoSuchJob`.
    Each that sets jobs in motion returns when what has come of it can be read: see `wait`, which
    says what it raises.
    """

    def __init__(self) -> None:
        self.clock = Clock()
        self.steps = StepControl()
        self.disturbances = Disturbances()
        self.calls = Calls()
        self.patience = 10.0  # seconds that are waited; more where the machine has much other work
        self._running: Engine | None = None
        self._starts = True

    def attach(self, engine: Engine) -> None:
        """A life of the server begins, with this engine."""
        self._running = engine
        engine.follow(self.clock, self.steps)
        engine.let_start(self._starts)

    # -- jobs ------------------------------------------------------------------------------------

    def job(
        self,
        steps: int = 1,
        *,
        type: str = "OrthancPeerStore",
        priority: int = 0,
        content: Mapping[str, object] | None = None,
        description: str = "REST API",
        held: bool = True,
    ) -> str:
        """Make a job, and answer its id. It stays Running until each of its steps was ended.

        It is Running when this returns, unless no worker is free, or the queue is held.
        `type`: any text; `content`: its Content, by default that of a store at a peer. `held`:
        False lets its steps, which have nothing to do, succeed by themselves.
        Raises `ControlError` where the queue is full (LimitJobs).
        """
        shown = dict(_stored(steps) if content is None else content)
        all_steps = (Step(""),) * steps
        task = MadeUp(all_steps, type, shown, held, priority=priority, description=description)
        admitted: Future[str] = Future()

        def admit(job_id: str | None) -> None:
            if job_id is not None:
                admitted.set_result(job_id)

        newcomer = Newcomer(task, admit)
        self._engine.submit(newcomer)
        if not admitted.done():
            self._engine.withdraw(newcomer)
            raise ControlError("The queue is full, or the server stops")
        self.wait()
        return admitted.result()

    def read(self, job_id: str) -> dict[str, object]:
        """A job as ``GET /jobs/{id}`` would show it, without a call."""
        job = self._engine.read(job_id)
        if job is None:
            raise NoSuchJob(job_id)
        return job

    def act(self, job_id: str, action: str) -> bool:
        """What another client does: ``cancel``, ``pause``, ``resume``, ``resubmit``.

        As for that client, nothing is waited for: see `wait`.
        False: it was refused. Raises `ControlError` for what is no action.
        """
        if action not in list(Action):
            raise ControlError(f"There is no action {action}; there are {', '.join(Action)}")
        return self._engine.act(self._know(job_id), Action(action))

    def evict(self, job_id: str) -> None:
        """Drive a completed job out of the history. Raises `ControlError` for another one."""
        match self._engine.delete(job_id):
            case Deletion.UNKNOWN:
                raise NoSuchJob(job_id)
            case Deletion.NOT_COMPLETED:
                raise ControlError("Only a completed job is in the history")

    def show(self, job_id: str, **fields: object) -> None:
        """Let all readings of a job have these fields (``Progress=100``); none: the truth."""
        if not self._engine.show(job_id, fields):
            raise NoSuchJob(job_id)

    # -- its steps -------------------------------------------------------------------------------

    def hold(self, job_id: str | None = None) -> None:
        """From now on the steps of a job wait; None: of all jobs that were not named before."""
        self.steps.hold(self._known(job_id), holds=True)

    def release(self, job_id: str | None = None) -> None:
        """From now on its steps do not wait, the one that does included.

        Then the job goes on in its own time.
        """
        self.steps.hold(self._known(job_id), holds=False)
        self.wait()

    def succeed(self, job_id: str) -> None:
        """End a step in success, without doing it."""
        self._say(job_id, Succeeded())

    def fail(self, job_id: str, code: int = ErrorCode.NETWORK_PROTOCOL, details: str = "") -> None:
        """End a step, and so the job, in failure. Raises `ControlError` for an unknown `code`."""
        errors = {each.value: each for each in ErrorCode if each is not ErrorCode.SUCCESS}
        if code not in errors:
            raise ControlError(f"There is no error {code}; there are {', '.join(map(str, errors))}")
        self._say(job_id, Failed(errors[code], details))

    def retry(self, job_id: str, seconds: float = LONG) -> None:
        """End a step by asking for it again, after `seconds` of the server's clock."""
        self._say(job_id, RetryAsked(seconds))

    def perform(self, job_id: str) -> None:
        """Let a step be done, and end as it does. Where that takes time it is not waited for."""
        self._say(job_id, None)

    def waiting(self) -> list[str]:
        """The ids of the jobs of which a step waits."""
        return self.steps.waiting()

    def wait(self, job_id: str | None = None, seconds: float | None = None) -> None:
        """Wait until a step of a job waits. None: until what was asked for can be read.

        Then a job is Pending only if no worker is free, or the queue is held; one that is held and
        Running has a step that waits. What goes on in its own time is not waited for: a job that
        is not held, a step that is really being done.
        Raises `TimeoutError` after `seconds`; None: after `patience`.
        """
        longest = self.patience if seconds is None else seconds
        if job_id is not None:
            if not self.steps.wait(self._know(job_id), longest):
                raise TimeoutError(f"no step of the job {job_id} has begun in {longest:g} s")
            return
        engine = self._engine
        if not self.steps.wait_until(lambda: engine.is_at_rest(self.steps.rests), longest):
            raise TimeoutError(f"the server has not come to rest in {longest:g} s")

    # -- the server ------------------------------------------------------------------------------

    def hold_queue(self) -> None:
        """From now on no job starts: it stays Pending."""
        self._let_start(False)

    def release_queue(self) -> None:
        """From now on jobs start."""
        self._let_start(True)

    def advance(self, seconds: float) -> None:
        """Move the server's clock ahead: its time stamps, runtimes, and the end of Retry.

        Raises `ControlError`: it is not moved back, nor by more than a hundred years.
        """
        try:
            self._engine.advance(seconds)
        except ValueError as error:
            raise ControlError(str(error)) from None
        self.wait()

    def disturb(
        self,
        path: str = "*",
        method: str = "*",
        *,
        times: int | None = 1,
        delay: float = 0.0,
        status: int | None = None,
        reset: bool = False,
        done: bool = False,
    ) -> None:
        """Spoil answers (see `Disturbance`). Several are met in the order in which they came."""
        if not (delay or status or reset):
            raise ControlError("A disturbance has a delay, a status, or a reset")
        one = Disturbance(path, method, times, delay, status, reset, done)
        self.disturbances.add(one)

    def undisturb(self) -> None:
        """Spoil no answers any more."""
        self.disturbances.clear()

    def standing(self) -> dict[str, object]:
        """How control stands, for who looks at it."""
        return {
            "Disturbances": self.disturbances.count(),
            "Jobs": self._engine.list_ids(),
            "QueueHeld": not self._starts,
            "Time": self.clock.now().isoformat(),
            "Waiting": self.waiting(),
        }

    # -- in here ---------------------------------------------------------------------------------

    @property
    def _engine(self) -> Engine:
        if self._running is None:
            raise ControlError("The server has not been started")
        return self._running

    def _let_start(self, starts: bool) -> None:
        self._starts = starts
        self._engine.let_start(starts)
        self.wait()

    def _say(self, job_id: str, ending: Ending) -> None:
        state = self._engine.unless_completed(job_id, lambda: self.steps.end(job_id, ending))
        if state is None:
            raise NoSuchJob(job_id)
        if state.completed:
            raise ControlError(f"No step of the job {job_id} will end: it is in {state}")
        self.wait()

    def _known(self, job_id: str | None) -> str | None:
        return None if job_id is None else self._know(job_id)

    def _know(self, job_id: str) -> str:
        if not self._engine.knows(job_id):
            raise NoSuchJob(job_id)
        return job_id


def _stored(steps: int) -> dict[str, object]:
    """The Content of a job that stores `steps` instances at a peer."""
    return {
        "Compress": False,
        "FailedInstancesCount": 0,
        "InstancesCount": steps,
        "ParentResources": [],
        "Peer": ["http://peer.invalid/"],
        "Size": "0",
        "SizeMB": 0,
    }
