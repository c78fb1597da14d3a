"""`route/transfers/push/…`: what options of the transfers accelerator do to a push."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from conformance.driver.context import Context
from conformance.peer.transfers import Kind
from conformance.suites.case import Case, Check
from conformance.suites.needs import accelerator_from
from conformance.suites.route import judge
from conformance.suites.route.calls import Call
from conformance.suites.route.calls.transfers import NAMES, REQUESTS, kind_of
from conformance.suites.route.outcomes import of_call, submit
from conformance.suites.route.sending import holds_of, step_number
from conformance.suites.route.succeeding import has_succeeded
from conformance.sut.profile import Profile
from spec.table import FINAL, State
from spec.types import PUSH

COMMIT, RETRIES = "route/transfers-commit-timeout", "route/transfers-retries"
HASTY: Mapping[str, Any] = {"Transfers": {"PeerCommitTimeout": 2}}  # seconds; the opening as well
ONCE_MORE: Mapping[str, Any] = {"Transfers": {"MaxHttpRetries": 1}}
BUCKET = 2  # requests of a push until its bucket has come
KNOWS_IT = accelerator_from("1.6")


def cases(_: Profile, calls: list[Call]) -> Iterator[Case]:
    (call,) = (one for one in calls if one.name == NAMES[PUSH])
    name, needs = f"route/{call.name}", tuple(of_call(call))
    check = partial(waits_for_no_commit, call)
    of = (KNOWS_IT, *needs)
    yield Check(f"{name}/commit-timeout", COMMIT, check=check, config=HASTY, needs=of)
    check = partial(sends_again, call)
    yield Check(f"{name}/sent-again", RETRIES, check=check, config=ONCE_MORE, needs=needs)


def waits_for_no_commit(call: Call, context: Context) -> None:
    """A push whose commit is not answered fails."""
    id, _ = submit(context, call)
    *before, _ = REQUESTS[PUSH]
    for number, _ in enumerate(before, start=1):
        step_number(context, call, number).reply(judge.TAKEN)
    step_number(context, call, len(REQUESTS[PUSH]))
    context.until(
        lambda: context.job(id)["State"] in FINAL,
        COMMIT,
        State.FAILURE,
        lambda: context.job(id)["State"],
    )
    shown = judge.look(context, call, id)
    judge.has_failed(context, shown, network=True)


def sends_again(call: Call, context: Context) -> None:
    """A bucket that is refused once comes again, and the push succeeds."""
    id, request = submit(context, call)
    step_number(context, call, 1).reply(judge.TAKEN)
    step_number(context, call, 2).reply(judge.REFUSED)
    context.until(
        lambda: _has_come_again(context, id),
        RETRIES,
        "the bucket comes again",
        lambda: context.job(id)["State"],
    )
    judge.await_end(context, RETRIES, id)
    has_succeeded(context, call, request, id)


def _has_come_again(context: Context, id: str) -> bool:
    """Whether the third request of the job is that of its bucket once more. Raises `Deviated`."""
    judged = [kind_of(hold) for hold in holds_of(context)]
    ended = context.job(id)["State"] in FINAL
    context.require(RETRIES, not ended, "the job stays Running", f"it has ended after {judged}")
    return judged[BUCKET:] == [Kind.BUCKET]
