"""Faults of what is sent to peers and to modalities: options of the call, and what is counted."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from conformance.reference.associations import Caller, DicomError
from conformance.reference.dicom_steps import ModalityMover, ModalitySender
from conformance.reference.errors import bad_request
from conformance.reference.job import Failed, Job, Outcome, Step, Succeeded
from conformance.reference.peer_connection import PeerConnection
from conformance.reference.registry import Registry
from conformance.reference.steps import StepSender
from conformance.reference.storage import Storage
from conformance.reference.submission import SubmissionReader
from conformance.reference.tasks.moves import ModalityMove
from conformance.reference.tasks.stores import ModalityStore, PeerStore


class CompressIgnored(StepSender):
    """Compress of a store at a peer changes nothing but what is shown."""

    def perform(self, connection: PeerConnection, task: PeerStore, step: Step) -> Outcome:
        return super().perform(connection, replace(task, compress=False), step)


class CompressedWithoutHeader(StepSender):
    """What is sent to a peer compressed bears no Content-Encoding."""

    def headers(self, task: PeerStore) -> dict[str, str]:
        return super().headers(replace(task, compress=False))


class PeerLoginNotSent(StepSender):
    """The name and the password of a peer are not sent there."""

    def headers(self, task: PeerStore) -> dict[str, str]:
        return super().headers(replace(task, peer=replace(task.peer, username="")))


class PeerHeadersNotSent(StepSender):
    """The HttpHeaders of a peer are not sent there."""

    def headers(self, task: PeerStore) -> dict[str, str]:
        return super().headers(replace(task, peer=replace(task.peer, headers=())))


class RemovedInstanceNotCounted(StepSender):
    """A store at a peer does not count an instance that was removed meanwhile."""

    def not_taken(self, task: PeerStore, failed: Failed) -> Outcome:
        return super().not_taken(task, replace(failed, instance_gone=False))


class RemovedInstancesCountedForever(Registry):
    """A resubmitted job still counts the instances that its first run has missed."""

    def start_over(self, job: Job) -> None:
        missed = job.instances_gone
        super().start_over(job)
        job.instances_gone = missed


class BareIdentifierRefused(SubmissionReader):
    """The body of a store that is an identifier without quotes is refused."""

    def store_fields(self, body: bytes) -> dict[str, object]:
        if body[:1] not in (b"{", b"[", b'"'):
            raise bad_request("The body must be JSON")
        return super().store_fields(body)


class MalformedIdentifierIsUnknown(SubmissionReader):
    """A store of what can be no identifier makes a job of nothing."""

    def resources(self, value: object) -> tuple[str, ...]:
        listed = value if isinstance(value, list) else [value]
        return super().resources([each for each in listed if len(str(each)) == 44])


class LocalAetOfStoreIgnored(ModalitySender):
    """A store at a modality calls as the server, whatever LocalAet says."""

    def caller(self, task: ModalityStore) -> Caller:
        return replace(super().caller(task), aet="ORTHANC")


class TimeoutOfStoreIgnored(ModalitySender):
    """A modality may take as long as it is configured, whatever the Timeout of a store says."""

    def caller(self, task: ModalityStore) -> Caller:
        return super().caller(replace(task, timeout=None))


class TimeoutOfRetrievalIgnored(ModalityMover):
    """A modality may take as long as it is configured, whatever the Timeout of a retrieval says."""

    def perform(self, task: ModalityMove, step: Step) -> Outcome:
        return super().perform(replace(task, timeout=None), step)


class AssociationLeftOpen(ModalitySender):
    """The association of a store at a modality stays open when its job has ended."""

    def __init__(self, storage: Storage, timeout: int) -> None:
        super().__init__(storage, timeout)
        self._left: list[ExitStack] = []

    def hang_up(self, opened: ExitStack) -> None:
        self._left.append(opened.pop_all())


class SizeOfPeerStoreIsZero(Registry):
    """Content of a store at a peer shows the Size 0."""

    def describe(self, job: Job) -> dict[str, Any]:
        return _shown(super().describe(job), "Size", "0")


class ListedResourcesNotShown(Registry):
    """Content of a store shows no ParentResources of what its call has listed."""

    def describe(self, job: Job) -> dict[str, Any]:
        return _shown(super().describe(job), "ParentResources", [])


class LocalAetShownAsRemote(Registry):
    """Content shows the title of the modality as LocalAet."""

    def describe(self, job: Job) -> dict[str, Any]:
        described: dict[str, Any] = super().describe(job)
        return _shown(described, "LocalAet", described["Content"].get("RemoteAet"))


class QueryShownOfFirstAnswer(Registry):
    """Content of a retrieval shows its first match in place of all."""

    def describe(self, job: Job) -> dict[str, Any]:
        described: dict[str, Any] = super().describe(job)
        query = described["Content"].get("Query", [])
        return _shown(described, "Query", query[:1] * len(query))


class CompressForgottenOnRestart(Registry):
    """A store at a peer no longer compresses after a restart."""

    def known_again(self, jobs: Iterable[Job]) -> list[Job]:
        known = super().known_again(jobs)
        for job in known:
            if isinstance(job.task, PeerStore):
                job.task = replace(job.task, compress=False)
        return known


class PasswordForgottenOnRestart(Registry):
    """A store at a peer has forgotten the password after a restart."""

    def known_again(self, jobs: Iterable[Job]) -> list[Job]:
        known = super().known_again(jobs)
        for job in known:
            if isinstance(job.task, PeerStore):
                job.task = replace(job.task, peer=replace(job.task.peer, password=""))
        return known


class RetrievalInReverse(ModalityMover):
    """A retrieval asks for its answers from the last one to the first."""

    def perform(self, task: ModalityMove, step: Step) -> Outcome:
        return super().perform(task, task.steps[-1 - task.steps.index(step)])


class PermissiveStoreCountsRefused(ModalitySender):
    """A permissive store counts what the modality does not take as FailedInstancesCount."""

    def not_taken(self, task: ModalityStore, error: DicomError) -> Outcome:
        outcome = super().not_taken(task, error)
        return replace(outcome, instance_gone=True) if isinstance(outcome, Succeeded) else outcome


def _shown(described: dict[str, Any], key: str, value: object) -> dict[str, Any]:
    """A job as it is described, with something else in its Content."""
    content = described["Content"]
    return {**described, "Content": {**content, key: value}} if key in content else described
