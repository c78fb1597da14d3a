"""What DICOM files say that a server has made or sent."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from pydicom import Dataset

Said = TypeVar("Said")

TEXT = frozenset({"CS", "DA", "DT", "LO", "LT", "SH", "ST", "TM", "UI", "UT"})
"""The types whose value is the text that the file holds, but for padding at its end."""


def read_file(content: bytes) -> dict[str, str] | None:
    """The tags of a DICOM file and of its header by keyword, or None where it is none.

    A private tag has no keyword: it is found by its number, as `samples.PRIVATE`.
    """
    return _read(content, lambda found: {**_texts(found.file_meta), **_texts(found)})


@dataclass(frozen=True)
class Indexed:
    """What a DICOMDIR says of an instance: its UID, its file, the description of its series."""

    uid: str
    file: str
    series: str


def index_of(content: bytes) -> list[Indexed]:
    """The instances that a DICOMDIR refers to, in its order; none where it is no DICOMDIR."""
    return _read(content, lambda found: list(_indexed(found))) or []


def _indexed(directory: Dataset) -> Iterator[Indexed]:
    directory.decode()
    series = ""
    for record in directory.get("DirectoryRecordSequence", []):
        if record.get("DirectoryRecordType") == "SERIES":
            series = str(record.get("SeriesDescription", ""))
        if (uid := record.get("ReferencedSOPInstanceUIDInFile")) is not None:
            file = record.get("ReferencedFileID", "")
            path = file if isinstance(file, str) else "/".join(map(str, file))
            yield Indexed(str(uid), path, series)


def _read(content: bytes, say: Callable[[Dataset], Said]) -> Said | None:
    """What the file says, or None where it cannot be read as DICOM."""
    from pydicom import dcmread, errors  # it takes its time

    try:
        return say(dcmread(io.BytesIO(content)))
    except (
        errors.InvalidDicomError,
        errors.BytesLengthException,  # a number that is cut short
        OSError,
        ValueError,
        LookupError,
        AttributeError,
        TypeError,
        EOFError,
        NotImplementedError,
        struct.error,
    ):
        return None


def _texts(dataset: Dataset) -> dict[str, str]:
    """Its elements by keyword as text; one within a sequence as ``Sequence[0].Keyword``.

    An element is made only of what is not plain: that costs more than to read the whole file.
    One of a group that repeats, as 6000 and 6002, is found by its number: all share a keyword.
    """
    from pydicom.datadict import dictionary_has_tag, keyword_for_tag

    said = {}
    for tag in dataset.keys():  # noqa: SIM118 - to iterate over it makes elements
        if (text := _plain(dataset, tag)) is not None:
            said[keyword_for_tag(tag) if dictionary_has_tag(tag) else str(tag)] = text
            continue
        element = dataset[tag]
        if element.VR != "SQ":
            said[element.keyword or str(tag)] = str(element.value)
        else:
            for number, item in enumerate(element.value):
                item.decode()
                above = f"{element.keyword or tag}[{number}]"
                said |= {f"{above}.{name}": text for name, text in _texts(item).items()}
    return said


def _plain(dataset: Dataset, tag: int) -> str | None:
    """The value of an element that has a single one, of ASCII that can be printed; else None.

    Where blanks come first it goes by the type whether they are said.
    """
    from pydicom.dataelem import RawDataElement

    raw = dataset.get_item(tag)
    if not isinstance(raw, RawDataElement) or raw.VR not in TEXT or raw.value is None:
        return None
    text = raw.value.rstrip(b"\0 ").decode("ascii", "replace")
    plain = text.isascii() and text.isprintable() and "\\" not in text and text[:1] != " "
    return text if plain else None
