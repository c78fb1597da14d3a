"""The transport: what it takes for an answer, and what becomes of the connection afterwards."""

from __future__ import annotations

import ast
import gzip
import re
import ssl
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from conformance.sut import answer as answers
from conformance.sut import transport
from conformance.sut.address import Address
from conformance.sut.answer import MOST_HEADERS, Answer, TooLarge, Undecodable
from conformance.sut.transport import NoConnection, Transport
from tests.conformance.misbehaving import (
    Dripping,
    Request,
    Scripted,
    endless,
    http_answer,
    json_answer,
    raw,
)

SHORT = 0.1  # seconds for an answer, in tests of that bound
SLACK = 1.0  # seconds that a loaded machine may add
SIZE = 100_000  # bytes of an answer
OK = b"HTTP/1.1 200 OK\r\n"
ONE = OK + b"Content-Length: 1\r\n\r\n1"


@contextmanager
def to(server: Scripted, **settings: object) -> Iterator[Transport]:
    with closing(Transport(Address.parse(server.url, **settings), SIZE)) as made:
        yield made


def get(transport: Transport, path: str = "/", seconds: float = 10.0) -> Answer:
    return transport.exchange("GET", path, b"", seconds)


def test_a_request_arrives_as_it_is_meant() -> None:
    with Scripted(json_answer({})) as server:
        base = Address.parse(f"{server.url}/base", user="u", password="p", headers=(("x", "ä"),))
        with closing(Transport(base, SIZE)) as made:
            made.exchange("POST", "/a?b=c", b"[1]", 10.0)
            made.exchange("POST", "/d", b"", 10.0)
            made.exchange("GET", "/e", b"", 10.0)
        first, second, third = server.seen
    assert [one.line for one in server.seen] == ["POST /base/a?b=c", "POST /base/d", "GET /base/e"]
    assert [one.body for one in server.seen] == [b"[1]", b"", b""]
    assert [one.headers.get("content-length") for one in server.seen] == ["3", "0", None]
    assert first.headers == second.headers | {"content-length": "3"}
    assert third.headers == {
        "host": f"127.0.0.1:{server.port}",
        "user-agent": "orthanc-jobs",
        "accept": "*/*",
        "accept-encoding": "identity",
        "connection": "keep-alive",
        "x": "ä",
        "authorization": "Basic dTpw",
    }


@pytest.mark.parametrize(
    ("settings", "name", "value"),
    [
        ({"headers": (("HOST", "elsewhere"), ("accept", "a/b"))}, "host", "elsewhere"),
        ({"headers": (("Authorization", "Bearer t"),)}, "authorization", "Bearer t"),
        ({"headers": (("Authorization", "Bearer t"),), "user": "u"}, "authorization", "Basic dTo="),
    ],
)
def test_a_header_is_sent_once(settings: dict[str, object], name: str, value: str) -> None:
    with Scripted(json_answer({})) as server, to(server, **settings) as made:
        get(made)
        assert server.seen[0].headers[name] == value


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://127.0.0.1:80", "127.0.0.1"),
        ("https://127.0.0.1", "127.0.0.1"),
        ("https://127.0.0.1:80", "127.0.0.1:80"),
        ("http://[::1]:8042", "[::1]:8042"),
        ("http://bücher.example", "xn--bcher-kva.example"),
    ],
)
def test_the_host_is_named_as_in_the_url(url: str, host: str) -> None:
    assert transport.headers_of(Address.parse(url)).startswith(f"Host: {host}\r\n")


def test_another_server_is_another_connection() -> None:
    with Scripted(json_answer(1)) as one, Scripted(json_answer(2)) as other, to(one) as made:
        assert get(made).body == b"1"
        made.move(Address.parse(other.url))
        assert [get(made).body for _ in range(2)] == [b"2", b"2"]
        made.move(Address.parse(one.url))
        assert get(made).body == b"1"
        assert (one.connections, other.connections, made.connections) == (2, 1, 3)


