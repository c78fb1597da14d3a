"""Submission, peers and instances over REST."""

from __future__ import annotations

import base64
import threading
from io import BytesIO
from pathlib import Path

import pydicom
import pytest

from tests.conformance.reference.harness import DEADLINE, Gate, Job, Reply, Server, running_server


def in_background(server: Server, path: str, body: object) -> tuple[threading.Thread, list[Reply]]:
    """POST on a connection of its own, since the call waits."""
    replies: list[Reply] = []
    own = Server(server.process, server.port, server.gate)
    thread = threading.Thread(target=lambda: replies.append(own.call("POST", path, body)))
    thread.start()
    return thread, replies


def store(server: Server, statuses: list[int], **fields: object) -> Reply:
    """A synchronous call whose steps are answered with `statuses`."""
    peer = server.peer()
    body = {"Resources": server.instances(len(statuses)), **fields}
    thread, replies = in_background(server, f"/peers/{peer}/store", body)
    for status in statuses:
        server.gate.arrival(peer).answer(status)
    thread.join(DEADLINE)
    return replies[0]


def test_synchronous_call_answers_content(shared: Server) -> None:
    reply = store(shared, [200, 200])
    assert reply.status == 200
    assert reply.json["InstancesCount"] == 2
    assert store(shared, [200], Synchronous=True, Asynchronous=True).json["InstancesCount"] == 1
    assert store(shared, [200], Asynchronous=False).json["InstancesCount"] == 1


def test_synchronous_call_answers_error(shared: Server) -> None:
    reply = store(shared, [200, 500])
    assert reply.status == 500
    assert reply.json["OrthancStatus"] == 9
    assert reply.json["Message"] == "Error in the network protocol"


def test_synchronous_call_waits_through_pause_and_ends_with_cancel(shared: Server) -> None:
    peer = shared.peer()
    before = set(shared.ids())
    body = {"Resources": shared.instances(2), "Priority": 7}
    thread, replies = in_background(shared, f"/peers/{peer}/store", body)
    step = shared.gate.arrival(peer)
    (job_id,) = set(shared.ids()) - before
    job = Job(shared, job_id, peer).accepts("pause")
    step.answer()
    assert job.becomes("Paused").read()["Priority"] == 7
    assert not replies
    job.accepts("cancel")
    thread.join(DEADLINE)
    assert (replies[0].status, replies[0].json["OrthancStatus"]) == (500, 37)


def test_many_synchronous_calls_leave_the_server_responsive(shared: Server) -> None:
    peer = shared.peer()
    waiting = [
        in_background(shared, f"/peers/{peer}/store", {"Resources": shared.instances(1)})
        for _ in range(60)
    ]
    for _ in waiting:
        step = shared.gate.arrival(peer)
        assert shared.call("GET", "/system").status == 200
        step.answer()
    for thread, replies in waiting:
        thread.join(DEADLINE)
        assert replies[0].status == 200


def test_asynchronous_fields(shared: Server) -> None:
    peer = shared.peer()
    for fields in ({"Asynchronous": True}, {"Synchronous": False, "Asynchronous": False}):
        reply = shared.call("POST", f"/peers/{peer}/store", {"Resources": [], **fields})
        job = Job(shared, reply.json["ID"], peer)
        assert reply.json == {"ID": job.id, "Path": f"/jobs/{job.id}"}
        assert job.becomes("Success").standing() == ("Success", 0, 100)


def test_order_and_repetitions_are_kept(shared: Server) -> None:
    first, second = shared.instances(2)
    files = {i: shared.call("GET", f"/instances/{i}/file").body for i in (first, second)}
    peer = shared.peer()
    listed = [second, first, second, second]
    body = {"Resources": listed, "Asynchronous": True}
    job = Job(shared, shared.call("POST", f"/peers/{peer}/store", body).json["ID"], peer)
    for instance in listed:
        step = job.step()
        assert step.body == files[instance]
        step.answer()
    assert job.becomes("Success").read()["Content"]["ParentResources"] == sorted(files)


