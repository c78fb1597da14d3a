"""Reading the body of a call, and the fields in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from conformance.reference.errors import bad_request

if TYPE_CHECKING:
    from starlette.requests import Request


async def read_json(request: Request) -> object:
    """The JSON value in the body. Raises `RestError` (400) when it is none."""
    try:
        value: object = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise bad_request("The body must be JSON") from error
    return value


async def read_object(request: Request) -> dict[str, object]:
    """The JSON object in the body. Raises `RestError` (400) when it is none."""
    value = await read_json(request)
    if not isinstance(value, dict):
        raise bad_request("The body must be a JSON object")
    return value


def boolean(fields: dict[str, object], name: str, default: bool = False) -> bool:
    """A field that is true or false. Raises `RestError` (400)."""
    value = fields.get(name, default)
    if not isinstance(value, bool):
        raise bad_request(f"{name} must be a boolean")
    return value


def text(fields: dict[str, object], name: str, default: str) -> str:
    """A field that is a string. Raises `RestError` (400)."""
    value = fields.get(name, default)
    if not isinstance(value, str):
        raise bad_request(f"{name} must be a string")
    return value


def texts(fields: dict[str, object], name: str) -> list[str]:
    """A field that must be there, an array of strings. Raises `RestError` (400)."""
    value = fields.get(name)
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise bad_request(f"{name} must be an array of strings")
    return value


def not_offered(fields: dict[str, object], *names: str) -> None:
    """Refuse what would change the result, and is not done here. Raises `RestError` (400)."""
    for name in names:
        if fields.get(name, False) is not False:
            raise bad_request(f"{name} is not offered by this server")


def timeout(fields: dict[str, object]) -> int | None:
    """The field Timeout: seconds, None if not given. Raises `RestError` (400)."""
    value = fields.get("Timeout")
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
        raise bad_request("Timeout must be a whole number of seconds")
    return value
