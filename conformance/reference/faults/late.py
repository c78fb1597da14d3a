"""Faults of what only later releases have: options of copies, of what is sent, and of archives.

They show on a server that keeps to such a release (``--release 1.12.7``).
"""

from __future__ import annotations

from dataclasses import replace

from pydicom.dataset import Dataset
from starlette.requests import Request
from starlette.responses import Response

from conformance.reference.associations import Caller
from conformance.reference.calls import JobCalls
from conformance.reference.dicom import Instance
from conformance.reference.dicom_steps import ModalitySender
from conformance.reference.engine import Engine
from conformance.reference.faults.lacking import ContentLacks
from conformance.reference.job import Job, Outcome, Step, Succeeded, Task
from conformance.reference.levels import Level
from conformance.reference.persistence import JobStore
from conformance.reference.registry import Registry
from conformance.reference.rewriting import Merger, Modifier, Splitter
from conformance.reference.tasks.archives import Archive
from conformance.reference.tasks.modifications import ResourceModification
from conformance.reference.tasks.moves import ModalityMove
from conformance.reference.tasks.regroupings import SplitStudy
from conformance.reference.tasks.stores import ModalityStore

RELEASE = "1.12.7"


class SplitRemovesFirstTagOnly(Splitter):
    """Of several tags that a split is to remove, it removes the first."""

    def rewrite(self, task: Task, dataset: Dataset) -> None:
        if isinstance(task, SplitStudy):
            task = replace(task, remove=task.remove[:1])
        super().rewrite(task, dataset)


class SplitReplacesFirstTagOnly(Splitter):
    """Of several tags that a split is to replace, it replaces the first."""

    def rewrite(self, task: Task, dataset: Dataset) -> None:
        if isinstance(task, SplitStudy):
            task = replace(task, replace=dict(list(task.replace.items())[:1]))
        super().rewrite(task, dataset)


class SplitTakesFirstSeriesOnly(Splitter):
    """A split leaves what is of another series than its first instance is."""

    def store(self, instance: Instance) -> None:
        others = list(self._storage.at(Level.STUDY, instance.study))
        if not others or others[0].series == instance.series:
            super().store(instance)


class MergeTakesFirstStudyOnly(Merger):
    """Of what is of several studies, a merge brings that of the first, and removes all."""

    def perform(self, task: Task, step: Step) -> Outcome:
        first, this = (self._storage.get(one.item) for one in (task.steps[0], step))
        if first is not None and this is not None and first.study != this.study:
            return Succeeded()
        return super().perform(task, step)


class MergeKeepsPatientName(Merger):
    """A merge leaves its old PatientName to what it brings."""

    def rewrite(self, task: Task, dataset: Dataset) -> None:
        name = dataset.get("PatientName")
        super().rewrite(task, dataset)
        dataset.PatientName = name


class BulkKeepsSource(Modifier):
    """A bulk form keeps its sources, though they are not to be kept."""

    def remove_sources(self, task: Task) -> None:
        if not (isinstance(task, ResourceModification) and task.bulk):
            super().remove_sources(task)


class BulkIgnoresTranscode(Modifier):
    """Transcode of a bulk form changes nothing but what is shown."""

    def perform(self, task: Task, step: Step) -> Outcome:
        if isinstance(task, ResourceModification) and task.bulk:
            task = replace(task, transcode="")
        return super().perform(task, step)


class BulkIsOfSeries(Modifier):
    """A bulk modification without Level renews the identifiers of series, too."""

    def modify(self, task: ResourceModification, dataset: Dataset) -> None:
        if task.bulk and task.copied == Level.INSTANCE:
            task = replace(task, copied=Level.SERIES)
        super().modify(task, dataset)


class SeriesOfCopySaysNotItsSource(Modifier):
    """The series of a copy does not say what it was made from."""

    def store(self, instance: Instance) -> None:
        super().store(replace(instance, metadata={**instance.metadata, Level.SERIES: {}}))


class LabelsOfSeriesLost(Modifier):
    """KeepLabels keeps the labels of a study, and not those of its series."""

    def perform(self, task: Task, step: Step) -> Outcome:
        outcome = super().perform(task, step)
        if isinstance(outcome, Succeeded) and outcome.made is not None:
            for label in self._storage.notes.labels(outcome.made.series):
                self._storage.notes.unlabel(outcome.made.series, label)
        return outcome


class PatientOfCopySaysNotItsSource(Modifier):
    """The patient of a copy does not say what it was made from."""

    def store(self, instance: Instance) -> None:
        super().store(replace(instance, metadata={**instance.metadata, Level.PATIENT: {}}))


class BulkSaysNotItsOrigin(Modifier):
    """What a bulk form has made does not say what it was made from, nor how it came."""

    def perform(self, task: Task, step: Step) -> Outcome:
        self._bulk = isinstance(task, ResourceModification) and task.bulk
        return super().perform(task, step)

    def store(self, instance: Instance) -> None:
        super().store(replace(instance, metadata={}) if self._bulk else instance)


