"""`submit/`: what a call that makes a job answers and when, and the fields that choose it.

The call is a peer store, whose job waits at the gate: so it is seen that a synchronous call
waits, and for what. A call that must not be answered yet is watched for a moment, so that one
that is answered a little later is seen as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from conformance.driver.context import Context
from conformance.driver.requiring import Call
from conformance.driver.driver import AT_ONCE
from conformance.driver.script import Do, Step, act, complete, fail, read, submit, succeed
from conformance.suites.case import (
    Case,
    Check,
    Script,
    blocker_names,
    blockers,
)
from conformance.suites.needs import EXCLUSIVE, MANAGED, REMOVAL, documented
from conformance.sut.client import Reply
from conformance.sut.profile import Profile
from spec.relaxations import Shortfall
from spec.table import Action, ErrorCode, State

JOB, OTHER = "A", "B"
LOWEST, HIGHEST = -(2**31), 2**31 - 1
LIMIT = 2  # LimitJobs of the cases about it
NO_BOOLEAN: Mapping[str, object] = {
    "text": "true",
    "number": 1,
    "zero": 0,
    "null": None,
    "array": [],
    "object": {},
}
NO_INTEGER: Mapping[str, object] = {
    "text": "high",
    "number-as-text": "5",
    "fraction": 1.5,
    "null": None,
    "boolean": True,
    "array": [],
    "object": {},
}
TOO_LARGE: Mapping[str, int] = {
    "above": HIGHEST + 1,
    "below": LOWEST - 1,
    "33-bits": 2**32,
    "64-bits": 2**63,
    "negative-64-bits": -(2**63) - 1,
    "100-bits": 2**100,
}
NO_BODY: Mapping[str, object] = {
    "nothing": b"",
    "no-json": b"{",
    "no-resources": {"Asynchronous": True},
    "null": {"Resources": None, "Asynchronous": True},
    "unknown-resource": {"Resources": ["no-such-id"], "Asynchronous": True},
}
Mode = dict[str, object]
SYNCHRONOUS: Mode = {"Synchronous": True}
ASYNCHRONOUS: Mode = {"Asynchronous": True}
WAITS, FAILS = "submit/synchronous-waits", "submit/synchronous-failure"
HANDLE = "submit/asynchronous-handle"


def cases(profile: Profile) -> Iterator[Case]:
    for case in (*modes(), *synchronous(), *asynchronous(), *priorities(), *refusals()):
        yield replace(case, needs=(REMOVAL,))
    for case in queued(profile):
        yield replace(case, needs=(EXCLUSIVE,))
    for case in limited(profile):
        needs = (documented(case.requirement), MANAGED)
        yield replace(case, config={"LimitJobs": LIMIT}, needs=needs)


# --- the mode ---------------------------------------------------------------------------------


def modes() -> Iterator[Case]:
    yield Check(
        "submit/default-synchronous", "submit/synchronous-default", check=partial(waits, {})
    )
    yield Check("submit/mode/true-absent", "submit/synchronous-field", check=_mode(True, None))
    yield Check("submit/mode/false-absent", "submit/synchronous-field", check=_mode(False, None))
    yield Check("submit/mode/absent-true", "submit/asynchronous-field", check=_mode(None, True))
    yield Check("submit/mode/absent-false", "submit/asynchronous-field", check=_mode(None, False))
    for first in (True, False):
        for second in (True, False):
            name = f"submit/mode/{first}-{second}".lower()
            yield Check(name, "submit/both-fields", check=_mode(first, second))
        name = f"submit/mode/{first}-invalid".lower()
        check = partial(waits if first else returns, {"Synchronous": first, "Asynchronous": "x"})
        yield Check(name, "submit/both-fields", check=check)
    for key in ("Synchronous", "Asynchronous"):
        for kind, value in NO_BOOLEAN.items():
            name = f"submit/mode-invalid/{key.lower()}-{kind}"
            check = partial(refused, "submit/mode-not-boolean", {key: value})
            yield Check(name, "submit/mode-not-boolean", check=check, leaves=0)
    both: Mode = {"Synchronous": "x", "Asynchronous": True}
    check = partial(refused, "submit/mode-not-boolean", both)
    name = "submit/mode/invalid-true"
    yield Check(name, "submit/mode-not-boolean", check=check, leaves=0)


def _mode(first: bool | None, second: bool | None) -> Callable[[Context], None]:
    """The mode that the two fields choose together; None is an absent one."""
    named = {"Synchronous": first, "Asynchronous": second}
    mode: Mode = {key: value for key, value in named.items() if value is not None}
    return partial(waits if (first if first is not None else not second) else returns, mode)


def waits(mode: Mode, context: Context) -> None:
    """A synchronous call is answered when its job has ended, and not before."""
    broken = _chosen(mode)
    call = begin(context, mode)
    context.unanswered(call, broken, "no answer while the job runs")
    context.do(complete(JOB))
    content(context, context.answered(call, WAITS, "an answer, since the job has ended"))


def returns(mode: Mode, context: Context) -> None:
    """An asynchronous call is answered while its job still runs."""
    path, body = context.prepare(JOB)
    call = context.call("POST", path, {**body, **mode})
    handle(context, context.answered(call, _chosen(mode), "an answer while the job runs"))
    context.do(complete(JOB))


def _chosen(mode: Mode) -> str:
    """The requirement that says what ``mode`` chooses."""
    match sorted(mode):
        case []:
            return "submit/synchronous-default"
        case ["Asynchronous"]:
            return "submit/asynchronous-field"
        case ["Synchronous"]:
            return "submit/synchronous-field"
    return "submit/both-fields"


def begin(context: Context, mode: Mode, steps: int = 1, name: str = JOB) -> Call:
    """A call that waits for its job, which is on the server now."""
    path, body = context.prepare(name, steps)
    call = context.call("POST", path, {**body, **mode})
    context.adopt(name)
    return call


def handle(context: Context, reply: Reply, name: str = JOB, priority: int = 0) -> None:
    """The answer of an asynchronous call is the handle of its job."""
    made = context.driver.answers.handle(reply, HANDLE)
    context.adopt(name, made.id, priority)
    context.driver.answers.path(made)
    context.equal("submit/creates-job", "the jobs of the call are", [made.id], context.made(name))


def content(context: Context, reply: Reply, name: str = JOB) -> None:
    """The answer of a synchronous call is the Content of its job."""
    context.require(WAITS, reply.ok, "HTTP 200 with the result", reply)
    shown = context.job(name).get("Content")
    context.equal("submit/synchronous-content", "the answer is", shown, reply.json())


def error(context: Context, reply: Reply, code: ErrorCode, name: str = JOB) -> None:
    """The answer of a synchronous call whose job has failed is an error, the job's."""
    found = reply.json()
    context.require(FAILS, reply.status >= 400, "an HTTP error, since the job has failed", reply)
    status = found.get("OrthancStatus") if isinstance(found, dict) else None
    context.equal(FAILS, "OrthancStatus", int(code), status)
    context.equal(FAILS, "ErrorCode", int(code), context.job(name)["ErrorCode"])


