"""The gate over DICOM: steps that come by C-STORE and by C-MOVE, and wait as those over HTTP do.

The kit registers a modality for each open job, whose AE title is known to nobody else and says
which job it is (`Gate.aet`). A step of a ``/modalities/{name}/store`` job is one C-STORE, a step
of a ``/queries/{id}/retrieve`` job one C-MOVE or C-GET. All become a `Hold` in the queue of the
HTTP gate, and what answers them is the same reply: 200 is the status Success, 206 the warning that
a C-MOVE was done in part, all else a failure.

`pynetdicom` speaks the protocol, with two threads for each connection that look for something
to do every millisecond. An association that does not call one of our titles is rejected; until
then a connection is a stranger's, of which there are `MOST_STRANGERS` at most: one more, and the
oldest has to go. This module is imported only where something is sent over DICOM, since
`pynetdicom` takes a third of a second.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from pydicom.dataset import Dataset
from pydicom.uid import (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
)
from pynetdicom import evt
from pynetdicom.ae import ApplicationEntity
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_MOVE
from pynetdicom.transport import ThreadedAssociationServer

from conformance.peer.came import LARGEST, Came, Counts
from conformance.peer.gate import (
    PARTLY,
    Gate,
    Hold,
    step_of,
)
from conformance.peer.listening import listen
from conformance.timing import TIMING

SUCCESS, FAILURE = 0x0000, 0xA700  # statuses of a C-STORE; the second: out of resources
WARNING = 0xB000  # the status of a C-MOVE of which something was not sent
PENDING = 0xFF00  # the status of a C-FIND that has one more match, of a C-MOVE under way
UNABLE = 0xA702  # the status of a C-GET that cannot send
MOVE_ANSWER, GET_ANSWER = 0x8021, 0x8010  # the command fields of the answers to C-MOVE and C-GET
MATCH = "2.25.20190306"  # the StudyInstanceUID of a match, but for the number of its step
MOST_STRANGERS = 32
# Orthanc sends a command and its data by two writes, and the second waits until the first was
# acknowledged: 40 ms for each step, where the system takes its time for that.
QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)
FIND, MOVE, GET = (f"1.2.840.10008.5.1.4.1.2.{{}}.{service}" for service in (1, 2, 3))
COMMITMENT = "1.2.840.10008.1.20.1"  # Storage Commitment Push Model
LEVELS = ("PATIENT", "STUDY", "SERIES", "IMAGE")
SERVICES = (
    "1.2.840.10008.1.1",  # Verification
    SecondaryCaptureImageStorage,
    COMMITMENT,
    *(service.format(root) for service in (FIND, MOVE, GET) for root in (1, 2)),  # patient, study
)
SYNTAXES = [ImplicitVRLittleEndian, ExplicitVRLittleEndian]


@dataclass(frozen=True, slots=True)
class Commitment:
    """A storage commitment that was asked for. ``since`` is a time of the monotonic clock.

    ``files``: the class and the UID of each instance.
    """

    transaction: str
    files: tuple[tuple[str, str], ...]
    since: float = field(default_factory=time.monotonic)


class DicomGate:
    """The DICOM server of a gate; start it with ``with``, inside of the gate's own ``with``.

    ``matches``: how many matches a C-FIND finds that calls the title of a slot, none by default.
    ``commitments``: what storage commitments were asked of it.
    """

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.matches: dict[int, int] = {}
        self.commitments: dict[int, list[Commitment]] = {}
        self._callers: dict[Association, int] = {}  # who is connected, with the slot
        self._held: dict[Association, Hold] = {}
        self._partly: set[Association] = set()  # whose C-MOVE is answered with a warning
        self._told: dict[Association, Counts] = {}  # of its C-MOVE
        self._change = threading.Condition()
        entity = ApplicationEntity(secrets.token_hex(8))  # a title that nobody is told
        entity.require_called_aet = True
        entity.maximum_associations = 10_000  # strangers are counted, the server is not
        entity.acse_timeout = TIMING.stranger
        entity.network_timeout = None  # who is no stranger may keep its connection as it likes
        for service in SERVICES:
            entity.add_supported_context(service, SYNTAXES)
        handlers: list[Any] = [
            (evt.EVT_REQUESTED, self._requested),
            (evt.EVT_ACCEPTED, self._accepted),
            (evt.EVT_CONN_CLOSE, self._closed),
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_C_FIND, self._find),
            (evt.EVT_C_MOVE, self._move),
            (evt.EVT_C_GET, self._get),
            (evt.EVT_N_ACTION, self._commit),
            (evt.EVT_DIMSE_SENT, self._answered),
        ]
        self._server = listen(
            gate.host,
            lambda where, _: _Server(
                entity, where, entity.ae_title, entity.supported_contexts, evt_handlers=handlers
            ),
        )
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def __enter__(self) -> DicomGate:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        end = time.monotonic() + TIMING.parting
        with self._change:
            for hold in self._held.values():
                hold.reply(503)
            self._change.wait_for(lambda: not self._held, TIMING.parting / 2)
        threads = self._server.active_associations
        self._server.close()
        for thread in (self._thread, *threads):
            thread.join(max(0.0, end - time.monotonic()))

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def callers(self, slot: int) -> int:
        """How many associations are open that call the title of a slot."""
        with self._change:
            return list(self._callers.values()).count(slot)

    # --- what arrives -------------------------------------------------------------------------

    def _requested(self, event: evt.Event) -> None:
        """Whoever calls a title of ours calls the right one."""
        asked = event.assoc.requestor.primitive
        if asked is not None and self.gate.slot_of_aet(asked.called_ae_title) is not None:
            event.assoc.acceptor.ae_title = asked.called_ae_title

    def _accepted(self, event: evt.Event) -> None:
        with self._change:
            self._callers[event.assoc] = self._slot(event.assoc)
        if (wire := _wire(event.assoc)) is not None:
            wire.welcome()

    def _closed(self, event: evt.Event) -> None:
        if event.assoc.requestor.primitive is None:  # its thread would go on waiting for one
            event.assoc.dul.to_user_queue.put(None)
        with self._change:
            self._callers.pop(event.assoc, None)
            if (hold := self._held.get(event.assoc)) is not None:
                hold.give_up()

    def _store(self, event: evt.Event) -> int:
        """One C-STORE; its status, once the kit has replied."""
        file = event.encoded_dataset(False)
        asked: Any = event.request
        title = asked.MoveOriginatorApplicationEntityTitle
        by = None if title is None else (str(title).strip(), asked.MoveOriginatorMessageID or 0)
        came = Came(file, len(file), caller=_caller(event.assoc), originator=by)
        status = self._hold(event.assoc, step_of(file), came)
        return SUCCESS if status == 200 else FAILURE

    def _find(self, event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        """A C-FIND, which no job waits for: it is answered at once, at whatever level."""
        level = str(event.identifier.get("QueryRetrieveLevel", "STUDY")).strip()
        for number in range(self.matches.get(self._slot(event.assoc), 0)):
            match = Dataset()
            match.QueryRetrieveLevel = level
            for keyword, value in self.match(level, number).items():
                setattr(match, keyword, value)
            match.AccessionNumber = ""
            yield PENDING, match

    def match(self, level: str, number: int) -> dict[str, str]:
        """What names a match at a level, by keyword: the keys of it and of those above."""
        uid = f"{MATCH}{number:02}"
        keys = {
            "PatientID": f"{self.gate.title}-{number:02}",
            "StudyInstanceUID": uid,
            "SeriesInstanceUID": f"{uid}.1",
            "SOPInstanceUID": f"{uid}.1.1",
        }
        return dict(list(keys.items())[: LEVELS.index(level) + 1])

    def _move(self, event: evt.Event) -> Iterator[Any]:
        """One C-MOVE of one match: nothing is sent, and its status says whether that is well."""
        status = self._retrieve(event, str(event.move_destination or "").strip())
        if status not in (200, PARTLY):
            yield None, None  # an unknown destination: the status 0xA801
            return
        if status == PARTLY:
            self._partly.add(event.assoc)
        yield "", 0  # nobody is called there, because
        yield 0  # there is nothing to send

    def _get(self, event: evt.Event) -> Iterator[Any]:
        """One C-GET of one match, likewise."""
        if self._retrieve(event) == 200:
            yield 0
        else:
            yield 1
            yield UNABLE, None

    def _retrieve(self, event: evt.Event, target: str | None = None) -> int:
        """Hold a C-MOVE or a C-GET; the status of the reply."""
        asked = {each.keyword: str(each.value).strip() for each in event.identifier}
        found = re.fullmatch(
            rf"(?:{re.escape(MATCH)}|{self.gate.title}-)(\d\d)",
            asked.get("StudyInstanceUID") or asked.get("PatientID", ""),
        )

        def tell(counts: Counts) -> None:
            self._tell(event, counts)

        came = Came(caller=_caller(event.assoc), asked=asked, tell=tell)
        return self._hold(event.assoc, int(found[1]) if found else -1, came, target)

    def _tell(self, event: evt.Event, counts: Counts) -> None:
        """Send a pending response to a C-MOVE, as a server does after each sub-operation."""
        self._told[event.assoc] = counts
        response, asked = C_MOVE(), cast("C_MOVE", event.request)
        response.MessageIDBeingRespondedTo = asked.MessageID
        response.AffectedSOPClassUID = asked.AffectedSOPClassUID
        response.Status = PENDING
        response.NumberOfRemainingSuboperations = counts.remaining
        response.NumberOfCompletedSuboperations = counts.completed
        response.NumberOfFailedSuboperations = counts.failed
        response.NumberOfWarningSuboperations = counts.warning
        event.assoc.dimse.send_msg(response, event.context.context_id)

    def _commit(self, event: evt.Event) -> tuple[int, None]:
        """An N-ACTION that asks for a storage commitment: it is taken, and never reported on."""
        asked, slot = event.action_information, self._slot(event.assoc)
        files = tuple(
            (str(one.ReferencedSOPClassUID), str(one.ReferencedSOPInstanceUID))
            for one in asked.ReferencedSOPSequence
        )
        with self._change:
            made = Commitment(str(asked.TransactionUID), files)
            self.commitments.setdefault(slot, []).append(made)
        return SUCCESS, None

    def _answered(self, event: evt.Event) -> None:
        """A C-MOVE or C-GET that went well tells of one instance, or of those told of meanwhile.

        Nobody has sent them. In part: of one more, which has failed. An Orthanc from 1.12.7 on
        shows as Progress what it is told here, and not its own steps.
        """
        answer = event.message.command_set
        if answer.CommandField not in (MOVE_ANSWER, GET_ANSWER) or answer.Status != SUCCESS:
            return
        told = self._told.pop(event.assoc, Counts(completed=1))
        if told.completed is None:
            del answer.NumberOfCompletedSuboperations
        else:
            answer.NumberOfCompletedSuboperations = told.completed + (told.remaining or 0)
            answer.NumberOfFailedSuboperations = told.failed or 0
            answer.NumberOfWarningSuboperations = told.warning or 0
        if event.assoc in self._partly:
            self._partly.remove(event.assoc)
            answer.Status = WARNING
            answer.NumberOfFailedSuboperations = 1

    def _slot(self, association: Association) -> int:
        slot = self.gate.slot_of_aet(association.acceptor.ae_title)
        assert slot is not None
        return slot

    def _hold(
        self, association: Association, step: int, came: Came, target: str | None = None
    ) -> int:
        """Hold a step until the kit replies or the server hangs up; the status of the reply."""
        wire = _wire(association)
        hold = Hold(slot=self._slot(association), step=step, target=target, came=came)
        with self._change:
            self._held[association] = hold
            if wire is None or wire.closed:
                hold.give_up()
        self.gate.arrive(hold)
        try:
            return hold.wait()
        finally:
            with self._change:
                del self._held[association]
                self._change.notify_all()
            if wire is not None:
                wire.spent = 0
            self.gate.end(hold)
            hold.close()


class _Wire(socket.socket):
    """A connection. ``spent``: the bytes that it has sent since its last step."""

    def __init__(self, accepted: socket.socket) -> None:
        super().__init__(fileno=accepted.detach())
        self.settimeout(TIMING.stranger)
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stranger = True
        self.closed = False
        self.spent = 0

    def welcome(self) -> None:
        """It has called one of our titles."""
        self.stranger = False
        self.settimeout(None)

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Raises `OSError` for a step that is too large."""
        found = super().recv(size, flags)
        if QUICKACK is not None:
            self.setsockopt(socket.IPPROTO_TCP, QUICKACK, 1)  # the system forgets it again
        self.spent += len(found)
        if self.spent > 2 * LARGEST:
            raise OSError("more than a step")
        return found

    def shutdown(self, how: int) -> None:
        with contextlib.suppress(OSError):  # the other side was faster
            super().shutdown(how)

    def close(self) -> None:
        self.closed = True
        super().close()


