"""The settings that say whether jobs are kept, and how many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.driver.script import EXPAND, act, complete, kill, restart, submit
from conformance.suites.case import Case, Script
from conformance.suites.history import paused
from conformance.sut.profile import Profile
from spec.table import Action

if TYPE_CHECKING:
    pass
from conformance.suites.persist.jobs import in_every_state

SMALL = 2  # a JobsHistorySize


def settings(profile: Profile) -> Iterator[Case]:
    again = (EXPAND, submit("N", 2), complete("N"), EXPAND)
    yield Script(
        "persist/no-jobs",
        "persist/no-jobs",
        (*in_every_state(profile), restart(loads=False), *again, submit("W", 2), restart(), EXPAND),
        watch=True,
    )
    yield Script(
        "persist/save-jobs-false",
        "persist/save-jobs-false",
        (*in_every_state(profile), restart(), *again, kill(), EXPAND),
        config={"SaveJobs": False},
        watch=True,
    )
    four = "ABCD"
    yield Script(
        "persist/history-smaller",
        "history/size",
        (
            *(step for job in four for step in (submit(job), complete(job))),
            *paused("P", 2, 1),
            restart(history=SMALL),
            EXPAND,
            submit("E"),
            complete("E"),
            EXPAND,
            act(Action.RESUME, "P"),
            complete("P"),
            EXPAND,
        ),
    )
