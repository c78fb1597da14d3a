"""C-STORE and C-MOVE jobs against a modality that holds them, and the server's own DICOM port."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pynetdicom import AE

from conformance.reference.associations import Caller, association
from conformance.reference.modalities import Modality
from tests.conformance.reference.dicom_harness import FAILED, REFUSED, SUCCESS, WARNING, DicomGate
from tests.conformance.reference.harness import DEADLINE, Gate, Job, Reply, Server, running_server
from tests.conformance.reference.route_harness import (
    dataset,
    file,
    in_background,
    refused,
    study,
    submit,
)

CONTENT = {
    "Description": "REST API",
    "FailedInstancesCount": 0,
    "LocalAet": "ORTHANC",
    "RemoteAet": "GATE",
}


@pytest.fixture
def modality() -> Iterator[DicomGate]:
    opened = DicomGate()
    yield opened
    opened.close()


@pytest.fixture
def server(shared: Server, modality: DicomGate) -> Server:
    """The shared server, which knows the modality as ``gate``, and a port where nobody listens."""
    assert shared.call("PUT", "/modalities/gate", modality.modality).status == 200
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    closed = {"AET": "NOBODY", "Host": "127.0.0.1", "Port": port}
    assert shared.call("PUT", "/modalities/closed", closed).status == 200
    return shared


def query(server: Server) -> str:
    """The path of a query with three answers."""
    body = {"Level": "Study", "Query": {"PatientID": "p"}}
    made = server.call("POST", "/modalities/gate/query", body).json
    assert made["Path"] == f"/queries/{made['ID']}"
    return str(made["Path"])


def waited(server: Server, path: str, body: object, modality: DicomGate, *statuses: int) -> Reply:
    """A synchronous call whose steps are answered with `statuses`."""
    thread, replies = in_background(server, path, body)
    for status in statuses:
        modality.arrival().answer(status)
    thread.join(DEADLINE)
    return replies[0]


def test_modalities(server: Server) -> None:
    assert {"gate", "closed"} <= set(server.call("GET", "/modalities").json)
    assert {"query", "store"} <= set(server.call("GET", "/modalities/gate").json)
    shown = server.call("GET", "/modalities/gate/configuration").json
    assert (shown["AET"], shown["Host"]) == ("GATE", "127.0.0.1")
    assert server.call("GET", "/modalities?expand").json["gate"] == shown
    assert server.call("POST", "/modalities/gate/echo", {}).json == {}
    refused(server.call("POST", "/modalities/closed/echo", {}), 500, 9)
    refused(server.call("POST", "/modalities/nope/store", []), 404, 7)
    refused(server.call("DELETE", "/modalities/nope"), 404, 7)
    assert server.call("PUT", "/modalities/text", ["A", "h", "104"]).status == 200
    assert server.call("DELETE", "/modalities/text").status == 200
    assert "text" not in server.call("GET", "/modalities").json


@pytest.mark.parametrize(
    "body",
    [b"x", {"AET": "X"}, ["X"], ["X", "h", "y"], ["X", "h", 70000], ["X", "h", 0], ["", "h", 1]],
)
def test_bad_modalities(shared: Server, body: object) -> None:
    assert shared.call("PUT", "/modalities/bad", body).status == 400
    assert "bad" not in shared.call("GET", "/modalities").json


def test_store(server: Server, modality: DicomGate) -> None:
    made = study(server, 2, 1)
    sent = [str(dataset(server, each).SOPInstanceUID) for each in made.instances]
    job = submit(server, "/modalities/gate/store", {"Resources": [made.id]}, priority=2)
    for number, uid in enumerate(sent):
        held = modality.arrival()
        assert (held.uid, held.calling) == (uid, "ORTHANC")
        assert job.standing() == ("Running", 0, round(100 * number / 3))
        held.answer()
    described = job.becomes("Success").read()
    assert (described["Type"], described["Priority"]) == ("DicomModalityStore", 2)
    assert described["Content"] == {
        **CONTENT,
        "InstancesCount": 3,
        "ParentResources": [made.id],
    }


def test_synchronous_store(server: Server, modality: DicomGate) -> None:
    instances = study(server, 2).instances
    path = "/modalities/gate/store"
    body: dict[str, Any] = {"Resources": instances, "LocalAet": "ME"}
    reply = waited(server, path, body, modality, SUCCESS, WARNING)
    assert (reply.status, reply.json["LocalAet"]) == (200, "ME")
    for form in (instances[:1], instances[0], instances[0].encode()):
        assert waited(server, path, form, modality, SUCCESS).json["InstancesCount"] == 1
    refused(waited(server, path, instances, modality, SUCCESS, REFUSED), 500, 9)
    permissive = {"Resources": instances, "Permissive": True}
    assert waited(server, path, permissive, modality, FAILED, SUCCESS).status == 200
    assert waited(server, path, [], modality).json == {**CONTENT, "InstancesCount": 0}
    before = server.ids()
    refused(server.call("POST", path, {"Resources": ["-".join(["0" * 8] * 5)]}), 404, 17)
    refused(server.call("POST", path, {"Resources": ["nope"]}), 400, 15)
    refused(server.call("POST", path, {"Resources": [], "Synchronous": 3}), 400, 15)
    refused(server.call("POST", path, {"Resources": [], "LocalAet": "x" * 17}), 400, 15)
    refused(server.call("POST", path, {}), 400, 15)
    assert server.ids() == before


def test_a_store_that_fails(server: Server, modality: DicomGate) -> None:
    instances = study(server, 2).instances
    job = submit(server, "/modalities/gate/store", {"Resources": instances})
    modality.arrival().answer()
    modality.arrival().answer(FAILED)
    assert job.becomes("Failure").standing() == ("Failure", 9, 50)
    assert "0xC000" in job.read()["ErrorDetails"]
    job.accepts("resubmit")
    modality.succeed(2)
    job.becomes("Success")

    nowhere = submit(server, "/modalities/closed/store", {"Resources": instances})
    assert nowhere.becomes("Failure").standing() == ("Failure", 9, 0)
    refused(server.call("POST", "/modalities/closed/store", instances), 500, 9)


@pytest.mark.parametrize(("action", "state"), [("pause", "Paused"), ("cancel", "Failure")])
def test_requests_take_effect_between_two_instances(
    server: Server, modality: DicomGate, action: str, state: str
) -> None:
    job = submit(server, "/modalities/gate/store", {"Resources": study(server, 3).instances})
    held = modality.arrival()
    job.accepts(action)
    assert job.state == "Running"
    held.answer()
    job.becomes(state)
    assert modality.arrivals.empty()
    if action == "pause":
        assert job.standing() == ("Paused", 0, 33)
        job.accepts("resume")
        modality.succeed(2)
        job.becomes("Success")


def test_queries(server: Server) -> None:
    path = query(server)
    assert path.removeprefix("/queries/") in server.call("GET", "/queries").json
    assert "retrieve" in server.call("GET", path).json
    assert server.call("GET", f"{path}/answers").json == ["0", "1", "2"]
    assert server.call("GET", f"{path}/level").body == b"Study"
    assert server.call("GET", f"{path}/modality").body == b"gate"
    asked = server.call("GET", f"{path}/query").json
    assert asked == {"0010,0020": {"Name": "PatientID", "Type": "String", "Value": "p"}}
    content = server.call("GET", f"{path}/answers/1/content").json
    assert content["0020,000d"]["Value"] == "1.2.3.2"
    simple = server.call("GET", f"{path}/answers?expand&simplify").json
    assert [each["StudyInstanceUID"] for each in simple] == ["1.2.3.1", "1.2.3.2", "1.2.3.3"]
    refused(server.call("GET", f"{path}/answers/3/content"), 400, 3)
    refused(server.call("GET", f"{path}/answers/x/content"), 400, 5)
    refused(server.call("POST", f"{path}/answers/3/retrieve", b"X"), 400, 3)
    assert server.call("DELETE", path).status == 200
    refused(server.call("GET", path), 404, 17)
    refused(server.call("POST", f"{path}/retrieve", b"X"), 404, 17)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, 15),
        ([], 400, 15),
        ({"Query": {}}, 400, 15),
        ({"Level": "Foo"}, 400, 3),
        ({"Level": "Study", "Query": {"NoTag": ""}}, 400, 15),
    ],
)
def test_bad_queries(server: Server, body: object, status: int, code: int) -> None:
    refused(server.call("POST", "/modalities/gate/query", body), status, code)
    refused(server.call("POST", "/modalities/closed/query", {"Level": "Study"}), 500, 9)


def test_retrieve(server: Server, modality: DicomGate) -> None:
    path = query(server)
    job = submit(server, f"{path}/retrieve", {"TargetAet": "THERE"}, priority=-1)
    for number in range(3):
        held = modality.arrival()
        assert (held.uid, held.target) == (f"1.2.3.{number + 1}", "THERE")
        assert job.standing() == ("Running", 0, round(100 * number / 3))
        held.answer()
    described = job.becomes("Success").read()
    assert (described["Type"], described["Priority"]) == ("DicomMoveScu", -1)
    names = {"0008,0050": "", "0008,0052": "STUDY", "0010,0020": "p"}
    assert described["Content"] == {
        "Description": "REST API",
        "LocalAet": "ORTHANC",
        "Query": [{**names, "0020,000d": f"1.2.3.{number}"} for number in (1, 2, 3)],
        "RemoteAet": "GATE",
    }


def test_synchronous_retrieve(server: Server, modality: DicomGate) -> None:
    path = query(server)
    one = f"{path}/answers/1/retrieve"
    named: list[object] = [b"THERE", {"TargetAet": "THERE"}, "THERE"]
    for body in (*named, b"", {}):
        thread, replies = in_background(server, one, body)
        (held,) = modality.succeed(1)
        assert (held.uid, held.target) == ("1.2.3.2", "THERE" if body in named else "ORTHANC")
        thread.join(DEADLINE)
        assert len(replies[0].json["Query"]) == 1
    for status in (FAILED, REFUSED, WARNING):
        refused(waited(server, one, b"THERE", modality, status), 500, 9)
    permissive = {"TargetAet": "THERE", "Permissive": True}
    assert waited(server, one, permissive, modality, FAILED).status == 200
    before = server.ids()
    refused(server.call("POST", one, {"TargetAet": 5}), 400, 5)
    refused(server.call("POST", one, {"TargetAet": "x" * 17}), 400, 15)
    refused(server.call("POST", one, {"Priority": "x"}), 400, 15)
    refused(server.call("POST", one, b"{"), 400, 15)
    assert server.ids() == before


def test_a_retrieval_that_fails_or_is_paused(server: Server, modality: DicomGate) -> None:
    path = query(server)
    job = submit(server, f"{path}/retrieve", {})
    modality.succeed(1)
    modality.arrival().answer(FAILED)
    assert job.becomes("Failure").standing() == ("Failure", 9, 33)
    job.accepts("resubmit")
    held = modality.arrival()
    assert held.uid == "1.2.3.1"
    job.accepts("pause")
    held.answer()
    assert job.becomes("Paused").standing() == ("Paused", 0, 33)
    job.accepts("resume")
    assert [each.uid for each in modality.succeed(2)] == ["1.2.3.2", "1.2.3.3"]
    job.becomes("Success")


def test_no_answers(server: Server, modality: DicomGate) -> None:
    modality.answers = []
    path = query(server)
    assert server.call("POST", f"{path}/retrieve", {}).json["Query"] == []
    assert submit(server, f"{path}/retrieve", {}).becomes("Success").standing()[2] == 100


@pytest.fixture(scope="module")
def listening(gate: Gate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a DICOM port of its own, which it knows as ``self``."""
    folder = tmp_path_factory.mktemp("dicom")
    with running_server(folder, gate, DicomPort=0, DicomAet="ME") as server:
        system = server.call("GET", "/system").json
        assert system["DicomAet"] == "ME"
        itself = ["ME", "127.0.0.1", system["DicomPort"]]
        assert server.call("PUT", "/modalities/self", itself).status == 200
        assert server.call("POST", "/modalities/self/echo", {}).json == {}
        yield server


