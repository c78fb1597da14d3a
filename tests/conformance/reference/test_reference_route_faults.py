"""Each fault of a job-creating call shows what it says, and a sound server shows nothing of it."""

from __future__ import annotations

import io
import socket
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pydicom
import pytest
import uvicorn

from conformance.reference.app import build_app, build_engine
from conformance.reference.config import Config
from conformance.reference.database import Database
from conformance.reference.faults import FAULTS, archives, copies, modalities, routes
from conformance.reference.parts import Parts
from conformance.reference.storage import Storage
from tests.conformance.reference.dicom_harness import FAILED, SUCCESS, WARNING, DicomGate
from tests.conformance.reference.harness import DEADLINE, Gate, Job, Reply, Server, busy_workers
from tests.conformance.reference.route_harness import (
    Study,
    below,
    dataset,
    names,
    study,
    submit,
    uids,
)
from tests.waiting import until

Symptom = Callable[[Server, DicomGate], bool]
Call = tuple[str, dict[str, object]]


def _store(server: Server) -> Call:
    return "/modalities/gate/store", {"Resources": study(server, 2).instances}


def _retrieval(server: Server) -> Call:
    made = server.call("POST", "/modalities/gate/query", {"Level": "Study"}).json
    return f"{made['Path']}/retrieve", {"TargetAet": "THERE"}


def _modification(server: Server) -> Call:
    return f"/studies/{study(server, 2).id}/modify", {"Replace": {"StudyDescription": "after"}}


def _archive(server: Server) -> Call:
    return f"/studies/{study(server, 2).id}/archive", {}


def _media(server: Server) -> Call:
    return f"/studies/{study(server, 2).id}/media", {}


def _split(server: Server) -> Call:
    made = study(server, 1, 1)
    return f"/studies/{made.id}/split", {"Series": list(made.series)[:1]}


def _merge(server: Server) -> Call:
    return f"/studies/{study(server, 1).id}/merge", {"Resources": [study(server, 1).id]}


CALLS = {
    "store": (_store, "DicomModalityStore", {"LocalAet", "RemoteAet"}),
    "retrieval": (_retrieval, "DicomMoveScu", {"Query"}),
    "modification": (_modification, "ResourceModification", {"ID", "Path", "PatientID", "Type"}),
    "archive": (_archive, "Archive", {"InstancesCount"}),
    "media": (_media, "Media", {"InstancesCount"}),
    "split": (_split, "SplitStudy", {"TargetStudy"}),
    "merge": (_merge, "MergeStudy", {"TargetStudy"}),
}


def answered(server: Server, of: str, **fields: object) -> Reply:
    path, body = CALLS[of][0](server)
    return server.call("POST", path, {**body, **fields})


def started(server: Server, of: str, priority: int = 0) -> Job:
    return submit(server, *CALLS[of][0](server), priority=priority)


def is_handle(reply: Reply) -> bool:
    if reply.headers["Content-Type"] != "application/json; charset=utf-8":
        return False
    return str(reply.json.get("Path")).startswith("/jobs/")


def waits_always(of: str) -> Symptom:
    return lambda server, _: not is_handle(answered(server, of, Asynchronous=True))


def waits_never(of: str) -> Symptom:
    return lambda server, _: is_handle(answered(server, of))


def without_priority(of: str) -> Symptom:
    return lambda server, _: started(server, of, priority=3).read()["Priority"] != 3


def wrong_type(of: str) -> Symptom:
    return lambda server, _: started(server, of).read()["Type"] != CALLS[of][1]


def content_lacks(of: str, *more: str) -> Symptom:
    def shows(server: Server, gate: DicomGate) -> bool:
        content = started(server, of).becomes("Success").read()["Content"]
        return bool((CALLS[of][2] | {*more}) - content.keys())

    return shows


def pending(of: str, action: str, state: str) -> Symptom:
    """A Pending job does not get into `state` by `action`."""

    def shows(server: Server, gate: DicomGate) -> bool:
        with busy_workers(server, 2):
            job = started(server, of)
            assert job.act(action).status == 200
            return job.state != state

    return shows


def refuses(of: str, first: str, action: str) -> Symptom:
    """`action` is refused after `first` was done to a Pending job."""

    def shows(server: Server, gate: DicomGate) -> bool:
        with busy_workers(server, 2):
            return started(server, of).accepts(first).act(action).status == 400

    return shows


def merge_runs_again(server: Server, gate: DicomGate) -> bool:
    return started(server, "merge").becomes("Success").act("resubmit").status == 200


def expand_omits(server: Server, gate: DicomGate) -> bool:
    job = started(server, "retrieval")
    return job.id not in {each["ID"] for each in server.call("GET", "/jobs?expand").json}


