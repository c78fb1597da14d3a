"""The tags of an instance as Orthanc shows them: in full, short, or simplified."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from conformance.reference import dicom

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset
    from starlette.requests import Request

_BINARY = frozenset({"OB", "OW", "OF", "OD", "OL", "OV", "UN"})


class View(Enum):
    """How tags are shown."""

    FULL = "full"
    SHORT = "short"
    SIMPLE = "simplify"

    @classmethod
    def asked(cls, request: Request) -> View:
        """What a caller asks for: ``?simplify`` or ``?short``, or else in full."""
        asked = (view for view in (cls.SIMPLE, cls.SHORT) if view.value in request.query_params)
        return next(asked, cls.FULL)


def show(elements: Iterable[DataElement], view: View) -> dict[str, Any]:
    """Tags in this view, in order of their names; a binary value is null, as by Orthanc."""
    shown = {}
    for element in elements:
        name = element.keyword if view is View.SIMPLE and element.keyword else number(element)
        shown[name] = _full(element, view) if view is View.FULL else _value(element, view)
    return dict(sorted(shown.items()))


def number(element: DataElement, separator: str = ",") -> str:
    """A tag as two numbers."""
    return f"{element.tag.group:04x}{separator}{element.tag.element:04x}"


def shared(datasets: list[Dataset]) -> list[DataElement]:
    """The elements that all of `datasets` have, with the same value."""
    first, *others = datasets
    return [
        each
        for each in first
        if all(each.tag in other and other[each.tag] == each for other in others)
    ]


def _full(element: DataElement, view: View) -> dict[str, Any]:
    value = _value(element, view)
    kind = "Null" if value is None else "Sequence" if element.VR == "SQ" else "String"
    name = element.keyword or "Unknown Tag & Data"
    return {"Name": name, "Type": kind, "Value": value}


def _value(element: DataElement, view: View) -> Any:
    if element.VR == "SQ":
        return [show(item, view) for item in element.value]
    if element.VR in _BINARY or isinstance(element.value, bytes):
        return None
    if element.VR == "AT":
        values = element.value if isinstance(element.value, list) else [element.value]
        return "\\".join(f"{tag >> 16:04x},{tag & 0xFFFF:04x}" for tag in values if tag is not None)
    return dicom.as_text(element.value)
