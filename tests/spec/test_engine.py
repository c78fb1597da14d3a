"""The engine: agreement with the figure, and good and bad runs with a known verdict."""

from __future__ import annotations

from functools import cache
from itertools import product

import pytest

from spec.engine import (
    EMPTY,
    Act,
    Arrive,
    Config,
    Engine,
    Event,
    List,
    Phase,
    Read,
    Replied,
    Reply,
    Submit,
    View,
    describe,
    moves,
    progress,
    step,
    view,
)
from spec.job import Job
from spec.relaxations import Relaxation
from spec.table import EDGES, FINAL, Action, Asked, ErrorCode, Move, State, cell

OK, NETWORK, CANCELED = ErrorCode.SUCCESS, ErrorCode.NETWORK_PROTOCOL, ErrorCode.CANCELED_JOB
ALL = frozenset(Relaxation)


def closed(config: Config, engines: set[Engine]) -> set[Engine]:
    found, todo = set(engines), list(engines)
    while todo:
        for _, _, after in moves(config, todo.pop()):
            if after not in found:
                found.add(after)
                todo.append(after)
    return found


def after(config: Config, *events: Event) -> set[Engine]:
    """All engines that the events can lead to, if every action of them was accepted."""
    engines = closed(config, {EMPTY})
    for event in events:
        outcomes = {outcome for e in engines for outcome in step(config, e, event)}
        engines = closed(config, {n for a, n in outcomes if not isinstance(event, Act) or a == 200})
    return engines


def resting(config: Config, *events: Event) -> set[View]:
    """What job 0 shows when the engine has nothing left to do by itself."""
    shown = set()
    for engine in after(config, *events):
        job = engine.jobs[0]
        if job is not None and all(name is Move.TIMEOUT for name, _, _ in moves(config, engine)):
            shown.add(view(job))
    return shown


def run(replies: list[Reply], start: int = 0) -> list[Event]:
    """Steps that arrive at the peer and are answered, from step ``start``."""
    events: list[Event] = []
    for number, reply in enumerate(replies, start):
        events += [Arrive(0, number), Replied(0, reply)]
    return events


SUCCEED, FAIL, RETRY = Reply.SUCCEED, Reply.FAIL, Reply.RETRY
PAUSE, CANCEL = Act(Action.PAUSE, 0), Act(Action.CANCEL, 0)
RESUME, RESUBMIT = Act(Action.RESUME, 0), Act(Action.RESUBMIT, 0)


# --- the figure -------------------------------------------------------------------------------


@cache
def reachable(config: Config, jobs: int, steps: int) -> frozenset[tuple[Engine, str, Engine]]:
    """Every move and event of engines with up to ``jobs`` jobs: (before, trigger, after)."""
    found: set[tuple[Engine, str, Engine]] = set()
    todo, known = [EMPTY], {EMPTY}
    while todo:
        engine = todo.pop()
        following = [(str(name), n) for name, _, n in moves(config, engine)]
        if len(engine.jobs) < jobs:
            following += [(str(Move.SUBMIT), n) for _, n in step(config, engine, Submit(0, steps))]
        for j in range(len(engine.jobs)):
            events: list[Event] = [Act(a, j) for a in Action]
            events += [Arrive(j, s) for s in range(steps)]
            events += [Replied(j, r) for r in Reply]
            for event in events:
                name = str(event.action) if isinstance(event, Act) else "peer"
                following += [(name, n) for _, n in step(config, engine, event)]
        for name, n in following:
            found.add((engine, name, n))
            if n not in known:
                known.add(n)
                todo.append(n)
    return frozenset(found)


