"""The fields that say which tags of an instance to change: ``Replace``, ``Remove``, ``Keep``."""

from __future__ import annotations

from pydicom.datadict import keyword_for_tag

from conformance.reference import dicom
from conformance.reference.errors import ErrorCode, bad_request
from conformance.reference.levels import Level

IDENTIFIERS = frozenset(level.keyword for level in Level)
"""The tags that make a resource what it is: they are changed only by who insists on it."""


def read_replace(fields: dict[str, object], name: str = "Replace") -> dict[str, str]:
    """The values to set, by keyword. Raises `RestError` (400), also for one that does not fit."""
    value = fields.get(name, {})
    if not isinstance(value, dict):
        raise bad_request(f"{name} must be an object", ErrorCode.BAD_REQUEST)
    replace = {keyword(tag): text for tag, text in value.items()}
    for tag, text in replace.items():
        dicom.element(tag, text)
    return replace


def read_keys(value: object) -> dict[str, str]:
    """What names a resource to a modality, by keyword. Raises `RestError` (400, or 500)."""
    if not isinstance(value, dict):
        raise bad_request("Each of the Resources must be an object")
    for tag, text in value.items():
        if not isinstance(text, str):
            raise bad_request(f"{tag} must be a string")
    return read_replace({"Replace": value})


def read_tags(fields: dict[str, object], name: str) -> tuple[str, ...]:
    """The tags in an array, as keywords. Raises `RestError` (400)."""
    value = fields.get(name, [])
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise bad_request(f"{name} must be an array of tags", ErrorCode.BAD_REQUEST)
    return tuple(keyword(tag) for tag in value)


def keyword(tag: str) -> str:
    """The keyword of a tag that may be given by its number. Raises `RestError` (400)."""
    return keyword_for_tag(dicom.find_tag(tag))
