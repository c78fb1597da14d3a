"""The gate as a peer with the transfers accelerator: who may ask, what waits, what is answered."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from conformance.peer.gate import Gate, Hold
from conformance.peer.transfers import Kind, asked, buckets_in, digest

DEADLINE = 60.0  # seconds, generous: a machine may be busy
SLOT = 3
FILES = {"0b-2": b"second", "0a-1": b"first"}
OPENING = {"Buckets": [[{"ID": "a"}], [{"ID": "b"}]], "Instances": [], "Compression": "none"}


@pytest.fixture
def gate() -> Iterator[Gate]:
    with Gate() as opened:
        yield opened


def begin(
    gate: Gate, method: str, path: str, body: Any = None, login: bool = True
) -> http.client.HTTPConnection:
    there = urlsplit(gate.url(SLOT))
    connection = http.client.HTTPConnection(gate.host, there.port, timeout=DEADLINE)
    headers = {"Authorization": gate.callers.authorization} if login else {}
    sent = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    connection.request(method, there.path + path, sent, headers)
    return connection


def ended(connection: http.client.HTTPConnection) -> tuple[int, bytes]:
    answer = connection.getresponse()
    found = answer.status, answer.read()
    connection.close()
    return found


def held(gate: Gate) -> Hold:
    assert gate.wait(DEADLINE)
    (hold,) = gate.arrivals()
    return hold


def through(
    gate: Gate, method: str, path: str, body: Any = None, status: int = 200
) -> tuple[Hold, Any]:
    """A request that waits, and is then answered so; with what it was told."""
    connection = begin(gate, method, path, body)
    hold = held(gate)
    assert not hold.answered
    hold.reply(status)
    told, text = ended(connection)
    assert told == status
    return hold, json.loads(text)


def test_a_push_is_opened_filled_and_committed_a_step_each(gate: Gate) -> None:
    for slashes in ("", "/"):
        opened, told = through(gate, "POST", f"{slashes}transfers/push", OPENING)
        path = f"{slashes}{told['Path']}"
        steps = [
            opened,
            through(gate, "PUT", f"{path}/0", b"bytes")[0],
            through(gate, "PUT", f"{path}/1", b"")[0],
            through(gate, "POST", f"{path}/commit", b"")[0],
        ]
        kinds = [hold.came.transfer.kind for hold in steps if hold.came.transfer]
        assert kinds == [Kind.OPEN, Kind.BUCKET, Kind.BUCKET, Kind.COMMIT]
        assert [hold.step for hold in steps] == [0, 1, 2, 3]
        assert {hold.slot for hold in steps} == {SLOT}
        assert steps[1].came.body == b"bytes"
        assert ended(begin(gate, "POST", f"{path}/commit", b""))[0] == 404  # it has ended


def test_what_was_refused_can_be_sent_again_and_what_was_given_up_cannot(gate: Gate) -> None:
    _, told = through(gate, "POST", "transfers/push", OPENING)
    path = str(told["Path"])
    for status in (503, 404, 200):
        assert through(gate, "PUT", f"{path}/1", b"x", status)[0].step == 2
    assert ended(begin(gate, "PUT", f"{path}/2", b"x"))[0] == 404  # there are two buckets
    assert ended(begin(gate, "DELETE", path)) == (200, b"{}")
    hold = held(gate)
    assert hold.answered
    assert hold.came.transfer is not None
    assert hold.came.transfer.kind is Kind.GIVE_UP
    assert ended(begin(gate, "PUT", f"{path}/1", b"x"))[0] == 404
    assert not gate.wait(0.0)


def test_an_opening_that_fails_opens_nothing(gate: Gate) -> None:
    _, told = through(gate, "POST", "transfers/push", OPENING, 503)
    assert told == {}


def test_a_pull_looks_up_and_gets_exactly_what_it_asks_for(gate: Gate) -> None:
    assert ended(begin(gate, "POST", "transfers/lookup", []))[0] == 404  # nothing is offered
    gate.transfers.offer(SLOT, FILES)
    hold, told = through(gate, "POST", "transfers/lookup", [])
    assert hold.step == 0
    assert told["Instances"] == [
        {"ID": "0a-1", "MD5": digest(b"first"), "Size": "5"},
        {"ID": "0b-2", "MD5": digest(b"second"), "Size": "6"},
    ]
    assert (told["CountInstances"], told["TotalSize"], told["TotalSizeMB"]) == (2, "11", 0)
    for query, step, body in (
        ("?offset=0&size=5&compression=none", 1, b"first"),
        ("?offset=5&size=6", 2, b"second"),
        ("?offset=0&size=5&compression=none", 1, b"first"),  # the same once more
        ("", 3, b"firstsecond"),
        ("?offset=9", 4, b"nd"),
        ("?offset=x&size=-1", 5, b"firstsecond"),
    ):
        connection = begin(gate, "GET", f"transfers/chunks/0a-1.0b-2{query}")
        hold = held(gate)
        assert hold.step == step
        hold.reply(200)
        assert ended(connection) == (200, body)
    assert ended(begin(gate, "GET", "transfers/chunks/0c-3"))[0] == 404


def test_what_is_given_may_be_something_else_but_of_no_other_size(gate: Gate) -> None:
    gate.transfers.offer(SLOT, FILES, {**FILES, "0a-1": b"farst"})
    _, told = through(gate, "POST", "transfers/lookup", [])
    assert told["Instances"][0] == {"ID": "0a-1", "MD5": digest(b"first"), "Size": "5"}
    connection = begin(gate, "GET", "transfers/chunks/0a-1")
    held(gate).reply(200)
    assert ended(connection) == (200, b"farst")
    for other in ({**FILES, "0a-1": b"fast"}, {"0a-1": b"first"}):
        with pytest.raises(ValueError, match="other sizes"):
            gate.transfers.offer(SLOT, FILES, other)


def test_who_asks_for_plugins_waits_for_nobody(gate: Gate) -> None:
    status, text = ended(begin(gate, "GET", "plugins"))
    assert (status, json.loads(text)) == (200, ["transfers"])
    assert not gate.wait(0.0)


def test_in_pull_mode_it_is_asked_to_pull_and_names_a_job(gate: Gate) -> None:
    hold, told = through(gate, "POST", "transfers/pull", {"Resources": []})
    assert hold.came.body == b'{"Resources": []}'
    assert told["Path"] == f"/jobs/{told['ID']}"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "plugins"),
        ("POST", "transfers/push"),
        ("POST", "transfers/lookup"),
        ("POST", "transfers/pull"),
        ("DELETE", "transfers/push/00"),
    ],
)
def test_a_request_without_the_login_is_a_strangers(gate: Gate, method: str, path: str) -> None:
    """It brings no instance of ours, so nothing else tells."""
    gate.transfers.offer(SLOT, FILES)
    assert ended(begin(gate, method, path, b"" if method == "POST" else None, False))[0] == 401
    assert not gate.wait(0.0)
    assert gate.callers.strangers == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "transfers/push"),
        ("PUT", "transfers/push/ab/x"),
        ("PUT", "transfers/push/ab/1234567"),
        ("POST", "transfers/push/xyz/commit"),
        ("GET", "transfers/chunks/"),
        ("POST", "plugins"),
        ("POST", "transfers"),
    ],
)
def test_another_path_or_method_is_no_request_of_a_transfer(method: str, path: str) -> None:
    assert asked(method, path) is None


@pytest.mark.parametrize("body", [b"", b"[", b"[]", b'{"Buckets": 3}', b'{"Buckets": [[3]]}'])
def test_an_opening_that_is_malformed_has_no_buckets(body: bytes) -> None:
    assert buckets_in(body) == []


def test_a_gate_that_is_drained_holds_no_transfer(gate: Gate) -> None:
    gate.drain()
    assert ended(begin(gate, "POST", "transfers/push", OPENING))[0] == 503
