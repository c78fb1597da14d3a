"""The calls with which clients look around: find, lookup, changes, and the like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from pydicom.uid import generate_uid

from conformance.reference import clock
from conformance.reference.answers import json_answer, text_answer
from conformance.reference.bodies import (
    boolean,
    count,
    number_told,
    read_level,
    read_object,
    text,
    texts,
)
from conformance.reference.changes import KINDS
from conformance.reference.descriptions import describe
from conformance.reference.errors import ErrorCode, bad_request, not_found
from conformance.reference.levels import Level
from conformance.reference.matching import asks_for_like_uids, matches
from conformance.reference.routing import Route
from conformance.reference.tags import read_replace

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from conformance.reference.dicom import Instance
    from conformance.reference.releases import Release
    from conformance.reference.storage import Storage

_PAGE = 100  # changes that are answered where no other number is asked for
_NEWER = "1.12.7"  # the first release measured that tells First, and knows `type` and `to`


class ToolsApi:
    """These calls (the forms: Orthanc 1.10.1)."""

    def __init__(self, storage: Storage, release: Release) -> None:
        self._storage = storage
        self._release = release
        self._plugins = release.plugins

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("/tools/find", self._find, methods=["POST"]),
            Route("/tools/lookup", self._lookup, methods=["POST"]),
            Route("/tools/bulk-delete", self._bulk_delete, methods=["POST"]),
            Route("/tools/now", self._now, methods=["GET"]),
            Route("/tools/generate-uid", self._generate_uid, methods=["GET"]),
            Route("/changes", self._changes, methods=["GET"]),
            Route("/changes", self._clear_changes, methods=["DELETE"]),
            Route("/exports", self._exports, methods=["GET"]),
            Route("/plugins", self._list_plugins, methods=["GET"]),
            Route("/plugins/{name}", self._plugin, methods=["GET"]),
        ]

    async def _find(self, request: Request) -> Response:
        fields = await read_object(request)
        _need(fields, "Level", str, "a string")
        _need(fields, "Query", dict, "a JSON object")
        level = read_level(text(fields, "Level", ""))
        wanted = read_replace(fields, "Query", ErrorCode.BAD_REQUEST)
        if asks_for_like_uids(wanted):
            raise bad_request("No wildcard in a UID", ErrorCode.PARAMETER_OUT_OF_RANGE)
        case = boolean(fields, "CaseSensitive")
        since, limit = count(fields, "Since"), count(fields, "Limit")
        found = [
            group
            for group in self._groups(level).values()
            if any(matches(each, wanted, case=case, known=False) for each in group)
        ][since:]
        found = found[:limit] if limit else found
        if boolean(fields, "Expand"):
            return json_answer([describe(level, group) for group in found])
        return json_answer([group[0].at(level) for group in found])

    def _groups(self, level: Level) -> dict[str, list[Instance]]:
        """All that there is at `level`, each with its instances."""
        groups: dict[str, list[Instance]] = {}
        for instance in self._storage.all():
            groups.setdefault(instance.at(level), []).append(instance)
        return groups

    async def _lookup(self, request: Request) -> Response:
        name = (await request.body()).decode("utf-8", errors="replace").strip()
        found = [
            {"ID": identifier, "Path": f"{level.path}{identifier}", "Type": level.shown}
            for level in reversed(Level)
            for identifier, (first, *_) in self._groups(level).items()
            if first.tags.get(level.keyword) == name
        ]
        return json_answer(found)

    async def _bulk_delete(self, request: Request) -> Response:
        for resource in texts(await read_object(request), "Resources"):
            for instance in self._storage.below(resource) or []:
                self._storage.remove(instance.id)
        return text_answer()

    async def _now(self, request: Request) -> Response:
        return text_answer(f"{clock.now():%Y%m%dT%H%M%S}")

    async def _generate_uid(self, request: Request) -> Response:
        level = read_level(request.query_params.get("level", ""))
        return text_answer(uuid4().hex if level is Level.PATIENT else str(generate_uid()))

    async def _changes(self, request: Request) -> Response:
        asked = request.query_params
        newer = self._release.is_from(_NEWER)
        if "last" in asked:
            return self._page(self._storage.changes.last())
        since = number_told(request, "since")
        until = number_told(request, "to") if newer else None
        until = None if until is None or until < 0 else until
        kinds = asked["type"].split(";") if newer and "type" in asked else KINDS
        if not KINDS.issuperset(kinds):
            raise bad_request("There is no such type of change", ErrorCode.PARAMETER_OUT_OF_RANGE)
        limit = number_told(request, "limit")
        limit = _PAGE if limit is None else max(0, limit)
        return self._page(self._storage.changes.page(since, until, limit, kinds))

    def _page(self, page: dict[str, Any]) -> Response:
        """A page of changes: later releases tell the first number on it."""
        first = [each["Seq"] for each in page["Changes"][:1] if self._release.is_from(_NEWER)]
        return json_answer({**page, "First": first[0]} if first else page)

    async def _clear_changes(self, request: Request) -> Response:
        self._storage.changes.clear()
        return text_answer()

    async def _exports(self, request: Request) -> Response:
        return json_answer({"Done": True, "Exports": [], "Last": 0})

    async def _list_plugins(self, request: Request) -> Response:
        return json_answer(sorted(self._plugins))

    async def _plugin(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._plugins:
            raise not_found(f"There is no plugin {name}", ErrorCode.UNKNOWN_RESOURCE)
        return json_answer({"ID": name, "Version": self._plugins[name]})


def _need(fields: dict[str, object], name: str, kind: type, word: str) -> None:
    """Raise `RestError` (400) unless there is such a field."""
    if not isinstance(fields.get(name), kind):
        details = f'Field "{name}" is missing, or should be {word}'
        raise bad_request(details, ErrorCode.BAD_REQUEST)