def test_an_instance_that_is_sent_here_is_stored(listening: Server, tmp_path: Path) -> None:
    target = tmp_path / "a.dcm"
    target.write_bytes(file(PatientID="sent", PatientName="Doe^Jane"))
    sent = pydicom.dcmread(target)
    entity = AE("YOU")
    entity.add_requested_context(sent.SOPClassUID)
    port = listening.call("GET", "/system").json["DicomPort"]
    association = entity.associate("127.0.0.1", port, ae_title="ME")
    assert association.is_established
    assert association.send_c_store(sent).Status == SUCCESS
    association.release()
    patients = listening.call("GET", "/patients?expand").json
    assert "sent" in {each["MainDicomTags"]["PatientID"] for each in patients}


def test_the_server_finds_and_moves_what_it_has(listening: Server) -> None:
    made = study(listening, 2, 1, patient="own")
    listening.call("PUT", "/modalities/again", ["AGAIN", "127.0.0.1", _port(listening)])
    body = {"Level": "Study", "Query": {"PatientID": "ow?", "StudyDescription": ""}}
    path = listening.call("POST", "/modalities/self/query", body).json["Path"]
    (answer,) = listening.call("GET", f"{path}/answers?expand&simplify").json
    assert answer["StudyInstanceUID"] == made.uid
    assert answer["StudyDescription"] == "before"
    for target in ("ME", "AGAIN"):
        job = submit(listening, f"{path}/retrieve", {"TargetAet": target})
        assert job.becomes("Success").read()["Progress"] == 100
    nobody = submit(listening, f"{path}/retrieve", {"TargetAet": "NOBODY"})
    assert nobody.becomes("Failure").standing() == ("Failure", 9, 0)


