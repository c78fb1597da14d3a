"""The jobs that make archives: a ZIP file of instances, or of a whole DICOM medium.

Each step reads one instance, and the last one writes the archive. A run that begins in the
middle, after a pause or a restart of the server, has to read again what an earlier one had read.
"""

from __future__ import annotations

import zipfile
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING

from conformance.reference import dicom
from conformance.reference.dicomdir import IndexedFile, dicomdir
from conformance.reference.errors import ErrorCode
from conformance.reference.job import Failed, Outcome, Step, Succeeded, Task
from conformance.reference.layout import ArchiveLayout
from conformance.reference.tasks.archives import Archive, Media
from conformance.reference.transcoding import transcoded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.reference.dicom import Instance
    from conformance.reference.storage import Storage

DICOMDIR = "DICOMDIR"


class Archiver:
    """Does the steps of such jobs."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    @contextmanager
    def open_run(self, task: Task) -> Iterator[Callable[[Step], Outcome]]:
        """Yield the function that does a step of `task`."""
        read: dict[str, Instance] = {}

        def perform(step: Step) -> Outcome:
            if step.item:
                self.read(step, read)
                return Succeeded()
            for each in task.steps:
                if each.item and each.item not in read:  # by a run before this one, if at all
                    self.read(each, read)
            return self._close(task, list(read.values()))

        yield perform

    def read(self, step: Step, read: dict[str, Instance]) -> None:
        """Read the instance of `step`; one that is gone meanwhile is left out, as by Orthanc."""
        instance = self._storage.get(step.item)
        if instance is not None:
            read[instance.id] = instance

    def _close(self, task: Task, instances: list[Instance]) -> Outcome:
        """Write the archive."""
        try:
            chosen = [self.transcoded(each, task) for each in instances]
            if isinstance(task, Media):
                files = self.medium(chosen, task.extended)
            else:
                numbered = isinstance(task, Archive) and task.numbered
                files = self.folders(chosen, numbered)
        except dicom.FILE_ERRORS as error:
            return Failed(ErrorCode.BAD_FILE_FORMAT, f"{type(error).__name__}: {error}")
        return Succeeded(output=self.pack(files))

    def transcoded(self, instance: Instance, task: Task) -> Instance:
        """`instance` as it comes into the archive."""
        syntax = task.transcode if isinstance(task, Archive) else ""
        return replace(instance, file=transcoded(instance.file, syntax)) if syntax else instance

    def folders(self, instances: list[Instance], numbered: bool = False) -> dict[str, bytes]:
        """The files of an archive, in a folder for each patient, study and series."""
        layout = ArchiveLayout(numbered)
        return {layout.place(instance): instance.file for instance in instances}

    def medium(self, instances: list[Instance], extended: bool = False) -> dict[str, bytes]:
        """The files of a medium: the images, and an index of them. Raises `FILE_ERRORS`."""
        paths = {f"IMAGES/IM{number}": each for number, each in enumerate(instances)}
        files = {path: instance.file for path, instance in paths.items()}
        indexed = [
            IndexedFile(path.split("/"), dicom.decode(instance.file), instance, extended)
            for path, instance in paths.items()
        ]
        return files | self.index(indexed)

    def index(self, indexed: list[IndexedFile]) -> dict[str, bytes]:
        """The index of a medium, by its path. Raises `FILE_ERRORS`."""
        return {DICOMDIR: dicomdir(indexed)}

    def pack(self, files: dict[str, bytes]) -> bytes:
        """The ZIP archive of `files`."""
        target = BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for path, file in files.items():
                archive.writestr(path, file)
        return target.getvalue()
