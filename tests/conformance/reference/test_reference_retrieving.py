"""What a modality gets from the server by C-MOVE and C-GET, and a job of C-GET, as on Orthanc."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from pydicom.dataset import Dataset
from pynetdicom import AE, AllStoragePresentationContexts, build_role, evt

from conformance.peer.dicom_gate import asking_only
from conformance.reference import dicom
from conformance.reference.double import reference_server
from conformance.sut import servers
from tests.conformance.reference.harness import DEADLINE
from tests.waiting import until

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
MOVE, GET = (f"1.2.840.10008.5.1.4.1.2.2.{service}" for service in (2, 3))
STUDIES = ("1.2.840.99.1", "1.2.840.99.2")
FILES = [
    dicom.create(
        {
            "PatientID": f"P-{study[-1]}",
            "StudyInstanceUID": study,
            "SeriesInstanceUID": f"{study}.1",
            "SOPInstanceUID": f"{study}.1.{number}",
        }
    ).file
    for study in STUDIES
    for number in (1, 2)
]
ASKED: list[dict[str, Any]] = [
    {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": STUDIES[0]},
    {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": list(STUDIES)},
    {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": [STUDIES[0], "1.2.9"]},
    {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": "1.2.9"},
    {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": ""},
    {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": STUDIES[0], "PatientID": "P-2"},
    {"QueryRetrieveLevel": "STUDY", "PatientID": "P-2"},
    {"QueryRetrieveLevel": "IMAGE", "SOPInstanceUID": f"{STUDIES[0]}.1.1"},
    {"StudyInstanceUID": STUDIES[0]},
    {"QueryRetrieveLevel": "FOO", "StudyInstanceUID": STUDIES[0]},
]


class Sink:
    """A modality that keeps of each instance who has asked for it, and by which message."""

    def __init__(self) -> None:
        self.came: list[tuple[str, int]] = []
        entity = AE("SINK")
        entity.supported_contexts = AllStoragePresentationContexts
        handlers = [(evt.EVT_C_STORE, self._store)]
        self._server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
        self.port: int = self._server.server_address[1]

    def _store(self, event: evt.Event) -> int:
        asked: Any = event.request
        title = asked.MoveOriginatorApplicationEntityTitle
        self.came.append((title, asked.MoveOriginatorMessageID))
        return 0x0000

    def close(self) -> None:
        self._server.shutdown()


@pytest.fixture
def sink() -> Iterator[Sink]:
    opened = Sink()
    yield opened
    opened.close()


def last(answers: Any) -> int:
    """The status of the last answer."""
    return int(list(answers)[-1][0].Status)


def asked(port: int, keys: dict[str, Any], target: str | None) -> bool:
    """Whether a C-MOVE to `target`, or a C-GET, of these keys succeeds."""
    entity, model = AE("SINK"), MOVE if target else GET
    entity.add_requested_context(model)
    takes: dict[str, Any] = {}
    if target is None:
        entity.add_requested_context(SECONDARY_CAPTURE)
        takes["ext_neg"] = [build_role(SECONDARY_CAPTURE, scp_role=True)]
        takes["evt_handlers"] = [(evt.EVT_C_STORE, lambda event: 0x0000)]
    association = asking_only(entity.associate("127.0.0.1", port, ae_title="ORTHANC", **takes))
    assert association.is_established
    query = Dataset()
    for keyword, value in keys.items():
        setattr(query, keyword, value)
    if target:
        status = last(association.send_c_move(query, target, model))
    else:
        status = last(association.send_c_get(query, model))
    association.release()
    return status == 0x0000


def told(url: str, sink: Sink, synchronous: bool) -> Iterator[Any]:
    """Of each that is asked for: whether it succeeds, and how much has come; then all jobs."""
    port = requests.get(f"{url}/system", timeout=DEADLINE).json()["DicomPort"]
    for name, where in {"sink": sink.port, "gone": 1}.items():
        modality = [name.upper(), "127.0.0.1", where]
        assert requests.put(f"{url}/modalities/{name}", json=modality, timeout=DEADLINE).ok
    for file in FILES:
        assert requests.post(f"{url}/instances", data=file, timeout=DEADLINE).ok
    for keys in ASKED:
        sink.came.clear()
        done = asked(port, keys, "SINK")
        jobs(url)
        yield keys, done, len(sink.came), [] if synchronous else sink.came[:]
    for keys in ASKED:
        yield keys, asked(port, keys, None)
    yield "gone", asked(port, ASKED[0], "GONE"), "nobody", asked(port, ASKED[0], "NOBODY")
    yield jobs(url)
    yield from moves(url, port)


def moves(url: str, port: int) -> Iterator[Any]:
    """What a C-MOVE by a call is answered, which makes no job before 1.12.7."""
    for name, title, where in (("self", "ORTHANC", port), ("down", "DOWN", 1)):
        modality = [title, "127.0.0.1", where]
        assert requests.put(f"{url}/modalities/{name}", json=modality, timeout=DEADLINE).ok
    first, unknown = {"StudyInstanceUID": STUDIES[0]}, {"StudyInstanceUID": "1.2.9"}
    body = {"Level": "Study", "Resources": [first]}
    for name, more in (
        *(("none", {}), ("down", {}), ("self", {}), ("self", {"Asynchronous": True})),
        *(("self", {"Resources": each}) for each in ([first, unknown], [], ["a"], [{"Nope": ""}])),
        *(("self", {"Level": level}) for level in ("foo", 5)),
        *(("self", {name: 5}) for name in ("TargetAet", "LocalAet")),
        *(("self", each) for each in ({"TargetAet": "NOBODY"}, {"Timeout": "5"})),
    ):
        path = f"{url}/modalities/{name}/move"
        answer = requests.post(path, json={**body, **more}, timeout=DEADLINE)
        told = answer.json()
        yield name, more, answer.status_code, told.get("OrthancStatus", told)


def jobs(url: str) -> list[str]:
    """Type, end and Content of all jobs, when they have ended."""

    def are_over() -> bool:
        found = requests.get(f"{url}/jobs?expand", timeout=DEADLINE).json()
        return {job["State"] for job in found} <= {"Success", "Failure"}

    until(are_over, DEADLINE)
    found = requests.get(f"{url}/jobs?expand", timeout=DEADLINE).json()
    names = ("Type", "State", "ErrorCode", "Priority", "Content")
    return sorted(str([job[name] for name in names]) for job in found)


@contextmanager
def both(config: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The addresses of the two servers."""
    with (
        reference_server(release="1.10.1", DicomPort=0, **config) as ours,
        servers.orthanc(config={"DicomServerEnabled": True, **config}) as orthanc,
    ):
        yield ours.url, orthanc.address.url
        orthanc.kill()


