"""Each field of a job: its type, what it says, and when it changes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from conformance.driver.context import Context
from conformance.driver.script import EXPAND, Step, act, complete, fail, read, submit, succeed
from conformance.oracle.fields import parse, slack
from conformance.suites.action import JOB, reach, to_reach
from conformance.suites.case import Case, Check, Checking, Script
from conformance.sut.profile import Profile
from conformance.timing import TIMING
from spec.table import Action, State

MANY = 7  # steps of a job whose Progress does not come out even
TRIES = 3  # a server's clock is set at most so often, one after the other
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
    context.pass_time(TIMING.goes_on)
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
        context.pass_time(TIMING.goes_on)
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
