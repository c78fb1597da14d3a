"""The calls that move series between studies: ``split`` and ``merge``."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from conformance.reference.bodies import boolean, read_object, texts
from conformance.reference.dicom import MAIN_TAGS
from conformance.reference.errors import ErrorCode, RestError, bad_request, not_found
from conformance.reference.levels import Level
from conformance.reference.rewriting import new_uid
from conformance.reference.routing import Route
from conformance.reference.selection import LAST_STEP, once_each, steps_for
from conformance.reference.tags import IDENTIFIERS, read_replace, read_tags
from conformance.reference.tasks.regroupings import MergeStudy, SplitStudy

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from conformance.reference.calls import JobCalls
    from conformance.reference.dicom import Instance
    from conformance.reference.job import Step
    from conformance.reference.releases import Release
    from conformance.reference.storage import Storage
    from conformance.reference.submission import SubmissionReader


_SHOWS_PARENTS = "1.12.7"


class RegroupingsApi:
    """The calls of this family; each submits one job (the forms: Orthanc 1.10.1)."""

    def __init__(
        self, calls: JobCalls, storage: Storage, reader: SubmissionReader, release: Release
    ) -> None:
        self._shows_parents = release.is_from(_SHOWS_PARENTS)
        self._calls = calls
        self._storage = storage
        self._reader = reader

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("/studies/{id}/split", self._split, methods=["POST"]),
            Route("/studies/{id}/merge", self._merge, methods=["POST"]),
        ]

    async def _split(self, request: Request) -> Response:
        study = self._study(request)
        fields = await read_object(request)
        listed = {
            level: texts(fields, name) if name in fields else []
            for level, name in ((Level.SERIES, "Series"), (Level.INSTANCE, "Instances"))
        }
        if not any(listed.values()):
            raise bad_request("Series or Instances must be given", ErrorCode.BAD_REQUEST)
        salt = uuid4().hex
        task = SplitStudy(
            self._steps(fields, self._part_of(study, listed)),
            new_uid(salt, study),
            salt,
            replace=_of_the_study(read_replace(fields)),
            remove=tuple(_of_the_study(dict.fromkeys(read_tags(fields, "Remove"), ""))),
            permissive=boolean(fields, "Permissive"),
            parents=self._parents([study]),
            priority=self._reader.priority(fields),
            user_data=self._reader.user_data(fields),
        )
        return await self._calls.answer(request, task, self._reader.synchronous(fields))

    async def _merge(self, request: Request) -> Response:
        study = self._study(request)
        fields = await read_object(request)
        sources = self._from_elsewhere(study, texts(fields, "Resources"))
        task = MergeStudy(
            self._steps(fields, sources),
            study,
            uuid4().hex,
            replace=self._tags_of(study),
            permissive=boolean(fields, "Permissive"),
            parents=self._parents(texts(fields, "Resources")),
            priority=self._reader.priority(fields),
            user_data=self._reader.user_data(fields),
        )
        return await self._calls.answer(request, task, self._reader.synchronous(fields))

    def _parents(self, named: list[str]) -> tuple[str, ...]:
        """What the caller has named, if Content is to show it."""
        return tuple(sorted(set(named))) if self._shows_parents else ()

    def _study(self, request: Request) -> str:
        """The study that the path names. Raises `RestError` (404)."""
        study: str = request.path_params["id"]
        if not self._storage.at(Level.STUDY, study):
            raise _unknown(f"There is no study {study}")
        return study

    def _part_of(self, study: str, listed: dict[Level, list[str]]) -> list[Instance]:
        """The instances of what is listed, all of it of `study`. Raises `RestError` (404)."""
        found: list[Instance] = []
        for level, resources in listed.items():
            for resource in resources:
                instances = self._storage.at(level, resource)
                if not instances or instances[0].study != study:
                    raise _unknown(f"The study has no {level} {resource}")
                found.extend(instances)
        return found

    def _from_elsewhere(self, study: str, resources: list[str]) -> list[Instance]:
        """The instances of `resources`, none of it of `study`. Raises `RestError` (404)."""
        found: list[Instance] = []
        for resource in resources:
            level, instances = self._storage.find(resource) or (Level.PATIENT, [])
            if not instances or level is Level.PATIENT:
                raise _unknown(f"There is no study, series or instance {resource}")
            if instances[0].study == study:
                raise _unknown(f"The study has {level} {resource} already")
            found.extend(instances)
        return found

    def _tags_of(self, study: str) -> dict[str, str]:
        """What instances that come into `study` say of their study and patient."""
        first = self._storage.at(Level.STUDY, study)[0]
        return first.main_tags(Level.PATIENT) | first.main_tags(Level.STUDY)

    def _steps(self, fields: dict[str, object], instances: list[Instance]) -> tuple[Step, ...]:
        """A step for each instance, and one that removes them all unless they are kept."""
        steps = steps_for(once_each(instances))
        return steps if boolean(fields, "KeepSource") else (*steps, LAST_STEP)


def _of_the_study(tags: dict[str, str]) -> dict[str, str]:
    """`tags`, if they are of a patient or a study, and none makes the study what it is.

    Raises `RestError` (400).
    """
    below = {tag for level in (Level.SERIES, Level.INSTANCE) for tag in MAIN_TAGS[level]}
    if forbidden := (IDENTIFIERS - {"PatientID"} | below) & tags.keys():
        raise bad_request(f"{min(forbidden)} cannot be given", ErrorCode.BAD_REQUEST)
    return tags


def _unknown(details: str) -> RestError:
    return not_found(details, ErrorCode.UNKNOWN_RESOURCE)
