"""Requests of a run, sent once more by a bare `http.client`: what the same costs without a kit.

What the server made has other ids this time, which are put where the old ones stood. Steps of its
jobs go to a peer that answers at once, so that nothing is waited for but the answers.
"""

from __future__ import annotations

import http.client
import json
import re
import time
from collections.abc import Sequence
from contextlib import closing

from benchmarks.peers.proxy import Passed
from benchmarks.peers.quick import Quick

# Ids of jobs, and of what is stored.
ID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{8}(?:-[0-9a-f]{8}){4}")
PEER = re.compile(rb"http://[^\"]+")


def renamed(text: bytes, ids: dict[bytes, bytes]) -> bytes:
    """With the new ids of what has one."""
    return ID.sub(lambda found: ids.get(found[0], found[0]), text)


def made(old: bytes, new: bytes) -> dict[bytes, bytes]:
    """The id that an answer gives, and the one that it gave before; nothing where it gives none."""
    try:
        pair = json.loads(old)["ID"], json.loads(new)["ID"]
    except (ValueError, KeyError, TypeError):
        return {}
    return {pair[0].encode(): pair[1].encode()}


def resend(passed: Sequence[Passed], port: int) -> float:
    """Seconds that the requests take, one after the other over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    ids: dict[bytes, bytes] = {}
    with Quick() as peer, closing(connection):
        began = time.perf_counter()
        for one in passed:
            body = renamed(one.sent, ids)
            if one.method == "PUT" and one.path.startswith("/peers/"):
                body = PEER.sub(peer.url.encode(), body)
            connection.request(one.method, renamed(one.path.encode(), ids).decode(), body or None)
            got = connection.getresponse().read()
            if one.method == "POST" and one.got:
                ids |= made(one.got, got)
        return time.perf_counter() - began