def _port(server: Server) -> int:
    return int(server.call("GET", "/system").json["DicomPort"])


def test_a_dicom_server_that_is_not_enabled(gate: Gate, tmp_path: Path) -> None:
    with running_server(tmp_path, gate, DicomPort=0, DicomServerEnabled=False) as server:
        assert server.call("GET", "/system").json["DicomPort"] is None


def test_a_dicom_port_that_is_taken(gate: Gate, tmp_path: Path, listening: Server) -> None:
    with (
        pytest.raises(AssertionError),
        running_server(tmp_path, gate, DicomPort=_port(listening)) as server,
    ):
        pytest.fail(f"it listens: {server.port}")


def test_a_job_is_the_same_after_a_restart(gate: Gate, tmp_path: Path, modality: DicomGate) -> None:
    config = {"StorageDirectory": str(tmp_path / "storage"), "MediaArchiveSize": 2}
    with running_server(tmp_path, gate, ConcurrentJobs=1, **config) as server:
        server.call("PUT", "/modalities/gate", modality.modality)
        made, other = study(server, 3), study(server, 1)
        first = submit(server, "/modalities/gate/store", {"Resources": [made.id]}, priority=5)
        modality.succeed(1)
        held = modality.arrival()
        waiting = [
            submit(server, f"/studies/{made.id}/{call}", body)
            for call, body in (
                ("archive", {}),
                ("media", {}),
                ("modify", {"Replace": {"StudyDescription": "x"}}),
                ("split", {"Series": list(made.series), "KeepSource": True}),
                ("merge", {"Resources": [other.id], "KeepSource": True}),
            )
        ]
        path = query(server)
        waiting.append(submit(server, f"{path}/answers/2/retrieve", {"TargetAet": "T"}))
        before = [_lasting(job) for job in waiting]
        server.is_told_to_stop()
        held.answer()
        assert server.process.wait(DEADLINE) == 0
        server.start()
        assert [_lasting(job) for job in waiting] == before
        modality.succeed(1)
        modality.succeed(1)
        for job in (first, *waiting):
            assert job.becomes("Success").standing() == ("Success", 0, 100)
        assert server.call("GET", f"/jobs/{waiting[0].id}/archive").status == 200


def _lasting(job: Job) -> tuple[object, ...]:
    read = job.read()
    return read["State"], read["Type"], read["Priority"], read["Content"]


def test_an_answer_is_read_by_who_waits_for_it(modality: DicomGate) -> None:
    """A busy machine let it be read as a request, and gone: the job failed by a timeout."""
    answer = (1, object())
    context = ("1.2.840.10008.1.1", ("1.2.840.10008.1.2",))  # verification
    aet, host, port = modality.modality
    theirs = Modality(str(aet), str(host), int(str(port)))
    with association(Caller("US", 10), theirs, [context]) as ours:
        ours.dimse.msg_queue.put(answer)
        assert ours.dimse.get_msg() == (None, None)
        assert ours.dimse.get_msg(block=True) == answer
