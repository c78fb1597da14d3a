"""Faults of the history of completed jobs."""

from __future__ import annotations

from conformance.reference.job import Job, State
from conformance.reference.registry import Registry


class HistoryKeepsOneTooMany(Registry):
    """One completed job more than JobsHistorySize is kept."""

    def history_room(self) -> int:
        return super().history_room() + 1


class HistoryKeepsOneTooFew(Registry):
    """One completed job less than JobsHistorySize is kept."""

    def history_room(self) -> int:
        return max(0, super().history_room() - 1)


class NewestEvictedFirst(Registry):
    """When the history is full, the job that completed last before goes first."""

    def evict(self) -> Job:
        return self.history.pop(max(0, len(self.history) - 2))


class CancelRenewsInHistory(Registry):
    """A completed job that is canceled once more stays in the history as if it had just ended."""

    def act_cancel(self, job: Job) -> bool:
        if job in self.history:
            self.history.remove(job)
            self.history.append(job)
        return super().act_cancel(job)


class CanceledLeavesNoTrace(Registry):
    """A canceled job is gone at once."""

    def cancel(self, job: Job) -> None:
        super().cancel(job)
        if job in self.history:
            self.delete(job)


class ResubmittedStaysInHistory(Registry):
    """A resubmitted job stays in the history, so that it may be evicted while it waits or runs."""

    def act_resubmit(self, job: Job) -> bool:
        if job.state is not State.FAILURE:
            return False
        self.start_over(job)
        self.enqueue(job)
        return True

    def forget(self, job: Job) -> None:
        self.jobs.pop(job.id, None)


class EvictedByCreation(Registry):
    """When the history is full, the job that was submitted first goes first."""

    def evict(self) -> Job:
        oldest = min(self.history, key=lambda job: job.created)
        self.history.remove(oldest)
        return oldest


class DeleteKeepsJob(Registry):
    """A completed job that was deleted, and answered 200, is still there."""

    def delete(self, job: Job) -> bool:
        return job.state.completed