def test_forms_of_the_body(shared: Server) -> None:
    (instance,) = shared.instances(1)
    peer = shared.peer()
    for body in ([instance], instance, {"Resources": [instance]}, instance.encode()):
        thread, replies = in_background(shared, f"/peers/{peer}/store", body)
        shared.gate.arrival(peer).answer()
        thread.join(DEADLINE)
        assert replies[0].json["InstancesCount"] == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"Priority": 1.5},
        {"Priority": 1.0},
        {"Priority": "1"},
        {"Priority": None},
        {"Priority": True},
        {"Priority": 2**31},
        {"Priority": -(2**31) - 1},
        {"Synchronous": 1},
        {"Synchronous": "true"},
        {"Synchronous": None, "Asynchronous": True},
        {"Asynchronous": "no"},
        {"Resources": 5},
        {"Resources": [5]},
        {"Resources": None},
        {"Permissive": 1},
        {"Compress": "yes"},
        {"Resources": "nope"},
    ],
)
def test_bad_submissions(shared: Server, fields: dict[str, object]) -> None:
    peer = shared.peer()
    before = shared.ids()
    reply = shared.call("POST", f"/peers/{peer}/store", {"Resources": [], **fields})
    assert reply.status == 400
    assert shared.ids() == before


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"5", b"null", b"{}", b"[" * 100_000])
def test_bad_bodies(shared: Server, body: bytes) -> None:
    assert shared.call("POST", f"/peers/{shared.peer()}/store", body).status == 400
    if body != b"{}":
        assert shared.call("POST", "/tools/create-dicom", body).status == 400
    assert shared.call("PUT", "/peers/bad", body).status == 400
    assert shared.call("GET", "/peers/bad").status == 404


def test_unknown_resources_and_peers(shared: Server) -> None:
    known = shared.instances(1)
    for other, told in (("-".join(["0" * 8] * 5), (404, 17)), ("nope", (400, 15))):
        body = {"Resources": [*known, other]}
        reply = shared.call("POST", f"/peers/{shared.peer()}/store", body)
        assert (reply.status, reply.json["OrthancStatus"]) == told
    assert shared.call("POST", "/peers/nope/store", {"Resources": []}).status == 404
    assert shared.call("DELETE", "/peers/nope").status == 404
    assert shared.call("GET", "/nope").json["Uri"] == "/nope"


def test_peers(shared: Server) -> None:
    url = "http://127.0.0.1:1/x"
    assert shared.call("PUT", "/peers/a", {"Url": url}).status == 200
    assert shared.call("PUT", "/peers/b", [url, "user", "secret"]).status == 200
    assert {"a", "b"} <= set(shared.call("GET", "/peers").json)
    assert "store" in shared.call("GET", "/peers/a").json
    shown = shared.call("GET", "/peers/b/configuration")
    assert (shown.json["Url"], shown.json["Username"]) == (f"{url}/", "user")
    assert b"secret" not in shown.body
    for name in ("a", "b"):
        assert shared.call("DELETE", f"/peers/{name}").status == 200
    assert not {"a", "b"} & set(shared.call("GET", "/peers").json)


@pytest.mark.parametrize("url", ["", "x", "ftp://h/", "http://", "http://h:x/", "http://h/?q", 5])
def test_bad_peers(shared: Server, url: object) -> None:
    assert shared.call("PUT", "/peers/bad", {"Url": url}).status == 400


