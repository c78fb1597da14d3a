"""Which call a request is: its path is looked up word by word, among all calls at once.

Starlette's own routes are tried one after the other, each by a regular expression: two hundred of
them took as long as the rest of a request, and most of a start of the server was their making.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

Endpoint = Callable[[Request], Awaitable[Response]]
_ANY = "{}"
_REST = ":path}"


@dataclass(frozen=True, slots=True)
class Route:
    """A call: `endpoint` answers the `methods` of `path`, a part of which may be ``{name}``.

    That is any word; a last part ``{name:path}`` is all the words that are left.
    """

    path: str
    endpoint: Endpoint
    methods: Sequence[str]

    @property
    def words(self) -> list[str]:
        """The parts of its path."""
        return self.path.split("/")

    def parameters(self, words: list[str]) -> dict[str, str]:
        """What is meant by each name in its path, in a path of these `words`."""
        found = {}
        for place, part in enumerate(self.words):
            if part.endswith(_REST):
                found[part[1 : -len(_REST)]] = "/".join(words[place:])
            elif part.startswith("{"):
                found[part[1:-1]] = words[place]
        return found


@dataclass(slots=True)
class _Node:
    """What has come in a path: the routes that end here, those that take what is left, and more.

    A route comes with its place among all, for the first one that fits is meant.
    """

    ends: list[tuple[int, Route]] = field(default_factory=list)
    rests: list[tuple[int, Route]] = field(default_factory=list)
    next: dict[str, _Node] = field(default_factory=dict)


class Routes(BaseRoute):
    """All routes, as the only one that Starlette knows."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for place, route in enumerate(routes):
            node = self._root
            for part in route.words:
                if part.endswith(_REST):
                    node.rests.append((place, route))
                    break
                node = node.next.setdefault(_ANY if part.startswith("{") else part, _Node())
            else:
                node.ends.append((place, route))

    def find(self, words: list[str]) -> list[Route]:
        """The routes of a path of these `words`, whatever their methods, in their order."""
        found: list[tuple[int, Route]] = []
        nodes = [self._root]
        for word in words:
            for node in nodes:
                found += node.rests
            keys = (word, _ANY) if word else (word,)
            nodes = [node.next[key] for node in nodes for key in keys if key in node.next]
        for node in nodes:
            found += node.ends
        return [route for _, route in sorted(found, key=lambda each: each[0])]

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """It takes every request, for there is no other."""
        return Match.FULL, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request. Raises `HTTPException` (404, 405), and what the call raises."""
        words = scope["path"].split("/")
        found = self.find(words)
        if not found:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        for route in found:
            if scope["method"] in route.methods:
                break
        else:
            same = (each for each in found if each.path == found[0].path)
            allowed = {method for each in same for method in each.methods}
            headers = {"Allow": ", ".join(sorted(allowed))}
            raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED, headers=headers)
        scope["path_params"] = route.parameters(words)
        response = await route.endpoint(Request(scope, receive, send))
        await response(scope, receive, send)
