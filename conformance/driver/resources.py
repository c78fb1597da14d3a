"""The resources: what all cases of a run share on the server, and who is who on it.

An arrival at the gate bears no job id, so each open job has a peer to itself, whose address
tells its steps from all others; or a modality, whose AE title does. It rests for a while before
it is given to another job, so that a step that comes late is still known for what it is.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.driver.script import Do, Step, Via
from conformance.errors import BadArgument
from conformance.oracle.fields import Fields, Seen
from conformance.oracle.history import Together
from conformance.oracle.oracle import Finding
from conformance.peer.gate import MARKER, Gate, Hold
from conformance.sut.client import Client
from spec.engine import Act, Event, Replied, View
from spec.table import Action, State

if TYPE_CHECKING:
    from conformance.peer.dicom_gate import DicomGate

LEAST_URGENT = 2**30  # what is less urgent than this is behind all that anybody else submits
REST = 0.25  # seconds for which a peer is not given to another job
DICOM_TIMEOUT = 600  # seconds for one C-STORE; a server's DicomScuTimeout is 10 by default
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


@dataclass(eq=False)
class Slot:
    """One peer or modality of the server under test, that only one open job sends to.

    ``mark``: the address or the title, by which the Content of a job is known.
    """

    number: int
    peer: str
    via: Via = Via.PEER
    mark: str = ""
    owner: Tracked | None = None
    free_since: float = 0.0
    known: bool = True  # to the server, which forgets its peers when it ends

    @property
    def path(self) -> str:
        """Where the server has it."""
        return f"/{'peers' if self.via is Via.PEER else 'modalities'}/{self.peer}"


@dataclass(eq=False)
class Tracked:
    """A job on the server. ``index`` is its number in the oracle, ``id`` its id on the server."""

    name: str
    index: int
    steps: int
    slot: Slot
    case: str
    id: str = ""
    holds: list[Hold] = field(default_factory=list)
    last: View | None = None  # what it showed when its case ended
    ended: bool = False  # its case has ended
    expected: bool = False  # its submission may have been taken: its steps are held
    fields: Seen = field(default_factory=Seen)  # what its readings have shown


@dataclass(frozen=True, slots=True)
class Spare:
    """A completed job of ours that a later case may take up, where jobs cannot be deleted.

    ``performed`` and ``trace`` are all that was done with it and seen of it.
    """

    job: Tracked
    performed: tuple[tuple[Step, tuple[str, ...]], ...]
    trace: tuple[tuple[Event | Together, Any], ...]

    def can_run(self, steps: Sequence[Step]) -> bool:
        """Whether, resubmitted, it does what ``steps`` begin with a submission for."""
        failed = self.job.last is not None and self.job.last.state is State.FAILURE
        return failed and bool(steps) and steps[0] == self._born

    @property
    def _born(self) -> Step:
        return next(step for step, _ in self.performed if step.do is Do.SUBMIT)

    def runs_as(self, steps: Sequence[Step]) -> int:
        """How many of ``steps`` its last run has done already, if that is how it ended; or 0."""
        if self.job.last is None or self.job.last.state is not State.SUCCESS:
            return 0
        run: list[Step] = []
        for event, answer in self.trace:
            if isinstance(event, Replied):
                run.append(Step(Do(event.reply.value), self.job.name))
            elif isinstance(event, Act) and event.action is Action.RESUBMIT and answer == 200:
                run = []
        same = [self._born, *run] == list(steps[: len(run) + 1])
        return len(run) + 1 if same else 0


class Resources:
    """What all cases share on the server. Making it changes the server; `session.cleanup` finds
    and removes all of it again, also after an interrupt. Raises `NoServer`.
    """

    def __init__(self, client: Client, gate: Gate) -> None:
        self.client = client
        self.gate = gate
        self.run = secrets.token_hex(4)
        self.patient = f"orthanc-jobs-{self.run}"
        # A Priority that no other job has: by it, jobs that do not send to the gate are known.
        self.priority = -LEAST_URGENT - secrets.randbelow(2**30)
        self.instances: list[str] = []
        self.slots: list[Slot] = []
        self.jobs: list[Tracked] = []
        self.actions = 0
        self.spares: list[Spare] = []
        self.others: list[str] = []  # ids of jobs that do not send to the gate
        self.fields = Fields()
        self.stored: list[str] = []  # paths of what else was stored: /studies/{id}
        self.late: list[tuple[str, Finding]] = []  # (case, an arrival after its case had ended)
        self._dicom: DicomGate | None = None
        self._opened = ExitStack()

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
        self.gate.drain()
        self.gate.arrivals()
        self.gate.fill()

    @property
    def patient_id(self) -> str:
        """The id under which Orthanc stores our patient: the SHA-1 of its PatientID."""
        digest = hashlib.sha1(self.patient.encode()).hexdigest()
        return "-".join(digest[i : i + 8] for i in range(0, 40, 8))

    @property
    def peer_prefix(self) -> str:
        return f"orthanc-jobs-{self.run}-"

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
            made = reply.json()
            if not reply.ok or not isinstance(made, dict) or not isinstance(made.get("ID"), str):
                raise BadArgument(
                    f"the server makes no instance for us: POST /tools/create-dicom gave {reply}\n"
                    "Its user must be allowed to store instances, and its storage must not be full."
                )
            self.instances.append(made["ID"])
        return self.instances[number]

    def slot(self, via: Via = Via.PEER) -> Slot:
        """A peer, or a modality, that no job sends to any more."""
        rested = time.monotonic() - REST
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

    def _register(self, slot: Slot) -> None:
        where: dict[str, Any] = {"Url": slot.mark}
        if slot.via is Via.MODALITY:
            where = {"AET": slot.mark, "Host": self.gate.host, "Port": self.dicom.port}
            where["Timeout"] = DICOM_TIMEOUT
        reply = self.client.put(slot.path, where)
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

    def room(self, history_size: int) -> bool:
        """Whether one more completed job fits into the history without driving one out."""
        found = self.client.get("/jobs").json()
        return isinstance(found, list) and len(found) < history_size

    def owner(self, hold: Hold) -> Tracked | None:
        """The job that the arrival belongs to: the last one that the slot was given to."""
        return next((j for j in reversed(self.jobs) if j.slot.number == hold.slot), None)
