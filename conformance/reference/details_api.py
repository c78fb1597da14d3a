"""What belongs to a resource beside what it is made of: attachments and statistics."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from starlette.responses import Response

from conformance.reference.answers import empty_answer, json_answer, text_answer
from conformance.reference.descriptions import file_uuid
from conformance.reference.levels import Level
from conformance.reference.routing import Route
from conformance.reference.selection import instances_at

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from conformance.reference.dicom import Instance
    from conformance.reference.storage import Storage

    Endpoint = Callable[[Request], Awaitable[Response]]
    Show = Callable[[Request, Level, list[Instance]], Response]

_PARTS = [
    *("compressed-data", "compressed-md5", "compressed-size"),
    *("data", "is-compressed", "md5", "size", "uuid"),
]


class DetailsApi:
    """These calls, at each level (the forms: Orthanc 1.10.1). Files are kept as they came."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def routes(self) -> list[Route]:
        """The routes."""
        calls: dict[str, Show] = {
            "statistics": _statistics,
            "attachments": _attachments,
            "attachments/dicom": _attachment,
            "attachments/dicom/{part}": _part,
        }
        return [
            Route(f"{level.path}{{id}}/{path}", self._of(level, show), methods=["GET"])
            for level in Level
            for path, show in calls.items()
        ]

    def _of(self, level: Level, show: Show) -> Endpoint:
        async def call(request: Request) -> Response:
            return show(
                request, level, instances_at(self._storage, level, request.path_params["id"])
            )

        return call


def _statistics(request: Request, level: Level, instances: list[Instance]) -> Response:
    below = [each for each in Level if level in each.own_and_above[1:]]
    counts = {
        f"Count{each.collection.capitalize()}": len({one.at(each) for one in instances})
        for each in below
    }
    size = sum(len(instance.file) for instance in instances)
    sizes: dict[str, object] = {}
    for name in ("Dicom", ""):
        for kind in ("DiskSize", "UncompressedSize"):
            sizes |= {f"{name}{kind}": str(size), f"{name}{kind}MB": size // 2**20}
    return json_answer(dict(sorted({**counts, **sizes}.items())))


def _attachments(request: Request, level: Level, instances: list[Instance]) -> Response:
    return json_answer(["dicom"] if level is Level.INSTANCE else [])


def _attachment(request: Request, level: Level, instances: list[Instance]) -> Response:
    return json_answer(_PARTS) if level is Level.INSTANCE else empty_answer(404)


def _part(request: Request, level: Level, instances: list[Instance]) -> Response:
    part = request.path_params["part"].removeprefix("compressed-")
    if level is not Level.INSTANCE or request.path_params["part"] not in _PARTS:
        return empty_answer(404)
    (instance,) = instances
    match part:
        case "data":
            return file_answer(instance)
        case "md5":
            return text_answer(hashlib.md5(instance.file, usedforsecurity=False).hexdigest())
        case "size":
            return text_answer(str(len(instance.file)))
        case "uuid":
            return text_answer(file_uuid(instance))
    return text_answer("0")


def file_answer(instance: Instance) -> Response:
    """The file of `instance`."""
    headers = {"Content-Disposition": f'filename="{file_uuid(instance)}.dcm"'}
    return Response(instance.file, headers=headers, media_type="application/dicom")
