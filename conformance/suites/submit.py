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

from conformance.bench import AT_ONCE
from conformance.scene import Call, Scene
from conformance.servers.client import Reply
from conformance.steps import Do, Step, act, complete, fail, read, submit, succeed
from conformance.suites.case import (
    NEEDS_DELETE,
    NEEDS_EXCLUSIVE,
    NEEDS_MANAGED,
    Case,
    Profile,
    blocker_names,
    blockers,
    inapplicable,
)
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
    why = None if profile.exclusive or profile.deletes else NEEDS_DELETE
    for case in (*modes(), *synchronous(), *asynchronous(), *priorities(), *refusals()):
        yield replace(case, unreachable=why)
    for case in queued(profile):
        yield replace(case, unreachable=None if profile.exclusive else NEEDS_EXCLUSIVE)
    for case in limited(profile):
        closed = None if profile.managed else NEEDS_MANAGED
        yield replace(
            case,
            config={"LimitJobs": LIMIT},
            unreachable=inapplicable(profile, case.requirement) or closed,
        )


# --- the mode ---------------------------------------------------------------------------------


def modes() -> Iterator[Case]:
    yield Case("submit/default-synchronous", "submit/synchronous-default", check=partial(waits, {}))
    yield Case("submit/mode/true-absent", "submit/synchronous-field", check=_mode(True, None))
    yield Case("submit/mode/false-absent", "submit/synchronous-field", check=_mode(False, None))
    yield Case("submit/mode/absent-true", "submit/asynchronous-field", check=_mode(None, True))
    yield Case("submit/mode/absent-false", "submit/asynchronous-field", check=_mode(None, False))
    for first in (True, False):
        for second in (True, False):
            name = f"submit/mode/{first}-{second}".lower()
            yield Case(name, "submit/both-fields", check=_mode(first, second))
        name = f"submit/mode/{first}-invalid".lower()
        check = partial(waits if first else returns, {"Synchronous": first, "Asynchronous": "x"})
        yield Case(name, "submit/both-fields", check=check)
    for key in ("Synchronous", "Asynchronous"):
        for kind, value in NO_BOOLEAN.items():
            name = f"submit/mode-invalid/{key.lower()}-{kind}"
            check = partial(refused, "submit/mode-not-boolean", {key: value})
            yield Case(name, "submit/mode-not-boolean", check=check, leaves=0)
    both: Mode = {"Synchronous": "x", "Asynchronous": True}
    check = partial(refused, "submit/mode-not-boolean", both)
    name = "submit/mode/invalid-true"
    yield Case(name, "submit/mode-not-boolean", check=check, leaves=0)


def _mode(first: bool | None, second: bool | None) -> Callable[[Scene], None]:
    """The mode that the two fields choose together; None is an absent one."""
    named = {"Synchronous": first, "Asynchronous": second}
    mode: Mode = {key: value for key, value in named.items() if value is not None}
    return partial(waits if (first if first is not None else not second) else returns, mode)


def waits(mode: Mode, scene: Scene) -> None:
    """A synchronous call is answered when its job has ended, and not before."""
    broken = _chosen(mode)
    call = begin(scene, mode)
    scene.unanswered(call, broken, "no answer while the job runs")
    scene.do(complete(JOB))
    content(scene, scene.answered(call, WAITS, "an answer, since the job has ended"))


def returns(mode: Mode, scene: Scene) -> None:
    """An asynchronous call is answered while its job still runs."""
    path, body = scene.prepare(JOB)
    call = scene.call("POST", path, {**body, **mode})
    handle(scene, scene.answered(call, _chosen(mode), "an answer while the job runs"))
    scene.do(complete(JOB))


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


def begin(scene: Scene, mode: Mode, steps: int = 1, name: str = JOB) -> Call:
    """A call that waits for its job, which is on the server now."""
    path, body = scene.prepare(name, steps)
    call = scene.call("POST", path, {**body, **mode})
    scene.adopt(name)
    return call


def handle(scene: Scene, reply: Reply, name: str = JOB, priority: int = 0) -> None:
    """The answer of an asynchronous call is the handle of its job."""
    found = reply.json()
    named = isinstance(found, dict) and isinstance(found.get("ID"), str)
    scene.require(HANDLE, reply.ok and named, "HTTP 200 with the ID of the job", reply)
    scene.adopt(name, found["ID"], priority)
    scene.equal(HANDLE, "Path", f"/jobs/{found['ID']}", found.get("Path"))
    scene.equal("submit/creates-job", "the jobs of the call are", [found["ID"]], scene.made(name))


