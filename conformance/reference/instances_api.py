"""The calls that bring instances in, and give them out again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from conformance.reference import dicom
from conformance.reference.answers import json_answer
from conformance.reference.bodies import read_json
from conformance.reference.dicom import Instance
from conformance.reference.errors import ErrorCode, bad_request, not_found
from conformance.reference.levels import Level
from conformance.reference.storage import Storage

if TYPE_CHECKING:
    from starlette.requests import Request


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
            Route("/instances/{id}/simplified-tags", self._tags, methods=["GET"]),
            Route("/statistics", self._statistics, methods=["GET"]),
        ]

    async def _create(self, request: Request) -> Response:
        body = await read_json(request)
        tags = body.get("Tags", {}) if isinstance(body, dict) else None
        if not isinstance(tags, dict):
            raise bad_request("Tags must be an object", ErrorCode.BAD_REQUEST)
        if isinstance(body, dict) and body.keys() & {"Content", "Parent"}:
            raise bad_request("Content and Parent are not offered by this server")
        return self._add(dicom.create(tags))

    async def _upload(self, request: Request) -> Response:
        return self._add(dicom.parse(await request.body()))

    def _add(self, instance: Instance) -> Response:
        """Store `instance` and answer its identifiers."""
        return json_answer(
            {
                "ID": instance.id,
                "ParentPatient": instance.patient,
                "ParentSeries": instance.series,
                "ParentStudy": instance.study,
                "Path": f"/instances/{instance.id}",
                "Status": "Success" if self._storage.add(instance) else "AlreadyStored",
            }
        )

    async def _file(self, request: Request) -> Response:
        return Response(self._instance(request).file, media_type="application/dicom")

    async def _tags(self, request: Request) -> Response:
        dataset = dicom.decode(self._instance(request).file)
        shown = {each.keyword: dicom.as_text(each.value) for each in dataset if each.VR != "SQ"}
        return json_answer({name: text for name, text in shown.items() if name})

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
