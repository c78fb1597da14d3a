"""The reference server finds the call of a request as Starlette would among the same routes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Router
from starlette.routing import Route as StarlettesRoute
from starlette.types import Message

from conformance.reference.routing import Endpoint, Route, Routes

METHODS = ["DELETE", "GET", "PUT"]
WORDS = st.sampled_from(["a", "b", "c d"])


@st.composite
def paths(draw: st.DrawFn) -> str:
    """Paths of routes: words, any words, and now and then all that is left."""
    parts = draw(st.lists(WORDS | st.just("{}"), min_size=1, max_size=4))
    parts = [f"{{p{place}}}" if part == "{}" else part for place, part in enumerate(parts)]
    return "/".join(["", *parts, *draw(st.sampled_from([[], [], ["{rest:path}"]]))])


ROUTES = st.tuples(paths(), st.lists(st.sampled_from(METHODS), min_size=1, unique=True))
ASKED = st.lists(WORDS, min_size=1, max_size=6).map(lambda words: "/".join(["", *words]))


def answering(number: int) -> Endpoint:
    """A call that says which it is, and what it was given."""

    async def call(request: Request) -> Response:
        return JSONResponse([number, request.path_params])

    return call


def answer(routes: Sequence[BaseRoute], method: str, path: str) -> tuple[int, Any]:
    """The status and the body of the answer to a call."""
    app = ExceptionMiddleware(Router(routes, redirect_slashes=False))
    sent: list[Any] = []

    async def receive() -> Message:
        raise AssertionError("no call here has a body")

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": [], "app": app}
    asyncio.run(app(scope, receive, send))
    begin, body = sent
    status = begin["status"]
    return status, json.loads(body["body"]) if status == 200 else None


@settings(deadline=None)
@given(st.lists(ROUTES, min_size=1, max_size=8), ASKED, st.sampled_from(METHODS))
def test_a_call_is_found_as_by_starlette(
    routes: list[tuple[str, list[str]]], path: str, method: str
) -> None:
    made = [Route(path, answering(n), methods) for n, (path, methods) in enumerate(routes)]
    theirs = [StarlettesRoute(each.path, each.endpoint, methods=each.methods) for each in made]
    assert answer([Routes(made)], method, path) == answer(theirs, method, path)
