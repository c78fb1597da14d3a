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
    "404": "There is no such thing, or no such call.",
    "405": "This path has other methods.",
    "500": "What was asked for has failed, as a job that was waited for.",
    "503": "The server stops.",
}
_QUERY = {
    "/jobs": ("expand",),
    "/changes": ("last", "limit", "since"),
    "/peers": ("expand",),
    "/modalities": ("expand",),
    "/tools/generate-uid": ("level",),
}


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
    text = {"type": "string"}
    named: list[dict[str, object]] = [
        {"name": name, "in": "path", "required": True, "schema": text}
        for name in _PARAMETER.findall(path)
    ]
    asked = [{"name": name, "in": "query", "schema": text} for name in _QUERY.get(path, ())]
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
        operation["requestBody"] = {"content": {"application/json": {"schema": {}}}}
    return operation
