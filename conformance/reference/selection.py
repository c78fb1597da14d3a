"""From what a caller lists to the instances that the steps of a job are about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference.errors import ErrorCode, not_found
from conformance.reference.job import Step

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.reference.dicom import Instance
    from conformance.reference.levels import Level
    from conformance.reference.storage import Storage

LAST_STEP = Step("")
"""A step that is about no instance: it finishes what the others began."""


def steps_of(storage: Storage, resources: Iterable[str]) -> tuple[Step, ...]:
    """A step for each instance of each resource, in the order of the caller, as often as listed.

    Raises `RestError` (404) for a resource that there is not.
    """
    return steps_for(each for one in resources for each in instances_of(storage, one))


def instances_of(storage: Storage, resource: str) -> list[Instance]:
    """The instances of a patient, study, series or instance. Raises `RestError` (404)."""
    found = storage.below(resource)
    if found is None:
        raise not_found(f"Unknown resource: {resource}", ErrorCode.UNKNOWN_RESOURCE)
    return found


def instances_at(storage: Storage, level: Level, resource: str) -> list[Instance]:
    """The instances of what `resource` is at `level`. Raises `RestError` (404)."""
    found = storage.at(level, resource)
    if not found:
        raise not_found(f"There is no such {level}", ErrorCode.UNKNOWN_RESOURCE)
    return found


def steps_for(instances: Iterable[Instance]) -> tuple[Step, ...]:
    """A step for each instance."""
    return tuple(Step(instance.id, len(instance.file)) for instance in instances)


def once_each(instances: Iterable[Instance]) -> list[Instance]:
    """The instances without their repetitions."""
    return list({instance.id: instance for instance in instances}.values())
