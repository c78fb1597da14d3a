"""What DICOM files say: the same as pydicom says, which makes an element of each value."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_file_meta_info
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32

from conformance.suites.route.files import TEXT, index_of, read_file

pytestmark = pytest.mark.filterwarnings("ignore:::pydicom")  # of what is in no order

KEYWORDS = {
    "AE": "RetrieveAETitle",
    "CS": "Modality",
    "DA": "StudyDate",
    "DT": "AcquisitionDateTime",
    "LO": "StudyDescription",
    "LT": "PatientComments",
    "PN": "PatientName",
    "IS": "SeriesNumber",
    "DS": "PatientWeight",
    "SH": "AccessionNumber",
    "ST": "InstitutionAddress",
    "TM": "StudyTime",
    "UI": "StudyInstanceUID",
    "UR": "RetrieveURL",
    "UT": "TextValue",
}
VALUES = st.binary(max_size=12) | st.text("09. \\^=\x1b\0Aé", max_size=8).map(str.encode)
CHARACTER_SETS = (None, b"ISO_IR 100", b"ISO_IR 192", b"\\ISO 2022 IR 87")


def file_of(
    values: dict[str, bytes], character_set: bytes | None = None, explicit: bool = True
) -> bytes:
    """A DICOM file with such values, as they are, by their type; what is in it beside is well."""
    inside = element(Tag("StudyID"), "SH", b"inside", explicit)
    item = struct.pack("<HHI", 0xFFFE, 0xE000, len(inside)) + inside
    elements = {
        Tag("SOPClassUID"): ("UI", b"1.2.3\0"),
        Tag("SOPInstanceUID"): ("UI", b"1.2.4\0"),
        Tag("ReferencedStudySequence"): ("SQ", item),
        Tag(0x00090010): ("LO", b"orthanc-jobs"),
        Tag(0x00091001): ("LO", b"private"),
        Tag("Rows"): ("US", b"\7\0"),
        Tag(0x60000022): ("LO", b"first"),
        Tag(0x60020022): ("LO", b"second"),
        **{Tag(KEYWORDS[vr]): (vr, value) for vr, value in values.items()},
    }
    if character_set is not None:
        elements[Tag("SpecificCharacterSet")] = ("CS", character_set)
    whole = b"".join(element(tag, *elements[tag], explicit) for tag in sorted(elements))
    return header(ExplicitVRLittleEndian if explicit else ImplicitVRLittleEndian) + whole


def header(syntax: UID) -> bytes:
    """What a file begins with."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID = meta.MediaStorageSOPInstanceUID = UID("1.2.3")
    written = DicomBytesIO()
    write_file_meta_info(written, meta)
    return bytes(128) + b"DICM" + written.getvalue()


def element(tag: BaseTag, vr: str, value: bytes, explicit: bool) -> bytes:
    """An element as it is in a file, in little endian."""
    value += b" " * (len(value) % 2)
    start = struct.pack("<HH", tag.group, tag.element)
    if not explicit:
        return start + struct.pack("<I", len(value)) + value
    if vr in EXPLICIT_VR_LENGTH_32:
        return start + vr.encode() + struct.pack("<HI", 0, len(value)) + value
    return start + vr.encode() + struct.pack("<H", len(value)) + value


def by_pydicom(content: bytes) -> dict[str, str] | None:
    """None where pydicom raises anything."""
    try:
        found = dcmread(io.BytesIO(content))
        found.decode()
        return {**_said(found.file_meta), **_said(found)}
    except Exception:  # noqa: BLE001 - it is whatever pydicom raises
        return None


def _said(dataset: Dataset) -> dict[str, str]:
    """What is within a sequence as well, by what leads there."""
    said: dict[str, str] = {}
    for one in dataset:
        name = one.keyword or str(one.tag)
        if one.VR != "SQ":
            said[name] = str(one.value)
            continue
        for number, item in enumerate(one.value):
            said |= {f"{name}[{number}].{key}": value for key, value in _said(item).items()}
    return said


def test_there_is_a_value_of_each_type_of_text() -> None:
    assert KEYWORDS.keys() > TEXT


@given(
    st.dictionaries(st.sampled_from(sorted(KEYWORDS)), VALUES),
    st.sampled_from(CHARACTER_SETS),
    st.booleans(),
)
def test_a_file_says_what_pydicom_reads(
    values: dict[str, bytes], among: bytes | None, explicit: bool
) -> None:
    content = file_of(values, among, explicit)
    assert read_file(content) == by_pydicom(content)


@given(st.data())
def test_a_file_that_was_spoilt_says_what_pydicom_reads(data: st.DataObject) -> None:
    content = bytearray(file_of({"LO": b"Study", "UI": b"1.2.4", "PN": b"A^B"}))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(132, len(content) - 1))] = data.draw(st.integers(0, 255))
    assert read_file(bytes(content)) == by_pydicom(bytes(content))


def test_what_it_says() -> None:
    said = read_file(file_of({"LO": b"Study", "TM": b"10\\11"}))
    assert said is not None
    shown = {name: said[name] for name in ("StudyDescription", "StudyTime", "(0009,1001)", "Rows")}
    assert shown == {
        "StudyDescription": "Study",
        "StudyTime": "['10', '11']",
        "(0009,1001)": "private",
        "Rows": "7",
    }
    assert "ReferencedStudySequence" not in said


def test_of_groups_that_repeat_each_is_said() -> None:
    """Two overlays, whose elements share a keyword."""
    said = read_file(file_of({}))
    assert said is not None
    assert (said["(6000,0022)"], said["(6002,0022)"]) == ("first", "second")


def test_a_number_that_is_cut_short_is_no_file() -> None:
    content = file_of({})
    where = content.index(b"US\2\0\7\0")
    cut = content[:where] + b"US\1\0\7"
    assert dcmread(io.BytesIO(cut)).get_item("Rows").value == b"\7"  # type: ignore[union-attr]
    assert read_file(cut) is None


@pytest.mark.parametrize("content", [b"", b"PK", bytes(132), b"\0" * 128 + b"DICM" + b"\x08"])
def test_what_is_no_file(content: bytes) -> None:
    assert read_file(content) == by_pydicom(content)
    assert index_of(content) == []