@pytest.mark.parametrize("admitted", [frozenset(), ALL], ids=["strict", "relaxed"])
def test_one_job_of_the_engine_is_the_job_of_the_figure(admitted: frozenset[Relaxation]) -> None:
    """Exhaustive: every change of State is an edge that `Job` takes, and all edges occur."""
    config = Config(workers=1, history=1, relaxations=admitted)
    edges = set()
    for before, name, now in reachable(config, 1, 2):
        old = before.jobs[0].state if before.jobs and before.jobs[0] else None
        new = now.jobs[0].state if now.jobs and now.jobs[0] else None
        if old is new:
            continue
        triggers = [e.trigger for e in EDGES if e.source is old and e.target is new]
        assert triggers, f"{old} -> {new} by {name} is no published edge"
        canceled = now.jobs[0] is not None and now.jobs[0].error is CANCELED
        trigger = next(
            t for t in triggers if new is not State.FAILURE or (t == "cancel") == canceled
        )
        assert Job.at(old).fire(trigger) is new
        edges.add((old, trigger, new))
    assert edges == {(e.source, e.trigger, e.target) for e in EDGES}


@pytest.mark.parametrize("config", [Config(1, 1), Config(2, 0), Config(1, 2, relaxations=ALL)])
def test_an_action_answers_by_the_matrix_in_every_reachable_engine(config: Config) -> None:
    engines = {e for before, _, now in reachable(config, 2, 1) for e in (before, now)}
    for engine, action in product(engines, Action):
        for index, job in enumerate(engine.jobs):
            (answered,) = step(config, engine, Act(action, index))
            found = cell("unknown" if job is None else job.state, action)
            assert answered[0] == found.status
            if found.name in ("KEEP", "REFUSE"):
                assert answered[1] == engine


@pytest.mark.parametrize(("jobs", "steps"), [(1, 2), (2, 1)])
def test_requests_exist_only_while_a_job_runs(jobs: int, steps: int) -> None:
    for _, _, now in reachable(Config(1, 1, relaxations=ALL), jobs, steps):
        for job in now.jobs:
            if job is not None and job.state is not State.RUNNING:
                assert job.asked is Asked.NOTHING
                assert job.phase in (Phase.NONE, Phase.LATER)


def test_workers_history_and_queue_stay_within_bounds() -> None:
    config = Config(workers=1, history=1)
    for _, _, now in reachable(config, 2, 1):
        states = [job.state if job else None for job in now.jobs]
        assert states.count(State.RUNNING) <= 1
        assert len(now.history) <= 1
        assert set(now.history) == {i for i, s in enumerate(states) if s in FINAL}
        assert sorted(now.queue) == [i for i, s in enumerate(states) if s is State.PENDING]


# --- the ways out of a step (the strict reading) ------------------------------------------

W = Config(workers=1, history=5)


@pytest.mark.parametrize(
    ("asked", "replies", "expected"),
    [
        ([], [SUCCEED, SUCCEED], View(State.SUCCESS, OK, 100, 0)),
        ([PAUSE], [SUCCEED, SUCCEED], View(State.PAUSED, OK, 100, 0)),
        ([CANCEL], [SUCCEED, SUCCEED], View(State.FAILURE, CANCELED, 50, 0)),
        ([PAUSE, CANCEL], [SUCCEED, SUCCEED], View(State.FAILURE, CANCELED, 50, 0)),
        ([CANCEL, PAUSE], [SUCCEED, SUCCEED], View(State.FAILURE, CANCELED, 50, 0)),
        ([PAUSE], [SUCCEED, FAIL], View(State.FAILURE, NETWORK, 50, 0)),
        ([PAUSE], [SUCCEED, RETRY], View(State.PAUSED, OK, 50, 0)),
        ([CANCEL], [SUCCEED, RETRY], View(State.FAILURE, CANCELED, 50, 0)),
        ([CANCEL, PAUSE], [SUCCEED, RETRY], View(State.FAILURE, CANCELED, 50, 0)),
    ],
)
def test_asked_for_in_the_last_step(
    asked: list[Event], replies: list[Reply], expected: View
) -> None:
    events = [Submit(0, 2), *run(replies[:1]), Arrive(0, 1), *asked, Replied(0, replies[1])]
    assert resting(W, *events) == {expected}


