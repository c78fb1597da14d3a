"""Putting instances into a ZIP archive, with or without the index that a medium needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from conformance.reference.job import Task

if TYPE_CHECKING:
    from conformance.reference.job import Job


@dataclass(frozen=True, slots=True)
class Archive(Task):
    """Read an instance in each step, and close the archive in the last one.

    `transcode`: the transfer syntax of the files, empty = as they are stored. `parents`: what the
    caller named, if it is to be shown. `filename`: what the archive is called; `numbered`: its
    files bear the numbers of their instances.
    """

    transcode: str = ""
    parents: tuple[str, ...] = ()
    filename: str = "archive.zip"
    numbered: bool = False
    type: ClassVar[str] = "Archive"

    @property
    def output_name(self) -> str:
        return self.filename

    def content(self, job: Job) -> dict[str, object]:
        """As Orthanc 1.10.1 shows it; ``ArchiveSize`` is 0 until the archive is there."""
        archive = job.output_size
        size = sum(step.size for step in self.steps)
        return {
            "ArchiveSize": str(archive),
            "ArchiveSizeMB": archive // 2**20,
            "InstancesCount": self.instances_count,
            **({"ParentResources": list(self.parents)} if self.parents else {}),
            **({"Transcode": self.transcode} if self.transcode else {}),
            "UncompressedSize": str(size),
            "UncompressedSizeMB": size // 2**20,
        }


@dataclass(frozen=True, slots=True)
class Media(Archive):
    """The same, laid out as a DICOM medium. `extended`: its index has more tags of a series."""

    extended: bool = False
    type: ClassVar[str] = "Media"
