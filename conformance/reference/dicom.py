"""DICOM files: made from tags, read when uploaded, and named the way Orthanc names them."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING
from uuid import uuid4

import pydicom
from pydicom import config as pydicom_config
from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag, Tag
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from conformance.reference.errors import ErrorCode, RestError, bad_request
from conformance.reference.levels import Level

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE_ERRORS = (
    InvalidDicomError,
    BytesLengthException,  # a number that is cut short
    OSError,  # EOFError is not one
    EOFError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    NotImplementedError,
    OverflowError,
    struct.error,
)
"""What reading or writing a file that is not quite DICOM can raise."""

MAIN_TAGS = {
    Level.PATIENT: ("PatientBirthDate", "PatientID", "PatientName", "PatientSex"),
    Level.STUDY: (
        "AccessionNumber",
        "ReferringPhysicianName",
        "StudyDate",
        "StudyDescription",
        "StudyID",
        "StudyInstanceUID",
        "StudyTime",
    ),
    Level.SERIES: (
        "BodyPartExamined",
        "Modality",
        "SeriesDate",
        "SeriesDescription",
        "SeriesInstanceUID",
        "SeriesNumber",
        "SeriesTime",
    ),
    Level.INSTANCE: ("InstanceNumber", "SOPInstanceUID"),
}
"""The tags that are shown of what is at each level."""

SHOWN_TAGS = frozenset(name for names in MAIN_TAGS.values() for name in names)
"""All of them."""

_READ = [Tag(name) for name in (*SHOWN_TAGS, "SOPClassUID", "SpecificCharacterSet")]
_NAMES = {Tag(name): name for name in (*SHOWN_TAGS, "SOPClassUID")}  # to look up a keyword is slow
_IDENTIFIERS = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
_WHOLE_NUMBERS = frozenset({"US", "SS", "UL", "SL", "UV", "SV"})
_REAL_NUMBERS = frozenset({"FL", "FD"})
_NOT_FROM_TEXT = frozenset({"SQ", "OB", "OW", "OF", "OD", "OL", "OV", "UN"})


@dataclass(frozen=True, slots=True)
class Instance:
    """A stored DICOM instance, and Orthanc's identifiers of it and of what it belongs to.

    `tags`: the main ones of all its levels, by keyword, as text. `metadata`: what it adds to that
    of each of its levels.
    """

    id: str
    series: str
    study: str
    patient: str
    file: bytes
    tags: Mapping[str, str]
    sop_class_uid: str = ""
    transfer_syntax: str = ""
    metadata: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def sop_instance_uid(self) -> str:
        """What DICOM calls it."""
        return self.tags["SOPInstanceUID"]

    def at(self, level: Level) -> str:
        """The identifier of what this belongs to at `level`."""
        return self.id if level is Level.INSTANCE else getattr(self, level)

    def main_tags(self, level: Level) -> dict[str, str]:
        """The main tags of what this belongs to at `level`."""
        return {name: self.tags[name] for name in MAIN_TAGS[level] if name in self.tags}


def create(tags: dict[str, object]) -> Instance:
    """Make a DICOM file of `tags`: keywords or numbers such as ``0010,0010``, with text values.

    Identifiers that are missing are generated. Raises `RestError` (400) for a tag that is
    unknown, or a value that is not text or does not fit its tag.
    """
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = SecondaryCaptureImageStorage
    for name, value in tags.items():
        dataset.add(element(name, value))
    for keyword in _IDENTIFIERS:
        if not dataset.get(keyword):
            made = uuid4().hex if keyword == "PatientID" else generate_uid()
            setattr(dataset, keyword, made)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta = meta
    try:
        return encode(dataset)
    except FILE_ERRORS as error:
        raise bad_request("These values do not fit into a DICOM file") from error


def encode(dataset: Dataset) -> Instance:
    """The instance that `dataset` is, with a file of its own. Raises one of `FILE_ERRORS`."""
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    target = BytesIO()
    pydicom.dcmwrite(target, dataset, enforce_file_format=True)
    return _identify(dataset, _values(dataset), target.getvalue())


def decode(file: bytes) -> Dataset:
    """All of a DICOM file. Raises one of `FILE_ERRORS`."""
    return pydicom.dcmread(BytesIO(file))


def parse(file: bytes) -> Instance:
    """Read an uploaded DICOM file. Raises `RestError` (400) when it is none."""
    try:
        dataset = pydicom.dcmread(BytesIO(file), specific_tags=list(_READ))
        values = _values(dataset)
        lacking = not all(values.get(keyword) for keyword in _IDENTIFIERS[1:])
        instance = _identify(dataset, values, file)
    except FILE_ERRORS as error:
        raise bad_request(f"Not a DICOM file ({len(file)} bytes)") from error
    if lacking:
        raise bad_request("The DICOM file lacks one of its identifiers")
    return instance


def _values(dataset: Dataset) -> dict[str, object]:
    """Of `_NAMES` those that are in `dataset`, by their keywords, with their values."""
    present = dataset.keys()
    return {name: dataset[tag].value for tag, name in _NAMES.items() if tag in present}


def _identify(dataset: Dataset, values: dict[str, object], file: bytes) -> Instance:
    """Orthanc's identifiers: a hash of the DICOM ones, from the patient down."""
    names = [str(values.get(keyword, "")).strip() for keyword in _IDENTIFIERS]
    patient, study, series, instance = (
        _orthanc_id("|".join(names[: level + 1])) for level in range(4)
    )
    sop_class = str(values.pop("SOPClassUID", ""))
    tags = {name: as_text(value) for name, value in values.items()}
    syntax = str(dataset.file_meta.get("TransferSyntaxUID", ""))
    return Instance(instance, series, study, patient, file, tags, sop_class, syntax)