# --- synchronous calls ------------------------------------------------------------------------


def synchronous() -> Iterator[Case]:
    yield Check("submit/synchronous/all-steps", WAITS, check=all_steps)
    yield Check("submit/synchronous/content", "submit/synchronous-content", check=result)
    yield Check("submit/synchronous/fails", FAILS, check=fails)
    yield Check("submit/synchronous/paused", WAITS, check=paused)
    yield Check("submit/synchronous/paused-and-canceled", FAILS, check=paused_and_canceled)
    yield Check("submit/synchronous/running-canceled", FAILS, check=running_canceled)
    yield Check("submit/synchronous/one-job", "submit/creates-job", check=one_job)


def all_steps(context: Context) -> None:
    """It waits for the whole job, not for a part of it."""
    call = begin(context, SYNCHRONOUS, 3)
    for _ in range(2):
        context.do(succeed(JOB))
        context.unanswered(call, WAITS, "no answer while steps are to come")
    context.do(succeed(JOB))
    content(context, context.answered(call, WAITS, "an answer, since the job has ended"))


def result(context: Context) -> None:
    """It answers what the job has come to."""
    call = begin(context, SYNCHRONOUS, 2)
    context.do(complete(JOB))
    content(context, context.answered(call, WAITS, "an answer, since the job has ended"))


