"""Moving series between studies: split and merge."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from conformance.reference.job import Task

if TYPE_CHECKING:
    from conformance.reference.job import Job


@dataclass(frozen=True, slots=True)
class SplitStudy(Task):
    """Copy an instance in each step to a new study; last, remove the sources unless kept.

    `target_uid`: the StudyInstanceUID of the new study; `replace` and `remove` are tags of its
    patient and study, as keywords; `salt`,
    `permissive`, `parents`: see `ResourceModification`.
    """

    target_uid: str
    salt: str
    replace: dict[str, str] = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    permissive: bool = False
    parents: tuple[str, ...] = ()
    type: ClassVar[str] = "SplitStudy"

    def content(self, job: Job) -> dict[str, object]:
        """As Orthanc 1.10.1 shows it: the new study is named when its first instance is made."""
        target = {"TargetStudy": job.made[0].study} if job.made else {}
        return {**_instances(job, self.parents), **target, "TargetStudyUID": self.target_uid}


@dataclass(frozen=True, slots=True)
class MergeStudy(Task):
    """Copy an instance in each step into an existing study; last, remove the sources unless kept.

    `target`: the study; `replace`: its tags and those of its patient, as keywords; `salt`,
    `permissive`, `parents`: see `ResourceModification`.
    """

    target: str
    salt: str
    replace: dict[str, str] = field(default_factory=dict)
    permissive: bool = False
    parents: tuple[str, ...] = ()
    type: ClassVar[str] = "MergeStudy"

    def content(self, job: Job) -> dict[str, object]:
        """As Orthanc 1.10.1 shows it."""
        return {**_instances(job, self.parents), "TargetStudy": self.target}


def _instances(job: Job, parents: tuple[str, ...]) -> dict[str, object]:
    return {
        "FailedInstancesCount": job.instances_gone,
        "InstancesCount": job.task.instances_count,
        **({"ParentResources": list(parents)} if parents else {}),
    }
