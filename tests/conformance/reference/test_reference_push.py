"""Pushes of the transfers accelerator: each request to the peer is a step of the job."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.reference.harness import DEADLINE, Gate, Server, running_server
from tests.conformance.reference.transfers_harness import (
    ONE_EACH,
    PATH,
    creation,
    instances,
    push,
    request,
    resources,
)
from tests.waiting import until

PLUGIN, CANCELED = 1, 37


@pytest.fixture(scope="module")
def server(gate: Gate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp("push")
    with running_server(folder, gate, JobsHistorySize=1000, Transfers=ONE_EACH) as running:
        yield running


def test_a_push_is_a_request_for_each_instance_between_two_others(server: Server) -> None:
    ids = instances(server, 3)
    job = push(server, [*ids, ids[0]], Priority=3, UserData=7, Synchronous=True)
    creating = job.step()
    assert (creating.method, creating.path) == ("POST", f"/{job.slot}/transfers/push")
    asked = {"Peer": job.slot, "Compression": "none", "Resources": resources([*ids, ids[0]])}
    known = {**asked, "TotalInstances": 3, "TotalSizeMB": 0}
    read = job.read()
    assert (read["Type"], read["Priority"], read["Content"]) == ("PushTransfer", 3, known)
    files = [server.call("GET", f"/instances/{each}/file").body for each in ids]
    assert json.loads(creating.body) == {
        "Buckets": [
            [{"ID": each, "Offset": "0", "Size": str(len(file))}]
            for each, file in zip(ids, files, strict=True)
        ],
        "Compression": "none",
        "Instances": [
            {"ID": each, "MD5": hashlib.md5(file).hexdigest(), "Size": str(len(file))}
            for each, file in zip(ids, files, strict=True)
        ],
    }
    creating.answer(body={"Path": PATH})
    for number, file in enumerate(files):
        put = request(job, "PUT", f"{PATH}/{number}")
        assert put.body == file
        assert put.headers["Content-Type"] == "application/octet-stream"
        assert put.headers["sender-transfer-id"] == creating.headers["sender-transfer-id"]
        read = job.read()
        assert read["Progress"] == 20 * (number + 1)
        assert read["Content"].items() > {**known, "CompletedHttpQueries": number}.items()
        assert {"UploadedSizeMB", "NetworkSpeedKBs"} < read["Content"].keys()
        put.answer()
    request(job, "POST", f"{PATH}/commit").answer()
    read = job.becomes("Success").read()
    assert (read["Progress"], read["Content"]["CompletedHttpQueries"]) == (100, 3)


def test_gzip_and_a_sender_of_ones_own(server: Server) -> None:
    ids = instances(server, 1)
    job = push(server, ids, Compression="gzip", SenderTransferID="mine")
    assert creation(job)["Compression"] == "gzip"
    put = request(job, "PUT", f"{PATH}/0")
    assert gzip.decompress(put.body) == server.call("GET", f"/instances/{ids[0]}/file").body
    assert put.headers["sender-transfer-id"] == "mine"
    put.answer(500)
    request(job, "DELETE", PATH).answer(404)
    assert job.becomes("Failure").read()["ErrorCode"] == PLUGIN


def test_a_login_and_headers_of_the_peer_are_sent(server: Server) -> None:
    job = push(server, instances(server, 1), peer=server.peer())
    job.step().answer(500)
    peer = {"Url": f"{server.gate.url}/{job.slot}", "Username": "u", "Password": "p"}
    server.call("PUT", f"/peers/{job.slot}", {**peer, "HttpHeaders": {"X-Mine": "7"}})
    job = push(server, [], peer=job.slot)
    for path, answer in (("/transfers/push", {"Path": PATH}), (f"{PATH}/commit", {})):
        arrival = request(job, "POST", path)
        assert (arrival.headers["Authorization"], arrival.headers["X-Mine"]) == ("Basic dTpw", "7")
        arrival.answer(body=answer)
    job.becomes("Success")


def test_nothing_is_pushed_by_two_requests(server: Server) -> None:
    job = push(server, [])
    assert creation(job)["Instances"] == []
    request(job, "POST", f"{PATH}/commit").answer()
    assert job.becomes("Success").read()["Content"]["TotalInstances"] == 0


@pytest.mark.parametrize(
    ("asked", "state", "error"),
    [(("pause",), "Paused", 0), (("pause", "cancel"), "Failure", 37), (("cancel",), "Failure", 37)],
)
@pytest.mark.parametrize("held", range(4))
def test_what_was_asked_for_takes_effect_at_the_end_of_each_request(
    server: Server, asked: tuple[str, ...], state: str, error: int, held: int
) -> None:
    job = push(server, instances(server, 2))
    for number in range(held):
        creation(job) if number == 0 else job.step().answer()
    if held == 0:
        arrival = job.step()
        job.accepts(*asked)
        arrival.answer(body={"Path": PATH})
    else:
        arrival = job.step()
        job.accepts(*asked)
        arrival.answer()
    assert job.becomes(state).read()["ErrorCode"] == error
    if state == "Failure":
        job.accepts("resubmit")
        request(job, "POST", "/transfers/push").answer(500)  # it starts over
        job.becomes("Failure")
        return
    job.accepts("resume")
    for path in [f"{PATH}/0", f"{PATH}/1", f"{PATH}/commit"][held:]:
        arrival = job.step()
        assert arrival.path == f"/{job.slot}{path}"
        arrival.answer()
    job.becomes("Success")


def test_a_request_that_fails_fails_the_job_whatever_was_asked_for(server: Server) -> None:
    for status in (500, 404, 201):
        job = push(server, instances(server, 1))
        creation(job)
        arrival = request(job, "PUT", f"{PATH}/0")
        job.accepts("pause")
        arrival.answer(status)
        request(job, "DELETE", PATH).answer()
        assert job.becomes("Failure").standing() == ("Failure", PLUGIN, 33)


@pytest.mark.parametrize("answer", [b"", b"hello", b"[]", b'{"ID": "X"}', b'{"Path": 1}'])
def test_an_answer_that_names_no_transaction(server: Server, answer: bytes) -> None:
    job = push(server, instances(server, 1))
    job.step().answer(body=answer)
    assert job.becomes("Failure").standing() == ("Failure", PLUGIN, 0)


@pytest.mark.parametrize("answer", [b"", b"hello"])
def test_a_commit_is_answered_json(server: Server, answer: bytes) -> None:
    job = push(server, [])
    creation(job)
    job.step().answer(body=answer)
    assert job.becomes("Failure").read()["ErrorCode"] == PLUGIN


@pytest.mark.parametrize(
    "bad",
    [{}, 7, {"Level": "Instance"}, {"Level": "Image", "ID": "x"}, {"Level": "Study", "ID": "x"}],
)
def test_a_resource_that_there_is_not_fails_the_job(server: Server, bad: object) -> None:
    job = push(server, [], Resources=[*resources(instances(server, 1)), bad])
    read = job.becomes("Failure").read()
    assert (read["ErrorCode"], read["Progress"], read["Content"]) == (PLUGIN, 0, {})


def test_an_instance_of_another_level_fails_the_job(server: Server) -> None:
    wrong = resources(instances(server, 1), "Series")
    assert push(server, [], Resources=wrong).becomes("Failure").read()["ErrorCode"] == PLUGIN


def test_an_instance_that_is_removed_meanwhile(server: Server) -> None:
    ids = instances(server, 2)
    job = push(server, ids)
    creation(job)
    put = request(job, "PUT", f"{PATH}/0")
    server.call("DELETE", f"/instances/{ids[1]}")
    put.answer()
    request(job, "DELETE", PATH).answer()
    assert job.becomes("Failure").standing() == ("Failure", PLUGIN, 50)


@pytest.mark.parametrize("killed", [True, False])
def test_a_push_goes_on_after_a_restart(gate: Gate, tmp_path: Path, killed: bool) -> None:
    with running_server(tmp_path, gate, Transfers=ONE_EACH) as server:
        ids = instances(server, 2)
        paused, running = push(server, ids), push(server, ids)
        creation(paused)
        held = request(paused, "PUT", f"{PATH}/0")
        paused.accepts("pause")
        held.answer()
        before = paused.becomes("Paused").read()
        creation(running)
        cut = request(running, "PUT", f"{PATH}/0")
        if killed:
            server.kill()
            cut.answer()
        else:
            server.is_told_to_stop()
            cut.answer()
            assert server.process.wait(DEADLINE) == 0
        server.start()
        after = paused.read()
        for field in ("State", "Progress", "Content"):
            assert after[field] == before[field]
        if killed:
            request(running, "PUT", f"{PATH}/0").answer()
        request(running, "PUT", f"{PATH}/1").answer()
        request(running, "POST", f"{PATH}/commit").answer()
        running.becomes("Success")
        paused.accepts("resume")
        request(paused, "PUT", f"{PATH}/1").answer()
        request(paused, "POST", f"{PATH}/commit").answer()
        assert paused.becomes("Success").read()["Content"]["CompletedHttpQueries"] == 2


def test_several_threads_send_at_once(gate: Gate, tmp_path: Path) -> None:
    """A pause waits for all that are under way, and no other begins."""
    with running_server(tmp_path, gate, Transfers={"Threads": 3, "BucketSize": 1}) as server:
        job = push(server, instances(server, 4))
        creation(job)
        puts = [job.step() for _ in range(3)]
        assert {put.path for put in puts} == {f"/{job.slot}{PATH}/{n}" for n in range(3)}
        job.accepts("pause")
        for put in puts:
            assert job.state == "Running"
            put.answer()
        assert job.becomes("Paused").standing() == ("Paused", 0, 67)
        job.accepts("resume")
        request(job, "PUT", f"{PATH}/3").answer()
        request(job, "POST", f"{PATH}/commit").answer()
        job.becomes("Success")


def test_by_default_a_few_small_instances_are_one_request(shared: Server) -> None:
    job = push(shared, instances(shared, 3))
    assert [len(bucket) for bucket in creation(job)["Buckets"]] == [3]
    request(job, "PUT", f"{PATH}/0").answer()
    request(job, "POST", f"{PATH}/commit").answer()
    job.becomes("Success")


def test_a_request_is_sent_again_as_often_as_it_may(gate: Gate, tmp_path: Path) -> None:
    with running_server(tmp_path, gate, Transfers={**ONE_EACH, "MaxHttpRetries": 1}) as server:
        job = push(server, instances(server, 1))
        creation(job)
        request(job, "PUT", f"{PATH}/0").answer(500)
        request(job, "PUT", f"{PATH}/0").answer()
        for _ in range(2):
            request(job, "POST", f"{PATH}/commit").answer(500)
        assert job.becomes("Failure").standing() == ("Failure", PLUGIN, 67)


def test_a_peer_may_ask_for_retry(server: Server) -> None:
    job = push(server, instances(server, 1))
    creation(job)
    request(job, "PUT", f"{PATH}/0").ask_for_retry(1)
    request(job, "PUT", f"{PATH}/0").answer()
    request(job, "POST", f"{PATH}/commit").answer()
    job.becomes("Success")


def test_a_job_that_has_not_started_shows_nothing(gate: Gate, tmp_path: Path) -> None:
    with running_server(tmp_path, gate, ConcurrentJobs=1, Transfers=ONE_EACH) as server:
        ids = instances(server, 1)
        first, second = push(server, ids), push(server, ids)
        held = first.step()
        assert second.read()["Content"] == {}
        assert second.accepts("cancel").read()["Content"] == {}
        held.answer(500)
        shown = first.becomes("Failure").read()
        third = push(server, ids, Priority=9)
        third.step().answer(500)
        third.becomes("Failure")
        fourth = push(server, ids, Priority=9)
        held = fourth.step()
        again = first.accepts("resubmit").read()
        assert (again["Content"], again["Progress"]) == (shown["Content"], shown["Progress"])
        held.answer(500)
        first.step().answer(500)
        until(lambda: first.state == "Failure", DEADLINE)


def test_who_would_be_asked_again_does_not_hold_up_a_stop(gate: Gate, tmp_path: Path) -> None:
    """The request that has failed is sent again after the next start."""
    with running_server(tmp_path, gate, Transfers={**ONE_EACH, "MaxHttpRetries": 999}) as server:
        job = push(server, instances(server, 1))
        creation(job)
        request(job, "PUT", f"{PATH}/0").answer(500)
        server.restart()
        request(job, "PUT", f"{PATH}/0").answer()
        request(job, "POST", f"{PATH}/commit").answer()
        job.becomes("Success")


@pytest.mark.parametrize(
    ("release", "times"),
    [
        ([], {"HttpTimeout": 60, "Transfers": {"PeerCommitTimeout": 1}}),
        (["--release", "1.10.1"], {"HttpTimeout": 1, "Transfers": {"PeerCommitTimeout": 60}}),
    ],
    ids=["every page", "1.10.1"],
)
def test_how_long_a_commit_may_take(
    gate: Gate, tmp_path: Path, release: list[str], times: dict[str, object]
) -> None:
    with running_server(tmp_path, gate, *release, **times) as server:
        job = push(server, [])
        creation(job)
        held = request(job, "POST", f"{PATH}/commit")
        assert job.becomes("Failure").standing() == ("Failure", PLUGIN, 50)
        held.answer(0)


def test_a_bucket_that_is_not_answered_in_time(gate: Gate, tmp_path: Path) -> None:
    with running_server(tmp_path, gate, HttpTimeout=1, Transfers=ONE_EACH) as server:
        job = push(server, instances(server, 1))
        creation(job)
        held = request(job, "PUT", f"{PATH}/0")
        request(job, "DELETE", PATH).answer()
        assert job.becomes("Failure").read()["ErrorCode"] == PLUGIN
        held.answer(0)
