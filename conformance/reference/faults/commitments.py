"""Faults of storage commitment, as a modality asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.commitments import NO_SUCH_INSTANCE, Committer
from conformance.reference.faults.lacking import ContentLacks
from conformance.reference.job import Outcome, Succeeded
from conformance.reference.tasks.commitments import Commitment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.reference.commitments import Judged, Reference


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


class CommitmentContentLacksTransaction(ContentLacks):
    """The Content of a storage commitment lacks its TransactionUid."""

    kind, lacking = Commitment, frozenset({"TransactionUid"})