def archive_of(server: Server, word: str, made: Study) -> bytes:
    return server.call("POST", f"/studies/{made.id}/{word}", {}).body


def lacks_instances(word: str) -> Symptom:
    def shows(server: Server, gate: DicomGate) -> bool:
        made = study(server, 3)
        wanted = {str(dataset(server, each).SOPInstanceUID) for each in made.instances}
        return uids(archive_of(server, word, made)) != wanted

    return shows


def is_no_zip(server: Server, gate: DicomGate) -> bool:
    archive = archive_of(server, "archive", study(server, 1))
    return archive[:2] != b"PK" or b"PK\5\6" not in archive


def large_is_cut_off(server: Server, gate: DicomGate) -> bool:
    """An archive of one instance, of which most is padding."""
    made = study(server, 1, DataSetTrailingPadding=bytes(40 * 2**20))
    return not zipfile.is_zipfile(io.BytesIO(archive_of(server, "archive", made)))


def lacks_index(server: Server, gate: DicomGate) -> bool:
    return "DICOMDIR" not in names(archive_of(server, "media", study(server, 1)))


def index_lacks_instance(server: Server, gate: DicomGate) -> bool:
    with zipfile.ZipFile(io.BytesIO(archive_of(server, "media", study(server, 3)))) as opened:
        index = pydicom.dcmread(io.BytesIO(opened.read("DICOMDIR")))
    types = [each.DirectoryRecordType for each in index.DirectoryRecordSequence]
    return types.count("IMAGE") != 3


def fetched(server: Server, times: int, delete: bool = False) -> int:
    """The status of the last of so many fetches of an archive."""
    job = started(server, "archive").becomes("Success")
    replies = [server.call("GET", f"/jobs/{job.id}/archive") for _ in range(times)]
    if delete:
        assert server.call("DELETE", f"/jobs/{job.id}/archive").status == 200
        replies.append(server.call("GET", f"/jobs/{job.id}/archive"))
    return replies[-1].status


def modified(server: Server, **body: object) -> tuple[Study, dict[str, Any]]:
    made = study(server, 1)
    replaced = {"StudyDescription": "after"}
    reply = server.call("POST", f"/studies/{made.id}/modify", {"Replace": replaced, **body})
    return made, reply.json


def keeps_identifiers(server: Server, gate: DicomGate) -> bool:
    made, content = modified(server)
    return bool(content["ID"] == made.id)


def source_is_there(server: Server, keep: bool) -> bool:
    made, _ = modified(server, KeepSource=keep)
    return server.call("GET", f"/studies/{made.id}").status == 200


def value(server: Server, expected: str) -> bool:
    _, content = modified(server)
    return bool(below(server, content["Path"])[0].StudyDescription == expected)


def copy_is_missing(server: Server, gate: DicomGate) -> bool:
    _, content = modified(server)
    return server.call("GET", content["Path"]).status == 404


def failure_reads_success(server: Server, gate: DicomGate) -> bool:
    path, _ = _modification(server)
    job = submit(server, path, {"Replace": {"PatientID": "x"}, "Force": True})
    return in_the_end(job)["State"] == "Success"


def goes_on_without_an_instance(server: Server, gate: DicomGate) -> bool:
    def end(number: int) -> str:
        made = study(server, 2)
        body: dict[str, object] = {"Replace": {"StudyDescription": "after"}}
        with busy_workers(server, 2):
            job = submit(server, f"/studies/{made.id}/modify", body)
            assert server.call("DELETE", f"/instances/{made.instances[number]}").status == 200
        return str(in_the_end(job)["State"])

    return "Success" in {end(0), end(1)}


def anonymization_keeps(keyword: str) -> Symptom:
    def shows(server: Server, gate: DicomGate) -> bool:
        made = study(server, 1)
        before = dataset(server, made.instances[0])
        content = server.call("POST", f"/studies/{made.id}/anonymize", {}).json
        (copy,) = below(server, content["Path"])
        return bool(copy.get(keyword) == before[keyword].value)

    return shows


def split(server: Server) -> tuple[int, int]:
    """How many series are in the old and in the new study."""
    made = study(server, 1, 1, 1)
    body = {"Series": list(made.series)[:1]}
    content = server.call("POST", f"/studies/{made.id}/split", body).json
    return series_of(server, made.id), series_of(server, content["TargetStudy"])


def split_joins(server: Server, gate: DicomGate) -> bool:
    """Two series come to one."""
    made = study(server, 1, 1)
    body = {"Series": list(made.series), "KeepSource": True}
    content = server.call("POST", f"/studies/{made.id}/split", body).json
    return series_of(server, content["TargetStudy"]) == 1


def merged(server: Server) -> tuple[int, int]:
    """How many series are in the old study and in the one that they came to."""
    target, source = study(server, 1, patient="target"), study(server, 1, patient="source")
    server.call("POST", f"/studies/{target.id}/merge", {"Resources": [source.id]})
    return series_of(server, source.id), series_of(server, target.id)


