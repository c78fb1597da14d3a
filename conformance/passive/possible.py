"""How a job that nobody controls may stand, and what it may have gone through unseen.

One job, seen through its State and what it was asked for: what it may do by itself and what an
action does to it are read off ``spec.table``. Between two readings anything may have happened
any number of times, so what counts is the closure; what happened on the way is kept as marks,
because the fields of the next reading must agree with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from spec.closure import closure
from spec.engine import Config, outcomes
from spec.table import (
    ASK,
    EDGE,
    EDGES,
    FINAL,
    Action,
    Asked,
    Ended,
    Move,
    State,
    Trigger,
    cell,
    target,
)


class Possible(NamedTuple):
    """One way in which a job may stand; the marks are of what happened since the last reading.

    ``stale``: its Progress may still be that of the run before a resubmit.
    """

    state: State
    asked: Asked = Asked.NOTHING
    stale: bool = False
    moved: bool = False
    ran: bool = False
    resubmitted: bool = False
    canceled: bool = False  # it got to Failure by a cancel
    completed: bool = False  # it was in a final state at some time

    def read(self, stale: bool) -> Possible:
        """As it stands after a reading: the marks begin anew."""
        return Possible(self.state, self.asked, stale, completed=self.state in FINAL)


ANYTHING = frozenset(
    Possible(state, asked, stale=state is not State.SUCCESS, completed=state in FINAL)
    for state in State
    for asked in (Asked if state is State.RUNNING else [Asked.NOTHING])
)
BORN = Possible(State.PENDING)


@lru_cache(maxsize=1 << 14)
def closed(config: Config, acted: bool, ways: frozenset[Possible]) -> frozenset[Possible]:
    """All that may have come of ``ways``. ``acted``: others may have acted on the job."""
    return frozenset(closure(ways, lambda one: _next(config, acted, one)))


def _next(config: Config, acted: bool, one: Possible) -> Iterator[Possible]:
    yield from _by_itself(config, one)
    if acted:
        for action in Action:
            yield after(one, action)


def _by_itself(config: Config, one: Possible) -> Iterator[Possible]:
    if one.state is State.RUNNING:
        for ended in Ended:
            for trigger, taken in outcomes(config, one.asked, ended):
                if isinstance(trigger, Action | Move):
                    yield _along(one, trigger)
                else:
                    yield one._replace(asked=taken)
        return
    for edge in EDGES:
        if edge.source is one.state and isinstance(edge.trigger, Move):
            yield _along(one, edge.trigger)


def after(one: Possible, action: Action) -> Possible:
    """What an action makes of it."""
    found = cell(one.state, action)
    if found is EDGE:
        return _along(one, action)
    if found is not ASK:
        return one
    both = one.asked not in (Asked.NOTHING, Asked(action))
    return one._replace(asked=Asked.BOTH if both else Asked(action))


def _along(one: Possible, trigger: Trigger) -> Possible:
    """Along a published edge."""
    state = target(one.state, trigger)
    assert state is not None
    resubmitted = trigger is Action.RESUBMIT
    return Possible(
        state,
        Asked.NOTHING,
        stale=one.stale or resubmitted,
        moved=True,
        ran=one.ran or State.RUNNING in (one.state, state),
        resubmitted=one.resubmitted or resubmitted,
        canceled=trigger is Action.CANCEL,
        completed=one.completed or state in FINAL,
    )


def answering(ways: Iterable[Possible], action: Action, status: int) -> frozenset[Possible]:
    """The ways in which an action can have been answered so, and what it made of them."""
    return frozenset(after(one, action) for one in ways if cell(one.state, action).status == status)
