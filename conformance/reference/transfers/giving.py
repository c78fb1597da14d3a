"""The calls of who pulls from this server: what there is, and the bytes of it."""

from __future__ import annotations

import asyncio
import gzip
from typing import TYPE_CHECKING

from starlette.responses import Response

from conformance.reference.answers import json_answer
from conformance.reference.bodies import read_json
from conformance.reference.errors import ErrorCode, bad_request, not_found
from conformance.reference.routing import Route
from conformance.reference.tasks.transfers import in_mb
from conformance.reference.transfers.resources import instances_listed, listed, read_compression

if TYPE_CHECKING:
    from starlette.requests import Request

    from conformance.reference.storage import Storage

_TYPES = {"gzip": "application/gzip", "none": "application/octet-stream"}


class GivingApi:
    """These calls. `originator`: by which a server that is asked for a pull knows this one."""

    def __init__(self, storage: Storage, originator: str) -> None:
        self._storage = storage
        self._originator = originator

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("/transfers/lookup", self._lookup, methods=["POST"]),
            Route("/transfers/chunks/{ids}", self._chunks, methods=["GET"]),
        ]

    async def _lookup(self, request: Request) -> Response:
        resources = await read_json(request)
        if not isinstance(resources, list):
            raise bad_request("The body must be an array of resources")
        instances = instances_listed(self._storage, resources)
        files = await asyncio.to_thread(lambda: [listed(each) for each in instances])
        total = sum(file.size for file in files)
        return json_answer(
            {
                "CountInstances": len(files),
                "Instances": [
                    {"ID": each.id, "MD5": each.md5, "Size": str(each.size)} for each in files
                ],
                "Originator": self._originator,
                "TotalSize": str(total),
                "TotalSizeMB": in_mb(total),
            }
        )

    async def _chunks(self, request: Request) -> Response:
        """The files one after the other, from ``offset`` on, ``size`` bytes (0: to the end)."""
        query = request.query_params
        offset, count = _number(query.get("offset", "0")), _number(query.get("size", "0"))
        compression = read_compression({"Compression": query.get("compression", "none")})
        pieces = []
        for identifier in request.path_params["ids"].split("."):
            file = self._storage.file(identifier)
            if file is None:
                raise not_found(f"There is no instance {identifier}", ErrorCode.UNKNOWN_RESOURCE)
            pieces.append(file)
        data = b"".join(pieces)[offset:]
        data = data[:count] if count else data
        if compression == "gzip":
            data = await asyncio.to_thread(gzip.compress, data, mtime=0)
        return Response(data, media_type=_TYPES[compression])


def _number(text: str) -> int:
    """A number of bytes from the query. Raises `RestError` (400)."""
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise bad_request(f"Not a number of bytes: {text}", ErrorCode.BAD_PARAMETER_TYPE)
    return int(text)
