"""`route/transfers/…/sender`, `…/originator`: how a transfer names itself, and knows its peer."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from conformance.driver.context import Context
from conformance.peer.gate import Hold
from conformance.peer.transfers import PLUGIN, Kind
from conformance.suites.case import Case, Check
from conformance.suites.route import judge
from conformance.suites.route.calls import Call
from conformance.suites.route.calls.sending import new_name
from conformance.suites.route.calls.transfers import NAMES, SHOWN, chunks, kind_of, requests
from conformance.suites.route.outcomes import of_call, submit
from conformance.suites.route.sending import step_number, with_body
from conformance.suites.route.succeeding import has_succeeded
from conformance.suites.route.transferring import has_failed
from conformance.sut.profile import Profile
from spec.table import FINAL, State
from spec.types import PULL

SENDER, ORIGINATOR = "route/transfers-sender", "route/transfers-originator"
HEADER, NAMED = "sender-transfer-id", "Originator"


def cases(_: Profile, calls: list[Call]) -> Iterator[Case]:
    known = {call.name: call for call in calls}
    for type, name in NAMES.items():
        call, named = known[name], f"route/{name}"
        of = tuple(of_call(call))
        check = partial(names_its_sender, call)
        yield Check(f"{named}/sender", SENDER, check=check, leaves=2, needs=of)
        if type == PULL:
            check = partial(knows_its_originator, call)
            yield Check(f"{named}/originator", ORIGINATOR, check=check, leaves=2, needs=of)


def names_its_sender(call: Call, context: Context) -> None:
    """The header sender-transfer-id is what the call gave, or one of the job's own."""
    given = new_name(context)
    (named,), (own,) = (senders(context, call, each) for each in (given, None))
    context.equal(SENDER, HEADER, given, named)
    context.require(SENDER, own not in ("", given), f"{HEADER} of a job without one", own)


def senders(context: Context, call: Call, given: str | None) -> set[str]:
    """What the requests of a transfer have as that header, but for chunks: it is one thing."""
    changed = {} if given is None else {"SenderTransferID": given}
    id, request = submit(context, with_body(call, changed))
    *_, job = context.driver.prepared.values()
    judge.await_end(context, call.requirement, id)
    has_succeeded(context, call, request, id)
    found = {header(hold) for hold in requests(job) if kind_of(hold) is not Kind.CHUNK}
    context.equal(SENDER, f"different values of {HEADER} in requests of one job", 1, len(found))
    return found


def header(hold: Hold) -> str:
    """The header of a request; an empty text where it has none. Its case means nothing."""
    found = (value for name, value in hold.came.headers.items() if name.lower() == HEADER)
    return next(found, "")


def knows_its_originator(call: Call, context: Context) -> None:
    """A pull that names who it is to pull from succeeds if the peer is that one, and else fails."""
    id, request = submit(context, with_body(call, {NAMED: PLUGIN}))
    judge.await_end(context, call.requirement, id)
    has_succeeded(context, call, request, id)
    shown = context.job(id)["Content"].get(NAMED)
    context.equal(SHOWN, f"Content.{NAMED}", PLUGIN, shown)
    other = new_name(context)
    id, _ = submit(context, with_body(call, {NAMED: other}))
    *_, job = context.driver.prepared.values()
    step_number(context, call, 1).reply(judge.TAKEN)
    context.until(
        lambda: bool(chunks(job)) or context.job(id)["State"] in FINAL,
        ORIGINATOR,
        State.FAILURE,
        lambda: context.job(id)["State"],
    )
    context.equal(ORIGINATOR, "chunks that it asks another peer for", 0, len(chunks(job)))
    has_failed(context, call, id)