def series_of(server: Server, identifier: str) -> int:
    shown = server.call("GET", f"/studies/{identifier}")
    return len(shown.json["Series"]) if shown.status == 200 else 0


def in_the_end(job: Job) -> dict[str, Any]:
    until(lambda: job.state in ("Success", "Failure"), DEADLINE)
    return job.read()


def failing(of: str, field: str, seen: object, status: int = FAILED) -> Symptom:
    """A job whose steps are refused with `status` reads so."""

    def shows(server: Server, gate: DicomGate) -> bool:
        gate.automatic = status
        return bool(in_the_end(started(server, of))[field] == seen)

    return shows


def permissive_fails(server: Server, gate: DicomGate) -> bool:
    gate.automatic = FAILED
    return answered(server, "store", Permissive=True).status != 200


def permissive_once(server: Server, gate: DicomGate) -> bool:
    """It bears what is refused in its first run only."""
    gate.automatic = None
    path, body = _store(server)
    job = submit(server, path, {**body, "Permissive": True})
    held = gate.arrival()
    job.accepts("cancel")
    held.answer()
    gate.automatic = FAILED
    job.becomes("Failure").accepts("resubmit")
    return bool(in_the_end(job)["State"] == "Failure")


def not_honoured(of: str, action: str, state: str) -> Symptom:
    """What is asked for while the first step runs has no effect at its end."""

    def shows(server: Server, gate: DicomGate) -> bool:
        gate.automatic = None
        job = started(server, of)
        held = gate.arrival()
        job.accepts(action)
        gate.automatic = SUCCESS
        held.answer()
        until(lambda: job.state != "Running", DEADLINE)
        return job.state != state

    return shows


def sends_again(server: Server, gate: DicomGate) -> bool:
    gate.automatic = None
    job = started(server, "store")
    first = gate.arrival()
    job.accepts("pause")
    first.answer()
    job.becomes("Paused").accepts("resume")
    second = gate.arrival()
    gate.automatic = SUCCESS
    second.answer()
    return first.uid == second.uid


def arrived(server: Server, gate: DicomGate, of: str) -> list[Any]:
    in_the_end(started(server, of))
    return [gate.arrivals.get_nowait() for _ in range(gate.arrivals.qsize())]


SYMPTOMS: dict[str, Symptom] = {
    **{f"asynchronous-{of}-waits": waits_always(of) for of in CALLS if of != "media"},
    **{f"synchronous-{of}-does-not-wait": waits_never(of) for of in CALLS if of != "media"},
    **{f"{of}-without-priority": without_priority(of) for of in CALLS if of != "media"},
    "store-reads-peer-store": wrong_type("store"),
    "retrieval-reads-store": wrong_type("retrieval"),
    "modification-reads-split": wrong_type("modification"),
    "archive-reads-media": wrong_type("archive"),
    "media-reads-archive": wrong_type("media"),
    "split-reads-merge": wrong_type("split"),
    "merge-reads-split": wrong_type("merge"),
    "store-content-lacks-modality": content_lacks("store"),
    "retrieval-content-lacks-query": content_lacks("retrieval"),
    "modification-content-lacks-result": content_lacks("modification"),
    "archive-content-lacks-count": content_lacks("media"),
    "split-content-lacks-target": content_lacks("split"),
    "merge-content-lacks-target": content_lacks("merge"),
    "content-lacks-description": content_lacks("archive", "Description"),
    "pending-archive-not-paused": pending("media", "pause", "Paused"),
    "pending-modification-not-canceled": pending("modification", "cancel", "Failure"),
    "archive-not-resubmitted": refuses("archive", "cancel", "resubmit"),
    "paused-split-not-resumed": refuses("split", "pause", "resume"),
    "merge-in-success-resubmitted": merge_runs_again,
    "expand-omits-retrievals": expand_omits,
    "archive-misses-instance": lacks_instances("archive"),
    "archive-holds-wrong-instance": lacks_instances("archive"),
    "archive-is-no-zip": is_no_zip,
    "large-archive-cut-off": large_is_cut_off,
    "media-misses-instance": lacks_instances("media"),
    "media-lacks-dicomdir": lacks_index,
    "media-index-misses-instance": index_lacks_instance,
    "archive-not-kept": lambda server, _: fetched(server, 1) == 404,
    "archive-fetched-once": lambda server, _: fetched(server, 2) == 404,
    "archive-kept-after-delete": lambda server, _: fetched(server, 1, delete=True) == 200,
    "modification-keeps-identifiers": keeps_identifiers,
    "modification-removes-source": lambda server, _: not source_is_there(server, keep=True),
    "modification-keeps-source": lambda server, _: source_is_there(server, keep=False),
    "modification-replaces-nothing": lambda server, _: value(server, "before"),
    "modification-garbles-values": lambda server, _: value(server, "retfa"),
    "modification-stores-nothing": copy_is_missing,
    "failed-modification-reads-success": failure_reads_success,
    "later-missing-instance-ignored": goes_on_without_an_instance,
    "anonymization-keeps-name": anonymization_keeps("PatientName"),
    "anonymization-keeps-birth-date": anonymization_keeps("PatientBirthDate"),
    "anonymization-keeps-study-identifier": anonymization_keeps("StudyInstanceUID"),
    "split-keeps-source": lambda server, _: split(server) == (3, 1),
    "split-stays-in-study": lambda server, _: split(server)[0] == 3,
    "split-joins-series": split_joins,
    "split-loses-series": lambda server, _: split(server) == (2, 0),
    "merge-keeps-source": lambda server, _: merged(server) == (1, 2),
    "merge-loses-series": lambda server, _: merged(server) == (0, 1),
    "merge-keeps-patient": lambda server, _: merged(server) == (0, 1),
    "failed-store-counts-as-success": failing("store", "State", "Success"),
    "failed-store-has-code-0": failing("store", "ErrorCode", 0),
    "permissive-store-fails": permissive_fails,
    "permissive-forgotten-on-resubmit": permissive_once,
    "store-not-paused": not_honoured("store", "pause", "Paused"),
    "store-not-canceled": not_honoured("store", "cancel", "Failure"),
    "resumed-store-starts-over": sends_again,
    "store-leaves-out-last-instance": lambda s, gate: len(arrived(s, gate, "store")) != 2,
    "failed-retrieval-counts-as-success": failing("retrieval", "State", "Success"),
    "partial-retrieval-counts-as-success": failing("retrieval", "State", "Success", WARNING),
    "failed-retrieval-has-code-0": failing("retrieval", "ErrorCode", 0),
    "retrieval-not-paused": not_honoured("retrieval", "pause", "Paused"),
    "retrieval-repeats-first-answer": lambda s, gate: (
        len({each.uid for each in arrived(s, gate, "retrieval")}) == 1
    ),
    "retrieval-ignores-target": lambda s, gate: (
        {each.target for each in arrived(s, gate, "retrieval")} == {"ORTHANC"}
    ),
}


