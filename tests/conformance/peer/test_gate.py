"""The gate: what arrives there, what does not, and that nothing is left of what has ended."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from conformance.errors import BadArgument
from conformance.peer import gate as module
from conformance.peer.connections import STRANGERS
from conformance.peer.gate import LARGEST, MARKER, REFUSE, Gate, Hold
from tests.waiting import until

DEADLINE = 60.0  # seconds, generous: a machine may be busy
INSTANCE = b"DICM" + MARKER + b"07 and more"


@pytest.fixture
def gate() -> Iterator[Gate]:
    with Gate() as opened:
        yield opened


def path_of(gate: Gate, slot: int = 0) -> str:
    return urlsplit(gate.url(slot)).path + "instances"


class Connection(http.client.HTTPConnection):
    """One that sends any bytes in a path."""

    def _encode_request(self, request: str) -> bytes:
        return request.encode("latin-1")


def connect(gate: Gate, host: str | None = None) -> http.client.HTTPConnection:
    port = urlsplit(gate.url(0)).port
    return Connection(host or gate.host, port, timeout=DEADLINE)


def ask(gate: Gate, method: str, path: str, body: bytes | None = None, **headers: str) -> int:
    connection = connect(gate)
    connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
    status = connection.getresponse().status
    connection.close()
    return status


def send(connection: http.client.HTTPConnection, gate: Gate, slot: int = 0) -> Hold:
    """Send a step, and the hold that it becomes."""
    connection.request("POST", path_of(gate, slot), INSTANCE)
    assert gate.wait(DEADLINE)
    (hold,) = gate.arrivals()
    return hold


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


# --- steps -------------------------------------------------------------------------------------


def test_a_step_is_held_until_it_is_answered(gate: Gate) -> None:
    connection = connect(gate)
    for status in (200, 503):
        hold = send(connection, gate, 3)
        assert (hold.slot, hold.step, hold.broken) == (3, 7, False)
        assert gate.arrivals() == []
        hold.reply(status, {"Orthanc-Jobs-Retry": "150"})
        hold.reply(404)  # the first reply counts
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (status, b"{}")
        assert answer.headers["Orthanc-Jobs-Retry"] == "150"
    connection.close()


def test_each_slot_and_each_connection_is_held_by_itself(gate: Gate) -> None:
    connections = [connect(gate) for _ in range(8)]
    holds = [send(one, gate, slot) for slot, one in enumerate(connections)]
    assert [hold.slot for hold in holds] == list(range(8))
    for hold, one in reversed(list(zip(holds, connections, strict=True))):
        hold.reply(200 + hold.slot)
        assert one.getresponse().status == 200 + hold.slot
        one.close()


def test_what_comes_compressed_is_the_step_that_it_was(gate: Gate) -> None:
    packed = gzip.compress(INSTANCE)
    for body, encoding, step in (
        (packed, "gzip", 7),
        (packed, "identity", -1),
        (INSTANCE, "gzip", -1),
        (gzip.compress(b"\0" * 2 * LARGEST + INSTANCE), "gzip", -1),  # no more than an instance
    ):
        connection = connect(gate)
        headers = {"Content-Encoding": encoding, "X-Kit": "here"}
        connection.request("POST", path_of(gate), body, headers)
        assert gate.wait(DEADLINE)
        (hold,) = gate.arrivals()
        assert (hold.step, hold.came.size) == (step, len(body))
        assert hold.came.headers["X-Kit"] == "here"
        hold.reply(200)
        assert connection.getresponse().status == 200
        connection.close()


def test_waiting_ends_without_an_arrival(gate: Gate) -> None:
    began = time.monotonic()
    assert not gate.wait(0.05)
    assert time.monotonic() - began > 0.04


@pytest.mark.parametrize(
    ("body", "step"),
    [
        (b"", -1),
        (MARKER, -1),
        (MARKER + b"0", 0),
        (b"\0" + MARKER + b"12", 12),
        (MARKER + b"x1", -1),
    ],
)
def test_the_step_stands_in_the_instance(body: bytes, step: int) -> None:
    assert module.step_of(body) == step


def test_a_body_is_asked_for_with_100_continue(gate: Gate) -> None:
    with socket.create_connection(("127.0.0.1", gate._server.server_port), DEADLINE) as wire:
        head = f"POST {path_of(gate)} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(INSTANCE)}\r\n"
        wire.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
        assert wire.recv(100).startswith(b"HTTP/1.1 100 ")
        assert gate.arrivals() == []
        wire.sendall(INSTANCE)
        assert gate.wait(DEADLINE)
        gate.arrivals()[0].reply(200)
        assert wire.recv(100).startswith(b"HTTP/1.1 200 ")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is what Orthanc sends with")
def test_curl_sends_a_large_instance(gate: Gate, tmp_path: Path) -> None:
    file = tmp_path / "instance"
    file.write_bytes(INSTANCE + b"\0" * (LARGEST - len(INSTANCE)))
    words = ["curl", "-sS", "-o", "out", "-w", "%{http_code}", "--data-binary", "@instance"]
    words += ["-H", "Expect: 100-continue", gate.url(0) + "instances"]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as curl:
        assert gate.wait(DEADLINE)
        gate.arrivals()[0].reply(200)
        assert curl.communicate(timeout=DEADLINE)[0] == "200"


# --- what is no step ---------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_strangers_get_404_and_do_not_arrive(gate: Gate, method: str) -> None:
    for path in ("/", "/0/instances", "/a/0/instances", "//0/instances", "/\u00e4/0/instances"):
        assert ask(gate, method, path.encode().decode("latin-1"), b"x" * 100_000) == 404
    if method != "POST":
        assert ask(gate, method, path_of(gate)) == 404
    assert not gate.wait(0.0)


@pytest.mark.parametrize("end", ["x/instances", "\u00b2/instances", "-1/instances", "0/system", ""])
def test_a_path_of_another_form_does_not_arrive(gate: Gate, end: str) -> None:
    path = f"/{gate.secret}/{end}".encode().decode("latin-1")
    assert ask(gate, "POST", path, INSTANCE) == 404
    assert ask(gate, "POST", f"/{gate.secret[:-1]}x/0/instances", INSTANCE) == 404
    assert not gate.wait(0.0)


@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Length": str(LARGEST + 1)},
        {"Content_Length": "-1"},
        {"Content_Length": "x"},
        {"Content_Length": "9" * 5000},
        {"Transfer_Encoding": "chunked"},
    ],
)
def test_a_body_of_no_good_size_does_not_arrive(gate: Gate, headers: dict[str, str]) -> None:
    assert ask(gate, "POST", path_of(gate), INSTANCE, **headers) == 413
    assert not gate.wait(0.0)


def test_a_body_that_ends_too_early_does_not_arrive(gate: Gate) -> None:
    with socket.create_connection(("127.0.0.1", gate._server.server_port), DEADLINE) as wire:
        wire.sendall(f"POST {path_of(gate)} HTTP/1.1\r\nContent-Length: 100\r\n\r\nx".encode())
        wire.shutdown(socket.SHUT_WR)
        assert wire.recv(100) == b""
    assert not gate.wait(0.0)


def test_garbage_and_silence_do_not_arrive(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module._Handler, "timeout", 0.05)
    for text in (
        b"",
        b"\x16\x03\x01\x02\x00",
        b"GET\r\n\r\n",
        b"POST / HTTP/1.1\r\nA" + b"a" * 70_000,
    ):
        with socket.create_connection(("127.0.0.1", gate._server.server_port), DEADLINE) as wire:
            wire.sendall(text)
            with contextlib.suppress(ConnectionResetError):
                while wire.recv(4096):
                    pass
    assert not gate.wait(0.0)


def test_a_known_server_may_idle(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module._Handler, "timeout", 0.2)
    connection = connect(gate)
    for _ in range(2):
        hold = send(connection, gate)
        assert not threading.Event().wait(0.3)
        hold.reply(200)
        assert connection.getresponse().read() == b"{}"
        assert not threading.Event().wait(0.3)
    connection.close()


# --- who hangs up ------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["close", "reset", "more, then close"])
def test_a_server_that_hangs_up_is_seen(gate: Gate, how: str) -> None:
    connection = connect(gate)
    hold = send(connection, gate)
    wire = connection.sock
    assert wire is not None
    if how == "reset":
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    if how.startswith("more"):
        wire.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert not threading.Event().wait(0.05)
    assert not hold.broken
    connection.close()
    until(lambda: hold.broken, DEADLINE)
    hold.reply(200)  # is too late, and no harm


def test_a_server_that_sends_more_is_still_answered(gate: Gate) -> None:
    connection = connect(gate)
    hold = send(connection, gate)
    assert connection.sock is not None
    connection.sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert not threading.Event().wait(0.05)
    hold.reply(200)
    assert connection.getresponse().status == 200
    assert not hold.broken
    connection.close()


def test_nothing_is_left_of_500_holds(gate: Gate) -> None:
    threads, files = set(threading.enumerate()), descriptors()
    connection = connect(gate)
    for number in range(500):
        hold = send(connection, gate)
        if number % 5 == 0:
            connection.close()
            until(lambda hold=hold: hold.broken, DEADLINE)
            connection = connect(gate)
        else:
            hold.reply(200 if number % 2 else 503)
            connection.getresponse().read()
    connection.close()
    until(lambda: threads.issuperset(threading.enumerate()) and descriptors() <= files, DEADLINE)
    assert not gate._open


def test_strangers_are_bounded_and_hold_up_nobody(gate: Gate) -> None:
    """Each costs a thread and a descriptor, of which there may be 256 for the whole kit."""
    known, files = connect(gate), descriptors()
    hold = send(known, gate)
    with contextlib.ExitStack() as stack:
        port = urlsplit(gate.url(0)).port
        strangers = [
            stack.enter_context(socket.create_connection((gate.host, port)))
            for _ in range(3 * STRANGERS)
        ]
        for each in strangers[: 2 * STRANGERS]:
            each.settimeout(DEADLINE)
            assert each.recv(1) == b""  # it was hung up on
        assert descriptors() - files - len(strangers) <= STRANGERS + 5  # of the one that is known
        hold.reply(200)
        assert known.getresponse().read() == b"{}"
        send(known, gate).reply(200)
        assert known.getresponse().status == 200
        fresh = connect(gate)
        send(fresh, gate).reply(200)
        assert fresh.getresponse().status == 200
        fresh.close()
    known.close()


# --- drain and fill ----------------------------------------------------------------------------


def test_a_drained_gate_holds_nothing_until_it_is_filled(gate: Gate) -> None:
    first, second = connect(gate), connect(gate)
    held = send(first, gate)
    gate.drain()
    assert first.getresponse().status == REFUSE
    assert not held.broken
    send(second, gate)
    assert second.getresponse().read() == b"{}"
    gate.fill()
    held = send(second, gate)
    held.reply(200)
    assert second.getresponse().status == 200
    first.close()
    second.close()


def test_a_closed_gate_has_answered_what_it_held_and_ended_all_connections() -> None:
    threads, files = threading.active_count(), descriptors()
    with Gate() as gate:
        idle, held = connect(gate), connect(gate)
        idle.connect()
        send(held, gate)
    assert held.getresponse().status == REFUSE
    assert idle.sock is not None
    assert idle.sock.recv(1) == b""
    for one in (idle, held):
        one.close()
    until(lambda: threading.active_count() <= threads and descriptors() <= files, DEADLINE)
    with pytest.raises(ConnectionRefusedError):
        connect(gate).connect()


# --- addresses ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "netloc", "reached_at", "not_at"),
    [
        ("127.0.0.1", "127.0.0.1", ["127.0.0.1"], ["127.0.0.2"]),
        ("localhost", "localhost", ["127.0.0.1"], ["127.0.0.2"]),
        ("127.0.0.2", "127.0.0.2", ["127.0.0.2"], ["127.0.0.1"]),
        ("::1", "[::1]", ["::1"], ["127.0.0.1"]),
        ("[::1]", "[::1]", ["::1"], ["127.0.0.1"]),
        ("192.0.2.77", "192.0.2.77", ["127.0.0.1", "127.0.0.2", "::1"], []),
        ("2001:db8::1", "[2001:db8::1]", ["127.0.0.1", "::1"], []),
        ("workstation.example", "workstation.example", ["127.0.0.1", "::1"], []),
    ],
)
def test_what_is_bound(host: str, netloc: str, reached_at: list[str], not_at: list[str]) -> None:
    with Gate(host) as gate:
        assert gate.url(4) == f"http://{netloc}:{gate._server.server_port}/{gate.secret}/4/"
        for address in reached_at:
            connection = connect(gate, address)
            send(connection, gate).reply(200)
            assert connection.getresponse().status == 200
            connection.close()
        for address in not_at:
            with pytest.raises(OSError, match="refused"):
                connect(gate, address).connect()


def test_a_machine_without_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    real = module._Server

    def no_ipv6(where: tuple[str, int], family: socket.AddressFamily) -> module._Server:
        if family is socket.AF_INET6:
            raise OSError(97, "Address family not supported by protocol")
        return real(where, family)

    monkeypatch.setattr(module, "_Server", no_ipv6)
    with Gate("192.0.2.77") as gate:
        connect(gate, "127.0.0.2").connect()
    with pytest.raises(BadArgument, match="Address family not supported"):
        Gate("::1")


@pytest.mark.parametrize(
    "host",
    [
        "",
        " ",
        "http://a",
        "a:80",
        "127.0.0.1:80",
        "[::1]:80",
        "a/b",
        "u@h",
        "-a",
        "a b",
        "a" * 300,
        "\u00e4",
    ],
)
def test_what_is_no_address_is_refused(host: str) -> None:
    with pytest.raises(BadArgument, match="--gate-address") as error:
        Gate(host)
    assert len(str(error.value).splitlines()) == 2


def test_no_name_of_this_machine_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getfqdn", lambda *_: pytest.fail("that can take seconds"))
    with Gate("192.0.2.77") as gate:
        assert ask_at(gate, "127.0.0.1") == 404


def ask_at(gate: Gate, host: str) -> int:
    connection = connect(gate, host)
    connection.request("GET", "/")
    status = connection.getresponse().status
    connection.close()
    return status


def test_once_the_server_has_logged_in_whoever_does_not_is_a_stranger(gate: Gate) -> None:
    theirs = {"Authorization": gate.callers.authorization}
    for headers, strangers in (({}, 0), (theirs, 0), ({}, 1), ({"Authorization": "Basic eDp4"}, 2)):
        connection = connect(gate)
        connection.request("POST", path_of(gate), INSTANCE, headers)
        if strangers == 0:
            assert gate.wait(DEADLINE)
            (hold,) = gate.arrivals()
            hold.reply(200)
        assert connection.getresponse().status == (401 if strangers else 200)
        assert gate.callers.strangers == strangers
        connection.close()
    assert gate.arrivals() == []
    assert gate.hidden(f"{theirs} {gate.callers.login}").count("SECRET") == 2


def test_what_is_none_of_ours_is_taken_of_a_server_that_logs_in_only(gate: Gate) -> None:
    """What the server sends is judged, whatever it is."""
    gate.callers.ours = lambda step, came: step == 7
    login = gate.callers.authorization
    for body, headers, status in (
        (b"other", {}, REFUSE),
        (INSTANCE, {}, 200),
        (b"other", {"Authorization": login}, 200),
    ):
        connection = connect(gate)
        connection.request("POST", path_of(gate), body, headers)
        if status == 200:
            assert gate.wait(DEADLINE)
            (hold,) = gate.arrivals()
            hold.reply(200)
        assert connection.getresponse().status == status
        connection.close()
    assert gate.callers.strangers == 1
