"""The parts that a server is built of; a planted fault is another choice of one of them."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.reference.answers import JobAnswers
from conformance.reference.archiving import Archiver
from conformance.reference.calls import JobCalls
from conformance.reference.commitments import Committer
from conformance.reference.dicom_steps import ModalityGetter, ModalityMover, ModalitySender
from conformance.reference.engine import Engine
from conformance.reference.persistence import JobStore
from conformance.reference.registry import Registry
from conformance.reference.rewriting import Merger, Modifier, Splitter
from conformance.reference.steps import StepSender
from conformance.reference.submission import SubmissionReader
from conformance.reference.transfers.api import TransfersApi
from conformance.reference.transfers.pulling import Puller
from conformance.reference.transfers.pushing import Pusher
from conformance.reference.transfers.receiving import ReceivingApi


@dataclass(frozen=True, slots=True)
class Parts:
    """Which class plays each role. The defaults are the server without any fault."""

    registry: type[Registry] = Registry
    engine: type[Engine] = Engine
    store: type[JobStore] = JobStore
    answers: type[JobAnswers] = JobAnswers
    reader: type[SubmissionReader] = SubmissionReader
    calls: type[JobCalls] = JobCalls
    peer_sender: type[StepSender] = StepSender
    sender: type[ModalitySender] = ModalitySender
    mover: type[ModalityMover] = ModalityMover
    getter: type[ModalityGetter] = ModalityGetter
    committer: type[Committer] = Committer
    modifier: type[Modifier] = Modifier
    splitter: type[Splitter] = Splitter
    merger: type[Merger] = Merger
    archiver: type[Archiver] = Archiver
    pusher: type[Pusher] = Pusher
    puller: type[Puller] = Puller
    transfers: type[TransfersApi] = TransfersApi
    receiving: type[ReceivingApi] = ReceivingApi
