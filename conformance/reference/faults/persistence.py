"""Faults of what is saved, of the stop, and of what a restart makes of the jobs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from uuid import uuid4

from conformance.reference import clock
from conformance.reference.engine import Engine
from conformance.reference.errors import ErrorCode
from conformance.reference.job import Job, Outcome, State, Step
from conformance.reference.persistence import JobStore
from conformance.reference.registry import Registry
from conformance.reference.tasks.modifications import ResourceModification
from conformance.reference.tasks.stores import ModalityStore


class JobsNeverSaved(JobStore):
    """No job survives a restart, whatever SaveJobs says."""

    def may_save(self, save_jobs: bool) -> bool:
        return False


class SaveJobsIgnored(JobStore):
    """The jobs survive a restart although SaveJobs is false."""

    def may_save(self, save_jobs: bool) -> bool:
        return True


class NoJobsIgnored(JobStore):
    """The jobs survive a restart with --no-jobs."""

    def may_load(self, load_jobs: bool) -> bool:
        return True


class NothingSavedWithNoJobs(JobStore):
    """A server that was started with --no-jobs does not save its own jobs either."""

    def save(self, changed: Iterable[Job], kept: Mapping[str, Job]) -> None:
        if self._loads:
            super().save(changed, kept)


class SavedOnSubmissionOnly(JobStore):
    """What has happened to a job since its submission is forgotten by a restart."""

    def save(self, changed: Iterable[Job], kept: Mapping[str, Job]) -> None:
        super().save([job for job in changed if not self.has(job)], kept)


class FailureNotSaved(JobStore):
    """That a job has failed is not saved until another one has changed."""

    def save(self, changed: Iterable[Job], kept: Mapping[str, Job]) -> None:
        self._late: list[Job] = getattr(self, "_late", [])
        failed = [job for job in changed if job.state is State.FAILURE]
        super().save([job for job in (*self._late, *changed) if job not in failed], kept)
        self._late = failed


class StopCutsStepOff(Engine):
    """The server stops without waiting for the step in flight, and runs it again afterwards."""

    def join(self, timeout: float | None = None) -> bool:
        return super().join(0 if timeout is None else timeout)


class StopCancelsRunning(Engine):
    """On a stop, a Running job is canceled when its step has ended."""

    def end_step(self, job: Job, outcome: Outcome) -> Step | None:
        if self._stopping:
            self._registry.ask_cancel(job)
        return super().end_step(job, outcome)


class RequestForgottenOverStop(Engine):
    """A pause or cancel that was answered 200 is forgotten if the server then stops."""

    def end_step(self, job: Job, outcome: Outcome) -> Step | None:
        if self._stopping:
            self._registry.reset_requests(job)
        return super().end_step(job, outcome)


class PendingLostOnRestart(Registry):
    """A job that was Pending at the stop is gone after a restart."""

    def known_again(self, jobs: Iterable[Job]) -> list[Job]:
        return [job for job in jobs if job.state is not State.PENDING]


class RunningLostOnRestart(Registry):
    """A job that was Running at the stop is gone after a restart."""

    def known_again(self, jobs: Iterable[Job]) -> list[Job]:
        return [job for job in jobs if job.state is not State.RUNNING]


class RetryLostOnRestart(Registry):
    """A job that was in Retry at the stop is gone after a restart."""

    def known_again(self, jobs: Iterable[Job]) -> list[Job]:
        return [job for job in jobs if job.state is not State.RETRY]


class PausedLostOnRestart(Registry):
    """A Paused job is gone after a restart."""

    def known_again(self, jobs: Iterable[Job]) -> list[Job]:
        return [job for job in jobs if job.state is not State.PAUSED]


class CompletedLostOnRestart(Registry):
    """The jobs in Success and in Failure are gone after a restart."""

    def known_again(self, jobs: Iterable[Job]) -> list[Job]:
        return [job for job in jobs if not job.state.completed]


class FailuresLostOnRestart(Registry):
    """The jobs in Failure are gone after a restart."""

    def known_again(self, jobs: Iterable[Job]) -> list[Job]:
        return [job for job in jobs if job.state is not State.FAILURE]


class UnfinishedTwiceOnRestart(Registry):
    """An unfinished job is there twice after a restart, and is run twice."""

    def known_again(self, jobs: Iterable[Job]) -> list[Job]:
        known = super().known_again(jobs)
        unfinished = (job for job in known if job.state in (State.PENDING, State.RUNNING))
        return known + [replace(job, id=str(uuid4())) for job in unfinished]


class ModificationsLostOnRestart(Registry):
    """An unfinished modification or anonymization is gone after a restart."""

    def known_again(self, jobs: Iterable[Job]) -> list[Job]:
        known = super().known_again(jobs)
        return [
            job
            for job in known
            if job.state.completed or not isinstance(job.task, ResourceModification)
        ]


class PermissiveForgottenOnRestart(Registry):
    """A store at a modality is no longer permissive after a restart."""

    def known_again(self, jobs: Iterable[Job]) -> list[Job]:
        known = super().known_again(jobs)
        for job in known:
            if isinstance(job.task, ModalityStore):
                job.task = replace(job.task, permissive=False)
        return known


class TenJobsOnRestart(Registry):
    """A restart knows ten jobs again at most."""

    def known_again(self, jobs: Iterable[Job]) -> list[Job]:
        return super().known_again(jobs)[:10]


class IdsChangeOnRestart(Registry):
    """The jobs have other ids after a restart."""

    def known_again(self, jobs: Iterable[Job]) -> list[Job]:
        return [replace(job, id=str(uuid4())) for job in jobs]


class SmallerHistoryIgnoredOnRestart(Registry):
    """A JobsHistorySize that is smaller than before does not count for the earlier jobs."""

    def restore_completed(self, job: Job) -> None:
        self.history.append(job)

    def admit_to_history(self, job: Job) -> None:
        self.history.append(job)
        if len(self.history) > self.history_room():
            self.forget(self.evict())


class SuccessRunAgainOnRestart(Registry):
    """A job in Success is run once more after a restart."""

    def restore_completed(self, job: Job) -> None:
        if job.state is State.SUCCESS:
            self.start_over(job)
            self.enqueue(job)
        else:
            super().restore_completed(job)


class ErrorForgottenOnRestart(Registry):
    """A job in Failure has ErrorCode 0 after a restart."""

    def restore_completed(self, job: Job) -> None:
        self.reset_error(job)
        super().restore_completed(job)


class ErrorDetailsForgottenOnRestart(Registry):
    """The ErrorDetails of a job are empty after a restart."""

    def restore_completed(self, job: Job) -> None:
        job.error_details = ""
        super().restore_completed(job)


class CompletionTimeChangesOnRestart(Registry):
    """The CompletionTime of a job is that of the restart."""

    def restore_completed(self, job: Job) -> None:
        job.completed = clock.now()
        super().restore_completed(job)


class CreationTimeChangesOnRestart(Registry):
    """The CreationTime of a job is that of the restart."""

    def restore_job(self, job: Job) -> None:
        job.created = clock.now()
        super().restore_job(job)


class PriorityForgottenOnRestart(Registry):
    """All jobs have priority 0 after a restart."""

    def restore_job(self, job: Job) -> None:
        job.task = replace(job.task, priority=0)
        super().restore_job(job)


class RuntimeForgottenOnRestart(Registry):
    """The EffectiveRuntime of all jobs is 0 after a restart."""

    def restore_job(self, job: Job) -> None:
        job.runtime = 0.0
        super().restore_job(job)


class ContentLostOnRestart(Registry):
    """The Content of a job that there was before the restart is empty."""

    def known_again(self, jobs: Iterable[Job]) -> list[Job]:
        known = super().known_again(jobs)
        self._earlier = set(known)
        return known

    def describe(self, job: Job) -> dict[str, object]:
        described = super().describe(job)
        if job in self._earlier:
            described["Content"] = {}
        return described


class TypeChangesOnRestart(Registry):
    """The Type of a job that there was before the restart is another one."""

    def known_again(self, jobs: Iterable[Job]) -> list[Job]:
        known = super().known_again(jobs)
        self._earlier = set(known)
        return known

    def describe(self, job: Job) -> dict[str, object]:
        described = super().describe(job)
        if job in self._earlier:
            described["Type"] = "Restored"
        return described


class RunningFailsOnRestart(Registry):
    """A job that was Running at the stop is a Failure after a restart."""

    def restore_running(self, job: Job) -> None:
        super().restore_running(job)
        if job in self.pending:
            self.leave_queue(job)
            self.fail(job, ErrorCode.INTERNAL_ERROR)


class RunningPausedOnRestart(Registry):
    """A job that was Running at the stop is Paused after a restart."""

    def restore_running(self, job: Job) -> None:
        self.ask_pause(job)
        super().restore_running(job)


class StartsOverOnRestart(Registry):
    """A job that was Running at the stop starts over from its first step after a restart."""

    def restore_running(self, job: Job) -> None:
        job.done = 0
        super().restore_running(job)


class StepRunTwiceOnRestart(Registry):
    """A job that was Running at the stop does the last step that it had done once more."""

    def restore_running(self, job: Job) -> None:
        job.done = max(0, job.done - 1)
        super().restore_running(job)


class StepSkippedOnRestart(Registry):
    """A job that was Running at the stop leaves out a step after a restart."""

    def restore_running(self, job: Job) -> None:
        job.done += not job.all_steps_done
        super().restore_running(job)


class PendingPausedOnRestart(Registry):
    """A job that was Pending at the stop is Paused after a restart."""

    def restore_pending(self, job: Job) -> None:
        self.pause(job)


class PausedResumedOnRestart(Registry):
    """A Paused job is put into the queue by a restart."""

    def restore_paused(self, job: Job) -> None:
        self.enqueue(job)


class PausedCanceledOnRestart(Registry):
    """A Paused job is canceled by a restart."""

    def restore_paused(self, job: Job) -> None:
        self.cancel(job)
