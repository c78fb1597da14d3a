"""What each State means: a job is read in it, and nothing of it moves meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.driver.context import Context
from conformance.driver.script import EXPAND, act, complete, fail, read, submit, succeed, wait_for
from conformance.suites.action import JOB, reach
from conformance.suites.case import Case, Check, Script
from conformance.sut.profile import Profile
from spec.table import Action, State


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
