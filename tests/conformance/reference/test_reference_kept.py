"""What is known of resources beside their tags is kept over a restart, as on Orthanc.

The same calls are made of both servers, with a restart in between, and are answered the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import requests

from conformance.reference import dicom
from conformance.reference.double import reference_server
from conformance.sut import servers

TAGS = {"PatientID": "A", "StudyInstanceUID": "1.2.1", "SeriesInstanceUID": "1.2.1.1"}
FIRST, SECOND = (dicom.create({**TAGS, "SOPInstanceUID": f"1.2.1.1.{n}"}).file for n in (1, 2))
INSTANCE = dicom.parse(FIRST)
STUDY = f"/studies/{INSTANCE.study}"
NAMES = ("1024", "2000", "1023", "65536", "Origin", "Nope", "3000")
QUERIES = (
    *(
        "",
        "?limit=2",
        "?since=2&limit=2",
        "?since=9",
        "?limit=0",
        "?last",
        "?to=3",
        "?to=3&limit=1",
    ),
    *("?since=1&to=3", "?type=NewStudy", "?type=NewStudy;NewPatient&limit=1", "?type=Nope"),
)


def changes(url: str) -> list[Any]:
    """Of each page: its changes without their times, and the rest of it; or the error."""
    pages = []
    for query in QUERIES:
        answer = requests.get(f"{url}/changes{query}", timeout=10)
        body = answer.json()
        told = [{**each, "Date": None} for each in body.get("Changes", ())]
        rest = {name: body.get(name) for name in ("Done", "First", "Last", "OrthancStatus")}
        pages.append((query, answer.status_code, told, rest))
    return pages


def write_metadata(url: str) -> list[Any]:
    """What is answered to it, at each of these names."""
    answered = []
    calls = [("PUT", b"first"), ("PUT", b"v\xff"), ("GET", b""), ("DELETE", b""), ("DELETE", b"")]
    for name in NAMES:
        for method, body in calls[: 3 if name == "1024" else None]:
            path = f"{url}{STUDY}/metadata/{name}"
            answer = requests.request(method, path, data=body, timeout=10)
            error = answer.json()["OrthancStatus"] if b"Orthanc" in answer.content else None
            answered.append((name, method, answer.status_code, error or answer.content))
    return answered


def life(url: Callable[[], str], restart: Callable[[], None]) -> list[Any]:
    """All that a server answers in two lives."""
    seen: list[Any] = []

    def store(file: bytes) -> None:
        assert requests.post(f"{url()}/instances", data=file, timeout=10).ok

    def delete(path: str) -> None:
        assert requests.delete(f"{url()}{path}", timeout=10).ok

    store(FIRST)
    seen += write_metadata(url())
    store(SECOND)
    seen += changes(url())
    restart()
    seen += changes(url())
    known = requests.get(f"{url()}{STUDY}/metadata?expand", timeout=10).json()
    seen.append((known["1024"], requests.get(f"{url()}{STUDY}/metadata/1024", timeout=10).content))
    delete(f"/instances/{INSTANCE.id}")
    seen += changes(url())
    delete("/changes")
    seen += changes(url())
    delete(STUDY)
    store(FIRST)
    seen += changes(url())
    seen.append("1024" in requests.get(f"{url()}{STUDY}/metadata", timeout=10).json())
    return seen


def test_what_is_known_is_kept_as_on_orthanc(installed_orthanc: None) -> None:
    with reference_server(release="1.10.1") as ours:
        here = life(lambda: ours.url, ours.restart)
    with servers.orthanc() as orthanc:

        def restart() -> None:
            orthanc.stop()
            orthanc.start()

        there = life(lambda: orthanc.address.url, restart)
        orthanc.kill()
    assert [pair for pair in zip(here, there, strict=True) if pair[0] != pair[1]] == []


def test_labels_are_kept_and_go_with_what_they_are_of() -> None:
    with reference_server(release="1.12.7") as server:
        labels = f"{STUDY}/labels"
        assert requests.post(f"{server.url}/instances", data=FIRST, timeout=10).ok
        assert requests.put(f"{server.url}{labels}/urgent", timeout=10).ok
        server.restart()
        assert requests.get(server.url + labels, timeout=10).json() == ["urgent"]
        assert requests.delete(server.url + STUDY, timeout=10).ok
        assert requests.post(f"{server.url}/instances", data=FIRST, timeout=10).ok
        assert requests.get(server.url + labels, timeout=10).json() == []
