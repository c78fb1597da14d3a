"""What the engine's model talks about: jobs, the engine, what happens to it, what it answers.

Values are named tuples rather than dataclasses because they are hashed and compared millions of
times. What the engine does with them is `spec.engine`; here is only how they are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from spec.relaxations import NONE, Relaxation
from spec.table import Action, Asked, Ended, ErrorCode, State


@dataclass(frozen=True, slots=True)
class Config:
    """What the engine is configured to, and what is known of it.

    ``workers``: ConcurrentJobs, at least 1; None where it is not known.
    ``history``: JobsHistorySize, at least 0; None where it is not known: then a completed
    job may be gone at any time, and nothing is concluded from its absence.
    ``retries``: the server was seen to send a failed step to Retry.
    ``relaxations``: what is admitted beside the strict behaviour.
    """

    workers: int | None = 2
    history: int | None = 10
    retries: bool = False
    relaxations: frozenset[Relaxation] = NONE


class Phase(StrEnum):
    """Where the worker of a Running job stands. `LATER` belongs to Retry, `NONE` to the rest."""

    NONE = "none"
    READY = "ready"  # about to look at what was asked for
    SENT = "sent"  # the step's POST is on its way to the peer
    HELD = "held"  # the POST has arrived, and waits for the peer's reply
    SUCCEEDED = "succeeded"  # the peer has replied; nothing of it is published yet
    FAILED = "failed"
    FAILURE_SHOWN = "failure-shown"  # the failed step's ErrorCode is published
    RETRYING = "retrying"
    RETRYING_LATER = "retrying-later"
    LATER = "later"  # in Retry, with a delay that does not end while anybody looks


class Job(NamedTuple):
    """One job. ``done`` steps count from its (re)submission; ``shown`` is what Progress shows."""

    state: State
    priority: int
    steps: int
    done: int = 0
    shown: int = 0
    error: ErrorCode = ErrorCode.SUCCESS
    asked: Asked = Asked.NOTHING
    phase: Phase = Phase.NONE


class Engine(NamedTuple):
    """The engine. Jobs are named by their index; a job that is gone is None.

    ``queue``: the Pending jobs, in the order in which they became Pending.
    ``history``: the completed jobs, in the order of their completion.
    """

    jobs: tuple[Job | None, ...] = ()
    queue: tuple[int, ...] = ()
    history: tuple[int, ...] = ()


EMPTY = Engine()


# --- events: what the surroundings do or see ------------------------------------------------


class Reply(StrEnum):
    """What the peer answers to a step."""

    SUCCEED = "succeed"
    FAIL = "fail"
    RETRY = "retry"  # retry, soon
    RETRY_LATER = "retry-later"  # retry, with a delay that outlasts the observation


@dataclass(frozen=True, slots=True)
class Submit:
    """A new job of ``steps`` steps; it gets the next index. Answer: True."""

    priority: int
    steps: int


@dataclass(frozen=True, slots=True)
class Act:
    """An action on a job, or on an id that names none (None). Answer: the HTTP status."""

    action: Action
    job: int | None


@dataclass(frozen=True, slots=True)
class Arrive:
    """The POST of step number ``step`` (from 0) of a job arrives at the peer. Answer: None."""

    job: int
    step: int


@dataclass(frozen=True, slots=True)
class Replied:
    """The peer answers the step that it holds. Answer: None."""

    job: int
    reply: Reply


@dataclass(frozen=True, slots=True)
class Read:
    """``GET /jobs/{id}``. Answer: a `View`, or None where the job is gone (404)."""

    job: int


@dataclass(frozen=True, slots=True)
class List:
    """``GET /jobs``. Answer: the frozenset of the jobs that are listed."""


Event: TypeAlias = Submit | Act | Arrive | Replied | Read | List


class View(NamedTuple):
    """What a reading shows of a job. ``progress``: per cent, 0 to 100."""

    state: State
    error: ErrorCode
    progress: int
    priority: int


Answer: TypeAlias = bool | int | View | frozenset[int] | None
Outcome: TypeAlias = tuple[Answer, Engine]


def describe(shown: View | None) -> str:
    """A reading of a job in words."""
    if shown is None:
        return "HTTP 404"
    text = f"{shown.state}, ErrorCode {int(shown.error)}, Progress {shown.progress}"
    return text + (f", Priority {shown.priority}" if shown.priority else "")


def ended(job: Job, reply: Reply) -> Ended:
    """How the step under way of ``job`` ends with this reply of its peer."""
    if reply is Reply.FAIL:
        return Ended.FAILED
    if reply in (Reply.RETRY, Reply.RETRY_LATER):
        return Ended.RETRY
    return Ended.LAST if job.done + 1 == job.steps else Ended.MORE
