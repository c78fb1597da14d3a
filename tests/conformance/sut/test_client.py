"""The client: what it sends, what it takes, and that nothing holds it longer than it was told."""

from __future__ import annotations

import gzip
import json
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.errors import BadArgument, NoServer, Unjudged
from conformance.sut import client as module
from conformance.sut import transport
from conformance.sut.address import Address
from conformance.sut.client import Client
from conformance.sut.identity import identify
from conformance.sut.reply import Reply
from tests.conformance.misbehaving import (
    Answer,
    Dripping,
    Request,
    Scripted,
    endless,
    hang,
    http_answer,
    json_answer,
    raw,
    reset,
)

SHORT = 0.1  # seconds for an answer, in tests of that bound
SLACK = 1.0  # seconds that a loaded machine may add
SYSTEM = {"Version": "1.12.7", "ApiVersion": 27, "DicomAet": "ORTHANC", "Name": "x"}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def client_of(server: Scripted, timeout: float = 10.0, **settings: object) -> Client:
    return Client(Address.parse(server.url, **settings), timeout)


# --- addresses ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "url", "host"),
    [
        ("http://localhost:8042", "http://localhost:8042", "localhost"),
        ("https://pacs.example/orthanc/", "https://pacs.example/orthanc", "pacs.example"),
        ("http://[::1]:8042/", "http://[::1]:8042", "::1"),
        ("http://a/b c", "http://a/b%20c", "a"),
    ],
)
def test_a_url_is_kept_without_its_last_slash(text: str, url: str, host: str) -> None:
    address = Address.parse(text)
    assert (address.url, address.host) == (url, host)


def test_user_and_password_are_taken_out_of_the_url_and_decoded() -> None:
    address = Address.parse("http://us%40er:p%2Fw%3A%C3%A4%20@h:1/x")
    assert address.url == "http://h:1/x"
    assert (address.user, address.password) == ("us@er", "p/w:ä ")


@pytest.mark.parametrize(
    "text",
    [
        "orthank",
        "localhost:8042",
        "ftp://h",
        "http://",
        "http:///x",
        "http://h:99999",
        "http://h:0",
        "http://h:-1",
        "http://h:port",
        "http://[::1",
        "http://h?x",
        "http://h/#x",
        "http://a..b",
        f"http://{'a' * 64}.b",
    ],
)
def test_what_is_no_url_is_refused_in_one_or_two_lines(text: str) -> None:
    with pytest.raises(BadArgument) as error:
        Address.parse(text)
    assert len(str(error.value).splitlines()) <= 2


@pytest.mark.parametrize(
    "text",
    ["http://u:pa/s3cr3t@h", "http://u:pa?s3cr3t@h:1", "http://u:s3cr3t@[h", "u:s3cr3t@h:80"],
)
def test_a_url_that_cannot_be_split_is_not_shown(text: str) -> None:
    with pytest.raises(BadArgument) as error:
        Address.parse(text)
    assert "s3cr3t" not in str(error.value)
    assert "'pa'" not in str(error.value)


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"password": "s3cr3t"}, "--password-env needs --user"),
        ({"user": "a:b"}, "colon"),
        ({"headers": (("Content-Length", "3"),)}, "--header"),
        ({"headers": (("Bad Name", "3"),)}, "--header"),
        ({"headers": (("X", "a\r\nY: s3cr3t"),)}, "--header X"),
        ({"headers": (("X", "s3cr3t\u20ac"),)}, "--header X"),
        ({"ca_cert": __file__}, "--ca-cert"),
        ({"client_cert": __file__}, "--client-cert"),
    ],
)
def test_settings_that_cannot_be_sent_are_refused(settings: dict[str, object], part: str) -> None:
    with pytest.raises(BadArgument) as error:
        Address.parse("http://h", **settings)
    assert part in str(error.value)
    assert "s3cr3t" not in str(error.value)


