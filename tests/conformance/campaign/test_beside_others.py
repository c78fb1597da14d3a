"""Runs on servers as people have them, with others at work on them: no false alarm is raised."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from conformance.peer.gate import Gate
from conformance.sut import servers
from conformance.sut.client import Client
from conformance.sut.managed import Managed
from tests.conformance.kit import Run, command
from tests.conformance.misbehaving import Answer, Proxy, Request, Scripted, hang, http_answer
from tests.waiting import until

pytestmark = pytest.mark.apart
RELEASE = "1.12.7"  # it can delete what the kit has made
ARCHIVES = ("route/archive/study/asynchronous", "route/media/study/output-deleted")
TAKEN = "archives of somebody else's take the place of ours"
OUTPUT = re.compile(r"(GET|DELETE) /jobs/[^/]+/archive")
OFTEN = 1000
WORKERS = 2


@contextmanager
def who_archives(server: Managed, times: int) -> Iterator[Scripted]:
    """The server, where somebody makes an archive, so many times, before the kit gets its own."""
    client = Client(server.address)
    made = client.post("/tools/create-dicom", {"Tags": {"PatientID": "theirs"}}).json()
    left = [times]

    def rule(request: Request) -> Answer | None:
        if OUTPUT.fullmatch(request.line) and left[0]:
            left[0] -= 1
            body = {"Asynchronous": True}
            job = client.post(f"/studies/{made['ParentStudy']}/archive", body).json()["Path"]
            until(lambda: client.get(job).json()["State"] == "Success", 10)
        return None

    with Scripted(Proxy(server.port, rule)) as proxy:
        yield proxy
    client.close()


def polite(folder: Path, url: str, *cases: str, more: tuple[str, ...] = ()) -> Run:
    chosen = [word for case in cases for word in ("--case", case)]
    return command(folder, "run", url, "--history-size", "1000", *chosen, *more)


@pytest.mark.parametrize(("times", "verdict"), [(1, "pass"), (OFTEN, "skipped")])
def test_an_archive_whose_place_somebody_takes(tmp_path: Path, times: int, verdict: str) -> None:
    settings = {"JobsHistorySize": 1000}
    for case in ARCHIVES:
        with (
            servers.reference(settings, release=RELEASE) as server,
            who_archives(server, times) as proxy,
        ):
            run = polite(tmp_path, proxy.url, case)
        assert list(run.cases(verdict)) == [case], run.out + run.err
        assert run.cases(verdict)[case]["reason"] == (TAKEN if verdict == "skipped" else None)


@pytest.mark.parametrize("case", ARCHIVES)
def test_an_archive_that_nobody_takes_the_place_of_is_missed(tmp_path: Path, case: str) -> None:
    def rule(request: Request) -> Answer | None:
        return http_answer(404) if OUTPUT.fullmatch(request.line) else None

    with servers.reference(release=RELEASE) as server, Scripted(Proxy(server.port, rule)) as proxy:
        run = polite(tmp_path, proxy.url, case)
    assert list(run.cases("deviation")) == [case], run.out + run.err


@pytest.mark.parametrize("under_way", [0, WORKERS])
def test_a_job_that_waits_behind_those_of_others(tmp_path: Path, under_way: int) -> None:
    """While their jobs hold all workers it is no deviation that ours stays Pending."""
    case, late = ARCHIVES[0], ("--deadline", "0.3")
    with servers.reference({"ConcurrentJobs": WORKERS}, release=RELEASE) as server, Gate() as gate:
        client = Client(server.address)
        made = client.post("/tools/create-dicom", {"Tags": {"PatientID": "theirs"}}).json()["ID"]
        client.put("/peers/theirs", {"Url": gate.url(0)})
        begun: list[str] = []

        def rule(request: Request) -> Answer | None:
            """As the kit asks for its archive, their jobs begin, and go before it."""
            while request.line.startswith("POST /studies/") and len(begun) < under_way:
                body = {"Resources": [made], "Asynchronous": True}
                begun.append(client.post("/peers/theirs/store", body).json()["ID"])
                assert gate.wait(10)
            return None

        with Scripted(Proxy(server.port, rule)) as proxy:
            run = polite(tmp_path, proxy.url, case, more=late)
        for hold in gate.arrivals():
            hold.reply(200)
        client.close()
    assert list(run.cases("unknown" if under_way else "pass")) == [case], run.out + run.err


@pytest.mark.parametrize("mode", [(), ("--exclusive",)])
@pytest.mark.parametrize("size", [0, 1])
def test_a_history_of_which_nobody_says_that_it_is_small(
    tmp_path: Path, size: int, mode: tuple[str, ...]
) -> None:
    """What has gone is no deviation before somebody says what is to be kept."""

    def unsaid(_: Request, found: object) -> object:
        if isinstance(found, dict):
            found.pop("JobsConformance", None)
        return found

    cases = (
        "action/again/resubmitted/running/cancel",
        "monitor/field/content",
        "monitor/polling/success",
        "route/modify/study/waits",
    )
    chosen = (*mode, *(word for case in cases for word in ("--case", case)))
    with (
        servers.reference({"JobsHistorySize": size}, release=RELEASE) as server,
        Scripted(Proxy(server.port, change=unsaid)) as proxy,
    ):
        unsaid_run = command(tmp_path, "run", proxy.url, *chosen, report=False)
        said = command(tmp_path, "run", proxy.url, *chosen, "--history-size", str(size))
    if size == 0 or mode:
        assert unsaid_run.status == 2
        assert f"the server has kept {size} only" in unsaid_run.err, unsaid_run.out
        assert "--history-size" in unsaid_run.err
    assert said.cases("deviation", "unknown") == {}, said.out


NOT_KEPT = "Run this on a server that keeps what it is given."


@pytest.mark.parametrize("mode", [(), ("--exclusive",)])
@pytest.mark.parametrize(
    ("told", "stops"),
    [
        ({"MaximumPatientCount": 10, "MaximumStorageSize": 0}, True),
        ({"MaximumPatientCount": 10_000, "MaximumStorageSize": 0}, False),
        ({"MaximumPatientCount": 0, "MaximumStorageSize": 50}, True),
        ({"MaximumPatientCount": 10, "MaximumStorageMode": "Reject"}, True),
        ({"ReadOnly": True}, True),
        ({"ReadOnly": False}, False),
    ],
)
def test_a_server_that_would_remove_somebodys_data(
    tmp_path: Path, told: dict[str, object], stops: bool, mode: tuple[str, ...]
) -> None:
    """It is not begun with where it says so."""

    def change(request: Request, found: object) -> object:
        system = request.line == "GET /system" and isinstance(found, dict)
        return {**found, **told} if system else found  # type: ignore[dict-item]

    with (
        servers.reference(release=RELEASE) as server,
        Scripted(Proxy(server.port, change=change)) as proxy,
    ):
        run = command(tmp_path, "run", proxy.url, "--case", "action/pause", *mode, report=False)
        changes = [line for line in proxy.lines() if not line.startswith("GET")]
    assert (run.status, NOT_KEPT in run.err) == ((2, True) if stops else (0, False)), run.out
    assert not (stops and changes)


def test_a_server_that_removes_a_patient_for_each_new_one(tmp_path: Path) -> None:
    """An Orthanc before 1.12 does not tell of its bounds: it has no more patients than before."""

    def change(request: Request, found: object) -> object:
        counted = request.line == "GET /statistics" and isinstance(found, dict)
        return {**found, "CountPatients": 7} if counted else found  # type: ignore[dict-item]

    with (
        servers.reference(release=RELEASE) as server,
        Scripted(Proxy(server.port, change=change)) as proxy,
    ):
        run = command(tmp_path, "run", proxy.url, "--case", "action/pause", report=False)
        assert not [line for line in proxy.lines("POST") if "/peers" in line]
    assert run.status == 2
    assert "the server has no more of them than before" in run.err, run.out


@pytest.mark.parametrize("kept", [0, 5])
def test_a_server_that_takes_no_more(tmp_path: Path, kept: int) -> None:
    """Its storage is full, as an Orthanc says with the MaximumStorageMode Reject."""
    left = [kept]

    def rule(request: Request) -> Answer | None:
        stores = request.line in ("POST /tools/create-dicom", "POST /instances")
        left[0] -= stores
        return http_answer(507) if stores and left[0] < 0 else None

    with servers.reference(release=RELEASE) as server, Scripted(Proxy(server.port, rule)) as proxy:
        case = "route/archive/refused/nothing-named"
        run = command(tmp_path, "run", proxy.url, "--case", case, "--exclusive", report=False)
    assert run.status == 2
    assert "full" in run.err, run.out


@pytest.mark.parametrize("kept", [0, 2])
def test_something_deletes_what_the_kit_stores(tmp_path: Path, kept: int) -> None:
    """As a script does that forwards what comes: what follows from it is no deviation."""
    left = [kept]  # jobs that find all that is stored
    with servers.reference(release=RELEASE) as server:
        client = Client(server.address)

        def rule(request: Request) -> Answer | None:
            if request.method == "POST" and request.path.endswith("/store"):
                left[0] -= 1
                for id in [] if left[0] >= 0 else client.get("/instances").json():
                    client.delete(f"/instances/{id}")
            return None

        with Scripted(Proxy(server.port, rule)) as proxy:
            run = command(tmp_path, "run", proxy.url, "--case", "action/pause", report=False)
        client.close()
    assert run.status == 2
    assert "which the kit has stored, is gone" in run.err, run.out


@pytest.mark.parametrize("mode", [(), ("--exclusive",)])
def test_a_server_with_few_threads_is_not_begun_with(tmp_path: Path, mode: tuple[str, ...]) -> None:
    """It leaves a connection alone while others ask, as an Orthanc does by its HttpThreadsCount."""
    served: list[int] = []

    def rule(request: Request) -> Answer | None:
        if request.connection not in served and len(served) < 3:
            served.append(request.connection)
        return None if request.connection in served else hang

    with servers.reference(release=RELEASE) as server, Scripted(Proxy(server.port, rule)) as proxy:
        words = ("--timeout", "1", "--case", "action/pause", *mode)
        run = command(tmp_path, "run", proxy.url, *words, report=False)
        assert proxy.lines("POST") == []
    assert run.status == 2
    assert "connections at a time" in run.err, run.out
    assert "HttpThreadsCount" in run.err


@pytest.mark.parametrize("case", ["canceled", "paused"])
def test_an_archive_that_is_answered_early_behind_a_proxy(tmp_path: Path, case: str) -> None:
    """A proxy makes a whole answer with nothing in it of one that its server has broken off."""

    def rule(request: Request) -> Answer | None:
        waits = request.path.endswith("/archive") and b"Synchronous" in request.body
        return http_answer(200) if waits and asked(request) else None

    def asked(request: Request) -> bool:
        """The call makes its job all the same, which nobody waits for."""
        body = json.loads(request.body)
        del body["Synchronous"]
        client.post(request.path, {**body, "Asynchronous": True})
        return True

    id = f"route/archive/study/waits/{case}"
    with servers.reference(release=RELEASE) as server, Scripted(Proxy(server.port, rule)) as proxy:
        client = Client(server.address)
        run = command(tmp_path, "run", proxy.url, "--case", id, "--exclusive")
        client.close()
    assert run.cases("deviation")[id]["relaxations"] == ["archive-answered-early"], run.out


def test_a_server_that_does_not_listen_for_dicom(tmp_path: Path) -> None:
    """It says at which port it would: an Orthanc does so, whatever its DicomServerEnabled is."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen

        def change(request: Request, found: object) -> object:
            system = request.line == "GET /system" and isinstance(found, dict)
            port = {"DicomPort": nobody.getsockname()[1]}
            return {**found, **port} if system else found  # type: ignore[dict-item]

        with (
            servers.reference({"DicomServerEnabled": True}, release=RELEASE) as server,
            Scripted(Proxy(server.port, change=change)) as proxy,
        ):
            cases = ("--case", "route/storage-commitment/stored", "--case", "action/pause")
            run = command(tmp_path, "run", proxy.url, "--exclusive", *cases)
    found = run.cases("skipped")["route/storage-commitment/stored"]
    assert "by DICOM" in found["reason"], run.out
    assert run.cases("deviation", "unknown") == {}


