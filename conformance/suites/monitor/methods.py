"""What can be done with `/jobs` and a job by other methods, or by what is no action: nothing."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from conformance.driver.context import Context
from conformance.driver.script import Step
from conformance.suites.action import JOB, reach
from conformance.suites.case import Case, Check
from conformance.sut.profile import Profile
from spec.table import ACTIONS, State


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