def as_text(value: object) -> str:
    """The value of a tag as text; a backslash parts several."""
    if value is None:
        return ""
    if isinstance(value, list | MultiValue):
        return "\\".join(str(each) for each in value)
    return str(value).strip()


def _orthanc_id(text: str) -> str:
    """The SHA-1 of `text`, as five groups of eight hexadecimal digits."""
    digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    return "-".join(digest[start : start + 8] for start in range(0, 40, 8))


def element(name: str, value: object) -> DataElement:
    """The data element for a tag of the caller's; no value is an empty one.

    A sequence is an array of objects. Raises `RestError` (400; 500 for a tag that there is not).
    """
    tag = find_tag(name)
    vr = "UN" if tag.is_private else dictionary_VR(tag)
    if vr == "SQ" and isinstance(value, list):
        return DataElement(tag, vr, [_item(name, each) for each in value])
    if not isinstance(value, str | None):
        raise bad_request(f"Bad type of the value of {name}", ErrorCode.BAD_PARAMETER_TYPE)
    text = value or ""
    if vr == "SQ":
        raise bad_request(f"{name} is a sequence, and needs an array")
    if (vr in _NOT_FROM_TEXT or " or " in vr) and not tag.is_private:
        raise bad_request(f"{name} cannot be set from text", ErrorCode.BAD_PARAMETER_TYPE)
    try:
        text.encode()  # JSON allows half a surrogate pair, which is no text
        return DataElement(tag, vr, _typed(vr, text), validation_mode=pydicom_config.IGNORE)
    except (ValueError, OverflowError) as error:
        raise bad_request(f"The value of {name} does not fit its type") from error


def _item(name: str, value: object) -> Dataset:
    """An item of the sequence `name`. Raises `RestError`."""
    if not isinstance(value, dict):
        details = f"The items of {name} must be objects"
        raise bad_request(details, ErrorCode.BAD_PARAMETER_TYPE)
    item = Dataset()
    for inner, each in value.items():
        item.add(element(inner, each))
    return item


def _typed(vr: str, text: str) -> object:
    """`text` as the values that a tag of type `vr` holds; a backslash parts several."""
    if vr == "UN":  # as it is in the file, whose values have an even length
        return text.encode() + b"\0" * (len(text.encode()) % 2)
    if vr in _WHOLE_NUMBERS:
        return [int(part) for part in text.split("\\")] if text else None
    if vr == "AT":
        return [int(find_tag(part)) for part in text.split("\\")] if text else None
    if vr in _REAL_NUMBERS:
        return [float(part) for part in text.split("\\")] if text else None
    return text


def name_of(tag: BaseTag) -> str:
    """How a tag is called here: by its keyword, or by its number where it has none."""
    return keyword_for_tag(tag) or f"{tag.group:04x},{tag.elem:04x}"


def find_tag(name: str) -> BaseTag:
    """The tag of a data set that `name` stands for. Raises `RestError` (500) when there is none."""
    tag = read_tag(name)
    if tag.group <= 0x0002 or not (tag.is_private or keyword_for_tag(tag)):
        raise _unknown(name)
    return tag


def read_tag(name: str) -> BaseTag:
    """The same, and whatever has eight digits. Raises `RestError` (500)."""
    number = tag_for_keyword(name)
    digits = name.replace(",", "").replace("-", "")
    if number is None and len(digits) == 8 and all(c in "0123456789abcdefABCDEF" for c in digits):
        number = int(digits, 16)
    if number is None:
        raise _unknown(name)
    return Tag(number)


def _unknown(name: str) -> RestError:
    code = ErrorCode.UNKNOWN_DICOM_TAG
    return RestError(code.status, code, f"Unknown DICOM tag: {name}")
