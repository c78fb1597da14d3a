"""What comes with a step at the gate, beside the step itself."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from conformance.peer.transfers import Asked

LARGEST = 1024 * 1024  # bytes of an instance
DEFLATED = b"1.2.840.10008.1.2.1.99"  # the transfer syntax
START = 144  # of a file, behind its preamble and the length of its meta header


@dataclass(frozen=True, slots=True)
class Counts:
    """The numbers of sub-operations in a response to a C-MOVE. None: the response has none."""

    remaining: int | None = None
    completed: int | None = None
    failed: int | None = None
    warning: int | None = None


@dataclass(frozen=True, slots=True)
class Came:
    """What came with a step, as far as its way has it.

    ``body``: the file of a POST, as it was before it was compressed or deflated, or the data set of
    a C-STORE.
    ``size``: the bytes of a POST's body. ``headers``: those of a POST. ``caller``: the title of
    who calls. ``originator``: the title and the number that a C-STORE is sent on behalf of.
    ``asked``: the keys of a C-MOVE or C-GET, by keyword. ``proposed``: what its association is for.
    ``transfer``: what a request of the transfers accelerator asks for; its body is as it came.
    ``tell``: sends a pending response of a C-MOVE, with these counts of its sub-operations.
    """

    body: bytes = b""
    size: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    caller: str = ""
    originator: tuple[str, int] | None = None
    asked: Mapping[str, str] = field(default_factory=dict)
    proposed: frozenset[str] = frozenset()
    transfer: Asked | None = None
    tell: Callable[[Counts], None] = field(default=lambda _: None)


def inflated(file: bytes) -> bytes:
    """A file whose data set can be read as it is: one that is deflated, as a server may store all
    that it takes (IngestTranscoding), is no more; as far as it may be.
    """
    begin = START + int.from_bytes(file[START - 4 : START], "little")  # of the data set
    if file[128:132] != b"DICM" or DEFLATED not in file[:begin]:
        return file
    try:
        return file[:begin] + zlib.decompressobj(-zlib.MAX_WBITS).decompress(file[begin:], LARGEST)
    except zlib.error:
        return file


def unpacked(body: bytes) -> bytes:
    """What was compressed by gzip, as far as it may be; nothing of what was not."""
    try:
        return zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(body, LARGEST)
    except zlib.error:
        return b""