def fails(context: Context) -> None:
    """It answers the error of its job."""
    call = begin(context, SYNCHRONOUS, 2)
    context.do(succeed(JOB), fail(JOB))
    error(context, context.answered(call, WAITS, "an answer"), ErrorCode.NETWORK_PROTOCOL)


def paused(context: Context) -> None:
    """It stays open while its job is Paused, and is answered when that was resumed and is done."""
    call = begin(context, SYNCHRONOUS, 3)
    for _ in range(2):
        context.do(act(Action.PAUSE, JOB), succeed(JOB))
        context.equal("monitor/state-paused", "State", State.PAUSED, context.job(JOB)["State"])
        context.unanswered(call, WAITS, "no answer while the job is Paused")
        context.do(act(Action.RESUME, JOB))
        context.unanswered(call, WAITS, "no answer while the job runs again")
    context.do(complete(JOB))
    content(context, context.answered(call, WAITS, "an answer, since the job has ended"))


def paused_and_canceled(context: Context) -> None:
    """A cancel of its Paused job ends it, with an error."""
    call = begin(context, SYNCHRONOUS, 2)
    context.do(act(Action.PAUSE, JOB), succeed(JOB))
    context.unanswered(call, WAITS, "no answer while the job is Paused")
    context.do(act(Action.CANCEL, JOB))
    error(context, context.answered(call, WAITS, "an answer"), ErrorCode.CANCELED_JOB)


def running_canceled(context: Context) -> None:
    """A cancel of its Running job ends it, when the step has ended, with an error."""
    call = begin(context, SYNCHRONOUS, 2)
    context.do(act(Action.CANCEL, JOB))
    context.unanswered(call, WAITS, "no answer while the step runs")
    context.do(succeed(JOB))
    error(context, context.answered(call, WAITS, "an answer"), ErrorCode.CANCELED_JOB)


def one_job(context: Context) -> None:
    """A call makes one job, and only one, also when it has been answered."""
    call = begin(context, SYNCHRONOUS)
    mine = [context.driver.jobs[JOB].id]
    context.equal("submit/creates-job", "the jobs of the call are", mine, context.made(JOB))
    context.do(complete(JOB))
    context.answered(call, WAITS, "an answer, since the job has ended")
    context.equal("submit/creates-job", "the jobs of the call are", mine, context.made(JOB))


# --- asynchronous calls -----------------------------------------------------------------------


def asynchronous() -> Iterator[Case]:
    yield Check("submit/asynchronous/at-once", AT_ONCE, check=at_once)
    yield Check("submit/asynchronous/handle", HANDLE, check=at_once)
    yield Check("submit/asynchronous/one-job", "submit/creates-job", check=only_one)
    for name, end in {"success": succeed(JOB), "failure": fail(JOB)}.items():
        steps = (submit(JOB, 2), read(JOB), succeed(JOB), read(JOB), end, read(JOB))
        yield Script(
            f"submit/asynchronous/monitored-{name}", "submit/asynchronous-monitored", steps
        )
    again = (submit(JOB), fail(JOB), act(Action.RESUBMIT, JOB), complete(JOB), read(JOB))
    yield Script("submit/processed", "queue/engine", again)


def at_once(context: Context) -> None:
    """The answer comes while the first of three steps is under way."""
    path, body = context.prepare(JOB, 3)
    call = context.call("POST", path, {**body, **ASYNCHRONOUS})
    handle(context, context.answered(call, AT_ONCE, "an answer while the job runs"))
    context.do(complete(JOB))


