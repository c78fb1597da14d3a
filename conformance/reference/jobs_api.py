"""The calls below ``/jobs``. Each is a short engine call, made on the event loop itself."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from conformance.reference.answers import JobAnswers, json_answer
from conformance.reference.errors import not_found
from conformance.reference.job import Action
from conformance.reference.routing import Route

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from conformance.reference.engine import Engine
    from conformance.reference.releases import Release

    ActionEndpoint = Callable[[Request], Awaitable[Response]]


class JobsApi:
    """``/jobs`` and what is below (source: the page, "Monitoring" and "Interacting with jobs")."""

    def __init__(self, engine: Engine, answers: JobAnswers, release: Release) -> None:
        self._release = release
        self._engine = engine
        self._answers = answers

    def routes(self) -> list[Route]:
        """The routes, the busiest first. Any other method of theirs is answered 405."""
        actions = [
            Route(f"/jobs/{{id}}/{action}", self._action(action), methods=["POST"])
            for action in Action
        ]
        return [
            Route("/jobs/{id}", self._read, methods=["GET"]),
            *actions,
            Route("/jobs", self._list, methods=["GET"]),
            Route("/tools/metrics-prometheus", self._metrics, methods=["GET"]),
            *self._later("/jobs/{id}", self._delete),
            Route("/jobs/{id}/archive", self._archive, methods=["GET"]),
            *self._later("/jobs/{id}/archive", self._drop_archive),
            Route("/jobs/{id}/{output}", self._no_output, methods=["GET"]),
            *self._later("/jobs/{id}/archive", self._no_output, "/jobs/{id}/{output}"),
        ]

    def _later(self, path: str, delete: ActionEndpoint, beside: str | None = None) -> list[Route]:
        """A DELETE that not every release has. ``beside``: the path, where it came with another."""
        has = self._release.has(f"DELETE {path}")
        return [Route(beside or path, delete, methods=["DELETE"])] if has else []

    async def _read(self, request: Request) -> Response:
        return self._answers.job(self._engine.read(request.path_params["id"]))

    async def _list(self, request: Request) -> Response:
        if self._answers.is_expanded(request.query_params.get("expand")):
            return json_answer(self._engine.read_all())
        return json_answer(self._engine.list_ids())

    async def _metrics(self, request: Request) -> Response:
        return self._answers.metrics(str(job["State"]) for job in self._engine.read_all())

    async def _delete(self, request: Request) -> Response:
        return self._answers.deletion(self._engine.delete(request.path_params["id"]))

    async def _archive(self, request: Request) -> Response:
        job_id = request.path_params["id"]
        output, name = self._engine.output(job_id), self._engine.output_name(job_id)
        return self._answers.archive(output, name)

    async def _drop_archive(self, request: Request) -> Response:
        return self._answers.dropped(self._engine.drop_output(request.path_params["id"]))

    async def _no_output(self, request: Request) -> Response:
        """A job has outputs below its address, and none of this name."""
        if request.method == "DELETE" and request.path_params["output"] in list(Action):
            raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "POST"})
        raise not_found(f"Job has no such output: {request.path_params['output']}")

    def _action(self, action: Action) -> ActionEndpoint:
        async def act(request: Request) -> Response:
            job_id = request.path_params["id"]
            accepted = await self._engine.answer_action(job_id, action)
            return self._answers.action(accepted, accepted or self._engine.knows(job_id))

        return act
