"""The calls of the transfers accelerator: what is answered, and what is refused."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator
from typing import Any

import pytest

from conformance.reference.config import ConfigError, parse_config
from conformance.reference.double import reference_server
from conformance.reference.releases import RELEASES
from tests.conformance.reference.route_harness import file
from tests.conformance.reference.transfers_harness import FAR, Client

PUSHES = "/transfers/push"
SEND = {"Resources": [], "Peer": FAR, "Compression": "none"}


@pytest.fixture(scope="module")
def one() -> Iterator[Client]:
    with reference_server(Transfers={"MaxPushTransactions": 2}) as server:
        client = Client(server)
        client.call("PUT", f"/peers/{FAR}", {"Url": "http://127.0.0.1:1/"})
        yield client


@pytest.fixture
def instances(one: Client) -> Iterator[list[str]]:
    """Two that are stored, in order of their ids; afterwards nothing is."""
    yield one.store(2)
    for each in one.json("GET", "/instances"):
        one.call("DELETE", f"/instances/{each}")


@pytest.mark.parametrize("path", ["/transfers/send", "/transfers/pull"])
@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (b"", (400, 15)),
        (b"no", (400, 15)),
        (b"[]", (400, 15)),
        ({**SEND, "Resources": {}}, (400, 15)),
        ({**SEND, "Resources": [[float("inf")]]}, (400, 15)),
        ({**SEND, "Peer": 7}, (400, 15)),
        ({**SEND, "Compression": None}, (400, 15)),
        *(({name: SEND[name] for name in SEND if name != left}, (400, 15)) for left in SEND),
        ({**SEND, "SenderTransferID": 7}, (400, 15)),
        ({**SEND, "Originator": None}, (400, 15)),
        *(({**SEND, "Priority": wrong}, (400, 15)) for wrong in (1.5, "7", None, True, 2**31)),
        ({**SEND, "Compression": "Gzip"}, (400, 3)),
        ({**SEND, "Peer": "unknown"}, (404, 17)),
        ({**SEND, "Peer": ""}, (404, 17)),
    ],
)
def test_what_is_no_transfer_is_refused(
    one: Client, path: str, body: Any, refusal: tuple[int, int]
) -> None:
    assert one.refuses("POST", path, body) == refusal
    assert one.json("GET", "/jobs") == []


def test_a_lookup(one: Client, instances: list[str]) -> None:
    files = {each: one.file(each) for each in instances}
    listed = [
        {"ID": each, "MD5": hashlib.md5(file).hexdigest(), "Size": str(len(file))}
        for each, file in files.items()
    ]
    study = one.json("GET", f"/instances/{instances[0]}/study")["ID"]
    asked = [{"Level": "instance", "ID": instances[1]}, {"Level": "Study", "ID": study}]
    answer = one.json("POST", "/transfers/lookup", [*asked, asked[0]])
    originator = answer.pop("Originator")
    assert answer == {
        "CountInstances": 2,
        "Instances": listed,
        "TotalSize": str(sum(map(len, files.values()))),
        "TotalSizeMB": 0,
    }
    empty = one.json("POST", "/transfers/lookup", [])
    assert (empty["CountInstances"], empty["Originator"]) == (0, originator)
    for body, refusal in (
        ({}, (400, 15)),
        ([7], (400, 15)),
        ([{"Level": "Study"}], (400, 15)),
        ([{"Level": "image", "ID": instances[0]}], (400, 3)),
        ([{"Level": "Study", "ID": "x"}], (404, 17)),
        ([{"Level": "Study", "ID": instances[0]}], (404, 17)),
    ):
        assert one.refuses("POST", "/transfers/lookup", body) == refusal


def test_chunks(one: Client, instances: list[str]) -> None:
    path = f"/transfers/chunks/{'.'.join(instances)}"
    both = b"".join(map(one.file, instances))
    whole = one.call("GET", path)
    assert (whole.content, whole.headers["Content-Type"]) == (both, "application/octet-stream")
    assert one.call("GET", f"{path}?offset=100&size=7&more=x").content == both[100:107]
    assert one.call("GET", f"{path}?offset=100&size=0").content == both[100:]
    assert one.call("GET", f"{path}?offset={len(both)}").content == b""
    packed = one.call("GET", f"{path}?offset=3&compression=gzip")
    assert gzip.decompress(packed.content) == both[3:]
    assert packed.headers["Content-Type"] == "application/gzip"
    for query, refusal in (
        ("offset=-1", (400, 5)),
        ("size=x", (400, 5)),
        ("compression=zip", (400, 3)),
    ):
        assert one.refuses("GET", f"{path}?{query}") == refusal
    assert one.refuses("GET", f"{path}.x") == (404, 17)


def opened(one: Client, files: list[bytes], compression: str = "none", **fields: object) -> str:
    """The path of a new transaction, in which each of `files` is a bucket."""
    listed = [
        {"ID": str(n), "MD5": hashlib.md5(file).hexdigest(), "Size": str(len(file))}
        for n, file in enumerate(files)
    ]
    buckets = [[{"ID": each["ID"], "Offset": "0", "Size": each["Size"]}] for each in listed]
    body = {"Instances": listed, "Buckets": buckets, "Compression": compression, **fields}
    answer = one.json("POST", PUSHES, body)
    assert answer == {"ID": answer["ID"], "Path": f"{PUSHES}/{answer['ID']}"}
    path: str = answer["Path"]
    return path


@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_a_push_is_stored_at_its_commit(one: Client, compression: str) -> None:
    files = [file(), file()]
    path = opened(one, files, compression)
    for number, each in enumerate([*files, files[1]]):
        sent = gzip.compress(each) if compression == "gzip" else each
        assert one.json("PUT", f"{path}/{min(number, 1)}", sent) == {}
    assert one.json("GET", "/instances") == []
    assert one.json("POST", f"{path}/commit") == {}
    assert sorted(map(one.file, one.json("GET", "/instances"))) == sorted(files)
    assert one.refuses("POST", f"{path}/commit") == (404, 17)
    assert one.json("GET", "/jobs") == []
    for each in one.json("GET", "/instances"):
        one.call("DELETE", f"/instances/{each}")


def test_all_of_a_push_is_stored_or_nothing(one: Client) -> None:
    good = file()
    for bad, refusal in ((b"no DICOM file", (400, 15)), (None, (500, 20))):
        path = opened(one, [good, bad or good])
        one.json("PUT", f"{path}/0", good)
        if bad is not None:
            one.json("PUT", f"{path}/1", bad)
        assert one.refuses("POST", f"{path}/commit") == refusal
        assert one.refuses("POST", f"{path}/commit") == refusal  # it stays open
        assert one.json("GET", "/instances") == []
        assert one.json("DELETE", path) == {}
        assert one.refuses("DELETE", path) == (404, 17)


def test_a_file_that_is_another_than_was_listed(one: Client) -> None:
    path = opened(one, [b"abc"])
    one.json("PUT", f"{path}/0", b"abd")
    assert one.refuses("POST", f"{path}/commit") == (500, 20)


@pytest.mark.parametrize(
    ("compression", "bucket", "body", "refusal"),
    [
        ("none", "0", b"ab", (500, 9)),
        ("none", "0", b"abcd", (500, 9)),
        ("gzip", "0", gzip.compress(b"ab", mtime=0), (500, 9)),
        ("gzip", "0", gzip.compress(b"abcd", mtime=0), (500, 9)),
        ("gzip", "0", gzip.compress(b"abc", mtime=0)[:-9], (400, 15)),
        ("gzip", "0", b"abc", (400, 15)),
        ("none", "1", b"abc", (400, 3)),
        ("none", "x", b"abc", (404, 17)),
    ],
)
def test_a_bucket_that_is_refused(
    one: Client, compression: str, bucket: str, body: bytes, refusal: tuple[int, int]
) -> None:
    path = opened(one, [b"abc"], compression)
    assert one.refuses("PUT", f"{path}/{bucket}", body) == refusal


def test_a_bucket_of_what_is_not_listed(one: Client) -> None:
    path = opened(one, [b"abc"], Instances=[])
    assert one.refuses("PUT", f"{path}/0", b"abc") == (404, 17)
    assert one.refuses("PUT", f"{PUSHES}/unknown/0", b"abc") == (404, 17)


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"Instances": 7}, (400, 15)),
        ({"Instances": [{"ID": "x", "MD5": "y", "Size": 3}]}, (400, 15)),
        ({"Buckets": [7]}, (400, 15)),
        ({"Buckets": [[{"ID": "x", "Offset": "-1", "Size": "1"}]]}, (400, 15)),
        ({"Compression": None}, (400, 15)),
        ({"Compression": "zip"}, (400, 3)),
    ],
)
def test_a_transaction_that_is_refused(
    one: Client, fields: dict[str, object], refusal: tuple[int, int]
) -> None:
    body = {"Instances": [], "Buckets": [], "Compression": "none", **fields}
    assert one.refuses("POST", PUSHES, body) == refusal


def test_the_transaction_that_was_used_least_recently_goes(one: Client) -> None:
    first, second = opened(one, [b"abc"]), opened(one, [b"abc"])
    one.json("PUT", f"{first}/0", b"abc")
    third = opened(one, [b"abc"])
    assert one.refuses("PUT", f"{second}/0", b"abc") == (404, 17)
    for path in (first, third):
        assert one.json("PUT", f"{path}/0", b"abc") == {}


def test_other_methods_and_paths(one: Client) -> None:
    for method, path, allowed in (
        ("GET", "/transfers/send", "POST"),
        ("DELETE", "/transfers/pull", "POST"),
        ("POST", "/transfers/peers", "GET"),
        ("GET", "/transfers/lookup", "POST"),
        ("POST", "/transfers/chunks/x", "GET"),
        ("GET", PUSHES, "POST"),
    ):
        answer = one.call(method, path)
        assert (answer.status_code, answer.content) == (405, b"")
        assert answer.headers["Allow"] == allowed
    for path in ("/transfers", "/transfers/nope"):
        assert one.call("GET", path).status_code == 404


def test_which_releases_have_it() -> None:
    versions = {}
    for release in (None, *RELEASES):
        with reference_server(release=release) as server:
            client = Client(server)
            plugins = client.json("GET", "/plugins")
            found = client.call("GET", "/plugins/transfers")
            answered = client.call("GET", "/transfers/peers").status_code
            assert (answered == 200, found.status_code == 200) == (bool(plugins),) * 2
            versions[release] = found.json()["Version"] if plugins == ["transfers"] else None
    assert versions == {
        None: "1.7",
        "1.5.6": None,
        "1.10.1": "1.4",
        "1.12.7": "1.7",
        "1.13.0": "mainline",
    }


def test_the_section_of_the_configuration() -> None:
    known = '{"Threads": 2, "CacheSize": 1, "CommitThreadsCount": 1, "Other": 1}'
    config = parse_config(f'{{"Transfers": {known}}}')
    assert (config.transfers.threads, config.unknown) == (2, ("Transfers.Other",))
    for wrong in ("7", '{"Threads": 0}', '{"BucketSize": "x"}', '{"MaxHttpRetries": -1}'):
        with pytest.raises(ConfigError, match="Transfers: "):
            parse_config(f'{{"Transfers": {wrong}}}')
