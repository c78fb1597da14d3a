"""The fields that say which tags of an instance to change: ``Replace``, ``Remove``, ``Keep``."""

from __future__ import annotations

from conformance.reference import dicom
from conformance.reference.errors import ErrorCode, bad_request
from conformance.reference.levels import Level
from conformance.reference.paths import read_path

IDENTIFIERS = frozenset(level.keyword for level in Level)
"""The tags that make a resource what it is: they are changed only by who insists on it."""


def read_replace(
    fields: dict[str, object], name: str = "Replace", wrong: ErrorCode = ErrorCode.BAD_FILE_FORMAT
) -> dict[str, str]:
    """The values of tags, by keyword. Raises `RestError` (400, 500), also if one does not fit.

    `wrong`: the code of one that is no text.
    """
    replace = {}
    for tag, text in _object(fields, name).items():
        if not isinstance(text, str):
            raise bad_request(f"The value of {tag} must be text", wrong)
        dicom.element(tag, text)
        replace[keyword(tag)] = text
    return replace


def read_values(fields: dict[str, object]) -> dict[str, object]:
    """What a modification sets: the values, by their paths. Raises `RestError` (400, 500)."""
    values = {read_path(path): value for path, value in _object(fields, "Replace").items()}
    for path, value in values.items():
        dicom.element(path.rpartition(".")[2], value)
    return values


def read_paths(fields: dict[str, object], name: str) -> tuple[str, ...]:
    """The paths in an array. Raises `RestError` (400, 500)."""
    return tuple(map(read_path, _array(fields, name)))


def read_keys(value: object) -> dict[str, str]:
    """What names a resource to a modality, by keyword. Raises `RestError` (400, or 500)."""
    if not isinstance(value, dict):
        raise bad_request("Each of the Resources must be an object")
    for tag, text in value.items():
        if not isinstance(text, str):
            raise bad_request(f"{tag} must be a string")
    return read_replace({"Replace": value})


def read_tags(fields: dict[str, object], name: str) -> tuple[str, ...]:
    """The tags in an array, as keywords. Raises `RestError` (400, 500)."""
    return tuple(map(keyword, _array(fields, name)))


def _object(fields: dict[str, object], name: str) -> dict[str, object]:
    value = fields.get(name, {})
    if not isinstance(value, dict):
        raise bad_request(f"{name} must be an object", ErrorCode.BAD_REQUEST)
    return value


def _array(fields: dict[str, object], name: str) -> list[str]:
    value = fields.get(name, [])
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise bad_request(f"{name} must be an array of tags", ErrorCode.BAD_REQUEST)
    return value


def keyword(tag: str) -> str:
    """The keyword of a tag that may be given by its number. Raises `RestError` (500)."""
    return dicom.name_of(dicom.find_tag(tag))
