"""The calls of the transfers accelerator that clients make."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from starlette.routing import Route

from conformance.reference.bodies import read_object, text
from conformance.reference.errors import ErrorCode, bad_request, not_found
from conformance.reference.tasks.transfers import PLANNING, PushTransfer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from conformance.reference.calls import JobCalls
    from conformance.reference.peers import Peer
    from conformance.reference.submission import SubmissionReader

COMPRESSIONS = ("gzip", "none")


class TransfersApi:
    """These calls; `peers` are those of this server, as they are."""

    def __init__(
        self, calls: JobCalls, reader: SubmissionReader, peers: Mapping[str, Peer]
    ) -> None:
        self._calls = calls
        self._reader = reader
        self._peers = peers

    def routes(self) -> list[Route]:
        """The routes."""
        return [Route("/transfers/send", self._send, methods=["POST"])]

    async def _send(self, request: Request) -> Response:
        fields = await read_object(request)
        task = PushTransfer(
            PLANNING,
            *self._common(fields),
            priority=self._reader.priority(fields),
        )
        return await self._calls.answer(request, task, synchronous=False)

    def _common(self, fields: dict[str, object]) -> tuple[list[object], str, Peer, str, str]:
        """Resources, Peer, where that is, Compression and SenderTransferID. Raises `RestError`."""
        resources, name = fields.get("Resources"), fields.get("Peer")
        if not isinstance(resources, list):
            raise bad_request("Resources must be an array")
        if not isinstance(name, str):
            raise bad_request("Peer must be a string")
        sender = text(fields, "SenderTransferID", str(uuid4()))
        compression = read_compression(fields)
        if name not in self._peers:
            raise not_found(f"There is no peer {name}", ErrorCode.UNKNOWN_RESOURCE)
        return resources, name, self._peers[name], compression, sender


def read_compression(fields: dict[str, object]) -> str:
    """The field Compression, which has to be there. Raises `RestError` (400)."""
    compression = fields.get("Compression")
    if not isinstance(compression, str):
        raise bad_request("Compression must be a string")
    if compression not in COMPRESSIONS:
        raise bad_request(
            f"Compression must be one of {', '.join(COMPRESSIONS)}",
            ErrorCode.PARAMETER_OUT_OF_RANGE,
        )
    return compression
