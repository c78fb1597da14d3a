"""What a job is: its task, which never changes, and where it stands."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar
from uuid import uuid4

from conformance.reference.clock import Clock, now, stamp
from conformance.reference.errors import ErrorCode

if TYPE_CHECKING:
    from conformance.reference.levels import Level


class State(StrEnum):
    """The ``State`` field of a job (source: the page, "Monitoring jobs")."""

    PENDING = "Pending"
    RUNNING = "Running"
    RETRY = "Retry"
    PAUSED = "Paused"
    SUCCESS = "Success"
    FAILURE = "Failure"

    @property
    def completed(self) -> bool:
        """Whether a job in this state is over, and so in the history."""
        return self in (State.SUCCESS, State.FAILURE)


class Action(StrEnum):
    """What can be asked of a job (source: the page, "Interacting with jobs")."""

    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    RESUBMIT = "resubmit"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a job.

    `item`: what it is about, as a rule an instance, nothing in a step that finishes the job;
    `size` is in bytes.
    """

    item: str
    size: int = 0


@dataclass(frozen=True, slots=True)
class Planning(Step):
    """A first step that finds out what the others are. It asks nobody, so nobody can hold it."""

    item: str = ""


@dataclass(frozen=True, slots=True)
class Task(ABC):
    """What a job has to do: `steps`, in this order. There is a kind of it for each type of job.

    A task never changes, and holds all that its steps need: no step relies on what an earlier
    run of the same job left in memory. The kinds are in `tasks`. `user_data`: what the caller has
    given to the job, of JSON, which means nothing here. `described`: its Content has a Description.
    """

    steps: tuple[Step, ...]
    priority: int = field(default=0, kw_only=True)
    user_data: object = field(default=None, kw_only=True)
    description: str = field(default="REST API", kw_only=True)
    type: ClassVar[str]
    described: ClassVar[bool] = True

    @abstractmethod
    def content(self, job: Job) -> dict[str, object]:
        """The ``Content`` of `job`, which has this task, beside the ``Description``."""

    @property
    def shown_type(self) -> str:
        """The ``Type`` of a job that has this task."""
        return self.type

    @property
    def output_name(self) -> str:
        """What a file that its job has made is called."""
        return ""

    def parts(self, job: Job) -> tuple[int, int]:
        """Of what Progress is made: how many parts are done, and how many there are."""
        return job.done, len(job.steps)

    @property
    def instances_count(self) -> int:
        """How many instances the steps are about; a last step may be about none."""
        return sum(1 for step in self.steps if step.item)


