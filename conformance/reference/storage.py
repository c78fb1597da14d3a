"""The instances of the server, and the patients, studies and series that they make up."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.reference.dicom import Instance


class Level(StrEnum):
    """The levels above an instance, spelled as the fields of `Instance`."""

    SERIES = "series"
    STUDY = "study"
    PATIENT = "patient"


class Storage:
    """Instances by their identifier, in order of arrival.

    Only the event loop changes it. `file` alone is called by worker threads: one look-up in a
    dict, which is whole under Python's own lock.
    """

    def __init__(self) -> None:
        self._instances: dict[str, Instance] = {}

    def add(self, instance: Instance) -> bool:
        """Store `instance`; False when it is there already, and then the old one stays."""
        if instance.id in self._instances:
            return False
        self._instances[instance.id] = instance
        return True

    def get(self, instance_id: str) -> Instance | None:
        """An instance; None when there is none of this id."""
        return self._instances.get(instance_id)

    def file(self, instance_id: str) -> bytes | None:
        """The DICOM file of an instance; None when it is gone."""
        instance = self._instances.get(instance_id)
        return None if instance is None else instance.file

    def remove(self, instance_id: str) -> Instance | None:
        """Remove an instance, and answer it; None when there was none."""
        return self._instances.pop(instance_id, None)

    def ids(self) -> list[str]:
        """The ids of all instances."""
        return list(self._instances)

    def ids_at(self, level: Level) -> list[str]:
        """The ids of all patients, studies or series."""
        return list(dict.fromkeys(_id_at(each, level) for each in self._instances.values()))

    def below(self, resource: str) -> list[Instance] | None:
        """The instances of any resource: of itself, or of the series, study or patient it is.

        None when there is no such resource.
        """
        if (instance := self._instances.get(resource)) is not None:
            return [instance]
        found = [
            instance
            for instance in self._instances.values()
            if resource in (instance.series, instance.study, instance.patient)
        ]
        return found or None

    def remaining_ancestor(self, removed: Instance) -> dict[str, str] | None:
        """The nearest resource that `removed` belonged to and that still has instances."""
        paths = {Level.SERIES: "/series/", Level.STUDY: "/studies/", Level.PATIENT: "/patients/"}
        for level, path in paths.items():
            ancestor = _id_at(removed, level)
            if self.below(ancestor) is not None:
                return {"ID": ancestor, "Path": path + ancestor, "Type": level.capitalize()}
        return None

    def size(self) -> int:
        """Bytes of all files."""
        return sum(len(instance.file) for instance in self._instances.values())


def _id_at(instance: Instance, level: Level) -> str:
    match level:
        case Level.SERIES:
            return instance.series
        case Level.STUDY:
            return instance.study
        case Level.PATIENT:
            return instance.patient
