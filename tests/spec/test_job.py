"""One job, driven through the published edges and nothing else."""

from __future__ import annotations

from itertools import product

import pytest

from spec.job import NEW, IllegalTrigger, Job
from spec.table import ACTIONS, EDGES, FINAL, Action, Cell, Edge, Move, State, cell

TRIGGERS = [*Move, *Action]


def path_to(state: State | None) -> list[Move | Action]:
    """The shortest list of triggers that leads from the birth of a job to ``state``."""
    paths: dict[State | None, list[Move | Action]] = {None: []}
    todo: list[State | None] = [None]
    while todo:
        here = todo.pop(0)
        for edge in EDGES:
            if edge.source is here and edge.target not in paths:
                paths[edge.target] = [*paths[here], edge.trigger]
                todo.append(edge.target)
    return paths[state]


def job_in(state: State | None) -> Job:
    job = Job()
    for trigger in path_to(state):
        job.fire(trigger)
    return job


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.id)
def test_every_published_edge_is_taken(edge: Edge) -> None:
    job = job_in(edge.source)
    assert job.fire(edge.trigger) is edge.target
    assert job.state == edge.target
    assert job.completed == (edge.target in FINAL)


@pytest.mark.parametrize(
    ("source", "trigger"),
    [
        (source, trigger)
        for source, trigger in product([None, *State], TRIGGERS)
        if not any(e.source is source and e.trigger is trigger for e in EDGES)
    ],
)
def test_an_illegal_trigger_raises_and_changes_nothing(
    source: State | None, trigger: Move | Action
) -> None:
    job = job_in(source)
    before, allowed = job.state, job.allowed
    with pytest.raises(IllegalTrigger) as caught:
        job.fire(trigger)
    assert (caught.value.state, caught.value.trigger) == (before, trigger)
    assert before in str(caught.value)
    assert str(trigger) in str(caught.value)
    assert (job.state, job.allowed) == (before, allowed)


def test_nothing_leaves_success() -> None:
    assert job_in(State.SUCCESS).allowed == frozenset()


@pytest.mark.parametrize(("state", "action"), list(product(State, ACTIONS)))
def test_an_action_does_what_the_matrix_says(state: State, action: Action) -> None:
    job = job_in(state)
    found = job.act(action)
    assert found is cell(state, action)
    assert (job.state != state) == (found is Cell.EDGE)


def test_a_job_that_was_never_submitted_refuses_every_action() -> None:
    job = Job()
    assert [job.act(action) for action in ACTIONS] == [Cell.REFUSE] * 4
    assert job.state == NEW
