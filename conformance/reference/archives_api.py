"""The calls that make archives and media."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from conformance.reference.bodies import boolean, read_json, text, texts
from conformance.reference.errors import ErrorCode, bad_request
from conformance.reference.levels import Level
from conformance.reference.routing import Route
from conformance.reference.selection import (
    LAST_STEP,
    instances_at,
    instances_of,
    once_each,
    steps_for,
)
from conformance.reference.tasks.archives import Archive, Media
from conformance.reference.transcoding import read_syntax, transcoded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from conformance.reference.calls import JobCalls
    from conformance.reference.dicom import Instance
    from conformance.reference.releases import Release
    from conformance.reference.storage import Storage
    from conformance.reference.submission import SubmissionReader

    Endpoint = Callable[[Request], Awaitable[Response]]
    Kind = Callable[..., Archive]

_NEWER = "1.12.7"  # whose archives have the names that they are asked for
_KINDS: dict[str, Kind] = {"archive": Archive, "media": Media}


class ArchivesApi:
    """The calls of this family; each POST submits one job (the forms: Orthanc 1.10.1)."""

    def __init__(
        self, calls: JobCalls, storage: Storage, reader: SubmissionReader, release: Release
    ) -> None:
        self._is_newer = release.is_from(_NEWER)
        self._calls = calls
        self._storage = storage
        self._reader = reader

    def routes(self) -> list[Route]:
        """The routes."""
        extended = self._of_any(partial(Media, extended=True))
        routes = [Route("/tools/create-media-extended", extended, methods=["POST"])]
        for word, kind in _KINDS.items():
            several = f"/tools/create-{word}"
            routes.append(Route(several, self._of_any(kind), methods=["POST"]))
            if self._is_newer:
                routes.append(Route(several, self._download_any(kind), methods=["GET"]))
            for level in (Level.PATIENT, Level.STUDY, Level.SERIES):
                path = f"{level.path}{{id}}/{word}"
                routes.append(Route(path, self._of_one(level, kind), methods=["POST"]))
                routes.append(Route(path, self._download(level, kind), methods=["GET"]))
        return routes

    def _of_one(self, level: Level, kind: Kind) -> Endpoint:
        async def create(request: Request) -> Response:
            instances = instances_at(self._storage, level, request.path_params["id"])
            value = await read_json(request)
            fields = value if isinstance(value, dict) else {}  # as on Orthanc: any JSON will do
            named = [request.path_params["id"]]
            return await self._answer(request, kind, instances, fields, named)

        return create

    def _of_any(self, kind: Kind) -> Endpoint:
        async def create(request: Request) -> Response:
            value = await read_json(request)
            fields = {"Resources": value} if isinstance(value, list) else value
            if not isinstance(fields, dict):
                raise bad_request("The body must be an object, or an array of identifiers")
            listed = texts(fields, "Resources")
            instances = [each for one in listed for each in instances_of(self._storage, one)]
            return await self._answer(request, kind, instances, fields, listed)

        return create

    def _download(self, level: Level, kind: Kind) -> Endpoint:
        async def download(request: Request) -> Response:
            instances = instances_at(self._storage, level, request.path_params["id"])
            query = request.query_params
            syntax = read_syntax(query.get("transcode"), ErrorCode.PARAMETER_OUT_OF_RANGE)
            fields: dict[str, object] = {"Transcode": syntax} if syntax else {}
            fields["Extended"] = "extended" in query
            fields |= {"Filename": query["filename"]} if "filename" in query else {}
            named = [request.path_params["id"]]
            return await self._answer(request, kind, instances, fields, named)

        return download

    def _download_any(self, kind: Kind) -> Endpoint:
        """Of what the query lists."""

        async def download(request: Request) -> Response:
            query = request.query_params
            if "resources" not in query:
                raise bad_request("Missing resources argument", ErrorCode.BAD_REQUEST)
            listed = query["resources"].split(",")
            syntax = read_syntax(query.get("transcode"), ErrorCode.PARAMETER_OUT_OF_RANGE)
            fields: dict[str, object] = {"Resources": listed}
            fields |= {"Transcode": syntax} if syntax else {}
            fields |= {"Filename": query["filename"]} if "filename" in query else {}
            instances = [each for one in listed for each in instances_of(self._storage, one)]
            return await self._answer(request, kind, instances, fields, listed)

        return download

    async def _answer(
        self,
        request: Request,
        kind: Kind,
        instances: list[Instance],
        fields: dict[str, object],
        named: list[str],
    ) -> Response:
        """Submit the job that `fields` asks for. Raises `RestError` (400, or its error)."""
        steps = (*steps_for(once_each(instances)), LAST_STEP)
        task = kind(
            steps,
            transcode=read_syntax(fields.get("Transcode"), ErrorCode.PARAMETER_OUT_OF_RANGE),
            parents=tuple(sorted(set(named))) if self._is_newer else (),
            numbered=self._is_newer,
            priority=self._reader.priority(fields),
            user_data=self._reader.user_data(fields),
        )
        single = named[0] if len(named) == 1 and "Resources" not in fields else "Archive"
        filename = text(fields, "Filename", f"{single}.zip") if self._is_newer else f"{single}.zip"
        if self._is_newer:
            task = replace(task, filename=filename)
        if task.transcode:
            files = {each.id: transcoded(each.file, task.transcode) for each in instances}
            sized = (replace(each, size=len(files.get(each.item, b""))) for each in task.steps)
            task = replace(task, steps=tuple(sized))
        if isinstance(task, Media):
            task = replace(task, extended=boolean(fields, "Extended", task.extended))
        return await self._calls.archive(request, task, self._reader.synchronous(fields), filename)
