"""Sending to a peer and to a modality, and retrieving: what the ways have in common.

Every step waits at the gate, and is answered as soon as it is seen there (`judge.state`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any

from conformance.driver.context import Context
from conformance.driver.script import Via
from conformance.driver.tracked import Slot, Tracked
from conformance.errors import Unjudged
from conformance.suites.route.calls.model import RESULT, Request, Result
from conformance.suites.route.samples import sample

PEER, STORE, MOVE, GET = "OrthancPeerStore", "DicomModalityStore", "DicomMoveScu", "DicomGetScu"
SENT = 3  # instances, or matches of a query, that a job sends
REPEATED = (0, 0, 1, 0)  # one instance three times, another one in between
LISTED = "route/resources-listed"
CALLER = "route/local-aet"


class Way(StrEnum):
    """How the calls of a way to send are called in case ids."""

    PEER = "peer-store"
    MODALITY = "store"

    @classmethod
    def of(cls, via: Via) -> Way:
        return cls[via.name]


Make = Callable[[Context], Request]
Effect = Callable[[Context, Tracked, Result], None]
Arrange = Callable[[Context, Slot], None]


def nothing_more(context: Context, job: Tracked, content: Result) -> None:
    """No further effect."""


def as_it_is(context: Context, slot: Slot) -> None:
    """The peer or the modality stays as it was registered."""


def send(
    via: Via,
    sent: Sequence[int] = range(SENT),
    body: dict[str, Any] | None = None,
    effect: Effect = nothing_more,
    arrange: Arrange = as_it_is,
) -> Make:
    """Instances to a peer, or to a modality: which of them, in this order.

    ``body``: the options of the call. ``effect``: what they do, given the Content of the job.
    ``arrange``: changes what the server knows of the peer or the modality before.
    """

    def make(context: Context) -> Request:
        name = new_name(context)
        path, given = context.prepare(name, max(sent, default=-1) + 1, via)
        job = context.driver.prepared[name]
        arrange(context, job.slot)
        listed = [given["Resources"][number] for number in sent]

        def verify(context: Context, content: Result) -> None:
            has_arrived(context, job, sent)
            named = sorted(set(listed)) or None
            if named is not None:
                context.equal(LISTED, "ParentResources", named, content.get("ParentResources"))
            effect(context, job, content)

        asked = {"Resources": listed, **(body or {})}
        return Request(path, asked, verify, instances=len(sent))

    return make


def send_study(via: Via) -> Make:
    """A study of our own, so that an instance of it can be removed."""

    def make(context: Context) -> Request:
        name = new_name(context)
        path, _ = context.prepare(name, 0, via)
        job, part = context.driver.prepared[name], sample(context)

        def verify(context: Context, content: Result) -> None:
            came = [uid for uid in part.uids if any(uid.encode() in b for b in _bodies(job))]
            context.equal(RESULT, "instances that arrived", list(part.uids), came)
            named = content.get("ParentResources")
            context.equal(LISTED, "ParentResources", [part.study], named)

        body, path_of_study = {"Resources": [part.study]}, f"/studies/{part.study}"
        return Request(path, body, verify, instances=len(part.uids), remove=(path_of_study,))

    return make


def _bodies(job: Tracked) -> list[bytes]:
    return [hold.came.body for hold in job.holds]


def register(context: Context, slot: Slot, **changed: Any) -> None:
    """Change what the server knows of a peer or a modality of ours, for one job."""
    slot.known = False  # it is registered anew for the next job
    reply = context.ask("PUT", slot.path, {**context.resources.where(slot), **changed})
    if not reply.ok:
        raise Unjudged(f"the server does not take what we register: {reply}")


def new_name(context: Context) -> str:
    return f"S{len(context.driver.prepared) + 1}"


def own_title(context: Context) -> str:
    """How the server calls itself over DICOM."""
    found = context.get("/system").json()
    return str(found.get("DicomAet")) if isinstance(found, dict) else ""


def has_arrived(context: Context, job: Tracked, sent: Sequence[int]) -> None:
    about = {REPEATED: "step/repeated-instance", (): "step/empty"}.get(tuple(sent), RESULT)
    steps = [hold.step for hold in job.holds]
    context.equal(about, "steps, in the order in which they arrived", list(sent), steps)


def is_called_by(context: Context, job: Tracked, content: Result) -> None:
    """Who calls the modality is who Content says."""
    callers = sorted({hold.came.caller for hold in job.holds})
    context.equal(CALLER, "who calls, by Content", callers, [content.get("LocalAet")])
