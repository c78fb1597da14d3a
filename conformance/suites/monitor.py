"""`monitor/`: what a caller reads of jobs: each field, each listing, and what reading never does.

What holds in every reading of every case is in `conformance.oracle.fields`. Here are the
readings that show it in each state, and what only shows over time or beside another reading.

A time is required of the server between bounds that were measured here: at least from the
arrival of a step to its reply, at most from the request that began a run to the reading that
saw its end. So a slow machine makes the bounds wider, and no right server wrong.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from conformance.driver.context import Context
from conformance.driver.script import (
    UNKNOWN_JOB,
    Do,
    Step,
    act,
    complete,
    fail,
    read,
    retry_later,
    submit,
    succeed,
    wait_for,
)
from conformance.oracle.fields import ROUNDED, parse, slack
from conformance.suites.action import JOB, reach, to_reach
from conformance.suites.case import (
    OFTEN,
    Case,
    Check,
    Checking,
    Script,
    blocker_names,
    blockers,
)
from conformance.suites.needs import EXCLUSIVE, REMOVAL, documented
from conformance.sut.profile import Profile
from conformance.timing import TIMING
from spec.relaxations import Shortfall
from spec.table import ACTIONS, Action, State

EXPAND, LIST = Step(Do.EXPAND), Step(Do.LIST)
MANY = 7  # steps of a job whose Progress does not come out even
RUNS = 0.1  # seconds for which a step is held, so that a runtime of it shows
RESTS = 0.2  # seconds for which a job does not run, at least
LONGER = 3  # times as long as what the bounds leave open
STAYS = 1.2  # seconds for which what no action concerns is watched
TRIES = 3  # a server's clock is set at most so often, one after the other
GOES_ON = 0.03  # seconds between two Timestamps
# The fields of the page's example, each with a type that it has there.
FIELDS: dict[str, type | tuple[type, ...]] = {
    "Content": dict,
    "CreationTime": str,
    "EffectiveRuntime": (int, float),
    "ErrorCode": int,
    "ErrorDescription": str,
    "ID": str,
    "Priority": int,
    "Progress": int,
    "State": str,
    "Timestamp": str,
    "Type": str,
}
MOVING = frozenset({"Timestamp", "EstimatedTimeOfArrival"})  # they differ from reading to reading
NO_IDS = ("no-such-job", "00000000-0000-4000-8000-000000000000", "%20", "0", "x" * 300)
RUNTIME = "monitor/effective-runtime"


def cases(profile: Profile) -> Iterator[Case]:
    for case in (*states(profile), *fields(profile), *listings(profile), *methods(), *over_time()):
        yield replace(case, needs=(*case.needs, REMOVAL)) if case.makes_job else case
    for case in (*alone(profile), runtime_pending(profile)):
        yield replace(case, needs=(EXCLUSIVE,))
    yield Check("monitor/times-utc", "monitor/times-utc", check=in_utc)
    name = "monitor/error-details"
    needs = (documented(name), REMOVAL)
    yield Check(name, name, check=error_details, needs=needs, leaves=2)


# --- the states -------------------------------------------------------------------------------


def states(profile: Profile) -> Iterator[Case]:
    """What each State means: a job is read in it, and nothing of it moves meanwhile."""
    for state in State:
        steps = (*reach(state, profile), read(JOB), EXPAND, read(JOB))
        name = f"monitor/state-{state.lower()}"
        yield Script(f"monitor/state/{state}".lower(), name, steps, watch=True)
    walk = (
        submit(JOB, 3),
        *(step for _ in range(2) for step in (succeed(JOB), read(JOB), EXPAND)),
        fail(JOB),
        act(Action.RESUBMIT, JOB),
        act(Action.PAUSE, JOB),
        succeed(JOB),
        act(Action.RESUME, JOB),
        complete(JOB),
        read(JOB),
    )
    yield Script("monitor/state/all", "monitor/state", walk)
    yield Check("monitor/retry-unused", "monitor/retry-unused", check=retry_unused)
    for state, ends in {
        State.SUCCESS: (succeed(JOB), succeed(JOB)),
        State.FAILURE: (fail(JOB),),
    }.items():
        polled = (submit(JOB, 2), read(JOB), *ends, wait_for(JOB, state), read(JOB))
        yield Script(f"monitor/polling/{state}".lower(), "monitor/polling", polled, watch=True)


def retry_unused(context: Context) -> None:
    """A failed step leads to Retry only on a server that says so."""
    context.do(submit(JOB), fail(JOB))
    state = context.job(JOB)["State"]
    context.require(
        "monitor/retry-unused",
        state != State.RETRY or context.profile.retry,
        f"no job in {State.RETRY}: this server does not say that it uses it",
        f"State {state}",
    )


# --- the fields -------------------------------------------------------------------------------


def fields(profile: Profile) -> Iterator[Case]:
    for state in State:
        name = f"monitor/fields/{state}".lower()
        check = partial(all_fields, reach(state, profile))
        yield Check(name, "monitor/job", check=check, needs=to_reach(state))
    canceled = (submit(JOB, 2), act(Action.CANCEL, JOB), succeed(JOB), read(JOB))
    for name, steps in {
        "monitor/error-code": (submit(JOB, 2), succeed(JOB), fail(JOB), read(JOB)),
        "monitor/error-code-step": (submit(JOB), fail(JOB), read(JOB), EXPAND),
        "monitor/error-code-cancelled": canceled,
        "monitor/id": (submit(JOB), read(JOB), EXPAND, complete(JOB), read(JOB)),
        "monitor/type": (submit(JOB), read(JOB), EXPAND, complete(JOB), read(JOB)),
        "monitor/priority": (
            submit(JOB, 2, -3),
            read(JOB),
            fail(JOB),
            act(Action.RESUBMIT, JOB),
            read(JOB),
            complete(JOB),
            read(JOB),
        ),
        "monitor/progress": (
            submit(JOB, 4),
            *(step for _ in range(4) for step in (read(JOB), succeed(JOB), read(JOB))),
        ),
        "monitor/progress-rounded": (
            submit(JOB, MANY),
            *(step for _ in range(MANY) for step in (succeed(JOB), read(JOB))),
        ),
        "monitor/progress-after-failure": (submit(JOB, 3), succeed(JOB), fail(JOB), read(JOB)),
        "monitor/creation-time": (
            submit(JOB, 2),
            act(Action.PAUSE, JOB),
            succeed(JOB),
            act(Action.RESUME, JOB),
            fail(JOB),
            act(Action.RESUBMIT, JOB),
            complete(JOB),
            read(JOB),
        ),
    }.items():
        yield Script(f"monitor/field/{name.removeprefix('monitor/')}", name, steps)
    checks: dict[str, Checking] = {
        "completion-time": completion_time,
        "content": content,
        "error-description": error_description,
        "timestamp": timestamp,
    }
    for name, made in checks.items():
        leaves = 2 if made is error_description else 1
        yield Check(f"monitor/field/{name}", f"monitor/{name}", check=made, leaves=leaves)


def all_fields(steps: tuple[Step, ...], context: Context) -> None:
    """Each field of the page's example is there, in every state, with its type."""
    context.do(*steps)
    shown = context.job(JOB)
    for name, right in FIELDS.items():
        value = shown.get(name)
        context.require(
            "monitor/job",
            isinstance(value, right) and not isinstance(value, bool),
            f"a field {name}, as in the example",
            f"{name} {value!r}",
        )


