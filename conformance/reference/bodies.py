"""Reading the body of a call."""

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
