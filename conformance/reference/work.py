"""Who does the steps of which job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.tasks import made_up
from conformance.reference.tasks.archives import Archive, Media
from conformance.reference.tasks.made_up import MadeUp
from conformance.reference.tasks.modifications import ResourceModification
from conformance.reference.tasks.moves import ModalityMove
from conformance.reference.tasks.regroupings import MergeStudy, SplitStudy
from conformance.reference.tasks.stores import ModalityStore, PeerStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from conformance.reference.config import Config
    from conformance.reference.engine import Perform
    from conformance.reference.job import Job, Task
    from conformance.reference.parts import Parts
    from conformance.reference.storage import Storage

    OpenTask = Callable[[Task], AbstractContextManager[Perform]]


class Work:
    """The steps of every kind of task."""

    def __init__(self, parts: Parts, config: Config, storage: Storage) -> None:
        archiver = parts.archiver(storage)
        self._kinds: dict[type[Task], OpenTask] = {
            PeerStore: parts.peer_sender(storage.file, config.http_timeout).open_run,
            ModalityStore: parts.sender(storage, config.dicom_scu_timeout).open_run,
            ModalityMove: parts.mover(config.dicom_scu_timeout).open_run,
            ResourceModification: parts.modifier(storage).open_run,
            SplitStudy: parts.splitter(storage).open_run,
            MergeStudy: parts.merger(storage).open_run,
            Archive: archiver.open_run,
            Media: archiver.open_run,
            MadeUp: made_up.open_run,
        }

    def open_run(self, job: Job) -> AbstractContextManager[Perform]:
        """Enter it for each run of `job`: it yields the function that does a step of it."""
        return self._kinds[type(job.task)](job.task)