@contextmanager
def serving(parts: Parts, gate: Gate, modality: DicomGate) -> Iterator[Server]:
    """A server of these parts, in a thread of this process, that knows the modality as `gate`."""
    config = Config(limit_jobs=0, jobs_history_size=10_000)
    storage = Storage()
    engine = build_engine(config, parts, storage, parts.store(Database()))
    app = build_app(config, parts, engine, storage)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # As the server itself: it must not hang up on who comes back a little later.
        config = uvicorn.Config(app, log_config=None, lifespan="on", timeout_keep_alive=75)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        client = Server(None, listener.getsockname()[1], gate)  # type: ignore[arg-type]
        try:
            client.call("PUT", "/modalities/gate", modality.modality)
            yield client
        finally:
            server.should_exit = True
            engine.stop()
            thread.join(DEADLINE)


@pytest.fixture
def modality() -> Iterator[DicomGate]:
    opened = DicomGate(automatic=SUCCESS)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def sound(gate: Gate) -> Iterator[Server]:
    first = DicomGate()
    with serving(Parts(), gate, first) as server:
        yield server
    first.close()


def faults_of(module: ModuleType) -> set[str]:
    classes = {
        member
        for name, member in vars(module).items()
        if isinstance(member, type) and member.__module__ == module.__name__ and name[0] != "_"
    }
    return {fault.name for fault in FAULTS.values() if _planted(fault.parts) in classes}


def _planted(parts: Parts) -> type:
    (found,) = {getattr(parts, n) for n in Parts.__slots__} - {
        getattr(Parts(), n) for n in Parts.__slots__
    }
    planted: type = found
    return planted


def test_every_fault_has_a_symptom() -> None:
    known = set[str]().union(*map(faults_of, (routes, archives, copies, modalities)))
    assert len(known) >= 60
    assert known == set(SYMPTOMS)


@pytest.mark.long
@pytest.mark.parametrize("name", SYMPTOMS)
def test_a_fault_shows_and_a_sound_server_is_sound(
    name: str, gate: Gate, modality: DicomGate, sound: Server
) -> None:
    with serving(FAULTS[name].parts, gate, modality) as planted:
        assert SYMPTOMS[name](planted, modality)
    modality.automatic = SUCCESS
    assert sound.call("PUT", "/modalities/gate", modality.modality).status == 200
    while not modality.arrivals.empty():
        modality.arrivals.get()
    assert not SYMPTOMS[name](sound, modality)
