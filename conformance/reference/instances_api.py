"""The calls that bring instances in, and give them out again."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from io import BytesIO
from typing import TYPE_CHECKING

from conformance.reference import dicom, metadata
from conformance.reference.answers import json_answer
from conformance.reference.auth import user_of
from conformance.reference.bodies import read_json
from conformance.reference.details_api import file_answer
from conformance.reference.dicom import Instance
from conformance.reference.errors import ErrorCode, RestError, bad_request, not_found
from conformance.reference.levels import Level
from conformance.reference.routing import Route
from conformance.reference.storage import Storage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request
    from starlette.responses import Response


class InstancesApi:
    """What `ResourcesApi` does not have of ``/instances``, and ``/tools/create-dicom``."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("/tools/create-dicom", self._create, methods=["POST"]),
            Route("/instances", self._upload, methods=["POST"]),
            Route("/instances/{id}/file", self._file, methods=["GET"]),
            Route("/statistics", self._statistics, methods=["GET"]),
        ]

    async def _create(self, request: Request) -> Response:
        body = await read_json(request)
        tags = body.get("Tags", {}) if isinstance(body, dict) else None
        if not isinstance(tags, dict):
            raise bad_request("Tags must be an object", ErrorCode.BAD_REQUEST)
        if isinstance(body, dict) and body.keys() & {"Content", "Parent"}:
            raise bad_request("Content and Parent are not offered by this server")
        return json_answer(self._add(dicom.create(tags), request))

    async def _upload(self, request: Request) -> Response:
        """A DICOM file, which may be compressed by gzip, or an archive of several."""
        body = await request.body()
        if request.headers.get("content-encoding", "").lower() == "gzip":
            body = _unpacked(body)
        if zipfile.is_zipfile(BytesIO(body)):
            return json_answer([self._add(each, request) for each in _archived(body)])
        return json_answer(self._add(dicom.parse(body), request))

    def _add(self, instance: Instance, request: Request) -> dict[str, object]:
        """Store `instance` and answer its identifiers."""
        client = request.client.host if request.client else ""
        instance = metadata.by_rest(instance, client, user_of(request))
        return {
            "ID": instance.id,
            "ParentPatient": instance.patient,
            "ParentSeries": instance.series,
            "ParentStudy": instance.study,
            "Path": f"/instances/{instance.id}",
            "Status": "Success" if self._storage.add(instance) else "AlreadyStored",
        }

    async def _file(self, request: Request) -> Response:
        return file_answer(self._instance(request))

    async def _statistics(self, request: Request) -> Response:
        size = self._storage.size()
        return json_answer(
            {
                "CountInstances": len(self._storage.ids()),
                "CountPatients": len(self._storage.ids_at(Level.PATIENT)),
                "CountSeries": len(self._storage.ids_at(Level.SERIES)),
                "CountStudies": len(self._storage.ids_at(Level.STUDY)),
                "TotalDiskSize": str(size),
                "TotalDiskSizeMB": size // 2**20,
                "TotalUncompressedSize": str(size),
                "TotalUncompressedSizeMB": size // 2**20,
            }
        )

    def _instance(self, request: Request) -> Instance:
        """The instance that the path names. Raises `RestError` (404)."""
        instance = self._storage.get(request.path_params["id"])
        if instance is None:
            raise not_found("There is no such instance", ErrorCode.UNKNOWN_RESOURCE)
        return instance


def _unpacked(body: bytes) -> bytes:
    """What gzip has made `body` of. Raises `RestError` (400)."""
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error) as error:
        raise bad_request("The body is not compressed by gzip") from error


def _archived(body: bytes) -> Iterator[Instance]:
    """The DICOM files of an archive; what is none is left out, as by Orthanc."""
    with zipfile.ZipFile(BytesIO(body)) as archive:
        for name in archive.namelist():
            try:
                yield dicom.parse(archive.read(name))
            except (RestError, OSError, zipfile.BadZipFile, zlib.error):
                continue
