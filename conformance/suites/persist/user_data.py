"""`persist/stop/user-data`: what jobs of every type bear as UserData, over a stop and a start.

Of each type one job has succeeded, and another one is Pending behind jobs that hold every worker.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.driver.script import complete, restart
from conformance.driver.script import submit as peer_store
from conformance.suites.case import QUICK_TO_STOP, Case, Check, blocker_names
from conformance.suites.persist.types import (
    FIRST,
    REQUEUED,
    ROOM,
    STAYS_THERE,
    STEPS,
    had_by,
    is_there,
)
from conformance.suites.route import judge
from conformance.suites.route.outcomes import submit
from conformance.suites.route.user_data import FIELD, NEEDED, OBJECT, carrying, shows
from conformance.sut.profile import Profile

if TYPE_CHECKING:
    from conformance.driver.context import Context

CARRIED = (
    "modify/study", "anonymize/study", "split/series", "merge/study", "peer-store/instances",
    "store/instances", "retrieve/studies", "retrieve/get", "archive/study", "media/study",
)  # fmt: skip
GIVEN = {FIELD: OBJECT}


def cases(_: Profile) -> Iterator[Case]:
    yield Check(
        "persist/stop/user-data",
        NEEDED,
        check=kept,
        config={**QUICK_TO_STOP, "JobsHistorySize": ROOM},
        leaves=2 * len(CARRIED),
        fresh=True,
    )


def kept(context: Context) -> None:
    """A job shows its UserData after a restart, whether it has ended before it or runs after it."""
    asked = [carrying(call, OBJECT) for call in had_by(context, CARRIED)]
    done = [(call, submit(context, call)[0]) for call in asked]
    for call, id in done:
        judge.await_end(context, call.requirement, id)
    held = blocker_names(context.profile)
    context.do(*(peer_store(name, STEPS, FIRST) for name in held))
    waiting = [(call, submit(context, call)[0]) for call in asked]
    before = {id: shows(context, call, id, GIVEN) for call, id in (*done, *waiting)}
    context.do(restart())
    done = [job for job in done if is_there(context, job[0], before[job[1]], STAYS_THERE)]
    waiting = [job for job in waiting if is_there(context, job[0], before[job[1]], REQUEUED)]
    for call, id in (*done, *waiting):
        shows(context, call, id, GIVEN)
    context.do(*(complete(name) for name in held))
    for call, id in waiting:
        judge.await_end(context, REQUEUED, id)
        shows(context, call, id, GIVEN)
