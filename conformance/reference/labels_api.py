"""The labels of resources, which Orthanc has from 1.12.0 on."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from conformance.reference.answers import empty_answer, json_answer, text_answer
from conformance.reference.errors import ErrorCode, bad_request
from conformance.reference.levels import Level
from conformance.reference.routing import Route
from conformance.reference.selection import instances_at

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from conformance.reference.storage import Storage

    Endpoint = Callable[[Request], Awaitable[Response]]

_LABEL = re.compile(r"[A-Za-z0-9_-]{1,64}")


class LabelsApi:
    """These calls, at each level."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def routes(self) -> list[Route]:
        """The routes."""
        routes = []
        for level in Level:
            path = f"{level.path}{{id}}/labels"
            one = self._one(level)
            routes.append(Route(path, self._list(level), methods=["GET"]))
            routes.append(Route(f"{path}/{{label}}", one, methods=["GET", "PUT", "DELETE"]))
        return routes

    def _list(self, level: Level) -> Endpoint:
        async def show(request: Request) -> Response:
            return json_answer(self._storage.notes.labels(self._resource(level, request)))

        return show

    def _one(self, level: Level) -> Endpoint:
        async def call(request: Request) -> Response:
            resource, label = self._resource(level, request), request.path_params["label"]
            if not _LABEL.fullmatch(label):
                details = "A label has 1 to 64 letters, digits, - and _"
                raise bad_request(details, ErrorCode.PARAMETER_OUT_OF_RANGE)
            if request.method == "PUT":
                self._storage.notes.label(resource, [label])
            elif request.method == "DELETE":
                self._storage.notes.unlabel(resource, label)
            elif label not in self._storage.notes.labels(resource):
                return empty_answer(HTTPStatus.NOT_FOUND)
            return text_answer()

        return call

    def _resource(self, level: Level, request: Request) -> str:
        """What the path names. Raises `RestError` (404)."""
        return instances_at(self._storage, level, request.path_params["id"])[0].at(level)
