"""`monitor/metrics`: how many jobs there are in each state, as the server's metrics count them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial

from conformance.driver.context import Context
from conformance.driver.script import Step
from conformance.suites.case import Case, Check
from conformance.suites.needs import MANAGED, documented
from spec.table import State

PATH = "/tools/metrics-prometheus"
# What each metric counts, by the requirement that says so.
COUNTED: Mapping[str, Mapping[str, tuple[State, ...]]] = {
    "monitor/metrics": {
        "orthanc_jobs_pending": (State.PENDING, State.RETRY),
        "orthanc_jobs_running": (State.RUNNING, State.PAUSED),
    },
    "monitor/metrics-completed": {
        "orthanc_jobs_success": (State.SUCCESS,),
        "orthanc_jobs_failed": (State.FAILURE,),
        "orthanc_jobs_completed": (State.SUCCESS, State.FAILURE),
    },
}


def metrics(steps: tuple[Step, ...]) -> Iterator[Case]:
    """``steps``: they bring jobs into all states.

    On servers of the kit: who runs another one may have switched its metrics off.
    """
    for needed in COUNTED:
        check = partial(counts, steps, needed)
        yield Check(needed, needed, check=check, needs=(MANAGED, documented(needed)))


def counts(steps: tuple[Step, ...], needed: str, context: Context) -> None:
    """The metrics count the jobs that the list shows, by their states."""
    context.do(*steps)
    states = Counter(job["State"] for job in context.driver.answers.jobs().values())
    reply = context.get(PATH)
    context.require(needed, reply.ok, "HTTP 200 with the metrics", reply)
    shown = _values(reply.body.decode("utf-8", "replace"))
    for name, those in COUNTED[needed].items():
        right = sum(states[state] for state in those)
        context.equal(needed, name, str(right), shown.get(name))


def _values(text: str) -> dict[str, str]:
    """The metrics by their names: a line has the name, the value, and when it was taken."""
    lines = (line.split() for line in text.splitlines())
    return {words[0]: words[1] for words in lines if len(words) > 1}
