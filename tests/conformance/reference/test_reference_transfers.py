"""Two servers with the transfers accelerator: push, pull, and pull that the sender asks for."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from conformance.reference.double import reference_server
from tests.conformance.reference.harness import DEADLINE
from tests.conformance.reference.transfers_harness import FAR, Pair, answering, pair
from tests.waiting import until


@pytest.fixture(params=[{}, {"Threads": 2, "BucketSize": 1}], ids=["default", "small buckets"])
def servers(request: pytest.FixtureRequest) -> Iterator[Pair]:
    with ExitStack() as stack:
        yield pair(stack, Transfers=request.param)


@pytest.mark.parametrize("compression", ["gzip", "none"])
@pytest.mark.parametrize("call", ["send", "pull"])
def test_what_is_transferred_is_there_as_it_was(servers: Pair, call: str, compression: str) -> None:
    near, far = servers
    source, target = (near, far) if call == "send" else (far, near)
    sizes = (10, 700, 1500, 9000, 11, 12)
    ids = [source.store(1, PatientName="A", ImageComments="x" * size)[0] for size in sizes]
    answer = near.transfer(call, ids, Compression=compression, Priority=-2)
    assert answer == {"ID": answer["ID"], "Path": f"/jobs/{answer['ID']}"}
    job = near.ended(answer["Path"])
    kind = {"send": "PushTransfer", "pull": "PullTransfer"}[call]
    assert (job["Type"], job["State"], job["Priority"]) == (kind, "Success", -2)
    assert (job["Content"]["TotalInstances"], job["Progress"]) == (6, 100)
    assert {each: target.file(each) for each in ids} == {each: source.file(each) for each in ids}
    assert far.json("GET", "/jobs") == []
    again = near.ended(near.transfer(call, ids, Compression=compression)["Path"])
    assert again["State"] == "Success"


def test_a_study_is_transferred_by_its_level(servers: Pair) -> None:
    near, far = servers
    study = "1.2.840.99.7"
    ids = near.store(3, StudyInstanceUID=study)
    parent = near.json("GET", "/studies")[0]
    named = [{"Level": "STUDY", "ID": parent}, {"Level": "Instance", "ID": ids[0]}]
    job = near.ended(near.transfer("send", [], Resources=named)["Path"])
    assert job["Content"]["TotalInstances"] == 3
    assert sorted(far.json("GET", "/instances")) == ids


def test_a_peer_that_knows_this_server_pulls(servers: Pair) -> None:
    near, far = servers
    far.call("PUT", "/peers/back", {"Url": near.server.url})
    near.call("PUT", f"/peers/{FAR}", {"Url": far.server.url, "RemoteSelf": "back"})
    shown = near.json("GET", f"/peers/{FAR}/configuration")
    assert shown["RemoteSelf"] == "back"
    ids = near.store(2)
    answer = near.transfer("send", ids, Priority=4)
    assert answer.keys() == {"Peer", "RemoteJob", "URL"}
    assert answer["Peer"] == FAR
    assert answer["URL"] == f"{far.server.url}/jobs/{answer['RemoteJob']}"
    job = far.ended(f"/jobs/{answer['RemoteJob']}")
    assert (job["Type"], job["State"], job["Priority"]) == ("PullTransfer", "Success", 4)
    assert (job["Content"]["Peer"], "Originator" in job["Content"]) == ("back", True)
    assert sorted(far.json("GET", "/instances")) == ids
    assert near.json("GET", "/jobs") == []
    unknown = near.transfer("send", ["nothing"])
    failed = far.ended(f"/jobs/{unknown['RemoteJob']}")
    assert (failed["State"], failed["ErrorCode"]) == ("Failure", 1)
    assert failed["Content"].keys() == {"Compression", "Originator", "Peer", "Resources"}


def test_a_peer_that_would_pull_from_somebody_else(servers: Pair) -> None:
    near, far = servers
    far.call("PUT", "/peers/itself", {"Url": far.server.url})
    near.call("PUT", f"/peers/{FAR}", {"Url": far.server.url, "RemoteSelf": "itself"})
    ids = near.store(1)
    far.call("POST", "/instances", near.file(ids[0]))
    answer = near.transfer("send", ids)
    assert far.ended(f"/jobs/{answer['RemoteJob']}")["State"] == "Failure"


def test_a_peer_that_does_not_pull(servers: Pair) -> None:
    near, far = servers
    body = {"Resources": [], "Compression": "none", "Peer": FAR}
    for url in (far.server.url, "http://127.0.0.1:1"):
        near.call("PUT", f"/peers/{FAR}", {"Url": url, "RemoteSelf": "nobody"})
        assert near.refuses("POST", "/transfers/send", body) == (500, 9)


def test_which_peers_have_it(servers: Pair) -> None:
    near, far = servers
    with reference_server(release="1.5.6") as old:
        peers = {"a": "http://127.0.0.1:1", "old": old.url, "z": far.server.url}
        for name, url in peers.items():
            near.call("PUT", f"/peers/{name}", {"Url": url})
        near.call("PUT", "/peers/both", {"Url": far.server.url, "RemoteSelf": "x"})
        assert near.json("GET", "/transfers/peers") == {
            "a": "disabled",
            "both": "bidirectional",
            "old": "disabled",
            FAR: "installed",
            "z": "installed",
        }


@pytest.mark.parametrize("killed", [True, False])
def test_a_pull_goes_on_after_a_restart(killed: bool) -> None:
    """What has come before is not asked for again."""
    options = {"Threads": 1, "BucketSize": 1}
    with ExitStack() as stack:
        near, far = pair(stack, Transfers=options)
        ids = far.store(3, ImageComments="x" * 1100)
        control = near.server.control
        heard: list[str] = []
        far.server.control.calls.listen(lambda call: heard.append(call.path.split("?")[0]))
        control.hold()
        job = near.transfer("pull", ids, Compression="none")
        for _ in range(2):  # the lookup, and a bucket
            control.perform(job["ID"])
        until(lambda: near.json("GET", job["Path"])["Progress"] == 40, DEADLINE)
        near.server.restart(killed=killed)
        assert near.json("GET", job["Path"])["Progress"] == 40
        control.release()
        assert near.ended(job["Path"])["State"] == "Success"
        assert sorted(near.json("GET", "/instances")) == ids
        assert heard == ["/transfers/lookup", *(f"/transfers/chunks/{each}" for each in ids)]


def test_a_pull_that_was_paused_goes_on_and_one_that_was_canceled_starts_over() -> None:
    with ExitStack() as stack:
        near, far = pair(stack)
        ids = far.store(1)
        for action, state in (("pause", "Paused"), ("cancel", "Failure")):
            near.server.control.hold()
            job = near.transfer("pull", ids)
            near.server.control.wait(job["ID"])
            shown = near.json("GET", job["Path"])["Content"]
            assert shown.keys() == {"Compression", "Peer", "Resources"}
            near.server.control.act(job["ID"], action)
            near.server.control.perform(job["ID"])
            until(lambda: near.json("GET", job["Path"])["State"] == state, DEADLINE)  # noqa: B023
            assert near.json("GET", job["Path"])["Progress"] == 33
            near.server.control.act(job["ID"], {"pause": "resume"}.get(action, "resubmit"))
            near.server.control.release()
            assert near.ended(job["Path"])["State"] == "Success"
        assert near.json("GET", "/instances") == ids


@pytest.mark.parametrize(
    "lookup",
    [
        b"",
        b"[]",
        b'{"Instances": []}',
        b'{"Instances": [7], "Originator": "x"}',
        b'{"Instances": [{"ID": "a", "MD5": "b", "Size": "-1"}], "Originator": "x"}',
    ],
)
def test_a_lookup_that_makes_no_sense(servers: Pair, lookup: bytes) -> None:
    near, _ = servers
    with answering({"/transfers/lookup": lookup}) as url:
        near.call("PUT", f"/peers/{FAR}", {"Url": url})
        job = near.ended(near.transfer("pull", ["x"])["Path"])
    assert (job["State"], job["ErrorCode"], job["Progress"]) == ("Failure", 1, 0)


@pytest.mark.parametrize("data", [b"ab", b"abcd", b"abd"])
@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_bytes_that_were_not_asked_for(servers: Pair, data: bytes, compression: str) -> None:
    near, _ = servers
    listed = {"ID": "x", "MD5": hashlib.md5(b"abc").hexdigest(), "Size": "3"}
    lookup = json.dumps({"Instances": [listed], "Originator": "x"}).encode()
    chunk = data if compression == "none" else gzip.compress(data)
    with answering({"/transfers/lookup": lookup, "/transfers/chunks/x": chunk}) as url:
        near.call("PUT", f"/peers/{FAR}", {"Url": url})
        job = near.ended(near.transfer("pull", ["x"], Compression=compression)["Path"])
    assert (job["State"], job["ErrorCode"]) == ("Failure", 1)
    assert near.json("GET", "/instances") == []