def content(scene: Scene, reply: Reply, name: str = JOB) -> None:
    """The answer of a synchronous call is the Content of its job."""
    scene.require(WAITS, reply.ok, "HTTP 200 with the result", reply)
    shown = scene.job(name)["Content"]
    scene.equal("submit/synchronous-content", "the answer is", shown, reply.json())


def error(scene: Scene, reply: Reply, code: ErrorCode, name: str = JOB) -> None:
    """The answer of a synchronous call whose job has failed is an error, the job's."""
    found = reply.json()
    scene.require(FAILS, reply.status >= 400, "an HTTP error, since the job has failed", reply)
    status = found.get("OrthancStatus") if isinstance(found, dict) else None
    scene.equal(FAILS, "OrthancStatus", int(code), status)
    scene.equal(FAILS, "ErrorCode", int(code), scene.job(name)["ErrorCode"])


# --- synchronous calls ------------------------------------------------------------------------


def synchronous() -> Iterator[Case]:
    yield Case("submit/synchronous/all-steps", WAITS, check=all_steps)
    yield Case("submit/synchronous/content", "submit/synchronous-content", check=result)
    yield Case("submit/synchronous/fails", FAILS, check=fails)
    yield Case("submit/synchronous/paused", WAITS, check=paused)
    yield Case("submit/synchronous/paused-and-canceled", FAILS, check=paused_and_canceled)
    yield Case("submit/synchronous/running-canceled", FAILS, check=running_canceled)
    yield Case("submit/synchronous/one-job", "submit/creates-job", check=one_job)


def all_steps(scene: Scene) -> None:
    """It waits for the whole job, not for a part of it."""
    call = begin(scene, SYNCHRONOUS, 3)
    for _ in range(2):
        scene.do(succeed(JOB))
        scene.unanswered(call, WAITS, "no answer while steps are to come")
    scene.do(succeed(JOB))
    content(scene, scene.answered(call, WAITS, "an answer, since the job has ended"))


def result(scene: Scene) -> None:
    """It answers what the job has come to."""
    call = begin(scene, SYNCHRONOUS, 2)
    scene.do(complete(JOB))
    content(scene, scene.answered(call, WAITS, "an answer, since the job has ended"))


def fails(scene: Scene) -> None:
    """It answers the error of its job."""
    call = begin(scene, SYNCHRONOUS, 2)
    scene.do(succeed(JOB), fail(JOB))
    error(scene, scene.answered(call, WAITS, "an answer"), ErrorCode.NETWORK_PROTOCOL)


def paused(scene: Scene) -> None:
    """It stays open while its job is Paused, and is answered when that was resumed and is done."""
    call = begin(scene, SYNCHRONOUS, 3)
    for _ in range(2):
        scene.do(act(Action.PAUSE, JOB), succeed(JOB))
        scene.equal("monitor/state-paused", "State", State.PAUSED, scene.job(JOB)["State"])
        scene.unanswered(call, WAITS, "no answer while the job is Paused")
        scene.do(act(Action.RESUME, JOB))
        scene.unanswered(call, WAITS, "no answer while the job runs again")
    scene.do(complete(JOB))
    content(scene, scene.answered(call, WAITS, "an answer, since the job has ended"))


def paused_and_canceled(scene: Scene) -> None:
    """A cancel of its Paused job ends it, with an error."""
    call = begin(scene, SYNCHRONOUS, 2)
    scene.do(act(Action.PAUSE, JOB), succeed(JOB))
    scene.unanswered(call, WAITS, "no answer while the job is Paused")
    scene.do(act(Action.CANCEL, JOB))
    error(scene, scene.answered(call, WAITS, "an answer"), ErrorCode.CANCELED_JOB)


def running_canceled(scene: Scene) -> None:
    """A cancel of its Running job ends it, when the step has ended, with an error."""
    call = begin(scene, SYNCHRONOUS, 2)
    scene.do(act(Action.CANCEL, JOB))
    scene.unanswered(call, WAITS, "no answer while the step runs")
    scene.do(succeed(JOB))
    error(scene, scene.answered(call, WAITS, "an answer"), ErrorCode.CANCELED_JOB)


