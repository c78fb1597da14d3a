"""Faults of how a submission is read, and of who is told that its job has ended."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.reference.calls import JobCalls, News
from conformance.reference.submission import SubmissionReader
from conformance.reference.tasks.modifications import ResourceModification
from conformance.reference.tasks.moves import ModalityMove
from conformance.reference.tasks.regroupings import MergeStudy, SplitStudy
from conformance.reference.tasks.stores import ModalityStore, PeerStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from conformance.reference.answers import JobAnswers
    from conformance.reference.engine import Engine
    from conformance.reference.job import Task
    from conformance.reference.told import JobEnd

_LENIENT = (ResourceModification, SplitStudy, MergeStudy, PeerStore, ModalityStore, ModalityMove)


class AsynchronousByDefault(SubmissionReader):
    """A call that names neither mode is asynchronous."""

    def synchronous(self, fields: dict[str, object]) -> bool:
        named = fields.keys() & {"Synchronous", "Asynchronous"}
        return bool(named) and super().synchronous(fields)


class PermissiveFalseIsTrue(JobCalls):
    """A body that has the field Permissive makes a permissive job, whatever it says there."""

    async def answer(self, request: Request, task: Task, synchronous: bool) -> Response:
        if isinstance(task, _LENIENT) and b'"Permissive"' in await request.body():
            task = replace(task, permissive=True)
        return await super().answer(request, task, synchronous)


class ModesSwapped(SubmissionReader):
    """A synchronous call is taken for an asynchronous one, and the other way round."""

    def synchronous(self, fields: dict[str, object]) -> bool:
        return not super().synchronous(fields)


class AsynchronousIgnored(SubmissionReader):
    """The field Asynchronous is not known."""

    def synchronous(self, fields: dict[str, object]) -> bool:
        return super().synchronous({k: v for k, v in fields.items() if k != "Asynchronous"})


class SynchronousIgnored(SubmissionReader):
    """The field Synchronous is not known."""

    def synchronous(self, fields: dict[str, object]) -> bool:
        return super().synchronous({k: v for k, v in fields.items() if k != "Synchronous"})


class AsynchronousWins(SubmissionReader):
    """When both modes are named, Asynchronous wins."""

    def synchronous(self, fields: dict[str, object]) -> bool:
        if "Asynchronous" in fields:
            fields = {"Asynchronous": fields["Asynchronous"]}
        return super().synchronous(fields)


class AsynchronousWinsForOneResource(SubmissionReader):
    """When both modes are named in a call about one resource, Asynchronous wins."""

    def synchronous(self, fields: dict[str, object]) -> bool:
        listed = {"Resources", "Series"} & set(fields)
        if "Asynchronous" in fields and not listed:
            fields = {"Asynchronous": fields["Asynchronous"]}
        return super().synchronous(fields)


class ModeNeedsNoBoolean(SubmissionReader):
    """Anything is taken for a boolean."""

    def synchronous(self, fields: dict[str, object]) -> bool:
        names = ("Synchronous", "Asynchronous")
        return super().synchronous({name: bool(fields[name]) for name in names if name in fields})


class PriorityNeedsNoInteger(SubmissionReader):
    """A priority that is no integer counts as 0."""

    def priority(self, fields: dict[str, object]) -> int:
        value = fields.get("Priority")
        return value if isinstance(value, int) and not isinstance(value, bool) else 0


class ResourcesSorted(SubmissionReader):
    """The steps follow the order of the identifiers, not that of the caller."""

    def resources(self, value: object) -> tuple[str, ...]:
        return tuple(sorted(super().resources(value)))


class RepeatedResourcesDropped(SubmissionReader):
    """A resource that is listed several times is sent once."""

    def resources(self, value: object) -> tuple[str, ...]:
        return tuple(dict.fromkeys(super().resources(value)))


class AsynchronousWaits(JobCalls):
    """Every asynchronous call waits for the end of its job."""

    def waits(self, task: Task, synchronous: bool) -> bool:
        return True


class EndToldToOldestCall(JobCalls):
    """The end of a job wakes up the call that waits longest, even if that waits for another job."""

    def __init__(self, engine: Engine, answers: JobAnswers) -> None:
        super().__init__(engine, answers)
        self._waiting: list[News[JobEnd]] = []

    def told(self, ended: News[JobEnd]) -> Callable[[JobEnd | None], None]:
        self._waiting.append(ended)

        def tell(end: JobEnd | None) -> None:
            if end is None or self._waiting[0] is ended:
                self._waiting.remove(ended)
                ended.tell(end)

        return tell
