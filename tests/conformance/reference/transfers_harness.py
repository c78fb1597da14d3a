"""A peer that has the transfers accelerator, as a gate; and what is transferred."""

from __future__ import annotations

import json
from typing import Any

from tests.conformance.reference.harness import Arrival, Job, Server

PATH = "/transfers/push/X"
ONE_EACH = {"Threads": 1, "BucketSize": 1}
"""Options by which each instance is a request, and these come one after the other."""
LARGE = "A" * 1200
"""A PatientName that makes a file larger than a kilobyte, and smaller than two."""


def instances(server: Server, count: int) -> list[str]:
    """New instances, larger than a bucket of 1 KB, in order of their ids."""
    tags = {"Tags": {"PatientName": LARGE}}
    return sorted(server.call("POST", "/tools/create-dicom", tags).json["ID"] for _ in range(count))


def resources(ids: list[str], level: str = "Instance") -> list[dict[str, str]]:
    return [{"Level": level, "ID": each} for each in ids]


def push(server: Server, ids: list[str], *, peer: str | None = None, **fields: object) -> Job:
    """A push to a slot of the gate."""
    peer = server.peer() if peer is None else peer
    body = {"Resources": resources(ids), "Compression": "none", "Peer": peer, **fields}
    return Job(server, sent(server, "/transfers/send", body)["ID"], peer)


def sent(server: Server, path: str, body: dict[str, object]) -> dict[str, Any]:
    reply = server.call("POST", path, body)
    assert reply.status == 200, reply
    answer: dict[str, Any] = reply.json
    return answer


def request(job: Job, method: str, path: str) -> Arrival:
    """The next request of `job`, which has to be this one, below its slot."""
    arrival = job.step()
    assert (arrival.method, arrival.path) == (method, f"/{job.slot}{path}")
    return arrival


def creation(job: Job) -> dict[str, Any]:
    """Let the first request of a push succeed, and answer its body."""
    arrival = request(job, "POST", "/transfers/push")
    body: dict[str, Any] = json.loads(arrival.body)
    arrival.answer(body={"ID": "X", "Path": PATH})
    return body
