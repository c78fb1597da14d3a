"""The same calls on the reference server and on a real Orthanc: the same answers.

An answer is the same when its status, its type and its OrthancStatus are, and when its body has the
same shape: the same fields with values of the same kind, whatever identifiers and times stand
there. What differs on purpose is in docs/reference-server.md, and not in here.
"""

from __future__ import annotations

import gzip
import io
import json
import socket
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from conformance.reference import dicom
from conformance.reference.double import reference_server
from conformance.sut import servers
from tests.conformance.reference.harness import DEADLINE
from tests.waiting import until

TAGS = {
    "PatientID": "P-1",
    "PatientName": "Doe^Jane",
    "StudyInstanceUID": "1.2.840.99.1",
    "SeriesInstanceUID": "1.2.840.99.1.1",
    "StudyDescription": "Knee",
    "StudyDate": "20200102",
    "SeriesDescription": "T2W FE-EPI",
    "Modality": "MR",
}
FILES = [
    dicom.create({**TAGS, "SOPInstanceUID": f"1.2.840.99.1.1.{n}", "InstanceNumber": str(n)}).file
    for n in (1, 2)
]
FIRST = dicom.parse(FILES[0])
KNOWN = {
    "{instance}": FIRST.id,
    "{series}": FIRST.series,
    "{study}": FIRST.study,
    "{patient}": FIRST.patient,
}
NOBODY = "http://127.0.0.1:1/"


@dataclass
class Call:
    method: str
    path: str
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        body = "" if self.body is None else " bytes" if isinstance(self.body, bytes) else ""
        body = body or ("" if self.body is None else f" {json.dumps(self.body)}")
        return f"{self.method} {self.path}{body}"[:110]


def get(path: str) -> Call:
    return Call("GET", path)


def post(path: str, body: Any = None, **headers: str) -> Call:
    return Call("POST", path, body, headers)


