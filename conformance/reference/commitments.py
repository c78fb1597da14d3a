"""Storage commitments: what we have asked modalities for, and what we report to those that ask.

A commitment is asked for by an N-ACTION, and is answered later by an N-EVENT-REPORT, over an
association that the other side opens.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.reference import associations
from conformance.reference.associations import Caller, DicomError
from conformance.reference.errors import ErrorCode
from conformance.reference.job import Failed, Outcome, Step, Succeeded, Task
from conformance.reference.tasks.commitments import Commitment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from conformance.reference.storage import Storage

    Reference = tuple[str, str]  # the class and the UID of an instance
    Failure = tuple[str, str, int]  # the same, and the reason
    Judged = tuple[list[Reference], list[Failure]]  # what is stored, and what is not

NO_SUCH_INSTANCE, CLASS_CONFLICT = 0x0112, 0x0119
_MOST = 100  # of what was asked for, the oldest goes first (as on Orthanc)


@dataclass(slots=True)
class Asked:
    """A commitment that we have asked `remote_aet` for.

    `reported`: whether it has answered; then `stored` is what it has, `failed` what it has not,
    each with the reason.
    """

    remote_aet: str
    reported: bool = False
    stored: list[Reference] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)


class Commitments:
    """What we have asked for in this life of the server; any thread may call it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: dict[str, Asked] = {}

    def ask(self, transaction: str, remote_aet: str) -> None:
        """A commitment is about to be asked for: its report may come before the answer to that."""
        with self._lock:
            self._asked[transaction] = Asked(remote_aet)
            while len(self._asked) > _MOST:
                del self._asked[next(iter(self._asked))]

    def withdraw(self, transaction: str) -> None:
        """It could not be asked for."""
        with self._lock:
            self._asked.pop(transaction, None)

    def get(self, transaction: str) -> Asked | None:
        """What was asked for; None for what was not."""
        with self._lock:
            return self._asked.get(transaction)

    def report(self, transaction: str, stored: list[Reference], failed: list[Failure]) -> bool:
        """A modality has answered; False where we have not asked."""
        with self._lock:
            asked = self._asked.get(transaction)
            if asked is not None:
                asked.stored, asked.failed, asked.reported = stored, failed, True
            return asked is not None


class Committer:
    """Does the one step of the job that answers a modality: it looks, and reports."""

    def __init__(self, storage: Storage, timeout: int) -> None:
        self._storage = storage
        self._timeout = timeout

    @contextmanager
    def open_run(self, task: Task) -> Iterator[Callable[[Step], Outcome]]:
        """Yield the function that does a step of `task`."""
        if not isinstance(task, Commitment):
            raise TypeError(f"{task.type} is no storage commitment")
        yield lambda step: self.perform(task)

    def perform(self, task: Commitment) -> Outcome:
        """Report on all instances."""
        stored, failed = self.judged(task.references)
        caller = Caller(task.called_aet, task.modality.timeout or self._timeout)
        try:
            associations.report_commitment(caller, task.modality, task.transaction, stored, failed)
        except DicomError as error:
            return Failed(ErrorCode.NETWORK_PROTOCOL, str(error))
        return Succeeded()

    def judged(self, references: Iterable[Reference]) -> Judged:
        """What is stored of these, and what is not, with the reason."""
        classes = {each.sop_instance_uid: each.sop_class_uid for each in self._storage.all()}
        stored: list[Reference] = []
        failed: list[Failure] = []
        for sop_class, uid in references:
            reason = CLASS_CONFLICT if uid in classes else NO_SUCH_INSTANCE
            if classes.get(uid) == sop_class:
                stored.append((sop_class, uid))
            else:
                failed.append((sop_class, uid, reason))
        return stored, failed
