"""`route/storage-commitment/…`: a modality asks the server what it has, by DICOM.

The server takes the N-ACTION, makes a job of Type StorageCommitmentScp, and tells by an
N-EVENT-REPORT what it has stored, and why not the rest. The kit is the modality.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from conformance.driver.context import Context
from conformance.driver.script import Via
from conformance.errors import Unavailable
from conformance.suites.case import Case, Check
from conformance.suites.needs import DICOM, REMOVAL
from conformance.suites.route import judge
from conformance.suites.route.calls import Call, Request
from conformance.suites.route.calls.model import Result
from conformance.suites.route.calls.sending import new_name
from conformance.suites.route.samples import SECONDARY_CAPTURE, sample, uid
from conformance.sut.profile import Profile
from conformance.sut.reply import EXPAND
from spec.table import State
from spec.types import COMMITMENT as TYPE

if TYPE_CHECKING:
    from conformance.driver.tracked import Slot
    from conformance.peer.dicom_gate import Report

COMMITS = "route/storage-commitment"
CALLED = "KIT-CALLED"  # a server answers to any title, by default
OTHER_CLASS = "1.2.840.10008.5.1.4.1.1.2"  # CT Image Storage
NO_SUCH, CONFLICT = 0x0112, 0x0119  # reasons: no such instance; it is of another class
ALL_STORED, NOT_ALL = 1, 2  # the types of the event


@dataclass(frozen=True)
class Asked:
    """What is asked for, each with its class: stored, stored as of another class, unknown."""

    stored: int = 0
    other_class: int = 0
    unknown: int = 0


ROWS = {
    "stored": Asked(stored=3),
    "other-class": Asked(other_class=1),
    "unknown": Asked(unknown=1),
    "each": Asked(stored=1, other_class=1, unknown=1),
}


def cases(_: Profile) -> Iterator[Case]:
    for name, asked in ROWS.items():
        check = partial(commits, asked)
        yield Check(
            f"route/storage-commitment/{name}", COMMITS, check=check, needs=(REMOVAL, DICOM)
        )


def as_call() -> Call:
    """What stands in the place of a call, so that its jobs are held to what others are."""
    return Call(
        "storage-commitment/each",
        COMMITS,
        TYPE,
        lambda context: _request(context)[1],
        ("CalledAet", "Description", "RemoteAet", "TransactionUid"),
        COMMITS,
        start=_request,
    )


def _request(context: Context) -> tuple[str, Request]:
    id, slot, expected = asks(ROWS["each"], context)

    def verify(context: Context, content: Result) -> None:
        reported(context, slot, expected)

    return id, Request("", {}, verify)


def commits(asked: Asked, context: Context) -> None:
    """Each instance is reported on as what it is, by the title that was called."""
    id, slot, expected = asks(asked, context)
    reports(context, id, slot, expected)


def asks(asked: Asked, context: Context) -> tuple[str, Slot, Report]:
    """Ask for a storage commitment: the job that it makes, whose it is, and what is to be said."""
    from conformance.peer.dicom_gate import Commitment, Report  # it takes its time

    name = new_name(context)
    context.prepare(name, 0, Via.MODALITY)
    slot, uids = context.driver.prepared[name].slot, sample(context).uids
    right = [(SECONDARY_CAPTURE, one) for one in uids[: asked.stored]]
    wrong = [(OTHER_CLASS, one) for one in uids[asked.stored :][: asked.other_class]]
    unknown = [(SECONDARY_CAPTURE, uid()) for _ in range(asked.unknown)]
    transaction = uid()
    dicom = context.resources.dicom
    dicom.reports.pop(slot.number, None)
    request = Commitment(transaction, (*right, *wrong, *unknown))
    context.lines.append(f"ask for the storage commitment of {len(request.files)} instances")
    taken = dicom.ask_commitment(slot.number, _where(context), CALLED, request)
    if taken is None and not context.profile.managed:  # as with DicomCheckCalledAet
        raise Unavailable(f"the server takes no association that calls it {CALLED}")
    context.require(COMMITS, bool(taken), "an N-ACTION that is taken", "it is refused")
    id = _job(context, transaction)
    failed = [(*one, CONFLICT) for one in wrong] + [(*one, NO_SUCH) for one in unknown]
    event = NOT_ALL if failed else ALL_STORED
    return id, slot, Report(CALLED, event, transaction, tuple(right), tuple(failed))


def reports(context: Context, id: str, slot: Slot, expected: Report) -> None:
    """The job succeeds, and has reported."""
    judge.await_end(context, COMMITS, id)
    shown = context.job(id)
    judge.is_in(context, COMMITS, shown, State.SUCCESS)
    says(context, shown, slot, expected.transaction)
    reported(context, slot, expected)


def reported(context: Context, slot: Slot, expected: Report) -> None:
    """The modality was told of each instance what it is, once."""
    came = context.resources.dicom.reports
    context.until(
        lambda: bool(came.get(slot.number)),
        COMMITS,
        "an N-EVENT-REPORT",
        lambda: "none has come",
    )
    found = came[slot.number]
    context.require(COMMITS, found == [expected], f"one report, {expected}", f"{found}")


def _where(context: Context) -> tuple[str, int]:
    """Where the server listens for DICOM. Raises `Unavailable` where it does not."""
    found = context.get("/system").json()
    port = found.get("DicomPort") if isinstance(found, dict) else None
    if not isinstance(port, int):
        raise Unavailable("the server does not say where it listens for DICOM")
    host = context.resources.client.address.host
    if not context.profile.managed:
        try:
            socket.create_connection((host, port), context.deadline).close()
        except OSError:
            raise Unavailable(f"the server is not to be reached by DICOM at port {port}") from None
    return host, port


def _job(context: Context, transaction: str) -> str:
    """The job that answers to a transaction."""

    def ids() -> list[str]:
        listed = context.resources.client.get(EXPAND).jobs()
        return [str(one["ID"]) for one in listed if transaction in str(one.get("Content"))]

    expected = "a job that names the transaction"
    context.until(lambda: bool(ids()), COMMITS, expected, lambda: "no job does")
    found = ids()
    for id in found:
        context.other(id)
    context.equal(COMMITS, "jobs of the transaction", 1, len(found))
    return found[0]


def says(context: Context, shown: dict[str, Any], slot: Slot, transaction: str) -> None:
    """A reading names who is called, who has called, and the transaction."""
    context.equal(COMMITS, "Type", TYPE, shown.get("Type"))
    content = shown.get("Content")
    fields = {"CalledAet": CALLED, "RemoteAet": slot.mark, "TransactionUid": transaction}
    for key, value in fields.items():
        named = content.get(key) if isinstance(content, dict) else content
        context.equal(COMMITS, f"Content.{key}", value, named)
