"""Sending to a peer and to a modality, and retrieving by C-MOVE.

Every step waits at the gate, and is answered as soon as it is seen there (`judge.state`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from conformance.driver.context import Context
from conformance.driver.script import Via
from conformance.errors import Unjudged
from conformance.oracle.shown import id_in
from conformance.suites.route.calls.model import RESULT, Call, Request, Result

PEER, STORE, MOVE = "OrthancPeerStore", "DicomModalityStore", "DicomMoveScu"
SENT = 3  # instances, or matches of a query, that a job sends
REPEATED = (0, 0, 1, 0)  # one instance three times, another one in between
SHOWS_OF_PEER = ("Description", "InstancesCount", "FailedInstancesCount", "Peer")
SHOWS_OF_STORE = (
    "Description", "InstancesCount", "FailedInstancesCount", "LocalAet", "RemoteAet",
)  # fmt: skip
SHOWS_OF_MOVE = ("Description", "LocalAet", "RemoteAet", "Query")


def calls() -> Iterator[Call]:
    to_peer, to_modality = ("route/peer-store", PEER), ("route/modality-store", STORE)
    peer, modality = Via.PEER, Via.MODALITY
    yield Call("peer-store/instances", *to_peer, send(peer), SHOWS_OF_PEER, sends=peer)
    yield Call("peer-store/repeated", *to_peer, send(peer, REPEATED), SHOWS_OF_PEER, sends=peer)
    yield Call("store/instances", *to_modality, send(modality), SHOWS_OF_STORE, sends=modality)
    yield Call(
        "store/repeated", *to_modality, send(modality, REPEATED), SHOWS_OF_STORE, sends=modality
    )
    yield Call("retrieve/studies", "route/retrieve", MOVE, retrieve, SHOWS_OF_MOVE, sends=modality)
    yield Call("peer-store/nothing", *to_peer, send(peer, ()), SHOWS_OF_PEER, empty=True)
    yield Call("store/nothing", *to_modality, send(modality, ()), SHOWS_OF_STORE, empty=True)


def send(via: Via, sent: Sequence[int] = range(SENT)) -> Callable[[Context], Request]:
    """Instances to a peer, or to a modality: which of them, in this order."""

    def make(context: Context) -> Request:
        path, body = context.prepare(_new_name(context), max(sent, default=-1) + 1, via)
        listed = [body["Resources"][number] for number in sent]
        verify = _has_arrived(context, sent)
        return Request(path, {**body, "Resources": listed}, verify, instances=len(sent))

    return make


def retrieve(context: Context) -> Request:
    """All that a query has found, by one C-MOVE for each of two studies."""
    name = _new_name(context)
    context.prepare(name, SENT, Via.MODALITY)
    slot = context.driver.prepared[name].slot
    context.resources.dicom.matches[slot.number] = SENT
    reply = context.post(f"{slot.path}/query", {"Level": "Study", "Query": {"PatientID": ""}})
    query = id_in(reply.json())
    if not reply.ok or query is None:
        raise Unjudged(f"the server makes no query for us: {reply}")
    path = f"/queries/{query}"
    context.resource(path)
    body = {"TargetAet": context.resources.gate.title}
    arrived, job = _has_arrived(context, range(SENT)), context.driver.prepared[name]

    def verify(context: Context, content: Result) -> None:
        arrived(context, content)
        named = {hold.target for hold in job.holds}
        context.equal(
            RESULT, "the targets of its C-MOVEs", [context.resources.gate.title], list(named)
        )

    return Request(f"{path}/retrieve", body, verify, instances=SENT)


def _new_name(context: Context) -> str:
    return f"S{len(context.driver.prepared) + 1}"


def _has_arrived(context: Context, sent: Sequence[int]) -> Callable[[Context, Result], None]:
    job = list(context.driver.prepared.values())[-1]

    about = {REPEATED: "step/repeated-instance", (): "step/empty"}.get(tuple(sent), RESULT)

    def verify(context: Context, content: Result) -> None:
        steps = [hold.step for hold in job.holds]
        context.equal(about, "steps that arrived", sorted(sent), sorted(steps))

    return verify
