"""The scenarios are those of the table, and each requirement on clients has one."""

from __future__ import annotations

import pytest

from conformance.clients.scenarios import LENGTH, TRAPS, WORDS, scenarios, ways
from spec.requirements import CATALOGUE, Bound, requirement
from spec.table import EDGES, FINAL, Action, Move, State, target


def test_every_requirement_that_binds_clients_has_a_scenario() -> None:
    bound = {id for id, one in CATALOGUE.items() if one.binds is Bound.CLIENT}
    assert {one.requirement for one in scenarios()} == bound


def test_ids_are_unique_and_sort_by_kind() -> None:
    ids = [one.id for one in scenarios()]
    assert len(set(ids)) == len(ids)
    assert {id.partition("/")[0] for id in ids} == {"path", "trap", "submit"}


@pytest.mark.parametrize("length", [1, 2, LENGTH, LENGTH + 1])
def test_every_path_to_an_end_is_a_way(length: int) -> None:
    """Counted another way: by the number of paths between states, edge by edge."""
    paths = {State.PENDING: 1}
    ends = 0
    for _ in range(length):
        after: dict[State, int] = {}
        for edge in EDGES:
            if edge.source in paths and edge.source not in FINAL:
                assert edge.source is not None
                after[edge.target] = after.get(edge.target, 0) + paths[edge.source]
        ends += sum(number for state, number in after.items() if state in FINAL)
        paths = after
    plain = [one for one in ways(length) if not one.before]
    assert len(plain) == ends
    for way in plain:
        state = State.PENDING
        for name in way.id.split("/")[1:]:
            trigger = Action(name) if name in set(Action) else Move(name)
            found = target(state, trigger)
            assert found is not None
            state = found
        assert state in FINAL


def test_every_edge_is_in_a_way() -> None:
    walked = {name for one in ways(LENGTH + 1) for name in one.id.split("/")}
    assert {trigger.value for trigger in WORDS} - {Action.RESUBMIT.value} <= walked


def test_what_misleads_names_a_requirement_on_clients() -> None:
    for trap in TRAPS:
        assert requirement(trap.requirement).binds is Bound.CLIENT
        assert trap.about
