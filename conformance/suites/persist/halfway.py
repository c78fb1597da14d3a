"""`persist/stop/halfway`: jobs that nobody can hold, half done when the server stops.

They were paused while they ran (`route/…/halfway/paused`); resumed after the start, they go on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.driver.script import restart
from conformance.suites.case import QUICK_TO_STOP, Case, Check
from conformance.suites.persist.types import (
    FAILS_AFTER_RESTART,
    ROOM,
    STAYS,
    STEP,
    is_the_same,
)
from conformance.suites.route import judge
from conformance.suites.route.halfway import COPIES, called, does_all, halfway
from conformance.suites.route.outcomes import of_call
from conformance.sut.profile import Profile
from spec.relaxations import Shortfall
from spec.table import ErrorCode, State

if TYPE_CHECKING:
    from conformance.driver.context import Context

# As what a job is known that fails when it is resumed, by its ErrorCode.
KNOWN = {**FAILS_AFTER_RESTART, int(ErrorCode.SUCCESS): Shortfall.MODIFICATION_FAILS_HALF_DONE}


def cases(_: Profile) -> Iterator[Case]:
    needed = dict.fromkeys(need for kind in COPIES for need in of_call(called(kind)))
    yield Check(
        "persist/stop/halfway",
        STEP,
        check=go_on,
        config={**QUICK_TO_STOP, "JobsHistorySize": ROOM},
        needs=tuple(needed),
        leaves=len(COPIES),
        by_chance=True,
        fresh=True,
    )


def go_on(context: Context) -> None:
    """Each is there again, Paused, does all of it when resumed, and had lost nothing it showed."""
    jobs = [(kind, halfway(context, kind)) for kind in COPIES]
    before = [judge.look(context, called(kind), job.id) for kind, job in jobs]
    context.do(restart())
    after = [judge.look(context, called(kind), job.id) for kind, job in jobs]
    for (kind, job), again in zip(jobs, after, strict=True):
        judge.is_in(context, STAYS, again, State.PAUSED)
        judge.resume(context, called(kind), job.id)
        does_all(context, kind, job, STEP, KNOWN)
    for (kind, _), was, again in zip(jobs, before, after, strict=True):
        is_the_same(context, called(kind), was, again, STAYS)
