"""HTTP Basic authentication, when the configuration asks for it."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send


class BasicAuth:
    """Lets only the registered users through; everybody else is answered 401."""

    def __init__(self, app: ASGIApp, users: Mapping[str, str]) -> None:
        self._app = app
        self._users = users

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the life of the server (which needs no login)."""
        if scope["type"] != "http" or self._is_user(Headers(scope=scope).get("authorization")):
            await self._app(scope, receive, send)
            return
        challenge = {"WWW-Authenticate": 'Basic realm="Orthanc"'}
        await Response(b"", 401, challenge)(scope, receive, send)

    def _is_user(self, header: str | None) -> bool:
        """Whether an ``Authorization`` header names a user with the right password."""
        name, password = _login(header)
        right = self._users.get(name, "")
        same = hmac.compare_digest(password.encode(), right.encode())
        return same and bool(name) and name in self._users


def user_of(request: Request) -> str:
    """The name by which the caller has logged in; empty for one who has not."""
    return _login(request.headers.get("authorization"))[0]


def _login(header: str | None) -> tuple[str, str]:
    """The name and the password in an ``Authorization`` header; two empty texts for another."""
    kind, _, login = (header or "").partition(" ")
    if kind.lower() != "basic":
        return "", ""
    try:
        name, _, password = base64.b64decode(login, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, password
