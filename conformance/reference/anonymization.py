"""Taking out of an instance whatever could tell who the patient is.

It goes by the type of the values, and so is stricter than the basic profile of DICOM PS 3.15: all
that a person may have typed, each name, date, time and address, goes away, at any depth; the
codes and numbers that describe the image stay, and identifiers are renewed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.multival import MultiValue

from conformance.reference import paths

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydicom.dataset import Dataset

_TELLING_TYPES = frozenset(
    {"AE", "AS", "DA", "DT", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UN", "UR", "UT"}
)
_TELLING_TAGS = frozenset(
    {
        "EncapsulatedDocument",
        "PatientSex",
        "PatientSize",
        "PatientWeight",
        "PregnancyStatus",
        "SmokingStatus",
    }
)
_KNOWN_UIDS = "1.2.840.10008."
METHOD = "All values of the types that can tell who the patient is"
"""What the result says of itself in DeidentificationMethod."""


def anonymize(
    dataset: Dataset,
    keep: tuple[str, ...],
    renew: Callable[[str], str],
    keep_private: bool = False,
) -> None:
    """Change `dataset` in place. `keep`: paths to what is left as it is; `renew`: a new UID.

    `keep_private`: leave private tags as they are, whatever they tell.
    """
    if not keep_private:
        paths.remove_private(dataset, keep)
    _clean(dataset, frozenset(keep), renew)
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = METHOD


def _clean(dataset: Dataset, keep: frozenset[str], renew: Callable[[str], str]) -> None:
    for element in list(dataset):
        if element.keyword in keep or element.tag.is_private:
            continue
        if element.VR in _TELLING_TYPES or element.keyword in _TELLING_TAGS:
            del dataset[element.tag]
        elif element.VR == "SQ":
            for number, item in enumerate(element.value):
                _clean(item, keep | paths.within(keep, element.keyword, number), renew)
        elif element.VR == "UI":
            element.value = _renewed(element.value, renew)


def _renewed(value: object, renew: Callable[[str], str]) -> object:
    """UIDs that the standard has given out stay, such as the class of an instance."""
    if value is None or value == "":
        return value
    if isinstance(value, MultiValue):
        return [_renewed(each, renew) for each in value]
    if not isinstance(value, str):
        return value
    return value if value.startswith(_KNOWN_UIDS) else renew(value)
