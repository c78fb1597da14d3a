"""What a gate says as a peer that has the transfers accelerator.

It is the receiver of a push: a transaction is opened, its buckets arrive, and it is committed or
given up. It is the source of a pull: its instances are looked up, and got in chunks. And it is
the other server of a pull mode: it is asked to pull. Each of these requests is a step, and waits at
the gate; what it is answered, when it may succeed, is made here. Only the end of a transaction, and
who asks whether the plugin is there, wait for nobody.

Sources: the protocol was measured on transfers accelerator 1.4, 1.7 and mainline.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import secrets
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs

PLUGIN = "transfers"
MEGABYTE = 2**20
JSON, BYTES, PACKED = "application/json", "application/octet-stream", "application/gzip"
GZIP = "gzip"  # as a Compression


class Kind(StrEnum):
    """What a request of a transfer asks the gate for."""

    PLUGINS = "plugins"  # whether it has the plugin
    OPEN = "open"  # push: a transaction
    BUCKET = "bucket"  # push: some instances, or a part of a large one
    COMMIT = "commit"  # push: to store them
    GIVE_UP = "give up"  # push: to forget them
    LOOKUP = "lookup"  # pull: which instances there are
    CHUNK = "chunk"  # pull: some of them
    ASK = "ask"  # pull mode: to pull from the server under test


_NAMED = r"(?P<name>[0-9a-f]+)"
_ROUTES = (
    (Kind.PLUGINS, "GET", r"plugins"),
    (Kind.OPEN, "POST", r"transfers/push"),
    (Kind.BUCKET, "PUT", rf"transfers/push/{_NAMED}/(?P<number>\d{{1,6}})"),
    (Kind.COMMIT, "POST", rf"transfers/push/{_NAMED}/commit"),
    (Kind.GIVE_UP, "DELETE", rf"transfers/push/{_NAMED}"),
    (Kind.LOOKUP, "POST", r"transfers/lookup"),
    (Kind.CHUNK, "GET", r"transfers/chunks/(?P<name>[0-9a-f.-]+)"),
    (Kind.ASK, "POST", r"transfers/pull"),
)
_KNOWN = tuple((kind, method, re.compile(pattern, re.ASCII)) for kind, method, pattern in _ROUTES)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of a transfer, by its path. ``name``: the transaction, or the instances of a chunk,
    with points between them. ``number``: of the bucket. ``query``: the rest of the path.
    """

    kind: Kind
    name: str = ""
    number: int = 0
    query: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the gate answers to a request that may succeed."""

    body: bytes = b"{}"
    type: str = JSON


def asked(method: str, path: str) -> Asked | None:
    """What a request is, by its method and by its path behind the slot; None: none of a transfer.

    A plugin joins an address and a path as it likes: slashes that follow each other are one.
    """
    path, _, query = path.partition("?")
    plain = "/".join(filter(None, path.split("/")))
    for kind, by, pattern in _KNOWN:
        if by == method and (match := pattern.fullmatch(plain)) is not None:
            found = match.groupdict()
            return Asked(kind, found.get("name", ""), int(found.get("number", 0)), query)
    return None


@dataclass
class Transfers:
    """The transactions at a gate, and what is to be got from it, by slot. Any thread may ask.

    ``named``: the jobs of which it has said in pull mode that it pulls by them.
    """

    named: list[str] = field(default_factory=list)
    _buckets: dict[str, int] = field(default_factory=dict)  # of the transactions that are open
    _offers: dict[int, Mapping[str, bytes]] = field(default_factory=dict)
    _given: dict[int, Mapping[str, bytes]] = field(default_factory=dict)
    _chunks: dict[int, list[tuple[str, str]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def offer(
        self, slot: int, files: Mapping[str, bytes], given: Mapping[str, bytes] | None = None
    ) -> None:
        """``files``, by the ids of their instances, are what a pull from this slot is promised.

        ``given``: what it gets in their place, if that is something else of the same size; another
        size could end a server.
        """
        got = dict(files if given is None else given)
        if {id: len(file) for id, file in got.items()} != {id: len(files[id]) for id in files}:
            raise ValueError("what is given has other sizes than what is promised")
        with self._lock:
            self._offers[slot] = dict(files)
            self._given[slot] = got
            self._chunks[slot] = []

    def step(self, slot: int, one: Asked) -> int | None:
        """Which step of its job a request is, from 0; None: it is none, as nobody has opened or
        offered what it is about.
        """
        with self._lock:
            match one.kind:
                case Kind.BUCKET:
                    return one.number + 1 if one.number < self._buckets.get(one.name, 0) else None
                case Kind.COMMIT:
                    return self._buckets[one.name] + 1 if one.name in self._buckets else None
                case Kind.CHUNK:
                    return self._chunk(slot, one)
                case Kind.LOOKUP:
                    return 0 if slot in self._offers else None
        return 0

    def _chunk(self, slot: int, one: Asked) -> int | None:
        offered = self._offers.get(slot, {})
        if not all(id in offered for id in one.name.split(".")):
            return None
        seen, this = self._chunks[slot], (one.name, one.query)
        if this not in seen:
            seen.append(this)
        return seen.index(this) + 1

    def answer(self, slot: int, one: Asked, body: bytes) -> Answer:
        """What a request is answered that succeeds; a transaction then begins, or has ended."""
        with self._lock:
            match one.kind:
                case Kind.PLUGINS:
                    return _json([PLUGIN])
                case Kind.OPEN:
                    name = secrets.token_hex(16)
                    self._buckets[name] = len(buckets_in(body))
                    return _json({"ID": name, "Path": f"/transfers/push/{name}"})
                case Kind.COMMIT | Kind.GIVE_UP:
                    self._buckets.pop(one.name, None)
                case Kind.LOOKUP:
                    return _json(_looked_up(self._offers[slot]))
                case Kind.CHUNK:
                    return _chunk(self._given[slot], one)
                case Kind.ASK:
                    self.named.append(name := secrets.token_hex(16))
                    return _json({"ID": name, "Path": f"/jobs/{name}"})
        return Answer()


def buckets_in(body: bytes) -> list[list[dict[str, Any]]]:
    """The buckets that the body of an opening names; none where it is malformed."""
    found = object_in(body).get("Buckets")
    whole = isinstance(found, list) and all(
        isinstance(bucket, list) and all(isinstance(part, dict) for part in bucket)
        for bucket in found
    )
    return [*found] if whole and isinstance(found, list) else []


def object_in(body: bytes) -> dict[str, Any]:
    """The JSON object that a body is; an empty one where it is none."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _json(value: object) -> Answer:
    return Answer(json.dumps(value).encode())