def one_job(scene: Scene) -> None:
    """A call makes one job, and only one, also when it has been answered."""
    call = begin(scene, SYNCHRONOUS)
    mine = [scene.bench.jobs[JOB].id]
    scene.equal("submit/creates-job", "the jobs of the call are", mine, scene.made(JOB))
    scene.do(complete(JOB))
    scene.answered(call, WAITS, "an answer, since the job has ended")
    scene.equal("submit/creates-job", "the jobs of the call are", mine, scene.made(JOB))


# --- asynchronous calls -----------------------------------------------------------------------


def asynchronous() -> Iterator[Case]:
    yield Case("submit/asynchronous/at-once", AT_ONCE, check=at_once)
    yield Case("submit/asynchronous/handle", HANDLE, check=at_once)
    yield Case("submit/asynchronous/one-job", "submit/creates-job", check=only_one)
    for name, end in {"success": succeed(JOB), "failure": fail(JOB)}.items():
        steps = (submit(JOB, 2), read(JOB), succeed(JOB), read(JOB), end, read(JOB))
        yield Case(f"submit/asynchronous/monitored-{name}", "submit/asynchronous-monitored", steps)
    again = (submit(JOB), fail(JOB), act(Action.RESUBMIT, JOB), complete(JOB), read(JOB))
    yield Case("submit/processed", "queue/engine", again)


def at_once(scene: Scene) -> None:
    """The answer comes while the first of three steps is under way."""
    path, body = scene.prepare(JOB, 3)
    call = scene.call("POST", path, {**body, **ASYNCHRONOUS})
    handle(scene, scene.answered(call, AT_ONCE, "an answer while the job runs"))
    scene.do(complete(JOB))


def only_one(scene: Scene) -> None:
    """It makes one job, and only one, also when that has ended."""
    path, body = scene.prepare(JOB)
    handle(scene, scene.post(path, {**body, **ASYNCHRONOUS}))
    scene.do(complete(JOB))
    mine = [scene.bench.jobs[JOB].id]
    scene.equal("submit/creates-job", "the jobs of the call are", mine, scene.made(JOB))


# --- the priority -----------------------------------------------------------------------------


def priorities() -> Iterator[Case]:
    yield Case(
        "submit/priority/default", "submit/priority-default", check=partial(has_priority, None)
    )
    named = {"zero": 0, "positive": 7, "negative": -7, "highest": HIGHEST, "lowest": LOWEST}
    for name, value in named.items():
        check = partial(has_priority, value)
        yield Case(f"submit/priority/{name}", "submit/priority", check=check)
    for kind, value in TOO_LARGE.items():
        check = partial(refused_or_kept, value)
        yield Case(f"submit/priority-too-large/{kind}", "monitor/priority", check=check)
    for kind, wrong in NO_INTEGER.items():
        mode: Mode = {"Priority": wrong, "Asynchronous": True}
        check = partial(refused, "submit/priority-not-integer", mode)
        name = f"submit/priority-invalid/{kind}"
        yield Case(name, "submit/priority-not-integer", check=check, leaves=0)


def has_priority(value: int | None, scene: Scene) -> None:
    """The job reads as having the Priority that was given, or 0."""
    given: Mode = {} if value is None else {"Priority": value}
    broken = "submit/priority-default" if value is None else "submit/priority"
    path, body = scene.prepare(JOB)
    reply = scene.post(path, {**body, **ASYNCHRONOUS, **given})
    scene.require(broken, reply.ok, "HTTP 200: the Priority is an integer of 32 bits", reply)
    shown = scene.job(str((reply.json() or {}).get("ID"))).get("Priority")
    scene.equal(broken, "Priority", value or 0, shown)
    handle(scene, reply, priority=value or 0)
    scene.do(complete(JOB))


def refused_or_kept(value: int, scene: Scene) -> None:
    """A Priority beyond 32 bits is refused, or the job has it: never another one."""
    path, body = scene.prepare(JOB)
    reply = scene.post(path, {**body, **ASYNCHRONOUS, "Priority": value})
    found = reply.json()
    if not reply.ok or not isinstance(found, dict):
        scene.refused(JOB)
        goes_on(scene)
        return
    shown = scene.job(str(found.get("ID"))).get("Priority")
    wraps = value < LOWEST and shown == HIGHEST
    scene.require(
        "monitor/priority",
        shown == value,
        f"Priority {value}, or the call refused",
        f"Priority {shown}",
        Shortfall.PRIORITY_WRAPS if wraps else None,
    )
    handle(scene, reply, priority=shown if isinstance(shown, int) else 0)
    scene.do(complete(JOB))


