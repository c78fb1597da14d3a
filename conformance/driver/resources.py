"""The resources: what all cases of a run share on the server, and who is who on it.

An arrival at the gate bears no job id, so each open job has a peer to itself, whose address
tells its steps from all others; or a modality, whose AE title does. It rests for a while before
it is given to another job, so that a step that comes late is still known for what it is.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from conformance import marks
from conformance.driver.script import Via
from conformance.driver.tracked import Slot, Spare, Tracked
from conformance.errors import BadArgument
from conformance.oracle.fields import Fields
from conformance.oracle.oracle import Finding
from conformance.oracle.shown import id_in
from conformance.peer.came import Came
from conformance.peer.gate import MARKER, Gate, Hold
from conformance.timing import TIMING

if TYPE_CHECKING:
    from conformance.peer.dicom_gate import DicomGate
    from conformance.sut.client import Client

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


class Resources:
    """What all cases share on the server. Making it changes the server; `session.cleanup` finds
    and removes all of it again, also after an interrupt. Raises `NoServer`.
    """

    def __init__(self, client: Client, gate: Gate) -> None:
        self.client = client
        self.gate = gate
        self.run = marks.run()
        self.patient = f"{marks.PREFIX}{self.run}"
        self.priority = marks.priority()  # of the jobs that do not send to the gate
        self.instances: list[str] = []
        self.slots: list[Slot] = []
        self.jobs: list[Tracked] = []
        self.actions = 0
        self.spares: list[Spare] = []
        self.others: list[str] = []  # ids of jobs that do not send to the gate
        self.modality: dict[str, str] = {}  # what a server is told of each of ours as well
        self.fields = Fields()
        self.stored: list[str] = []  # paths of what else was stored: /studies/{id}
        self.late: list[tuple[str, Finding]] = []  # (case, an arrival after its case had ended)
        self._dicom: DicomGate | None = None
        self._opened = ExitStack()
        gate.callers.ours = self.sends

    def close(self) -> None:
        """End what the resources has opened itself: the gate over DICOM."""
        self._opened.close()

    @property
    def dicom(self) -> DicomGate:
        """The gate over DICOM, which is opened when it is first asked for."""
        if self._dicom is None:
            from conformance.peer.dicom_gate import DicomGate  # it takes its time

            self._dicom = self._opened.enter_context(DicomGate(self.gate))
        return self._dicom

    def forget(self) -> None:
        """The server is a new one: nothing of what was made is there any more."""
        self.instances.clear()
        self.slots.clear()
        self.jobs.clear()
        self.spares.clear()
        self.others.clear()
        self.stored.clear()
        self.gate.talk.forget()
        self.gate.drain()
        self.gate.arrivals()
        self.gate.fill()

    @property
    def patient_id(self) -> str:
        """The id under which Orthanc stores our patient."""
        return marks.orthanc_id(self.patient)

    @property
    def peer_prefix(self) -> str:
        return f"{self.patient}-"

    def instance(self, number: int) -> str:
        """The id of the instance that step ``number`` (from 0) sends."""
        while len(self.instances) <= number:
            marker = f"{MARKER.decode()}{len(self.instances):02}"
            tags = {
                "PatientID": self.patient,
                "PatientName": "orthanc-jobs^conformance",
                "SOPClassUID": SECONDARY_CAPTURE,  # without one it cannot be sent over DICOM
                "InstanceNumber": str(len(self.instances) + 1),
                "ImageComments": marker,
            }
            reply = self.client.post("/tools/create-dicom", {"Tags": tags})
            made = id_in(reply.json())
            if not reply.ok or made is None:
                raise BadArgument(
                    f"the server makes no instance for us: POST /tools/create-dicom gave {reply}\n"
                    "Its user must be allowed to store instances, and its storage must not be full."
                )
            self.instances.append(made)
        return self.instances[number]

    def slot(self, via: Via = Via.PEER) -> Slot:
        """A peer, or a modality, that no job sends to any more."""
        rested = time.monotonic() - TIMING.rest
        free = [s for s in self.slots if s.via is via and s.owner is None and s.free_since < rested]
        if free:
            slot = min(free, key=lambda slot: slot.free_since)
            if not slot.known:
                self._register(slot)
            return slot
        number = len(self.slots)
        peer = f"{self.peer_prefix}{number}"
        mark = self.gate.url(number) if via is Via.PEER else self.gate.aet(number)
        slot = Slot(number, peer, via, mark)
        self._register(slot)
        self.slots.append(slot)
        return slot

    def where(self, slot: Slot) -> dict[str, Any]:
        """What the server is told of a peer or a modality."""
        if slot.via is Via.PEER:
            return {"Url": slot.mark, **self.gate.callers.login}
        there: dict[str, Any] = {"AET": slot.mark, "Host": self.gate.host, "Port": self.dicom.port}
        return {**there, "Timeout": TIMING.dicom_timeout, **self.modality}

    def _register(self, slot: Slot) -> None:
        reply = self.client.put(slot.path, self.where(slot))
        if not reply.ok:
            raise BadArgument(
                f"the server does not let us register a {slot.via}: PUT {slot.path} gave {reply}\n"
                "Its user must be allowed to change peers and modalities."
            )
        slot.known = True

    def began_again(self, errors: bool) -> None:
        """The server was started again on its database: it has forgotten its peers.

        ``errors``: it keeps the ErrorCodes of completed jobs.
        """
        for slot in self.slots:
            slot.known = False
        if not errors:  # what they showed is no longer to be expected of them
            for job in self.jobs:
                job.last = None

    def release(self, job: Tracked) -> None:
        """Give the job's peer back, after a rest in which a late arrival is still the job's."""
        job.slot.free_since = time.monotonic()
        job.slot.owner = None

    def sends(self, step: int, came: Came) -> bool:
        """Whether a step is one that a server sends for us: an instance of a patient of ours, or
        the request for a match that the gate has named.
        """
        return step >= 0 if came.asked else self.patient.encode() in came.body

    def ids(self) -> set[str]:
        """The ids of all jobs that this run knows to be its own."""
        return {*self.others, *(one.id for one in self.jobs)}

    def made(self, job: Mapping[str, Any]) -> bool:
        """Whether a job that a server shows was made by this run."""
        noted = job.get("ID") in self.ids()
        content = job.get("Content")
        peer = content.get("Peer") if isinstance(content, dict) else None
        by_name = isinstance(peer, str) and peer.startswith(self.peer_prefix)
        marked = job.get("Priority") == self.priority or self.gate.is_named_in(str(content))
        return noted or by_name or marked

    def owner(self, hold: Hold) -> Tracked | None:
        """The job that the arrival belongs to: the last one that the slot was given to."""
        return next((j for j in reversed(self.jobs) if j.slot.number == hold.slot), None)
