"""The calls below ``/peers``, the one that creates jobs among them."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.routing import Route

from conformance.reference.answers import JobAnswers, empty_answer, json_answer
from conformance.reference.bodies import read_json
from conformance.reference.errors import ErrorCode, RestError, not_found
from conformance.reference.job import Step, Task
from conformance.reference.peers import Peer, parse_peer

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from conformance.reference.engine import Engine, JobEnd
    from conformance.reference.storage import Storage
    from conformance.reference.submission import Submission, SubmissionReader


class PeersApi:
    """``/peers`` and what is below; the peers themselves live in here."""

    def __init__(
        self, engine: Engine, storage: Storage, reader: SubmissionReader, answers: JobAnswers
    ) -> None:
        self._engine = engine
        self._storage = storage
        self._reader = reader
        self._answers = answers
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
        task = self._task(peer, submission)
        if submission.synchronous:
            return self._answers.ended(await self._run_to_its_end(task))
        return self._answers.submitted(self._engine.submit(task))

    def _peer(self, request: Request) -> Peer:
        """The peer that the path names. Raises `RestError` (404)."""
        name = request.path_params["name"]
        if name not in self._peers:
            raise not_found(f"Unknown peer: {name}")
        return self._peers[name]

    def _task(self, peer: Peer, submission: Submission) -> Task:
        """What the job has to do: one step for each instance of each listed resource.

        Raises `RestError` (404) for a resource that there is not.
        """
        steps: list[Step] = []
        for resource in submission.resources:
            instances = self._storage.below(resource)
            if instances is None:
                raise not_found(f"Unknown resource: {resource}", ErrorCode.UNKNOWN_RESOURCE)
            steps.extend(Step(instance.id, len(instance.file)) for instance in instances)
        return Task(peer, tuple(steps), submission.resources, submission.priority)

    async def _run_to_its_end(self, task: Task) -> JobEnd:
        """Submit a job and wait until it has completed; holds no thread meanwhile.

        Raises `RestError` (503) when the server stops before.
        """
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[JobEnd | None] = loop.create_future()

        def settle(end: JobEnd | None) -> None:
            if not ended.done():  # the caller may have hung up
                ended.set_result(end)

        def pass_on(end: JobEnd | None) -> None:
            loop.call_soon_threadsafe(settle, end)

        self._engine.submit(task, pass_on)
        end = await ended
        if end is None:
            raise RestError(
                HTTPStatus.SERVICE_UNAVAILABLE, ErrorCode.INTERNAL_ERROR, "The server is stopping"
            )
        return end