# --- what is refused --------------------------------------------------------------------------


def refusals() -> Iterator[Case]:
    for kind, body in NO_BODY.items():
        check = partial(no_job, body)
        yield Case(f"submit/refused/{kind}", "submit/creates-job", check=check, leaves=0)


def refused(requirement: str, fields: Mode, scene: Scene) -> None:
    """A wrong field is answered 400, and makes no job."""
    path, body = scene.prepare(JOB)
    reply = scene.answered(scene.call("POST", path, {**body, **fields}), requirement, "an answer")
    scene.equal(requirement, "the status is", 400, reply.status)
    scene.refused(JOB, requirement)


def no_job(body: Any, scene: Scene) -> None:
    """A call that asks for nothing that there is makes no job."""
    path, _ = scene.prepare(JOB)
    reply = scene.post(path, body)
    scene.require("submit/creates-job", not reply.ok, "an HTTP error", reply)
    scene.refused(JOB)


def goes_on(scene: Scene) -> None:
    """After something was refused, a call is taken as before."""
    scene.do(submit(OTHER), complete(OTHER))


# --- while every worker is held ---------------------------------------------------------------


def queued(profile: Profile) -> Iterator[Case]:
    idle = (*blockers(profile), *(read(name) for name in blocker_names(profile)))
    yield Case("submit/free-worker", "queue/free-worker-takes", idle)
    for name, broken, check in (
        ("pending-first", "queue/pending-first", pending_first),
        ("synchronous/behind-others", WAITS, behind_others),
        ("synchronous/several", WAITS, several),
        ("synchronous/pending-canceled", FAILS, pending_canceled),
        ("synchronous/pending-paused", WAITS, pending_paused),
        ("asynchronous/behind-others", AT_ONCE, while_busy),
    ):
        yield Case(f"submit/{name}", broken, check=partial(check, profile))


def pending_first(profile: Profile, scene: Scene) -> None:
    """A new job is put into the queue, and stays there while no worker is free."""
    scene.do(*blockers(profile))
    path, body = scene.prepare(JOB)
    reply = scene.post(path, {**body, **ASYNCHRONOUS})
    shown = scene.job(str((reply.json() or {}).get("ID"))).get("State")
    scene.equal("queue/pending-first", "State", State.PENDING, shown)
    handle(scene, reply)
    scene.pass_time(scene.grace)
    scene.do(read(JOB))


def behind_others(profile: Profile, scene: Scene) -> None:
    """A synchronous call waits for its turn as well."""
    scene.do(*blockers(profile))
    call = begin(scene, SYNCHRONOUS)
    scene.unanswered(call, WAITS, "no answer while the job is Pending")
    scene.do(complete(blocker_names(profile)[0]))
    scene.unanswered(call, WAITS, "no answer while the job runs")
    scene.do(complete(JOB))
    content(scene, scene.answered(call, WAITS, "an answer, since the job has ended"))


def several(profile: Profile, scene: Scene) -> None:
    """Of several calls that wait, each is answered at the end of its own job, whichever is first.

    The job that ends first is neither the oldest nor the newest one: so it shows when a server
    wakes up a call that waits for another job.
    """
    calls = {name: begin(scene, SYNCHRONOUS, name=name) for name in ("A", "B", "C", "D")}
    scene.do(act(Action.CANCEL, "C"))
    others = [calls[name] for name in "ABD"]
    expected = "an answer, since job C has been canceled"
    error(scene, scene.answered(calls["C"], WAITS, expected), ErrorCode.CANCELED_JOB, "C")
    early = any(call.ended() for call in others)
    scene.require(WAITS, not early, "no answer to the other calls", "another call is answered")
    for name in "ABD":
        scene.do(complete(name))
        expected = f"an answer, since job {name} has ended"
        content(scene, scene.answered(calls[name], WAITS, expected), name)


def pending_canceled(profile: Profile, scene: Scene) -> None:
    """A cancel of its Pending job ends it, with an error, although no worker is free."""
    scene.do(*blockers(profile))
    call = begin(scene, SYNCHRONOUS)
    scene.do(act(Action.CANCEL, JOB))
    error(scene, scene.answered(call, WAITS, "an answer"), ErrorCode.CANCELED_JOB)