def archived(*files: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for number, file in enumerate(files):
            archive.writestr(f"folder/{number}.dcm", file)
        archive.writestr("readme.txt", "no DICOM file")
    return target.getvalue()


LEVELS = ("instances/{instance}", "series/{series}", "studies/{study}", "patients/{patient}")
STORE = {"Resources": ["{instance}"]}
SPLIT = {"Series": ["{series}"], "KeepSource": True}
NOTHING = "00000000-00000000-00000000-00000000-00000000"

CALLS = [
    # paths as scripts write them
    *map(get, ("/jobs", "//jobs", "/jobs/", "//jobs//", "/jobs?expand", "/peers/", "/nope")),
    *(Call(method, "/jobs") for method in ("PUT", "DELETE", "POST")),
    *(Call("HEAD", path) for path in ("/jobs", "/system")),
    # jobs
    *map(get, ("/jobs/none", "/jobs/none/", "/jobs/none/archive", "/jobs/none/cancel")),
    *(post(f"/jobs/none/{action}") for action in ("cancel", "pause", "resume", "resubmit")),
    post("/jobs/none/explode"),
    # stored by configuration
    *map(get, ("/peers", "/peers?expand", "/peers/login/configuration", "/peers/none")),
    *map(get, ("/modalities", "/modalities?expand", "/modalities/down/configuration")),
    get("/modalities/none"),
    Call("PUT", "/peers/new", ["http://127.0.0.1:1/"]),
    Call("DELETE", "/peers/new"),
    Call("DELETE", "/peers/new"),
    Call("PUT", "/peers/new", {"Url": "ftp://x"}),
    Call("PUT", "/peers/new", []),
    Call("PUT", "/modalities/new", ["A", "h", 0]),
    Call("PUT", "/modalities/new", ["A", "127.0.0.1", 104]),
    Call("DELETE", "/modalities/new"),
    Call("DELETE", "/modalities/new"),
    # stores
    post("/peers/none/store", STORE),
    post("/modalities/none/store", STORE),
    post("/modalities/none/echo", {}),
    *(
        post("/peers/down/store", body)
        for body in (
            {"Resources": "{instance}"},
            {"Resources": ["abc"]},
            b"abc",
            {"Resources": [NOTHING]},
            {**STORE, "Compress": "yes"},
            {**STORE, "Permissive": 1},
            {**STORE, "Transcode": "nope"},
            {**STORE, "Synchronous": "no"},
            {**STORE, "Priority": "high"},
            b'{"Resources": ["abc"], // a comment\n}',
            STORE,
            {**STORE, "Permissive": True},
            {**STORE, "Permissive": True, "Compress": True},
            [],
        )
    ),
    post("/peers/down/store/", {**STORE, "Permissive": True}),
    post("/peers/login/store", {**STORE, "Permissive": True}),
    post("/modalities/down/store", {**STORE, "Timeout": "5"}),
    post("/modalities/down/store", {**STORE, "LocalAet": 5}),
    post("/modalities/down/storage-commitment", {**STORE, "LocalAet": 5}),
    # archives
    *map(get, ("/series/{series}/archive?transcode=nope", "/studies/{study}/media?transcode=nope")),
    *(
        post("/tools/create-archive", body)
        for body in (
            {"Resources": ["{study}"]},
            {"Resources": ["abc"]},
            {"Resources": "abc"},
            {},
            {"Resources": ["{study}"], "Transcode": "nope"},
            ["{study}"],
        )
    ),
    post("/tools/create-media-extended", {"Resources": ["{study}"]}),
    get("/studies/{study}/archive"),
    get("/studies/{study}/media?extended"),
    # queries, without anybody who answers
    post("/modalities/down/query", {"Level": "foo", "Query": {}}),
    post("/modalities/down/query", {"Query": {}}),
    post("/modalities/down/query", {"Level": "Study", "Query": {"Nope": "x"}}),
    post("/modalities/down/query", {"Level": "Study", "Query": {"PatientID": 5}}),
    post("/modalities/down/query", {"Level": "Study", "Query": {}, "LocalAet": 5}),
    post("/modalities/down/query", b"{"),
    *map(get, ("/queries", "/queries/none", "/queries/none/answers")),
    post("/queries/none/retrieve", {}),
    Call("DELETE", "/queries/none"),
    # around jobs
    *(get(f"/{level}{path}") for level in LEVELS for path in ("", "/statistics", "/metadata")),
    *(get(f"/{level}{path}") for level in LEVELS for path in ("/metadata?expand", "/attachments")),
    *(get(f"/{level}/module?simplify") for level in LEVELS),
    *(get(f"/{level}/shared-tags") for level in LEVELS[1:]),
    *(get(f"/{level}/shared-tags?simplify") for level in LEVELS[1:]),
    get("/studies/{study}/module-patient"),
    *map(get, ("/instances/{instance}/tags", "/instances/{instance}/tags?short")),
    *map(get, ("/instances/{instance}/tags?simplify", "/instances/{instance}/simplified-tags")),
    *map(get, ("/instances/{instance}/content", "/instances/{instance}/content/PatientName")),
    *map(get, ("/instances/{instance}/content/0010-0010", "/instances/{instance}/content/nope")),
    get("/instances/{instance}/content/StudyTime"),
    *map(
        get, ("/instances/{instance}/content/0000-0000", "/instances/{instance}/content/0010-9999")
    ),
    *(get(f"/instances/{{instance}}/attachments/dicom/{each}") for each in ("size", "md5", "data")),
    get("/instances/{instance}/metadata/Origin"),
    get("/instances/{instance}/metadata/LastUpdate"),
    get("/instances/{instance}/metadata/Nope"),
    get("/instances/{instance}/file"),
    *map(get, ("/instances/none", "/studies/none", "/studies/none/statistics")),
    *map(get, ("/instances/none/tags", "/series/none/study", "/patients/none/studies")),
    *map(get, ("/patients", "/studies?expand", "/instances?expand", "/statistics", "/exports")),
    *(
        get(f"/{log}?{name}={value}")
        for log in ("changes", "exports")
        for name in ("since", "limit")
        for value in ("", "text", "2x", "1.5", "%203", "-1")
    ),
    *(
        get(f"/studies?since={since}&limit={limit}")
        for since, limit in (("x", 1), (0, "x"), ("", 1))
    ),
    *map(get, ("/changes?limit=3", "/changes?last", "/changes?since=5&limit=2", "/tools/now")),
    *map(get, ("/series?since=0&limit=1", "/instances?since=1&limit=1&expand")),
    get("/tools/generate-uid?level=study"),
    get("/tools/lookup"),
    *(
        post("/tools/find", body)
        for body in (
            {"Level": "Study", "Query": {"PatientID": "P-1"}},
            {"Level": "Series", "Query": {"PatientName": "doe*"}, "Expand": True},
            {"Level": "Instance", "Query": {"InstanceNumber": "2"}},
            {"Level": "Instance", "Query": {}, "Limit": 1},
            {"Level": "Study", "Query": {"StudyDate": "20191231-20200301"}},
            {"Level": "Study", "Query": {"StudyDate": "20210101-"}},
            {"Level": "Study", "Query": {"PatientID": "nobody\\\\P-1"}},
            {"Level": "foo", "Query": {}},
            {"Query": {}},
            {"Level": "Study"},
            {"Level": "Study", "Query": {"StudyInstanceUID": "1.2.840.*"}},
            {"Level": "Study", "Query": {"Nope": "x"}},
            {"Level": "Study", "Query": {"PatientID": 5}},
            {"Level": "Study", "Query": {"0011,1001": "x"}},
        )
    ),
    *(
        post("/tools/create-dicom", {"Tags": tags})
        for tags in (
            {"NoSuchTag": "x"},
            {"0011,1001": "x"},
            {"PatientName": 5},
            {"PatientName": ["a"]},
            {"PatientName": None},
            {"ProcedureCodeSequence": [{"CodeValue": "a"}]},
            {"ProcedureCodeSequence": "a"},
            {"ProcedureCodeSequence[0].CodeValue": "Z"},
            "a",
        )
    ),
    *(
        post("/studies/{study}/split", {**SPLIT, **more})
        for more in (
            {"Replace": {"Nope": "x"}},
            {"Replace": {"ProcedureCodeSequence": []}},
            {"Replace": {"PatientName": 5}},
            {"Remove": ["Nope"]},
        )
    ),
    *(post("/tools/lookup", word) for word in (b"P-1", b"1.2.840.99.1", b"nobody")),
    post("/instances", archived(*FILES)),
    post("/instances", gzip.compress(FILES[0]), **{"Content-Encoding": "gzip"}),
    post("/instances", gzip.compress(FILES[0])),
    post("/instances", b"nonsense"),
    post("/instances", b""),
    post("/instances", FILES[0]),
    post("/instances/{instance}/modify", {"Replace": {"PatientName": "X"}}),
    post("/instances/{instance}/anonymize", {}),
    post("/instances/{instance}/modify", {"Replace": {"PatientID": "X"}}),
    post("/instances/{instance}/modify", b""),
    *(
        post(f"/{path}", {})
        for path in ("studies/none/modify", "studies/none/archive", "studies/none/split")
    ),
    post("/tools/bulk-delete", {"Resources": ["none"]}),
    post("/tools/bulk-delete", {}),
    *(Call("DELETE", f"/{path}") for path in ("instances/none", "studies/none", LEVELS[2])),
]


@dataclass
class Both:
    """The two servers, each with what was stored on it."""

    ours: str
    orthanc: str

    def answers(self, call: Call) -> tuple[requests.Response, requests.Response]:
        return ask(self.ours, call), ask(self.orthanc, call)


def ask(url: str, call: Call) -> requests.Response:
    path, body = call.path, call.body
    if isinstance(body, dict | list):
        body = json.dumps(body)
    for name, identifier in KNOWN.items():
        path = path.replace(name, identifier)
        body = body.replace(name, identifier) if isinstance(body, str) else body
    prepared = requests.Request(call.method, "http://x/", data=body, headers=call.headers).prepare()
    prepared.url = url + path  # as it is written
    with requests.Session() as session:
        return session.send(prepared, timeout=DEADLINE)


@pytest.fixture(scope="module")
def both(installed_orthanc: None) -> Iterator[Both]:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    config = {
        "OrthancPeers": {
            "down": [NOBODY],
            "login": [NOBODY, "alice", "secret"],
            "object": {"Url": NOBODY[:-1], "HttpHeaders": {"X-A": "b"}},
        },
        "DicomModalities": {"down": ["DOWN", "127.0.0.1", port]},
    }
    with (
        reference_server(release="1.10.1", **config) as ours,
        servers.orthanc(config=config) as orthanc,
    ):
        servers_ = Both(ours.url, orthanc.address.url)
        for file in FILES:
            for answer in servers_.answers(post("/instances", file)):
                assert answer.status_code == 200
        yield servers_
        orthanc.kill()  # asked to end, it would think about it for some seconds


def shape(value: Any) -> Any:
    """Of a JSON value: its fields, and of which kind each is; a short list item by item."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    if isinstance(value, list):
        return [shape(each) for each in value]
    return type(value).__name__


def seen(answer: requests.Response) -> dict[str, Any]:
    """What of an answer has to be the same."""
    looked: dict[str, Any] = {
        "status": answer.status_code,
        "type": answer.headers.get("Content-Type"),
        "allow": answer.headers.get("Allow"),
        "named": "Content-Disposition" in answer.headers,
    }
    try:
        body = answer.json()
    except ValueError:
        return {**looked, "body": bool(answer.content)}
    if isinstance(body, dict) and "OrthancStatus" in body:
        words = ("HttpError", "HttpStatus", "Message", "Method", "OrthancError", "OrthancStatus")
        return {**looked, "error": {name: body[name] for name in words}, "uri": body["Uri"]}
    return {**looked, "body": shape(body)}


def test_the_same_calls_have_the_same_answers(both: Both) -> None:
    """One test for all: they follow each other, and each is told that differs."""
    different = []
    for call in CALLS:
        ours, theirs = map(seen, both.answers(call))
        if ours != theirs:
            keys = [key for key in theirs if ours.get(key) != theirs[key]]
            lines = [f"  {key}: {ours.get(key)} here, {theirs[key]} there" for key in keys]
            different.append("\n".join([str(call), *(lines or [f"  {ours} here"])]))
    assert not different, "\n" + "\n".join(different)


JOBS = [
    ("/peers/down/store", STORE),
    ("/peers/down/store", {**STORE, "Permissive": True, "Compress": True}),
    ("/peers/login/store", {**STORE, "Permissive": True, "Transcode": "1.2.840.10008.1.2"}),
    ("/modalities/down/store", STORE),
    ("/tools/create-archive", {"Resources": ["{study}"]}),
    ("/tools/create-media", {"Resources": ["{study}"], "Transcode": "1.2.840.10008.1.2"}),
    ("/tools/create-media-extended", {"Resources": ["{series}"]}),
    ("/studies/{study}/modify", {"Replace": {"StudyID": "1"}, "Permissive": True}),
    ("/studies/{study}/anonymize", {"DicomVersion": "2008"}),
    ("/series/{series}/modify", {"Transcode": "1.2.840.10008.1.2"}),
    ("/tools/bulk-modify", {"Resources": ["{study}"], "Replace": {"StudyID": "2"}}),
    ("/studies/{study}/split", SPLIT),
]
WORDS = ("a-b", "a/b'(c)&d", "x^y", "é", "a  b ", "A_1.b", "x" * 64, "")


@pytest.mark.parametrize(
    ("path", "body"), JOBS, ids=[f"{n}{path}" for n, (path, _) in enumerate(JOBS)]
)
def test_a_job_reads_the_same_at_its_end(both: Both, path: str, body: dict[str, Any]) -> None:
    """Each of its fields, and of its Content; by the values where these do not vary."""
    for file in FILES:  # others may have removed it
        both.answers(post("/instances", file))
    ours, theirs = (
        read_at_its_end(url, post(path, {**body, "Asynchronous": True}))
        for url in (both.ours, both.orthanc)
    )
    for name in ("ErrorDetails",):  # words of our own
        assert bool(ours.pop(name)) == bool(theirs.pop(name)), name
    assert shape(ours) == shape(theirs)
    same = ("State", "ErrorCode", "ErrorDescription", "Progress", "Type", "Priority")
    assert {name: ours[name] for name in same} == {name: theirs[name] for name in same}
    told = ("FailedInstancesCount", "InstancesCount", "ParentResources", "Peer", "Transcode")
    content = ours["Content"], theirs["Content"]
    assert {name: content[0].get(name) for name in told} == {
        name: content[1].get(name) for name in told
    }


def read_at_its_end(url: str, call: Call) -> dict[str, Any]:
    answer = ask(url, call)
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"ID", "Path"}
    read: dict[str, Any] = {}

    def is_over() -> bool:
        read.clear()
        read.update(ask(url, get(answer.json()["Path"])).json())
        return read["State"] in ("Success", "Failure")

    until(is_over, DEADLINE)
    return read


def test_an_archive_has_the_same_names(both: Both) -> None:
    for number, word in enumerate(WORDS):
        tags = {
            "PatientID": f"N-{number}",
            "PatientName": f"Müller^{word}",
            "StudyDescription": word,
        }
        for modality in ("MR", ""):
            call = post("/tools/create-dicom", {"Tags": {**tags, "Modality": modality}})
            made = [answer.json() for answer in both.answers(call)]
            files = [
                ask(url, get(f"/studies/{one['ParentStudy']}/archive")).content
                for url, one in zip((both.ours, both.orthanc), made, strict=True)
            ]
            ours, theirs = (zipfile.ZipFile(io.BytesIO(file)).namelist() for file in files)
            assert ours == theirs
