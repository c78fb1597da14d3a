"""Peers that have the transfers accelerator: a gate, servers, an impostor; what is transferred."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import requests

from conformance.reference.double import ReferenceServer, reference_server
from tests.conformance.misbehaving import Request, Scripted, http_answer
from tests.conformance.reference.harness import DEADLINE, Arrival, Job, Server
from tests.conformance.reference.route_harness import file
from tests.waiting import until

PATH = "/transfers/push/X"
ONE_EACH = {"Threads": 1, "BucketSize": 1}
"""Options by which each instance is a request, and these come one after the other."""
LARGE = "A" * 1200
"""A PatientName that makes a file larger than a kilobyte, and smaller than two."""

FAR = "there"
"""How each of two servers calls the other."""


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


class Client:
    """A client of one server."""

    def __init__(self, server: ReferenceServer) -> None:
        self.server = server

    def call(self, method: str, path: str, body: Any = None) -> requests.Response:
        data = body if isinstance(body, bytes | None) else json.dumps(body)
        return requests.request(method, self.server.url + path, data=data, timeout=DEADLINE)

    def json(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.call(method, path, body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def store(self, count: int, **tags: object) -> list[str]:
        posts = (self.json("POST", "/instances", file(**tags)) for _ in range(count))
        return sorted(post["ID"] for post in posts)

    def file(self, instance: str) -> bytes:
        return self.call("GET", f"/instances/{instance}/file").content

    def ended(self, path: str) -> dict[str, Any]:
        """The job that a call has answered, when it has ended."""
        until(lambda: self.json("GET", path)["State"] in ("Success", "Failure"), DEADLINE)
        job: dict[str, Any] = self.json("GET", path)
        return job

    def transfer(self, call: str, ids: list[str], **fields: object) -> Any:
        resources = [{"Level": "instance", "ID": each} for each in ids]
        body = {"Resources": resources, "Compression": "gzip", "Peer": FAR, **fields}
        return self.json("POST", f"/transfers/{call}", body)

    def refuses(self, method: str, path: str, body: Any = None) -> tuple[int, int]:
        answer = self.call(method, path, body)
        return answer.status_code, answer.json()["OrthancStatus"]


Pair = tuple[Client, Client]


def pair(stack: ExitStack, **config: object) -> Pair:
    """Two servers, each a peer of the other."""
    started = [
        stack.enter_context(reference_server(JobsHistorySize=100, **config)) for _ in range(2)
    ]
    near, far = map(Client, started)
    for one, other in ((near, far), (far, near)):
        one.call("PUT", f"/peers/{FAR}", {"Url": other.server.url})
    return near, far


@contextmanager
def answering(answers: Mapping[str, bytes]) -> Iterator[str]:
    """The address of a server that answers these bytes at these paths, and nothing elsewhere."""

    def answer(asked: Request, wire: Any) -> bool:
        path = asked.path.split("?")[0]
        status = 200 if path in answers else 404
        return http_answer(status, answers.get(path, b""))(asked, wire)

    with Scripted(answer) as server:
        yield server.url
