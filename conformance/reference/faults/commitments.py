"""Faults of storage commitment, as a modality asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.commitments import NO_SUCH_INSTANCE, Committer
from conformance.reference.job import Outcome, Succeeded
from conformance.reference.registry import Registry
from conformance.reference.tasks.commitments import Commitment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.reference.commitments import Judged, Reference
    from conformance.reference.job import Job


class CommitmentNotReported(Committer):
    """Who asks for a storage commitment hears nothing, though its job succeeds."""

    def perform(self, task: Commitment) -> Outcome:
        return Succeeded()


class CommitmentOfWhatIsUnknown(Committer):
    """A storage commitment is also given for instances that are not stored."""

    def judged(self, references: Iterable[Reference]) -> Judged:
        stored, failed = super().judged(references)
        unknown = [each[:2] for each in failed if each[2] == NO_SUCH_INSTANCE]
        return [*stored, *unknown], [each for each in failed if each[:2] not in unknown]


class CommitmentIgnoresClass(Committer):
    """A storage commitment is given for an instance whatever its class is said to be."""

    def judged(self, references: Iterable[Reference]) -> Judged:
        stored, failed = super().judged(references)
        others = [each[:2] for each in failed if each[2] != NO_SUCH_INSTANCE]
        return [*stored, *others], [each for each in failed if each[:2] not in others]


class CommitmentContentLacksTransaction(Registry):
    """The Content of a storage commitment lacks its TransactionUid."""

    def describe(self, job: Job) -> dict[str, object]:
        described = super().describe(job)
        content = described["Content"]
        if isinstance(job.task, Commitment) and isinstance(content, dict):
            del content["TransactionUid"]
        return described
