"""What the server answers about jobs, each answer checked where it enters.

An answer that has not the shape that its requirement says is a deviation of that requirement, with
the answer shown; never something that the kit fails on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from conformance.driver.resources import Resources
from conformance.driver.script import Via
from conformance.driver.tracked import Slot, Tracked
from conformance.errors import Unjudged
from conformance.oracle.fields import Moment
from conformance.oracle.shown import Malformed, clip, id_in, job_in, view_in
from conformance.sut.reply import EXPAND, Reply
from spec.engine import View

TYPES = {Via.PEER: "OrthancPeerStore", Via.MODALITY: "DicomModalityStore"}
CREATES, HANDLE = "submit/creates-job", "submit/asynchronous-handle"
A_HANDLE = "HTTP 200 with the ID of the job"
DETAILS = "HTTP 200 with the details of the job"
JSON = "application/json"

T = TypeVar("T")
Deviates = Callable[[str, str, str], NoReturn]


@dataclass(frozen=True, slots=True)
class Handle:
    """What an asynchronous call answers. ``path`` is whatever its Path is, if it has one."""

    id: str
    path: object


class Answers:
    """Reads jobs. ``deviates``: told of a requirement, what it expects, and what was seen instead.

    ``check`` raises `ServerDied` when a managed server has ended by itself.
    """

    def __init__(
        self, resources: Resources, deviates: Deviates, check: Callable[[], None] = lambda: None
    ) -> None:
        self.asked = Moment(0.0, 0.0)  # when the last reading was asked for and answered
        self._resources = resources
        self._deviates = deviates
        self._check = check

    # --- asking -------------------------------------------------------------------------------

    def get(self, path: str) -> Reply:
        """A reading. Raises `Unjudged`, or `ServerDied`."""
        before = time.monotonic()
        try:
            reply = self._resources.client.get(path)
        except Unjudged:
            self._check()
            raise
        self.asked = Moment(before, time.monotonic())
        return reply

    def jobs(self) -> dict[str, dict[str, Any]]:
        """All jobs as the expanded list shows them, by their ids; none where it is refused.

        (An empty archive makes released Orthancs refuse it, and another check tells so.)
        """
        reply = self.get(EXPAND)
        return {one["ID"]: one for one in self.expanded(reply)} if reply.ok else {}

    def made(self, job: Tracked) -> list[str]:
        """The ids of all jobs that send to the peer of a job, which no other may.

        An arrival, and the answer of a synchronous call, bear no id: this is how a job is found.
        """
        return self.sending(job, self.jobs().values())

    def sending(self, job: Tracked, shown: Iterable[dict[str, Any]]) -> list[str]:
        """`made`, of the jobs that are ``shown``."""
        others = {one.id for one in self._resources.jobs if one is not job}
        others |= job.earlier
        mine = (one["ID"] for one in shown if _sends(job.slot, one.get("Content")))
        return [id for id in mine if id not in others]

    # --- checking -----------------------------------------------------------------------------

    def handle(self, reply: Reply, requirement: str = CREATES) -> Handle:
        """The handle that a submission was answered with."""
        found = reply.json()
        id = id_in(found)
        if not reply.ok or id is None:
            self._deviates(requirement, A_HANDLE, str(reply))
        self._is_json(reply)
        return Handle(id, found.get("Path"))

    def path(self, handle: Handle) -> None:
        """The Path of a handle names the job that its ID names."""
        if handle.path != f"/jobs/{handle.id}":
            self._deviates(HANDLE, f"Path /jobs/{clip(handle.id)}", f"Path {clip(handle.path)}")

    def details(self, reply: Reply, id: str) -> dict[str, Any]:
        """The JSON object that says what the job of this id is; its type may be any."""
        found = self._checked(job_in, reply.json()) if reply.ok else None
        if found is None:
            self._deviates("monitor/job", DETAILS, clip(reply))
        self._is_json(reply)
        if found.get("ID") != id:
            self._deviates("monitor/id", f"ID {clip(id)}", f"ID {clip(repr(found.get('ID')))}")
        return found

    def view(self, job: Tracked, reply: Reply) -> View:
        """What an answer that overlapped others shows of a job: only what the model knows of it.

        The other fields are compared with those of the reading before, and there is none.
        """
        return self._checked(view_in, self.details(reply, job.id))

    def reading(self, job: Tracked, reply: Reply) -> View | None:
        """What an answer shows of a job, with all of its fields checked; None where it is gone."""
        return None if reply.status == 404 else self.fields(job, self.details(reply, job.id))

    def fields(self, job: Tracked, found: dict[str, Any]) -> View:
        """What a job's JSON shows, with the fields checked that the model does not know."""
        for key, requirement, right in (
            ("ID", "monitor/id", job.id),
            ("Type", "monitor/type", TYPES[job.slot.via]),
        ):
            if found.get(key) != right:
                self._deviates(requirement, f"{key} {right}", f"{key} {clip(repr(found.get(key)))}")
        shown = self._checked(view_in, found)
        fields = self._resources.fields
        for broken in fields.check(job.fields, found, shown.state, self.asked):
            self._deviates(broken.requirement, broken.expected, broken.actual)
        return shown

    def listed(self, reply: Reply) -> list[str]:
        """The ids of a list of jobs, each once."""
        found = reply.json()
        ids = isinstance(found, list) and all(isinstance(one, str) for one in found)
        if not reply.ok or not ids:
            self._deviates("monitor/list", "HTTP 200 with an array of ids", clip(reply))
        self._is_json(reply)
        return self._once([*found])

    def expanded(self, reply: Reply) -> list[dict[str, Any]]:
        """The jobs of an expanded list, each with an ID, and once."""
        found = reply.json()
        jobs = isinstance(found, list) and all(id_in(one) is not None for one in found)
        if not reply.ok or not jobs:
            self._deviates("monitor/list-expand", "HTTP 200 with an array of jobs", clip(reply))
        self._is_json(reply)
        self._once([one["ID"] for one in found])
        for one in found:
            self._checked(job_in, one)
        return [*found]

    def acted(self, reply: Reply) -> None:
        """What the body of the answer to an action has to be."""
        if reply.ok:
            if reply.json() != {}:
                self._deviates("answer/accepted", "the JSON object {}", str(reply))
            self._is_json(reply)
        elif reply.body.strip():
            self._deviates("answer/refused", f"HTTP {reply.status} with an empty body", str(reply))

    def _is_json(self, reply: Reply) -> None:
        """An answer whose body is JSON says so."""
        said = reply.headers.get("Content-Type", "")
        if said.partition(";")[0].strip().lower() != JSON:
            self._deviates("answer/json", f"Content-Type {JSON}", f"Content-Type {clip(said)}")

    def _checked(self, shape: Callable[[Any], T], found: Any) -> T:
        try:
            return shape(found)
        except Malformed as wrong:
            self._deviates(wrong.requirement, wrong.expected, wrong.actual)

    def _once(self, ids: list[str]) -> list[str]:
        if len(set(ids)) != len(ids):
            self._deviates("monitor/list", "each job once", f"lists {clip(ids)}")
        return ids


def _sends(slot: Slot, content: object) -> bool:
    """Whether Content is of a job that sends there; a transfer shows the name of its peer only."""
    named = isinstance(content, dict) and content.get("Peer") == slot.peer
    return named or slot.mark in str(content)
