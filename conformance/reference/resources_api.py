"""Browsing and removing: patients, studies and series, and what is above and below each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.answers import empty_answer, json_answer
from conformance.reference.bodies import number_in_query
from conformance.reference.descriptions import describe
from conformance.reference.levels import Level
from conformance.reference.routing import Route
from conformance.reference.selection import instances_at

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from conformance.reference.dicom import Instance
    from conformance.reference.storage import Storage

    Endpoint = Callable[[Request], Awaitable[Response]]


class ResourcesApi:
    """The calls about patients, studies and series (the forms: Orthanc 1.10.1)."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def routes(self) -> list[Route]:
        """The routes."""
        routes = []
        for level in Level:
            routes.append(Route(f"/{level.collection}", self._list(level), methods=["GET"]))
            one = f"{level.path}{{id}}"
            routes.append(Route(one, self._show(level), methods=["GET"]))
            routes.append(Route(one, self._delete(level), methods=["DELETE"]))
            for other in Level:
                if other in level.own_and_above[1:]:
                    path, endpoint = f"{one}/{other}", self._above(level, other)
                elif level in other.own_and_above[1:]:
                    path, endpoint = f"{one}/{other.collection}", self._below(level, other)
                else:
                    continue
                routes.append(Route(path, endpoint, methods=["GET"]))
        return routes

    def _list(self, level: Level) -> Endpoint:
        async def list_all(request: Request) -> Response:
            found = _page(self._storage.ids_at(level), request)
            if "expand" in request.query_params:
                chosen = [each for each in self._storage.all() if each.at(level) in found]
                return json_answer(self._described(level, chosen))
            return json_answer(list(found))

        return list_all

    def _show(self, level: Level) -> Endpoint:
        async def show(request: Request) -> Response:
            instances = self._storage.at(level, request.path_params["id"])
            return json_answer(describe(level, instances)) if instances else empty_answer(404)

        return show

    def _above(self, level: Level, above: Level) -> Endpoint:
        async def show_above(request: Request) -> Response:
            identifier = self._named(level, request)[0].at(above)
            return json_answer(describe(above, self._storage.at(above, identifier)))

        return show_above

    def _below(self, level: Level, below: Level) -> Endpoint:
        async def list_below(request: Request) -> Response:
            return json_answer(self._described(below, self._named(level, request)))

        return list_below

    def _delete(self, level: Level) -> Endpoint:
        async def delete(request: Request) -> Response:
            instances = self._storage.at(level, request.path_params["id"])
            if not instances:
                return empty_answer(404)
            for instance in instances:
                self._storage.remove(instance.id)
            ancestor = self._storage.remaining_ancestor(instances[0])
            return json_answer({"RemainingAncestor": ancestor})

        return delete

    def _described(self, level: Level, instances: list[Instance]) -> list[dict[str, object]]:
        """What `instances` belong to at `level`, each described once."""
        groups: dict[str, list[Instance]] = {}
        for instance in instances:
            groups.setdefault(instance.at(level), []).append(instance)
        return [describe(level, group) for group in groups.values()]

    def _named(self, level: Level, request: Request) -> list[Instance]:
        """The instances of what the path names. Raises `RestError` (404)."""
        return instances_at(self._storage, level, request.path_params["id"])


def _page(identifiers: list[str], request: Request) -> dict[str, None]:
    """Those that the caller wants of these, by ``since`` and ``limit``. Raises `RestError`."""
    since, limit = number_in_query(request, "since", 0), number_in_query(request, "limit", 0)
    chosen = identifiers[since : since + limit] if limit else identifiers[since:]
    return dict.fromkeys(chosen)
