"""Faults of the steps: which of them a run does."""

from __future__ import annotations

from collections.abc import Callable

from conformance.reference.errors import ErrorCode
from conformance.reference.job import Failed, Job, Outcome, RetryAsked, State, Step, Succeeded
from conformance.reference.peer_connection import PeerConnection
from conformance.reference.registry import Registry
from conformance.reference.steps import StepSender
from conformance.reference.tasks.stores import PeerStore


class ResumeStartsOver(Registry):
    """A resumed job starts again from its first step."""

    def act_resume(self, job: Job) -> bool:
        if job.state is State.PAUSED:
            job.done = 0
        return super().act_resume(job)


class ResumeSkipsStep(Registry):
    """A resumed job leaves out the step at which it stopped."""

    def act_resume(self, job: Job) -> bool:
        if job.state is State.PAUSED and not job.all_steps_done:
            job.done += 1
        return super().act_resume(job)


class ResubmitGoesOn(Registry):
    """A resubmitted job goes on from the step that failed."""

    def start_over(self, job: Job) -> None:
        done = job.done
        super().start_over(job)
        job.done = done


class RetrySkipsStep(Registry):
    """A job leaves out the step that asked for a retry."""

    def step_asked_for_retry(self, job: Job, asked: RetryAsked) -> None:
        job.done += 1
        super().step_asked_for_retry(job, asked)


class RetryStartsOver(Registry):
    """A job that was in Retry starts again from its first step."""

    def retry_over(self, job: Job) -> None:
        job.done = 0
        super().retry_over(job)


class FirstStepDoneTwice(Registry):
    """A job does its first step twice."""

    def __init__(self, history_size: int, limit_jobs: int, on_end: Callable[[Job], None]) -> None:
        super().__init__(history_size, limit_jobs, on_end)
        self._repeated: set[Job] = set()

    def step_succeeded(self, job: Job) -> None:
        if job.done == 0 and job not in self._repeated:
            self._repeated.add(job)
        else:
            super().step_succeeded(job)


class LastStepLeftOut(Registry):
    """A job of several steps succeeds without its last one."""

    def step_succeeded(self, job: Job) -> None:
        if job.done + 2 == len(job.steps):
            job.done += 1
        super().step_succeeded(job)


class StepsInReverse(Registry):
    """The steps are done in the opposite order."""

    def next_step(self, job: Job) -> Step | None:
        step = super().next_step(job)
        return None if step is None else job.steps[-1 - job.done]


class NothingIsSent(StepSender):
    """A store at a peer sends nothing, and succeeds."""

    def perform(self, connection: PeerConnection, task: PeerStore, step: Step) -> Outcome:
        return Succeeded()


class NothingCanBeSent(StepSender):
    """A store at a peer fails before it sends anything: it says Bad sequence of calls."""

    def perform(self, connection: PeerConnection, task: PeerStore, step: Step) -> Outcome:
        return Failed(ErrorCode.BAD_SEQUENCE_OF_CALLS, "")
