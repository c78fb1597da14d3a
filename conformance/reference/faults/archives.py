"""Faults of archives and media: what is in them, and how they are fetched."""

from __future__ import annotations

from conformance.reference.archiving import Archiver
from conformance.reference.dicom import Instance
from conformance.reference.dicomdir import IndexedFile
from conformance.reference.engine import Engine
from conformance.reference.job import Job
from conformance.reference.registry import Registry


class ArchiveMissesInstance(Archiver):
    """An archive lacks the last of its instances."""

    def folders(self, instances: list[Instance], numbered: bool = False) -> dict[str, bytes]:
        return super().folders(instances[:-1], numbered)


class ArchiveHoldsWrongInstance(Archiver):
    """An archive of several instances holds the first of them under each name."""

    def folders(self, instances: list[Instance], numbered: bool = False) -> dict[str, bytes]:
        files = super().folders(instances, numbered)
        return dict.fromkeys(files, instances[0].file) if files else files


class ArchiveIsNoZip(Archiver):
    """An archive or a medium is cut off in the middle, and so no ZIP file."""

    def pack(self, files: dict[str, bytes]) -> bytes:
        whole = super().pack(files)
        return whole[: len(whole) // 2]


class LargeArchiveCutOff(Archiver):
    """Of an archive of more than 32 MB of files only the first half comes."""

    def pack(self, files: dict[str, bytes]) -> bytes:
        whole = super().pack(files)
        large = sum(map(len, files.values())) > 32 * 2**20
        return whole[: len(whole) // 2] if large else whole


class MediaMissesInstance(Archiver):
    """A medium lacks the last of its instances, though its index names it."""

    def medium(self, instances: list[Instance], extended: bool = False) -> dict[str, bytes]:
        files = super().medium(instances, extended)
        files.pop(f"IMAGES/IM{len(instances) - 1}", None)
        return files


class MediaLacksDicomdir(Archiver):
    """A medium has no DICOMDIR."""

    def index(self, indexed: list[IndexedFile]) -> dict[str, bytes]:
        return {}


class MediaIndexMissesInstance(Archiver):
    """The DICOMDIR of a medium does not name the last instance."""

    def index(self, indexed: list[IndexedFile]) -> dict[str, bytes]:
        return super().index(indexed[:-1])


class ArchiveNotKept(Engine):
    """An archive cannot be fetched from its job."""

    def output(self, job_id: str) -> bytes | None:
        return None


class ArchiveFetchedOnce(Engine):
    """An archive can be fetched from its job once only."""

    def output(self, job_id: str) -> bytes | None:
        output = super().output(job_id)
        self.drop_output(job_id)
        return output


class ArchiveKeptAfterDelete(Registry):
    """An archive that was deleted, and answered 200, can still be fetched from its job."""

    def drop_output(self, job: Job) -> None:
        pass
