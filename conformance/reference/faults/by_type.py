"""Faults of each type of job in turn: the same of every type, so that none is left out.

Of each kind of task one class is made for each of `FAULTS`: of its Progress, its Content, its
outputs, what a restart leaves of it, what a resubmit does to it, how it fails, and when a call that
waits for it is answered.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from conformance.reference.engine import Engine
from conformance.reference.errors import ErrorCode
from conformance.reference.job import Job, State, Task
from conformance.reference.registry import Registry
from conformance.reference.tasks.archives import Archive, Media
from conformance.reference.tasks.modifications import ResourceModification
from conformance.reference.tasks.moves import ModalityMove
from conformance.reference.tasks.regroupings import MergeStudy, SplitStudy
from conformance.reference.tasks.stores import ModalityStore, PeerStore
from conformance.reference.tasks.transfers import PullTransfer, PushTransfer, Transfer

KINDS: dict[str, type[Task]] = {
    "Archive": Archive,
    "Medium": Media,
    "Modification": ResourceModification,
    "Split": SplitStudy,
    "Merge": MergeStudy,
    "PeerStore": PeerStore,
    "Store": ModalityStore,
    "Retrieval": ModalityMove,
    "Push": PushTransfer,
    "Pull": PullTransfer,
}


class _Progress(Registry):
    """The Progress of {a} ends at 99."""

    kind: ClassVar[type[Task]]

    def succeed(self, job: Job) -> None:
        super().succeed(job)
        if type(job.task) is self.kind:
            job.progress = 99


class _Content(Registry):
    """Of {a} in Success, Content shows nothing but the Description."""

    kind: ClassVar[type[Task]]

    def describe(self, job: Job) -> dict[str, object]:
        described = super().describe(job)
        if type(job.task) is self.kind and job.state is State.SUCCESS:
            described["Content"] = {"Description": job.task.description}
        return described


class _Output(Engine):
    """The output of {a} is missing, or there is one too many."""

    kind: ClassVar[type[Task]]

    def output(self, job_id: str) -> bytes | None:
        output, job = super().output(job_id), self._registry.jobs.get(job_id)
        if job is None or type(job.task) is not self.kind:
            return output
        return None if issubclass(self.kind, Archive) else b""


class _Restart(Registry):
    """A restart loses {a} that has completed."""

    kind: ClassVar[type[Task]]

    def known_again(self, jobs: Iterable[Job]) -> list[Job]:
        known = super().known_again(jobs)
        return [job for job in known if not (type(job.task) is self.kind and job.state.completed)]


class _Resubmit(Registry):
    """A resubmit of {a} is taken for its end: it succeeds without a step."""

    kind: ClassVar[type[Task]]

    def start_over(self, job: Job) -> None:
        super().start_over(job)
        if type(job.task) is self.kind:
            job.done = len(job.steps)


class _Failure(Registry):
    """When {a} fails, or is canceled, it has the ErrorCode of success."""

    kind: ClassVar[type[Task]]

    def fail(self, job: Job, code: ErrorCode, details: str = "") -> None:
        wrong = type(job.task) is self.kind
        super().fail(job, ErrorCode.SUCCESS if wrong else code, details)


class _Waiting(Registry):
    """A synchronous call for {a} is answered as soon as its job is Paused."""

    kind: ClassVar[type[Task]]

    def pause(self, job: Job) -> None:
        super().pause(job)
        if type(job.task) is self.kind:
            self.on_end(job)


FAULTS: dict[str, type[Any]] = {
    "ProgressOf{}Ends99": _Progress,
    "ContentOf{}GetsLost": _Content,
    "OutputOf{}IsWrong": _Output,
    "Finished{}LostOnRestart": _Restart,
    "Resubmitted{}DoesNothing": _Resubmit,
    "Failed{}HasNoCode": _Failure,
    "CallFor{}EndsWithPause": _Waiting,
}


def _planted() -> dict[str, type]:
    """The classes, by their names."""
    found = {}
    for name, base in FAULTS.items():
        for noun, kind in KINDS.items():
            if base is _Waiting and issubclass(kind, Transfer):  # no call waits for one
                continue
            a = f"{'an' if kind.type[0] in 'AO' else 'a'} {kind.type} job"
            text = " ".join(str(base.__doc__).split()).format(a=a)
            made = {"kind": kind, "__doc__": text, "__module__": __name__}
            found[name.format(noun)] = type(name.format(noun), (base,), made)
    return found


globals().update(_planted())