def completion_time(context: Context) -> None:
    """It is there from the end of the job to a resubmit, and then that of the second end."""
    context.do(submit(JOB, 2), read(JOB), fail(JOB))
    first = context.job(JOB)
    context.pass_time(GOES_ON)
    again = context.job(JOB)
    broken = "monitor/completion-time"
    then = first.get("CompletionTime")
    context.equal(broken, "CompletionTime", then, again.get("CompletionTime"))
    context.do(act(Action.RESUBMIT, JOB), read(JOB), complete(JOB))
    second = context.job(JOB).get("CompletionTime")
    context.require(
        broken, second != then, "the time of the second end", f"CompletionTime {second}"
    )


def content(context: Context) -> None:
    """It holds what was asked for, and keeps it to the end and beyond."""
    context.do(submit(JOB, 3))
    broken = "monitor/content"
    given = context.job(JOB)["Content"]
    mark = context.driver.jobs[JOB].slot.mark
    context.require(broken, mark in str(given), "the peer that the job sends to", given)
    context.do(succeed(JOB), read(JOB), act(Action.PAUSE, JOB), succeed(JOB), read(JOB))
    context.do(act(Action.RESUME, JOB), complete(JOB))
    kept = context.job(JOB)["Content"]
    context.require(broken, mark in str(kept), "the peer that the job has sent to", kept)
    context.require(broken, set(given) <= set(kept), f"the fields {sorted(given)}", sorted(kept))