class OldProfileIgnored(Modifier):
    """DicomVersion of an anonymization is ignored: 2008 leaves no more than the newest does."""

    def anonymize(self, task: ResourceModification, dataset: Dataset) -> None:
        dates = ("StudyDate", "StudyTime", "SeriesDate", "SeriesTime")
        kept = tuple(tag for tag in task.keep if tag not in dates)
        super().anonymize(replace(task, keep=kept), dataset)


class TranscodeOfCopyNotShown(ContentLacks):
    """Content of an anonymization does not show its Transcode."""

    kind, lacking = ResourceModification, frozenset({"Transcode"})


class BulkListsOneStudy(Registry):
    """Of several studies that a bulk form has made parts of, Content lists one."""

    def describe(self, job: Job) -> dict[str, object]:
        described = super().describe(job)
        content = described["Content"]
        if isinstance(content, dict) and isinstance(content.get("Resources"), list):
            studies = [one for one in content["Resources"] if one.get("Type") == "Study"]
            content["Resources"] = [one for one in content["Resources"] if one not in studies[1:]]
        return described


class NamedResourcesLostOnRestart(JobStore):
    """A restart loses the ParentResources of a modification."""

    def restored(self, task: object, status: object) -> Job:
        if isinstance(task, ResourceModification):
            task = replace(task, parents=())
        return super().restored(task, status)


class TimeoutLostOnRestart(JobStore):
    """A restart loses the Timeout that a call has named."""

    def restored(self, task: object, status: object) -> Job:
        if isinstance(task, (ModalityStore, ModalityMove)):
            task = replace(task, timeout=None)
        return super().restored(task, status)


class MoveIgnoresTarget(JobCalls):
    """A C-MOVE without a query goes to the server itself, whatever target was named."""

    async def answer(self, request: Request, task: Task, synchronous: bool) -> Response:
        if isinstance(task, ModalityMove) and request.url.path.endswith("/move"):
            task = replace(task, target_aet="ORTHANC")
        return await super().answer(request, task, synchronous)


class MoveIgnoresLocalAet(JobCalls):
    """A C-MOVE without a query calls by the server's own title, whatever was named."""

    async def answer(self, request: Request, task: Task, synchronous: bool) -> Response:
        if isinstance(task, ModalityMove) and request.url.path.endswith("/move"):
            task = replace(task, local_aet="ORTHANC")
        return await super().answer(request, task, synchronous)


class QueryTimeoutIgnored(JobCalls):
    """The Timeout of a query does not count for what is retrieved of it."""

    async def answer(self, request: Request, task: Task, synchronous: bool) -> Response:
        if isinstance(task, ModalityMove) and request.url.path.startswith("/queries/"):
            task = replace(task, timeout=None)
        return await super().answer(request, task, synchronous)


class RetrieveOfOneAnswerDoesNotWait(JobCalls):
    """A call to retrieve one answer does not wait for its job."""

    async def answer(self, request: Request, task: Task, synchronous: bool) -> Response:
        return await super().answer(
            request, task, synchronous and "/answers/" not in request.url.path
        )


class DownloadIgnoresTranscode(JobCalls):
    """A GET of an archive answers the files as they are stored."""

    async def archive(self, request: Request, task: Task, synchronous: bool, name: str) -> Response:
        if request.method == "GET" and isinstance(task, Archive):
            task = replace(task, transcode="")
        return await super().archive(request, task, synchronous, name)


class RegisteredTitleIgnored(ModalitySender):
    """The LocalAet with which a modality is registered is not used in a C-STORE."""

    def caller(self, task: ModalityStore) -> Caller:
        caller = super().caller(task)
        return replace(caller, aet="ORTHANC") if task.modality.local_aet else caller


class OneArchiveKept(Registry):
    """MediaArchiveSize is ignored: of all archives the newest is kept."""

    def keep_archive(self, job: Job) -> None:
        self.media_archive_size = 1
        super().keep_archive(job)


class ArchiveDeletedTwice(Engine):
    """An archive that was deleted before can be deleted again."""

    def drop_output(self, job_id: str) -> bool:
        super().drop_output(job_id)
        return True


class ArchiveSizeFromOne(Registry):
    """Content shows 1 as the ArchiveSize of an archive that is not made yet."""

    def describe(self, job: Job) -> dict[str, object]:
        described = super().describe(job)
        content = described["Content"]
        if isinstance(content, dict) and content.get("ArchiveSize") == "0":
            content["ArchiveSize"] = "1"
        return described


class SizesInKilobytes(Registry):
    """Content of a job that made an archive shows kilobytes as ArchiveSizeMB."""

    def describe(self, job: Job) -> dict[str, object]:
        described = super().describe(job)
        content = described["Content"]
        if isinstance(content, dict) and "ArchiveSize" in content:
            content["ArchiveSizeMB"] = int(content["ArchiveSize"]) // 1024 + 1
        return described
