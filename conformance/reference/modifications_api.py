"""The calls that make changed copies: ``modify``, ``anonymize``, and their bulk forms."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING
from uuid import uuid4

from starlette.responses import Response

from conformance.reference import dicom
from conformance.reference.bodies import boolean, read_level, read_object, text, texts
from conformance.reference.dicom import MAIN_TAGS
from conformance.reference.errors import ErrorCode, RestError, bad_request
from conformance.reference.levels import Level
from conformance.reference.rewriting import CannotRewrite, Modifier
from conformance.reference.routing import Route
from conformance.reference.selection import (
    LAST_STEP,
    instances_at,
    instances_of,
    once_each,
    steps_for,
)
from conformance.reference.tags import IDENTIFIERS, read_paths, read_values
from conformance.reference.tasks.modifications import ResourceModification
from conformance.reference.transcoding import change_syntax, read_syntax

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from starlette.requests import Request

    from conformance.reference.calls import JobCalls
    from conformance.reference.dicom import Instance
    from conformance.reference.job import Step
    from conformance.reference.releases import Release
    from conformance.reference.storage import Storage
    from conformance.reference.submission import SubmissionReader

    TaskOf = Callable[[Level, dict[str, object], list[Instance]], ResourceModification]

_VERSIONS = ("2008", "2017c", "2021b", "2023b")  # of the profile of DICOM, PS 3.15
_LEFT_BY = {"2008": ("StudyDate", "StudyTime", "SeriesDate", "SeriesTime")}
_NEWER = "1.12.7"


class ModificationsApi:
    """The calls of this family; each submits one job (the forms: Orthanc 1.10.1)."""

    def __init__(
        self,
        calls: JobCalls,
        storage: Storage,
        reader: SubmissionReader,
        release: Release,
        overwrites: bool,
    ) -> None:
        self._release = release
        self._overwrites = overwrites
        self._calls = calls
        self._storage = storage
        self._reader = reader
        self._anonymized = itertools.count(1)

    def routes(self) -> list[Route]:
        """The routes."""
        bulk = {"bulk-modify": self._bulk_modify, "bulk-anonymize": self._bulk_anonymize}
        routes = [
            Route(f"/tools/{word}", call, methods=["POST"])
            for word, call in bulk.items()
            if self._release.has(f"POST /tools/{word}")
        ]
        for word, rewriting in (
            ("modify", self._modification),
            ("anonymize", self._anonymization),
        ):
            path, call = f"/instances/{{id}}/{word}", self._of_an_instance(rewriting)
            routes.append(Route(path, call, methods=["POST"]))
        for level in (Level.PATIENT, Level.STUDY, Level.SERIES):
            modify, anonymize = self._modify(level), self._anonymize(level)
            routes.append(Route(f"{level.path}{{id}}/modify", modify, methods=["POST"]))
            routes.append(Route(f"{level.path}{{id}}/anonymize", anonymize, methods=["POST"]))
        return routes

    def _modify(self, level: Level) -> Callable[[Request], Awaitable[Response]]:
        async def modify(request: Request) -> Response:
            instances = instances_at(self._storage, level, request.path_params["id"])
            fields = await read_object(request)
            task = self._modification(level, fields, instances)
            if level is Level.PATIENT and level.keyword not in task.replace:
                raise bad_request(
                    "A modified patient needs a PatientID of its own, by Replace",
                    ErrorCode.BAD_REQUEST,
                )
            return await self._calls.answer(request, task, self._reader.synchronous(fields))

        return modify

    def _anonymize(self, level: Level) -> Callable[[Request], Awaitable[Response]]:
        async def anonymize(request: Request) -> Response:
            instances = instances_at(self._storage, level, request.path_params["id"])
            fields = await read_object(request)
            task = self._anonymization(level, fields, instances)
            return await self._calls.answer(request, task, self._reader.synchronous(fields))

        return anonymize

    def _of_an_instance(self, task_of: TaskOf) -> Callable[[Request], Awaitable[Response]]:
        """A single instance: the changed file is the answer, there is no job, nothing is stored."""

        async def rewrite(request: Request) -> Response:
            (instance,) = instances_at(self._storage, Level.INSTANCE, request.path_params["id"])
            task = task_of(Level.INSTANCE, await read_object(request), [instance])
            dataset = dicom.decode(instance.file)
            change_syntax(dataset, task.transcode)
            try:
                Modifier(self._storage).rewrite(task, dataset)
                changed = dicom.encode(dataset)
            except (CannotRewrite, *dicom.FILE_ERRORS) as error:
                raise bad_request(str(error), ErrorCode.BAD_REQUEST) from error
            return Response(changed.file, media_type="application/dicom")

        return rewrite

    async def _bulk_modify(self, request: Request) -> Response:
        fields = await read_object(request)
        level = read_level(text(fields, "Level", _level_of(read_values(fields))))
        task = self._modification(level, fields, self._several(fields), bulk=True)
        return await self._calls.answer(request, task, self._reader.synchronous(fields))

    async def _bulk_anonymize(self, request: Request) -> Response:
        fields = await read_object(request)
        task = self._anonymization(Level.PATIENT, fields, self._several(fields), bulk=True)
        return await self._calls.answer(request, task, self._reader.synchronous(fields))

    def _modification(
        self,
        level: Level,
        fields: dict[str, object],
        instances: list[Instance],
        bulk: bool = False,
    ) -> ResourceModification:
        """The task that `fields` asks for. Raises `RestError` (400)."""
        replace, keep = read_values(fields), read_paths(fields, "Keep")
        remove = read_paths(fields, "Remove")
        if not boolean(fields, "Force"):
            _refuse_identifiers(replace, "replaced")
            _refuse_identifiers(keep, "kept")
        _refuse_identifiers(remove, "removed")
        if self._release.is_from(_NEWER):
            self._refuse_loss(fields, instances, replace, keep)
        return ResourceModification(
            self._steps(fields, instances),
            level,
            anonymize=False,
            salt=uuid4().hex,
            bulk=bulk,
            replace=replace,
            remove=remove,
            keep=keep,
            moves=self._release.is_from(_NEWER) and boolean(fields, "Force"),
            remove_private=boolean(fields, "RemovePrivateTags"),
            transcode=read_syntax(fields.get("Transcode")),
            keep_labels=boolean(fields, "KeepLabels"),
            permissive=boolean(fields, "Permissive"),
            parents=self._parents(fields, level, instances),
            priority=self._reader.priority(fields),
            user_data=self._reader.user_data(fields),
        )

    def _anonymization(
        self,
        level: Level,
        fields: dict[str, object],
        instances: list[Instance],
        bulk: bool = False,
    ) -> ResourceModification:
        """The task that `fields` asks for. Raises `RestError` (400)."""
        if (version := text(fields, "DicomVersion", _VERSIONS[-1])) not in _VERSIONS:
            details = f"Unknown specific version of the DICOM standard: {version}"
            raise bad_request(details, ErrorCode.PARAMETER_OUT_OF_RANGE)
        replace, keep = read_values(fields), read_paths(fields, "Keep")
        remove = read_paths(fields, "Remove")
        if not boolean(fields, "Force"):
            _refuse_identifiers(replace, "replaced")
            _refuse_identifiers(keep, "kept")
            _refuse_identifiers(remove, "removed")
        named = {"PatientName": f"Anonymized{next(self._anonymized)}", "PatientID": str(uuid4())}
        new: dict[str, object] = {tag: each for tag, each in named.items() if tag not in keep}
        keep = (*keep, *_LEFT_BY.get(version, ()))
        return ResourceModification(
            self._steps(fields, instances),
            level,
            anonymize=True,
            salt=uuid4().hex,
            bulk=bulk,
            replace=new | replace,
            remove=remove,
            keep=keep,
            keep_private=boolean(fields, "KeepPrivateTags"),
            transcode=read_syntax(fields.get("Transcode")),
            keep_labels=boolean(fields, "KeepLabels"),
            permissive=boolean(fields, "Permissive"),
            parents=self._parents(fields, level, instances),
            priority=self._reader.priority(fields),
            user_data=self._reader.user_data(fields),
        )

    def _steps(self, fields: dict[str, object], instances: list[Instance]) -> tuple[Step, ...]:
        """A step for each instance, and one that removes them all unless they are kept."""
        steps = steps_for(once_each(instances))
        return steps if boolean(fields, "KeepSource", True) else (*steps, LAST_STEP)

    def _refuse_loss(
        self,
        fields: dict[str, object],
        instances: list[Instance],
        replace: dict[str, object],
        keep: tuple[str, ...],
    ) -> None:
        """Raise `RestError` (400) where data would be lost, or would contradict what is stored."""
        in_place = {each.keyword for each in Level if each is not Level.PATIENT} <= set(keep)
        if in_place and not (self._overwrites and boolean(fields, "KeepSource", True)):
            raise bad_request("The source would be lost, or stay as it is", ErrorCode.BAD_REQUEST)
        of_the_patient = set(MAIN_TAGS[Level.PATIENT]) & replace.keys()
        studies = {
            each.study
            for patient in {each.patient for each in instances}
            for each in self._storage.at(Level.PATIENT, patient)
        }
        if of_the_patient and Level.PATIENT.keyword not in replace and len(studies) > 1:
            details = f"{min(of_the_patient)} would differ between the studies of a patient"
            raise bad_request(details, ErrorCode.BAD_REQUEST)
        named, copied = replace.get(Level.PATIENT.keyword), {each.study for each in instances}
        for each in self._storage.all():
            main = each.main_tags(Level.PATIENT)
            if main.get(Level.PATIENT.keyword) != named or each.study in copied:
                continue
            if any(replace.get(tag) != value for tag, value in main.items()):
                details = f"The patient {named} has other tags, and other studies"
                raise bad_request(details, ErrorCode.BAD_REQUEST)

    def _parents(
        self, fields: dict[str, object], level: Level, instances: list[Instance]
    ) -> tuple[str, ...]:
        """What the caller has named, if Content is to show it."""
        if not self._release.is_from(_NEWER):
            return ()
        if "Resources" in fields:
            return tuple(sorted(set(texts(fields, "Resources"))))
        return tuple({each.at(level): None for each in instances})

    def _several(self, fields: dict[str, object]) -> list[Instance]:
        """The instances of what the body lists. Raises `RestError` (400, 404)."""
        listed = texts(fields, "Resources")
        return [each for resource in listed for each in instances_of(self._storage, resource)]


def _level_of(replace: dict[str, object]) -> Level:
    """The level of a bulk modification that names none: that of the identifier it replaces."""
    above = (Level.PATIENT, Level.STUDY, Level.SERIES)
    return next((level for level in above if level.keyword in replace), Level.INSTANCE)


def _refuse_identifiers(tags: Iterable[str], change: str) -> None:
    """Raises `RestError` (400) when one of `tags` makes a resource what it is."""
    for tag in tags:
        if tag in IDENTIFIERS:
            raise _needs_force(tag, change)


def _needs_force(tag: str, change: str) -> RestError:
    return bad_request(f"{tag} can only be {change} with Force", ErrorCode.BAD_REQUEST)
