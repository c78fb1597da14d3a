"""`persist/stop/transfers`, `persist/kill/transfers`: transfers in every state over a restart.

The server keeps its peers in its database: a transfer of which it does not know the peer any more
cannot be loaded. What has ended, what waits, what is Paused and what is Paused half done is there
after the start as it was, and does what was asked for. What waits is there after a kill as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from conformance.driver.script import complete, restart
from conformance.driver.script import submit as peer_store
from conformance.suites.case import QUICK_TO_STOP, Case, Check, blocker_names
from conformance.suites.needs import ACCELERATOR
from conformance.suites.persist.types import (
    FIRST,
    KILLED,
    REQUEUED,
    ROOM,
    STAYS,
    STAYS_THERE,
    STEP,
    STEPS,
    Job,
    again,
    ends_well,
    half_done,
    is_kept,
    outlive_a_kill,
)
from conformance.suites.route import judge
from conformance.suites.route.calls import Call, Request, calls
from conformance.suites.route.calls.transfers import NAMES, REQUESTS, kind_of
from conformance.suites.route.outcomes import submit
from conformance.suites.route.sending import step_number
from conformance.sut.profile import Profile
from spec.relaxations import Shortfall
from spec.table import Action

if TYPE_CHECKING:
    from conformance.driver.context import Context
    from conformance.driver.tracked import Tracked

CONFIG = {**QUICK_TO_STOP, "JobsHistorySize": ROOM, "OrthancPeersInDatabase": True}
STATES = 5  # in which each type is
TYPES = tuple(NAMES.values())


def cases(_: Profile) -> Iterator[Case]:
    common: dict[str, Any] = {"config": CONFIG, "fresh": True, "needs": ACCELERATOR}
    leaves = STATES * len(TYPES)
    yield Check("persist/stop/transfers", REQUEUED, check=over_a_restart, leaves=leaves, **common)
    yield Check("persist/kill/transfers", KILLED, check=over_a_kill, leaves=len(TYPES), **common)


def over_a_restart(context: Context) -> None:
    """Transfers in each state are there again as they were, and do what was asked for."""
    succeeded = [_ended(context, call) for call in _calls()]
    failed = [_failed(context, call) for call in _calls()]
    halfway, sent = [], {}
    for call in _calls():
        halfway.append(half_done(context, call))
        *_, sent[halfway[-1][1]] = context.driver.prepared.values()
    held = blocker_names(context.profile)
    context.do(*(peer_store(name, STEPS, FIRST) for name in held))
    waiting = [(call, *submit(context, call)) for call in _calls()]
    resting = [(call, *submit(context, call)) for call in _calls()]
    for call, id, _ in resting:
        judge.act(context, call, id, Action.PAUSE)
    kinds = {
        STAYS_THERE: [*succeeded, *failed], STEP: halfway, REQUEUED: waiting, STAYS: resting,
    }  # fmt: skip
    before = {id: judge.look(context, call, id) for jobs in kinds.values() for call, id, _ in jobs}
    context.do(restart())
    there = {
        id
        for needed, jobs in kinds.items()
        for call, id, _ in jobs
        if is_kept(context, call, before[id], needed)
    }
    context.do(*(complete(name) for name in held))
    for job in _those(waiting, there):
        ends_well(context, *job)
    for job in _those(resting, there):
        judge.resume(context, job[0], job[1])
        ends_well(context, *job)
    for job in _those(halfway, there):
        _goes_on(context, *job, sent[job[1]])
    for job in _those(failed, there):
        again(context, *job)


def over_a_kill(context: Context) -> None:
    """A transfer that waits is there after `kill -9`, and runs."""
    outlive_a_kill(context, _calls())


def _calls() -> list[Call]:
    return [call for call in calls() if call.name in TYPES]


def _those(jobs: list[Job], there: set[str]) -> list[Job]:
    return [job for job in jobs if job[1] in there]


def _ended(context: Context, call: Call) -> Job:
    id, request = submit(context, call)
    judge.await_end(context, STAYS_THERE, id)
    return call, id, request


def _failed(context: Context, call: Call) -> Job:
    """A job that has failed by its second request."""
    id, request = submit(context, call)
    step_number(context, call, 1).reply(judge.TAKEN)
    step_number(context, call, 2).reply(judge.REFUSED)
    judge.await_end(context, STAYS_THERE, id, judge.REFUSED)
    return call, id, request


def _goes_on(context: Context, call: Call, id: str, request: Request, sent: Tracked) -> None:
    """A job that was Paused behind its first request goes on with the second."""
    begin, following, *_ = REQUESTS[call.type]
    before = len(sent.holds)
    judge.resume(context, call, id)
    context.until(
        lambda: len(sent.holds) > before, STEP, f"its next request: {following}", lambda: "none"
    )
    kind = kind_of(sent.holds[before])
    known = Shortfall.TRANSFER_FORGOTTEN_AT_RESTART if kind is begin else None
    context.require(STEP, kind is following, f"its next request: {following}", str(kind), known)
    ends_well(context, call, id, request)
