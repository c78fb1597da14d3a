"""Telling a modality which of the instances that it asks about are stored here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from conformance.reference.job import Task

if TYPE_CHECKING:
    from conformance.reference.job import Job
    from conformance.reference.modalities import Modality


@dataclass(frozen=True, slots=True)
class Commitment(Task):
    """Report to `modality` on what it has asked for as `transaction`.

    `called_aet`: the title by which it has called us. `references`: of each instance its class and
    its UID.
    """

    modality: Modality
    called_aet: str
    transaction: str
    references: tuple[tuple[str, str], ...]
    type: ClassVar[str] = "StorageCommitmentScp"

    def content(self, job: Job) -> dict[str, object]:
        """As Orthanc 1.10.1 shows it."""
        return {
            "CalledAet": self.called_aet,
            "RemoteAet": self.modality.aet,
            "TransactionUid": self.transaction,
        }