def error_description(context: Context) -> None:
    """Another error has another text; without an error it is that of the example."""
    said = {}
    for name, steps in {
        "F": (submit("F"), fail("F")),
        "C": (submit("C", 2), act(Action.CANCEL, "C"), succeed("C")),
    }.items():
        context.do(*steps)
        said[name] = context.job(name)["ErrorDescription"]
    different = said["F"] != said["C"]
    context.require(
        "monitor/error-description", different, "two texts for two errors", f"twice {said['F']!r}"
    )


def error_details(context: Context) -> None:
    """A job has it whether it has failed or not."""
    context.do(submit(JOB))
    for steps in ((), (fail(JOB),), (act(Action.RESUBMIT, JOB), complete(JOB))):
        context.do(*steps)
        said = context.job(JOB).get("ErrorDetails")
        expected = "ErrorDetails, a text"
        context.require("monitor/error-details", isinstance(said, str), expected, repr(said))


def timestamp(context: Context) -> None:
    """It goes on as time does, although the job does not. A clock may be set meanwhile, but
    not each time.
    """
    context.do(submit(JOB), fail(JOB))
    for left in reversed(range(TRIES)):
        first, begun = parse(context.job(JOB)["Timestamp"]), context.driver.answers.asked
        context.pass_time(GOES_ON)
        second, ended = parse(context.job(JOB)["Timestamp"]), context.driver.answers.asked
        if first is None or second is None:
            return  # and the readings have said so
        passed = second.seconds - first.seconds
        least, most = ended.before - begun.after, ended.after - begun.before
        allowed = slack(most) + first.resolution
        if least - allowed <= passed <= most + allowed:
            return
        expected = f"{least:.3f} to {most:.3f} s after Timestamp {first.text}"
        context.require("monitor/timestamp", left > 0, expected, f"Timestamp {second.text}")


def in_utc(context: Context) -> None:
    """A server of our own reads the same clock, and is told that its time zone is another."""
    context.do(submit(JOB), read(JOB), complete(JOB), read(JOB))


# --- the listings -----------------------------------------------------------------------------


def listings(profile: Profile) -> Iterator[Case]:
    for state in State:
        check = partial(agrees, reach(state, profile))
        name = f"monitor/agree/{state}".lower()
        yield Check(name, "monitor/list-expand", check=check, needs=to_reach(state))
    steps = (submit(JOB), LIST, EXPAND, complete(JOB), LIST, EXPAND)
    yield Script("monitor/list", "monitor/list", steps)
    yield Check("monitor/unknown-job", "monitor/unknown-job", check=unknown_job, leaves=0)
    yield Script("monitor/unknown-job/read", "monitor/unknown-job", (read(UNKNOWN_JOB),))


def alone(profile: Profile) -> Iterator[Case]:
    """Jobs in all states at once."""
    steps = (
        submit("S"),
        complete("S"),
        submit("F", 2),
        succeed("F"),
        fail("F"),
        submit("U", 3),
        act(Action.PAUSE, "U"),
        succeed("U"),
        *((submit("T"), retry_later("T")) if profile.retry else ()),
        *blockers(profile, 2),
        succeed(blocker_names(profile)[0]),
        submit("P", 1, -4),
    )
    yield Check("monitor/agree/all", "monitor/list-expand", check=partial(agrees, steps))


def agrees(steps: tuple[Step, ...], context: Context) -> None:
    """`/jobs`, `/jobs?expand` and `/jobs/{id}` say the same of every job."""
    context.do(*steps)
    expanded = context.driver.answers.jobs()
    ids = context.jobs()
    for name, job in context.driver.jobs.items():
        context.equal("monitor/list", f"how often /jobs lists {name}", 1, ids.count(job.id))
        found = expanded.get(job.id)
        context.require(
            "monitor/list-expand", found is not None, f"{name} in /jobs?expand", "no such job"
        )
        shown = context.job(name)
        moving = MOVING | ({"EffectiveRuntime"} if shown["State"] == State.RUNNING else set())
        assert found is not None
        for key in sorted({*found, *shown} - moving):
            context.equal(
                "monitor/list-expand", f"{key} of {name} is", shown.get(key), found.get(key)
            )


def unknown_job(context: Context) -> None:
    """Whatever is no id of a job names none."""
    for id in NO_IDS:
        reply = context.get(f"/jobs/{id}")
        context.equal(
            "monitor/unknown-job", f"the status of GET /jobs/{id[:40]} is", 404, reply.status
        )


# --- methods ----------------------------------------------------------------------------------


def methods() -> Iterator[Case]:
    for state in (State.RUNNING, State.PAUSED, State.FAILURE):
        for name, check in {
            "method-not-allowed": not_allowed,
            "unknown-action": no_action,
        }.items():
            steps = _reached(state)
            made = partial(check, steps)
            yield Check(f"monitor/{name}/{state}".lower(), f"monitor/{name}", check=made)


