"""The REST API as one ASGI application, put together from its parts."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from conformance.reference import openapi
from conformance.reference.answers import empty_answer, error_answer, json_answer
from conformance.reference.archives_api import ArchivesApi
from conformance.reference.associations import Caller
from conformance.reference.auth import BasicAuth
from conformance.reference.commitments import Commitments
from conformance.reference.commitments_api import CommitmentsApi
from conformance.reference.config import at_a_time
from conformance.reference.details_api import DetailsApi
from conformance.reference.errors import ErrorCode, RestError
from conformance.reference.instances_api import InstancesApi
from conformance.reference.jobs_api import JobsApi
from conformance.reference.labels_api import LabelsApi
from conformance.reference.metadata_api import MetadataApi
from conformance.reference.modalities_api import ModalitiesApi
from conformance.reference.modifications_api import ModificationsApi
from conformance.reference.peer_book import PeerBook
from conformance.reference.peers_api import PeersApi
from conformance.reference.plain_paths import PlainPaths
from conformance.reference.queries_api import QueriesApi
from conformance.reference.regroupings_api import RegroupingsApi
from conformance.reference.releases import EVERY_PAGE, LACKS, Release
from conformance.reference.resources_api import ResourcesApi
from conformance.reference.routing import Route, Routes
from conformance.reference.storage import NotStored, Storage
from conformance.reference.tags_api import TagsApi
from conformance.reference.tools_api import ToolsApi
from conformance.reference.transfers.api import Transfers
from conformance.reference.work import Work

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from conformance.reference.config import Config
    from conformance.reference.control.steps import Life
    from conformance.reference.engine import Engine, OpenRun
    from conformance.reference.modalities import Modality
    from conformance.reference.parts import Parts
    from conformance.reference.persistence import JobStore
    from conformance.reference.queries import Query


_LABELS = "1.12.0"  # the first release that has them


def build_engine(
    config: Config,
    parts: Parts,
    storage: Storage,
    store: JobStore,
    steps: Life | None = None,
    release: Release = EVERY_PAGE,
) -> Engine:
    """The jobs engine, not yet started. `steps`: what controls the steps of its jobs."""
    stopping = threading.Event()
    open_run: OpenRun = Work(parts, config, storage, release, stopping).open_run
    if steps is not None:
        open_run = steps.under_control(open_run)
    engine = parts.engine(config, open_run, store, parts.registry)
    engine.stopping = stopping
    return engine


def build_app(
    config: Config,
    parts: Parts,
    engine: Engine,
    storage: Storage,
    modalities: dict[str, Modality] | None = None,
    others: Sequence[Route] = (),
    release: Release = EVERY_PAGE,
    commitments: Commitments | None = None,
) -> Starlette:
    """The application; it starts the engine with itself, and stops it.

    `release`: what it keeps to; `modalities`: where those that are registered are kept, for
    whoever else has to know them; `others`: routes that no Orthanc has; `commitments`: what was
    asked for, and is answered over DICOM.
    The stop lasts until the steps in flight have ended, each at the latest after HttpTimeout.
    """
    answers = parts.answers()
    calls = parts.calls(engine, answers)
    reader = parts.reader()
    caller = Caller(config.dicom_aet, config.dicom_scu_timeout)
    known = dict(config.dicom_modalities) if modalities is None else modalities
    peers = PeerBook(config, storage.database)
    accelerator = Transfers(config, calls, reader, storage, peers, engine.stopping)
    committing = CommitmentsApi(storage, caller, known, commitments or Commitments())
    queries: dict[str, Query] = {}

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        engine.start()
        yield
        engine.stop()
        await asyncio.to_thread(engine.join)

    routes = [
        *JobsApi(engine, answers, release).routes(),
        *PeersApi(calls, storage, reader, peers).routes(),
        *InstancesApi(storage).routes(),
        *ArchivesApi(calls, storage, reader, release).routes(),
        *ModificationsApi(calls, storage, reader, release, config.overwrite_instances).routes(),
        *RegroupingsApi(calls, storage, reader, release).routes(),
        *ModalitiesApi(calls, storage, reader, caller, known, queries, release).routes(),
        *(committing.routes() if release.has("storage commitment") else []),
        *QueriesApi(calls, reader, caller, queries, release).routes(),
        *_around_resources(storage, release),
        *(accelerator.routes(parts.transfers, parts.receiving) if release.plugins else []),
        _system_route(config, parts, release),
        *others,
    ]
    return Starlette(
        routes=[Routes([*routes, openapi.route(routes, config.name, release.version)])],
        middleware=_middleware(config),
        exception_handlers={
            RestError: _answer_rest_error,
            HTTPException: _answer_http_error,
            NotStored: _answer_not_stored,
        },
        lifespan=lifespan,
    )


def _around_resources(storage: Storage, release: Release) -> list[Route]:
    """The calls about what is stored, none of which makes a job."""
    return [
        *ResourcesApi(storage).routes(),
        *DetailsApi(storage).routes(),
        *MetadataApi(storage).routes(),
        *TagsApi(storage).routes(),
        *(LabelsApi(storage).routes() if release.is_from(_LABELS) else []),
        *ToolsApi(storage, release).routes(),
    ]


def _middleware(config: Config) -> list[Middleware]:
    """What each call comes by first."""
    login = Middleware(BasicAuth, users=config.registered_users)
    return [*([login] if config.authentication_enabled else []), Middleware(PlainPaths)]


def _system_route(config: Config, parts: Parts, release: Release) -> Route:
    """``GET /system``: what this server is, and what it declares for a conformance kit."""
    system = {
        "ApiVersion": release.api_version,
        "DicomAet": config.dicom_aet,
        "DicomPort": config.dicom_port,
        "JobsConformance": {
            "ConcurrentJobs": at_a_time(config.concurrent_jobs),
            "Implements": list(release.implements),
            "JobsHistorySize": config.jobs_history_size,
            "Lacks": list(LACKS),
            "LimitJobs": config.limit_jobs,
            "Retry": parts.registry.declares_retry,
        },
        "Name": config.name,
        "Version": release.version,
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


async def _answer_not_stored(request: Request, error: Exception) -> Response:
    """The disk is full, or the like."""
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return error_answer(request, status, ErrorCode.INTERNAL_ERROR, str(error))
