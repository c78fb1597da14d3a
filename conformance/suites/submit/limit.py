"""LimitJobs: how many jobs may wait, and what becomes of a call beyond that."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from conformance.driver.context import Context
from conformance.driver.requiring import Call
from conformance.driver.script import Do, Step, act, complete, fail, submit, succeed
from conformance.suites.case import Case, Check, Script, blocker_names, blockers
from conformance.suites.submit.calls import (
    ASYNCHRONOUS,
    JOB,
    SYNCHRONOUS,
    WAITS,
    Mode,
    content,
    handle,
)
from conformance.sut.profile import Profile
from spec.relaxations import Shortfall
from spec.table import Action

LIMIT = 2  # LimitJobs of the cases about it


def limited(profile: Profile) -> Iterator[Case]:
    full = ("P1", "P2")
    for name, mode in {"asynchronous": ASYNCHRONOUS, "synchronous": SYNCHRONOUS}.items():
        yield Check(
            f"submit/limit-jobs/blocks-{name}",
            "queue/limit-jobs-blocks",
            check=partial(blocks, profile, mode),
        )
    yield Check("submit/limit-jobs/size", "queue/limit-jobs", check=partial(size, profile))
    left_alone = (
        submit("F", 2),
        fail("F"),
        submit("Q", 2),
        act(Action.PAUSE, "Q"),
        succeed("Q"),
        *blockers(profile),
        *(submit(job) for job in full),
        act(Action.RESUME, "Q"),
        act(Action.RESUBMIT, "F"),
        Step(Do.EXPAND),
    )
    yield Script(
        "submit/limit-jobs/resume-resubmit", "queue/limit-jobs-submissions-only", left_alone
    )
    many = (*blockers(profile), *(submit(f"P{n + 1}") for n in range(LIMIT + 4)), Step(Do.LIST))
    yield Script("submit/no-limit", "queue/no-limit", many)


def fill(profile: Profile, context: Context) -> None:
    """Fill the queue. Jobs that are not Pending take no place in it."""
    context.do(submit("F"), fail("F"), submit("Q", 2), act(Action.PAUSE, "Q"), succeed("Q"))
    context.do(*blockers(profile))
    for number in range(LIMIT):
        name = f"P{number + 1}"
        path, body = context.prepare(name)
        call = context.call("POST", path, {**body, **ASYNCHRONOUS})
        expected = f"an answer: {number} jobs are Pending, and LimitJobs is {LIMIT}"
        handle(context, context.answered(call, "queue/limit-jobs", expected), name)


def size(profile: Profile, context: Context) -> None:
    """The queue takes as many Pending jobs as LimitJobs says, and not one more."""
    fill(profile, context)
    path, body = context.prepare(JOB)
    call = context.call("POST", path, {**body, **ASYNCHRONOUS})
    if ignored(context, call, "queue/limit-jobs"):
        return
    context.equal("queue/limit-jobs", "the jobs of the call are", [], context.made(JOB))
    context.do(complete(blocker_names(profile)[0]))
    handle(
        context, context.answered(call, "queue/limit-jobs-blocks", "an answer: a job has finished")
    )


def blocks(profile: Profile, mode: Mode, context: Context) -> None:
    """A call waits, and is not refused, until some job finishes; then it goes on."""
    fill(profile, context)
    path, body = context.prepare(JOB)
    call = context.call("POST", path, {**body, **mode})
    if ignored(context, call, "queue/limit-jobs-blocks"):
        return
    context.do(complete(blocker_names(profile)[0]))
    if mode is ASYNCHRONOUS:
        expected = "an answer, since a job has finished"
        handle(context, context.answered(call, "queue/limit-jobs-blocks", expected))
        return
    context.adopt(JOB)
    context.unanswered(call, WAITS, "no answer while the job is Pending")
    context.do(*(complete(name) for name in (*blocker_names(profile)[1:], "P1", "P2", JOB)))
    content(context, context.answered(call, WAITS, "an answer, since the job has ended"))


def ignored(context: Context, call: Call, requirement: str) -> bool:
    """Whether the server takes a job for which its queue has no room, or refuses it.

    A synchronous call shows that by its job, since it is not answered in either case.
    """
    expected = f"no answer and no job yet: LimitJobs is {LIMIT}, and so many jobs are Pending"
    context.pass_time(context.grace)
    made = context.made(JOB)
    if not call.ended() and not made:
        return False
    known = Shortfall.LIMIT_JOBS_IGNORED if made else None
    shown = "the job is in the queue" if made else str(call.answer())
    context.require(requirement, False, expected, shown, known)
    context.adopt(JOB, made[0])
    return True