class _Server(ThreadedAssociationServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *given: Any, **settings: Any) -> None:
        self._wires: list[_Wire] = []
        super().__init__(*given, **settings)

    def server_bind(self) -> None:
        assert self.socket is not None
        if self.address_family is socket.AF_INET6:
            with contextlib.suppress(OSError):  # so that "::" takes IPv4 as well
                self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        connection, address = super().get_request()
        wire = _Wire(connection)
        self._wires = [w for w in self._wires if not w.closed]
        strangers = [w for w in self._wires if w.stranger]
        if len(strangers) >= MOST_STRANGERS:
            strangers[0].shutdown(socket.SHUT_RDWR)
            self._wires.remove(strangers[0])
        self._wires.append(wire)
        return wire, address

    def service_actions(self) -> None:
        """Nothing; the library collects garbage here, once in 60 looks."""

    def close(self) -> None:
        """End it, and every connection: the threads of each see that, and end."""
        socketserver.TCPServer.shutdown(self)
        self.server_close()
        for wire in self._wires:
            wire.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who hangs up at once is no error of the gate."""


def _caller(association: Association) -> str:
    """The title of who has called."""
    return str(association.requestor.ae_title).strip()


def _wire(association: Association) -> _Wire | None:
    """The connection of an association, or None where it is closed."""
    transport = association.dul.socket
    wire = None if transport is None else transport.socket
    return wire if isinstance(wire, _Wire) else None
