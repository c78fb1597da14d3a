"""The calls that read tags: of an instance, of a module, and what instances share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.dataset import Dataset
from starlette.responses import Response

from conformance.reference import dicom
from conformance.reference.answers import empty_answer, json_answer
from conformance.reference.dicom import MAIN_TAGS
from conformance.reference.levels import Level
from conformance.reference.routing import Route
from conformance.reference.selection import instances_at
from conformance.reference.tag_views import View, number, shared, show

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pydicom.dataelem import DataElement
    from starlette.requests import Request

    from conformance.reference.storage import Storage

    Endpoint = Callable[[Request], Awaitable[Response]]

_SOP_COMMON = ("SOPClassUID", "SpecificCharacterSet")


class TagsApi:
    """These calls (the forms: Orthanc 1.10.1)."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def routes(self) -> list[Route]:
        """The routes."""
        one = "/instances/{id}"
        routes = [
            Route(f"{one}/tags", self._tags, methods=["GET"]),
            Route(f"{one}/simplified-tags", self._simplified, methods=["GET"]),
            Route(f"{one}/content", self._content, methods=["GET"]),
            Route(f"{one}/content/{{path:path}}", self._content, methods=["GET"]),
        ]
        for level in Level:
            path = f"{level.path}{{id}}"
            routes.append(Route(f"{path}/module", self._module(level, level), methods=["GET"]))
            if level is not Level.INSTANCE:
                routes.append(Route(f"{path}/shared-tags", self._shared(level), methods=["GET"]))
        of_the_patient = self._module(Level.STUDY, Level.PATIENT)
        routes.append(Route("/studies/{id}/module-patient", of_the_patient, methods=["GET"]))
        return routes

    async def _tags(self, request: Request) -> Response:
        return json_answer(show(self._dataset(request), View.asked(request)))

    async def _simplified(self, request: Request) -> Response:
        return json_answer(show(self._dataset(request), View.SIMPLE))

    async def _content(self, request: Request) -> Response:
        """What is at a path: the tags of a level, the items of a sequence, or a raw value."""
        here: Dataset | DataElement = self._dataset(request)
        for word in filter(None, request.path_params.get("path", "").split("/")):
            below = _below(here, word)
            if below is None:
                return empty_answer(404)
            here = below
        if isinstance(here, Dataset):
            return json_answer([number(each, "-") for each in here])
        if here.VR == "SQ":
            return json_answer([str(place) for place in range(len(here.value))])
        return Response(_raw(here), headers={"Content-Type": "application/octet-stream"})

    def _module(self, level: Level, shown: Level) -> Endpoint:
        async def module(request: Request) -> Response:
            names = (*MAIN_TAGS[shown], *(_SOP_COMMON if shown is Level.INSTANCE else ()))
            elements = [each for each in self._dataset(request, level) if each.keyword in names]
            return json_answer(show(elements, View.asked(request)))

        return module

    def _shared(self, level: Level) -> Endpoint:
        async def shared_tags(request: Request) -> Response:
            instances = instances_at(self._storage, level, request.path_params["id"])
            elements = shared([dicom.decode(each.file) for each in instances])
            return json_answer(show(elements, View.asked(request)))

        return shared_tags

    def _dataset(self, request: Request, level: Level = Level.INSTANCE) -> Dataset:
        """The tags of the first instance of what the path names. Raises `RestError` (404)."""
        first = instances_at(self._storage, level, request.path_params["id"])[0]
        return dicom.decode(first.file)


def _below(here: Dataset | DataElement, word: str) -> Dataset | DataElement | None:
    """What `word` names in a level of tags, or in a sequence. Raises `RestError` (500)."""
    if isinstance(here, Dataset):
        return here.get(dicom.read_tag(word))
    if here.VR != "SQ" or not word.isdigit() or int(word) >= len(here.value):
        return None
    item: Dataset = here.value[int(word)]
    return item


def _raw(element: DataElement) -> bytes:
    """A value as it is in the file, padded to an even length."""
    if isinstance(element.value, bytes):
        return element.value
    value = dicom.as_text(element.value).encode()
    return value + (b"\0" if element.VR == "UI" else b" ") * (len(value) % 2)
