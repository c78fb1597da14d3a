"""Our side of DICOM: an association with a modality, and what can be asked over it.

pynetdicom is imported when the first association is made, for it takes its time.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.reference import dicom
from conformance.reference.levels import Level
from conformance.reference.transcoding import ALIKE, transcoded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pydicom.dataset import Dataset

    from conformance.reference.dicom import Instance
    from conformance.reference.modalities import Modality

_SUCCESS = 0x0000
_PENDING = frozenset({0xFF00, 0xFF01})
_WARNINGS = frozenset({0x0001, 0x0107, 0x0116}) | frozenset(range(0xB000, 0xC000))
_MOST_CONTEXTS = 128
_SERVICES = {"Find": 1, "Move": 2, "Get": 3}
_NAMES = {Level.INSTANCE: "IMAGE"}
COMMITMENT, _COMMITMENT_INSTANCE = "1.2.840.10008.1.20.1", "1.2.840.10008.1.20.1.1"
_ALL_STORED, _NOT_ALL_STORED = 1, 2  # the types of the event
_UNCOMPRESSED = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1")


class DicomError(Exception):
    """The modality cannot be reached, does not answer, or says no; the message is for people."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: `aet`, and how many seconds a modality may take to answer, 0 = no limit."""

    aet: str
    timeout: int

    def calling(self, modality: Modality) -> Caller:
        """The same, as `modality` wants to be called."""
        return Caller(modality.local_aet or self.aet, modality.timeout or self.timeout)


@contextmanager
def association(
    caller: Caller,
    modality: Modality,
    contexts: Iterable[tuple[str, tuple[str, ...]]],
    **negotiated: Any,
) -> Iterator[Any]:
    """An association with `modality`, released at the end. Raises `DicomError`.

    `contexts`: what it is for, each an abstract syntax with its transfer syntaxes; `negotiated`:
    what is agreed on beside them, as pynetdicom takes it.
    """
    from pynetdicom import AE, build_context
    from pynetdicom.presentation import PresentationContext

    entity = AE(ae_title=caller.aet)
    timeout = caller.timeout or None
    entity.acse_timeout = entity.dimse_timeout = entity.connection_timeout = timeout
    entity.network_timeout = None  # a step may be held: only the time to answer counts
    wanted: list[PresentationContext] = [
        build_context(abstract, list(syntaxes)) for abstract, syntaxes in contexts
    ]
    try:
        opened = entity.associate(
            modality.host,
            modality.port,
            wanted[:_MOST_CONTEXTS],
            ae_title=modality.aet,
            **negotiated,
        )
    except (OSError, ValueError, TypeError) as error:
        raise DicomError(f"association with {modality.aet}: {error}") from error
    _asks_only(opened)
    if not opened.is_established:
        why = "rejected" if opened.is_rejected else "no connection"
        raise DicomError(f"association with {modality.aet}: {why}")
    try:
        yield opened
    finally:
        if opened.is_established:
            opened.release()


def _asks_only(opened: Any) -> None:
    """Nobody asks us anything over this association.

    The thread that pynetdicom (3.0.4) has look for requests may take an answer off the queue, on a
    busy machine, before the method that waits for it: it is told that there is none. The gate of
    the kit does the same, of which this server knows nothing.
    """
    read = opened.dimse.get_msg
    opened.dimse.get_msg = lambda block=False: read(block) if block else (None, None)


def echo(caller: Caller, modality: Modality) -> None:
    """C-ECHO. Raises `DicomError`."""
    with association(caller, modality, [("1.2.840.10008.1.1", _UNCOMPRESSED)]) as opened:
        _check("C-ECHO", modality, opened.send_c_echo())


def store_contexts(instances: Iterable[Instance]) -> list[tuple[str, tuple[str, ...]]]:
    """What an association must be for that `instances` are to be sent over."""
    pairs = dict.fromkeys((each.sop_class_uid, each.transfer_syntax) for each in instances)
    own = [(sop_class, (syntax,)) for sop_class, syntax in pairs if syntax not in _UNCOMPRESSED]
    plain = [(sop_class, _UNCOMPRESSED) for sop_class, syntax in pairs if syntax in ALIKE]
    return list(dict.fromkeys([*own, *plain]))


