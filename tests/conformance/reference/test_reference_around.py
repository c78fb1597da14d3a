"""What belongs to jobs and is none: transcoding, archives that are kept, whence a copy came."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from conformance.reference.config import ConfigError, parse_config
from conformance.reference.double import ReferenceServer, reference_server
from tests.conformance.reference.harness import Gate
from tests.conformance.reference.test_reference_control import Caller


@pytest.fixture
def server() -> Iterator[ReferenceServer]:
    with reference_server(MediaArchiveSize=2) as started:
        yield started


@pytest.fixture
def client(server: ReferenceServer) -> Caller:
    return Caller(server.port)


@pytest.fixture
def instance(client: Caller) -> dict[str, str]:
    made: dict[str, str] = client.do("/tools/create-dicom", Tags={"PatientID": "A"})
    return made


def read(client: Caller, path: str) -> Any:
    status, body = client.call("GET", path)
    assert status == 200, body
    return json.loads(body)


def ended(client: Caller, path: str, **fields: object) -> dict[str, Any]:
    """The job of an asynchronous call, when it has succeeded."""
    return client.becomes(client.do(path, Asynchronous=True, **fields)["ID"], "Success")


def test_only_so_many_archives_are_kept(client: Caller, instance: dict[str, str]) -> None:
    jobs = [ended(client, "/tools/create-archive", Resources=[instance["ID"]]) for _ in range(3)]
    served = [client.call("GET", f"/jobs/{job['ID']}/archive")[0] for job in jobs]
    assert served == [404, 200, 200]
    assert [client.job(job["ID"])["State"] for job in jobs] == ["Success"] * 3
    waited = client.call("POST", "/tools/create-archive", {"Resources": [instance["ID"]]})
    assert waited[0] == 200  # and is kept by nobody
    assert client.call("GET", f"/jobs/{jobs[1]['ID']}/archive")[0] == 200


def test_files_are_transcoded(client: Caller, instance: dict[str, str], gate: Gate) -> None:
    implicit = str(ImplicitVRLittleEndian)
    job = ended(client, "/tools/create-media", Resources=[instance["ID"]], Transcode=implicit)
    assert job["Content"]["Transcode"] == implicit
    archive = zipfile.ZipFile(io.BytesIO(client.call("GET", f"/jobs/{job['ID']}/archive")[1]))
    (file,) = (archive.read(name) for name in archive.namelist() if name != "DICOMDIR")
    assert syntax(file) == implicit
    path = f"/studies/{instance['ParentStudy']}/modify"
    copy = ended(client, path, Replace={"StudyID": "1"}, Transcode=implicit)["Content"]
    (made,) = read(client, f"{copy['Path']}/instances")
    assert syntax(client.call("GET", f"/instances/{made['ID']}/file")[1]) == implicit
    client.call("PUT", "/peers/gate", {"Url": f"{gate.url}/transcoded"})
    for wanted, sent in ((implicit, implicit), ("1.2.840.10008.1.2.4.50", ExplicitVRLittleEndian)):
        fields = {"Resources": [instance["ID"]], "Transcode": wanted, "Asynchronous": True}
        store = client.do("/peers/gate/store", **fields)["ID"]
        step = gate.arrival("transcoded")
        assert syntax(step.body) == sent  # one that cannot be transcoded arrives as it is
        step.answer()
        content = client.becomes(store, "Success")["Content"]
        assert (content["Transcode"], content["Size"]) == (wanted, str(len(step.body)))


def syntax(file: bytes) -> str:
    return str(pydicom.dcmread(io.BytesIO(file)).file_meta.TransferSyntaxUID)


def test_a_copy_says_what_it_was_made_from(client: Caller, instance: dict[str, str]) -> None:
    study = instance["ParentStudy"]
    for word, name in (("modify", "ModifiedFrom"), ("anonymize", "AnonymizedFrom")):
        made = ended(client, f"/studies/{study}/{word}", Replace={"StudyID": "1"})["Content"]
        assert read(client, f"{made['Path']}/metadata?expand")[name] == study
        assert read(client, made["Path"])[name] == study
        (copy,) = read(client, f"{made['Path']}/instances")
        told = read(client, f"/instances/{copy['ID']}/metadata?expand")
        assert told[name] == instance["ID"]
    assert "ModifiedFrom" not in read(client, f"/studies/{study}/metadata")


def test_what_is_known_survives_a_restart(
    server: ReferenceServer, client: Caller, instance: dict[str, str]
) -> None:
    path = f"/instances/{instance['ID']}/metadata?expand"
    before = read(client, path)
    assert before["Origin"] == "RestApi"
    server.restart()
    assert read(client, path) == before


def test_changes_come_once(client: Caller, instance: dict[str, str]) -> None:
    first = read(client, "/changes?limit=3")
    kinds = [change["ChangeType"] for change in first["Changes"]]
    assert (kinds, first["Done"], first["Last"]) == (
        ["NewInstance", "NewSeries", "NewStudy"],
        False,
        3,
    )
    rest = read(client, f"/changes?since={first['Last']}")
    assert [change["ChangeType"] for change in rest["Changes"]] == ["NewPatient"]
    assert rest["Done"]
    assert read(client, f"/changes?since={rest['Last']}") == {
        "Changes": [],
        "Done": True,
        "Last": rest["Last"],
    }
    assert read(client, "/changes?since=soon") == read(client, "/changes")
    assert read(client, "/changes?limit=soon") == read(client, "/changes")
    assert read(client, "/changes?limit=-1")["Changes"] == []


def test_keys_of_the_configuration() -> None:
    config = parse_config(
        '{"DicomModalities": {"a": ["A", "h", 104]}, "OrthancPeers": {"b": ["http://h/"]},'
        ' "MediaArchiveSize": 3, "StableAge": 5, "KeepAlive": true, "Dictionary": {},}'
    )
    assert config.dicom_modalities["a"].aet == "A"
    assert config.orthanc_peers["b"].url == "http://h/"
    assert config.media_archive_size == 3
    assert config.unknown == ("Dictionary", "KeepAlive")
    for wrong in ('{"OrthancPeers": {"b": ["x"]}}', '{"MediaArchiveSize": 0}'):
        with pytest.raises(ConfigError):
            parse_config(wrong)


def test_peers_and_modalities_are_those_of_the_configuration() -> None:
    peers = {"log": ["http://127.0.0.1:1/", "alice", "secret"]}
    with reference_server(OrthancPeers=peers, DicomModalities={"m": ["M", "h", 104]}) as server:
        client = Caller(server.port)
        assert read(client, "/peers?expand")["log"]["Username"] == "alice"
        assert read(client, "/modalities") == ["m"]
        assert b"secret" not in client.call("GET", "/peers?expand")[1]
