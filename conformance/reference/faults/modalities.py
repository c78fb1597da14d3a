"""Faults of the jobs that go over DICOM: C-STORE and C-MOVE."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference.associations import DicomError
from conformance.reference.dicom_steps import ModalityMover, ModalitySender
from conformance.reference.errors import ErrorCode
from conformance.reference.job import Failed, Job, Outcome, Step, Succeeded
from conformance.reference.registry import Registry
from conformance.reference.tasks.moves import ModalityMove
from conformance.reference.tasks.stores import ModalityStore

_SUCCESS, _SOME_FAILED = 0x0000, 0xB000


class FailedStoreCountsAsSuccess(ModalitySender):
    """An instance that the modality did not take counts as sent."""

    def not_taken(self, task: ModalityStore, error: DicomError) -> Outcome:
        return Succeeded()


class FailedStoreHasCode0(Registry):
    """A store at a modality that failed has the ErrorCode of success."""

    def step_failed(self, job: Job, failed: Failed) -> None:
        if isinstance(job.task, ModalityStore):
            failed = replace(failed, code=ErrorCode.SUCCESS)
        super().step_failed(job, failed)


class PermissiveStoreFails(ModalitySender):
    """A permissive store fails with the first instance that the modality does not take."""

    def not_taken(self, task: ModalityStore, error: DicomError) -> Outcome:
        return super().not_taken(replace(task, permissive=False), error)


class PermissiveForgottenOnResubmit(Registry):
    """A store at a modality is no longer permissive when it is resubmitted."""

    def start_over(self, job: Job) -> None:
        super().start_over(job)
        if isinstance(job.task, ModalityStore):
            job.task = replace(job.task, permissive=False)


class StoreNotPaused(Registry):
    """A pause of a Running store at a modality is answered 200, and never takes effect."""

    def ask_pause(self, job: Job) -> None:
        if not isinstance(job.task, ModalityStore):
            super().ask_pause(job)


class StoreNotCanceled(Registry):
    """A cancel of a Running store at a modality is answered 200, and never takes effect."""

    def ask_cancel(self, job: Job) -> None:
        if not isinstance(job.task, ModalityStore):
            super().ask_cancel(job)


class ResumedStoreStartsOver(Registry):
    """A resumed store at a modality starts again from its first instance."""

    def act_resume(self, job: Job) -> bool:
        accepted = super().act_resume(job)
        if accepted and isinstance(job.task, ModalityStore):
            job.done = 0
        return accepted


class StoreLeavesOutLastInstance(Registry):
    """A store at a modality of several instances succeeds without the last of them."""

    def step_succeeded(self, job: Job) -> None:
        if isinstance(job.task, ModalityStore) and job.done + 2 == len(job.steps):
            job.done += 1
        super().step_succeeded(job)


class FailedRetrievalCountsAsSuccess(ModalityMover):
    """An answer that the modality did not send counts as retrieved."""

    def not_sent(self, task: ModalityMove, details: str) -> Outcome:
        return Succeeded()


class PartialRetrievalCountsAsSuccess(ModalityMover):
    """An answer counts as retrieved although some of its instances could not be sent."""

    def is_done(self, status: int) -> bool:
        return status in (_SUCCESS, _SOME_FAILED)


class FailedRetrievalHasCode0(Registry):
    """A retrieval that failed has the ErrorCode of success."""

    def step_failed(self, job: Job, failed: Failed) -> None:
        if isinstance(job.task, ModalityMove):
            failed = replace(failed, code=ErrorCode.SUCCESS)
        super().step_failed(job, failed)


class RetrievalNotPaused(Registry):
    """A pause of a Running retrieval is answered 200, and never takes effect."""

    def ask_pause(self, job: Job) -> None:
        if not isinstance(job.task, ModalityMove):
            super().ask_pause(job)


class RetrievalRepeatsFirstAnswer(ModalityMover):
    """A retrieval asks for its first answer in each step."""

    def perform(self, task: ModalityMove, step: Step) -> Outcome:
        return super().perform(task, task.steps[0])


class RetrievalIgnoresTarget(ModalityMover):
    """A retrieval has the answers sent to ourselves, whatever target was named."""

    def perform(self, task: ModalityMove, step: Step) -> Outcome:
        return super().perform(replace(task, target_aet=task.local_aet), step)
