"""Calls while every worker is held."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from conformance.driver.context import Context
from conformance.driver.driver import AT_ONCE
from conformance.driver.script import act, complete, read
from conformance.suites.case import Case, Check, Script, blocker_names, blockers
from conformance.suites.submit.calls import (
    ASYNCHRONOUS,
    FAILS,
    HANDLE,
    JOB,
    SYNCHRONOUS,
    WAITS,
    begin,
    content,
    error,
    handle,
)
from conformance.sut.profile import Profile
from spec.table import Action, ErrorCode, State

FREE = 2  # workers, for the two jobs before the one that has to be Pending


def queued(profile: Profile) -> Iterator[Case]:
    idle = (*blockers(profile), *(read(name) for name in blocker_names(profile)))
    yield Script("submit/free-worker", "queue/free-worker-takes", idle)
    for name, broken, check in (
        ("pending-first", "queue/pending-first", pending_first),
        ("synchronous/behind-others", WAITS, behind_others),
        ("synchronous/several", WAITS, several),
        ("synchronous/pending-canceled", FAILS, pending_canceled),
        ("synchronous/pending-paused", WAITS, pending_paused),
        ("asynchronous/behind-others", AT_ONCE, while_busy),
    ):
        yield Check(f"submit/{name}", broken, check=partial(check, profile))


def pending_first(profile: Profile, context: Context) -> None:
    """A new job is put into the queue, and stays there while no worker is free."""
    context.do(*blockers(profile))
    path, body = context.prepare(JOB)
    reply = context.post(path, {**body, **ASYNCHRONOUS})
    shown = context.job(context.driver.answers.handle(reply, HANDLE).id).get("State")
    context.equal("queue/pending-first", "State", State.PENDING, shown)
    handle(context, reply)
    context.pass_time(context.grace)
    context.do(read(JOB))


def behind_others(profile: Profile, context: Context) -> None:
    """A synchronous call waits for its turn as well."""
    context.do(*blockers(profile))
    call = begin(context, SYNCHRONOUS)
    context.unanswered(call, WAITS, "no answer while the job is Pending")
    context.do(complete(blocker_names(profile)[0]))
    context.unanswered(call, WAITS, "no answer while the job runs")
    context.do(complete(JOB))
    content(context, context.answered(call, WAITS, "an answer, since the job has ended"))


def several(profile: Profile, context: Context) -> None:
    """Of several calls that wait, each is answered at the end of its own job, whichever is first.

    The job that ends first is neither the oldest nor the newest one: so it shows when a server
    wakes up a call that waits for another job. It is Pending, as two workers are free at most.
    """
    context.do(*blockers(profile)[FREE:])
    calls = {name: begin(context, SYNCHRONOUS, name=name) for name in ("A", "B", "C", "D")}
    context.do(act(Action.CANCEL, "C"))
    others = [calls[name] for name in "ABD"]
    expected = "an answer, since job C has been canceled"
    error(context, context.answered(calls["C"], WAITS, expected), ErrorCode.CANCELED_JOB, "C")
    early = any(call.ended() for call in others)
    context.require(WAITS, not early, "no answer to the other calls", "another call is answered")
    for name in "ABD":
        context.do(complete(name))
        expected = f"an answer, since job {name} has ended"
        content(context, context.answered(calls[name], WAITS, expected), name)


def pending_canceled(profile: Profile, context: Context) -> None:
    """A cancel of its Pending job ends it, with an error, although no worker is free."""
    context.do(*blockers(profile))
    call = begin(context, SYNCHRONOUS)
    context.do(act(Action.CANCEL, JOB))
    error(context, context.answered(call, WAITS, "an answer"), ErrorCode.CANCELED_JOB)


def pending_paused(profile: Profile, context: Context) -> None:
    """It stays open when its job is paused before its first step."""
    context.do(*blockers(profile))
    call = begin(context, SYNCHRONOUS)
    context.do(act(Action.PAUSE, JOB), *(complete(name) for name in blocker_names(profile)))
    context.unanswered(call, WAITS, "no answer while the job is Paused")
    context.do(act(Action.RESUME, JOB), complete(JOB))
    content(context, context.answered(call, WAITS, "an answer, since the job has ended"))


def while_busy(profile: Profile, context: Context) -> None:
    """An asynchronous call is answered although its job cannot start."""
    context.do(*blockers(profile))
    path, body = context.prepare(JOB)
    call = context.call("POST", path, {**body, **ASYNCHRONOUS})
    handle(context, context.answered(call, AT_ONCE, "an answer while the job is Pending"))
    context.equal("monitor/state-pending", "State", State.PENDING, context.job(JOB)["State"])
