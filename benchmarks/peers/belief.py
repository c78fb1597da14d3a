"""What the peers believe of one job that sends to a gate: by `spec.table`, as the kit does.

All know the same, so that they differ in how they try it, and not in what they know.
"""

from __future__ import annotations

from typing import NamedTuple

from spec.table import BOUNDARY, FINAL, STAY, Action, Asked, Cell, Ended, Move, State, cell, target

STEPS = 2


class Belief(NamedTuple):
    """Where a job stands: its state, the steps before it, and what it was asked for in a step."""

    state: State = State.PENDING
    left: int = STEPS
    asked: Asked = Asked.NOTHING

    def act(self, action: Action) -> tuple[int, Belief]:
        """The status of an action, and where it leads."""
        kind = cell(self.state, action)
        if kind is Cell.ASK:
            return kind.status, self._replace(asked=asking(self.asked, action))
        if kind is not Cell.EDGE:
            return kind.status, self
        state = target(self.state, action)
        assert state is not None
        left = STEPS if action is Action.RESUBMIT else self.left
        return kind.status, Belief(state, left)

    def start(self) -> Belief:
        """A worker takes it: its next step is at the gate, or it has none any more."""
        return self._replace(state=State.RUNNING if self.left else State.SUCCESS)

    def end(self, good: bool) -> Belief:
        """Its step ends."""
        left = self.left - good
        how = (Ended.MORE if left else Ended.LAST) if good else Ended.FAILED
        trigger = BOUNDARY[self.asked][how][0]
        if trigger == STAY:
            return Belief(State.RUNNING, left)
        assert isinstance(trigger, Action | Move)
        state = target(State.RUNNING, trigger)
        assert state is not None
        return Belief(state, left)

    @property
    def final(self) -> bool:
        return self.state in FINAL


def asking(before: Asked, action: Action) -> Asked:
    """What a job was asked for, after one action more."""
    more = Asked(action.value)
    return more if before in (Asked.NOTHING, more) else Asked.BOTH
