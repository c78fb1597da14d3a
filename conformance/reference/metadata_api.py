"""The metadata of resources: what the server knows of them, and what clients have written."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.responses import Response

from conformance.reference import metadata
from conformance.reference.answers import empty_answer, json_answer, text_answer
from conformance.reference.errors import ErrorCode, not_found
from conformance.reference.levels import Level
from conformance.reference.routing import Route
from conformance.reference.selection import instances_at

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from conformance.reference.dicom import Instance
    from conformance.reference.storage import Storage

    Endpoint = Callable[[Request], Awaitable[Response]]

_OF_CLIENTS = range(1024, 65536)  # what they write is named by these numbers
_KNOWN = {
    *("AnonymizedFrom", "CalledAET", "ExpectedNumberOfInstances", "HttpUsername", "IndexInSeries"),
    *("LastUpdate", "ModifiedFrom", "Origin", "ReceptionDate", "RemoteAET", "RemoteIP"),
    *("SopClassUid", "TransferSyntax"),
}


class MetadataApi:
    """These calls, at each level (the forms: Orthanc 1.10.1)."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def routes(self) -> list[Route]:
        """The routes."""
        routes = []
        for level in Level:
            path = f"{level.path}{{id}}/metadata"
            one = self._one(level)
            routes.append(Route(path, self._list(level), methods=["GET"]))
            routes.append(Route(f"{path}/{{name}}", one, methods=["GET", "PUT", "DELETE"]))
        return routes

    def _list(self, level: Level) -> Endpoint:
        async def show(request: Request) -> Response:
            instances = self._instances(level, request)
            own = self._storage.notes.metadata(instances[0].at(level))
            told = {name: value.decode(errors="replace") for name, value in own.items()}
            known = dict(sorted({**metadata.of(level, instances), **told}.items()))
            return json_answer(known if "expand" in request.query_params else list(known))

        return show

    def _one(self, level: Level) -> Endpoint:
        async def call(request: Request) -> Response:
            value = await request.body()
            instances = self._instances(level, request)
            name = request.path_params["name"]
            resource, notes = instances[0].at(level), self._storage.notes
            if not (name.isascii() and name.isdigit()) and name not in _KNOWN:
                raise not_found("")
            if request.method == "GET":
                return _shown(name, metadata.of(level, instances), notes.metadata(resource))
            if name in _KNOWN or int(name) not in _OF_CLIENTS:
                return empty_answer(HTTPStatus.FORBIDDEN)
            if request.method == "PUT":
                notes.tell(level, resource, name, value)
            elif name in notes.metadata(resource):
                notes.untell(level, resource, name)
            else:
                raise not_found("There is no such metadata", ErrorCode.UNKNOWN_RESOURCE)
            return text_answer()

        return call

    def _instances(self, level: Level, request: Request) -> list[Instance]:
        """Those of what the path names. Raises `RestError` (404)."""
        return instances_at(self._storage, level, request.path_params["id"])


def _shown(name: str, known: dict[str, str], own: dict[str, bytes]) -> Response:
    """Metadata of this `name`: what the server knows, or what is a client's `own`."""
    if name in own:
        return Response(own[name], headers={"Content-Type": "text/plain"})
    return text_answer(known[name]) if name in known else empty_answer(HTTPStatus.NOT_FOUND)