def test_a_failed_step_leads_to_failure_or_by_the_servers_choice_to_retry() -> None:
    shown = resting(W, Submit(0, 2), *run([SUCCEED, FAIL]))
    assert {v.state for v in shown} == {State.FAILURE, State.RETRY, State.RUNNING}
    assert View(State.FAILURE, NETWORK, 50, 0) in shown


def test_a_failed_step_with_a_cancel_asked_for_shows_either_code() -> None:
    shown = resting(W, Submit(0, 2), Arrive(0, 0), CANCEL, Replied(0, FAIL))
    assert shown == {View(State.FAILURE, NETWORK, 0, 0), View(State.FAILURE, CANCELED, 0, 0)}


def test_a_pause_hides_a_failure_only_on_a_server_that_retries() -> None:
    events = [Submit(0, 2), Arrive(0, 0), PAUSE, Replied(0, FAIL)]
    assert {v.state for v in resting(W, *events)} == {State.FAILURE}
    retries = Config(1, 5, retries=True)
    assert {v.state for v in resting(retries, *events)} == {State.FAILURE, State.PAUSED}


def test_paused_after_the_last_step_succeeds_without_a_step_when_resumed() -> None:
    events = [Submit(0, 1), Arrive(0, 0), PAUSE, Replied(0, SUCCEED), RESUME]
    assert resting(W, *events) == {View(State.SUCCESS, OK, 100, 0)}
    assert after(W, *events, Arrive(0, 0)) == set()


def test_a_resumed_job_goes_on_and_a_resubmitted_one_starts_over() -> None:
    paused = [Submit(0, 3), Arrive(0, 0), PAUSE, Replied(0, SUCCEED)]
    assert after(W, *paused, RESUME, Arrive(0, 1))
    assert not after(W, *paused, RESUME, Arrive(0, 0))
    failed = [Submit(0, 3), *run([SUCCEED, FAIL])]
    assert after(W, *failed, RESUBMIT, Arrive(0, 0))
    assert not after(W, *failed, RESUBMIT, Arrive(0, 1))


def test_what_a_resubmitted_job_shows_until_its_first_step_has_ended() -> None:
    two = Config(workers=1, history=5)
    blocker = [Submit(1, 1), Arrive(0, 0)]
    events: list[Event] = [*blocker, Submit(0, 2), Act(Action.CANCEL, 1), Act(Action.RESUBMIT, 1)]
    shown = {view(job) for e in after(two, *events) if (job := e.jobs[1])}
    assert shown == {View(State.PENDING, CANCELED, 0, 0)}
    events += [Replied(0, SUCCEED), Arrive(1, 0)]
    shown = {view(job) for e in after(two, *events) if (job := e.jobs[1])}
    assert shown == {View(State.RUNNING, OK, 0, 0)}


def test_a_request_before_the_first_step_lets_no_step_begin() -> None:
    engines = after(W, Submit(0, 2), PAUSE)
    unstarted = {e for e in engines if e.jobs[0] and e.jobs[0].state is State.PAUSED}
    assert unstarted
    for engine in unstarted:
        assert step(W, engine, Arrive(0, 0)) == frozenset()


def test_a_status_is_published_before_the_job_leaves_running() -> None:
    events = [Submit(0, 1), Arrive(0, 0), Replied(0, SUCCEED)]
    shown = {view(job) for e in after(W, *events) if (job := e.jobs[0])}
    assert View(State.RUNNING, OK, 100, 0) in shown
    events = [Submit(0, 1), Arrive(0, 0), Replied(0, FAIL)]
    shown = {view(job) for e in after(W, *events) if (job := e.jobs[0])}
    assert View(State.RUNNING, NETWORK, 0, 0) in shown


# --- the queue and the history ------------------------------------------------------------------


def starts_next(config: Config, *priorities: int) -> set[int]:
    """Which of the jobs behind a blocker may start when it has ended."""
    events: list[Event] = [Submit(9, 1), Arrive(0, 0), *(Submit(p, 1) for p in priorities)]
    engines = after(config, *events, Replied(0, SUCCEED))
    return {
        i
        for e in engines
        for i, job in enumerate(e.jobs)
        if i > 0 and job is not None and job.state is State.RUNNING
    }


