"""The table, against an independent statement of the figure, the matrix and the ways out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from spec import table
from spec.table import Action, Asked, Cell, Edge, Ended, Ground, Move, State

# The figure, row by row; "(new)" is the birth of a job.
PUBLISHED = {
    ("(new)", "submit", "Pending"),
    ("Pending", "start", "Running"),
    ("Running", "succeed", "Success"),
    ("Running", "fail", "Failure"),
    ("Running", "retry", "Retry"),
    ("Retry", "timeout", "Pending"),
    ("Failure", "resubmit", "Pending"),
    ("Paused", "resume", "Pending"),
    ("Pending", "pause", "Paused"),
    ("Retry", "pause", "Paused"),
    ("Running", "pause", "Paused"),
    ("Pending", "cancel", "Failure"),
    ("Retry", "cancel", "Failure"),
    ("Running", "cancel", "Failure"),
    ("Paused", "cancel", "Failure"),
}

# The matrix: status, and the state that the job is in then ("=": no change); "~": asked for.
MATRIX = """
           cancel        pause         resume        resubmit
Pending    200 Failure   200 Paused    400 =         400 =
Running    200 ~Failure  200 ~Paused   400 =         400 =
Retry      200 Failure   200 Paused    400 =         400 =
Paused     200 Failure   200 =         200 Pending   400 =
Success    200 =         200 =         400 =         400 =
Failure    200 =         200 =         400 =         200 Pending
unknown    400 =         400 =         400 =         400 =
"""

# The ways out of a step: the states in which a Running job may be found after a step.
BOUNDARY = """
           step-succeeds  last-step-succeeds  step-fails  step-asks-for-retry