def _reached(state: State) -> tuple[Step, ...]:
    """Steps to a state which leave the workers alone."""
    return reach(state, Profile(exclusive=False))


def not_allowed(steps: tuple[Step, ...], context: Context) -> None:
    """Reading and acting are the only things that can be done there."""
    context.do(*steps)
    job = f"/jobs/{context.driver.jobs[JOB].id}"
    tried = [("POST", "/jobs"), ("PUT", "/jobs"), ("DELETE", "/jobs"), ("POST", job), ("PUT", job)]
    for method, path in (*tried, *(("PUT", f"{job}/{action}") for action in ACTIONS)):
        body: Any = {} if method != "DELETE" else None
        _changes_nothing(context, method, path, body, "monitor/method-not-allowed", 405)
    for action in ACTIONS:  # whatever it is taken for, it is no action
        for method in ("GET", "DELETE"):
            _changes_nothing(context, method, f"{job}/{action}", None, "monitor/method-not-allowed")


def no_action(steps: tuple[Step, ...], context: Context) -> None:
    """What is no action is refused."""
    context.do(*steps)
    job = f"/jobs/{context.driver.jobs[JOB].id}"
    for name in ("nonsense", "Cancel", "stop", "cancelled"):
        _changes_nothing(context, "POST", f"{job}/{name}", {}, "monitor/unknown-action", 405)


def _changes_nothing(
    context: Context, method: str, path: str, body: Any, requirement: str, status: int | None = None
) -> None:
    reply = context.ask(method, path, body)
    shown = path.replace(context.driver.jobs[JOB].id, "{id}")
    if status is not None:
        context.equal(requirement, f"the status of {method} {shown} is", status, reply.status)
    context.require(requirement, not reply.ok, f"{method} {shown} refused", reply)
    context.job(JOB)  # the oracle knows of no action, so it must be as it was


# --- over time --------------------------------------------------------------------------------


def over_time() -> Iterator[Case]:
    yield Check("monitor/effective-runtime/grows", RUNTIME, check=runtime_grows)
    yield Check("monitor/effective-runtime/paused", RUNTIME, check=runtime_paused)
    restarts = "monitor/effective-runtime-restarts"
    yield Check("monitor/effective-runtime/restarts", restarts, check=runtime_restarts)
    yield Check("monitor/effective-runtime/often", RUNTIME, check=runtime_often)
    yield Check("monitor/estimated-time", "monitor/estimated-time", check=estimated_time)
    yield Check("monitor/stays", "monitor/state-paused", check=stays, leaves=3)


@dataclass
class Bounds:
    """How long a job ran, in seconds: at least and at most."""

    least: float = 0.0
    most: float = 0.0

    def of(self, runtime: float) -> bool:
        allowed = slack(self.most)
        return self.least - allowed <= runtime <= self.most + allowed + ROUNDED

    def __add__(self, other: Bounds) -> Bounds:
        return Bounds(self.least + other.least, self.most + other.most)

    def __str__(self) -> str:
        return f"EffectiveRuntime {self.least:.3f} to {self.most:.3f} s"


def _run(context: Context, held: float, begins: tuple[Step, ...], ends: tuple[Step, ...]) -> Bounds:
    """How long a job runs whose step is held for ``held`` seconds, and which then rests."""
    begun = time.monotonic()
    context.do(*begins)
    arrived = time.monotonic()
    if held:
        context.pass_time(held)
    left = time.monotonic()
    context.do(*ends)
    return Bounds(left - arrived, time.monotonic() - begun)


def _runtime(context: Context, bounds: Bounds, known: dict[Shortfall, Bounds]) -> None:
    """The runtime lies within the bounds; or, by a name of its own, within others."""
    runtime = context.job(JOB)["EffectiveRuntime"]
    names = [name for name, other in known.items() if other.of(runtime)]
    context.require(
        RUNTIME,
        bounds.of(runtime),
        str(bounds),
        f"EffectiveRuntime {runtime}",
        names[0] if names else None,
    )


def runtime_grows(context: Context) -> None:
    """Over two steps it grows; when a step has ended at the latest, it includes that step."""
    begun = time.monotonic()
    context.do(submit(JOB, 2))
    arrived = time.monotonic()
    context.pass_time(RUNS)
    left = time.monotonic()
    context.do(succeed(JOB))
    shown = context.job(JOB)["EffectiveRuntime"]
    one = Bounds(left - arrived, time.monotonic() - begun)
    step = Bounds(0.0, time.monotonic() - left)
    known = Shortfall.RUNTIME_OF_THE_STEP if step.of(shown) else None
    context.require(RUNTIME, one.of(shown), str(one), f"EffectiveRuntime {shown}", known)
    context.pass_time(RUNS)
    left = time.monotonic()
    context.do(succeed(JOB))
    both = Bounds(left - arrived, time.monotonic() - begun)
    _runtime(context, both, {})


