"""The calls below ``/peers``, the one that creates jobs among them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.reference.answers import empty_answer, json_answer, text_answer
from conformance.reference.bodies import read_json
from conformance.reference.errors import ErrorCode, not_found
from conformance.reference.peers import Peer, parse_peer
from conformance.reference.routing import Route
from conformance.reference.selection import steps_of
from conformance.reference.steps import sent
from conformance.reference.tasks.stores import PeerStore

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from starlette.requests import Request
    from starlette.responses import Response

    from conformance.reference.calls import JobCalls
    from conformance.reference.job import Step
    from conformance.reference.storage import Storage
    from conformance.reference.submission import SubmissionReader


class PeersApi:
    """``/peers`` and what is below; `peers` are those that there are, which it changes."""

    def __init__(
        self,
        calls: JobCalls,
        storage: Storage,
        reader: SubmissionReader,
        peers: MutableMapping[str, Peer],
    ) -> None:
        self._calls = calls
        self._storage = storage
        self._reader = reader
        self._peers = peers

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
        if "expand" in request.query_params:
            shown = {name: each.configuration() for name, each in sorted(self._peers.items())}
            return json_answer(shown)
        return json_answer(sorted(self._peers))

    async def _show(self, request: Request) -> Response:
        if request.path_params["name"] not in self._peers:
            return empty_answer(404)
        return json_answer(["configuration", "store"])

    async def _configuration(self, request: Request) -> Response:
        return json_answer(self._peer(request).configuration())

    async def _put(self, request: Request) -> Response:
        self._peers[request.path_params["name"]] = parse_peer(await read_json(request))
        return text_answer()

    async def _delete(self, request: Request) -> Response:
        if self._peers.pop(request.path_params["name"], None) is None:
            raise not_found(f"Unknown Orthanc peer: {request.path_params['name']}")
        return text_answer()

    async def _store(self, request: Request) -> Response:
        peer = self._peer(request)
        submission = self._reader.read(await request.body())
        task = PeerStore(
            steps_of(self._storage, submission.resources),
            peer,
            submission.resources,
            submission.compress,
            submission.permissive,
            submission.transcode,
            priority=submission.priority,
            user_data=submission.user_data,
        )
        if task.compress or task.transcode:
            task = replace(task, steps=tuple(self._sized(step, task) for step in task.steps))
        return await self._calls.answer(request, task, submission.synchronous)

    def _sized(self, step: Step, task: PeerStore) -> Step:
        """`step`, with the bytes that are sent in it."""
        file = self._storage.file(step.item)
        return step if file is None else replace(step, size=len(sent(file, task)))

    def _peer(self, request: Request) -> Peer:
        """The peer that the path names. Raises `RestError` (404)."""
        name = request.path_params["name"]
        if name not in self._peers:
            raise not_found(f"No peer with symbolic name: {name}", ErrorCode.UNKNOWN_RESOURCE)
        return self._peers[name]
