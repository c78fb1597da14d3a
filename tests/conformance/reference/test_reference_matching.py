"""What a query finds."""

from __future__ import annotations

import pytest

from conformance.reference import dicom
from conformance.reference.matching import matches

INSTANCE = dicom.create(
    {
        "PatientID": "12-34",
        "PatientName": "Doe^Jane",
        "StudyDate": "20200102",
        "SOPInstanceUID": "1.2.3",
    }
)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, True),
        ({"PatientID": ""}, True),
        ({"PatientID": "12-34"}, True),  # no range: only dates and times have one
        ({"PatientID": "1-9"}, False),
        ({"PatientName": "Doe*"}, True),
        ({"PatientName": "doe*"}, True),
        ({"PatientName": "[D]oe*"}, False),
        ({"SOPInstanceUID": "1.2\\1.2.3"}, True),
        ({"SOPInstanceUID": "1.2\\1.2.4"}, False),
        ({"StudyDate": "20200101-20200103"}, True),
        ({"StudyDate": "-20200101"}, False),
        ({"StudyDate": "20200102-"}, True),
        ({"PatientName": "Doe*", "StudyDate": "2019*"}, False),
        ({"StudyTime": "10*"}, True),  # by which it is not known
    ],
)
def test_what_matches(wanted: dict[str, str], found: bool) -> None:
    assert matches(INSTANCE, wanted) is found


def test_case_and_what_is_not_known() -> None:
    asked = {"PatientName": "doe*"}
    assert [matches(INSTANCE, asked, case=case) for case in (False, True)] == [True, False]
    assert not matches(INSTANCE, {"StudyTime": "10*"}, known=False)


def test_a_tag_may_be_a_value() -> None:
    made = dicom.element("FrameIncrementPointer", "0018,1063\\FrameTime")
    assert [int(each) for each in made.value] == [0x00181063, 0x00181063]
