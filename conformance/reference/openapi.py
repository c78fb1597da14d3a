"""The calls of the server as an OpenAPI document, made from its routes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conformance.reference.answers import json_answer
from conformance.reference.routing import Route

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response

PATH = "/openapi.json"
_PARAMETER = re.compile(r"{(\w+)(?::path)?}")
_ANY: dict[str, object] = {"*/*": {"schema": {}}}
_REFUSALS = {
    "400": "The call does not say what it needs to say.",
    "401": "Nobody has logged in.",
    "403": "Metadata of the server's own are changed by nobody else.",
    "404": "There is no such thing, or no such call.",
    "405": "This path has other methods.",
    "422": "A modality did not send what it was asked for.",
    "500": "What was asked for has failed, as a job that was waited for.",
    "503": "The server stops.",
}
_TEXT: dict[str, object] = {"type": "string"}
_TAG: dict[str, object] = {"type": "string", "pattern": "^[0-9a-f]{4}-[0-9a-f]{4}$"}
_LEVELS: dict[str, object] = {"enum": ["Patient", "Study", "Series", "Instance"]}
_QUERY: dict[str, dict[str, dict[str, object]]] = {
    "/jobs": {"expand": _TEXT},
    "/changes": {"last": _TEXT, "limit": _TEXT, "since": _TEXT},
    "/peers": {"expand": _TEXT},
    "/modalities": {"expand": _TEXT},
    "/tools/generate-uid": {"level": _LEVELS},
}
_PATHS: dict[str, dict[str, object]] = {"/instances/{id}/content/{path:path}": {"path": _TAG}}
"""What names in a path have to be, where they are not any text."""
_IDS: dict[str, object] = {"type": "array", "items": _TEXT}
_LISTED: dict[str, object] = {"Resources": _IDS}
_FIELDS: dict[str, dict[str, object]] = {
    "/tools/bulk-anonymize": _LISTED,
    "/tools/bulk-delete": _LISTED,
    "/tools/bulk-modify": _LISTED,
    "/tools/create-archive": _LISTED,
    "/tools/create-media": _LISTED,
    "/tools/create-media-extended": _LISTED,
}
"""What a body has to have, of the calls that need no resource in their path; others take any."""
_ARCHIVES = ("/tools/create-archive", "/tools/create-media", "/tools/create-media-extended")
"""Those that take the list alone as well."""


def route(others: Sequence[Route], title: str, version: str) -> Route:
    """The route of the document that describes `others`."""

    async def show(request: Request) -> Response:
        return json_answer(describe(others, title, version))

    return Route(PATH, show, methods=["GET"])


def describe(routes: Sequence[Route], title: str, version: str) -> dict[str, object]:
    """The document."""
    paths: dict[str, dict[str, object]] = {}
    for each in routes:
        methods = paths.setdefault(_PARAMETER.sub(r"{\1}", each.path), {})
        for method in sorted(each.methods):
            methods[method.lower()] = _operation(each.path, method)
    info = {"title": title, "version": version, "description": _ABOUT}
    return {"openapi": "3.1.0", "info": info, "paths": dict(sorted(paths.items()))}


_ABOUT = "The calls of the reference server; docs/reference-server.md says what each takes."


def _operation(path: str, method: str) -> dict[str, object]:
    special = _PATHS.get(path, {})
    named: list[dict[str, object]] = [
        {"name": name, "in": "path", "required": True, "schema": special.get(name, _TEXT)}
        for name in _PARAMETER.findall(path)
    ]
    asked: list[dict[str, object]] = [
        {"name": name, "in": "query", "schema": schema}
        for name, schema in _QUERY.get(path, {}).items()
        if method == "GET"
    ]
    answers = {
        "200": {"description": "It is done.", "content": _ANY},
        **{status: {"description": why} for status, why in _REFUSALS.items()},
    }
    operation: dict[str, object] = {
        "operationId": f"{method.lower()} {path}",
        "parameters": named + asked,
        "responses": answers,
    }
    if method in ("POST", "PUT"):
        operation["requestBody"] = _body(path)
    return operation


def _body(path: str) -> dict[str, object]:
    """The body of a call."""
    fields = _FIELDS.get(path)
    if fields is None:
        return {"content": {"application/json": {"schema": {}}}}
    schema: dict[str, object] = {
        "type": "object", "properties": fields, "required": sorted(fields)
    }  # fmt: skip
    if path in _ARCHIVES:
        schema = {"anyOf": [schema, _IDS]}
    return {"content": {"application/json": {"schema": schema}}, "required": True}