def test_what_breaks_an_answer_off_is_told_apart() -> None:
    with Scripted(Dripping(OK + b"X: ")) as server, to(server) as made:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            get(made, seconds=SHORT)
        assert time.monotonic() - began < SHORT + SLACK
        server.answer = http_answer(200, b"0" * (SIZE + 1))
        with pytest.raises(TooLarge):
            get(made)
        server.answer = raw(b"SSH-2.0-x\r\n")
        with pytest.raises(ConnectionError, match="no HTTP"):
            get(made)
        made.move(Address.parse(server.url.replace("http", "https")))
        with pytest.raises(ssl.SSLError):
            get(made)
        made.move(Address.parse(server.url))
        server.__exit__()
        with pytest.raises(NoConnection):
            get(made)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_packed_body_is_unpacked(encoding: str) -> None:
    body = b"[" + b" " * 1000 + b"]"
    packed = {"gzip": gzip.compress, "deflate": zlib.compress}[encoding](body)
    header = f"Content-Encoding: {encoding}"
    with Scripted(http_answer(200, packed, header)) as server, to(server) as made:
        assert get(made).body == body
        server.answer = http_answer(200, packed[:-1], header)
        with pytest.raises(Undecodable, match="in the middle"):
            get(made)


# --- the end of an answer ------------------------------------------------------------------------


def chunked(body: bytes) -> bytes:
    return OK + b"Transfer-Encoding: chunked\r\n\r\n" + body


