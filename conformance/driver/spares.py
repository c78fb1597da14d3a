"""Taking jobs up again: a completed job of an earlier case does for a later one.

On a server that cannot delete jobs each one takes a place in the history, which is not ours alone.
So what a case has left is kept as a spare, and a case that begins as its last run went, or that
can resubmit it, begins with it. All that is known of it is told to the oracle first, so nothing
about it is assumed.
"""

from __future__ import annotations

from collections.abc import Sequence

from conformance.driver.driver import Driver
from conformance.driver.resources import Resources
from conformance.driver.script import Do, Step
from conformance.driver.tracked import Spare


def take_up(driver: Driver, steps: Sequence[Step]) -> Sequence[Step]:
    """Begin with a spare job, if there is one of the right shape; the steps that are left."""
    spares = driver.resources.spares
    for spare in spares:
        if done := spare.runs_as(steps):
            _adopt(driver, spare)
            return steps[done:]
    for spare in spares:
        if spare.can_run(steps):
            _adopt(driver, spare)
            return (Step(Do.RESUBMIT, spare.job.name), *steps[1:])
    return steps


def can_take_up(resources: Resources, steps: Sequence[Step]) -> bool:
    """Whether `take_up` would find a job for these steps."""
    return any(spare.runs_as(steps) or spare.can_run(steps) for spare in resources.spares)


def put_aside(driver: Driver, keep: bool = False) -> None:
    """The case is over: its jobs have ended. ``keep`` one that a later case can take up."""
    resources = driver.resources
    for job in (*driver.jobs.values(), *driver.prepared.values()):
        job.ended, job.expected = True, False
    for job in driver.prepared.values():
        if driver.judged:  # otherwise it may still come to send: its peer is nobody else's
            resources.release(job)
    for job in driver.jobs.values():
        views = driver.oracle.views(job.index) if driver.judged else set()
        job.last = next(iter(views)) if len(views) == 1 else None
    if keep and len(driver.jobs) == 1 and driver.judged:
        (job,) = driver.jobs.values()
        resources.spares.append(Spare(job, tuple(driver.performed), tuple(driver.trace)))
        return
    for job in driver.jobs.values():
        resources.release(job)


def _adopt(driver: Driver, spare: Spare) -> None:
    driver.resources.spares.remove(spare)
    job = spare.job
    job.ended = False
    driver.begin_with(job, spare.performed, spare.trace)