def test_instances(gate: Gate, tmp_path: Path) -> None:
    with running_server(tmp_path, gate, Name="me", DicomAet="ME") as server:
        system = server.call("GET", "/system").json
        assert (system["Name"], system["DicomAet"], system["Version"]) == ("me", "ME", "1.5.6")
        tags = {"PatientID": "p", "0010,0010": "Müller^A", "InstanceNumber": "1", "Rows": "2"}
        made = server.call("POST", "/tools/create-dicom", {"Tags": tags}).json
        assert made["Path"] == f"/instances/{made['ID']}"
        # the SHA-1 of "p", as Orthanc names that patient
        assert made["ParentPatient"] == "516b9783-fca517ee-cbd1d064-da2d1653-10b19759"
        file = server.call("GET", f"/instances/{made['ID']}/file").body
        dataset = pydicom.dcmread(BytesIO(file))
        assert (dataset.PatientName, dataset.Rows) == ("Müller^A", 2)
        assert server.call("POST", "/instances", file).json["Status"] == "AlreadyStored"

        sibling = {"PatientID": "p", "StudyInstanceUID": str(dataset.StudyInstanceUID)}
        other = server.call("POST", "/tools/create-dicom", {"Tags": sibling}).json
        assert other["ParentStudy"] == made["ParentStudy"]
        statistics = server.call("GET", "/statistics").json
        counts = [statistics[f"Count{what}"] for what in ("Patients", "Studies", "Series")]
        assert counts == [1, 1, 2]
        assert server.call("GET", "/patients").json == [made["ParentPatient"]]
        assert server.call("GET", "/studies").json == [made["ParentStudy"]]
        assert server.call("GET", "/instances").json == [made["ID"], other["ID"]]
        assert server.call("GET", "/modalities").json == []

        peer = server.peer()  # a study is sent as its instances
        body = {"Resources": [made["ParentStudy"]], "Asynchronous": True}
        job = Job(server, server.call("POST", f"/peers/{peer}/store", body).json["ID"], peer)
        job.steps_succeed(2).becomes("Success")

        removed = server.call("DELETE", f"/instances/{made['ID']}").json
        assert removed["RemainingAncestor"]["ID"] == made["ParentStudy"]
        assert server.call("DELETE", f"/instances/{made['ID']}").status == 404
        server.call("DELETE", f"/instances/{other['ID']}")
        assert server.call("POST", "/instances", file).json["Status"] == "Success"
        assert server.call("GET", f"/instances/{made['ID']}").json["FileSize"] == len(file)


@pytest.mark.parametrize(
    "body",
    [
        {"Tags": 5},
        {"Tags": {"PatientName": 5}},
        {"Tags": {"Rows": "x"}},
        {"Tags": {"Rows": "70000"}},
        {"Tags": {"PixelData": "x"}},
        {"Tags": {"PatientName": "\ud800"}},
        {"Tags": {}, "Content": "x"},
        [],
    ],
)
def test_bad_tags(shared: Server, body: object) -> None:
    assert shared.call("POST", "/tools/create-dicom", body).status == 400


@pytest.mark.parametrize("name", ["NoSuchTag", "TransferSyntaxUID", "ProcedureCodeSequence[0]"])
def test_unknown_tags(shared: Server, name: str) -> None:
    """As by Orthanc, for which it is an error of its own."""
    answer = shared.call("POST", "/tools/create-dicom", {"Tags": {name: "x"}})
    assert (answer.status, answer.json["OrthancStatus"]) == (500, 27)


@pytest.mark.parametrize("file", [b"", b"x", b"\0" * 128 + b"DICM" + b"\xff" * 64])
def test_bad_uploads(shared: Server, file: bytes) -> None:
    assert shared.call("POST", "/instances", file).status == 400


def test_authentication(gate: Gate, tmp_path: Path) -> None:
    users = {"alice": "pass:wörd"}
    config = {"AuthenticationEnabled": True, "RegisteredUsers": users}
    with running_server(tmp_path, gate, **config) as server:

        def status(login: str) -> int:
            header = "Basic " + base64.b64encode(login.encode()).decode()
            return server.call("GET", "/system", headers={"Authorization": header}).status

        assert status("alice:pass:wörd") == 200
        assert status("alice:wrong") == status("bob:") == status("") == 401
        challenge = server.call("GET", "/jobs")
        assert challenge.status == 401
        assert challenge.headers["WWW-Authenticate"].startswith("Basic")


def test_login_at_the_peer(shared: Server) -> None:
    assert shared.call("PUT", "/peers/login", [shared.gate.url + "/login", "u", "p"]).status == 200
    job = shared.submit(peer="login").steps_succeed(1).becomes("Success")
    assert job.read()["Content"]["Peer"] == [f"{shared.gate.url}/login/", "u", ""]
