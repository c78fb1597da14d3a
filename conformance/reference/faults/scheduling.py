"""Faults of the queue and of the workers."""

from __future__ import annotations

import bisect

from conformance.reference.engine import Engine
from conformance.reference.errors import ErrorCode
from conformance.reference.job import Job, Outcome, State
from conformance.reference.registry import Registry
from conformance.reference.told import RunEnd


class PriorityIgnored(Registry):
    """Jobs run in the order of their submission, whatever their priority."""

    def queue_key(self, job: Job) -> int:
        return 0


class LowestPriorityFirst(Registry):
    """A lower priority runs earlier."""

    def queue_key(self, job: Job) -> int:
        return job.task.priority


class NegativePriorityAsZero(Registry):
    """A negative priority counts as 0."""

    def queue_key(self, job: Job) -> int:
        return -max(0, job.task.priority)


class TiesLastInFirstOut(Registry):
    """Of jobs with equal priority, the last one that became Pending runs first."""

    def enqueue(self, job: Job) -> None:
        super().enqueue(job)
        self.leave_queue(job)
        bisect.insort_left(self.pending, job, key=self.queue_key)


class ResumedJumpsQueue(Registry):
    """A resumed job runs before all that are Pending."""

    def act_resume(self, job: Job) -> bool:
        if accepted := super().act_resume(job):
            self.leave_queue(job)
            self.pending.insert(0, job)
        return accepted


class ResubmittedJumpsQueue(Registry):
    """A resubmitted job runs before all that are Pending."""

    def act_resubmit(self, job: Job) -> bool:
        if accepted := super().act_resubmit(job):
            self.leave_queue(job)
            self.pending.insert(0, job)
        return accepted


class RetriedJumpsQueue(Registry):
    """A job whose time in Retry is over runs before all that are Pending."""

    def retry_over(self, job: Job) -> None:
        super().retry_over(job)
        self.leave_queue(job)
        self.pending.insert(0, job)


class DoubleStartAfterResume(Registry):
    """A resumed job is started twice: two workers do its steps."""

    def act_resume(self, job: Job) -> bool:
        if accepted := super().act_resume(job):
            self.pending.insert(self.pending.index(job), job)
        return accepted

    def next_job(self) -> Job | None:
        while (job := super().next_job()) is not None:
            if job.state in (State.PENDING, State.RUNNING):
                return job
        return None

    def step_ended(self, job: Job, outcome: Outcome) -> None:
        if job.state is State.RUNNING:
            super().step_ended(job, outcome)


class OneWorkerTooMany(Engine):
    """One job more than ConcurrentJobs runs at the same time."""

    def worker_count(self, workers: int) -> int:
        return super().worker_count(workers) + 1


class OneWorkerTooFew(Engine):
    """One job less than ConcurrentJobs runs at the same time (but at least one)."""

    def worker_count(self, workers: int) -> int:
        return max(1, super().worker_count(workers) - 1)


class OneWorkerForZero(Engine):
    """ConcurrentJobs 0 is one job at a time, however many processors there are."""

    def worker_count(self, workers: int) -> int:
        return workers or 1


class WorkerLostAfterCancel(Engine):
    """A worker whose Running job was canceled is never free again."""

    def goes_on(self, left: RunEnd) -> bool:
        return left.error is not ErrorCode.CANCELED_JOB


class WorkerLostAfterPause(Engine):
    """A worker whose Running job was paused is never free again."""

    def goes_on(self, left: RunEnd) -> bool:
        return left.state is not State.PAUSED


class WorkerLostAfterFailedStep(Engine):
    """A worker whose job failed is never free again."""

    def goes_on(self, left: RunEnd) -> bool:
        return left.error is not ErrorCode.NETWORK_PROTOCOL


class WorkerLostAfterRetry(Engine):
    """A worker whose job went to Retry is never free again."""

    def goes_on(self, left: RunEnd) -> bool:
        return left.state is not State.RETRY


class NoWorkerStarts(Engine):
    """No worker is started: every job stays Pending."""

    def worker_count(self, workers: int) -> int:
        return 0
