"""What a job is: its task, which never changes, and where it stands."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import uuid4

from conformance.reference import clock
from conformance.reference.errors import ErrorCode

if TYPE_CHECKING:
    from conformance.reference.peers import Peer


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
    """One step of a job: one instance that is sent to the peer. `size` is in bytes."""

    instance: str
    size: int


@dataclass(frozen=True, slots=True)
class Task:
    """What a job has to do: send `steps`, in this order, to `peer`.

    `parents` are the identifiers that the caller listed; they show as ``ParentResources``.
    """

    peer: Peer
    steps: tuple[Step, ...]
    parents: tuple[str, ...] = ()
    priority: int = 0
    type: str = "OrthancPeerStore"
    description: str = "REST API"


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The peer took the instance."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The step failed; `instance_gone`: there was nothing left to send."""

    code: ErrorCode
    details: str = ""
    instance_gone: bool = False


@dataclass(frozen=True, slots=True)
class RetryAsked:
    """The peer asked for the same step again, after `delay` seconds."""

    delay: float


Outcome = Succeeded | Failed | RetryAsked
"""How a step has ended."""


@dataclass(slots=True, eq=False)
class Job:
    """A job of the engine. Read and written under the engine's lock only.

    `done`: how many steps of this run of the task are behind it; `progress`: the per cent last
    published, which a resubmitted job keeps until its first step has ended (design 2.5, 4);
    `runtime`: seconds it was Running before `running_since`, a reading of `time.monotonic`;
    `retry_at`: when its time in Retry is over, on the same clock.
    """

    task: Task
    id: str = field(default_factory=lambda: str(uuid4()))
    created: datetime = field(default_factory=clock.now)
    state: State = State.PENDING
    done: int = 0
    progress: int = 0
    error: ErrorCode = ErrorCode.SUCCESS
    error_details: str = ""
    instances_gone: int = 0
    pause_asked: bool = False
    cancel_asked: bool = False
    completed: datetime | None = None
    runtime: float = 0.0
    running_since: float = 0.0
    retry_at: float = 0.0

    @property
    def all_steps_done(self) -> bool:
        """Whether no step is left."""
        return self.done >= len(self.task.steps)

    def effective_runtime(self) -> float:
        """Seconds that this job was Running since it was last submitted, up to now."""
        if self.state is State.RUNNING:
            return self.runtime + (time.monotonic() - self.running_since)
        return self.runtime


def content(job: Job) -> dict[str, object]:
    """The ``Content`` of `job`, as Orthanc 1.10.1 shows it for a store to a peer."""
    task = job.task
    size = sum(step.size for step in task.steps[: job.done])
    parents = {"ParentResources": sorted(set(task.parents))} if task.parents else {}
    return {
        "Compress": False,
        "Description": task.description,
        "FailedInstancesCount": job.instances_gone,
        "InstancesCount": len(task.steps),
        **parents,
        "Peer": task.peer.shown(),
        "Size": str(size),
        "SizeMB": size // 2**20,
    }


def describe(job: Job) -> dict[str, object]:
    """`job` as ``GET /jobs/{id}`` answers it (source: the page, "Monitoring jobs")."""
    now = clock.now()
    runtime = job.effective_runtime()
    answer: dict[str, object] = {}
    if job.completed is not None:
        answer["CompletionTime"] = clock.stamp(job.completed)
    answer["Content"] = content(job)
    answer["CreationTime"] = clock.stamp(job.created)
    answer["EffectiveRuntime"] = round(runtime, 3)
    answer["ErrorCode"] = job.error.value
    answer["ErrorDescription"] = job.error.description
    answer["ErrorDetails"] = job.error_details
    if job.state is State.RUNNING and 0 < job.progress < 100:
        remaining = runtime / job.progress * (100 - job.progress)
        answer["EstimatedTimeOfArrival"] = clock.stamp(now + timedelta(seconds=remaining))
    answer["ID"] = job.id
    answer["Priority"] = job.task.priority
    answer["Progress"] = job.progress
    answer["State"] = job.state.value
    answer["Timestamp"] = clock.stamp(now)
    answer["Type"] = job.task.type
    return answer
