"""Coverage is what was seen on the server, and a 200 alone shows nothing."""

from __future__ import annotations

from typing import Any

from conformance.campaign.coverage import coverage, seen
from conformance.campaign.throughout import THROUGHOUT
from conformance.events import Result, Verdict
from conformance.suites import suites
from conformance.sut.profile import Profile, inapplicable
from spec.engine import Act, Arrive, Event, Read, Replied, Reply, Submit, View
from spec.requirements import CATALOGUE
from spec.table import Action, ErrorCode, Ground, State

Trace = list[tuple[Event, Any]]
PAUSE = Act(Action.PAUSE, 0)


def shows(state: State, error: int = 0) -> tuple[Event, Any]:
    return Read(0), View(state, ErrorCode(error), 0, 0)


BORN: Trace = [(Submit(0, 2), True)]
RUNS: Trace = [*BORN, (Arrive(0, 0), None), shows(State.RUNNING)]


def test_a_cell_needs_a_reading_before_the_answer_and_one_after() -> None:
    pending = shows(State.PENDING)
    full: Trace = [*BORN, pending, (PAUSE, 200), shows(State.PAUSED)]
    assert "action/pause/pending" in seen(full)
    assert "action/pause/pending" not in seen(full[:-1])
    assert "action/pause/pending" not in seen([*BORN, (PAUSE, 200), shows(State.PAUSED)])
    wrong: Trace = [*BORN, pending, (PAUSE, 400), shows(State.PENDING)]
    assert "action/pause/pending" not in seen(wrong)


def test_a_cell_of_running_is_taken_after_the_arrival_of_a_step() -> None:
    asked: Trace = [(PAUSE, 200), shows(State.RUNNING)]
    assert "action/pause/running" in seen([*RUNS, *asked])
    assert "action/pause/running" not in seen([*BORN, shows(State.RUNNING), *asked])


def test_an_edge_needs_its_two_readings_with_its_trigger_between() -> None:
    failed: Trace = [*RUNS, (Replied(0, Reply.FAIL), None), shows(State.FAILURE, 9)]
    assert "edge/running/failure/fail" in seen(failed)
    assert "edge/running/failure/cancel" not in seen(failed)
    assert not {i for i in seen(failed[:-1]) if i.startswith("edge/running/")}


def test_polls_in_between_do_no_harm_and_other_inputs_do() -> None:
    reply = (Replied(0, Reply.FAIL), None)
    polled: Trace = [*RUNS, reply, shows(State.RUNNING), shows(State.FAILURE, 9)]
    assert "edge/running/failure/fail" in seen(polled)
    crowded: Trace = [*RUNS, (Act(Action.CANCEL, None), 400), reply, shows(State.FAILURE, 9)]
    assert "edge/running/failure/fail" not in seen(crowded)


def test_two_edges_between_the_same_states_are_told_apart_by_the_error_code() -> None:
    canceled: Trace = [
        *RUNS,
        (Act(Action.CANCEL, 0), 200),
        shows(State.RUNNING),
        (Replied(0, Reply.SUCCEED), None),
        shows(State.FAILURE, 37),
    ]
    assert "edge/running/failure/cancel" in seen(canceled)
    assert "edge/running/failure/fail" not in seen(canceled)


def test_what_no_published_edge_joins_covers_nothing() -> None:
    assert seen([*BORN, shows(State.PAUSED), shows(State.RUNNING)]) == set()


BOUND = [id for id in CATALOGUE if inapplicable(Profile(retry=False), id) is None]


def test_unreachable_comes_from_the_server_and_missing_from_the_run() -> None:
    cases = suites(Profile(retry=False, transfers=None))
    results = [Result(c.id, c.requirement, Ground.OBSERVED, Verdict.PASS) for c in cases[:1]]
    found = coverage(cases, results, {"action/cancel/pending"}, BOUND)
    assert found.cells.covered == ("cancel/pending",)
    assert len(found.cells.missing) == 19
    assert {name for name, _ in found.cells.unreachable} == {f"{action}/retry" for action in Action}
    own = {case.requirement for case in cases}
    assert {id for id in found.requirements.covered if id in own} == {"action/cancel/pending"}
    assert set(found.requirements.covered) - own <= THROUGHOUT
    assert found.requirements.total == len(BOUND)
    assert {"route/transfers", "action/cancel/retry"} <= dict(found.requirements.unreachable).keys()
    assert "action/cancel/retry" not in found.requirements.missing