def _looked_up(files: Mapping[str, bytes]) -> dict[str, object]:
    total = sum(map(len, files.values()))
    return {
        "Instances": [
            {"ID": id, "MD5": digest(file), "Size": str(len(file))}
            for id, file in sorted(files.items())
        ],
        "Originator": PLUGIN,
        "CountInstances": len(files),
        "TotalSize": str(total),
        "TotalSizeMB": round(total / MEGABYTE),
    }


def digest(*files: bytes) -> str:
    """The MD5 of ``files``, one behind the other, in hexadecimal: that is what a transfer names."""
    return hashlib.md5(b"".join(files), usedforsecurity=False).hexdigest()


def _chunk(files: Mapping[str, bytes], one: Asked) -> Answer:
    """Exactly the bytes that are asked for, compressed as is asked: a server may end for want, or
    for more, of them, or where they are not compressed.
    """
    whole = b"".join(files[id] for id in one.name.split("."))
    given = parse_qs(one.query)
    offset, size = (_number(given.get(key, ())) for key in ("offset", "size"))
    part = whole[offset : offset + size] if size else whole[offset:]
    if GZIP in given.get("compression", ()):
        return Answer(gzip.compress(part, mtime=0), PACKED)
    return Answer(part, BYTES)


def _number(texts: Iterable[str]) -> int:
    text = next(iter(texts), "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0
