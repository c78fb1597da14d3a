"""Faults that small mutations of an Orthanc have in common with nothing that was planted before.

They show on a server that keeps to a later release (``--release 1.12.7``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from string import ascii_letters
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from starlette.requests import Request
from starlette.responses import Response

from conformance.reference import dicom
from conformance.reference.answers import JobAnswers, json_answer
from conformance.reference.archiving import Archiver
from conformance.reference.calls import JobCalls
from conformance.reference.dicom import Instance
from conformance.reference.dicom_steps import ModalitySender
from conformance.reference.engine import Engine
from conformance.reference.errors import ErrorCode, RestError
from conformance.reference.job import Failed, Job, Outcome, State, Step, Succeeded, Task
from conformance.reference.persistence import JobStore
from conformance.reference.registry import Registry
from conformance.reference.rewriting import Modifier
from conformance.reference.steps import StepSender
from conformance.reference.tasks.archives import Archive
from conformance.reference.tasks.modifications import ResourceModification
from conformance.reference.tasks.stores import PeerStore

RELEASE = "1.12.7"


class ExpandFalseExpands(JobAnswers):
    """The list of jobs is expanded by ?expand=false, too."""

    def is_expanded(self, expand: str | None) -> bool:
        return expand is not None


class MetricsCountPausedAsPending(JobAnswers):
    """The metrics count a Paused job as one that is Pending."""

    def metrics(self, states: Iterable[str]) -> Response:
        return super().metrics(
            State.PENDING if state == State.PAUSED else state for state in states
        )


class MetricsCountFailuresAsSuccess(JobAnswers):
    """The metrics count a job in Failure as one in Success."""

    def metrics(self, states: Iterable[str]) -> Response:
        return super().metrics(
            State.SUCCESS if state == State.FAILURE else state for state in states
        )


class UntranscodableFails(Modifier):
    """A modification fails where an instance cannot be transcoded as it is to be."""

    def perform(self, task: Task, step: Step) -> Outcome:
        outcome = super().perform(task, step)
        made = outcome.made if isinstance(outcome, Succeeded) else None
        copy = None if made is None else self._storage.get(made.instance)
        if isinstance(task, ResourceModification) and task.transcode and copy is not None:
            syntax = dicom.decode(copy.file).file_meta.TransferSyntaxUID
            if syntax != task.transcode:
                return Failed(ErrorCode.INTERNAL_ERROR, "it cannot be transcoded")
        return outcome


class ReferencesRemoved(Modifier):
    """An anonymization removes what refers to another instance."""

    def anonymize(self, task: ResourceModification, dataset: Dataset) -> None:
        super().anonymize(task, dataset)
        if "ReferencedImageSequence" in dataset:
            del dataset.ReferencedImageSequence


class PrivateWithinKept(Modifier):
    """An anonymization keeps private tags that are within a sequence."""

    def anonymize(self, task: ResourceModification, dataset: Dataset) -> None:
        kept = replace(task, keep_private=True)
        super().anonymize(kept, dataset)
        for element in [each for each in dataset if each.tag.is_private]:
            del dataset[element.tag]


class SequencesEmptied(Modifier):
    """An anonymization leaves nothing in the items of a sequence, but for references."""

    def anonymize(self, task: ResourceModification, dataset: Dataset) -> None:
        super().anonymize(task, dataset)
        for element in [each for each in dataset if each.VR == "SQ"]:
            if element.keyword != "ReferencedImageSequence":
                element.value = [Dataset() for _ in element.value]


class GivenIdentifiersIgnored(Modifier):
    """An anonymization gives each copy new UIDs, whatever Replace names."""

    def anonymize(self, task: ResourceModification, dataset: Dataset) -> None:
        others = {
            tag: text for tag, text in task.replace.items() if not tag.endswith("InstanceUID")
        }
        super().anonymize(replace(task, replace=others), dataset)


class FilesWithoutModality(Archiver):
    """The name of a file in an archive is a number alone."""

    def folders(self, instances: list[Instance], numbered: bool = False) -> dict[str, bytes]:
        found = super().folders(instances, numbered)
        parted = {path: path.rpartition("/") for path in found}
        return {
            f"{folder}/{file.lstrip(ascii_letters)}": found[path]
            for path, (folder, _, file) in parted.items()
        }


class TagsInSequencesIgnored(Modifier):
    """A modification changes no tag within a sequence."""

    def change_tags(self, task: ResourceModification, dataset: Dataset) -> None:
        super().change_tags(replace(task, **_plain(task)), dataset)


class TagsInSequencesForgottenOnRestart(JobStore):
    """After a restart a modification changes no tag within a sequence."""

    def restored(self, task: object, status: object) -> Job:
        if isinstance(task, ResourceModification):
            task = replace(task, **_plain(task))
        return super().restored(task, status)


def _plain(task: ResourceModification) -> dict[str, Any]:
    """What a modification removes and replaces outside of sequences."""
    return {
        "remove": tuple(tag for tag in task.remove if "." not in tag),
        "replace": {tag: text for tag, text in task.replace.items() if "." not in tag},
    }


class CountOfCopiesLostOnRestart(JobStore):
    """A restart forgets how many instances a modification has lacked."""

    def restored(self, task: object, status: object) -> Job:
        job = super().restored(task, status)
        if isinstance(task, ResourceModification):
            job.instances_gone = 0
        return job


class MegabytesOfAThousand(Registry):
    """Content shows a size in megabytes of 1000 * 1000 bytes."""

    _sizes = frozenset({"Size", "UncompressedSize"})

    def describe(self, job: Job) -> dict[str, object]:
        described = super().describe(job)
        content = described["Content"]
        if isinstance(content, dict):
            for key in content.keys() & self._sizes:
                content[f"{key}MB"] = int(content[key]) // 1000**2
        return described


class ArchiveMegabytesOfAThousand(MegabytesOfAThousand):
    """Content shows the size of an archive in megabytes of 1000 * 1000 bytes."""

    _sizes = frozenset({"ArchiveSize"})


class DownloadsComeFirst(JobCalls):
    """The job of a GET of an archive has a Priority of its own, though nobody can name one."""

    async def archive(self, request: Request, task: Task, synchronous: bool, name: str) -> Response:
        if request.method == "GET" and isinstance(task, Archive):
            task = replace(task, priority=1)
        return await super().archive(request, task, synchronous, name)


class ArchiveOfNoneDeleted(Engine):
    """DELETE of the archive of a job that makes none is answered as if there had been one."""

    def drop_output(self, job_id: str) -> bool:
        job = self._registry.jobs.get(job_id)
        makes_none = job is not None and not isinstance(job.task, Archive)
        return super().drop_output(job_id) or makes_none


class ConvertedIsNotSent(ModalitySender):
    """An instance that would have to be converted for a modality counts as sent."""

    @contextmanager
    def open_run(self, task: Task) -> Iterator[Callable[[Step], Outcome]]:
        with super().open_run(task) as perform:

            def lenient(step: Step) -> Outcome:
                instance = self._storage.get(step.item)
                plain = instance is None or instance.transfer_syntax in _TAKEN_BY_ALL
                return perform(step) if plain else Succeeded()

            yield lenient


_TAKEN_BY_ALL = (ImplicitVRLittleEndian, ExplicitVRLittleEndian)


class SubmissionWithoutId(JobAnswers):
    """The handle of a submitted job lacks its ID."""

    def submitted(self, job_id: str) -> Response:
        return json_answer({"Path": f"/jobs/{job_id}"})


class SentToAnotherPath(StepSender):
    """An instance is sent to a peer by a path that none of its calls has."""

    @contextmanager
    def open_run(self, task: Task) -> Iterator[Callable[[Step], Outcome]]:
        if isinstance(task, PeerStore):
            task = replace(task, peer=replace(task.peer, url=f"{task.peer.url}other/"))
        with super().open_run(task) as perform:
            yield perform


class NoStudyIsAttached(Modifier):
    """A modification of a study may not name another patient."""

    def modify(self, task: ResourceModification, dataset: Dataset) -> None:
        super().modify(replace(task, moves=False), dataset)


class JobsAreNotListed(Engine):
    """The list of jobs is answered by an error of the server."""

    def list_ids(self) -> list[str]:
        raise RestError(HTTPStatus.INTERNAL_SERVER_ERROR, ErrorCode.INTERNAL_ERROR, "No list")
