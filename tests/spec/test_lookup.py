"""What is read off the table, against what the figure says."""

from __future__ import annotations

import pytest

from spec.lookup import RESTING, sources, way_back
from spec.table import FINAL, Action, Move, State, Trigger


@pytest.mark.parametrize(
    ("trigger", "states"),
    [
        (Action.CANCEL, {State.PENDING, State.RUNNING, State.RETRY, State.PAUSED}),
        (Action.PAUSE, {State.PENDING, State.RUNNING, State.RETRY}),
        (Action.RESUBMIT, {State.FAILURE}),
        (Move.SUBMIT, set()),
    ],
)
def test_where_an_action_must_be_honoured(trigger: Trigger, states: set[State]) -> None:
    assert sources(trigger) == states


def test_a_job_rests_where_the_engine_does_nothing_by_itself() -> None:
    assert {*FINAL, State.PAUSED} == RESTING


def test_a_job_that_was_stopped_is_taken_up_again_by_one_action() -> None:
    ways = {state: way_back(state) for state in State}
    assert {state: action for state, action in ways.items() if action is not None} == {
        State.PAUSED: Action.RESUME,
        State.FAILURE: Action.RESUBMIT,
    }
