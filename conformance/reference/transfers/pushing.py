"""The steps of a push: open a transaction at the peer, send the buckets, commit.

Each step ends with the answer of the peer, so a push that was paused, or cut off by a stop of the
server, goes on in its transaction with the bucket that comes next.
"""

from __future__ import annotations

import gzip
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from conformance.reference.errors import RestError
from conformance.reference.job import Failed, Outcome, Planning, Step, Succeeded
from conformance.reference.lenient_json import parse
from conformance.reference.tasks.transfers import Chunk, Commit, Create, PushTransfer, Send
from conformance.reference.transfers.messages import BYTES, Message, Messenger, NotDone, failed
from conformance.reference.transfers.resources import buckets, instances_listed, listed, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from threading import Event

    from conformance.reference.job import Job
    from conformance.reference.peer_connection import Reply
    from conformance.reference.storage import Storage
    from conformance.reference.transfers.options import TransferOptions

_CREATE = "transfers/push"


class Pusher:
    """Does the steps of such jobs.

    `timeout` is how long a request may take, `commit_timeout` how long the commit may, in
    seconds, 0 = without limit. `stopping`: see `Messenger`.
    """

    def __init__(
        self,
        storage: Storage,
        options: TransferOptions,
        timeout: float,
        commit_timeout: float,
        stopping: Event,
    ) -> None:
        self._storage = storage
        self._options = options
        self._timeout = timeout
        self._stopping = stopping
        self._commit_timeout = commit_timeout

    @contextmanager
    def open_run(self, job: Job) -> Iterator[Callable[[Step], Outcome]]:
        """Yield the function that does a step of `job`; close the connections afterwards."""
        if not isinstance(job.task, PushTransfer):
            raise TypeError(f"{job.task.type} is no push")
        task = job.task
        messenger = Messenger(task, self._options, self._timeout, self._stopping)

        def perform(step: Step) -> Outcome:
            try:
                return self.perform(messenger, task, job, step)
            except NotDone as error:
                return error.outcome

        try:
            yield perform
        finally:
            messenger.close()

    def perform(self, messenger: Messenger, task: PushTransfer, job: Job, step: Step) -> Outcome:
        """Do `step`. Raises `NotDone`."""
        match step:
            case Planning():
                return Succeeded(planned=self.plan(task))
            case Create():
                return Succeeded(transaction=self.create(messenger, task, job, step))
            case Send():
                return Succeeded(transferred=self.send(messenger, task, job.transaction, step))
            case Commit():
                return self.commit(messenger, job.transaction)
        raise TypeError(f"{type(step).__name__} is no step of a push")

    def plan(self, task: PushTransfer) -> tuple[Step, ...]:
        """The steps, for what is stored now. Raises `NotDone` for what cannot be sent."""
        try:
            files = tuple(map(listed, instances_listed(self._storage, task.resources)))
        except RestError as error:
            raise failed(str(error)) from error
        cut = buckets(files, self._options.bucket_size)
        starts = range(0, len(cut), self._options.threads)
        sends = (Send(first=at, buckets=cut[at : at + self._options.threads]) for at in starts)
        return Create(listed=files), *sends, Commit()

    def create(self, messenger: Messenger, task: PushTransfer, job: Job, step: Create) -> str:
        """Open the transaction, and answer its path below the peer's address."""
        sends = [each for each in job.planned if isinstance(each, Send)]
        body = {
            "Buckets": [list(map(_chunk, bucket)) for each in sends for bucket in each.buckets],
            "Compression": task.compression,
            "Instances": [
                {"ID": each.id, "MD5": each.md5, "Size": str(each.size)} for each in step.listed
            ],
        }
        reply = messenger.ask(Message("POST", _CREATE, to_json(body)))
        match _json(reply):
            case {"Path": str(path)} if path.isascii() and path.isprintable() and " " not in path:
                return path.lstrip("/")
        raise failed(f"{reply.asked}: the answer names no Path")

    def send(self, messenger: Messenger, task: PushTransfer, transaction: str, step: Send) -> int:
        """Send the buckets of `step`, and answer how many bytes that were.

        If the peer does not take one, the transaction is given up.
        """

        def put(line: int, bucket: tuple[Chunk, ...]) -> bytes:
            body = self._read(bucket)
            if task.compression == "gzip":
                body = gzip.compress(body, mtime=0)
            path = f"{transaction}/{step.first + line}"
            messenger.ask(Message("PUT", path, body, BYTES), line)
            return body

        try:
            return sum(map(len, messenger.at_once(put, step.buckets)))
        except NotDone as error:
            if isinstance(error.outcome, Failed):
                with suppress(NotDone):
                    messenger.ask(Message("DELETE", transaction))
            raise

    def commit(self, messenger: Messenger, transaction: str) -> Outcome:
        """Close the transaction."""
        message = Message("POST", f"{transaction}/commit", b"", timeout=self._commit_timeout)
        reply = messenger.ask(message)
        _json(reply)
        return Succeeded()

    def _read(self, bucket: tuple[Chunk, ...]) -> bytes:
        """The bytes of a bucket. Raises `NotDone` when an instance is not what it was."""
        pieces = []
        for chunk in bucket:
            file = self._storage.file(chunk.id) or b""
            piece = file[chunk.offset : chunk.offset + chunk.size]
            if len(piece) != chunk.size:
                raise failed(f"The instance {chunk.id} was removed")
            pieces.append(piece)
        return b"".join(pieces)


def _chunk(chunk: Chunk) -> dict[str, object]:
    return {"ID": chunk.id, "Offset": str(chunk.offset), "Size": str(chunk.size)}


def _json(reply: Reply) -> object:
    """The JSON value in an answer. Raises `NotDone` when it is none."""
    try:
        return parse(reply.body)
    except (ValueError, RecursionError):
        raise failed(f"{reply.asked}: the answer is no JSON") from None