def pending_paused(profile: Profile, scene: Scene) -> None:
    """It stays open when its job is paused before its first step."""
    scene.do(*blockers(profile))
    call = begin(scene, SYNCHRONOUS)
    scene.do(act(Action.PAUSE, JOB), *(complete(name) for name in blocker_names(profile)))
    scene.unanswered(call, WAITS, "no answer while the job is Paused")
    scene.do(act(Action.RESUME, JOB), complete(JOB))
    content(scene, scene.answered(call, WAITS, "an answer, since the job has ended"))


def while_busy(profile: Profile, scene: Scene) -> None:
    """An asynchronous call is answered although its job cannot start."""
    scene.do(*blockers(profile))
    path, body = scene.prepare(JOB)
    call = scene.call("POST", path, {**body, **ASYNCHRONOUS})
    handle(scene, scene.answered(call, AT_ONCE, "an answer while the job is Pending"))
    scene.equal("monitor/state-pending", "State", State.PENDING, scene.job(JOB)["State"])


# --- LimitJobs --------------------------------------------------------------------------------


def limited(profile: Profile) -> Iterator[Case]:
    full = ("P1", "P2")
    for name, mode in {"asynchronous": ASYNCHRONOUS, "synchronous": SYNCHRONOUS}.items():
        yield Case(
            f"submit/limit-jobs/blocks-{name}",
            "queue/limit-jobs-blocks",
            check=partial(blocks, profile, mode),
        )
    yield Case("submit/limit-jobs/size", "queue/limit-jobs", check=partial(size, profile))
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
    yield Case("submit/limit-jobs/resume-resubmit", "queue/limit-jobs-submissions-only", left_alone)
    many = (*blockers(profile), *(submit(f"P{n + 1}") for n in range(LIMIT + 4)), Step(Do.LIST))
    yield Case("submit/no-limit", "queue/no-limit", many)


def fill(profile: Profile, scene: Scene) -> None:
    """Fill the queue. Jobs that are not Pending take no place in it."""
    scene.do(submit("F"), fail("F"), submit("Q", 2), act(Action.PAUSE, "Q"), succeed("Q"))
    scene.do(*blockers(profile))
    for number in range(LIMIT):
        name = f"P{number + 1}"
        path, body = scene.prepare(name)
        call = scene.call("POST", path, {**body, **ASYNCHRONOUS})
        expected = f"an answer: {number} jobs are Pending, and LimitJobs is {LIMIT}"
        handle(scene, scene.answered(call, "queue/limit-jobs", expected), name)


def size(profile: Profile, scene: Scene) -> None:
    """The queue takes as many Pending jobs as LimitJobs says, and not one more."""
    fill(profile, scene)
    path, body = scene.prepare(JOB)
    call = scene.call("POST", path, {**body, **ASYNCHRONOUS})
    if ignored(scene, call, "queue/limit-jobs"):
        return
    scene.equal("queue/limit-jobs", "the jobs of the call are", [], scene.made(JOB))
    scene.do(complete(blocker_names(profile)[0]))
    handle(scene, scene.answered(call, "queue/limit-jobs-blocks", "an answer: a job has finished"))


def blocks(profile: Profile, mode: Mode, scene: Scene) -> None:
    """A call waits, and is not refused, until some job finishes; then it goes on."""
    fill(profile, scene)
    path, body = scene.prepare(JOB)
    call = scene.call("POST", path, {**body, **mode})
    if ignored(scene, call, "queue/limit-jobs-blocks"):
        return
    scene.do(complete(blocker_names(profile)[0]))
    if mode is ASYNCHRONOUS:
        expected = "an answer, since a job has finished"
        handle(scene, scene.answered(call, "queue/limit-jobs-blocks", expected))
        return
    scene.adopt(JOB)
    scene.unanswered(call, WAITS, "no answer while the job is Pending")
    scene.do(*(complete(name) for name in (*blocker_names(profile)[1:], "P1", "P2", JOB)))
    content(scene, scene.answered(call, WAITS, "an answer, since the job has ended"))


def ignored(scene: Scene, call: Call, requirement: str) -> bool:
    """Whether the server takes a job for which its queue has no room, or refuses it.

    A synchronous call shows that by its job, since it is not answered in either case.
    """
    expected = f"no answer and no job yet: LimitJobs is {LIMIT}, and so many jobs are Pending"
    scene.pass_time(scene.grace)
    made = scene.made(JOB)
    if not call.ended() and not made:
        return False
    known = Shortfall.LIMIT_JOBS_IGNORED if made else None
    shown = "the job is in the queue" if made else str(call.answer())
    scene.require(requirement, False, expected, shown, known)
    scene.adopt(JOB, made[0])
    return True
