"""The steps of a pull: ask the peer what there is, get the buckets, store what they make up.

What has come is kept with the job, so a pull that was paused, or cut off by a stop of the server,
goes on with the bucket that comes next. Nothing is stored before all is there.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import quote

from conformance.reference import metadata
from conformance.reference.errors import RestError
from conformance.reference.job import Outcome, Planning, Step, Succeeded
from conformance.reference.lenient_json import parse
from conformance.reference.storage import NotStored
from conformance.reference.tasks.transfers import Chunk, Fetch, Import, Lookup, PullTransfer
from conformance.reference.transfers.messages import Message, Messenger, NotDone, failed
from conformance.reference.transfers.received import assembled, unpacked
from conformance.reference.transfers.resources import buckets, read_listed, size, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from threading import Event

    from conformance.reference.job import Job
    from conformance.reference.peer_connection import Reply
    from conformance.reference.storage import Storage
    from conformance.reference.tasks.transfers import Listed
    from conformance.reference.transfers.options import TransferOptions
    from conformance.reference.transfers.received import Inbox

_LOOKUP, _CHUNKS = "transfers/lookup", "transfers/chunks"
_LONGEST_LIST = 2**28  # bytes of an answer that lists files
_HERE = "127.0.0.1"


class Puller:
    """Does the steps of such jobs. `timeout`, `stopping`: see `Messenger`."""

    def __init__(
        self,
        storage: Storage,
        inbox: Inbox,
        options: TransferOptions,
        timeout: float,
        stopping: Event,
    ) -> None:
        self._storage = storage
        self._inbox = inbox
        self._options = options
        self._timeout = timeout
        self._stopping = stopping

    @contextmanager
    def open_run(self, job: Job) -> Iterator[Callable[[Step], Outcome]]:
        """Yield the function that does a step of `job`; close the connections afterwards."""
        if not isinstance(job.task, PullTransfer):
            raise TypeError(f"{job.task.type} is no pull")
        task = job.task
        messenger = Messenger(task, self._options, self._timeout, self._stopping)

        def perform(step: Step) -> Outcome:
            try:
                return self.perform(messenger, task, job, step)
            except NotDone as error:
                return error.outcome
            except (RestError, NotStored, sqlite3.Error) as error:
                return failed(str(error)).outcome

        try:
            yield perform
        finally:
            messenger.close()
            if job.state.completed:
                with suppress(sqlite3.Error):  # they are forgotten with the job
                    self._inbox.clear(job.id)

    def perform(self, messenger: Messenger, task: PullTransfer, job: Job, step: Step) -> Outcome:
        """Do `step`. Raises `NotDone`, and what else fails it."""
        match step:
            case Planning():
                self._inbox.clear(job.id)
                return Succeeded(planned=(Lookup(),))
            case Lookup():
                return Succeeded(planned=self.lookup(messenger, task))
            case Fetch():
                return Succeeded(transferred=self.fetch(messenger, task, job.id, step))
            case Import():
                self.store(job, step)
                return Succeeded()
        raise TypeError(f"{type(step).__name__} is no step of a pull")

    def lookup(self, messenger: Messenger, task: PullTransfer) -> tuple[Step, ...]:
        """Ask what there is; answer the steps."""
        body = to_json(task.resources)
        reply = messenger.ask(Message("POST", _LOOKUP, body, longest=_LONGEST_LIST))
        files = self.answered(task, reply)
        cut = buckets(files, self._options.bucket_size, in_path=True)
        starts = range(0, len(cut), self._options.threads)
        gets = (Fetch(first=at, buckets=cut[at : at + self._options.threads]) for at in starts)
        return Lookup(), *gets, Import(listed=files)

    def answered(self, task: PullTransfer, reply: Reply) -> tuple[Listed, ...]:
        """The files that the answer to a lookup lists, in order of their identifiers.

        Raises `NotDone` when it makes no sense, or comes from another server than the one that has
        asked for this pull.
        """
        try:
            answer = parse(reply.body)
        except (ValueError, RecursionError):
            answer = None
        match answer:
            case {"Instances": list(instances), "Originator": str(originator)}:
                if task.originator not in (None, originator):
                    raise failed(f"{reply.asked}: another server than the one that is meant")
                files = {file.id: file for file in map(read_listed, instances)}
                return tuple(files[identifier] for identifier in sorted(files))
        raise failed(f"{reply.asked}: the answer lists no instances")

    def fetch(self, messenger: Messenger, task: PullTransfer, job_id: str, step: Fetch) -> int:
        """Get the buckets of `step`, keep them, and answer how many bytes came."""

        def get(line: int, bucket: tuple[Chunk, ...]) -> bytes:
            wanted = size(bucket)
            longest = wanted + wanted // 100 + 1024  # what cannot be compressed becomes longer
            path = _path(bucket, task.compression)
            message = Message("GET", path, longest=longest)
            body = messenger.ask(message, line).body
            self._inbox.keep(job_id, step.first + line, unpacked(body, task.compression, bucket))
            return body

        return sum(map(len, messenger.at_once(get, step.buckets)))

    def store(self, job: Job, step: Import) -> None:
        """Store what has come: all of it, or nothing."""
        instances = assembled(step.listed, self.fetched(job))
        self._storage.add_all(metadata.by_rest(each, _HERE) for each in instances)

    def fetched(self, job: Job) -> Iterator[tuple[tuple[Chunk, ...], bytes]]:
        """The buckets, and the bytes that have come of each."""
        for each in job.planned:
            if isinstance(each, Fetch):
                for line, bucket in enumerate(each.buckets):
                    yield bucket, self._inbox.bucket(job.id, each.first + line)


def _path(bucket: tuple[Chunk, ...], compression: str) -> str:
    """Where the bytes of `bucket` are, below the address of a peer."""
    identifiers = ".".join(quote(chunk.id, safe="") for chunk in bucket)
    query = f"offset={bucket[0].offset}&size={size(bucket)}&compression={compression}"
    return f"{_CHUNKS}/{identifiers}?{query}"