def test_a_user_of_the_url_and_one_of_the_options_exclude_each_other() -> None:
    with pytest.raises(BadArgument, match="--user"):
        Address.parse("http://a:b@h", user="c")
    assert Address.parse("http://a@h", password="from the environment").password is not None


# --- what is sent ------------------------------------------------------------------------------


def test_a_user_is_let_in_by_basic_in_utf8() -> None:
    with Scripted(json_answer({})) as server:
        client_of(server, user="ä", password="ö").get("/jobs")
    assert server.seen[0].headers["authorization"] == "Basic w6Q6w7Y="


def test_headers_and_bodies_arrive() -> None:
    with Scripted(json_answer({})) as server:
        client = client_of(server, headers=(("X-A", "1"),))
        client.post("/a", {"x": 1})
        client.post("/b")
        client.put("/c", {})
        client.delete("/d")
    assert server.lines() == ["POST /a", "POST /b", "PUT /c", "DELETE /d"]
    assert [json.loads(one.body or b"null") for one in server.seen] == [{"x": 1}, None, {}, None]
    assert {one.headers["x-a"] for one in server.seen} == {"1"}
    assert server.connections == 1


def test_nothing_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with Scripted(json_answer([])) as server:
        assert client_of(server).get("/jobs").json() == []


def test_a_path_that_is_none_is_not_sent() -> None:
    with Scripted(json_answer([])) as server:
        for name in ("a b", "a\r\nX: y", "ä", "a#b", "..", "../x", "a/./b", "..?a"):
            with pytest.raises(Unjudged):
                client_of(server).get(f"/jobs/{name}")
    assert server.seen == []


# --- redirects ---------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(status: int) -> None:
    with Scripted(json_answer(SYSTEM)) as other:
        where = f"http://u:s3cr3t@127.0.0.1:{other.port}/system"
        with Scripted(http_answer(status, b"", f"Location: {where}")) as server:
            client = client_of(server, user="u", password="s3cr3t")
            assert client.get("/system").status == status
            assert client.post("/system", {}).status == status
            with pytest.raises(NoServer, match="redirects") as error:
                identify(client)
        assert other.connections == 0
    assert "s3cr3t" not in str(error.value)


# --- connections -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        reset,
        raw(b""),
        raw(HEAD + b"half"),
        raw(CHUNKED + b"5\r\nab"),
        raw(b"HTTP/1.1 200"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 0"),
        raw(b"HTTP/1.1 200 OK\r\n\r\n"),
        hang,
    ],
    ids=[
        "reset",
        "closed",
        "half a body",
        "half a chunk",
        "half a status line",
        "half a head",
        "nothing after the head",
        "silence",
    ],
)
@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_a_change_whose_answer_is_lost_was_sent_once(answer: Answer, method: str) -> None:
    with Scripted(answer) as server:
        client = client_of(server, timeout=0.1)
        with pytest.raises(Unjudged, match=method.upper()):
            client.delete("/x") if method == "delete" else getattr(client, method)("/x", {})
    assert len(server.seen) == 1


@pytest.mark.parametrize("answer", [reset, raw(b""), raw(HEAD + b"half")])
def test_a_reading_that_broke_is_repeated_once(answer: Answer) -> None:
    def at_first(request: Request, wire: socket.socket) -> bool:
        return (answer if len(server.seen) == 1 else json_answer([1]))(request, wire)

    with Scripted(at_first) as server:
        assert client_of(server).get("/jobs").json() == [1]
        assert len(server.seen) == 2
        server.answer = answer
        with pytest.raises(Unjudged, match="GET /jobs"):
            client_of(server).get("/jobs")
        assert len(server.seen) == 4


def test_a_connection_that_the_server_has_closed_is_replaced() -> None:
    def answer(request: Request, wire: socket.socket) -> bool:
        http_answer(200, b"{}")(request, wire)
        return request.line != "GET /b"

    with Scripted(answer) as server:
        client = client_of(server)
        client.get("/a")
        client.get("/b")  # and now it closes
        server.has_hung_up()
        assert client.post("/c", {}).ok
        assert server.lines() == ["GET /a", "GET /b", "POST /c"]
        assert [one.connection for one in server.seen] == [1, 1, 2]


