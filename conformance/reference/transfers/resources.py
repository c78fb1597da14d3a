"""From what a caller lists to instances, and how their files are cut into buckets."""

from __future__ import annotations

import hashlib
import itertools
import json
from typing import TYPE_CHECKING

from conformance.reference.errors import ErrorCode, bad_request, not_found
from conformance.reference.levels import Level
from conformance.reference.tasks.transfers import Chunk, Listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from conformance.reference.dicom import Instance
    from conformance.reference.storage import Storage

_LEVELS = {level.shown.lower(): level for level in Level}
_COMPRESSIONS = ("gzip", "none")
_LONGEST_PATH = 1956  # characters that the identifiers of a bucket may take in a path


def instances_listed(storage: Storage, resources: Iterable[object]) -> list[Instance]:
    """The instances of `resources`, each once, in order of their identifiers.

    Raises `RestError`: 400 for what names nothing, 404 for what there is not.
    """
    found: dict[str, Instance] = {}
    for resource in resources:
        level, identifier = _named(resource)
        instances = storage.at(level, identifier)
        if not instances:
            raise not_found(f"There is no {level} {identifier}", ErrorCode.UNKNOWN_RESOURCE)
        found |= {instance.id: instance for instance in instances}
    return [found[identifier] for identifier in sorted(found)]


def _named(resource: object) -> tuple[Level, str]:
    """What ``{"Level", "ID"}`` names. Raises `RestError` (400)."""
    match resource:
        case {"Level": str(level), "ID": str(identifier)}:
            if level.lower() not in _LEVELS:
                raise bad_request("There is no such Level", ErrorCode.PARAMETER_OUT_OF_RANGE)
            return _LEVELS[level.lower()], identifier
    raise bad_request("A resource is an object with the strings Level and ID")


def read_compression(fields: Mapping[str, object]) -> str:
    """The field Compression, which has to be there. Raises `RestError` (400)."""
    compression = fields.get("Compression")
    if not isinstance(compression, str):
        raise bad_request("Compression must be a string")
    if compression not in _COMPRESSIONS:
        known = ", ".join(_COMPRESSIONS)
        raise bad_request(f"Compression must be one of {known}", ErrorCode.PARAMETER_OUT_OF_RANGE)
    return compression


def read_listed(value: object) -> Listed:
    """What the other side tells of a file. Raises `RestError` (400)."""
    match value:
        case {"ID": str(identifier), "MD5": str(digest), "Size": str(count)}:
            return Listed(identifier, read_size(count), digest)
    raise bad_request("An instance has the strings ID, MD5 and Size")


def read_size(text: str) -> int:
    """A number of bytes, which is told as a text. Raises `RestError` (400)."""
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise bad_request("Size and Offset must be numbers of bytes")
    return int(text)


def listed(instance: Instance) -> Listed:
    """What the other side is told of `instance`."""
    return Listed(instance.id, len(instance.file), md5(instance.file))


def md5(file: bytes) -> str:
    """By which the other side sees that a file has arrived as it was."""
    return hashlib.md5(file, usedforsecurity=False).hexdigest()


def buckets(
    files: Sequence[Listed], kilobytes: int, *, in_path: bool = False
) -> tuple[tuple[Chunk, ...], ...]:
    """`files` in pieces of `kilobytes` or more, as the plugin cuts them (measured).

    A file of up to twice that is a bucket, a larger one is some of equal size. Then come the
    smaller files, together. `in_path`: their identifiers have to find room in a path.
    """
    least = kilobytes * 1024
    large = [bucket for each in files if each.size >= least for bucket in _cut(each, least)]
    return *large, *_collected([each for each in files if each.size < least], least, in_path)


def _cut(file: Listed, least: int) -> list[tuple[Chunk, ...]]:
    count = 1 if file.size <= 2 * least else -(-file.size // (2 * least))
    ends = [file.size * number // count for number in range(count + 1)]
    return [(Chunk(file.id, start, end - start),) for start, end in itertools.pairwise(ends)]


def _collected(files: list[Listed], least: int, in_path: bool) -> list[tuple[Chunk, ...]]:
    found: list[list[Chunk]] = []
    full = True
    for file in files:
        if full:
            found.append([])
        bucket = found[-1]
        bucket.append(Chunk(file.id, 0, file.size))
        length = sum(len(chunk.id) + 1 for chunk in bucket)
        full = size(bucket) >= least or (in_path and length + len(file.id) > _LONGEST_PATH)
    return [tuple(bucket) for bucket in found]


def size(bucket: Iterable[Chunk]) -> int:
    """Bytes of a bucket."""
    return sum(chunk.size for chunk in bucket)


def to_json(value: object) -> bytes:
    """`value` as it is sent."""
    return json.dumps(value).encode()
