"""What may be left of an engine after a stop and a start: expectations written by hand."""

from __future__ import annotations

import pytest

from spec.engine import Config, Engine, Job, Phase
from spec.restart import MOST_ORDERED, Start, configured, owes, restarted
from spec.table import Asked, ErrorCode, State

OK, NET, CANCELED = ErrorCode.SUCCESS, ErrorCode.NETWORK_PROTOCOL, ErrorCode.CANCELED_JOB
CLEAN, KILLED = Start(), Start(killed=True)
RUNS = Job(State.RUNNING, 7, 3, done=1, shown=1, phase=Phase.HELD)
FAILED = Job(State.FAILURE, 0, 3, done=1, shown=1, error=NET)
DONE = Job(State.SUCCESS, 0, 1, done=1, shown=1)


def only(engine: Engine, start: Start = CLEAN) -> Engine:
    """The one engine that is left."""
    (found,) = restarted(engine, start)
    return found


@pytest.mark.parametrize(
    "phase", [p for p in Phase if p not in (Phase.NONE, Phase.LATER, Phase.FAILURE_SHOWN)]
)
def test_a_running_job_is_queued_again_with_its_priority_and_its_steps(phase: Phase) -> None:
    found = only(Engine((RUNS._replace(phase=phase),)))
    assert found == Engine((Job(State.PENDING, 7, 3, done=1, shown=1),), queue=(0,))


def test_a_pending_job_stays_in_the_queue() -> None:
    engine = Engine((Job(State.PENDING, -2, 2),), queue=(0,))
    assert restarted(engine, CLEAN) == restarted(engine, KILLED) == {engine}


def test_a_job_in_retry_is_queued_without_its_delay() -> None:
    later = Job(State.RETRY, 1, 3, done=2, shown=2, phase=Phase.LATER)
    queued = Job(State.PENDING, 1, 3, done=2, shown=2)
    assert only(Engine((later,))) == Engine((queued,), queue=(0,))


def test_a_paused_job_stays_paused() -> None:
    engine = Engine((Job(State.PAUSED, 0, 3, done=1, shown=1),))
    assert restarted(engine, CLEAN) == {engine}


def test_completed_jobs_stay_and_failures_keep_their_codes() -> None:
    canceled = FAILED._replace(error=CANCELED)
    engine = Engine((DONE, FAILED, canceled), history=(1, 0, 2))
    found = restarted(engine, CLEAN)
    assert {e.jobs for e in found} == {(DONE, FAILED, canceled)}
    assert len({e.history for e in found}) == 6  # nothing says who leaves first
    assert engine in found


def test_before_1_9_5_a_failure_may_lose_its_code() -> None:
    found = restarted(Engine((FAILED,), history=(0,)), Start(errors=False))
    assert {e.jobs[0] for e in found} == {FAILED, FAILED._replace(error=OK)}


def test_what_a_resubmitted_job_shows_is_left_open() -> None:
    again = Job(State.PENDING, 0, 3, done=0, shown=1, error=NET)
    found = {e.jobs[0] for e in restarted(Engine((again,), queue=(0,)), CLEAN)}
    assert found == {
        again._replace(shown=shown, error=error) for shown in (0, 1) for error in (NET, OK)
    }


def test_a_request_that_was_saved_takes_effect_or_is_lost() -> None:
    def becomes(asked: Asked) -> set[tuple[State, ErrorCode]]:
        found = restarted(Engine((RUNS._replace(asked=asked),)), KILLED)
        jobs = {e.jobs[0] for e in found}
        assert all(one is not None and one.asked is Asked.NOTHING for one in jobs)
        assert all((0 in e.history) is (e.jobs[0].state is State.FAILURE) for e in found)  # type: ignore[union-attr]
        return {(one.state, one.error) for one in jobs if one is not None}

    assert becomes(Asked.PAUSE) == {(State.PENDING, OK), (State.PAUSED, OK)}
    for asked in (Asked.CANCEL, Asked.BOTH):
        assert becomes(asked) == {(State.PENDING, OK), (State.FAILURE, CANCELED)}


def test_only_a_running_job_with_a_request_is_owed_something() -> None:
    assert not owes(Engine((RUNS, FAILED, None), history=(1,)))
    for asked in (Asked.PAUSE, Asked.CANCEL, Asked.BOTH):
        assert owes(Engine((FAILED, RUNS._replace(asked=asked))))


@pytest.mark.parametrize("start", [Start(loads=False), Start(saves=False)])
def test_what_is_not_saved_or_not_loaded_is_gone(start: Start) -> None:
    engine = Engine((RUNS, DONE, None), history=(1,))
    assert only(engine, start) == Engine((None, None, None))


def test_a_smaller_history_keeps_so_many() -> None:
    found = restarted(Engine((DONE, DONE, DONE, RUNS), history=(0, 1, 2)), Start(history=1))
    kept = {tuple(i for i, job in enumerate(e.jobs) if job is not None) for e in found}
    assert kept == {(0, 3), (1, 3), (2, 3)}
    assert {e.history for e in found} == {(0,), (1,), (2,)}


def test_of_many_completed_jobs_one_order_is_tried() -> None:
    many = MOST_ORDERED + 1
    engine = Engine((DONE,) * many, history=tuple(range(many)))
    assert restarted(engine, CLEAN) == {engine}


def test_what_is_known_of_the_server_changes_with_its_start() -> None:
    assert configured(Config(history=10), Start(history=2)) == Config(history=2)
    assert configured(Config(), Start(history=None)).history is None


def test_a_second_restart_changes_nothing_more() -> None:
    (once,) = restarted(Engine((RUNS, DONE), history=(1,)), KILLED)
    assert restarted(once, CLEAN) == {once}