def runtime_paused(context: Context) -> None:
    """The time for which a job is Paused does not count, however long; what was before it does."""
    begins, ends = (submit(JOB, 2), act(Action.PAUSE, JOB)), (succeed(JOB),)
    first = _run(context, RESTS, begins, ends)
    context.pass_time(max(RESTS, LONGER * (first.most - first.least)))
    _runtime(context, first, {})
    second = _run(context, 0.0, (act(Action.RESUME, JOB),), (complete(JOB),))
    _runtime(context, first + second, {})


def runtime_pending(profile: Profile) -> Case:
    check = partial(_runtime_pending, profile)
    return Check("monitor/effective-runtime/pending", RUNTIME, check=check)


def _runtime_pending(profile: Profile, context: Context) -> None:
    """The time for which a job waits for a worker does not count."""
    context.do(*blockers(profile), submit(JOB))
    waits = time.monotonic()
    context.pass_time(RESTS)
    waited = Bounds(time.monotonic() - waits, time.monotonic() - waits)
    _runtime(context, Bounds(), {})
    run = _run(context, 0.0, (complete(blocker_names(profile)[0]),), (complete(JOB),))
    before = Bounds(0.0, LONGER * run.most)  # from the submission to the wait
    _runtime(context, run, {Shortfall.PENDING_TIME_COUNTED: run + waited + before})


def runtime_restarts(context: Context) -> None:
    """A resubmitted job starts over, and so does the time for which it runs."""
    first = _run(context, RESTS, (submit(JOB),), (fail(JOB),))
    _runtime(context, first, {})
    second = _run(context, 0.0, (act(Action.RESUBMIT, JOB),), (complete(JOB),))
    _restarted(context, first, second)


def _restarted(context: Context, before: Bounds, run: Bounds) -> None:
    """The runtime is that of the last run, without what was before it."""
    runtime = context.job(JOB)["EffectiveRuntime"]
    known = Shortfall.RUNTIME_NOT_RESTARTED if (before + run).of(runtime) else None
    context.require(
        "monitor/effective-runtime-restarts",
        run.of(runtime),
        str(run),
        f"EffectiveRuntime {runtime}",
        known,
    )


def runtime_often(context: Context) -> None:
    """All this is so however often a job is paused or resubmitted, and in every step of it."""
    total, begins = Bounds(), (submit(JOB, OFTEN + 1),)
    for _ in range(OFTEN - 1):
        total += _run(context, RUNS / 2, begins, (act(Action.PAUSE, JOB), succeed(JOB)))
        context.pass_time(RUNS)
        _runtime(context, total, {})
        begins = (act(Action.RESUME, JOB),)
    total += _run(context, RUNS, (*begins, succeed(JOB)), (fail(JOB),))
    _runtime(context, total, {})
    to_the_last = (act(Action.RESUBMIT, JOB), *(succeed(JOB) for _ in range(OFTEN)))
    for _ in range(OFTEN - 1):
        run = _run(context, RUNS / 2, to_the_last, (fail(JOB),))
        _restarted(context, total, run)
        total += run


def estimated_time(context: Context) -> None:
    """A job is read at every point of two runs; a server may leave the field out."""
    context.do(submit(JOB, 3), read(JOB))
    for steps in (
        (succeed(JOB),),
        (act(Action.PAUSE, JOB), succeed(JOB)),
        (act(Action.RESUME, JOB),),
        (fail(JOB),),
        (act(Action.RESUBMIT, JOB),),
        (succeed(JOB),),
        (complete(JOB),),
    ):
        context.do(*steps)
        context.pass_time(TIMING.grace / 10)
        context.do(read(JOB), EXPAND)


def stays(context: Context) -> None:
    """What is Paused, has failed, or was canceled is left alone until somebody acts on it."""
    context.do(submit("U", 2), act(Action.PAUSE, "U"), succeed("U"))
    context.do(submit("F", 2), fail("F"))
    context.do(submit("C", 2), act(Action.CANCEL, "C"), succeed("C"))
    end = time.monotonic() + STAYS
    while time.monotonic() < end:
        context.pass_time(TIMING.grace)
        context.do(EXPAND)
