"""Paths as clients write them: with slashes that are too many, and by HEAD."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conformance.reference.answers import empty_answer

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_SLASHES = re.compile("//+")


class PlainPaths:
    """``//jobs/`` is ``/jobs``, as on Orthanc: most scripts join an address that ends in a slash
    and a path that begins with one. HEAD is answered 404, as there."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the life of the server."""
        if scope["type"] == "http":
            path: str = scope["path"]
            if path[-1:] == "/" or "//" in path:
                scope["path"] = _SLASHES.sub("/", path).rstrip("/") or "/"
            if scope["method"] == "HEAD":
                await empty_answer(404)(scope, receive, send)
                return
        await self._app(scope, receive, send)
