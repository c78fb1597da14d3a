"""Questions to the table that more than one reader asks: each is answered here, from its rows."""

from __future__ import annotations

from spec.table import EDGES, Action, Move, State, Trigger


def sources(trigger: Trigger) -> frozenset[State]:
    """The states that the figure has an edge of ``trigger`` from.

    Of an action: where it must be honoured once it was answered 200. Elsewhere it is refused, or
    accepted and has nothing to do.
    """
    return frozenset(
        edge.source for edge in EDGES if edge.trigger is trigger and edge.source is not None
    )


# A job in one of these does nothing by itself: only an action leads out of it, if anything does.
RESTING = frozenset(State) - {edge.source for edge in EDGES if isinstance(edge.trigger, Move)}


def way_back(state: State) -> Action | None:
    """The action that puts a job in ``state`` into the queue again, if there is one."""
    into = (edge for edge in EDGES if edge.source is state and edge.target is State.PENDING)
    return next((edge.trigger for edge in into if isinstance(edge.trigger, Action)), None)
