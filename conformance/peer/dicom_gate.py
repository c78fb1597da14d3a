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

import re
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
)
from pynetdicom import evt
from pynetdicom.ae import ApplicationEntity
from pynetdicom.association import Association

from conformance.peer.came import Came, Counts
from conformance.peer.dicom_server import Server, wire_of
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
FIND, MOVE, GET = (f"1.2.840.10008.5.1.4.1.2.{{}}.{service}" for service in (1, 2, 3))
COMMITMENT = "1.2.840.10008.1.20.1"  # Storage Commitment Push Model
COMMITMENT_INSTANCE = f"{COMMITMENT}.1"
LEVELS = ("PATIENT", "STUDY", "SERIES", "IMAGE")
SERVICES = (
    "1.2.840.10008.1.1",  # Verification
    SecondaryCaptureImageStorage,
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


@dataclass(frozen=True, slots=True)
class Report:
    """What a server has answered to a storage commitment that we asked it for.

    ``caller``: its title. ``stored``: class and UID of what it has. ``failed``: class, UID and the
    reason of what it has not.
    """

    caller: str
    event: int
    transaction: str
    stored: tuple[tuple[str, str], ...]
    failed: tuple[tuple[str, str, int], ...]


class DicomGate:
    """The DICOM server of a gate; start it with ``with``, inside of the gate's own ``with``.

    ``matches``: how many matches a C-FIND finds that calls the title of a slot, none by default.
    ``classes``: what each names as its SOPClassesInStudy. ``brings``: the file that a C-GET gets.
    ``commitments``: what storage commitments were asked of it. ``reports``: what was answered to
    those that it asked for.
    """

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.matches: dict[int, int] = {}
        self.classes: dict[int, tuple[str, ...]] = {}
        self.brings: dict[int, bytes] = {}
        self.commitments: dict[int, list[Commitment]] = {}
        self.reports: dict[int, list[Report]] = {}
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
        for both_ways in (COMMITMENT, SecondaryCaptureImageStorage):
            entity.add_supported_context(both_ways, SYNTAXES, scu_role=True, scp_role=True)
        handlers: list[Any] = [
            (evt.EVT_REQUESTED, self._requested),
            (evt.EVT_ACCEPTED, self._accepted),
            (evt.EVT_CONN_CLOSE, self._closed),
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_C_FIND, self._find),
            (evt.EVT_C_MOVE, self._move),
            (evt.EVT_C_GET, self._get),
            (evt.EVT_N_ACTION, self._commit),
            (evt.EVT_N_EVENT_REPORT, self._report),
            (evt.EVT_DIMSE_SENT, self._answered),
        ]
        self._server = listen(
            gate.host,
            lambda where, _: Server(
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
        if (wire := wire_of(event.assoc)) is not None:
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
        slot = self._slot(event.assoc)
        for number in range(self.matches.get(slot, 0)):
            match = Dataset()
            match.QueryRetrieveLevel = level
            for keyword, value in self.match(level, number).items():
                setattr(match, keyword, value)
            match.AccessionNumber = ""
            if slot in self.classes:
                match.SOPClassesInStudy = list(self.classes[slot])
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
        """One C-GET of one match, likewise, unless there is something that it is to bring."""
        if self._retrieve(event) == 200:
            brings = self.brings.get(self._slot(event.assoc))
            yield 0 if brings is None else 1
            if brings is not None:
                yield PENDING, dcmread(BytesIO(brings))
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

        contexts = event.assoc.requestor.requested_contexts
        proposed = frozenset(str(each.abstract_syntax) for each in contexts)
        came = Came(caller=_caller(event.assoc), asked=asked, proposed=proposed, tell=tell)
        return self._hold(event.assoc, int(found[1]) if found else -1, came, target)

    def _tell(self, event: evt.Event, counts: Counts) -> None:
        """Send a pending response to a C-MOVE or C-GET, as after each sub-operation."""
        self._told[event.assoc] = counts
        asked: Any = event.request
        response = type(asked)()
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

    def _report(self, event: evt.Event) -> tuple[int, None]:
        """An N-EVENT-REPORT, which answers a storage commitment that was asked for."""
        said, slot = event.event_information, self._slot(event.assoc)
        stored, failed = (
            [
                (str(one.ReferencedSOPClassUID), str(one.ReferencedSOPInstanceUID), one)
                for one in said.get(sequence, [])
            ]
            for sequence in ("ReferencedSOPSequence", "FailedSOPSequence")
        )
        made = Report(
            _caller(event.assoc),
            int(event.event_type or 0),
            str(said.get("TransactionUID", "")),
            tuple(one[:2] for one in stored),
            tuple((*one[:2], int(one[2].get("FailureReason", 0))) for one in failed),
        )
        with self._change:
            self.reports.setdefault(slot, []).append(made)
        return SUCCESS, None

    def ask_commitment(
        self, slot: int, where: tuple[str, int], called: str, asked: Commitment
    ) -> bool | None:
        """Ask a server for a commitment; whether that is taken. None: no association is."""
        entity = ApplicationEntity(self.gate.aet(slot))
        entity.add_requested_context(COMMITMENT, SYNTAXES)
        association = asking_only(entity.associate(*where, ae_title=called))
        if not association.is_established:
            return None
        request = Dataset()
        request.TransactionUID = asked.transaction
        request.ReferencedSOPSequence = [_reference(*file) for file in asked.files]
        status, _ = association.send_n_action(request, 1, COMMITMENT, COMMITMENT_INSTANCE)
        association.release()
        return bool(status) and status.Status == SUCCESS

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
        wire = wire_of(association)
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


def asking_only(association: Association) -> Association:
    """An association that we have opened, and over which nobody asks us anything.

    The thread that pynetdicom (3.0.4) has look for requests may take an answer off the queue, on a
    busy machine, before the method that waits for it: it is told that there is none.
    """
    read = association.dimse.get_msg
    nothing = (None, None)
    association.dimse.get_msg = (  # type: ignore[method-assign]
        lambda block=False: read(block) if block else nothing
    )
    return association


def _reference(sop_class: str, uid: str) -> Dataset:
    """An instance as a storage commitment names it."""
    found = Dataset()
    found.ReferencedSOPClassUID, found.ReferencedSOPInstanceUID = sop_class, uid
    return found


def _caller(association: Association) -> str:
    """The title of who has called."""
    return str(association.requestor.ae_title).strip()
