"""Sending instances away: to an Orthanc peer over HTTP, to a modality by C-STORE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from conformance.reference.job import Task

if TYPE_CHECKING:
    from conformance.reference.job import Job
    from conformance.reference.modalities import Modality
    from conformance.reference.peers import Peer


@dataclass(frozen=True, slots=True)
class PeerStore(Task):
    """Send an instance in each step to `peer`.

    `parents` are the identifiers that the caller listed; they show as ``ParentResources``.
    `compress`: by gzip. `permissive`: an instance that cannot be sent fails nothing.
    `transcode`: the transfer syntax that is sent, empty = as it is stored.
    """

    peer: Peer
    parents: tuple[str, ...] = ()
    compress: bool = False
    permissive: bool = False
    transcode: str = ""
    type: ClassVar[str] = "OrthancPeerStore"

    def content(self, job: Job) -> dict[str, object]:
        """As Orthanc 1.10.1 shows it; ``Size`` is what has been sent."""
        size = sum(step.size for step in self.steps[: job.done])
        transcode = {"Transcode": self.transcode} if self.transcode else {}
        return {
            "Compress": self.compress,
            **_instances(job, self.parents),
            "Peer": self.peer.shown(),
            "Size": str(size),
            "SizeMB": size // 2**20,
            **transcode,
        }


@dataclass(frozen=True, slots=True)
class ModalityStore(Task):
    """Send an instance in each step to `modality`, as `local_aet`.

    `permissive`: an instance that the modality does not take fails nothing. `move_originator`:
    the AET and the message number of the C-MOVE that this answers, both optional. `timeout`:
    seconds that the modality may take, 0 = without limit, None = as configured. `commits`: last,
    ask the modality to commit itself to keep the instances.
    """

    modality: Modality
    local_aet: str
    parents: tuple[str, ...] = ()
    permissive: bool = False
    move_originator_aet: str | None = None
    move_originator_id: int | None = None
    timeout: int | None = None
    commits: bool = False
    type: ClassVar[str] = "DicomModalityStore"

    def content(self, job: Job) -> dict[str, object]:
        """As Orthanc 1.10.1 shows it."""
        originator: dict[str, object] = (
            {}
            if self.move_originator_aet is None
            else {
                "MoveOriginatorAET": self.move_originator_aet,
                "MoveOriginatorID": self.move_originator_id or 0,
            }
        )
        return {
            **_instances(job, self.parents),
            "LocalAet": self.local_aet,
            **originator,
            "RemoteAet": self.modality.aet,
            **({"StorageCommitmentTransactionUID": job.transaction} if job.transaction else {}),
        }


def _instances(job: Job, parents: tuple[str, ...]) -> dict[str, object]:
    """What jobs that send instances have in common."""
    listed = {"ParentResources": sorted(set(parents))} if parents else {}
    return {
        "FailedInstancesCount": job.instances_gone,
        "InstancesCount": job.task.instances_count,
        **listed,
    }
