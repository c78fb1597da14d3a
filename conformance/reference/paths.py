"""Paths to a tag within sequences: ``ProcedureCodeSequence[0].CodeValue``, ``[*]`` for each item.

A tag by itself is a path as well. They are kept as text, each tag by its keyword, or by its number
where it has none, as a private one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conformance.reference import dicom
from conformance.reference.errors import ErrorCode, bad_request

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset
    from pydicom.tag import BaseTag

_PART = re.compile(r"([^\[\]]+)\[([^\[\]]*)\]")
_EACH = "*"


def read_path(text: str) -> str:
    """A path as it is kept. Raises `RestError` (400; 500 for a tag that there is not)."""
    *above, last = text.split(".")
    return ".".join([*map(_read_part, above), dicom.name_of(dicom.find_tag(last))])


def _read_part(text: str) -> str:
    """A part of a path that is not its last one: a sequence, and which of its items."""
    part = _PART.fullmatch(text)
    if part is None:
        raise bad_request("A sequence in a path needs an index", ErrorCode.PARAMETER_OUT_OF_RANGE)
    name, index = part.groups()
    if index != _EACH and not (index.isascii() and index.isdigit()):
        raise bad_request(f"Not a valid index: [{index}]", ErrorCode.PARAMETER_OUT_OF_RANGE)
    return f"{dicom.name_of(dicom.find_tag(name))}[{index}]"


def remove(dataset: Dataset, path: str) -> None:
    """Take what `path` leads to out of `dataset`, if it is there."""
    for inner, tag in _places(dataset, path):
        if tag in inner:
            del inner[tag]


def replace(dataset: Dataset, path: str, value: object) -> None:
    """Give it a value, wherever `path` leads; no item of a sequence is made for that."""
    name = path.rpartition(".")[2]
    for inner, _ in _places(dataset, path):
        inner.add(dicom.element(name, value))


def _places(dataset: Dataset, path: str) -> Iterator[tuple[Dataset, BaseTag]]:
    """Where `path` leads in `dataset`: what holds the tag, or would hold it, and the tag."""
    part, _, rest = path.partition(".")
    if not rest:
        yield dataset, dicom.find_tag(part)
        return
    found = _PART.fullmatch(part)
    assert found is not None, path
    name, index = found.groups()
    sequence = dataset.get(dicom.find_tag(name))
    for number, item in enumerate(_items(sequence)):
        if index in (_EACH, str(number)):
            yield from _places(item, rest)


def _items(element: DataElement | None) -> list[Dataset]:
    """The items of a sequence; none of what is no sequence."""
    return list(element.value) if element is not None and element.VR == "SQ" else []


def within(paths: Iterable[str], name: str, number: int) -> frozenset[str]:
    """Of `paths` what is left of those that lead into an item of the sequence `name`."""
    heads = (f"{name}[{number}].", f"{name}[{_EACH}].")
    return frozenset(
        path.removeprefix(head) for path in paths for head in heads if path.startswith(head)
    )


def remove_private(dataset: Dataset, keep: Iterable[str] = ()) -> None:
    """Take private tags out of `dataset`, at any depth, but for those that `keep` names."""
    kept = frozenset(keep)
    for element in list(dataset):
        name = dicom.name_of(element.tag)
        if element.tag.is_private and name not in kept:
            del dataset[element.tag]
        for number, item in enumerate(_items(element)):
            remove_private(item, within(kept, name, number))
