"""Faults of LimitJobs: what a full queue holds back, and until when."""

from __future__ import annotations

from conformance.reference.engine import Engine
from conformance.reference.job import Job, State
from conformance.reference.registry import Registry
from conformance.reference.told import Newcomer


class LimitIgnored(Registry):
    """The queue of Pending jobs has no limit, whatever LimitJobs says."""

    def has_room(self) -> bool:
        return True


class LimitOneTooMany(Registry):
    """The queue takes one job more than LimitJobs."""

    def has_room(self) -> bool:
        return not self.limit_jobs or len(self.pending) <= self.limit_jobs


class LimitOneTooFew(Registry):
    """The queue takes one job less than LimitJobs (but at least one)."""

    def has_room(self) -> bool:
        return not self.limit_jobs or len(self.pending) < max(1, self.limit_jobs - 1)


class LimitCountsRunning(Registry):
    """The Running jobs count against LimitJobs as well."""

    def has_room(self) -> bool:
        running = sum(job.state is State.RUNNING for job in self.jobs.values())
        return not self.limit_jobs or len(self.pending) + running < self.limit_jobs


class LimitCountsPaused(Registry):
    """The Paused jobs count against LimitJobs as well."""

    def has_room(self) -> bool:
        paused = sum(job.state is State.PAUSED for job in self.jobs.values())
        return not self.limit_jobs or len(self.pending) + paused < self.limit_jobs


class LimitCountsCompleted(Registry):
    """The completed jobs count against LimitJobs as well."""

    def has_room(self) -> bool:
        waiting = len(self.pending) + len(self.history)
        return not self.limit_jobs or waiting < self.limit_jobs


class LimitRefusesResume(Registry):
    """A resume is refused when the queue is full."""

    def act_resume(self, job: Job) -> bool:
        return self.has_room() and super().act_resume(job)


class LimitRefusesResubmit(Registry):
    """A resubmit is refused when the queue is full."""

    def act_resubmit(self, job: Job) -> bool:
        return self.has_room() and super().act_resubmit(job)


class LimitNeverWakes(Engine):
    """A submission that has to wait for room is never added, nor is any other after it."""

    def room_made(self) -> None:
        pass


class LimitRefusesSubmission(Engine):
    """A submission is refused when the queue is full, instead of waiting for room."""

    def submit(self, newcomer: Newcomer) -> None:
        with self._lock:
            refused = self.must_wait(newcomer)
        if refused:
            newcomer.on_admitted(None)
        else:
            super().submit(newcomer)


class LimitSparesAsynchronous(Engine):
    """An asynchronous submission never waits for room."""

    def must_wait(self, newcomer: Newcomer) -> bool:
        return newcomer.on_end is not None and super().must_wait(newcomer)
