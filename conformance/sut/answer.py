"""HTTP answers as they come: `httptools` (llhttp) takes them apart, and here they are put together.

What is no answer, is cut off, or could be understood in two ways is a `ConnectionError`.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import NamedTuple, NoReturn

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

MOST_HEADERS = 100  # of one answer
VERSIONS = ("1.0", "1.1")
SWITCHING = 101  # what follows it is another protocol
PACKED = frozenset({"gzip", "x-gzip", "deflate"})  # what a proxy may do to a body unasked


class TooLarge(Exception):
    """More bytes came than the answer may have."""


class Undecodable(Exception):
    """The body is not in the encoding that its head tells."""


class Answer(NamedTuple):
    """A whole answer. ``headers``: by the name in lower case; of several of a name the last."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Reading:
    """The answers of one connection, one after the other. The parser calls the methods ``on_...``.

    ``lasting``: whether the connection can be used again after the answer that is `complete`.
    """

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        self.begin()

    def begin(self) -> None:
        """The next answer to come, which is to a request by any method but HEAD."""
        self.complete = self.lasting = self._has_head = False
        self._refused = ""  # why, where it is refused here
        self._status = 0
        self._headers: dict[str, str] = {}
        self._body = bytearray()

    def feed(self, piece: bytes) -> None:
        """These bytes have come. Raises `ConnectionError`."""
        try:
            self._parser.feed_data(piece)
        except (HttpParserError, HttpParserUpgrade) as error:
            self.lasting = False
            if not self.complete:
                raise ConnectionError(f"no HTTP: {self._refused or error}") from None

    def end(self) -> None:
        """The server has closed its side. Raises `ConnectionError` where that is too early."""
        if not self._has_head:
            raise ConnectionError("closed in the middle of the head")
        chunked = self._headers.get("transfer-encoding", "").lower().endswith("chunked")
        sized = chunked or "content-length" in self._headers
        # An empty body that only the end of the connection ends may be one whose server has died.
        if sized or (not self._body and self._parser.get_http_version() != "1.0"):
            raise ConnectionError("closed in the middle of the answer")
        self.complete = True

    def answer(self, largest: int) -> Answer:
        """The complete answer. ``largest``: bytes of its body, unpacked.

        Raises `TooLarge` and `Undecodable`.
        """
        body = bytes(self._body)
        encoding = self._headers.get("content-encoding", "").lower()
        if encoding in PACKED:
            body = _unpacked(body, encoding, largest)
        return Answer(self._status, self._headers, body)

    def on_message_begin(self) -> None:
        if self.complete:
            self._refuse("an answer that nobody has asked for")
        self.begin()  # the one before it was of 1xx: it only said that this one would come

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._has_head:
            return  # it stands behind a chunked body
        if len(self._headers) == MOST_HEADERS:
            self._refuse(f"more than {MOST_HEADERS} headers")
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1").strip()

    def on_headers_complete(self) -> None:
        self._has_head = True
        self._status = self._parser.get_status_code()
        if self._parser.get_http_version() not in VERSIONS:
            self._refuse("neither of version 1.0 nor of 1.1")

    def on_body(self, piece: bytes) -> None:
        self._body += piece

    def on_message_complete(self) -> None:
        if self._status >= 200 or self._status == SWITCHING:
            self.complete = True
            self.lasting = self._parser.should_keep_alive()

    def _refuse(self, why: str) -> NoReturn:
        """Have the parser end; `feed` tells why."""
        self._refused = why
        raise ConnectionError(why)


def _unpacked(body: bytes, encoding: str, largest: int) -> bytes:
    """Raises `TooLarge` before it has grown beyond that, and `Undecodable`."""
    if not body:
        return body
    packed = zlib.decompressobj(zlib.MAX_WBITS | 32)  # its head says whether it is gzip or zlib
    try:
        content = packed.decompress(body, largest + 1)
    except zlib.error as error:
        raise Undecodable(f"the body is not {encoding}") from error
    if len(content) > largest:
        raise TooLarge("the answer is too large")
    if not packed.eof:
        raise Undecodable(f"the body ends in the middle of its {encoding}")
    return content
