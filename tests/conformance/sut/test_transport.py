"""The transport as an adapter of `requests`: what a session of anybody's gets from it."""

from __future__ import annotations

import ast
import gzip
import http.client
import io
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from requests.adapters import BaseAdapter

from conformance.sut import transport
from conformance.sut.transport import BoundedAdapter, NoConnection, TooLarge
from tests.conformance.misbehaving import Dripping, Request, Scripted, http_answer, json_answer, raw

SHORT = 0.1  # seconds for an answer, in tests of that bound
SLACK = 1.0  # seconds that a loaded machine may add
SIZE = 100_000  # bytes of an answer


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as made:
        made.mount("http://", BoundedAdapter(10.0, SIZE))
        yield made


def test_a_session_sends_by_it(session: requests.Session) -> None:
    def echo(request: Request, wire: object) -> bool:
        return json_answer({"body": request.body.decode(), "as": request.headers})(request, wire)

    with Scripted(echo) as server:
        answer = session.post(f"{server.url}/a?b=c", json=[1], auth=("u", "p"))
        assert session.get(server.url).ok
        assert server.lines() == ["POST /a?b=c", "GET /"]
        assert server.connections == 1
    assert answer.json()["body"] == "[1]"
    assert answer.json()["as"]["authorization"] == "Basic dTpw"
    assert answer.json()["as"]["host"] == f"127.0.0.1:{server.port}"


def test_a_change_of_servers_is_a_change_of_connections(session: requests.Session) -> None:
    with Scripted(json_answer(1)) as one, Scripted(json_answer(2)) as other:
        assert [session.get(s.url).json() for s in (one, other, other, one)] == [1, 2, 2, 1]
        assert (one.connections, other.connections) == (2, 1)


def test_its_errors_are_those_of_requests(session: requests.Session) -> None:
    with Scripted(Dripping(b"HTTP/1.1 200 OK\r\nX: ")) as server:
        began = time.monotonic()
        with pytest.raises(requests.Timeout):
            session.get(server.url, timeout=SHORT)
        assert time.monotonic() - began < SHORT + SLACK
        server.answer = http_answer(200, b"0" * (SIZE + 1))
        with pytest.raises(TooLarge):
            session.get(server.url)
        server.answer = raw(b"SSH-2.0-x\r\n")
        with pytest.raises(requests.ConnectionError):
            session.get(server.url)
    with pytest.raises(NoConnection):
        session.get(server.url)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_packed_body_is_unpacked(session: requests.Session, encoding: str) -> None:
    body = b"[" + b" " * 1000 + b"]"
    packed = {"gzip": gzip.compress, "deflate": zlib.compress}[encoding](body)
    with Scripted(http_answer(200, packed, f"Content-Encoding: {encoding}")) as server:
        assert session.get(server.url).content == body
        server.answer = http_answer(200, packed[:-1], f"Content-Encoding: {encoding}")
        with pytest.raises(requests.exceptions.ContentDecodingError):
            session.get(server.url)


def test_chunks_and_their_trailers(session: requests.Session) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = b"1\r\n[\r\n1;x=y\r\n]\r\n0\r\nT: u\r\n\r\n"
    with Scripted(raw(head + body, goes_on=True)) as server:
        assert [session.get(server.url).json() for _ in range(2)] == [[], []]
        assert server.connections == 1


def test_what_nobody_asked_for_is_not_taken_for_an_answer(session: requests.Session) -> None:
    """A second answer to one request may be on its way when the next request is sent."""
    twice = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1" * 2, goes_on=True)
    with Scripted(twice) as server:
        assert session.get(server.url).json() == 1
        server.answer = json_answer(2)
        assert session.get(server.url).json() == 2


def test_two_lengths_are_no_answer(session: requests.Session) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"
    with Scripted(raw(head + b"11")) as server, pytest.raises(requests.ConnectionError):
        session.get(server.url)


def test_nothing_private_of_a_library_is_used() -> None:
    """Neither by an attribute with an underscore nor by a method that overrides one."""
    tree = ast.parse(Path(transport.__file__).read_text())
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    ours = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    }
    ours |= {d.name for c in classes for d in c.body if isinstance(d, ast.FunctionDef)}
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert {n for n in used if n.startswith("_") and not n.startswith("__")} <= ours
    bases = (BaseAdapter(), http.client.HTTPConnection("h"), io.RawIOBase())
    theirs = {name for base in bases for name in dir(base) if not name.startswith("__")}
    assert not {name for name in ours & theirs if name.startswith("_")}