def only_one(context: Context) -> None:
    """It makes one job, and only one, also when that has ended."""
    path, body = context.prepare(JOB)
    handle(context, context.post(path, {**body, **ASYNCHRONOUS}))
    context.do(complete(JOB))
    mine = [context.driver.jobs[JOB].id]
    context.equal("submit/creates-job", "the jobs of the call are", mine, context.made(JOB))


# --- the priority -----------------------------------------------------------------------------


def priorities() -> Iterator[Case]:
    yield Check(
        "submit/priority/default", "submit/priority-default", check=partial(has_priority, None)
    )
    named = {"zero": 0, "positive": 7, "negative": -7, "highest": HIGHEST, "lowest": LOWEST}
    for name, value in named.items():
        check = partial(has_priority, value)
        yield Check(f"submit/priority/{name}", "submit/priority", check=check)
    for kind, value in TOO_LARGE.items():
        check = partial(refused_or_kept, value)
        yield Check(f"submit/priority-too-large/{kind}", "monitor/priority", check=check)
    for kind, wrong in NO_INTEGER.items():
        mode: Mode = {"Priority": wrong, "Asynchronous": True}
        check = partial(refused, "submit/priority-not-integer", mode)
        name = f"submit/priority-invalid/{kind}"
        yield Check(name, "submit/priority-not-integer", check=check, leaves=0)


def has_priority(value: int | None, context: Context) -> None:
    """The job reads as having the Priority that was given, or 0."""
    given: Mode = {} if value is None else {"Priority": value}
    broken = "submit/priority-default" if value is None else "submit/priority"
    path, body = context.prepare(JOB)
    reply = context.post(path, {**body, **ASYNCHRONOUS, **given})
    context.require(broken, reply.ok, "HTTP 200: the Priority is an integer of 32 bits", reply)
    shown = context.job(context.driver.answers.handle(reply, HANDLE).id).get("Priority")
    context.equal(broken, "Priority", value or 0, shown)
    handle(context, reply, priority=value or 0)
    context.do(complete(JOB))


def refused_or_kept(value: int, context: Context) -> None:
    """A Priority beyond 32 bits is refused, or the job has it: never another one."""
    path, body = context.prepare(JOB)
    reply = context.post(path, {**body, **ASYNCHRONOUS, "Priority": value})
    if not reply.ok:
        context.refused(JOB)
        goes_on(context)
        return
    shown = context.job(context.driver.answers.handle(reply, HANDLE).id)["Priority"]
    wraps = value < LOWEST and shown == HIGHEST
    context.require(
        "monitor/priority",
        shown == value,
        f"Priority {value}, or the call refused",
        f"Priority {shown}",
        Shortfall.PRIORITY_WRAPS if wraps else None,
    )
    handle(context, reply, priority=shown)
    context.do(complete(JOB))


# --- what is refused --------------------------------------------------------------------------


def refusals() -> Iterator[Case]:
    for kind, body in NO_BODY.items():
        check = partial(no_job, body)
        yield Check(f"submit/refused/{kind}", "submit/creates-job", check=check, leaves=0)


def refused(requirement: str, fields: Mode, context: Context) -> None:
    """A wrong field is answered 400, and makes no job."""
    path, body = context.prepare(JOB)
    reply = context.answered(
        context.call("POST", path, {**body, **fields}), requirement, "an answer"
    )
    context.equal(requirement, "the status is", 400, reply.status)
    context.refused(JOB, requirement)


def no_job(body: Any, context: Context) -> None:
    """A call that asks for nothing that there is makes no job."""
    path, _ = context.prepare(JOB)
    reply = context.post(path, body)
    context.require("submit/creates-job", not reply.ok, "an HTTP error", reply)
    context.refused(JOB)


def goes_on(context: Context) -> None:
    """After something was refused, a call is taken as before."""
    context.do(submit(OTHER), complete(OTHER))


# --- while every worker is held ---------------------------------------------------------------


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
    wakes up a call that waits for another job.
    """
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


# --- LimitJobs --------------------------------------------------------------------------------


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