@pytest.mark.parametrize("after", [0, 30])
def test_a_job_of_somebody_that_cannot_be_read(tmp_path: Path, after: int) -> None:
    """As an archive of nothing on a released Orthanc, whose list is refused with it."""
    left = [after]  # lists of jobs that are answered

    def rule(request: Request) -> Answer | None:
        listed = request.path.partition("?")[0] == "/jobs" and request.method == "GET"
        left[0] -= listed
        if left[0] >= 0:
            return None
        if request.line in ("GET /jobs?expand", f"GET /jobs/{theirs}"):
            return http_answer(400)
        return None

    with servers.reference(release=RELEASE) as server, Scripted(Proxy(server.port, rule)) as proxy:
        client = Client(server.address)
        made = client.post("/tools/create-dicom", {"Tags": {"PatientID": "theirs"}}).json()
        body = {"Asynchronous": True}
        theirs = client.post(f"/studies/{made['ParentStudy']}/archive", body).json()["ID"]
        cases = ("--case", "action/pause", "--case", "monitor/list")
        run = command(tmp_path, "run", proxy.url, *cases, report=bool(after))
        client.close()
    assert run.status == 2
    if after:
        assert run.cases("deviation") == {}, run.out
        assert any(f"job {theirs}" in one["reason"] for one in run.cases("unknown").values())
    else:
        assert f"job {theirs}" in run.err, run.out
        assert f"/jobs/{theirs}/cancel" in run.err


