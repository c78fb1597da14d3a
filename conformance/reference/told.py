"""What the engine and those that use it tell each other about jobs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.reference.errors import ErrorCode
    from conformance.reference.job import State, Task


@dataclass(frozen=True, slots=True)
class JobEnd:
    """How a job has ended, for who waited for it; `kept` tells whether it can still be read."""

    id: str
    state: State
    error: ErrorCode
    details: str
    content: dict[str, object]
    kept: bool
    output: bytes | None = None


@dataclass(eq=False, frozen=True, slots=True)
class Newcomer:
    """A task that is to become a job as soon as the queue has room.

    `on_admitted` is called once, with the id of the job, or with None when the engine stops
    before. `on_end` is called once for a job that was admitted, with its end, or with None when
    the engine stops before. Both are called on any thread, with the engine's lock held: they must
    only pass the news on.
    """

    task: Task
    on_admitted: Callable[[str | None], None]
    on_end: Callable[[JobEnd | None], None] | None = None


@dataclass(frozen=True, slots=True)
class RunEnd:
    """Where a run has left its job."""

    state: State
    error: ErrorCode


class Deletion(Enum):
    """What came of the wish to delete a job."""

    DONE = "done"
    NOT_COMPLETED = "not completed"
    UNKNOWN = "unknown"


class Follower(Protocol):
    """Who follows what the engine does. It is told on any thread, with the engine's lock held: it
    must only pass the news on.
    """

    def changed(self) -> None:
        """A job has changed, or a worker is free."""

    def completed(self, job_id: str) -> None:
        """A job has completed: what was meant for its steps is over."""
