"""One step: the POST of one instance to ``<peer>/instances``, and what its answer means."""

from __future__ import annotations

import gzip
from contextlib import contextmanager
from typing import TYPE_CHECKING

from conformance.reference.job import Failed, Outcome, Step, Succeeded, Task, instance_gone
from conformance.reference.peer_connection import PeerConnection, peer_headers
from conformance.reference.tasks.stores import PeerStore
from conformance.reference.transcoding import transcoded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class StepSender:
    """Does the steps of jobs.

    `find_instance` answers the DICOM file of an instance, or None when it is gone;
    `timeout` is how long a step may take, from its first byte to the end of the answer, in
    seconds, 0 = without limit.
    """

    def __init__(self, find_instance: Callable[[str], bytes | None], timeout: float) -> None:
        self._find_instance = find_instance
        self._timeout = timeout

    @contextmanager
    def open_run(self, task: Task) -> Iterator[Callable[[Step], Outcome]]:
        """Yield the function that does a step of `task`; close the connection afterwards."""
        if not isinstance(task, PeerStore):
            raise TypeError(f"{task.type} is nothing that is sent to a peer")
        connection = PeerConnection(task.peer, self._timeout)

        def perform(step: Step) -> Outcome:
            return self.perform(connection, task, step)

        try:
            yield perform
        finally:
            connection.close()

    def perform(self, connection: PeerConnection, task: PeerStore, step: Step) -> Outcome:
        """Send the instance of `step`."""
        instance = self._find_instance(step.item)
        if instance is None:
            return self.not_taken(task, instance_gone(step))
        body = sent(instance, task)
        outcome = connection.post("instances", body, self.headers(task))
        return self.not_taken(task, outcome) if isinstance(outcome, Failed) else outcome

    def headers(self, task: PeerStore) -> dict[str, str]:
        """The headers of each request, beside those that every request has."""
        packed = {"Content-Encoding": "gzip"} if task.compress else {}
        return {"Content-Type": "application/dicom", **peer_headers(task.peer), **packed}

    def not_taken(self, task: PeerStore, failed: Failed) -> Outcome:
        """The peer did not take an instance, or there is none."""
        return Succeeded(instance_gone=failed.instance_gone) if task.permissive else failed


def sent(file: bytes, task: PeerStore) -> bytes:
    """What is sent for `file`: the same each time."""
    file = transcoded(file, task.transcode)
    return gzip.compress(file, mtime=0) if task.compress else file
