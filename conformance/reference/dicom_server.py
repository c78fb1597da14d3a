"""The DICOM side of the server: C-ECHO, C-STORE, C-FIND, C-MOVE, C-GET, storage commitment.

It is there when the configuration names a DicomPort. A C-MOVE sends to ourselves, or to a modality
that is registered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.reference import associations, dicom
from conformance.reference.config import ConfigError
from conformance.reference.job import Step
from conformance.reference.levels import Level
from conformance.reference.matching import asks_for_like_uids, matches
from conformance.reference.modalities import Modality
from conformance.reference.selection import steps_for
from conformance.reference.taking import taken
from conformance.reference.tasks.commitments import Commitment
from conformance.reference.tasks.stores import ModalityStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pydicom.dataset import Dataset
    from pynetdicom.events import Event

    from conformance.reference.commitments import Commitments
    from conformance.reference.config import Config
    from conformance.reference.dicom import Instance
    from conformance.reference.job import Task
    from conformance.reference.storage import Storage

_SUCCESS, _PENDING, _PROCESSING_FAILURE, _UNABLE = 0x0000, 0xFF00, 0x0110, 0xC000
_MODALITIES = "ModalitiesInStudy"
_MODELS = (1, 2)  # of patients, of studies


class DicomServer:
    """Listens on the DicomPort of `config` until it is closed; without one it does nothing.

    `commitments`: what we have asked modalities for; `submit` makes a job of a task.
    Raises `ConfigError` when the port is not free.
    """

    def __init__(
        self,
        host: str,
        config: Config,
        storage: Storage,
        modalities: Mapping[str, Modality],
        commitments: Commitments,
        submit: Callable[[Task], None],
    ) -> None:
        self._storage = storage
        self._modalities = modalities
        self._commitments = commitments
        self._submit = submit
        self._aet = config.dicom_aet
        self._synchronous = config.synchronous_c_move
        self._server: Any = None
        if config.dicom_port is not None:
            self._server = self._listen(host, config.dicom_port)

    @property
    def port(self) -> int | None:
        """Where it listens; None if it does not."""
        return None if self._server is None else int(self._server.server_address[1])

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.shutdown()

    def _listen(self, host: str, port: int) -> Any:
        from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, evt

        entity = AE(ae_title=self._aet)
        entity.add_supported_context("1.2.840.10008.1.1")
        for context in AllStoragePresentationContexts:
            entity.add_supported_context(
                str(context.abstract_syntax), ALL_TRANSFER_SYNTAXES, scu_role=True, scp_role=True
            )
        for root in _MODELS:
            entity.add_supported_context(f"1.2.840.10008.5.1.4.1.2.{root}.1")
            entity.add_supported_context(f"1.2.840.10008.5.1.4.1.2.{root}.2")
            entity.add_supported_context(f"1.2.840.10008.5.1.4.1.2.{root}.3")
        entity.add_supported_context(associations.COMMITMENT, scu_role=True, scp_role=True)
        handlers: list[Any] = [
            (evt.EVT_C_STORE, self.on_store),
            (evt.EVT_C_FIND, self.on_find),
            (evt.EVT_C_MOVE, self.on_move),
            (evt.EVT_C_GET, self.on_get),
            (evt.EVT_N_ACTION, self.on_action),
            (evt.EVT_N_EVENT_REPORT, self.on_event_report),
        ]
        try:
            return entity.start_server((host, port), block=False, evt_handlers=handlers)
        except OSError as error:
            raise ConfigError(f"DicomPort: cannot listen on {port}: {error.strerror}") from error

    def on_store(self, event: Event) -> int:
        """C-STORE: keep the instance."""
        caller = event.assoc.requestor
        title = str(caller.ae_title).strip()
        return taken(self._storage, event, caller.address or "", title, self._aet)

    def on_find(self, event: Event) -> Iterator[tuple[int, Dataset | None]]:
        """C-FIND: what matches, each with the tags that were asked for."""
        from pydicom.dataset import Dataset

        asked = event.identifier
        level = associations.level_of(str(asked.get("QueryRetrieveLevel", "")).strip())
        wanted = {each.keyword: dicom.as_text(each.value) for each in asked if each.keyword}
        if asks_for_like_uids(wanted):
            yield _UNABLE, None
            return
        modalities = set(wanted.get(_MODALITIES, "").split("\\")) - {""}
        for instance in self._matching(level, wanted):
            answer, has = Dataset(), self._modalities_in(instance.study)
            if modalities and not modalities & set(has):
                continue
            if _MODALITIES in wanted:
                answer.ModalitiesInStudy = has
            for keyword in wanted.keys() & dicom.SHOWN_TAGS:
                answer.add(dicom.element(keyword, instance.tags.get(keyword, "")))
            answer.SpecificCharacterSet = "ISO_IR 192"
            answer.QueryRetrieveLevel = associations.level_name(level)
            answer.RetrieveAETitle = self._aet
            yield _PENDING, answer

    def _modalities_in(self, study: str) -> list[str]:
        """Of which kinds the series of a study are."""
        series = self._storage.at(Level.STUDY, study)
        return sorted({each.tags.get("Modality", "") for each in series} - {""})

    def on_move(self, event: Event) -> Iterator[Any]:
        """C-MOVE: send what matches to the AET that is named, or have a job do it."""
        from pynetdicom import build_context

        found = self._named(event.identifier)
        target = self._target((event.move_destination or "").strip())
        if target is None or not found:
            yield None, None  # a failure, also where nothing matches (as on Orthanc)
            return
        if not self._synchronous:
            self._submit(self._sending(event, target, found))
            yield "", 0  # nobody is called here, because
            yield 0  # there is nothing to send
            return
        contexts = [build_context(a, list(t)) for a, t in associations.store_contexts(found)]
        yield target.host, target.port, {"contexts": contexts}
        yield len(found)
        for instance in found:
            yield _PENDING, dicom.decode(instance.file)

    def _sending(self, event: Event, target: Modality, found: list[Instance]) -> Task:
        """What a job is to do for a C-MOVE that does not wait for it."""
        return ModalityStore(
            steps_for(found),
            target,
            self._aet,
            move_originator_aet=str(event.assoc.requestor.ae_title).strip(),
            move_originator_id=event.request.MessageID,
            description="C-MOVE",
        )

    def on_get(self, event: Event) -> Iterator[Any]:
        """C-GET: send what matches over the same association."""
        found = self._named(event.identifier, strict=True)
        yield len(found) or 1
        for instance in found:
            yield _PENDING, dicom.decode(instance.file)
        if not found:
            yield _UNABLE, None

    def _named(self, asked: Dataset, strict: bool = False) -> list[Instance]:
        """The instances that a C-MOVE or a C-GET asks for.

        As on Orthanc, by the identifiers at its level alone, of which there may be several; where
        no level is named, it is the lowest of which there are any. `strict`, as for a C-GET: a
        level has to be named, and what one identifier lacks is not given for the others either.
        """
        name = str(asked.get("QueryRetrieveLevel", "")).strip()
        any_level = not name and not strict
        for level in Level:
            wanted = set(dicom.as_text(asked.get(level.keyword, "")).split("\\")) - {""}
            if wanted and (any_level or name == associations.level_name(level)):
                every = self._storage.all()
                found = [one for one in every if one.tags.get(level.keyword) in wanted]
                known = {one.tags[level.keyword] for one in found}
                return [] if strict and known != wanted else found
        return []

    def on_action(self, event: Event) -> tuple[int, None]:
        """N-ACTION: a modality that is registered asks for a storage commitment; a job answers."""
        asked, caller = event.action_information, event.assoc.requestor
        modality = self._modality(str(caller.ae_title).strip())
        if modality is None:
            return _PROCESSING_FAILURE, None
        references = tuple(
            (str(each.ReferencedSOPClassUID), str(each.ReferencedSOPInstanceUID))
            for each in asked.get("ReferencedSOPSequence", [])
        )
        called = str(caller.primitive.called_ae_title).strip() if caller.primitive else ""
        transaction = str(asked.get("TransactionUID", ""))
        step = (Step(""),)
        self._submit(Commitment(step, modality, called, transaction, references, description=""))
        return _SUCCESS, None

    def on_event_report(self, event: Event) -> tuple[int, None]:
        """N-EVENT-REPORT: the answer to a storage commitment that we have asked for."""
        told = event.event_information
        stored, failed = (
            [
                (str(each.ReferencedSOPClassUID), str(each.ReferencedSOPInstanceUID), each)
                for each in told.get(sequence, [])
            ]
            for sequence in ("ReferencedSOPSequence", "FailedSOPSequence")
        )
        known = self._commitments.report(
            str(told.get("TransactionUID", "")),
            [each[:2] for each in stored],
            [(*each[:2], int(each[2].get("FailureReason", 0))) for each in failed],
        )
        return (_SUCCESS if known else _PROCESSING_FAILURE), None

    def _modality(self, aet: str) -> Modality | None:
        """The one that is registered by this title, if one is."""
        return next((each for each in list(self._modalities.values()) if each.aet == aet), None)

    def _target(self, aet: str) -> Modality | None:
        """Who listens by the title `aet`: we, or a modality; None for one that nobody knows."""
        if aet == self._aet and self._server is not None:
            host, port = self._server.server_address[:2]
            return Modality(aet, host, port)
        return self._modality(aet)

    def _matching(self, level: Level, wanted: Mapping[str, str]) -> list[Instance]:
        """An instance of each resource at `level` that matches."""
        found = {
            instance.at(level): instance
            for instance in reversed(self._storage.all())
            if matches(instance, wanted)
        }
        return list(reversed(found.values()))
