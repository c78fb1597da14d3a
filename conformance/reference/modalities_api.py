"""The calls below ``/modalities``: a C-STORE is a job, a C-FIND is answered at once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from conformance.reference import associations
from conformance.reference.answers import done_answer, empty_answer, json_answer, text_answer
from conformance.reference.bodies import (
    boolean,
    read_json,
    read_level,
    read_object,
    text,
    timeout,
)
from conformance.reference.errors import ErrorCode, RestError, bad_request
from conformance.reference.job import Step
from conformance.reference.modalities import (
    Modality,
    local_aet,
    modality_of,
    parse_modality,
    read_aet,
    read_target,
)
from conformance.reference.queries import Query, answer_template
from conformance.reference.routing import Route
from conformance.reference.selection import steps_of
from conformance.reference.tags import read_keys, read_replace
from conformance.reference.tasks.moves import ModalityGet, ModalityMove
from conformance.reference.tasks.stores import ModalityStore

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from conformance.reference.associations import Caller
    from conformance.reference.calls import JobCalls
    from conformance.reference.releases import Release
    from conformance.reference.storage import Storage
    from conformance.reference.submission import SubmissionReader

_NAMES_THE_MODALITY = "1.12.7"
_CALLS = ["configuration", "echo", "query", "storage-commitment", "store"]


class ModalitiesApi:
    """``/modalities`` and what is below (the forms: Orthanc 1.10.1).

    `modalities` and `queries` are the ones there are, by name and by identifier; `caller` is how
    we call ourselves.
    """

    def __init__(
        self,
        calls: JobCalls,
        storage: Storage,
        reader: SubmissionReader,
        caller: Caller,
        modalities: dict[str, Modality],
        queries: dict[str, Query],
        release: Release,
    ) -> None:
        self._release = release
        self._calls = calls
        self._storage = storage
        self._reader = reader
        self._caller = caller
        self._modalities = modalities
        self._queries = queries

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("/modalities/{name}/store", self._store, methods=["POST"]),
            *self._late(),
            Route("/modalities/{name}/query", self._query, methods=["POST"]),
            Route("/modalities/{name}/echo", self._echo, methods=["POST"]),
            Route("/modalities", self._list, methods=["GET"]),
            Route("/modalities/{name}", self._show, methods=["GET"]),
            Route("/modalities/{name}", self._put, methods=["PUT"]),
            Route("/modalities/{name}", self._delete, methods=["DELETE"]),
            Route("/modalities/{name}/configuration", self._configuration, methods=["GET"]),
        ]

    def _late(self) -> list[Route]:
        """What later releases do by a job."""
        if not self._release.is_from(_NAMES_THE_MODALITY):
            return [Route("/modalities/{name}/move", self._move_at_once, methods=["POST"])]
        return [
            Route("/modalities/{name}/move", self._move, methods=["POST"]),
            Route("/modalities/{name}/get", self._get, methods=["POST"]),
        ]

    async def _list(self, request: Request) -> Response:
        if "expand" in request.query_params:
            shown = {name: self._shown(each) for name, each in sorted(self._modalities.items())}
            return json_answer(shown)
        return json_answer(sorted(self._modalities))

    async def _show(self, request: Request) -> Response:
        if request.path_params["name"] not in self._modalities:
            return empty_answer(404)
        late = [route.path.rpartition("/")[2] for route in self._late()]
        return json_answer(sorted([*_CALLS, *late]))

    async def _configuration(self, request: Request) -> Response:
        return json_answer(self._shown(self._modality(request)))

    def _shown(self, modality: Modality) -> dict[str, object]:
        """The configuration of a modality: later releases name its way to retrieve."""
        shown = modality.configuration()
        if not self._release.is_from(_NAMES_THE_MODALITY):
            del shown["RetrieveMethod"]
        return shown

    async def _put(self, request: Request) -> Response:
        self._modalities[request.path_params["name"]] = parse_modality(await read_json(request))
        return text_answer()

    async def _delete(self, request: Request) -> Response:
        self._modality(request)
        del self._modalities[request.path_params["name"]]
        return text_answer()

    async def _echo(self, request: Request) -> Response:
        modality = self._modality(request)
        try:
            await asyncio.to_thread(associations.echo, self._caller.calling(modality), modality)
        except associations.DicomError as error:
            raise _no_answer(error) from error
        return done_answer()

    async def _store(self, request: Request) -> Response:
        modality = self._modality(request)
        fields = self._reader.store_fields(await request.body())
        if self._release.is_from(_NAMES_THE_MODALITY):
            modality = _renamed(modality, fields)
        resources = self._reader.resources(fields["Resources"])
        title = text(fields, "MoveOriginatorAet", self._caller.aet)
        number = _message_number(fields)
        task = ModalityStore(
            steps_of(self._storage, resources),
            modality,
            self._local_aet(fields, modality),
            resources,
            boolean(fields, "Permissive"),
            None if number is None else read_aet(title),
            number,
            timeout(fields),
            boolean(fields, "StorageCommitment"),
            priority=self._reader.priority(fields),
            user_data=self._reader.user_data(fields),
        )
        return await self._calls.answer(request, task, self._reader.synchronous(fields))

    async def _move(self, request: Request) -> Response:
        """A C-MOVE of what the call itself names."""
        fields = await read_object(request)
        named = self._retrieval(request, fields)
        target = read_target(fields, self._caller.aet)
        task = ModalityMove(**named, target_aet=target, shows_target=True)
        return await self._calls.answer(request, task, self._reader.synchronous(fields))

    async def _move_at_once(self, request: Request) -> Response:
        """The same before it was a job: it asks for one after the other, and waits."""
        modality, fields = self._modality(request), await read_object(request)
        target, seconds = read_target(fields, self._caller.aet), timeout(fields)
        caller = replace(self._caller.calling(modality), aet=self._local_aet(fields, modality))
        caller = caller if seconds is None else replace(caller, timeout=seconds)
        for query in _queries(fields):
            try:
                status = await asyncio.to_thread(associations.move, caller, modality, query, target)
            except associations.DicomError as error:
                raise _no_answer(error) from error
            if status != 0:
                details, code = f"DIMSE status 0x{status:04X}", ErrorCode.NETWORK_PROTOCOL
                raise RestError(HTTPStatus.UNPROCESSABLE_ENTITY, code, details)
        return done_answer()

    async def _get(self, request: Request) -> Response:
        """A C-GET of what the call itself names."""
        fields = await read_object(request)
        task = ModalityGet(**self._retrieval(request, fields))
        return await self._calls.answer(request, task, self._reader.synchronous(fields))

    def _retrieval(self, request: Request, fields: dict[str, object]) -> dict[str, Any]:
        """What a retrieval is to ask for, and of whom. Raises `RestError` (400, 404)."""
        modality = self._modality(request)
        queries = _queries(fields)
        return {
            "steps": tuple(Step(str(step)) for step in range(len(queries))),
            "modality": modality,
            "local_aet": self._local_aet(fields, modality),
            "queries": queries,
            "permissive": boolean(fields, "Permissive"),
            "timeout": timeout(fields),
            "priority": self._reader.priority(fields),
            "user_data": self._reader.user_data(fields),
        }

    async def _query(self, request: Request) -> Response:
        modality = self._modality(request)
        fields = await read_object(request)
        if "Level" not in fields:
            raise bad_request("Missing field: Level")
        level = read_level(text(fields, "Level", ""))
        try:
            asked = read_replace(fields, "Query")
        except RestError as error:  # an unknown tag is one here, too
            raise bad_request(error.details) from error
        local = read_aet(text(fields, "LocalAet", self._caller.calling(modality).aet))
        caller = replace(self._caller.calling(modality), aet=local)
        complete = answer_template(level) | asked if boolean(fields, "Normalize", True) else asked
        try:
            answers = await asyncio.to_thread(associations.find, caller, modality, level, complete)
        except associations.DicomError as error:
            raise _no_answer(error) from error
        name, seconds = request.path_params["name"], timeout(fields)
        query = Query(name, modality, level, asked, answers, caller, seconds)
        self._queries[query.id] = query
        return json_answer({"ID": query.id, "Path": f"/queries/{query.id}"})

    def _modality(self, request: Request) -> Modality:
        """The modality that the path names. Raises `RestError` (404)."""
        return modality_of(self._modalities, request.path_params["name"])

    def _local_aet(self, fields: dict[str, object], modality: Modality) -> str:
        """How we call ourselves there. Raises `RestError` (400)."""
        return local_aet(fields, self._caller.calling(modality).aet)


def _queries(fields: dict[str, object]) -> tuple[dict[str, str], ...]:
    """What a retrieval names, each by what a modality is asked for. Raises `RestError` (400)."""
    level, listed = fields.get("Level"), fields.get("Resources")
    if not isinstance(level, str) or not isinstance(listed, list):
        raise bad_request("The body must have a Level, and an array of Resources")
    name = associations.level_name(read_level(level))
    return tuple({"QueryRetrieveLevel": name, **read_keys(each)} for each in listed)


def _renamed(modality: Modality, fields: dict[str, object]) -> Modality:
    """`modality`, where and as the call names it. Raises `RestError` (400)."""
    names = {"CalledAet": "AET", "Host": "Host", "Port": "Port"}
    named = {known: fields[name] for name, known in names.items() if name in fields}
    return parse_modality({**modality.configuration(), **named}) if named else modality


def _message_number(fields: dict[str, object]) -> int | None:
    """The field MoveOriginatorID, if there is one. Raises `RestError` (400)."""
    value = fields.get("MoveOriginatorID")
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 0xFFFF:
        raise bad_request("MoveOriginatorID must be a whole number from 0 to 65535")
    return value


def _no_answer(error: associations.DicomError) -> RestError:
    return RestError(HTTPStatus.INTERNAL_SERVER_ERROR, ErrorCode.NETWORK_PROTOCOL, str(error))
