"""The jobs over DICOM: a step is a C-STORE of an instance, a C-MOVE or a C-GET of an answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from conformance.reference import associations
from conformance.reference.associations import Caller, DicomError
from conformance.reference.errors import ErrorCode
from conformance.reference.job import Failed, Outcome, Step, Succeeded, Task, instance_gone
from conformance.reference.taking import taken
from conformance.reference.tasks.moves import ModalityGet, ModalityMove, Retrieval
from conformance.reference.tasks.stores import ModalityStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pynetdicom.events import Event

    from conformance.reference.storage import Storage

_SUCCESS = 0x0000


class ModalitySender:
    """Does the steps of a store to a modality: they share an association, as long as it lasts."""

    def __init__(self, storage: Storage, timeout: int) -> None:
        self._storage = storage
        self._timeout = timeout

    @contextmanager
    def open_run(self, task: Task) -> Iterator[Callable[[Step], Outcome]]:
        """Yield the function that does a step of `task`; release the association afterwards."""
        if not isinstance(task, ModalityStore):
            raise TypeError(f"{task.type} is nothing that is sent to a modality")
        stack = ExitStack()
        try:
            opened: list[Any] = []

            def perform(step: Step) -> Outcome:
                instance = self._storage.get(step.item)
                if instance is None:
                    return self.missing(task, instance_gone(step))
                try:
                    if not opened or not opened[-1].is_established:
                        opened.append(stack.enter_context(self._associate(task)))
                    originator = self.originator(task)
                    associations.store(opened[-1], task.modality, instance, **originator)
                except DicomError as error:
                    return self.not_taken(task, error)
                return self.commit(task) if task.commits and step is task.steps[-1] else Succeeded()

            yield perform
        finally:
            self.hang_up(stack)

    def commit(self, task: ModalityStore) -> Outcome:
        """Ask the modality to commit itself to keep all that it was sent."""
        instances = (self._storage.get(step.item) for step in task.steps)
        sent = [(each.sop_class_uid, each.sop_instance_uid) for each in instances if each]
        transaction = associations.new_transaction()
        try:
            associations.ask_for_commitment(self.caller(task), task.modality, transaction, sent)
        except DicomError as error:
            return Failed(ErrorCode.NETWORK_PROTOCOL, str(error))
        return Succeeded(transaction=transaction)

    def hang_up(self, opened: ExitStack) -> None:
        """Release the associations of a run."""
        opened.close()

    def not_taken(self, task: ModalityStore, error: DicomError) -> Outcome:
        """The modality did not take an instance."""
        if task.permissive:
            return Succeeded()
        return Failed(ErrorCode.NETWORK_PROTOCOL, str(error))

    def missing(self, task: ModalityStore, failed: Failed) -> Outcome:
        """An instance was removed since."""
        return Succeeded(instance_gone=True) if task.permissive else failed

    def originator(self, task: ModalityStore) -> dict[str, Any]:
        """On behalf of which C-MOVE the instances are sent, if of any."""
        if task.move_originator_aet is None:
            return {}
        return {
            "originator_aet": task.move_originator_aet,
            "originator_id": task.move_originator_id or 0,
        }

    def caller(self, task: ModalityStore) -> Caller:
        """Who calls."""
        usual = task.modality.timeout or self._timeout
        return Caller(task.local_aet, usual if task.timeout is None else task.timeout)

    def _associate(self, task: ModalityStore) -> Any:
        """An association that all instances of `task` can be sent over."""
        instances = (self._storage.get(step.item) for step in task.steps)
        contexts = associations.store_contexts(each for each in instances if each is not None)
        return associations.association(self.caller(task), task.modality, contexts)


class Retriever(ABC):
    """Does the steps of a retrieval: each asks for one answer of a query."""

    kind: ClassVar[type[Retrieval]]
    service: ClassVar[str]

    def __init__(self, storage: Storage, timeout: int) -> None:
        self._storage = storage
        self._timeout = timeout

    @contextmanager
    def open_run(self, task: Task) -> Iterator[Callable[[Step], Outcome]]:
        """Yield the function that does a step of `task`."""
        if not isinstance(task, self.kind):
            raise TypeError(f"{task.type} is no {self.kind.type}")
        yield lambda step: self.perform(task, step)

    def perform(self, task: Any, step: Step) -> Outcome:
        """Ask for the answer of `step`, and wait until it has been sent. `task`: of its `kind`."""
        usual = task.modality.timeout or self._timeout
        caller = Caller(task.local_aet, usual if task.timeout is None else task.timeout)
        try:
            status = self.ask(caller, task, task.queries[int(step.item)])
        except DicomError as error:
            return self.not_sent(task, str(error))
        if self.is_done(status):
            return Succeeded()
        details = f"{self.service} to {task.modality.aet}: DIMSE status 0x{status:04X}"
        return self.not_sent(task, details)

    @abstractmethod
    def ask(self, caller: Caller, task: Any, query: dict[str, str]) -> int:
        """The final status of what was asked for. Raises `DicomError` when there is none."""

    def is_done(self, status: int) -> bool:
        """Whether all was sent: a warning says that some of it was not."""
        return status == _SUCCESS

    def not_sent(self, task: Any, details: str) -> Outcome:
        """An answer was not sent, or not all of it."""
        if task.permissive:
            return Succeeded()
        return Failed(ErrorCode.NETWORK_PROTOCOL, details)


class ModalityMover(Retriever):
    """Retrieves by C-MOVE."""

    kind, service = ModalityMove, "C-MOVE"

    def ask(self, caller: Caller, task: ModalityMove, query: dict[str, str]) -> int:
        """Have it sent where the task says."""
        return associations.move(caller, task.modality, query, task.target_aet)


class ModalityGetter(Retriever):
    """Retrieves by C-GET."""

    kind, service = ModalityGet, "C-GET"

    def ask(self, caller: Caller, task: ModalityGet, query: dict[str, str]) -> int:
        """Have it sent here."""

        def take(event: Event) -> int:
            titles = (task.modality.aet, caller.aet)
            return self.take(event, task.modality.host, *titles)

        return associations.get(caller, task.modality, query, take, self.classes(task))

    def take(self, event: Event, host: str, calling: str, called: str) -> int:
        """Keep an instance that was brought; the status that answers it."""
        return taken(self._storage, event, host, calling, called)

    def classes(self, task: ModalityGet) -> tuple[str, ...]:
        """The SOP classes that the association is for; without any, for many."""
        return task.classes