def test_a_job_that_hangs_and_holds_its_worker(tmp_path: Path) -> None:
    """It is a deviation, though the case cannot be run again beside it."""
    case, late = "route/modify/study/fails/error", ("--deadline", "0.3", "--exclusive")
    modified: list[str] = []
    begun: list[str] = []

    def hung(_: Request, found: object) -> object:
        if isinstance(found, list):
            return [hung(_, one) for one in found]
        if isinstance(found, dict) and found.get("Type") == "ResourceModification":
            found = {**found, "State": "Running"}
            found.pop("CompletionTime", None)
        return found

    with servers.reference({"ConcurrentJobs": WORKERS}, release=RELEASE) as server, Gate() as gate:
        client = Client(server.address)
        made = client.post("/tools/create-dicom", {"Tags": {"PatientID": "theirs"}}).json()["ID"]
        client.put("/peers/theirs", {"Url": gate.url(0)})

        def rule(request: Request) -> Answer | None:
            """From then on the proxy holds the workers by what it asks for; nothing is deleted."""
            if request.method == "DELETE" and request.path.startswith("/jobs/"):
                return http_answer(404)
            again = request.path.endswith("/store") and modified
            while again and len(begun) < WORKERS:
                body = {"Resources": [made], "Asynchronous": True}
                begun.append(client.post("/peers/theirs/store", body).json()["ID"])
            if request.path.endswith("/modify"):
                modified.append(request.path)
            return None

        with Scripted(Proxy(server.port, rule, hung)) as proxy:
            run = polite(tmp_path, proxy.url, case, more=late)
        for hold in gate.arrivals():
            hold.reply(200)
        client.close()
    assert list(run.cases("deviation")) == [case], run.out + run.err
