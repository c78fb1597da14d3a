"""Jobs in every state, and what takes them to their ends."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from conformance.driver.script import (
    EXPAND,
    Step,
    act,
    complete,
    fail,
    retry_later,
    submit,
    succeed,
)
from conformance.suites.case import blocker_names
from conformance.suites.history import paused
from conformance.sut.profile import Profile
from spec.table import Action

if TYPE_CHECKING:
    pass


FIRST = 9  # the priority of the jobs that hold the workers


def in_every_state(profile: Profile) -> tuple[Step, ...]:
    """Jobs in each state, and in Pending in each of the ways that lead there."""
    busy = blocker_names(profile)
    return (
        *completed(),
        *paused("P", 3, 1),
        *paused("U", 3, 1, 1),
        *failed("B", 3, -2),
        *((submit("T", 2, 2), succeed("T"), retry_later("T")) if profile.retry else ()),
        *running(profile, 4),
        *(succeed(job) for job in busy[:1]),
        submit("Q", 2, -1),
        act(Action.RESUME, "U"),
        act(Action.RESUBMIT, "B"),
        EXPAND,
    )


def to_their_ends(profile: Profile) -> tuple[Step, ...]:
    """Run all that is unfinished in `in_every_state`: each goes on from its step, none is lost."""
    busy = blocker_names(profile)
    order = (*busy, *(["T"] if profile.retry else []), "U", "Q", "B")
    return (*(complete(job) for job in order), act(Action.RESUME, "P"), complete("P"), EXPAND)


def completed() -> tuple[Step, ...]:
    """A job in Success, a failed and a canceled one, each after a step that succeeded."""
    return (
        *(submit("S", 2), succeed("S"), succeed("S")),
        *(submit("F", 3), succeed("F"), fail("F")),
        *(submit("C", 3), succeed("C"), act(Action.CANCEL, "C"), succeed("C")),
    )


def failed(job: str, steps: int, priority: int = 0) -> Iterable[Step]:
    """A job that has failed in its second step."""
    return (submit(job, steps, priority), succeed(job), fail(job))


def running(profile: Profile, steps: int = 1) -> tuple[Step, ...]:
    """Jobs that hold every worker, and go first."""
    return tuple(submit(job, steps, FIRST) for job in blocker_names(profile))
