"""The list of jobs, expanded or not, says the same as the job itself; no id names none."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from conformance.driver.context import Context
from conformance.driver.script import (
    EXPAND,
    LIST,
    UNKNOWN_JOB,
    Step,
    act,
    complete,
    fail,
    read,
    retry_later,
    submit,
    succeed,
)
from conformance.oracle.shown import id_in
from conformance.suites.action import JOB, reach, to_reach
from conformance.suites.case import Case, Check, Script, blocker_names, blockers
from conformance.suites.needs import documented
from conformance.sut.profile import Profile
from spec.table import Action, State

NAMED = "monitor/list-unexpanded"
MOVING = frozenset({"Timestamp", "EstimatedTimeOfArrival"})  # they differ from reading to reading
NO_IDS = ("no-such-job", "00000000-0000-4000-8000-000000000000", "%20", "0", "x" * 300)


def listings(profile: Profile) -> Iterator[Case]:
    for state in State:
        check = partial(agrees, reach(state, profile))
        name = f"monitor/agree/{state}".lower()
        yield Check(name, "monitor/list-expand", check=check, needs=to_reach(state))
    steps = (submit(JOB), LIST, EXPAND, complete(JOB), LIST, EXPAND)
    yield Script("monitor/list", "monitor/list", steps)
    needs = (documented(NAMED),)
    yield Check("monitor/list/expand-named", NAMED, check=expand_named, needs=needs)
    yield Check("monitor/unknown-job", "monitor/unknown-job", check=unknown_job, leaves=0)
    yield Script("monitor/unknown-job/read", "monitor/unknown-job", (read(UNKNOWN_JOB),))


def in_all_states(profile: Profile) -> tuple[Step, ...]:
    """Jobs in all states at once."""
    return (
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


def alone(profile: Profile) -> Iterator[Case]:
    check = partial(agrees, in_all_states(profile))
    yield Check("monitor/agree/all", "monitor/list-expand", check=check)


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


def expand_named(context: Context) -> None:
    """What the query says of expand is heeded: false has the ids, and true has the details.

    Of jobs that others make meanwhile nothing is expected but that they are told the same way.
    """
    context.do(submit(JOB, 2), LIST, EXPAND)
    id = context.driver.jobs[JOB].id
    for value, kind, words in (("false", str, "ids"), ("true", dict, "details of jobs")):
        reply = context.get(f"/jobs?expand={value}")
        found = reply.json() if reply.ok else None
        listed = found if isinstance(found, list) else []
        right = all(isinstance(one, kind) for one in listed) and _named(listed).count(id) == 1
        context.require(NAMED, right, f"HTTP 200 with {words}, {id} once among them", reply)


def _named(listed: list[Any]) -> list[str | None]:
    """The ids of jobs that are listed, as ids or with their details."""
    return [one if isinstance(one, str) else id_in(one) for one in listed]


def unknown_job(context: Context) -> None:
    """Whatever is no id of a job names none."""
    for id in NO_IDS:
        reply = context.get(f"/jobs/{id}")
        context.equal(
            "monitor/unknown-job", f"the status of GET /jobs/{id[:40]} is", 404, reply.status
        )
