"""A patient, study, series or instance as the REST API shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import NAMESPACE_OID, uuid5

from conformance.reference import metadata
from conformance.reference.levels import Level

if TYPE_CHECKING:
    from conformance.reference.dicom import Instance


def describe(level: Level, instances: list[Instance]) -> dict[str, object]:
    """What `instances`, all of it, is at `level` (as Orthanc 1.10.1 shows it)."""
    first = instances[0]
    shown: dict[str, object] = {
        "ID": first.at(level),
        "MainDicomTags": first.main_tags(level),
        "Type": level.shown,
    }
    if level is Level.INSTANCE:
        shown |= {
            "FileSize": len(first.file),
            "FileUuid": file_uuid(first),
            "IndexInSeries": _index(first),
        }
    else:
        known = metadata.of(level, instances)
        named = ("AnonymizedFrom", "LastUpdate", "ModifiedFrom")
        shown |= {"IsStable": True, **{name: known[name] for name in named if name in known}}
    if level is Level.SERIES:
        shown |= {"ExpectedNumberOfInstances": None, "Status": "Unknown"}
    if level.above is not None:
        shown[f"Parent{level.above.shown}"] = first.at(level.above)
    if level is Level.STUDY:
        shown["PatientMainDicomTags"] = first.main_tags(Level.PATIENT)
    if level.below is not None:
        below = level.below
        shown[below.collection.capitalize()] = list(
            dict.fromkeys(instance.at(below) for instance in instances)
        )
    return dict(sorted(shown.items()))


def file_uuid(instance: Instance) -> str:
    """What the file of `instance` is called."""
    return str(uuid5(NAMESPACE_OID, instance.id))


def _index(instance: Instance) -> int | None:
    """Its number in its series, None if it has none."""
    number = instance.tags.get("InstanceNumber", "")
    return int(number) if number.isascii() and number.isdigit() else None
