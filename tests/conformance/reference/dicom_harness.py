"""A DICOM modality that holds each C-STORE and each C-MOVE until the test answers it."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pydicom.dataset import Dataset
from pynetdicom import AE, AllStoragePresentationContexts, build_context, evt
from pynetdicom.events import Event

from tests.conformance.reference.harness import DEADLINE

FIND, MOVE = "1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.5.1.4.1.2.2.2"
VERIFICATION = "1.2.840.10008.1.1"
SUCCESS, FAILED, WARNING, REFUSED = 0x0000, 0xC000, 0xB000, 0xA700


@dataclass
class Held:
    """A request that waits: what it is about, and who sent it."""

    uid: str
    calling: str
    target: str = ""
    answered: queue.Queue[int] = field(default_factory=queue.Queue)

    def answer(self, status: int = SUCCESS) -> None:
        self.answered.put(status)


class DicomGate:
    """A modality at 127.0.0.1. `answers` are what its C-FIND knows: StudyInstanceUIDs.

    With `automatic`, a status, it holds nothing: each request gets that answer.
    """

    aet = "GATE"

    def __init__(self, automatic: int | None = None) -> None:
        self.automatic = automatic
        self.arrivals: queue.Queue[Held] = queue.Queue()
        self.answers = ["1.2.3.1", "1.2.3.2", "1.2.3.3"]
        entity = AE(self.aet)
        entity.supported_contexts = AllStoragePresentationContexts
        for context in (VERIFICATION, FIND, MOVE):
            entity.add_supported_context(context)
        handlers: list[Any] = [
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_C_FIND, self._find),
            (evt.EVT_C_MOVE, self._move),
        ]
        self._server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
        self.port: int = self._server.server_address[1]

    @property
    def modality(self) -> list[object]:
        return [self.aet, "127.0.0.1", self.port]

    def arrival(self) -> Held:
        return self.arrivals.get(timeout=DEADLINE)

    def succeed(self, count: int) -> list[Held]:
        """Answer the next requests with success."""
        held = []
        for _ in range(count):
            held.append(self.arrival())
            held[-1].answer()
        return held

    def close(self) -> None:
        self._server.shutdown()

    def _store(self, event: Event) -> int:
        held = Held(str(event.request.AffectedSOPInstanceUID), str(event.assoc.requestor.ae_title))
        return self._hold(held)

    def _hold(self, held: Held) -> int:
        if self.automatic is not None:
            held.answer(self.automatic)
        self.arrivals.put(held)
        return held.answered.get(timeout=DEADLINE)

    def _find(self, event: Event) -> Iterator[tuple[int, Dataset]]:
        for uid in self.answers:
            answer = Dataset()
            answer.QueryRetrieveLevel = "STUDY"
            answer.PatientID = "p"
            answer.StudyInstanceUID = uid
            yield 0xFF00, answer

    def _move(self, event: Event) -> Iterator[Any]:
        uid = str(event.identifier.StudyInstanceUID)
        calling = str(event.assoc.requestor.ae_title)
        held = Held(uid, calling, str(event.move_destination).strip())
        status = self._hold(held)
        contexts = [build_context(VERIFICATION)]
        yield "127.0.0.1", self.port, {"contexts": contexts}  # nothing is sent there in the end
        yield 0 if status == SUCCESS else 1
        if status != SUCCESS:
            yield status, None
