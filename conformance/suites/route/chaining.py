"""`route/autorouting/copy`, `…/chain`: a script that modifies an instance and sends the copy.

Each is an operation of the same job (`route.autorouting`), and works on what the one before it
has made; in a chain the second one is a command of the system, the fourth one sends the copy by
C-STORE, and the last one deletes it.
While a step of such a job waits, an Orthanc 1.12.7 that has stored something meanwhile answers
nobody: so no step is held, and the server is asked when all have been answered.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from conformance.driver.context import Context
from conformance.driver.script import Via
from conformance.driver.tracked import Tracked
from conformance.marks import orthanc_id
from conformance.suites.case import Case, Check
from conformance.suites.needs import DICOM, MANAGED, of_a_call, offered
from conformance.suites.route import judge
from conformance.suites.route.autorouting import (
    CONFIG,
    ROUTES,
    ask,
    await_end,
    new_operations,
    operations,
    step,
)
from conformance.suites.route.calls.sending import SENT, new_name
from conformance.suites.route.files import read_file
from conformance.sut.profile import Profile
from spec.table import State

NEEDED = "route/autorouting-chain"
NEEDS = (MANAGED, of_a_call(NEEDED), offered(ROUTES))
CHAINS = (DICOM, of_a_call(NEEDED))
CHAIN, TITLE = "chain", "KIT-LUA"  # the title is the script's
KINDS = {"copy": 2, CHAIN: 5}  # how many operations each takes for an instance
LEVELS = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")


def cases(_: Profile) -> Iterator[Case]:
    for kind in KINDS:
        yield Check(
            f"route/autorouting/{kind}",
            NEEDED,
            check=partial(chained, kind),
            needs=(*NEEDS, DICOM) if kind == CHAIN else NEEDS,
            config=CONFIG,
            fresh=True,
            anew=True,
        )


@dataclass(frozen=True)
class Asked:
    """What was asked of the script: of which kind, of which sources, and with whose steps.

    ``modality``: whose steps they are that are sent by C-STORE, where there are any.
    """

    kind: str
    sources: list[str]
    peer: Tracked
    modality: Tracked | None


def ask_for(kind: str, context: Context) -> Asked:
    """Store what has the script send instances of ours, in this way."""
    peer, sources = _receiver(context, Via.PEER)
    modality, more = None, {"AccessionNumber": kind}
    if kind == CHAIN:
        modality, _ = _receiver(context, Via.MODALITY)
        more["PatientComments"] = modality.slot.peer
    ask(context, peer, sources, more)
    return Asked(kind, sources, peer, modality)


def _receiver(context: Context, via: Via) -> tuple[Tracked, list[str]]:
    """Who is to be sent instances of ours, and these."""
    name = new_name(context)
    _, given = context.prepare(name, SENT, via)
    return context.driver.prepared[name], given["Resources"]


def chained(kind: str, context: Context) -> None:
    """The copy is sent, says of what it was made, and is deleted where the script says so."""
    before = operations(context)
    asked = ask_for(kind, context)
    take(context, asked)
    id = new_operations(context, before)
    await_end(context, id, NEEDED)
    is_done(context, id, asked)


def take(context: Context, asked: Asked) -> None:
    """Answer each of its steps."""
    for number in range(1, SENT + 1):
        for job in (asked.peer, asked.modality):
            if job is not None:
                step(context, job, number).reply(judge.TAKEN)


def is_done(context: Context, id: str, asked: Asked) -> None:
    """The job has succeeded, and has done all of it."""
    shown = context.job(id)
    judge.is_in(context, NEEDED, shown, State.SUCCESS)
    many = KINDS[asked.kind] * SENT
    context.equal(NEEDED, "CountOperations", many, shown["Content"].get("CountOperations"))
    for hold, source in zip(asked.peer.holds, asked.sources, strict=True):
        _is_a_copy(context, read_file(hold.came.body) or {}, source, there=asked.kind != CHAIN)
    if asked.modality is not None:
        callers = sorted({hold.came.caller for hold in asked.modality.holds})
        context.equal(NEEDED, "who calls the modality", [TITLE], callers)
        copies = [b"copy" in hold.came.body for hold in asked.modality.holds]
        context.equal(NEEDED, "whether copies are sent by C-STORE", [True] * SENT, copies)


def _is_a_copy(context: Context, tags: dict[str, str], source: str, there: bool) -> None:
    """What was sent is a copy of a source, which stays. ``there``: whether it was kept."""
    named = tags.get("ReferringPhysicianName")
    context.equal(NEEDED, "ReferringPhysicianName of what is sent", "copy", named)
    copy = orthanc_id(*(tags.get(level, "") for level in LEVELS))
    context.require(NEEDED, copy != source, "a copy with an identifier of its own", copy)
    if there:
        reply = context.get(f"/instances/{copy}/metadata/ModifiedFrom")
        said = reply.body.decode("utf-8", "replace").strip()
        context.require(NEEDED, reply.ok and said == source, f"ModifiedFrom {source}", reply)
    for id, right in ((source, True), (copy, there)):
        found = context.get(f"/instances/{id}").ok
        context.equal(NEEDED, f"whether there is an instance {id}", right, found)
