"""`edge/<from>/<to>/<trigger>`: every published edge, as two readings and its trigger between.

An edge into Pending can only be read while every worker is held, since a free one takes the
job at once.
"""

from __future__ import annotations

from collections.abc import Iterator

from conformance.driver.script import (
    Step,
    act,
    complete,
    fail,
    read,
    retry,
    submit,
    succeed,
    wait_for,
)
from conformance.suites.action import JOB, reach
from conformance.suites.case import Case, Script, blocker_names, blockers
from conformance.sut.profile import Profile
from spec.table import EDGES, Action, Edge, Move, State


def cases(profile: Profile) -> Iterator[Case]:
    for edge in EDGES:
        yield Script(edge.id, edge.id, steps(edge, profile))


def steps(edge: Edge, profile: Profile) -> tuple[Step, ...]:
    """Steps that end with the two readings of ``edge``."""
    if edge.source is None:
        return (*blockers(profile), submit(JOB, 2), read(JOB))
    if edge.source is State.PENDING and edge.trigger is Move.START:
        return (*reach(edge.source, profile), read(JOB), succeed("X1"), read(JOB))
    ready = (*reach(edge.source, profile), read(JOB))
    match edge.trigger:
        case Move.SUCCEED:
            return (*ready, succeed(JOB), succeed(JOB), read(JOB))
        case Move.FAIL:
            return (*ready, fail(JOB), read(JOB))
        case Move.RETRY:
            return (*reach(State.RETRY, profile), read(JOB))
        case Move.TIMEOUT:
            return _timeout(profile)
        case _:
            assert isinstance(edge.trigger, Action)
            asked = (*ready, act(edge.trigger, JOB))
            return (*asked, succeed(JOB), read(JOB)) if edge.source is State.RUNNING else asked


def _timeout(profile: Profile) -> tuple[Step, ...]:
    """A job in Retry has freed its worker, so another takes it before the delay is over."""
    *others, last = blocker_names(profile)
    return (
        *(submit(name) for name in others),
        submit(JOB, 2),
        succeed(JOB),
        submit(last, priority=1),
        retry(JOB),
        wait_for(JOB, State.PENDING),
        complete(last),
        complete(JOB),
    )
