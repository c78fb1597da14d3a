"""Leave nothing behind: what the kit made is found on the server again, and removed.

Little here relies on what a run remembers. Jobs are ours when they send to a gate's secret address
or title, or bear a Priority of ours; patients, peers and modalities when they bear a name of ours;
queries when they are of such a modality. So an interrupt in the middle of a request leaves nothing
unaccounted for. What a run does remember is tried where the server does not say what it has.

A run removes what it made itself. `orthanc-jobs clean` removes what any run made.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from conformance import marks
from conformance.driver.ending import ask_to_end
from conformance.driver.resources import Resources
from conformance.driver.script import Via
from conformance.errors import Unjudged
from conformance.events import Cleanup, Left
from conformance.sut.client import Client
from conformance.sut.reply import EXPAND, Reply
from conformance.timing import TIMING
from spec.table import FINAL

KINDS = {
    "jobs": "job",
    "peers": "peer",
    "modalities": "modality",
    "queries": "query",
    "patients": "patient",
    "studies": "study",
    "instances": "instance",
}
GONE = (200, 404)  # the statuses of what is not there any more
FIND = {"Level": "Patient", "Query": {"PatientID": f"{marks.PREFIX}*"}, "Expand": True}


class Ours(Protocol):
    """What is ours."""

    @property
    def told(self) -> str:
        """How that is said of what could not be listed."""

    def job(self, job: Mapping[str, Any]) -> bool: ...

    def name(self, name: str) -> bool: ...

    def patient(self, name: str) -> bool: ...

    def known(self, kind: str) -> list[str]:
        """The paths of those that are remembered."""

    def asks(self) -> bool:
        """Whether queries of modalities may have been made."""


@dataclass(frozen=True)
class OfRun:
    """What one run has made. Implements `Ours`."""

    resources: Resources

    @property
    def told(self) -> str:
        return f"{self.resources.patient}*"

    def job(self, job: Mapping[str, Any]) -> bool:
        return self.resources.made(job)

    def name(self, name: str) -> bool:
        return name.startswith(self.resources.peer_prefix)

    def patient(self, name: str) -> bool:
        return name.startswith(self.resources.patient)

    def known(self, kind: str) -> list[str]:
        made = self.resources
        match kind:
            case "jobs":
                return [f"/jobs/{id}" for id in (*(job.id for job in made.jobs), *made.others)]
            case "instances":
                return [*(f"/instances/{id}" for id in made.instances), *made.stored]
            case "patients":
                return [f"/patients/{made.patient_id}"]
        return [slot.path for slot in made.slots if slot.path.startswith(f"/{kind}/")]

    def asks(self) -> bool:
        return any(slot.via is Via.MODALITY for slot in self.resources.slots)


@dataclass(frozen=True)
class OfAnyRun:
    """What any run has made, by the marks that it bears. Implements `Ours`."""

    @property
    def told(self) -> str:
        return f"{marks.PREFIX}*"

    def job(self, job: Mapping[str, Any]) -> bool:
        named = marks.GATE.search(str(job.get("Content"))) is not None
        return named or marks.is_priority(job.get("Priority")) or _is_for(self, job)

    def name(self, name: str) -> bool:
        return marks.NAME.fullmatch(name) is not None

    def patient(self, name: str) -> bool:
        return marks.PATIENT.fullmatch(name) is not None

    def known(self, kind: str) -> list[str]:
        return []

    def asks(self) -> bool:
        return True


def _is_for(ours: Ours, job: Mapping[str, Any]) -> bool:
    """Whether a job sends to a peer of ours that it shows by its name, as a transfer does."""
    content = job.get("Content")
    peer = content.get("Peer") if isinstance(content, dict) else None
    return isinstance(peer, str) and ours.name(peer)


@dataclass(kw_only=True)
class Cleaning:
    """One cleaning of a server. What is wrong in one part of it keeps no other from being done.

    ``deletes``: whether the server can delete jobs. ``until``: when it ends, by the monotonic
    clock. ``meanwhile``: called between two looks at jobs that are to end. ``names_only``: nothing
    is removed. ``found``: (kind, id) of what was removed, or would be; ``left``: what is still
    there, or may be. Both are right at any moment, also after an interrupt.
    """

    client: Client
    ours: Ours
    deletes: bool
    until: float
    meanwhile: Callable[[], object]
    names_only: bool = False
    found: list[tuple[str, str]] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)

    def run(self) -> None:
        """Remove everything of ours, as far as the time and the server allow."""
        longest = self.client.timeout
        try:
            self._jobs()
            for kind in ("peers", "modalities"):
                self._named(kind)
            if self.ours.asks():
                self._queries()
            for path in self.ours.known("instances"):
                self._remove(path)
            self._patients()
        finally:
            self.client.timeout = longest

    # --- jobs ---------------------------------------------------------------------------------

    def _jobs(self) -> None:
        for job in self._ended():
            id, state = str(job.get("ID")), job.get("State")
            if not self.deletes and (self.names_only or state in FINAL):
                self._leave("jobs", id, "this server cannot delete a job")
            elif self.names_only:
                self.found.append(("job", id))
            elif state not in FINAL:
                self._leave("jobs", id, f"it is still {state}")
            else:
                self._remove(f"/jobs/{id}")

    def _ended(self) -> list[dict[str, Any]]:
        """Our jobs, when all of them are completed, or half of the time has passed."""
        half = (time.monotonic() + self.until) / 2
        while True:
            ours = [job for job in self._listed_jobs() if self.ours.job(job)]
            if self.names_only:
                return ours
            waits = False
            for job in ours:
                if job["State"] in FINAL or time.monotonic() > half:
                    continue
                try:
                    self._bound()
                    waits |= ask_to_end(self.client, job["ID"], job["State"])
                except Unjudged:  # what it comes to is seen when it is read again
                    waits = True
            if not waits or time.monotonic() > half:
                return ours
            self.meanwhile()

    def _listed_jobs(self) -> list[dict[str, Any]]:
        reply = self._listing("jobs", EXPAND)
        if reply is not None:
            return reply.jobs()
        found = []
        for path in self.ours.known("jobs"):
            try:
                self._bound()
                job = self.client.get(path).json()
            except Unjudged:
                job = None
            if isinstance(job, dict) and isinstance(job.get("State"), str):
                found.append({**job, "ID": path.rpartition("/")[2]})
        return found

    # --- what bears a name --------------------------------------------------------------------

    def _named(self, kind: str) -> None:
        reply = self._listing(kind, f"/{kind}")
        if reply is None:
            paths = self.ours.known(kind)
        else:
            names = (one for one in reply.json() if isinstance(one, str))
            paths = [f"/{kind}/{name}" for name in names if self.ours.name(name)]
        for path in paths:
            self._remove(path)

    def _queries(self) -> None:
        """Those of modalities of ours; the server keeps the last ones that anybody made."""
        reply = self._listing("queries", "/queries")
        for id in () if reply is None else reply.json():
            path = f"/queries/{id}"
            try:
                self._bound()
                of = self.client.get(f"{path}/modality").body.decode("utf-8", "replace")
            except Unjudged as error:
                self._leave("queries", str(id), f"or not, as {_reason(error)}")
                continue
            if self.ours.name(of.strip().strip('"')):
                self._remove(path)

    # --- patients -----------------------------------------------------------------------------

    def _patients(self) -> None:
        """All that is stored under a PatientID of ours; a server may tell of some at a time."""
        tried: set[str] = set()
        while new := [path for path in self._stored() if path not in tried]:
            tried.update(new)
            for path in new:
                self._remove(path)
            if self.names_only or self._late:
                return

    def _stored(self) -> list[str]:
        found = self._searched()
        if found is None:
            return self.ours.known("patients")
        return [f"/patients/{id}" for id, name in found if self.ours.patient(name)]

    def _searched(self) -> list[tuple[str, str]] | None:
        """(ID, PatientID) of patients that may be ours; None where the server does not tell."""
        try:
            self._bound()
            reply = self.client.post("/tools/find", FIND)
        except Unjudged:
            reply = None
        if reply is None or not _is_list(reply):
            reply = self._listing("patients", "/patients?expand")
        if reply is None:
            return None
        return list(_patients_in(reply.json()))

    # --- one thing ----------------------------------------------------------------------------

    def _listing(self, kind: str, path: str) -> Reply | None:
        """A list of the server's, asked for twice if need be; None, and told, where it gives none.

        What it does not know at all it has none of.
        """
        why = "there was no time left"
        for _ in range(2):
            if self._late:
                break
            try:
                self._bound()
                reply = self.client.get(path)
            except Unjudged as error:
                why = str(error)
                continue
            if _is_list(reply):
                return reply
            if reply.status == 404:
                return Reply(200, b"[]")
            why = f"GET {path} gave {reply}"
        told = Left(KINDS[kind], self.ours.told, f"or not, as {why}")
        if told not in self.left:
            self.left.append(told)
        return None

    def _remove(self, path: str) -> None:
        kind, id = path.strip("/").split("/", 1)
        if self.names_only:
            self.found.append((KINDS[kind], id))
            return
        if self._late:
            self._leave(kind, id, "there was no time left to remove it")
            return
        self._leave(kind, id, "it was being removed")  # until the answer says that it was
        try:
            self._bound()
            reply = self.client.delete(path)
        except Unjudged as error:
            self.left.pop()
            self._leave(kind, id, _reason(error))
            return
        self.left.pop()
        if reply.status in GONE:
            self.found.append((KINDS[kind], id))
        else:
            self._leave(kind, id, f"the server refused to remove it: {reply}")

    def _leave(self, kind: str, id: str, why: str) -> None:
        self.left.append(Left(KINDS[kind], id, why))

    @property
    def _late(self) -> bool:
        return time.monotonic() > self.until

    def _bound(self) -> None:
        """No answer is waited for longer than half of what is left: the rest is tried as well."""
        left = max(TIMING.cleaning_least, (self.until - time.monotonic()) / 2)
        self.client.timeout = min(self.client.timeout, left)


def clean(resources: Resources, deletes: bool, seconds: float) -> Cleanup:
    """Remove jobs, peers and instances of the run; what is left is named, with the reason."""
    gate = resources.gate
    gate.drain()

    def fail_steps() -> None:
        gate.arrivals()
        gate.wait(TIMING.cleaning_tick)

    client = Client(resources.client.address, timeout=min(resources.client.timeout, seconds))
    client.requests = resources.client.requests
    until = time.monotonic() + seconds
    cleaning = Cleaning(
        client=client,
        ours=OfRun(resources),
        deletes=deletes,
        until=until,
        meanwhile=fail_steps,
    )
    try:
        cleaning.run()
    finally:
        resources.client.requests = client.requests
        client.close()
    return Cleanup(len(cleaning.found), tuple(cleaning.left))


def of_any_run(client: Client, deletes: bool, seconds: float, names_only: bool) -> Cleaning:
    """A cleaning of what any run of the kit has left on a server, which has yet to be `run`."""
    tick = threading.Event()
    return Cleaning(
        client=client,
        ours=OfAnyRun(),
        deletes=deletes,
        until=time.monotonic() + seconds,
        meanwhile=lambda: tick.wait(TIMING.cleaning_look),
        names_only=names_only,
    )


def _reason(error: Unjudged) -> str:
    """Without the request, which differs from one thing to the next."""
    return str(error).partition(": ")[2] or str(error)


def _is_list(reply: Reply) -> bool:
    return reply.ok and isinstance(reply.json(), list)


def _patients_in(found: list[Any]) -> Iterator[tuple[str, str]]:
    for one in found:
        tags = one.get("MainDicomTags") if isinstance(one, dict) else None
        name = tags.get("PatientID") if isinstance(tags, dict) else None
        if isinstance(name, str) and isinstance(one.get("ID"), str):
            yield one["ID"], name
