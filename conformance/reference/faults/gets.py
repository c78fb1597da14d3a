"""Faults of C-GET, which has come later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference import associations, dicom, metadata
from conformance.reference.calls import JobCalls
from conformance.reference.dicom_steps import ModalityGetter
from conformance.reference.faults.lacking import ContentLacks
from conformance.reference.job import Outcome, Step, Succeeded
from conformance.reference.tasks.moves import ModalityGet, ModalityMove

if TYPE_CHECKING:
    from pynetdicom.events import Event
    from starlette.requests import Request
    from starlette.responses import Response

    from conformance.reference.associations import Caller
    from conformance.reference.job import Task

RELEASE = "1.12.7"


class GetFailureIgnored(ModalityGetter):
    """An answer that the modality did not send by C-GET counts as retrieved."""

    def not_sent(self, task: ModalityGet, details: str) -> Outcome:
        return Succeeded()


class GetRepeatsFirstAnswer(ModalityGetter):
    """A C-GET job asks for its first answer in each step."""

    def perform(self, task: ModalityGet, step: Step) -> Outcome:
        return super().perform(task, task.steps[0])


class GetAsksForAMove(ModalityGetter):
    """A C-GET job asks by C-MOVE, and has all sent to ourselves."""

    def ask(self, caller: Caller, task: ModalityGet, query: dict[str, str]) -> int:
        return associations.move(caller, task.modality, query, task.local_aet)


class BroughtIsThrownAway(ModalityGetter):
    """What a C-GET brings is not stored."""

    def take(self, event: Event, host: str, calling: str, called: str) -> int:
        return 0x0000  # Success


class BroughtAsOverRest(ModalityGetter):
    """What a C-GET brings is stored as what comes over REST."""

    def take(self, event: Event, host: str, calling: str, called: str) -> int:
        self._storage.add(metadata.by_rest(dicom.parse(event.encoded_dataset()), host))
        return 0x0000


class ClassesInStudyIgnored(ModalityGetter):
    """A C-GET is for many SOP classes, whatever the matches of its query name."""

    def classes(self, task: ModalityGet) -> tuple[str, ...]:
        return ()


class RetrieveMethodIgnored(JobCalls):
    """A retrieve of a query's answers is a C-MOVE, whatever RetrieveMethod the call names."""

    async def answer(self, request: Request, task: Task, synchronous: bool) -> Response:
        if isinstance(task, ModalityGet) and request.url.path.startswith("/queries/"):
            names = ("steps", "modality", "local_aet", "queries", "permissive", "timeout", "view")
            named = {name: getattr(task, name) for name in names}
            task = ModalityMove(**named, target_aet=task.local_aet, priority=task.priority)
        return await super().answer(request, task, synchronous)


class GetContentLacksQuery(ContentLacks):
    """The Content of a C-GET job lacks its Query."""

    kind, lacking = ModalityGet, frozenset({"Query"})