@pytest.mark.parametrize(
    ("priorities", "first"), [((0, 1), 2), ((-1, -2), 1), ((0, -1, 5, 5), 3), ((0, 0, 0), 1)]
)
def test_the_highest_priority_starts_and_of_equals_the_first(
    priorities: tuple[int, ...], first: int
) -> None:
    assert starts_next(W, *priorities) == {first}


def test_with_ties_unordered_any_of_the_equals_starts_and_no_other() -> None:
    config = Config(1, 5, relaxations=frozenset({Relaxation.TIES_UNORDERED}))
    assert starts_next(config, 0, 1, 1, -1) == {2, 3}


def test_the_history_drops_the_oldest_completed_job() -> None:
    config = Config(workers=1, history=2)
    events: list[Event] = [Submit(0, 1)]
    for index in range(3):
        events += [Arrive(index, 0), Replied(index, SUCCEED)]
        events += [Submit(0, 1)] if index < 2 else []
    lists = {a for e in after(config, *events) for a, _ in step(config, e, List())}
    assert frozenset({1, 2}) in lists
    gone = [e for e in after(config, *events) if e.jobs[0] is None]
    assert {a for e in gone for a, _ in step(config, e, Read(0))} == {None}
    assert {a for e in gone for a, _ in step(config, e, CANCEL)} == {400}


def test_of_an_unknown_history_nothing_is_concluded() -> None:
    config = Config(workers=1, history=None)
    done = after(config, Submit(0, 1), Arrive(0, 0), Replied(0, SUCCEED))
    ended = [e for e in done if e.jobs[0] and e.jobs[0].state is State.SUCCESS]
    answers = {a for e in ended for a, _ in step(config, e, Read(0))}
    assert answers == {None, View(State.SUCCESS, OK, 100, 0)}
    runs = after(config, Submit(0, 1), Arrive(0, 0))
    assert None not in {a for e in runs for a, _ in step(config, e, Read(0))}


# --- relaxations: each permits one more outcome, beside the strict one ---------------------------


def relaxed(*names: Relaxation) -> Config:
    return Config(workers=1, history=5, relaxations=frozenset(names))


def test_cancel_lost_to_pause() -> None:
    events = [Submit(0, 2), Arrive(0, 0), PAUSE, CANCEL, Replied(0, SUCCEED)]
    shown = resting(relaxed(Relaxation.CANCEL_LOST_TO_PAUSE), *events)
    assert {v.state for v in shown} == {State.FAILURE, State.PAUSED}


@pytest.mark.parametrize("asked", [[PAUSE], [CANCEL], [PAUSE, CANCEL]])
def test_request_lost_on_last_step(asked: list[Event]) -> None:
    config = relaxed(Relaxation.REQUEST_LOST_ON_LAST_STEP)
    last = [Submit(0, 1), Arrive(0, 0), *asked, Replied(0, SUCCEED)]
    strict = resting(W, *last)
    assert resting(config, *last) == strict | {View(State.SUCCESS, OK, 100, 0)}
    more = [Submit(0, 2), Arrive(0, 0), *asked, Replied(0, SUCCEED)]
    assert resting(config, *more) == resting(W, *more)


@pytest.mark.parametrize(
    ("done", "steps", "shown"),
    [(0, 3, 0), (1, 3, 33), (2, 3, 67), (3, 3, 100), (1, 8, 13), (1, 200, 1), (0, 0, 100)],
)
def test_progress_is_the_rounded_per_cent(done: int, steps: int, shown: int) -> None:
    assert progress(done, steps) == shown


def test_a_reading_in_words_names_a_priority_only_where_there_is_one() -> None:
    assert describe(None) == "HTTP 404"
    plain = View(State.PAUSED, ErrorCode.SUCCESS, 50, 0)
    assert describe(plain) == "Paused, ErrorCode 0, Progress 50"
    assert describe(plain._replace(priority=-3)) == f"{describe(plain)}, Priority -3"
