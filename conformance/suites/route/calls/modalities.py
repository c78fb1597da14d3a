"""Sending to a modality by C-STORE, and the options of the call."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from conformance.driver.context import Context
from conformance.driver.script import Via
from conformance.driver.tracked import Slot, Tracked
from conformance.peer.gate import MARKER
from conformance.suites.route.calls.model import Call, Request, Result
from conformance.suites.route.calls.sending import (
    REPEATED,
    SENT,
    STORE,
    Effect,
    has_arrived,
    is_called_by,
    new_name,
    own_title,
    register,
    send,
    send_study,
)
from conformance.suites.route.samples import SECONDARY_CAPTURE, image, patient_id, store

SHOWS = ("Description", "InstancesCount", "FailedInstancesCount", "LocalAet", "RemoteAet")
ABOUT = "route/modality-store"
LOCAL, CALLED, ADDRESS = "option/store-local-aet", "option/store-called-aet", "option/store-address"
REGISTERED = "option/store-registered-local-aet"
ORIGINATOR, COMMITMENT = "option/store-move-originator", "option/storage-commitment"
CONVERTED = "route/store-converted"
DEFLATED = "1.2.840.10008.1.2.1.99"  # a transfer syntax that the gate does not take
TITLE, NUMBER = "KIT-LOCAL", 7  # of a caller, and of the C-MOVE that it acts for
NOWHERE, CLOSED = "orthanc-jobs.invalid", 1  # a host that is none, and a port where nobody listens
TRANSACTION = "StorageCommitmentTransactionUID"


def calls() -> Iterator[Call]:
    via = Via.MODALITY
    plain = send(via, effect=is_called_by)
    yield Call("store/instances", ABOUT, STORE, plain, SHOWS, sends=via)
    yield Call("store/repeated", ABOUT, STORE, send(via, REPEATED), SHOWS, sends=via)
    yield Call("store/study", ABOUT, STORE, send_study(via), SHOWS, sends=via)
    yield Call("store/nothing", ABOUT, STORE, send(via, ()), SHOWS, empty=True)
    yield Call("store/converted", CONVERTED, STORE, converted, SHOWS, CONVERTED, sends=via)
    local = {"LocalAet": TITLE}
    whole = {"MoveOriginatorAet": "KIT-ORIGIN", "MoveOriginatorID": NUMBER}
    named, numbered = ({key: value} for key, value in whole.items())
    for name, option, make in (
        ("local-aet", LOCAL, send(via, body=local, effect=is_called_by_title)),
        ("registered-local-aet", REGISTERED, registered),
        ("called-aet", CALLED, called),
        ("host", ADDRESS, at("Host", lambda context: context.resources.gate.host, NOWHERE)),
        ("port", ADDRESS, at("Port", lambda context: context.resources.dicom.port, CLOSED)),
        ("originator", ORIGINATOR, send(via, body=whole, effect=acts_for("KIT-ORIGIN"))),
        ("originator-number", ORIGINATOR, send(via, body=numbered, effect=acts_for(None))),
        ("originator-title", ORIGINATOR, send(via, body=named, effect=acts_for_nobody)),
        ("commitment", COMMITMENT, committed),
    ):
        yield Call(f"store/{name}", option, STORE, make, SHOWS, sends=via)


def is_called_by_title(context: Context, job: Tracked, content: Result) -> None:
    callers = sorted({hold.came.caller for hold in job.holds})
    context.equal(LOCAL, "who calls", [TITLE], callers)
    is_called_by(context, job, content)


def converted(context: Context) -> Request:
    """Of an instance in a transfer syntax that the modality does not take."""
    name = new_name(context)
    path, _ = context.prepare(name, 0, Via.MODALITY)
    job, marked = context.driver.prepared[name], {"ImageComments": f"{MARKER.decode()}00"}
    file = image(patient_id(context), 4, bytes(16), DEFLATED, marked)
    made = store(context, file)

    def verify(context: Context, content: Result) -> None:
        has_arrived(context, job, [0])

    return Request(path, {"Resources": [made.get("ID")]}, verify, instances=1)


def registered(context: Context) -> Request:
    """The modality is registered with the title by which it is to be called."""

    def arrange(context: Context, slot: Slot) -> None:
        register(context, slot, LocalAet=TITLE)

    def effect(context: Context, job: Tracked, content: Result) -> None:
        callers = sorted({hold.came.caller for hold in job.holds})
        context.equal(REGISTERED, "who calls", [TITLE], callers)

    return send(Via.MODALITY, effect=effect, arrange=arrange)(context)


def called(context: Context) -> Request:
    """The modality is known by another title than the one that the call names."""

    def arrange(context: Context, slot: Slot) -> None:
        register(context, slot, AET="NOBODY")

    made = send(Via.MODALITY, effect=is_called_by, arrange=arrange)(context)
    mark = list(context.driver.prepared.values())[-1].slot.mark
    return Request(made.path, {**made.body, "CalledAet": mark}, made.verify, instances=SENT)


def at(key: str, right: Callable[[Context], object], wrong: object) -> Callable[[Context], Request]:
    """The modality is known by a wrong host or port, and the call names the right one."""

    def arrange(context: Context, slot: Slot) -> None:
        register(context, slot, **{key: wrong})

    def make(context: Context) -> Request:
        body = {key: right(context)}
        return send(Via.MODALITY, body=body, effect=is_called_by, arrange=arrange)(context)

    return make


def acts_for(title: str | None) -> Effect:
    """``title``: None is that of the server itself."""

    def effect(context: Context, job: Tracked, content: Result) -> None:
        who = own_title(context) if title is None else title
        found = [hold.came.originator for hold in job.holds]
        context.equal(ORIGINATOR, "move originators", [(who, NUMBER)] * len(found), found)
        for key, value in (("MoveOriginatorAET", who), ("MoveOriginatorID", NUMBER)):
            context.equal(ORIGINATOR, f"Content.{key}", value, content.get(key))

    return effect


def acts_for_nobody(context: Context, job: Tracked, content: Result) -> None:
    """A title without a number is none."""
    found = [hold.came.originator for hold in job.holds]
    context.equal(ORIGINATOR, "move originators", [None] * len(found), found)
    context.equal(ORIGINATOR, "MoveOriginatorAET", None, content.get("MoveOriginatorAET"))


def committed(context: Context) -> Request:
    """The modality is asked to answer for the instances, once it has all of them."""

    def arrange(context: Context, slot: Slot) -> None:
        context.resources.dicom.commitments.pop(slot.number, None)

    return send(
        Via.MODALITY, body={"StorageCommitment": True}, effect=is_committed, arrange=arrange
    )(context)


def is_committed(context: Context, job: Tracked, content: Result) -> None:
    asked = context.resources.dicom.commitments.get(job.slot.number, [])
    context.equal(COMMITMENT, "storage commitments that were asked for", 1, len(asked))
    is_last_commitment(context, job, content)


def is_last_commitment(context: Context, job: Tracked, content: Result) -> None:
    """The last one that was asked for names all instances, and came behind them."""
    last = context.resources.dicom.commitments[job.slot.number][-1]
    uids = sorted(_uid(context, number) for number in range(SENT))
    classes, found = ({each for each, _ in last.files}, sorted(each for _, each in last.files))
    context.equal(COMMITMENT, "the instances in it", uids, found)
    context.equal(COMMITMENT, "their classes", [SECONDARY_CAPTURE], list(classes))
    behind = all(hold.since < last.since for hold in job.holds)
    context.require(COMMITMENT, behind, "it comes behind the last C-STORE", "it comes earlier")
    context.equal(COMMITMENT, f"Content.{TRANSACTION}", last.transaction, content.get(TRANSACTION))


def _uid(context: Context, number: int) -> str:
    """The SOPInstanceUID of an instance that the kit sends."""
    shown = context.resources.client.get(f"/instances/{context.resources.instances[number]}").json()
    return str(shown["MainDicomTags"]["SOPInstanceUID"]) if isinstance(shown, dict) else ""
