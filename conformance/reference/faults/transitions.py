"""Faults of the four actions: a cell of the action matrix does something else."""

from __future__ import annotations

import time
from dataclasses import replace

from conformance.reference.job import Job, Outcome, State
from conformance.reference.registry import Registry


class CancelOfPendingIgnored(Registry):
    """A cancel of a Pending job is answered 200, and the job stays Pending."""

    def act_cancel(self, job: Job) -> bool:
        return job.state is State.PENDING or super().act_cancel(job)


class CancelOfPausedIgnored(Registry):
    """A cancel of a Paused job is answered 200, and the job stays Paused."""

    def act_cancel(self, job: Job) -> bool:
        return job.state is State.PAUSED or super().act_cancel(job)


class CancelOfRetryIgnored(Registry):
    """A cancel of a job in Retry is answered 200, and the job stays in Retry and runs again."""

    def act_cancel(self, job: Job) -> bool:
        return job.state is State.RETRY or super().act_cancel(job)


class CancelOfSuccessFailsJob(Registry):
    """A cancel of a job in Success turns it into a Failure."""

    def act_cancel(self, job: Job) -> bool:
        if job.state is State.SUCCESS:
            job.state = State.FAILURE
            job.error = self.cancel_code()
            return True
        return super().act_cancel(job)


class CancelOfRunningTakesEffectAtOnce(Registry):
    """A Running job that is canceled reads Failure while its step is still in flight."""

    def ask_cancel(self, job: Job) -> None:
        self.cancel(job)

    def step_ended(self, job: Job, outcome: Outcome) -> None:
        if job.state is State.RUNNING:
            super().step_ended(job, outcome)


class CancelPauses(Registry):
    """A cancel of a Pending job pauses it."""

    def act_cancel(self, job: Job) -> bool:
        return self.act_pause(job) if job.state is State.PENDING else super().act_cancel(job)


class PauseOfPendingIgnored(Registry):
    """A pause of a Pending job is answered 200, and the job stays Pending and runs."""

    def act_pause(self, job: Job) -> bool:
        return job.state is State.PENDING or super().act_pause(job)


class PauseOfRetryLost(Registry):
    """A pause of a job in Retry is answered 200, and the job stays in Retry and runs again."""

    def act_pause(self, job: Job) -> bool:
        return job.state is State.RETRY or super().act_pause(job)


class PauseOfPausedResumes(Registry):
    """A pause of a job that is Paused already puts it back into the queue."""

    def act_pause(self, job: Job) -> bool:
        return self.act_resume(job) if job.state is State.PAUSED else super().act_pause(job)


class PauseOfFailureRefused(Registry):
    """A pause of a job in Failure is refused."""

    def act_pause(self, job: Job) -> bool:
        return job.state is not State.FAILURE and super().act_pause(job)


class ResumeShowsRunning(Registry):
    """A resumed job reads Running at once, though it still waits in the queue."""

    def act_resume(self, job: Job) -> bool:
        accepted = super().act_resume(job)
        if accepted:
            job.state = State.RUNNING
            job.running_since = time.monotonic()
        return accepted

    def act_pause(self, job: Job) -> bool:
        self._back_to_pending(job)
        return super().act_pause(job)

    def act_cancel(self, job: Job) -> bool:
        self._back_to_pending(job)
        return super().act_cancel(job)

    def _back_to_pending(self, job: Job) -> None:
        if job in self.pending:
            job.state = State.PENDING


class ResumeOfSuccessAccepted(Registry):
    """A resume of a job in Success is accepted, and changes nothing."""

    def act_resume(self, job: Job) -> bool:
        return job.state is State.SUCCESS or super().act_resume(job)


class ResumeRefused(Registry):
    """A resume of a Paused job is refused."""

    def act_resume(self, job: Job) -> bool:
        return False


class ResubmitToPaused(Registry):
    """A resubmitted job becomes Paused, and waits for a resume."""

    def act_resubmit(self, job: Job) -> bool:
        accepted = super().act_resubmit(job)
        if accepted:
            self.leave_queue(job)
            job.state = State.PAUSED
        return accepted


class ResubmitOfSuccessAccepted(Registry):
    """A job in Success can be resubmitted, and runs once more."""

    def act_resubmit(self, job: Job) -> bool:
        if job.state is State.SUCCESS:
            job.state = State.FAILURE
        return super().act_resubmit(job)


class ResubmitLosesPriority(Registry):
    """A resubmitted job has priority 0."""

    def act_resubmit(self, job: Job) -> bool:
        if job.state is State.FAILURE:
            job.task = replace(job.task, priority=0)
        return super().act_resubmit(job)


class RetryEndsInFailure(Registry):
    """A job whose time in Retry is over becomes a Failure."""

    def retry_over(self, job: Job) -> None:
        self.fail(job, self.cancel_code())


class RetryNeverEnds(Registry):
    """A job stays in Retry for ever."""

    def next_retry(self) -> Job | None:
        return None