nothing    Running        Success             Failure     Retry
pause      Paused         Paused              Failure     Paused
cancel     Failure        Failure             Failure     Failure
both       Failure        Failure             Failure     Failure
"""


def expected_cells() -> Iterator[tuple[str, str, int, str]]:
    header, *rows = MATRIX.strip().splitlines()
    for row in rows:
        state, *words = row.split()
        pairs = zip(words[::2], words[1::2], strict=True)
        for action, (status, effect) in zip(header.split(), pairs, strict=True):
            yield state, action, int(status), effect


def expected_boundaries() -> Iterator[tuple[str, str, str]]:
    header, *rows = BOUNDARY.strip().splitlines()
    for row in rows:
        asked, *states = row.split()
        for ended, state in zip(header.split(), states, strict=True):
            yield asked, ended, state


def row_of(name: str) -> State | str:
    return name if name == table.UNKNOWN else State(name)


def test_the_published_edges() -> None:
    assert {
        (edge.source or "(new)", str(edge.trigger), str(edge.target)) for edge in table.EDGES
    } == PUBLISHED


def test_the_counts_of_the_design() -> None:
    assert len(table.EDGES) == 15
    assert len(set(table.EDGES)) == 15
    assert len(State) == 6
    assert sum(isinstance(state, State) for state in table.MATRIX) * len(table.ACTIONS) == 24
    assert Counter(type(edge.trigger) for edge in table.EDGES) == {Move: 6, Action: 9}
    assert Counter(edge.trigger for edge in table.EDGES if isinstance(edge.trigger, Action)) == {
        Action.CANCEL: 4,
        Action.PAUSE: 3,
        Action.RESUME: 1,
        Action.RESUBMIT: 1,
    }


def test_no_two_members_of_an_enumeration_are_one() -> None:
    """Two members with one value would silently be one: `Cell.ASK` must not be `Cell.EDGE`."""
    for enumeration in (Ground, State, Action, Move, Cell, Ended, Asked, table.ErrorCode):
        assert len(list(enumeration)) == len(enumeration.__members__), enumeration.__name__


def test_a_state_and_a_trigger_name_at_most_one_edge() -> None:
    assert max(Counter((edge.source, edge.trigger) for edge in table.EDGES).values()) == 1


def test_target_finds_each_edge_and_nothing_else() -> None:
    for source in (table.NEW, *State):
        for trigger in (*Action, *Move):
            found = [
                edge.target
                for edge in table.EDGES
                if (edge.source, edge.trigger) == (source, trigger)
            ]
            assert table.target(source, trigger) == (found[0] if found else None)


@pytest.mark.parametrize(("state", "action", "status", "effect"), list(expected_cells()))
def test_the_action_matrix(state: str, action: str, status: int, effect: str) -> None:
    row = row_of(state)
    cell = table.cell(row, Action(action))
    assert cell.status == status
    changes = effect != "="
    assert (cell in (Cell.EDGE, Cell.ASK)) is changes
    assert (cell is Cell.ASK) is effect.startswith("~")
    assert (cell is Cell.KEEP) is (status == 200 and not changes)
    assert (cell is Cell.REFUSE) is (status == 400)
    assert cell.ground is (Ground.DOCUMENTED if changes else Ground.OBSERVED)
    target = table.target(row, Action(action)) if isinstance(row, State) else None
    assert target == (State(effect.lstrip("~")) if changes else None)


def test_the_matrix_is_total() -> None:
    assert list(table.MATRIX) == [*State, table.UNKNOWN]
    assert list(table.ACTIONS) == list(Action)
    assert all(len(row) == len(table.ACTIONS) for row in table.MATRIX.values())
    assert len(list(expected_cells())) == 28


def test_the_matrix_and_the_edges_agree() -> None:
    """An action that takes an edge is published, and a published one is taken."""
    taken = {
        (state, action)
        for state in State
        for action in table.ACTIONS
        if table.cell(state, action) in (Cell.EDGE, Cell.ASK)
    }
    assert taken == {
        (edge.source, edge.trigger) for edge in table.EDGES if isinstance(edge.trigger, Action)
    }


def test_only_a_running_job_is_asked() -> None:
    """A worker owns a Running job; every other state changes before the answer."""
    assert {state for state, row in table.MATRIX.items() if Cell.ASK in row} == {State.RUNNING}
    assert Cell.EDGE not in table.MATRIX[State.RUNNING]


def test_the_final_states_are_left_by_resubmit_only() -> None:
    assert {State.SUCCESS, State.FAILURE} == table.FINAL
    assert [edge.trigger for edge in table.EDGES if edge.source in table.FINAL] == [Action.RESUBMIT]
    assert not any(isinstance(edge.trigger, Move) for edge in table.EDGES if edge.source in (
        table.FINAL
    ))  # fmt: skip


def test_every_state_can_be_reached_from_a_new_job() -> None:
    reached: set[State | None] = {table.NEW}
    while more := {edge.target for edge in table.EDGES if edge.source in reached} - reached:
        reached |= more
    assert reached == {table.NEW, *State}


def test_retry_is_entered_by_one_edge_and_touches_four() -> None:
    """What no released Orthanc reaches: four cells, four edges (section 2.4)."""
    touching = [edge for edge in table.EDGES if State.RETRY in (edge.source, edge.target)]
    assert len(touching) == 4
    assert [edge.id for edge in touching if edge.target is State.RETRY] == [
        "edge/running/retry/retry"
    ]
    assert len(table.MATRIX[State.RETRY]) == 4


@pytest.mark.parametrize(("asked", "ended", "state"), list(expected_boundaries()))
def test_the_ways_out_of_a_step(asked: str, ended: str, state: str) -> None:
    triggers = table.BOUNDARY[Asked(asked)][Ended(ended)]
    targets = {
        State.RUNNING if trigger == table.STAY else table.target(State.RUNNING, Action(trigger))
        if trigger in set(Action)
        else table.target(State.RUNNING, Move(trigger))
        for trigger in triggers
    }  # fmt: skip
    assert targets == {State(state)}


def test_the_boundary_is_total() -> None:
    assert list(table.BOUNDARY) == list(Asked)
    assert all(list(row) == list(Ended) for row in table.BOUNDARY.values())
    assert all(outcomes for row in table.BOUNDARY.values() for outcomes in row.values())
    assert len(list(expected_boundaries())) == 16


def test_a_canceled_job_whose_step_fails_may_show_either_error() -> None:
    for asked in Asked:
        for ended in Ended:
            either = set(table.BOUNDARY[asked][ended]) == {Move.FAIL, Action.CANCEL}
            canceled = asked in (Asked.CANCEL, Asked.BOTH)
            assert either is (canceled and ended is Ended.FAILED)


def test_ids() -> None:
    assert Edge(table.NEW, Move.SUBMIT, State.PENDING).id == "edge/new/pending/submit"
    assert [edge.id for edge in table.EDGES if edge.trigger in (Move.TIMEOUT, Action.PAUSE)] == [
        "edge/retry/pending/timeout",
        "edge/pending/paused/pause",
        "edge/retry/paused/pause",
        "edge/running/paused/pause",
    ]
    assert table.cell_id(Action.CANCEL, State.PENDING) == "action/cancel/pending"
    assert table.cell_id(Action.PAUSE, table.UNKNOWN) == "action/pause/unknown"
    assert table.boundary_id(Asked.BOTH, Ended.LAST) == "race/both/last-step-succeeds"
    assert [int(code) for code in table.ErrorCode] == [0, 9, 37]


def test_states_are_spelled_as_the_rest_api_spells_them() -> None:
    assert [str(state) for state in State] == [
        "Pending", "Running", "Retry", "Paused", "Success", "Failure",
    ]  # fmt: skip
    assert [str(action) for action in Action] == ["cancel", "pause", "resume", "resubmit"]
