"""Whether a tag is what a query asks for: lists, wildcards, and ranges of dates and times."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.reference.dicom import Instance

_PERSONS = frozenset({"PatientName", "ReferringPhysicianName"})
_IN_ORDER = ("Date", "Time")  # the ends of the names of tags that may be asked for as a range


def matches(
    instance: Instance,
    wanted: Mapping[str, str],
    *,
    case: bool | None = None,
    known: bool = True,
) -> bool:
    """Whether each tag of `instance` is one of those asked for, which backslashes part.

    `case`: whether upper case matters; None: but in names of persons. `known`: a tag by which it
    is not known does not matter; otherwise such a tag is empty.
    """
    return all(
        not patterns
        or (known and name not in instance.tags)
        or any(_is_like(name, instance.tags.get(name, ""), each, case) for each in _list(patterns))
        for name, patterns in wanted.items()
    )


def asks_for_like_uids(wanted: Mapping[str, str]) -> bool:
    """Whether a UID is asked for by a wildcard, which Orthanc refuses."""
    return any(name.endswith("UID") and set(text) & {*"*?"} for name, text in wanted.items())


def _list(patterns: str) -> list[str]:
    return patterns.split("\\")


def _is_like(name: str, value: str, pattern: str, case: bool | None) -> bool:
    """Whether `value` is like `pattern`, which may have wildcards, or be a range."""
    first, dash, last = pattern.partition("-")
    if dash and name.endswith(_IN_ORDER):
        return bool(value) and first <= value and (not last or value <= last)
    if case is False or (case is None and name in _PERSONS):
        value, pattern = value.lower(), pattern.lower()
    return fnmatch.fnmatchcase(value, pattern.replace("[", "[[]"))
