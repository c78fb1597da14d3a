"""Paths into sequences and private tags in a modification: the same files as by Orthanc."""

from __future__ import annotations

import io
from typing import Any

import pydicom
import requests
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from conformance.reference.double import reference_server
from conformance.sut import servers

CODES, INNER = "ProcedureCodeSequence", "ScheduledProtocolCodeSequence"
OUTER = "RequestAttributesSequence"
RENEWED = {"SOPInstanceUID"}
BODIES: list[dict[str, Any]] = [
    *(
        {"Replace": {path: "Z"}}
        for path in (
            *(f"{CODES}[0].CodeValue", f"{CODES}[1].CodeMeaning", f"{CODES}[*].CodeValue"),
            *(f"{CODES}[5].CodeValue", "ReferencedStudySequence[0].CodeValue", CODES),
            *("0008,1032[0].0008,0100", f"{CODES}[0].NoSuch", f"{CODES}[x].CodeValue"),
            *(f"{CODES}.CodeValue", f"{CODES}[0]", "PatientName[0].CodeValue", "Nope"),
            *(f"{OUTER}[0].{INNER}[0].CodeValue", "0011,1001", "0011-1002", "0017,1001"),
        )
    ),
    *(
        {"Replace": {CODES: value}}
        for value in ([{"CodeValue": "Q"}], [], {"CodeValue": "Q"}, ["Q"], None)
    ),
    {"Replace": {f"{OUTER}[0].{INNER}": [{"CodeMeaning": "Z"}]}},
    *({"Replace": {"StudyDescription": value}} for value in (5, None, ["a"], {})),
    {"Replace": {"FrameIncrementPointer": "FrameTime"}},
    *(
        {"Remove": [path]}
        for path in (
            *(f"{CODES}[0].CodeValue", f"{CODES}[*].CodeValue", f"{CODES}[0]", CODES),
            *(f"{CODES}[7].CodeValue", f"{OUTER}[0].{INNER}[0].CodeMeaning", "Nope"),
            *("0011,1001", "0011,0010"),
        )
    ),
    {"RemovePrivateTags": True},
    {"RemovePrivateTags": True, "Keep": ["0011,1001", "0011,0010"]},
    {"Keep": [f"{CODES}[0].CodeValue"], "Remove": [f"{CODES}[0].CodeMeaning"]},
]


def code(value: str) -> Dataset:
    made = Dataset()
    made.CodeValue, made.CodeMeaning = value, value.lower()
    return made


def sample() -> bytes:
    """An instance with sequences, one in another, and with the tags of two private creators."""
    made, outer = Dataset(), Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.SOPClassUID, made.SOPInstanceUID = SecondaryCaptureImageStorage, "1.2.1.1.1"
    made.StudyInstanceUID, made.SeriesInstanceUID = "1.2.1", "1.2.1.1"
    made.PatientID, made.PatientName, made.StudyDescription = "P", "N", "D"
    made.ProcedureCodeSequence = [code("A"), code("B")]
    outer.ScheduledProtocolCodeSequence = [code("C")]
    made.RequestAttributesSequence = [outer]
    for group, creator in ((0x0011, "ACME"), (0x0013, "OTHER")):
        block = made.private_block(group, creator, create=True)
        block.add_new(0x01, "LO", "one")
        block.add_new(0x02, "DS", "2")
    file = io.BytesIO()
    made.save_as(file, enforce_file_format=True)
    return file.getvalue()


def modified(url: str) -> list[Any]:
    """Of each body what the changed file holds, or the status of the answer and of the error."""
    made = requests.post(f"{url}/instances", data=sample(), timeout=10).json()
    seen = []
    for body in BODIES:
        answer = requests.post(f"{url}/instances/{made['ID']}/modify", json=body, timeout=10)
        if answer.ok:
            seen.append((body, held(pydicom.dcmread(io.BytesIO(answer.content)))))
        else:
            seen.append((body, (answer.status_code, answer.json()["OrthancStatus"])))
    return seen


def held(dataset: Dataset) -> dict[str, Any]:
    return {
        f"{element.tag} {element.VR}": [held(item) for item in element.value]
        if element.VR == "SQ"
        else str(element.value)
        for element in dataset
        if element.keyword not in RENEWED
    }


def test_a_modification_makes_the_same_file_as_by_orthanc(installed_orthanc: None) -> None:
    with reference_server(release="1.10.1") as ours, servers.orthanc() as orthanc:
        here, there = modified(ours.url), modified(orthanc.address.url)
        orthanc.kill()
    assert [pair for pair in zip(here, there, strict=True) if pair[0] != pair[1]] == []
    assert len({str(seen) for _, seen in here}) > 20


def test_an_anonymization_keeps_what_a_path_names() -> None:
    with reference_server() as server:
        made = requests.post(f"{server.url}/instances", data=sample(), timeout=10).json()
        path = f"{server.url}/instances/{made['ID']}/anonymize"
        body = {"Keep": [f"{CODES}[0].CodeValue", "0011,1001"]}
        answer = requests.post(path, json=body, timeout=10)
        found = pydicom.dcmread(io.BytesIO(answer.content))
    first, second = found.ProcedureCodeSequence
    assert (first.get("CodeValue"), first.get("CodeMeaning")) == ("A", None)
    assert "CodeValue" not in second
    assert (0x0011, 0x1001) in found
    assert (0x0011, 0x1002) not in found
    assert (0x0013, 0x1001) not in found
