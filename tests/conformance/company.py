"""Somebody else at work on a server, while a test or a tool looks at it: he does what people do."""

from __future__ import annotations

import contextlib
import http.server
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from conformance.errors import Unjudged
from conformance.sut.address import Address
from conformance.sut.client import Client

ANSWERS = 60.0  # seconds that the server may take for one answer
PAUSES = (0.1, 0.3)  # seconds between two things that one of them asks for
MOST = 20_000  # things that are asked for in all
STUDIES = 6  # that are kept of those he stores: more make each reading of all of them longer
JOBS = 60  # of his, that he remembers
ACTIONS = ("pause", "resume", "cancel", "resubmit")
NOTHING: dict[str, Any] = {}


class _Peer(http.server.BaseHTTPRequestHandler):
    """An Orthanc peer that is quick, slow, or broken, by its path."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        time.sleep({"quick": 0.0, "slow": 0.4}.get(self.path.split("/")[1], 0.0))
        broken = self.path.startswith("/broken")
        with contextlib.suppress(OSError):  # the server may have ended meanwhile
            self.send_response(500 if broken else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def peer() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Peer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class Somebody:
    """One who makes use of the server until he is told that it is enough; he keeps to what is his.

    ``asked``: how often he has asked for what, and what he was answered. Whatever that was, also
    nothing, is well.
    """

    def __init__(self, address: Address, name: str, seed: int) -> None:
        self.client = Client(address, ANSWERS)
        self.name = name
        self.asked: Counter[tuple[str, int]] = Counter()
        self.jobs: list[str] = []
        self._draw = random.Random(seed)
        self._calls: tuple[Callable[[], None], ...] = (
            self.upload, self.upload, self.archive, self.archive, self.archive_at_once, self.media,
            self.modify, self.anonymize, self.delete, self.delete_instance, self.act, self.act,
            self.send, self.send, self.send_at_once, self.regroup, self.fail, self.read, self.read,
            self.change_patient, self.forget_job, self.peers, self.bulk,
        )  # fmt: skip

    def work(self, enough: threading.Event, pauses: tuple[float, float]) -> None:
        """Ask for one thing after the other."""
        self.upload()
        for _ in range(MOST):
            if enough.wait(self._draw.uniform(*pauses)):
                break
            # It may be out of reach for a moment, or have nothing to act upon.
            with contextlib.suppress(Unjudged, LookupError, TypeError, ValueError):
                self._draw.choice(self._calls)()
        self.client.close()

    # --- what he does -------------------------------------------------------------------------

    def upload(self) -> None:
        if len(self._studies()) > STUDIES:
            self.delete()
        patient = f"{self.name}-{self._draw.randrange(10**9)}"
        tags = {"PatientID": patient, "PatientName": "Some^One", "StudyDescription": "theirs"}
        made = self._ask("POST", "/tools/create-dicom", {"Tags": tags})
        for modality in ("CT", "MR"):
            body = {"Tags": {"Modality": modality, "SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}}
            for _ in range(2):
                body["Parent"] = made["ParentStudy"]
                self._ask("POST", "/tools/create-dicom", body)

    def archive(self) -> None:
        self._job(f"/studies/{self._study()}/archive", NOTHING)

    def archive_at_once(self) -> None:
        self._ask("GET", f"/studies/{self._study()}/archive")

    def media(self) -> None:
        if self._draw.random() < 0.5:
            self._ask("GET", f"/studies/{self._study()}/media")
        else:
            self._job("/tools/create-media", {"Resources": [self._study()]})

    def modify(self) -> None:
        body = {"Replace": {"StudyDescription": "modified"}, "KeepSource": True}
        if self._draw.random() < 0.3:
            self._ask("POST", f"/studies/{self._study()}/modify", body)
        else:
            self._job(f"/studies/{self._study()}/modify", body)

    def anonymize(self) -> None:
        body = {"Replace": {"PatientID": f"{self.name}-anonymous"}, "Force": True}
        self._job(f"/studies/{self._study()}/anonymize", body)

    def bulk(self) -> None:
        body = {"Resources": [self._study()], "Replace": {"StudyDescription": "bulk"}}
        self._job("/tools/bulk-modify", {**body, "KeepSource": True})

    def delete(self) -> None:
        self._ask("DELETE", f"/studies/{self._study()}")

    def delete_instance(self) -> None:
        self._ask("DELETE", f"/instances/{self._instance()}")

    def send(self) -> None:
        where = self._draw.choice(("quick", "quick", "slow", "broken", "nobody"))
        body = {"Resources": [self._study()], "Priority": self._draw.randrange(-2, 3)}
        self._job(f"/peers/{self.name}-{where}/store", body)

    def send_at_once(self) -> None:
        self._ask("POST", f"/peers/{self.name}-quick/store", [self._study()])

    def regroup(self) -> None:
        study = self._study()
        if self._draw.random() < 0.5:
            series = self._ask("GET", f"/studies/{study}")["Series"][:1]
            self._job(f"/studies/{study}/split", {"Series": series, "KeepSource": True})
        else:
            self._job(f"/studies/{study}/merge", {"Resources": [self._study()], "KeepSource": True})

    def fail(self) -> None:
        """A job fails: its source goes while it runs, or it never had one."""
        study = self._study()
        self._job(f"/peers/{self.name}-broken/store", {"Resources": [study]})
        self._job(f"/studies/{study}/archive", NOTHING)
        self._ask("DELETE", f"/studies/{study}")

    def act(self) -> None:
        self._ask("POST", f"/jobs/{self._draw.choice(self.jobs)}/{self._draw.choice(ACTIONS)}", {})

    def forget_job(self) -> None:
        """Removes one, and wakes those that he has paused: they would stay for ever."""
        for id in self.jobs[: len(self.jobs) // 2]:
            self._ask("POST", f"/jobs/{id}/resume", {})
            self._ask("DELETE", f"/jobs/{id}")
            self.jobs.remove(id)

    def read(self) -> None:
        what = ("/jobs?expand", "/jobs", "/statistics", "/changes?last", "/studies?expand")
        self._ask("GET", self._draw.choice(what))

    def change_patient(self) -> None:
        patient = self._ask("GET", f"/studies/{self._study()}")["ParentPatient"]
        self._ask("PUT", f"/patients/{patient}/metadata/1234", b"something")
        tags = {"PatientID": f"{self.name}-{self._draw.randrange(10**9)}"}
        body = {"Replace": tags, "Force": True, "KeepSource": self._draw.random() < 0.5}
        self._job(f"/patients/{patient}/modify", body)

    def peers(self) -> None:
        self._ask("PUT", f"/peers/{self.name}-more", {"Url": "http://127.0.0.1:9/"})
        self._ask("DELETE", f"/peers/{self.name}-more")

    # --- how ----------------------------------------------------------------------------------

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        reply = self.client.request(method, path, body)
        self.asked[method + " " + _kind(path), reply.status] += 1
        return reply.json() if method != "DELETE" and "archive" not in path else None

    def _job(self, path: str, body: dict[str, Any]) -> None:
        reply = self.client.request("POST", path, {**body, "Asynchronous": True})
        self.asked["POST " + _kind(path), reply.status] += 1
        self.jobs.append(reply.json()["ID"])
        del self.jobs[:-JOBS]

    def _studies(self) -> list[str]:
        """The studies of his, by the PatientID."""
        query = {"Level": "Study", "Query": {"PatientID": f"{self.name}-*"}}
        found = self._ask("POST", "/tools/find", query)
        return [id for id in found if isinstance(id, str)]

    def _study(self) -> str:
        return self._draw.choice(self._studies())

    def _instance(self) -> str:
        instances = self._ask("GET", f"/studies/{self._study()}/instances")
        return str(self._draw.choice(instances)["ID"])


def _kind(path: str) -> str:
    """A path without what is only of one resource."""
    words = path.partition("?")[0].split("/")[1:]
    return "/".join(w for w in words if len(w) < 36 and not w[-1:].isdigit())


@contextmanager
def company(
    address: Address, people: int = 2, pauses: tuple[float, float] = PAUSES
) -> Iterator[list[Somebody]]:
    """So many people make use of the server, each at his pace."""
    enough = threading.Event()
    with peer() as url:
        one = Client(address, ANSWERS)
        present = [Somebody(address, f"somebody{n}", n) for n in range(people)]
        for who in present:
            for kind in ("quick", "slow", "broken"):
                one.put(f"/peers/{who.name}-{kind}", {"Url": f"{url}/{kind}/"})
            one.put(f"/peers/{who.name}-nobody", {"Url": "http://127.0.0.1:9/"})
        one.close()
        threads = [threading.Thread(target=who.work, args=(enough, pauses)) for who in present]
        for thread in threads:
            thread.start()
        try:
            yield present
        finally:
            enough.set()
            for thread in threads:
                thread.join()
