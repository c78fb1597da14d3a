"""Who does the steps of which job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.tasks import made_up
from conformance.reference.tasks.archives import Archive, Media
from conformance.reference.tasks.commitments import Commitment
from conformance.reference.tasks.made_up import MadeUp
from conformance.reference.tasks.modifications import ResourceModification
from conformance.reference.tasks.moves import ModalityGet, ModalityMove
from conformance.reference.tasks.regroupings import MergeStudy, SplitStudy
from conformance.reference.tasks.stores import ModalityStore, PeerStore
from conformance.reference.tasks.transfers import PullTransfer, PushTransfer
from conformance.reference.transfers.received import Inbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from threading import Event

    from conformance.reference.config import Config
    from conformance.reference.engine import OpenRun, Perform
    from conformance.reference.job import Job, Task
    from conformance.reference.parts import Parts
    from conformance.reference.releases import Release
    from conformance.reference.storage import Storage

    OpenTask = Callable[[Task], AbstractContextManager[Perform]]


class Work:
    """The steps of every kind of task. `stopping`: nothing that has failed is tried again."""

    def __init__(
        self,
        parts: Parts,
        config: Config,
        storage: Storage,
        release: Release,
        stopping: Event,
    ) -> None:
        archiver = parts.archiver(storage)
        timeout, options = config.http_timeout, config.transfers
        commit = options.peer_commit_timeout if release.waits_for_commits else timeout
        inbox = Inbox(storage.database)
        self._transfers: dict[type[Task], OpenRun] = {
            PullTransfer: parts.puller(storage, inbox, options, timeout, stopping).open_run,
            PushTransfer: parts.pusher(storage, options, timeout, commit, stopping).open_run,
        }
        self._kinds: dict[type[Task], OpenTask] = {
            PeerStore: parts.peer_sender(storage.file, config.http_timeout).open_run,
            ModalityStore: parts.sender(storage, config.dicom_scu_timeout).open_run,
            ModalityMove: parts.mover(storage, config.dicom_scu_timeout).open_run,
            ModalityGet: parts.getter(storage, config.dicom_scu_timeout).open_run,
            Commitment: parts.committer(storage, config.dicom_scu_timeout).open_run,
            ResourceModification: parts.modifier(storage).open_run,
            SplitStudy: parts.splitter(storage).open_run,
            MergeStudy: parts.merger(storage).open_run,
            Archive: archiver.open_run,
            Media: archiver.open_run,
            MadeUp: made_up.open_run,
        }

    def open_run(self, job: Job) -> AbstractContextManager[Perform]:
        """Enter it for each run of `job`: it yields the function that does a step of it."""
        kind = type(job.task)
        if kind in self._transfers:  # what they do next depends on what the peer has answered
            return self._transfers[kind](job)
        return self._kinds[kind](job.task)