def test_a_change_is_not_trusted_to_a_connection_that_has_idled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Scripted(json_answer({})) as server:
        client = client_of(server)
        client.get("/a")
        client.post("/b")
        monkeypatch.setattr(module, "TIMING", replace(module.TIMING, idle=0.0))
        client.post("/c")
    assert [one.connection for one in server.seen] == [1, 1, 2]


def test_http_1_0() -> None:
    with Scripted(raw(b"HTTP/1.0 200 OK\r\n\r\n[1, 2]")) as server:
        client = client_of(server)
        assert client.get("/a").json() == [1, 2]
        assert client.post("/b").json() == [1, 2]


def test_a_server_on_ipv6() -> None:
    with Scripted(json_answer(SYSTEM), host="::1") as server:
        assert identify(client_of(server)).version == "1.12.7"
        assert server.seen[0].headers["host"] == f"[::1]:{server.port}"


# --- bounds ------------------------------------------------------------------------------------

SLOW: dict[str, Answer] = {
    "silence": hang,
    "a drip in the status line": Dripping(b"HTTP/1.1 200 "),
    "a drip of headers": Dripping(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    "a drip in a header": Dripping(b"HTTP/1.1 200 OK\r\nX: "),
    "a drip of 100 Continue": Dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a drip in the body": Dripping(HEAD),
    "a drip until the connection closes": Dripping(b"HTTP/1.0 200 OK\r\n\r\n"),
    "a drip of chunks": Dripping(CHUNKED, b"1\r\nx\r\n"),
    "a drip in the size of a chunk": Dripping(CHUNKED, b"0"),
    "a drip after a redirect": Dripping(b"HTTP/1.1 302 So\r\nLocation: /x\r\n\r\n"),
}


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("answer", SLOW.values(), ids=SLOW)
def test_no_answer_takes_longer_than_the_timeout(answer: Answer, method: str) -> None:
    with Scripted(answer) as server:
        client = client_of(server, SHORT)
        began = time.monotonic()
        with pytest.raises(Unjudged, match=r"not answered within 0\.1 s"):
            getattr(client, method)("/jobs")
        assert time.monotonic() - began < SHORT + SLACK
        assert len(server.seen) == 1


@pytest.mark.parametrize(
    "start",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 302 So\r\nLocation: /x\r\n\r\n",
        CHUNKED,  # the size of a chunk, in a line without an end
        CHUNKED + b"fffffffffffffff\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n",
    ],
)
def test_no_answer_takes_more_memory_than_is_allowed(
    start: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LARGEST", 1_000_000)
    with Scripted(endless(start)) as server:
        tracemalloc.start()
        with pytest.raises(Unjudged, match=r"more than [0-9]+ bytes"):
            client_of(server).get("/jobs")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 8_000_000


def test_a_packed_answer_may_not_grow_beyond_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST", 1_000_000)
    packed = gzip.compress(b"0" * 50_000_000)
    with (
        Scripted(http_answer(200, packed, "Content-Encoding: gzip")) as server,
        pytest.raises(Unjudged, match="more than 1000000 bytes"),
    ):
        client_of(server).get("/jobs")


def test_a_megabyte_of_zeros_is_no_json_and_no_harm() -> None:
    with Scripted(http_answer(200, b"\0" * 1_000_000)) as server:
        reply = client_of(server).get("/jobs")
    assert reply.json() is None
    assert len(str(reply)) < 300


def test_the_look_up_of_a_name_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = threading.Event()

    def stuck(host: str, *_: object, **settings: object) -> list[object]:
        if settings.get("flags"):
            raise socket.gaierror
        asked.wait(10.0)
        return []

    monkeypatch.setattr(transport.socket, "getaddrinfo", stuck)
    client = Client(Address("http://pacs.example"), SHORT)
    began = time.monotonic()
    with pytest.raises(Unjudged, match="not answered within"):
        client.get("/jobs")
    assert time.monotonic() - began < SHORT + SLACK
    asked.set()


def test_connecting_is_bounded() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        callers = [socket.socket() for _ in range(4)]
        for caller in callers:
            caller.setblocking(False)
            caller.connect_ex(("127.0.0.1", port))
        began = time.monotonic()
        with pytest.raises(Unjudged, match="not answered within"):
            Client(Address(f"http://127.0.0.1:{port}"), SHORT).get("/jobs")
        assert time.monotonic() - began < SHORT + SLACK
        for caller in callers:
            caller.close()


# --- secrets -----------------------------------------------------------------------------------


def test_no_text_of_an_address_or_a_client_shows_a_secret() -> None:
    address = Address.parse("http://u:s3cr3t@h", headers=(("X-Key", "k3y"),))
    for text in (repr(address), str(address), repr(Client(address)), f"{Client(address)}"):
        assert "s3cr3t" not in text
        assert "k3y" not in text


def test_a_server_that_echoes_the_request_does_not_get_it_into_a_message() -> None:
    def echo(request: Request, wire: socket.socket) -> bool:
        return json_answer([request.headers, "s3cr3t", "k3y-of-ours"])(request, wire)

    with Scripted(echo) as server:
        settings = {"user": "u", "password": "s3cr3t", "headers": (("X-Key", "k3y-of-ours"),)}
        client = client_of(server, **settings)
        reply = client.get("/system")
        with pytest.raises(NoServer) as error:
            identify(client)
        server.answer = lambda r, w: raw(r.headers["authorization"].encode() + b"\r\n")(r, w)
        with pytest.raises(NoServer) as odd:
            identify(client)
    for text in (str(reply), repr(reply.secrets)[:0] + repr(error.value), str(odd.value)):
        for secret in ("s3cr3t", "k3y-of-ours", "dTpzM2NyM3Q="):
            assert secret not in text


def test_what_a_server_sends_cannot_play_with_the_terminal() -> None:
    reply = Reply(500, b"\x1b[2J\x07one\r\ntwo\xff" + b"x" * 1000)
    assert str(reply).isprintable()
    assert len(str(reply)) < 300


# --- who is there ------------------------------------------------------------------------------

NOT_ORTHANC: dict[str, Answer] = {
    "HTML": http_answer(200, b"<html>\n<body>hello</body>\n</html>"),
    "other JSON": json_answer({"version": 3}),
    "a list": json_answer([SYSTEM]),
    "a number for the version": json_answer({**SYSTEM, "Version": 1.5}),
    "nothing": http_answer(200, b""),
    "404": http_answer(404, b"<h1>Not Found</h1>"),
    "500": json_answer(SYSTEM, 500),
    "deep": http_answer(200, b"[" * 200_000),
    "no HTTP": raw(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "HTTP/0.9": raw(b"hello"),
    "closed": raw(b""),
    "reset": reset,
    "a bad length": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx"),
    "a bad chunk": raw(CHUNKED + b"zz\r\nxx\r\n"),
    "a bad encoding": http_answer(200, b"xx", "Content-Encoding: gzip"),
    "bad headers": raw(b"HTTP/1.1 200 OK\r\n\x00\xff: \r\n  \r\nno colon\r\n\r\n[]"),
}


@pytest.mark.parametrize("answer", NOT_ORTHANC.values(), ids=NOT_ORTHANC)
def test_what_is_not_orthanc_is_said_in_one_or_two_lines(answer: Answer) -> None:
    with Scripted(answer) as server, pytest.raises(NoServer) as error:
        identify(client_of(server))
    text = str(error.value)
    assert server.url in text
    assert len(text.splitlines()) <= 2
    assert text.replace("\n", "").isprintable()
    assert len(text) < 400


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_password(status: int) -> None:
    with Scripted(http_answer(status, b"", "WWW-Authenticate: Basic")) as server:
        with pytest.raises(NoServer, match="--password-env") as error:
            identify(client_of(server, user="u", password="s3cr3t"))
        assert len(server.seen) == 1
    assert "s3cr3t" not in str(error.value)


def test_nobody_there() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        with pytest.raises(NoServer, match=r"connection refused\nStart it"):
            identify(Client(Address(f"http://127.0.0.1:{port}")))
    with pytest.raises(NoServer, match=r"no-such-host\.invalid"):
        identify(Client(Address("http://no-such-host.invalid")))


# --- TLS ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1 with its key, signed by itself."""
    folder = tmp_path_factory.mktemp("tls")
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    words += " -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -keyout key -out cert"
    subprocess.run(words.split(), cwd=folder, check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_text((folder / "cert").read_text() + (folder / "key").read_text())
    return both


@pytest.fixture
def secure(certificate: Path) -> Iterator[Scripted]:
    with Scripted(json_answer(SYSTEM), tls=certificate) as server:
        yield server


def test_tls_with_an_authority_and_without_one(
    secure: Scripted, certificate: Path, recwarn: pytest.WarningsRecorder
) -> None:
    with ExitStack() as stack:

        def client(**settings: object) -> Client:
            return stack.enter_context(closing(client_of(secure, **settings)))

        assert identify(client(ca_cert=str(certificate))).version == "1.12.7"
        assert identify(client(insecure=True)).version == "1.12.7"
        with pytest.raises(NoServer, match="--ca-cert"):
            identify(client())
        ours = client(ca_cert=str(certificate), client_cert=str(certificate))
        assert [ours.get("/a").ok, ours.post("/b").ok] == [True, True]
    assert len(recwarn) == 0


def test_plain_http_on_a_tls_port(secure: Scripted) -> None:
    with pytest.raises(NoServer, match="https://"):
        identify(Client(Address(secure.url.replace("https", "http"))))


def test_tls_on_a_plain_port() -> None:
    with Scripted(json_answer(SYSTEM)) as server, pytest.raises(NoServer, match="http://"):
        identify(Client(Address(server.url.replace("http", "https"))))


@pytest.mark.parametrize("answer", [Dripping(HEAD), Dripping(CHUNKED, b"0"), hang])
def test_an_answer_over_tls_is_bounded_in_time(certificate: Path, answer: Answer) -> None:
    with Scripted(answer, tls=certificate) as server:
        began = time.monotonic()
        with pytest.raises(Unjudged, match="not answered within"):
            client_of(server, SHORT, insecure=True).get("/jobs")
        assert time.monotonic() - began < SHORT + SLACK


def test_an_answer_over_tls_is_bounded_in_size(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LARGEST", 1_000_000)
    with (
        Scripted(endless(HEAD.replace(b"1000000", b"9" * 12)), tls=certificate) as server,
        pytest.raises(Unjudged, match="more than 1000000 bytes"),
    ):
        client_of(server, insecure=True).get("/jobs")


def test_a_handshake_is_bounded() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(Unjudged, match="not answered within"):
            Client(Address(f"https://127.0.0.1:{silent.getsockname()[1]}"), SHORT).get("/jobs")
        assert time.monotonic() - began < SHORT + SLACK


# --- what reading a list of jobs makes of garbage ------------------------------------------------


def test_only_what_looks_like_a_job_is_one() -> None:
    good = {"ID": "a", "State": "Foo"}
    odd = [
        None,
        1,
        "x",
        [],
        {},
        {"ID": "b"},
        {"ID": [], "State": "Success"},
        {"ID": "c", "State": {}},
    ]
    assert Reply(200, json.dumps([*odd, good]).encode()).jobs() == [good]
    for body in (b"", b"{}", b"garbage", b"null", b"\xff"):
        assert Reply(200, body).jobs() == []


def test_a_client_is_quick_to_import() -> None:
    code = "import conformance.cli.main, sys; print('requests' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