# An answer, its body, and whether the next request is sent on the same connection.
ENDS: dict[str, tuple[bytes, bytes, bool]] = {
    "length": (ONE, b"1", True),
    "chunks and a trailer": (chunked(b"1\r\n[\r\n1;x=y\r\n]\r\n0\r\nT: u\r\n\r\n"), b"[]", True),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", b"", True),
    "not modified": (b"HTTP/1.1 304 N\r\nContent-Length: 7\r\n\r\n", b"", True),
    "no reason": (b"HTTP/1.1 200\r\nContent-Length: 1\r\n\r\n1", b"1", True),
    "after 1xx": (
        b"HTTP/1.1 100 Continue\r\nX: 1\r\n\r\nHTTP/1.1 103 E\r\nContent-Length: 9\r\n\r\n" + ONE,
        b"1",
        True,
    ),
    "another protocol": (
        b"HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nx",
        b"",
        False,
    ),
    "101 without a word": (b"HTTP/1.1 101 S\r\n\r\n", b"", False),
    "close": (OK + b"Connection: close\r\nContent-Length: 1\r\n\r\n1", b"1", False),
    "close, and no length": (OK + b"Connection: close\r\n\r\n1", b"1", False),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\n\r\n", b"", False),
    "HTTP/1.0 with a length": (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n1", b"1", False),
    "HTTP/1.0 that lasts": (
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n1",
        b"1",
        True,
    ),
}
# The same, where more comes than was asked for.
MORE: dict[str, tuple[bytes, bytes, bool]] = {
    "a second answer": (ONE + ONE.replace(b"\r\n\r\n1", b"\r\nX: y\r\n\r\n2"), b"1", False),
    "half of a second one": (ONE + OK, b"1", False),
    "what is no answer": (ONE + b"x", b"1", False),
    "a body where there is none": (b"HTTP/1.1 204 N\r\nContent-Length: 1\r\n\r\n1", b"", False),
}


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize(("text", "body", "lasts"), ENDS.values(), ids=ENDS)
def test_an_answer_ends_where_it_says(text: bytes, body: bytes, lasts: bool, size: int) -> None:
    """However it is cut into pieces on its way."""
    reading = answers.Reading()
    for _ in range(2 if lasts else 1):
        reading.begin()
        pieces = [text[n : n + size] for n in range(0, len(text), size)]
        while pieces and not reading.complete:
            reading.feed(pieces.pop(0))
        if not reading.complete:
            reading.end()
        assert (reading.answer(SIZE).body, reading.lasting) == (body, lasts)


@pytest.mark.parametrize(
    ("text", "body", "lasts"), [*ENDS.values(), *MORE.values()], ids=[*ENDS, *MORE]
)
def test_what_is_left_of_an_answer_is_not_taken_for_the_next_one(
    text: bytes, body: bytes, lasts: bool
) -> None:
    goes_on = lasts or text.startswith(ONE)  # else the end of the connection ends the answer

    def answer(request: Request, wire: object) -> bool:
        return raw(text, goes_on)(request, wire) if request.path == "/" else again(request, wire)

    again = json_answer(2)
    with Scripted(answer) as server, to(server) as made:
        assert get(made).body == body
        assert get(made, "/again").body == b"2"
        assert server.connections == (1 if lasts else 2)
        assert len(server.seen) == 2


# --- what is no answer ---------------------------------------------------------------------------

REFUSED: dict[str, bytes] = {
    "two lengths": OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n11",
    "a length and chunks": OK + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a length that is no number": OK + b"Content-Length: +1\r\n\r\n1",
    "a length below 0": OK + b"Content-Length: -1\r\n\r\n1",
    "an endless length": OK + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n1",
    "a chunk of a size below 0": chunked(b"-1\r\nx\r\n0\r\n\r\n"),
    "a chunk longer than its size": chunked(b"1\r\nxx\r\n0\r\n\r\n"),
    "a header without a colon": OK + b"no colon\r\nContent-Length: 0\r\n\r\n",
    "a header without a name": OK + b": x\r\nContent-Length: 0\r\n\r\n",
    "a space before the colon": OK + b"Content-Length : 0\r\n\r\n",
    "a header over two lines": OK + b"X: a\r\n Content-Length: 5\r\nContent-Length: 0\r\n\r\n",
    "a zero in a header": OK + b"X: a\0b\r\nContent-Length: 0\r\n\r\n",
    "a lone CR in a header": OK + b"X: a\rContent-Length: 5\r\nContent-Length: 0\r\n\r\n",
    "a status of two digits": b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
    "another version": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "another protocol": b"ICY 200 OK\r\n\r\n",
    "a request": b"GET / HTTP/1.1\r\n\r\n",
    "nothing": b"",
    "half a status line": b"HTTP/1.1 2",
    "half a head": ONE[:30],
    "half a body": OK + b"Content-Length: 2\r\n\r\n1",
    "half a chunk": chunked(b"2\r\nx"),
    "no last chunk": chunked(b"1\r\nx\r\n"),
    "half a trailer": chunked(b"0\r\nX: "),
    "nothing behind the head": OK + b"\r\n",
    "only 1xx": b"HTTP/1.1 100 Continue\r\n\r\n",
    "many headers": OK + b"".join(b"X%d: y\r\n" % n for n in range(MOST_HEADERS + 1)) + b"\r\n",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_is_no_answer_is_refused(text: bytes) -> None:
    with Scripted(raw(text)) as server, to(server) as made:
        with pytest.raises(ConnectionError) as error:
            get(made)
        server.answer = http_answer(200, b"1")
        assert get(made).body == b"1"
    told = r"no HTTP: \S.*|closed in the middle of the (head|answer)"
    assert re.fullmatch(told, str(error.value))


def test_why_it_is_refused_is_said_also_while_another_error_is_handled() -> None:
    with Scripted(raw(REFUSED["many headers"])) as server, to(server) as made:
        try:
            raise KeyError("x")
        except KeyError:
            with pytest.raises(ConnectionError, match=f"no HTTP: more than {MOST_HEADERS} headers"):
                get(made)


@pytest.mark.parametrize(
    "text",
    [
        OK + b"X: ",
        OK + b"X",
        b"HTTP/1.1 200 ",
        chunked(b"1;x="),
        chunked(b"0\r\nX: "),
        chunked(b"0\r\n"),
    ],
    ids=["value", "name", "reason", "extension of a chunk", "value of a trailer", "trailers"],
)
def test_no_part_of_an_answer_is_endless(text: bytes) -> None:
    block = b"a: b\r\n" * 1000 if text.endswith(b"\r\n") else b"0" * 6000
    with Scripted(endless(text, block)) as server, to(server) as made, pytest.raises(TooLarge):
        get(made)


def test_headers_are_taken_as_they_are() -> None:
    head = (
        "HTTP/1.1 200 ja, gut\r\nLOCATION: \t/x: y \t\r\nEmpty:\r\nTwice: 1\r\ntwice: 2\r\n"
        "Content-Type: ä\r\nContent-Length: 0\r\n\r\n"
    )
    with Scripted(raw(head.encode("latin-1"))) as server, to(server) as made:
        found = get(made)
    assert found == Answer(
        200,
        {
            "location": "/x: y",
            "empty": "",
            "twice": "2",
            "content-type": "ä",
            "content-length": "0",
        },
        b"",
    )


def test_nothing_private_of_a_library_is_used() -> None:
    for module in (transport, answers):
        tree = ast.parse(Path(module.__file__).read_text())
        ours = {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        }
        ours |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert {n for n in used if n.startswith("_") and not n.startswith("__")} <= ours
