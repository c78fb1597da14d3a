"""Faults that only show after a sequence of events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from conformance.reference.errors import ErrorCode
from conformance.reference.job import Failed, Job, State
from conformance.reference.registry import Registry


class _CountingRegistry(Registry):
    """A registry that counts something by job."""

    def __init__(self, history_size: int, limit_jobs: int, on_end: Callable[[Job], None]) -> None:
        super().__init__(history_size, limit_jobs, on_end)
        self.counted: Counter[Job] = Counter()


class _CountingResumes(_CountingRegistry):
    """A registry that counts how often a job was resumed."""

    def act_resume(self, job: Job) -> bool:
        self.counted[job] += job.state is State.PAUSED
        return super().act_resume(job)


class SecondResubmitRefused(_CountingRegistry):
    """A job can be resubmitted once only."""

    def act_resubmit(self, job: Job) -> bool:
        accepted = self.counted[job] == 0 and super().act_resubmit(job)
        self.counted[job] += accepted
        return accepted


class ThirdJobNotCanceled(_CountingRegistry):
    """A cancel of each third job that was submitted is answered 200, and does nothing."""

    def submit(self, job: Job) -> None:
        self.counted[job] = len(self.counted)
        super().submit(job)

    def act_cancel(self, job: Job) -> bool:
        return self.counted[job] % 3 == 2 or super().act_cancel(job)


class PausedTwiceResumesAsFailure(_CountingRegistry):
    """A job that was paused twice fails when it is resumed."""

    def pause(self, job: Job) -> None:
        super().pause(job)
        self.counted[job] += 1

    def act_resume(self, job: Job) -> bool:
        if job.state is State.PAUSED and self.counted[job] >= 2:
            self.fail(job, ErrorCode.INTERNAL_ERROR)
            return True
        return super().act_resume(job)


class PauseIgnoredAfterResume(_CountingResumes):
    """A job that was resumed once cannot be paused again while it runs."""

    def ask_pause(self, job: Job) -> None:
        if not self.counted[job]:
            super().ask_pause(job)


class ThirdPauseIgnored(_CountingRegistry):
    """The third pause of a job while it runs is answered 200, and does nothing."""

    def ask_pause(self, job: Job) -> None:
        self.counted[job] += 1
        if self.counted[job] != 3:
            super().ask_pause(job)


class SecondResumeLosesPriority(_CountingResumes):
    """A job that is resumed for the second time waits as if its Priority were 0."""

    def queue_key(self, job: Job) -> int:
        return 0 if self.counted[job] >= 2 else super().queue_key(job)


class PriorityReadsZeroAfterResumes(_CountingResumes):
    """A job that was resumed twice reads Priority 0, and waits by the right one."""

    def describe(self, job: Job) -> dict[str, object]:
        shown = {"Priority": 0} if self.counted[job] >= 2 else {}
        return super().describe(job) | shown


class ThirdResubmitGoesOn(_CountingRegistry):
    """A job that is resubmitted for the third time goes on where it had failed."""

    def act_resubmit(self, job: Job) -> bool:
        done = job.done
        accepted = super().act_resubmit(job)
        self.counted[job] += accepted
        if accepted and self.counted[job] == 3:
            job.done = done
        return accepted


class CancelIgnoredAfterResubmit(_CountingRegistry):
    """A job that was resubmitted once cannot be canceled any more while it runs."""

    def act_resubmit(self, job: Job) -> bool:
        accepted = super().act_resubmit(job)
        self.counted[job] += accepted
        return accepted

    def ask_cancel(self, job: Job) -> None:
        if not self.counted[job]:
            super().ask_cancel(job)


class SecondFailureReadsSuccess(_CountingRegistry):
    """A job that fails for the second time ends in Success."""

    def step_failed(self, job: Job, failed: Failed) -> None:
        self.counted[job] += 1
        if self.counted[job] == 2:
            self.succeed(job)
        else:
            super().step_failed(job, failed)
