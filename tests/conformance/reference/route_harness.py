"""What the tests of the job-creating calls share: studies to work on, and jobs to wait for."""

from __future__ import annotations

import io
import threading
import zipfile
from dataclasses import dataclass
from typing import Any

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from tests.conformance.reference.harness import Job, Reply, Server

UNKNOWN = {"OrthancStatus": 17, "HttpStatus": 404}


@dataclass(frozen=True)
class Study:
    """A stored study: Orthanc's identifiers, the instances by series."""

    patient: str
    id: str
    uid: str
    series: dict[str, list[str]]

    @property
    def instances(self) -> list[str]:
        return [instance for instances in self.series.values() for instance in instances]


def file(**tags: object) -> bytes:
    """A DICOM file, made without the server's own code."""
    dataset = Dataset()
    dataset.SOPClassUID = SecondaryCaptureImageStorage
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        setattr(dataset, keyword, generate_uid())
    for keyword, value in tags.items():
        setattr(dataset, keyword, value)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta = meta
    target = io.BytesIO()
    pydicom.dcmwrite(target, dataset, enforce_file_format=True)
    return target.getvalue()


def study(server: Server, *series: int, patient: str = "p", **tags: object) -> Study:
    """Upload a study of series with so many instances each."""
    uid = generate_uid()
    found: dict[str, list[str]] = {}
    made: dict[str, Any] = {}
    common = {"PatientID": patient, "PatientName": "Doe^Jane", "PatientBirthDate": "19700102"}
    common |= {"StudyInstanceUID": uid, "StudyDescription": "before", "Modality": "CT"}
    for count in series or (2, 1):
        one = generate_uid()
        for number in range(count):
            given = {**common, "SeriesInstanceUID": one, "InstanceNumber": str(number + 1), **tags}
            made = server.call("POST", "/instances", file(**given)).json
            assert made["Status"] == "Success"
            found.setdefault(made["ParentSeries"], []).append(made["ID"])
    return Study(made["ParentPatient"], made["ParentStudy"], uid, found)


def submit(server: Server, path: str, body: dict[str, object], priority: int = 0) -> Job:
    """An asynchronous call."""
    reply = server.call("POST", path, {**body, "Asynchronous": True, "Priority": priority})
    assert reply.status == 200, reply
    assert reply.json == {"ID": reply.json["ID"], "Path": f"/jobs/{reply.json['ID']}"}
    return Job(server, reply.json["ID"], "")


def succeeds(server: Server, path: str, body: dict[str, object]) -> dict[str, Any]:
    """An asynchronous call whose job succeeds: the job."""
    return submit(server, path, body).becomes("Success").read()


def refused(reply: Reply, status: int, code: int) -> None:
    assert (reply.status, reply.json["OrthancStatus"]) == (status, code), reply


def dataset(server: Server, instance: str) -> Dataset:
    return pydicom.dcmread(io.BytesIO(server.call("GET", f"/instances/{instance}/file").body))


def below(server: Server, path: str) -> list[Dataset]:
    """All instances of a resource."""
    listed = server.call("GET", f"{path}/instances").json
    return [dataset(server, instance["ID"]) for instance in listed]


def names(archive: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert opened.testzip() is None
        return opened.namelist()


def uids(archive: bytes) -> set[str]:
    """The SOPInstanceUIDs in an archive, its index left out."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        files = [opened.read(name) for name in opened.namelist() if name != "DICOMDIR"]
    return {str(pydicom.dcmread(io.BytesIO(each)).SOPInstanceUID) for each in files}


def in_background(server: Server, path: str, body: object) -> tuple[threading.Thread, list[Reply]]:
    """POST on a connection of its own, since the call waits."""
    replies: list[Reply] = []
    own = Server(server.process, server.port, server.gate)
    thread = threading.Thread(target=lambda: replies.append(own.call("POST", path, body)))
    thread.start()
    return thread, replies
