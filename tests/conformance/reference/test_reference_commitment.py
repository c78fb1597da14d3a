"""Storage commitment, asked of ourselves and of a modality that does not report: as on Orthanc."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from pynetdicom import AE, evt

from conformance.reference import dicom
from conformance.reference.double import reference_server
from conformance.sut import servers
from tests.conformance.reference.harness import DEADLINE
from tests.waiting import until

SECONDARY_CAPTURE, CT = "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.2"
SERVICE = "1.2.840.10008.1.20.1"
TAGS = {"PatientID": "A", "StudyInstanceUID": "1.2.1", "SeriesInstanceUID": "1.2.1.1"}
UIDS = ("1.2.1.1.1", "1.2.1.1.2")
FILES = [dicom.create({**TAGS, "SOPInstanceUID": uid}).file for uid in UIDS]
FIRST, SECOND = map(dicom.parse, FILES)
STORED, OTHER = [SECONDARY_CAPTURE, UIDS[0]], [CT, UIDS[1]]
UNKNOWN = [SECONDARY_CAPTURE, "1.2.9"]
NAMED = {"SOPClassUID": SECONDARY_CAPTURE, "SOPInstanceUID": UIDS[0]}
REFUSED: list[Any] = [
    *({"Resources": ["nope"]}, {"Resources": "x"}, {"Resources": [FIRST.id], "Timeout": "5"}),
    *({}, [], b"[", {"DicomInstances": 5}, {"DicomInstances": ["a"]}, {"DicomInstances": [["a"]]}),
    {"DicomInstances": [{"SOPClassUID": SECONDARY_CAPTURE}]},
]
TAKEN: list[dict[str, Any]] = [
    {"DicomInstances": [NAMED]},
    {"DicomInstances": [STORED, UNKNOWN, OTHER]},
    {"DicomInstances": []},
    {"DicomInstances": [["a", "b"]]},
    {"Resources": [FIRST.study]},
    {"Resources": [FIRST.id, FIRST.id], "Timeout": 5},
    {"Resources": [FIRST.id], "DicomInstances": [UNKNOWN]},
]
ELSEWHERE = [
    *(("GET", "/storage-commitment/1.2.3"), ("DELETE", "/storage-commitment/1.2.3")),
    *(("POST", "/storage-commitment/1.2.3/remove"), ("GET", "/storage-commitment/1.2.3/remove")),
    *(
        ("POST", "/modalities/none/storage-commitment"),
        ("GET", "/modalities/self/storage-commitment"),
    ),
    ("POST", "/modalities/down/storage-commitment"),
]


@contextmanager
def silent() -> Iterator[int]:
    """A modality that takes what is asked for, and never reports: its port."""
    entity = AE("SILENT")
    entity.add_supported_context(SERVICE)
    took = [(evt.EVT_N_ACTION, lambda event: (0x0000, None))]
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=took)
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()


def seen(answer: requests.Response) -> Any:
    """What of an answer has to be the same."""
    try:
        body = answer.json()
    except ValueError:
        body = answer.text
    if isinstance(body, dict) and "OrthancStatus" in body:
        body = body["OrthancStatus"]
    for failure in body.get("Failures", ()) if isinstance(body, dict) else ():
        failure["Description"] = bool(failure["Description"])
    return answer.status_code, answer.headers.get("Content-Type"), body


def ask(url: str, body: Any, of: str = "self") -> requests.Response:
    data = body if isinstance(body, bytes) else json.dumps(body)
    path = f"{url}/modalities/{of}/storage-commitment"
    return requests.post(path, data=data, timeout=DEADLINE)


def asked(url: str, body: Any, of: str = "self") -> str:
    """The path of what was asked for, whose answer does not depend on the transaction."""
    answer = ask(url, body, of)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told == {"ID": told["ID"], "Path": f"/storage-commitment/{told['ID']}"}
    return url + str(told["Path"])


def reported(path: str) -> Any:
    """What a modality has reported, in no order of instances."""

    def is_over() -> bool:
        return bool(requests.get(path, timeout=DEADLINE).json()["Status"] != "Pending")

    until(is_over, DEADLINE)
    status, type, body = seen(requests.get(path, timeout=DEADLINE))
    body["Success"].sort(key=str)
    return status, type, body


def told(url: str, port: int, quiet: int) -> Iterator[Any]:
    """All that a server answers, which listens for DICOM at `port`."""
    for name, modality in {
        "self": ["ORTHANC", "127.0.0.1", port],
        "down": ["DOWN", "127.0.0.1", 1],
        "silent": ["SILENT", "127.0.0.1", quiet],
    }.items():
        assert requests.put(f"{url}/modalities/{name}", json=modality, timeout=DEADLINE).ok
    for file in FILES:
        assert requests.post(f"{url}/instances", data=file, timeout=DEADLINE).ok
    for body in REFUSED:
        yield body, seen(ask(url, body))
    for method, path in ELSEWHERE:
        answer = requests.request(method, url + path, json={"Resources": []}, timeout=DEADLINE)
        yield method, path, seen(answer)
    for body in TAKEN:
        yield body, reported(asked(url, body))
    pending = asked(url, {"Resources": [FIRST.id]}, "silent")
    yield "pending", seen(requests.get(pending, timeout=DEADLINE))
    yield "pending", seen(requests.post(f"{pending}/remove", timeout=DEADLINE))
    failed, kept = asked(url, {"DicomInstances": [STORED, UNKNOWN]}), asked(url, TAKEN[0])
    for path in (failed, kept, kept):
        reported(path)
        yield "removed", seen(requests.post(f"{path}/remove", timeout=DEADLINE))
        yield "left", requests.get(f"{url}/instances", timeout=DEADLINE).json()
        yield "still", seen(requests.get(path, timeout=DEADLINE))
    yield from sorted(map(str, jobs(url)))


def jobs(url: str) -> Iterator[Any]:
    """The jobs, without what varies."""

    def are_over() -> bool:
        found = requests.get(f"{url}/jobs?expand", timeout=DEADLINE).json()
        return {job["State"] for job in found} <= {"Success", "Failure"}

    until(are_over, DEADLINE)
    for job in requests.get(f"{url}/jobs?expand", timeout=DEADLINE).json():
        content = {**job["Content"], "TransactionUid": bool(job["Content"]["TransactionUid"])}
        fields = ("Type", "State", "ErrorCode", "Progress", "Priority")
        yield {name: job[name] for name in fields}, content


def port_of(url: str) -> int:
    return int(requests.get(f"{url}/system", timeout=DEADLINE).json()["DicomPort"])


def test_it_is_asked_for_reported_on_and_read_as_on_orthanc(installed_orthanc: None) -> None:
    with silent() as quiet:
        with reference_server(release="1.10.1", DicomPort=0) as ours:
            here = list(told(ours.url, port_of(ours.url), quiet))
        with servers.orthanc(config={"DicomServerEnabled": True}) as orthanc:
            url = orthanc.address.url
            there = list(told(url, port_of(url), quiet))
            orthanc.kill()
    assert [pair for pair in zip(here, there, strict=True) if pair[0] != pair[1]] == []


@pytest.mark.parametrize(("release", "has"), [("1.5.6", False), ("1.10.1", True), (None, True)])
def test_what_has_it(release: str | None, has: bool) -> None:
    kept = {} if release is None else {"release": release}
    with reference_server(**kept) as server:
        answer = requests.get(f"{server.url}/storage-commitment/1.2", timeout=DEADLINE)
    assert bool(answer.json()["OrthancStatus"] == 7) == has