@dataclass(frozen=True, slots=True)
class Made:
    """An instance that a step has made, and what it belongs to, by their identifiers."""

    instance: str
    series: str
    study: str
    patient: str

    def at(self, level: Level) -> str:
        """The identifier of what this belongs to at `level`."""
        identifier: str = getattr(self, level)
        return identifier


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The step is done. `made`: the new instance, if any; `output`: what the job has made.

    `instance_gone`: there was nothing left to send, which is all right with a permissive job.
    `transaction`: by which a storage commitment was asked for, or a transfer is known to its peer.
    `planned`: the steps after the first one, as they are known now; `transferred`: bytes that were.
    """

    made: Made | None = None
    output: bytes | None = None
    instance_gone: bool = False
    transaction: str = ""
    planned: tuple[Step, ...] | None = None
    transferred: int = 0


@dataclass(frozen=True, slots=True)
class Failed:
    """The step failed; `instance_gone`: there was nothing left to send."""

    code: ErrorCode
    details: str = ""
    instance_gone: bool = False


def instance_gone(step: Step, code: ErrorCode = ErrorCode.INTERNAL_ERROR) -> Failed:
    """The instance of `step` was removed since the job was submitted."""
    details = f"The instance {step.item} was removed"
    return Failed(code, details, instance_gone=True)


@dataclass(frozen=True, slots=True)
class RetryAsked:
    """The peer asked for the same step again, after `delay` seconds."""

    delay: float


@dataclass(frozen=True, slots=True)
class CutOff:
    """The step has not ended, and never will: the server was ended in the middle of it."""


Outcome = Succeeded | Failed | RetryAsked | CutOff
"""How a step has ended."""


@dataclass(slots=True, eq=False)
class Job:
    """A job of the engine. Read and written under the engine's lock only.

    `done`: how many steps of this run of the task are behind it; `progress`: the per cent last
    published, which a resubmitted job keeps until its first step has ended
    (`monitor/resubmitted-progress`);
    `runtime`: seconds it was Running before `running_since`, a reading of its `clock`;
    `retry_at`: when its time in Retry is over, on the same clock; `shown`: what its readers are
    shown in place of the truth, which only a test double does; `made`: the instances that its
    steps have made in this run of the task; `output`: the archive that a client can
    fetch, and `output_size` the bytes that it had, for it may be gone; `transaction`: of the
    storage commitment that it has asked for, or of the transfer; `planned`: the steps that came to
    those of its task; `reported`: how many steps its readers know to be done, which a resubmitted
    job keeps until it starts; `transferred`: bytes.
    """

    task: Task
    id: str = field(default_factory=lambda: str(uuid4()))
    clock: Clock = field(default_factory=Clock)
    created: datetime = field(default_factory=now)
    state: State = State.PENDING
    done: int = 0
    progress: int = 0
    error: ErrorCode = ErrorCode.SUCCESS
    error_details: str = ""
    instances_gone: int = 0
    pause_asked: bool = False
    cancel_asked: bool = False
    completed: datetime | None = None
    place: int = 0
    runtime: float = 0.0
    running_since: float = 0.0
    retry_at: float = 0.0
    made: list[Made] = field(default_factory=list)
    output: bytes | None = None
    output_size: int = 0
    transaction: str = ""
    planned: tuple[Step, ...] = ()
    reported: int = 0
    transferred: int = 0
    shown: dict[str, object] | None = None

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps that are known."""
        return (*self.task.steps, *self.planned) if self.planned else self.task.steps

    @property
    def all_steps_done(self) -> bool:
        """Whether no step is left."""
        return self.done >= len(self.steps)

    def effective_runtime(self) -> float:
        """Seconds that this job was Running since it was last submitted, up to now."""
        if self.state is State.RUNNING:
            return self.runtime + (self.clock.monotonic() - self.running_since)
        return self.runtime


def content(job: Job) -> dict[str, object]:
    """The ``Content`` of `job`, its fields in the order of their names."""
    described = {"Description": job.task.description} if job.task.described else {}
    return dict(sorted({**described, **job.task.content(job)}.items()))


def describe(job: Job) -> dict[str, object]:
    """`job` as ``GET /jobs/{id}`` answers it (source: the page, "Monitoring jobs")."""
    moment = job.clock.now()
    runtime = job.effective_runtime()
    answer: dict[str, object] = {}
    if job.completed is not None:
        answer["CompletionTime"] = stamp(job.completed)
    answer["Content"] = content(job)
    answer["CreationTime"] = stamp(job.created)
    answer["EffectiveRuntime"] = round(runtime, 3)
    answer["ErrorCode"] = job.error.value
    answer["ErrorDescription"] = job.error.description
    answer["ErrorDetails"] = job.error_details
    if job.state is State.RUNNING and job.done and 0 < job.progress < 100:
        remaining = runtime / job.progress * (100 - job.progress)
        answer["EstimatedTimeOfArrival"] = stamp(moment + timedelta(seconds=remaining))
    answer["ID"] = job.id
    answer["Priority"] = job.task.priority
    answer["Progress"] = job.progress
    answer["State"] = job.state.value
    answer["Timestamp"] = stamp(moment)
    answer["Type"] = job.task.shown_type
    if job.task.user_data is not None:
        answer["UserData"] = job.task.user_data
    return answer if job.shown is None else answer | job.shown
