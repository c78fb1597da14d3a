"""Faults of what is asked of a Running job: the request meets the end of a step."""

from __future__ import annotations

from collections.abc import Callable

from conformance.reference.job import Failed, Job, Outcome, RetryAsked, State
from conformance.reference.registry import Registry


class CancelOfRunningIgnored(Registry):
    """A cancel of a Running job is answered 200, and never takes effect."""

    def ask_cancel(self, job: Job) -> None:
        pass


class PauseOfRunningIgnored(Registry):
    """A pause of a Running job is answered 200, and never takes effect."""

    def ask_pause(self, job: Job) -> None:
        pass


class RequestsLostOnLastStep(Registry):
    """A pause or cancel that is asked for during the last step is lost."""

    def step_succeeded(self, job: Job) -> None:
        if job.done + 1 == len(job.steps):
            self.reset_requests(job)
        super().step_succeeded(job)


class PauseLostOnLastStep(Registry):
    """A pause that is asked for during the last step is lost; a cancel is not."""

    def step_succeeded(self, job: Job) -> None:
        if job.done + 1 == len(job.steps):
            job.pause_asked = False
        super().step_succeeded(job)


class PausedOnLastStepRunsItAgain(Registry):
    """A job that was paused during its last step runs that step again when it is resumed."""

    def act_resume(self, job: Job) -> bool:
        if job.state is State.PAUSED and job.steps and job.all_steps_done:
            job.done -= 1
        return super().act_resume(job)


class CancelOnLastStepCountsIt(Registry):
    """A job that is canceled during its last step ends with a Progress of 100."""

    def step_succeeded(self, job: Job) -> None:
        if job.done + 1 == len(job.steps) and self.cancel_is_asked(job):
            self.count_step(job)
            self.cancel(job)
        else:
            super().step_succeeded(job)


class CancelLostAfterPause(Registry):
    """A cancel that is asked for when a pause was asked for already is lost."""

    def ask_cancel(self, job: Job) -> None:
        if not job.pause_asked:
            super().ask_cancel(job)


class CancelLostBeforePause(Registry):
    """A cancel that was asked for is lost when a pause is asked for as well."""

    def ask_pause(self, job: Job) -> None:
        job.cancel_asked = False
        super().ask_pause(job)


class PauseForgetsFailingStep(Registry):
    """A job whose step fails when a pause was asked for becomes Paused, without any error."""

    def step_failed(self, job: Job, failed: Failed) -> None:
        if not self.look_at_requests(job):
            super().step_failed(job, failed)


class CancelForgetsFailingStep(Registry):
    """A job whose step fails when a cancel was asked for becomes Paused, without any error."""

    def step_failed(self, job: Job, failed: Failed) -> None:
        if job.cancel_asked:
            self.pause(job)
        else:
            super().step_failed(job, failed)


class PauseRunsOneMoreStep(Registry):
    """A pause of a Running job takes effect one step late."""

    def __init__(self, history_size: int, limit_jobs: int, on_end: Callable[[Job], None]) -> None:
        super().__init__(history_size, limit_jobs, on_end)
        self._overlooked: set[Job] = set()

    def pause_is_asked(self, job: Job) -> bool:
        if job.pause_asked and job not in self._overlooked and not job.all_steps_done:
            self._overlooked.add(job)
            return False
        return super().pause_is_asked(job)

    def reset_requests(self, job: Job) -> None:
        self._overlooked.discard(job)
        super().reset_requests(job)


class PauseSurvivesTheRun(Registry):
    """A pause that was honoured once is honoured again in the next run of the job."""

    def reset_requests(self, job: Job) -> None:
        job.cancel_asked = False


class CancelSurvivesTheRun(Registry):
    """A cancel that was asked for in one run is honoured again after a resubmit."""

    def reset_requests(self, job: Job) -> None:
        job.pause_asked = False


class PauseOverlookedOnRetry(Registry):
    """A step that asks for a retry sends the job to Retry, although a pause was asked for."""

    def step_ended(self, job: Job, outcome: Outcome) -> None:
        if isinstance(outcome, RetryAsked):
            job.pause_asked = False
        super().step_ended(job, outcome)


class CancelOverlookedOnRetry(Registry):
    """A step that asks for a retry sends the job to Retry, although a cancel was asked for."""

    def step_ended(self, job: Job, outcome: Outcome) -> None:
        if isinstance(outcome, RetryAsked):
            job.cancel_asked = False
        super().step_ended(job, outcome)