def store(opened: Any, modality: Modality, instance: Instance, **originator: Any) -> None:
    """C-STORE, in a syntax that the modality takes, if that can be done. Raises `DicomError`."""
    taken = {
        str(each.transfer_syntax[0])
        for each in opened.accepted_contexts
        if each.abstract_syntax == instance.sop_class_uid and each.transfer_syntax
    }
    plain = taken.intersection(_UNCOMPRESSED)  # between these pynetdicom converts by itself
    try:
        file = instance.file
        if instance.transfer_syntax not in (*taken, *_UNCOMPRESSED) and plain:
            file = transcoded(file, plain.pop())
        dataset = dicom.decode(file)
        status = opened.send_c_store(dataset, **originator)
    except (RuntimeError, *dicom.FILE_ERRORS) as error:
        raise DicomError(f"C-STORE to {modality.aet}: {error}") from error
    _check("C-STORE", modality, status)


def new_transaction() -> str:
    """The UID of a storage commitment that is to be asked for."""
    from pydicom.uid import generate_uid

    return str(generate_uid(prefix=None))


def ask_for_commitment(
    caller: Caller, modality: Modality, transaction: str, references: Iterable[tuple[str, str]]
) -> None:
    """N-ACTION: ask `modality` to commit itself to keep instances, each a class and a UID.

    Raises `DicomError`.
    """
    from pydicom.dataset import Dataset

    asked = Dataset()
    asked.TransactionUID = transaction
    asked.ReferencedSOPSequence = [_reference(*each) for each in references]
    with association(caller, modality, [(COMMITMENT, _UNCOMPRESSED)]) as opened:
        try:
            status, _ = opened.send_n_action(asked, 1, COMMITMENT, _COMMITMENT_INSTANCE)
        except (RuntimeError, *dicom.FILE_ERRORS) as error:
            raise DicomError(f"N-ACTION to {modality.aet}: {error}") from error
        _check("N-ACTION", modality, status)


def report_commitment(
    caller: Caller,
    modality: Modality,
    transaction: str,
    stored: list[tuple[str, str]],
    failed: list[tuple[str, str, int]],
) -> None:
    """N-EVENT-REPORT: what is stored of that which `modality` has asked about, and what is not.

    What has failed has its reason beside class and UID. Raises `DicomError`.
    """
    from pydicom.dataset import Dataset
    from pynetdicom import build_role

    told = Dataset()
    told.TransactionUID = transaction
    told.ReferencedSOPSequence = [_reference(*each) for each in stored]
    if failed:
        told.FailedSOPSequence = [_reference(*each) for each in failed]
    role = build_role(COMMITMENT, scp_role=True)
    event = _NOT_ALL_STORED if failed else _ALL_STORED
    contexts = [(COMMITMENT, _UNCOMPRESSED)]
    with association(caller, modality, contexts, ext_neg=[role]) as opened:
        try:
            status, _ = opened.send_n_event_report(told, event, COMMITMENT, _COMMITMENT_INSTANCE)
        except (RuntimeError, ValueError, *dicom.FILE_ERRORS) as error:
            raise DicomError(f"N-EVENT-REPORT to {modality.aet}: {error}") from error
        _check("N-EVENT-REPORT", modality, status)


def _reference(sop_class: str, uid: str, reason: int | None = None) -> Dataset:
    """An instance as a storage commitment names it."""
    from pydicom.dataset import Dataset

    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, uid
    if reason is not None:
        item.FailureReason = reason
    return item


