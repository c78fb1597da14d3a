"""Making a changed copy of patients, studies or series: modification and anonymization."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from conformance.reference.job import Task
from conformance.reference.levels import Level

if TYPE_CHECKING:
    from conformance.reference.job import Job, Made


@dataclass(frozen=True, slots=True)
class ResourceModification(Task):
    """Make a changed copy of an instance in each step; last, remove the sources if asked to.

    `copied`: the level of what is copied as a whole; `bulk`: anything was listed, of any level.
    `replace`, `remove` and `keep` are paths (see `paths`). `transcode`: the transfer syntax of
    the copies, empty = as it was. `permissive`: an instance that is gone fails nothing.
    `parents`: what the caller named, if it is to be shown. `salt` makes the new
    identifiers this job's own: the same old one always gives the same new one, in whichever run
    of the job. `moves`: what is above the copies may be replaced. `keep_private`: an
    anonymization leaves private tags; `keep_labels`: the copies have the labels of their sources.
    """

    copied: str
    anonymize: bool
    salt: str
    bulk: bool = False
    replace: dict[str, object] = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    moves: bool = False
    remove_private: bool = False
    transcode: str = ""
    keep_private: bool = False
    keep_labels: bool = False
    permissive: bool = False
    parents: tuple[str, ...] = ()
    type: ClassVar[str] = "ResourceModification"

    def content(self, job: Job) -> dict[str, object]:
        """As Orthanc 1.10.1 shows it: the copy is named as soon as its first instance is made."""
        shown: dict[str, object] = {
            "FailedInstancesCount": job.instances_gone,
            "InstancesCount": self.instances_count,
            "IsAnonymization": self.anonymize,
            **({"ParentResources": list(self.parents)} if self.parents else {}),
            **({"Transcode": self.transcode} if self.transcode else {}),
        }
        if self.bulk:
            return shown | {"Resources": _resources(job.made)}
        if job.made:
            named = _named(job.made[0], Level(self.copied))
            return shown | named | {"PatientID": job.made[0].patient}
        return shown


def _named(made: Made, level: Level) -> dict[str, object]:
    """What `made` belongs to at `level`, as ``ID``, ``Path`` and ``Type``."""
    identifier = made.at(level)
    return {"ID": identifier, "Path": f"{level.path}{identifier}", "Type": level.shown}


def _resources(made: list[Made]) -> list[dict[str, object]]:
    """All that was made, each once, the instances first and each level in order of its ids."""
    return [
        {"ID": identifier, "Path": f"{level.path}{identifier}", "Type": level.shown}
        for level in (Level.INSTANCE, Level.SERIES, Level.STUDY, Level.PATIENT)
        for identifier in sorted({each.at(level) for each in made})
    ]
