"""The calls below ``/peers``, the one that creates jobs among them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from starlette.routing import Route

from conformance.reference.answers import empty_answer, json_answer
from conformance.reference.bodies import read_json
from conformance.reference.errors import not_found
from conformance.reference.peers import Peer, parse_peer
from conformance.reference.selection import steps_of
from conformance.reference.steps import packed
from conformance.reference.tasks.stores import PeerStore

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from conformance.reference.calls import JobCalls
    from conformance.reference.job import Step
    from conformance.reference.storage import Storage
    from conformance.reference.submission import SubmissionReader


class PeersApi:
    """``/peers`` and what is below; the peers themselves live in here."""

    def __init__(self, calls: JobCalls, storage: Storage, reader: SubmissionReader) -> None:
        self._calls = calls
        self._storage = storage
        self._reader = reader
        self._peers: dict[str, Peer] = {}

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("/peers/{name}/store", self._store, methods=["POST"]),
            Route("/peers", self._list, methods=["GET"]),
            Route("/peers/{name}", self._show, methods=["GET"]),
            Route("/peers/{name}", self._put, methods=["PUT"]),
            Route("/peers/{name}", self._delete, methods=["DELETE"]),
            Route("/peers/{name}/configuration", self._configuration, methods=["GET"]),
        ]

    async def _list(self, request: Request) -> Response:
        return json_answer(sorted(self._peers))

    async def _show(self, request: Request) -> Response:
        self._peer(request)
        return json_answer(["configuration", "store"])

    async def _configuration(self, request: Request) -> Response:
        return json_answer(self._peer(request).configuration())

    async def _put(self, request: Request) -> Response:
        self._peers[request.path_params["name"]] = parse_peer(await read_json(request))
        return empty_answer()

    async def _delete(self, request: Request) -> Response:
        self._peer(request)
        del self._peers[request.path_params["name"]]
        return empty_answer()

    async def _store(self, request: Request) -> Response:
        peer = self._peer(request)
        submission = self._reader.read(await request.body())
        steps = steps_of(self._storage, submission.resources)
        if submission.compress:
            steps = tuple(replace(step, size=self._packed_size(step)) for step in steps)
        task = PeerStore(
            steps,
            peer,
            submission.resources,
            submission.compress,
            submission.permissive,
            priority=submission.priority,
        )
        return await self._calls.answer(request, task, submission.synchronous)

    def _packed_size(self, step: Step) -> int:
        """The bytes that are sent in a step that compresses its instance."""
        return len(packed(self._storage.file(step.item) or b""))

    def _peer(self, request: Request) -> Peer:
        """The peer that the path names. Raises `RestError` (404)."""
        name = request.path_params["name"]
        if name not in self._peers:
            raise not_found(f"Unknown peer: {name}")
        return self._peers[name]
