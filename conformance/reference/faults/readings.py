"""Faults of what a caller reads and waits for, and of what a job does when nobody acts on it."""

from __future__ import annotations

import math
import os
import time

from starlette.responses import Response

from conformance.reference.answers import JobAnswers, json_answer
from conformance.reference.calls import JobCalls
from conformance.reference.engine import Engine
from conformance.reference.job import Failed, Job, State, Task
from conformance.reference.registry import Registry
from conformance.reference.submission import SubmissionReader
from conformance.reference.told import Newcomer

_TICK = 0.05  # seconds


class _Misread(Registry):
    """A job in one state reads as if it were in another."""

    right = wrong = State.PENDING

    def describe(self, job: Job) -> dict[str, object]:
        described = super().describe(job)
        if job.state is self.right:
            described["State"] = self.wrong.value
        return described


class PendingReadsRunning(_Misread):
    """A Pending job reads Running."""

    right, wrong = State.PENDING, State.RUNNING


class RunningReadsPending(_Misread):
    """A Running job reads Pending."""

    right, wrong = State.RUNNING, State.PENDING


class SuccessReadsRunning(_Misread):
    """A job that has succeeded reads Running."""

    right, wrong = State.SUCCESS, State.RUNNING


class FailureReadsSuccess(_Misread):
    """A job that has failed reads Success."""

    right, wrong = State.FAILURE, State.SUCCESS


class RetryReadsPending(_Misread):
    """A job in Retry reads Pending."""

    right, wrong = State.RETRY, State.PENDING


class StateInLowerCase(Registry):
    """The State is written in lower case."""

    def describe(self, job: Job) -> dict[str, object]:
        return super().describe(job) | {"State": job.state.value.lower()}


class _Restless(Engine):
    """Jobs in one state leave it by themselves, a while after they were seen in it."""

    state, seconds = State.PAUSED, 1.0

    def _end_retries(self) -> None:
        since: dict[Job, float] = {}
        with self._lock:
            while not self._stopping:
                self._retries.wait(_TICK)
                now = time.monotonic()
                for job in list(self._registry.jobs.values()):
                    if job.state is State.RETRY and job.retry_at <= now:
                        self._registry.retry_over(job)
                        self._settle(job)
                    elif job.state is self.state and self._over(job, since, now):
                        since[job] = math.inf
                        self.leave(job)
                        self._settle(job)

    def _over(self, job: Job, since: dict[Job, float], now: float) -> bool:
        return now - since.setdefault(job, now) > self.seconds

    def leave(self, job: Job) -> None:
        """Let `job` go on."""
        self._registry.act_resume(job)


class AutoResume(_Restless):
    """A Paused job resumes by itself after a second."""


class FailureRunsAgain(_Restless):
    """A job that has failed, or was canceled, runs again by itself after half a second, once."""

    state, seconds = State.FAILURE, 0.5

    def leave(self, job: Job) -> None:
        self._registry.act_resubmit(job)


class PausedEvictedFirst(Registry):
    """When the history is full, a Paused job goes before any completed one."""

    def evict(self) -> Job:
        paused = (job for job in self.jobs.values() if job.state is State.PAUSED)
        return next(paused, None) or super().evict()


class FailedStepRetriedUndeclared(Registry):
    """A step that has failed sends its job to Retry, on a server that does not say so."""

    declares_retry = False

    def step_failed(self, job: Job, failed: Failed) -> None:
        if self.look_at_requests(job):
            return
        self.retry(job, 0.4)


class EndsOnResubmit(Registry):
    """The whole server ends when a job is resubmitted."""

    def act_resubmit(self, job: Job) -> bool:
        os._exit(1)


class EndsOnFirstJob(JobCalls):
    """The whole server ends when it is asked for its first job."""

    def waits(self, task: Task, synchronous: bool) -> bool:
        os._exit(1)


class TwoJobsASubmission(Engine):
    """A submission makes two jobs, of which the caller is told one."""

    def submit(self, newcomer: Newcomer) -> None:
        super().submit(Newcomer(newcomer.task, lambda _: None))
        super().submit(newcomer)


class PausedAnswersWaiting(Registry):
    """A synchronous call is answered as soon as its job is Paused."""

    def pause(self, job: Job) -> None:
        super().pause(job)
        self.on_end(job)


class FirstStepAnswersWaiting(Registry):
    """A synchronous call is answered when the first step of its job has ended."""

    def count_step(self, job: Job) -> None:
        super().count_step(job)
        if job.done == 1:
            self.on_end(job)


class TakenOnlyWhenIdle(Registry):
    """A submission has to wait, asynchronous or not, as long as two jobs are Running."""

    def has_room(self) -> bool:
        running = sum(job.state is State.RUNNING for job in self.jobs.values())
        return super().has_room() and running < 2


class PriorityOneByDefault(SubmissionReader):
    """A submission that names no priority has priority 1."""

    def priority(self, fields: dict[str, object]) -> int:
        return super().priority({"Priority": 1, **fields})


class PriorityCutTo32Bits(SubmissionReader):
    """A priority beyond 32 bits is taken, and only its lowest 32 bits are looked at."""

    def priority(self, fields: dict[str, object]) -> int:
        value = fields.get("Priority", 0)
        if isinstance(value, int) and not isinstance(value, bool):
            fields = {"Priority": (value + 2**31) % 2**32 - 2**31}
        return super().priority(fields)


class JobInAnArray(JobAnswers):
    """A job is described in an array of one."""

    def job(self, described: dict[str, object] | None) -> Response:
        return super().job(None) if described is None else json_answer([described])


class ExpandAnswersIds(Engine):
    """The expanded list has the ids only."""

    def read_all(self) -> list[dict[str, object]]:
        return self.list_ids()  # type: ignore[return-value]


class ExpandIsBehind(Engine):
    """The expanded list shows the Progress that a job had when it was submitted."""

    def read_all(self) -> list[dict[str, object]]:
        return [job | {"Progress": 0} for job in super().read_all()]


class ExpandLacksRuntime(Engine):
    """The jobs of the expanded list have no EffectiveRuntime of their own: it is always 0."""

    def read_all(self) -> list[dict[str, object]]:
        return [job | {"EffectiveRuntime": 0.0} for job in super().read_all()]
