"""The calls of the transfers accelerator that clients make."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypedDict
from uuid import uuid4

from conformance.reference.answers import json_answer
from conformance.reference.bodies import read_object, text
from conformance.reference.errors import ErrorCode, RestError, bad_request, not_found
from conformance.reference.lenient_json import parse
from conformance.reference.peer_connection import NoAnswer, PeerConnection, peer_headers
from conformance.reference.routing import Route
from conformance.reference.submission import tellable
from conformance.reference.tasks.transfers import PLANNING, PullTransfer, PushTransfer
from conformance.reference.transfers.giving import GivingApi
from conformance.reference.transfers.messages import Message, Messenger, NotDone
from conformance.reference.transfers.receiving import ReceivingApi
from conformance.reference.transfers.resources import read_compression, to_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from threading import Event

    from starlette.requests import Request
    from starlette.responses import Response

    from conformance.reference.calls import JobCalls
    from conformance.reference.config import Config
    from conformance.reference.peers import Peer
    from conformance.reference.storage import Storage
    from conformance.reference.submission import SubmissionReader

DISABLED = "disabled"  # a peer without it
_NAME = "transfers"


@dataclass(frozen=True, slots=True)
class Transfers:
    """All calls of the accelerator. `peers` are those of this server, as they are now.

    `stopping`: nothing that has failed is sent again; `originator`: by which a peer that is to pull
    knows this life of the server.
    """

    config: Config
    calls: JobCalls
    reader: SubmissionReader
    storage: Storage
    peers: Mapping[str, Peer]
    stopping: Event
    originator: str = field(default_factory=lambda: str(uuid4()))

    def routes(self, api: type[TransfersApi], receiving: type[ReceivingApi]) -> list[Route]:
        """The routes. `api`: the calls that clients make; `receiving`: those of who pushes."""
        return [
            *api(self).routes(),
            *GivingApi(self.storage, self.originator).routes(),
            *receiving(self.storage, self.config.transfers.max_push_transactions).routes(),
        ]


class Common(TypedDict):
    """What is asked for, as the fields of `Transfer`."""

    resources: list[object]
    peer_name: str
    peer: Peer
    compression: str
    sender_id: str
    priority: int


class TransfersApi:
    """The calls that clients make."""

    def __init__(self, server: Transfers) -> None:
        self._server = server

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("/transfers/send", self._send, methods=["POST"]),
            Route("/transfers/pull", self._pull, methods=["POST"]),
            Route("/transfers/peers", self._list_peers, methods=["GET"]),
        ]

    async def _send(self, request: Request) -> Response:
        """Push; or, where the peer knows this server as ``RemoteSelf``, let it pull."""
        fields = await read_object(request)
        _originator(fields)  # which means nothing here, but has to be one
        task = PushTransfer(PLANNING, **self.common(fields))
        if self.pulls(task.peer):
            return json_answer(await asyncio.to_thread(self.let_pull, task))
        return await self._server.calls.answer(request, task, synchronous=False)

    async def _pull(self, request: Request) -> Response:
        fields = await read_object(request)
        originator = _originator(fields)
        task = PullTransfer(PLANNING, **self.common(fields), originator=originator)
        return await self._server.calls.answer(request, task, synchronous=False)

    async def _list_peers(self, request: Request) -> Response:
        return json_answer(await self.tell_of_peers())

    async def tell_of_peers(self) -> dict[str, str]:
        """Which peers have the accelerator, by their names. All are asked, and at once."""
        peers = sorted(self._server.peers.items())
        asked = (asyncio.to_thread(self.look_at, peer) for _, peer in peers)
        found = await asyncio.gather(*asked)
        return {name: word for (name, _), word in zip(peers, found, strict=True)}

    def common(self, fields: dict[str, object]) -> Common:
        """What a push and a pull have in common. Raises `RestError`."""
        resources, name = fields.get("Resources"), fields.get("Peer")
        if not isinstance(resources, list):
            raise bad_request("Resources must be an array")
        if not isinstance(name, str):
            raise bad_request("Peer must be a string")
        common: Common = {
            "compression": self.compression(fields),
            "priority": self._server.reader.priority(fields),
            "resources": tellable("Resources", resources),
            "sender_id": text(fields, "SenderTransferID", str(uuid4())),
            "peer_name": name,
            "peer": self._peer(name),
        }
        return common

    def _peer(self, name: str) -> Peer:
        """The peer of this name. Raises `RestError` (404)."""
        if name not in self._server.peers:
            raise not_found(f"There is no peer {name}", ErrorCode.UNKNOWN_RESOURCE)
        return self._server.peers[name]

    def pulls(self, peer: Peer) -> bool:
        """Whether `peer` is to pull what is sent to it."""
        return bool(peer.remote_self)

    def compression(self, fields: dict[str, object]) -> str:
        """How it is sent. Raises `RestError` (400)."""
        return read_compression(fields)

    def let_pull(self, task: PushTransfer) -> dict[str, object]:
        """Ask the peer for a pull, and answer which job that is. Raises `RestError` (500)."""
        config = self._server.config
        body = {
            "Compression": task.compression,
            "Originator": self._server.originator,
            "Peer": task.peer.remote_self,
            "Priority": task.priority,
            "Resources": task.resources,
        }
        messenger = Messenger(task, config.transfers, config.http_timeout, self._server.stopping)
        try:
            reply = messenger.ask(Message("POST", "transfers/pull", to_json(body)))
            match parse(reply.body):
                case {"ID": str(identifier), "Path": str(path)}:
                    url = task.peer.url + path.lstrip("/")
                    return {"Peer": task.peer_name, "RemoteJob": identifier, "URL": url}
        except (NotDone, ValueError, RecursionError):
            pass
        finally:
            messenger.close()
        code = ErrorCode.NETWORK_PROTOCOL
        raise RestError(code.status, code, f"The peer {task.peer_name} does not pull")

    def longest_look(self) -> float:
        """The seconds in which a peer has to say what plugins it has, 0 = without limit."""
        return self._server.config.transfers.peer_connectivity_timeout

    def look_at(self, peer: Peer) -> str:
        """Whether `peer` has the accelerator, and whether it is let pull."""
        connection = PeerConnection(peer, self.longest_look())
        try:
            reply = connection.send("GET", "plugins", None, peer_headers(peer))
            plugins = parse(reply.body) if reply.status == 200 else None
        except (NoAnswer, ValueError, RecursionError):
            plugins = None
        finally:
            connection.close()
        if not isinstance(plugins, list) or _NAME not in plugins:
            return DISABLED
        return "bidirectional" if peer.remote_self else "installed"


def _originator(fields: dict[str, object]) -> str | None:
    """What the peer of a pull must say of itself, if anything. Raises `RestError` (400)."""
    return text(fields, "Originator", "") if "Originator" in fields else None
