"""The REST API as one ASGI application, put together from its parts."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route

from conformance.reference.answers import empty_answer, error_answer, json_answer
from conformance.reference.auth import BasicAuth
from conformance.reference.errors import ErrorCode, RestError
from conformance.reference.instances_api import InstancesApi
from conformance.reference.jobs_api import JobsApi
from conformance.reference.peers_api import PeersApi
from conformance.reference.steps import StepSender
from conformance.reference.storage import Storage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.responses import Response

    from conformance.reference.config import Config
    from conformance.reference.engine import Engine
    from conformance.reference.parts import Parts

VERSION = "1.5.6"
"""The version of Orthanc whose documentation page this server implements."""

API_VERSION = 2
"""The version of the REST API that Orthanc 1.5.5 to 1.5.6 declare."""

IMPLEMENTS = ("DELETE /jobs/{id}", "ErrorDetails")
"""What it has of later versions of Orthanc."""

LONGEST_STOP = 5.0
"""Seconds that a step in flight may take to end when the server stops."""


def build_engine(config: Config, parts: Parts, storage: Storage) -> Engine:
    """The jobs engine, not yet started."""
    sender = StepSender(storage.file, config.http_timeout)
    return parts.engine(
        config.concurrent_jobs, config.jobs_history_size, sender.open_run, parts.registry
    )


def build_app(config: Config, parts: Parts, engine: Engine, storage: Storage) -> Starlette:
    """The application; it starts the engine with itself, and stops it."""
    answers = parts.answers()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        engine.start()
        yield
        engine.stop()
        await asyncio.to_thread(engine.join, LONGEST_STOP)

    async def modalities(request: Request) -> Response:
        return json_answer([])

    return Starlette(
        routes=[
            *JobsApi(engine, answers).routes(),
            *PeersApi(engine, storage, parts.reader(), answers).routes(),
            *InstancesApi(storage).routes(),
            _system_route(config),
            Route("/modalities", modalities, methods=["GET"]),
        ],
        middleware=(
            [Middleware(BasicAuth, users=config.registered_users)]
            if config.authentication_enabled
            else []
        ),
        exception_handlers={RestError: _answer_rest_error, HTTPException: _answer_http_error},
        lifespan=lifespan,
    )


def _system_route(config: Config) -> Route:
    """``GET /system``: what this server is, and what it declares for a conformance kit."""
    system = {
        "ApiVersion": API_VERSION,
        "DicomAet": config.dicom_aet,
        "JobsConformance": {
            "ConcurrentJobs": config.concurrent_jobs,
            "Implements": list(IMPLEMENTS),
            "JobsHistorySize": config.jobs_history_size,
            "Retry": True,
        },
        "Name": config.name,
        "Version": VERSION,
    }

    async def show(request: Request) -> Response:
        return json_answer(system)

    return Route("/system", show, methods=["GET"])


async def _answer_rest_error(request: Request, error: Exception) -> Response:
    """An error of ours."""
    assert isinstance(error, RestError)
    return error_answer(request, error.status, error.code, error.details)


async def _answer_http_error(request: Request, error: Exception) -> Response:
    """A path that there is not, or a method that it does not have."""
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return error_answer(request, 404, ErrorCode.UNKNOWN_RESOURCE)
    response = empty_answer(error.status_code)
    response.headers.update(error.headers or {})
    return response
