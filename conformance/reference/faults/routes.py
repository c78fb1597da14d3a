"""Faults of one type of job: its calls, its priority, what is shown of it, what is done to it."""

from __future__ import annotations

from typing import ClassVar

from conformance.reference.calls import JobCalls
from conformance.reference.faults.lacking import ContentLacks
from conformance.reference.job import Job, State, Task
from conformance.reference.registry import Registry
from conformance.reference.tasks.archives import Archive, Media
from conformance.reference.tasks.modifications import ResourceModification
from conformance.reference.tasks.moves import ModalityMove
from conformance.reference.tasks.regroupings import MergeStudy, SplitStudy
from conformance.reference.tasks.stores import ModalityStore, PeerStore


class _AlwaysSynchronous(JobCalls):
    """A call that waits whatever it is told."""

    kind: ClassVar[type[Task]]

    def waits(self, task: Task, synchronous: bool) -> bool:
        return isinstance(task, self.kind) or super().waits(task, synchronous)


class AsynchronousStoreWaits(_AlwaysSynchronous):
    """An asynchronous call to store at a modality waits for the end of its job."""

    kind = ModalityStore


class AsynchronousRetrievalWaits(_AlwaysSynchronous):
    """An asynchronous call to retrieve answers waits for the end of its job."""

    kind = ModalityMove


class AsynchronousModificationWaits(_AlwaysSynchronous):
    """An asynchronous call to modify or anonymize waits for the end of its job."""

    kind = ResourceModification


class AsynchronousArchiveWaits(_AlwaysSynchronous):
    """An asynchronous call for an archive or a medium waits for the end of its job."""

    kind = Archive


class AsynchronousSplitWaits(_AlwaysSynchronous):
    """An asynchronous call to split waits for the end of its job."""

    kind = SplitStudy


class AsynchronousMergeWaits(_AlwaysSynchronous):
    """An asynchronous call to merge waits for the end of its job."""

    kind = MergeStudy


class _NeverSynchronous(JobCalls):
    """A call that never waits: it is answered with the handle of its job."""

    kind: ClassVar[type[Task]]

    def waits(self, task: Task, synchronous: bool) -> bool:
        return not isinstance(task, self.kind) and super().waits(task, synchronous)


class SynchronousStoreDoesNotWait(_NeverSynchronous):
    """A synchronous call to store at a modality is answered before its job has ended."""

    kind = ModalityStore


class SynchronousRetrievalDoesNotWait(_NeverSynchronous):
    """A synchronous call to retrieve answers is answered before its job has ended."""

    kind = ModalityMove


class SynchronousModificationDoesNotWait(_NeverSynchronous):
    """A synchronous call to modify or anonymize is answered before its job has ended."""

    kind = ResourceModification


class SynchronousArchiveDoesNotWait(_NeverSynchronous):
    """A synchronous call for an archive or a medium is answered before its job has ended."""

    kind = Archive


class SynchronousSplitDoesNotWait(_NeverSynchronous):
    """A synchronous call to split is answered before its job has ended."""

    kind = SplitStudy


class SynchronousMergeDoesNotWait(_NeverSynchronous):
    """A synchronous call to merge is answered before its job has ended."""

    kind = MergeStudy


class _WithoutPriority(Registry):
    """A type of job that has priority 0, whatever was asked for, and shows it."""

    kind: ClassVar[type[Task]]

    def queue_key(self, job: Job) -> int:
        return 0 if isinstance(job.task, self.kind) else super().queue_key(job)

    def describe(self, job: Job) -> dict[str, object]:
        hidden = {"Priority": 0} if isinstance(job.task, self.kind) else {}
        return super().describe(job) | hidden


class StoreWithoutPriority(_WithoutPriority):
    """A store at a modality has priority 0, whatever was asked for."""

    kind = ModalityStore


class RetrievalWithoutPriority(_WithoutPriority):
    """A retrieval has priority 0, whatever was asked for."""

    kind = ModalityMove


class ModificationWithoutPriority(_WithoutPriority):
    """A modification or an anonymization has priority 0, whatever was asked for."""

    kind = ResourceModification


class ArchiveWithoutPriority(_WithoutPriority):
    """An archive or a medium has priority 0, whatever was asked for."""

    kind = Archive


class SplitWithoutPriority(_WithoutPriority):
    """A split has priority 0, whatever was asked for."""

    kind = SplitStudy