@pytest.mark.parametrize("synchronous", [True, False])
def test_who_asks_gets_the_same(synchronous: bool, sink: Sink, installed_orthanc: None) -> None:
    """With SynchronousCMove false a job sends, in the name of who has asked."""
    config = {"SynchronousCMove": synchronous, "JobsHistorySize": 100}
    with both(config) as (ours, theirs):
        here, there = (list(told(url, sink, synchronous)) for url in (ours, theirs))
    assert [pair for pair in zip(here, there, strict=True) if pair[0] != pair[1]] == []
    (made,) = (each for each in here if isinstance(each, list))
    assert bool(made) != synchronous


def test_a_job_of_c_get_stores_what_comes() -> None:
    """Whence it came is told as of any C-STORE."""
    with (
        reference_server(release="1.10.1", DicomPort=0) as provider,
        reference_server(release="1.12.7") as server,
    ):
        port = requests.get(f"{provider.url}/system", timeout=DEADLINE).json()["DicomPort"]
        for file in FILES:
            assert requests.post(f"{provider.url}/instances", data=file, timeout=DEADLINE).ok
        modality = {"AET": "FAR", "Host": "127.0.0.1", "Port": port, "RetrieveMethod": "C-GET"}
        path = f"{server.url}/modalities/far"
        assert requests.put(path, json=modality, timeout=DEADLINE).ok
        shown = requests.get(f"{path}/configuration", timeout=DEADLINE).json()
        assert shown["RetrieveMethod"] == "C-GET"
        body = {"Level": "Study", "Query": {"StudyInstanceUID": ""}}
        query = requests.post(f"{path}/query", json=body, timeout=DEADLINE).json()["Path"]
        retrieve = f"{server.url}{query}/retrieve"
        ended = requests.post(retrieve, json={}, timeout=DEADLINE)  # as the modality says
        assert ended.status_code == 200, ended.text
        (job,) = requests.get(f"{server.url}/jobs?expand", timeout=DEADLINE).json()
        assert (job["Type"], job["State"]) == ("DicomGetScu", "Success")
        stored = requests.get(f"{server.url}/instances", timeout=DEADLINE).json()
        assert {dicom.parse(file).id for file in FILES} == set(stored)
        known = f"{server.url}/instances/{stored[0]}/metadata?expand"
        found = requests.get(known, timeout=DEADLINE).json()
        assert (found["Origin"], found["RemoteAET"]) == ("DicomProtocol", "FAR")
        unknown = {"Level": "Study", "Resources": [{"StudyInstanceUID": "1.2.9"}]}
        failed = requests.post(f"{path}/get", json=unknown, timeout=DEADLINE)
        assert (failed.status_code, failed.json()["OrthancStatus"]) == (500, 9)


@pytest.mark.parametrize(
    ("method", "status"),
    [("C-GET", 200), ("C-MOVE", 200), ("SystemDefault", 200), ("", 200), ("nope", 400), (5, 400)],
)
def test_the_ways_to_retrieve_that_a_modality_may_have(method: object, status: int) -> None:
    with reference_server(release="1.12.7") as server:
        body = {"AET": "A", "Host": "h", "Port": 104, "RetrieveMethod": method}
        put = requests.put(f"{server.url}/modalities/a", json=body, timeout=DEADLINE)
    assert put.status_code == status
