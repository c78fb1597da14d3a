"""Reading the body of a call, and the fields in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.errors import ErrorCode, bad_request
from conformance.reference.lenient_json import parse
from conformance.reference.levels import Level

if TYPE_CHECKING:
    from starlette.requests import Request


_OTHER_NAMES = {Level.INSTANCE: ("image", "images")}


async def read_json(request: Request) -> object:
    """The JSON value in the body. Raises `RestError` (400) when it is none."""
    try:
        value: object = parse(await request.body())
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


def read_level(name: str) -> Level:
    """The level of this name: ``Study``, ``studies``, ``IMAGE``. Raises `RestError` (400)."""
    for level in Level:
        if name.lower() in (level, level.collection, *_OTHER_NAMES.get(level, ())):
            return level
    raise bad_request("There is no such Level", ErrorCode.PARAMETER_OUT_OF_RANGE)


def count(fields: dict[str, object], name: str) -> int:
    """A field that is a number from 0, which is its default. Raises `RestError` (400)."""
    value = fields.get(name, 0)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise bad_request(f"{name} must be a whole number", ErrorCode.BAD_REQUEST)
    return value


def number_in_query(request: Request, name: str, default: int) -> int:
    """A number in the query. Raises `RestError` (400)."""
    value = request.query_params.get(name, str(default))
    if not value.isascii() or not value.isdigit() or len(value) > 9:
        raise bad_request(f"Not a valid integer: {value}", ErrorCode.BAD_PARAMETER_TYPE)
    return int(value)


def number_told(request: Request, name: str) -> int | None:
    """A number in the query of what Orthanc asks a log for: of what is none nothing is told."""
    value = request.query_params.get(name, "")
    sign, digits = value[:1], value.removeprefix("-")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 9:
        return None
    return -int(digits) if sign == "-" else int(digits)


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
