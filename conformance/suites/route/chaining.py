"""`route/autorouting/copy`, `…/chain`: a script that modifies an instance and sends the copy.

Each is an operation of the same job (`route.autorouting`), and works on what the one before it
has made; in a chain the last one deletes the copy. While a step of such a job waits, an Orthanc
1.12.7 that has stored something meanwhile answers nobody: so no step is held, and the server is
asked when all have been answered.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from conformance.driver.context import Context
from conformance.suites.case import Case, Check
from conformance.suites.needs import MANAGED, of_a_call, offered
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
from conformance.suites.route.samples import orthanc_id
from conformance.sut.profile import Profile
from spec.table import State

NEEDED = "route/autorouting-chain"
NEEDS = (MANAGED, of_a_call(NEEDED), offered(ROUTES))
KINDS = {"copy": 2, "chain": 3}  # how many operations each takes for an instance
LEVELS = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")


def cases(_: Profile) -> Iterator[Case]:
    for kind in KINDS:
        yield Check(
            f"route/autorouting/{kind}",
            NEEDED,
            check=partial(chained, kind),
            needs=NEEDS,
            config=CONFIG,
            fresh=True,
            anew=True,
        )


def chained(kind: str, context: Context) -> None:
    """The copy is sent, says of what it was made, and is deleted where the script says so."""
    name = new_name(context)
    _, given = context.prepare(name, SENT)
    job, before = context.driver.prepared[name], operations(context)
    ask(context, job, given["Resources"], {"AccessionNumber": kind})
    for number in range(1, SENT + 1):
        step(context, job, number).reply(judge.TAKEN)
    id = new_operations(context, before)
    await_end(context, id, NEEDED)
    shown = context.job(id)
    judge.is_in(context, NEEDED, shown, State.SUCCESS)
    many = KINDS[kind] * SENT
    context.equal(NEEDED, "CountOperations", many, shown["Content"].get("CountOperations"))
    for hold, source in zip(job.holds, given["Resources"], strict=True):
        _is_a_copy(context, read_file(hold.came.body) or {}, source, there=kind == "copy")


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
