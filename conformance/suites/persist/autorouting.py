"""`persist/stop/autorouting/…`, `persist/kill/autorouting`: jobs of a Lua script over a restart.

A server has one such job at a time: so each state has a restart of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.driver.script import complete, kill, restart
from conformance.driver.script import submit as peer_store
from conformance.suites.case import Case, Check, blocker_names
from conformance.suites.persist.types import (
    FIRST,
    KILLED,
    NEWEST,
    REQUEUED,
    STAYS,
    STAYS_THERE,
    STEP,
    STEPS,
    ends_well,
    is_as_before,
)
from conformance.suites.route import judge
from conformance.suites.route.autorouting import (
    CONFIG,
    NEEDS,
    as_call,
    await_end,
    canceled,
    end,
    lingering,
    new_operations,
    operations,
    paused,
    routed,
    step,
)
from conformance.suites.route.chaining import CHAIN, CHAINS, ask_for, is_done, take
from conformance.sut.profile import Profile
from spec.table import Action, State

if TYPE_CHECKING:
    from conformance.driver.context import Context


def cases(_: Profile) -> Iterator[Case]:
    for case in (
        Check("persist/stop/autorouting/ended", STAYS_THERE, check=ended, leaves=2),
        Check("persist/stop/autorouting/paused", STAYS, check=rests),
        Check("persist/stop/autorouting/waiting", REQUEUED, check=waits),
        Check("persist/stop/autorouting/chain", REQUEUED, check=chain, needs=CHAINS),
        Check("persist/kill/autorouting", KILLED, check=outlives),
    ):
        yield replace(case, needs=(*NEEDS, *case.needs), config=CONFIG, fresh=True, anew=True)


def ended(context: Context) -> None:
    """What has succeeded or was canceled is there again; what was canceled starts over."""
    call = as_call()
    done, _, _ = routed(context)
    await_end(context, done)
    failed, _, job = routed(context)
    canceled(context, call, failed, job)
    before = [judge.look(context, call, id) for id in (done, failed)]
    context.do(restart())
    for shown, state in zip(before, (State.SUCCESS, State.FAILURE), strict=True):
        is_as_before(context, call, shown, STAYS_THERE, state)
    first = job.holds[0].step
    job.holds.clear()
    judge.ask(context, call, failed, State.FAILURE, Action.RESUBMIT)
    about = "step/resubmitted-starts-over"
    context.equal(about, "the step that it begins with", first, step(context, job, 1).step)
    end(context, failed)


def rests(context: Context) -> None:
    """What was paused behind its first step stays so, and goes on with the second one."""
    call = as_call()
    id, _, job = routed(context)
    paused(context, call, id, job)
    before = judge.look(context, call, id)
    context.do(restart())
    is_as_before(context, call, before, STAYS, State.PAUSED)
    judge.resume(context, call, id)
    second = step(context, job, 2).step
    context.equal(STEP, "the step that it goes on with", job.holds[0].step + 1, second)
    end(context, id)


def waits(context: Context) -> None:
    """What waits is there again as it was, and does all of it when its turn comes."""
    call, held = as_call(), blocker_names(context.profile)
    context.do(*(peer_store(name, STEPS, FIRST) for name in held))
    id, request, _ = routed(context)
    before = judge.look(context, call, id)
    context.do(restart())
    is_as_before(context, call, before, REQUEUED, State.PENDING)
    context.do(*(complete(name) for name in held))
    with lingering(context):
        ends_well(context, call, id, request)


def chain(context: Context) -> None:
    """The same of all that a script can ask for."""
    call, held = as_call(), blocker_names(context.profile)
    context.do(*(peer_store(name, STEPS, FIRST) for name in held))
    before = operations(context)
    asked = ask_for(CHAIN, context)
    id = new_operations(context, before)
    shown = judge.look(context, call, id)
    context.do(restart())
    is_as_before(context, call, shown, REQUEUED, State.PENDING)
    context.do(*(complete(name) for name in held))
    take(context, asked)
    await_end(context, id, REQUEUED)
    is_done(context, id, asked)


def outlives(context: Context) -> None:
    """What waits is there after `kill -9`, since a job is saved when it is made, and begins."""
    call, held = as_call(), blocker_names(context.profile)
    context.do(*(peer_store(name, 1, FIRST) for name in held))
    id, _, job = routed(context)
    before = judge.look(context, call, id)
    context.do(peer_store(NEWEST, 1, FIRST), kill())
    is_as_before(context, call, before, KILLED, State.PENDING)
    context.do(*(complete(name) for name in (*held, NEWEST)))
    step(context, job, 1)
    end(context, id)