def find(
    caller: Caller, modality: Modality, level: Level, query: dict[str, str]
) -> list[dict[str, str]]:
    """C-FIND: the answers, each by keyword. Raises `DicomError`."""
    model = _model(level, "Find")
    with association(caller, modality, [(model, _UNCOMPRESSED)]) as opened:
        answers = []
        try:
            for status, answer in opened.send_c_find(_identifier(level, query), model):
                if status.get("Status") in _PENDING and answer is not None:
                    answers.append({each.keyword: dicom.as_text(each.value) for each in answer})
                elif status.get("Status") not in _PENDING:
                    _check("C-FIND", modality, status)
        except (RuntimeError, *dicom.FILE_ERRORS) as error:
            raise DicomError(f"C-FIND to {modality.aet}: {error}") from error
        return answers


def move(caller: Caller, modality: Modality, query: dict[str, str], target: str) -> int:
    """C-MOVE of one answer of a query to the AET `target`; its final status.

    Raises `DicomError` when there is none.
    """
    level = level_of(query["QueryRetrieveLevel"])
    model = _model(level, "Move")
    with association(caller, modality, [(model, _UNCOMPRESSED)]) as opened:
        answers = opened.send_c_move(_identifier(level, query), target, model)
        return _final("C-MOVE", modality, answers)


def get(
    caller: Caller,
    modality: Modality,
    query: dict[str, str],
    take: Callable[[Any], int],
    named: tuple[str, ...] = (),
) -> int:
    """C-GET of one answer of a query; its final status.

    `named`: the SOP classes that it is for; without any, for many. `take` is given each instance
    that comes, as pynetdicom's event of it, and says the status that answers it. Raises
    `DicomError` when there is no final status.
    """
    from pynetdicom import StoragePresentationContexts, build_role, evt

    level = level_of(query["QueryRetrieveLevel"])
    model = _model(level, "Get")
    classes = named or tuple(str(each.abstract_syntax) for each in StoragePresentationContexts)
    contexts = [(each, _UNCOMPRESSED) for each in (model, *classes[: _MOST_CONTEXTS - 1])]
    roles = [build_role(each, scp_role=True) for each, _ in contexts[1:]]
    handlers = [(evt.EVT_C_STORE, take)]
    with association(caller, modality, contexts, ext_neg=roles, evt_handlers=handlers) as opened:
        return _final("C-GET", modality, opened.send_c_get(_identifier(level, query), model))


def _final(what: str, modality: Modality, answers: Iterable[tuple[Dataset, object]]) -> int:
    """The last of the statuses that answer a retrieval. Raises `DicomError` without one."""
    try:
        for status, _ in answers:
            if "Status" not in status:
                raise DicomError(f"{what} to {modality.aet}: no answer")
            if status.Status not in _PENDING:
                return int(status.Status)
    except (RuntimeError, ValueError, *dicom.FILE_ERRORS) as error:
        raise DicomError(f"{what} to {modality.aet}: {error}") from error
    raise DicomError(f"{what} to {modality.aet}: no final answer")


def level_name(level: Level) -> str:
    """A level as DICOM spells it."""
    return _NAMES.get(level, level.upper())


def level_of(name: str) -> Level:
    """The level that DICOM spells so."""
    return Level.INSTANCE if name == "IMAGE" else Level(name.lower())


def _identifier(level: Level, query: dict[str, str]) -> Dataset:
    """`query` as a data set."""
    from pydicom.dataset import Dataset

    identifier = Dataset()
    for keyword, text in query.items():
        identifier.add(dicom.element(keyword, text))
    identifier.QueryRetrieveLevel = level_name(level)
    return identifier


def _model(level: Level, what: str) -> str:
    """The information model: of patients only for a patient, else of studies, as by Orthanc."""
    root = 1 if level is Level.PATIENT else 2
    return f"1.2.840.10008.5.1.4.1.2.{root}.{_SERVICES[what]}"


def _check(what: str, modality: Modality, status: Dataset) -> None:
    """Raises `DicomError` when `status` is neither success nor a warning."""
    if "Status" not in status:
        raise DicomError(f"{what} to {modality.aet}: no answer")
    if status.Status != _SUCCESS and status.Status not in _WARNINGS:
        raise DicomError(f"{what} to {modality.aet}: DIMSE status 0x{status.Status:04X}")