class MergeWithoutPriority(_WithoutPriority):
    """A merge has priority 0, whatever was asked for."""

    kind = MergeStudy


class _WrongType(Registry):
    """A type of job that reads as another one."""

    kind: ClassVar[type[Task]]
    shown: ClassVar[str]

    def describe(self, job: Job) -> dict[str, object]:
        wrong = {"Type": self.shown} if type(job.task) is self.kind else {}
        return super().describe(job) | wrong


class StoreReadsPeerStore(_WrongType):
    """A store at a modality has the Type of a store at a peer."""

    kind, shown = ModalityStore, PeerStore.type


class RetrievalReadsStore(_WrongType):
    """A retrieval has the Type of a store at a modality."""

    kind, shown = ModalityMove, ModalityStore.type


class ModificationReadsSplit(_WrongType):
    """A modification or an anonymization has the Type of a split."""

    kind, shown = ResourceModification, SplitStudy.type


class ArchiveReadsMedia(_WrongType):
    """An archive has the Type of a medium."""

    kind, shown = Archive, Media.type


class MediaReadsArchive(_WrongType):
    """A medium has the Type of an archive."""

    kind, shown = Media, Archive.type


class SplitReadsMerge(_WrongType):
    """A split has the Type of a merge."""

    kind, shown = SplitStudy, MergeStudy.type


class MergeReadsSplit(_WrongType):
    """A merge has the Type of a split."""

    kind, shown = MergeStudy, SplitStudy.type


class StoreContentLacksModality(ContentLacks):
    """The Content of a store at a modality lacks LocalAet and RemoteAet."""

    kind, lacking = ModalityStore, frozenset({"LocalAet", "RemoteAet"})


class RetrievalContentLacksQuery(ContentLacks):
    """The Content of a retrieval lacks its Query."""

    kind, lacking = ModalityMove, frozenset({"Query"})


class ModificationContentLacksResult(ContentLacks):
    """The Content of a modification lacks ID, Path, PatientID and Type of its result."""

    kind, lacking = ResourceModification, frozenset({"ID", "Path", "PatientID", "Type"})


class ArchiveContentLacksCount(ContentLacks):
    """The Content of an archive or a medium lacks InstancesCount."""

    kind, lacking = Archive, frozenset({"InstancesCount"})


class SplitContentLacksTarget(ContentLacks):
    """The Content of a split lacks TargetStudy."""

    kind, lacking = SplitStudy, frozenset({"TargetStudy"})


class MergeContentLacksTarget(ContentLacks):
    """The Content of a merge lacks TargetStudy."""

    kind, lacking = MergeStudy, frozenset({"TargetStudy"})


class ContentLacksDescription(ContentLacks):
    """The Content of a job lacks its Description, whatever its type."""

    kind, lacking = Task, frozenset({"Description"})


class PendingArchiveNotPaused(Registry):
    """A pause of a Pending archive or medium is answered 200, and the job stays Pending."""

    def act_pause(self, job: Job) -> bool:
        ignored = isinstance(job.task, Archive) and job.state is State.PENDING
        return ignored or super().act_pause(job)


class PendingModificationNotCanceled(Registry):
    """A cancel of a Pending modification is answered 200, and the job stays Pending and runs."""

    def act_cancel(self, job: Job) -> bool:
        ignored = isinstance(job.task, ResourceModification) and job.state is State.PENDING
        return ignored or super().act_cancel(job)


class ArchiveNotResubmitted(Registry):
    """A resubmit of an archive or a medium in Failure is refused."""

    def act_resubmit(self, job: Job) -> bool:
        return not isinstance(job.task, Archive) and super().act_resubmit(job)


class PausedSplitNotResumed(Registry):
    """A resume of a Paused split is refused."""

    def act_resume(self, job: Job) -> bool:
        return not isinstance(job.task, SplitStudy) and super().act_resume(job)


class MergeInSuccessResubmitted(Registry):
    """A resubmit of a merge in Success is accepted, and the job runs once more."""

    def act_resubmit(self, job: Job) -> bool:
        if isinstance(job.task, MergeStudy) and job.state is State.SUCCESS:
            job.state = State.FAILURE
        return super().act_resubmit(job)


class ExpandOmitsRetrievals(Registry):
    """The expanded list leaves out the retrievals."""

    def expanded(self) -> list[Job]:
        return [job for job in super().expanded() if not isinstance(job.task, ModalityMove)]
