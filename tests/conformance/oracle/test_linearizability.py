"""Recorded histories with known verdicts, each with the reason for it, and the search itself.

A history is written down as it would be told: who called what between which two moments, and
what was answered. Good and bad ones stand side by side, and differ in one thing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import permutations
from random import Random

import pytest

from conformance.oracle.history import LATER, Call, Together
from conformance.oracle.linearization import (
    BUDGET,
    Exhausted,
    Verdict,
    explaining,
    judge,
    shortest,
)
from conformance.oracle.oracle import Oracle
from conformance.oracle.picture import draw
from conformance.oracle.track import closed
from spec.engine import (
    EMPTY,
    Act,
    Answer,
    Arrive,
    Config,
    Engine,
    Event,
    Read,
    Replied,
    Reply,
    Submit,
    View,
    step,
)
from spec.relaxations import Relaxation
from spec.table import Action, ErrorCode, State

A, B = 0, 1
STRICT = Config()
ONE_WORKER = Config(workers=1)
CANCEL, PAUSE, RESUME, RESUBMIT = Action
NO_ERROR, PROTOCOL, CANCELED = ErrorCode


def call(client: int, begin: float, end: float, event: Event, answer: Answer = None) -> Call:
    job = None
    if isinstance(event, Submit):
        job, answer = client - 1, True
    return Call(f"client {client}", event, answer, begin, end, job)


def act(client: int, begin: float, end: float, action: Action, status: int, job: int = A) -> Call:
    return call(client, begin, end, Act(action, job), status)


def read(
    client: int,
    begin: float,
    end: float,
    state: State,
    error: ErrorCode,
    progress: int,
    job: int = A,
) -> Call:
    return call(client, begin, end, Read(job), View(state, error, progress, 0))


def later(*events: tuple[Event, Answer]) -> list[Call]:
    """What was seen afterwards, one after the other."""
    return [
        Call(LATER, event, answer, 100 + n, 100 + n) for n, (event, answer) in enumerate(events)
    ]


def after(config: Config, *events: tuple[Event, Answer]) -> frozenset[Engine]:
    """The engines that a sequence leads to, as the oracle steps them."""
    oracle = Oracle(config)
    for event, answer in events:
        assert oracle.see(event, answer) is None
    return oracle.engines


def running(steps: int, config: Config = STRICT) -> frozenset[Engine]:
    """A is Running, and its first step is held at the gate."""
    return after(config, (Submit(0, steps), True), (Arrive(A, 0), None))


PAUSED = after(
    STRICT,
    (Submit(0, 2), True),
    (Arrive(A, 0), None),
    (Act(PAUSE, A), 200),
    (Replied(A, Reply.SUCCEED), None),
    (Read(A), View(State.PAUSED, NO_ERROR, 50, 0)),
)
FAILED = after(
    STRICT,
    (Submit(0, 2), True),
    (Arrive(A, 0), None),
    (Replied(A, Reply.FAIL), None),
    (Read(A), View(State.FAILURE, PROTOCOL, 0, 0)),
)
TWO_RUNNING = after(
    STRICT,
    (Submit(0, 2), True),
    (Arrive(A, 0), None),
    (Submit(0, 2), True),
    (Arrive(B, 0), None),
)
BUSY = after(ONE_WORKER, (Submit(0, 1), True), (Arrive(A, 0), None))  # A holds the one worker
FREED = later((Replied(A, Reply.SUCCEED), None))

Case = tuple[frozenset[Engine], list[Call]]

GOOD: dict[str, Case] = {
    # By their begins the resume comes first, and would be accepted: but the cancel may be first,
    # and leads to Failure, where a resume is refused.
    "the-later-call-was-first": (
        PAUSED,
        [act(1, 0, 10, RESUME, 400), act(2, 5, 6, CANCEL, 200)],
    ),
    # One of two resubmits at the same moment finds the job in Failure, the other does not.
    "one-of-two-resubmits": (
        FAILED,
        [act(1, 0, 3, RESUBMIT, 400), act(2, 1, 2, RESUBMIT, 200)],
    ),
    # Both are accepted where a cancel of the Pending job may have come between them.
    "two-resubmits-and-a-cancel": (
        FAILED,
        [
            act(1, 0, 9, RESUBMIT, 200),
            act(2, 0, 9, RESUBMIT, 200),
            act(3, 0, 9, CANCEL, 200),
        ],
    ),
    # Of the two resubmits, which are alike, the one that ended first must be the first: the cancel
    # was made when it had been answered, and must come before the other.
    "alike-but-not-the-same": (
        FAILED,
        [
            act(1, 0, 1, RESUBMIT, 200),
            act(2, 0, 9, RESUBMIT, 200),
            act(3, 2, 3, CANCEL, 200),
        ],
    ),
    # Neither of two overlapping calls is the first by the clock; the refused resume of client 1
    # needs the cancel before it, which needs the accepted resume of client 3 to come earlier
    # still, or it would have been refused.
    "three-in-the-opposite-order": (
        PAUSED,
        [
            act(1, 0, 9, RESUME, 400),
            act(2, 1, 9, CANCEL, 200),
            act(3, 2, 9, RESUME, 200),
        ],
    ),
    # The readings overlap, so that the one that shows the older state may be the older one.
    "a-reading-that-lasts": (
        running(1),
        [
            call(9, 0, 0, Replied(A, Reply.SUCCEED)),
            read(1, 1, 9, State.SUCCESS, NO_ERROR, 100),
            read(2, 2, 3, State.RUNNING, NO_ERROR, 0),
        ],
    ),
    # Between the two readings the engine has made two moves of its own: start, and begin.
    "a-move-between": (
        PAUSED,
        [
            act(1, 0, 1, RESUME, 200),
            read(2, 2, 3, State.PENDING, NO_ERROR, 50),
            read(2, 4, 5, State.RUNNING, NO_ERROR, 50),
            call(9, 0, 9, Arrive(A, 1)),
        ],
    ),
    # Both requests to the Running job count, in whatever order they came.
    "both-requests-count": (
        running(2),
        [
            act(1, 0, 1, CANCEL, 200),
            act(2, 0, 1, PAUSE, 200),
            *later(
                (Replied(A, Reply.SUCCEED), None),
                (Read(A), View(State.FAILURE, CANCELED, 50, 0)),
            ),
        ],
    ),
    # The step was sent before the pause was made, and arrived when it had been answered.
    "a-step-on-its-way": (
        running(2),
        [
            call(9, 0, 0, Replied(A, Reply.SUCCEED)),
            act(1, 1, 2, PAUSE, 200),
            call(9, 0, 5, Arrive(A, 1)),
        ],
    ),
    # Two jobs that cannot meet: each has its worker.
    "two-jobs-apart": (
        TWO_RUNNING,
        [
            act(1, 0, 5, CANCEL, 200, A),
            act(2, 0, 5, PAUSE, 200, B),
            call(9, 0, 0, Replied(A, Reply.SUCCEED)),
            read(3, 6, 7, State.FAILURE, CANCELED, 50, job=A),
            read(3, 8, 9, State.RUNNING, NO_ERROR, 0, job=B),
        ],
    ),
}
BAD: dict[str, Case] = {
    # As above, but the resume was answered before the cancel was made: no order is left.
    "the-later-call-cannot-be-first": (
        PAUSED,
        [act(1, 0, 1, RESUME, 400), act(2, 5, 6, CANCEL, 200)],
    ),
    # Whichever of the two comes second finds the job Pending or Running.
    "both-resubmits": (
        FAILED,
        [act(1, 0, 3, RESUBMIT, 200), act(2, 1, 2, RESUBMIT, 200)],
    ),
    # A double start: one resubmit is one run, and step 1 of it comes once.
    "a-second-start": (
        FAILED,
        [
            act(1, 0, 3, RESUBMIT, 200),
            act(2, 1, 2, RESUBMIT, 400),
            call(9, 0, 5, Arrive(A, 0)),
            call(9, 0, 6, Arrive(A, 0)),
        ],
    ),
    # An answer from a stale state: the cancel had been answered when the resume was made.
    "a-stale-answer": (
        PAUSED,
        [act(1, 0, 1, CANCEL, 200), act(2, 2, 3, RESUME, 200)],
    ),
    # Time does not go back: Success was read before the other reading was asked for.
    "a-reading-from-the-past": (
        running(1),
        [
            call(9, 0, 0, Replied(A, Reply.SUCCEED)),
            read(1, 1, 2, State.SUCCESS, NO_ERROR, 100),
            read(2, 3, 4, State.RUNNING, NO_ERROR, 0),
        ],
    ),
    # The resume cannot have been made twice, and the second reading shows that nobody did.
    "paused-again-by-nobody": (
        PAUSED,
        [
            act(1, 0, 1, RESUME, 200),
            read(2, 2, 3, State.RUNNING, NO_ERROR, 50),
            read(2, 4, 5, State.PAUSED, NO_ERROR, 50),
        ],
    ),
    # The pause was answered before the step before it had ended, so step 2 must not begin.
    "a-step-after-the-pause": (
        running(2),
        [
            act(1, 0, 1, PAUSE, 200),
            call(9, 2, 2, Replied(A, Reply.SUCCEED)),
            call(9, 0, 5, Arrive(A, 1)),
        ],
    ),
    # Two jobs apart: B ends Paused by a request that only A got.
    "the-other-job-got-it": (
        TWO_RUNNING,
        [
            act(1, 0, 5, PAUSE, 200, A),
            act(2, 0, 5, PAUSE, 200, A),
            call(9, 0, 0, Replied(B, Reply.SUCCEED)),
            read(3, 6, 7, State.PAUSED, NO_ERROR, 50, job=B),
        ],
    ),
}
LOST: list[Call] = [
    act(1, 0, 1, CANCEL, 200),
    act(2, 0, 1, PAUSE, 200),
    *later(
        (Replied(A, Reply.SUCCEED), None),
        (Read(A), View(State.PAUSED, NO_ERROR, 50, 0)),
    ),
]
LAST: list[Call] = [
    act(1, 0, 5, CANCEL, 200),
    *later(
        (Replied(A, Reply.SUCCEED), None),
        (Read(A), View(State.SUCCESS, NO_ERROR, 100, 0)),
    ),
]
# The second submission was made when the first had been answered: so B comes before C.
IN_TURN = [call(2, 0, 1, Submit(0, 1)), call(3, 2, 3, Submit(0, 1))]
AT_ONCE = [call(2, 0, 3, Submit(0, 1)), call(3, 1, 2, Submit(0, 1))]
C_FIRST = [*FREED, *later((Replied(A, Reply.SUCCEED), None), (Arrive(2, 0), None))[1:]]
RELAXED: dict[str, tuple[Relaxation, Config, frozenset[Engine], list[Call]]] = {
    # A lost update: no order of a pause and a cancel leads to Paused.
    "lost-update": (Relaxation.CANCEL_LOST_TO_PAUSE, STRICT, running(2), LOST),
    # The cancel was answered before the last step ended, and the job succeeds.
    "lost-on-last-step": (Relaxation.REQUEST_LOST_ON_LAST_STEP, STRICT, running(1), LAST),
    # Equal jobs run in the order of their submissions, which did not overlap.
    "ties": (Relaxation.TIES_UNORDERED, ONE_WORKER, BUSY, [*IN_TURN, *C_FIRST]),
}


@pytest.mark.parametrize("name", GOOD)
def test_some_order_explains_a_good_history(name: str) -> None:
    engines, calls = GOOD[name]
    assert judge(STRICT, engines, calls) is Verdict.PASS


@pytest.mark.parametrize("name", BAD)
def test_no_order_explains_a_bad_history(name: str) -> None:
    engines, calls = BAD[name]
    assert judge(STRICT, engines, calls) is Verdict.DEVIATION


@pytest.mark.parametrize("name", RELAXED)
def test_a_relaxation_explains_what_the_strict_reading_does_not(name: str) -> None:
    admitted, config, engines, calls = RELAXED[name]
    assert judge(config, engines, calls) is Verdict.DEVIATION
    relaxed = Config(workers=config.workers, relaxations=frozenset({admitted}))
    assert judge(relaxed, engines, calls) is Verdict.PASS
    for other in set(Relaxation) - {admitted}:
        wrong = Config(workers=config.workers, relaxations=frozenset({other}))
        assert judge(wrong, engines, calls) is Verdict.DEVIATION


def test_submissions_that_overlap_may_have_been_taken_in_either_order() -> None:
    assert judge(ONE_WORKER, BUSY, [*AT_ONCE, *C_FIRST]) is Verdict.PASS


def test_a_submission_gives_each_job_the_place_that_was_kept_for_it() -> None:
    found = explaining(ONE_WORKER, BUSY, AT_ONCE)
    assert {engine.queue for engine in found} == {(1, 2), (2, 1)}
    assert all(len(engine.jobs) == 3 for engine in found)


# --- the budget ---------------------------------------------------------------------------------


def test_past_its_budget_there_is_no_verdict() -> None:
    engines, calls = BAD["both-resubmits"]
    assert judge(STRICT, engines, calls, budget=2) is Verdict.UNKNOWN
    with pytest.raises(Exhausted, match="2 calls"):
        explaining(STRICT, engines, calls, budget=2)


def test_many_calls_that_all_overlap_are_no_exponential_matter() -> None:
    """Eight clients with four calls each: 5^8 sets of calls, if none were alike."""
    wanted = [CANCEL, PAUSE, RESUME, None]
    calls = [
        read(n, t, t + 20, State.RUNNING, NO_ERROR, 0)
        if action is None
        else act(n, t, t + 20, action, 400 if action is RESUME else 200)
        for n in range(8)
        for t, action in enumerate(wanted)
    ]
    assert judge(STRICT, running(3), calls, budget=BUDGET // 4) is Verdict.PASS
    assert judge(STRICT, running(3), [*calls, act(9, 50, 51, RESUBMIT, 200)]) is Verdict.DEVIATION


# --- compared with all orders -------------------------------------------------------------------


def every_order(config: Config, engines: frozenset[Engine], calls: list[Call]) -> set[Engine]:
    """What `explaining` finds, by trying every order."""
    found: set[Engine] = set()
    for order in permutations(calls):
        if any(b.end < a.begin for i, a in enumerate(order) for b in order[i:]):
            continue
        now = closed(config, engines)
        for one in order:
            now = closed(
                config, {n for e in now for a, n in step(config, e, one.event) if a == one.answer}
            )
        found |= now
    return found


def histories(draw: Random, jobs: int, count: int) -> Iterator[list[Call]]:
    """Histories with any answers, right or wrong."""
    views = [
        View(state, error, progress, 0)
        for state in (State.PENDING, State.RUNNING, State.PAUSED, State.FAILURE)
        for error in (NO_ERROR, CANCELED)
        for progress in (0, 50)
    ]
    for _ in range(count):
        calls = []
        for client in range(draw.randint(2, 5)):
            job, begin = draw.randrange(jobs), draw.uniform(0, 9)
            event: Event = Act(draw.choice(tuple(Action)), job)
            answer: Answer = draw.choice((200, 200, 400))
            if draw.random() < 0.3:
                event, answer = draw.choice(
                    (
                        (Read(job), draw.choice(views)),
                        (Replied(job, Reply.SUCCEED), None),
                        (Arrive(job, draw.randrange(2)), None),
                    )
                )
            calls.append(call(client, begin, begin + draw.uniform(0, 6), event, answer))
        yield calls


@pytest.mark.parametrize(
    ("config", "engines"),
    [
        (STRICT, running(2)),
        (STRICT, PAUSED),
        (STRICT, FAILED),
        (Config(relaxations=frozenset(Relaxation)), running(1)),
        (STRICT, TWO_RUNNING),
        (
            ONE_WORKER,
            after(ONE_WORKER, (Submit(0, 1), True), (Arrive(A, 0), None), (Submit(0, 1), True)),
        ),
    ],
    ids=["running", "paused", "failed", "relaxed", "two-jobs", "two-jobs-one-worker"],
)
def test_the_search_finds_what_all_orders_together_find(
    config: Config, engines: frozenset[Engine]
) -> None:
    jobs = len(next(iter(engines)).jobs)
    explained = 0
    for calls in histories(Random(1), jobs, 150):
        found = explaining(config, engines, calls)
        assert found == every_order(config, engines, calls), calls
        explained += bool(found)
    assert 5 < explained < 145


# --- the shortest history ---------------------------------------------------------------------


def test_of_a_long_history_only_what_cannot_be_is_left() -> None:
    _, stale = BAD["a-stale-answer"]
    noise = [
        read(3, 0, 9, State.PAUSED, NO_ERROR, 50),
        act(4, 0, 9, RESUBMIT, 400),
        act(5, 0, 9, PAUSE, 200),
        act(6, 7, 9, PAUSE, 200),
    ]
    assert set(shortest(STRICT, PAUSED, [*noise, *stale])) == set(stale)


def test_what_is_left_out_may_have_happened_or_not() -> None:
    """Without the resubmit the arrivals would be wrong for want of it; it is not needed here."""
    engines, calls = BAD["a-second-start"]
    assert [one.event for one in shortest(STRICT, engines, calls)] == [Arrive(A, 0)] * 2


@pytest.mark.parametrize("name", BAD)
def test_the_shortest_history_is_still_a_bad_one(name: str) -> None:
    engines, calls = BAD[name]
    assert 0 < len(shortest(STRICT, engines, calls)) <= len(calls)


@pytest.mark.parametrize("name", GOOD)
def test_of_a_good_history_nothing_is_left(name: str) -> None:
    engines, calls = GOOD[name]
    assert shortest(STRICT, engines, calls) == ()


def test_where_jobs_are_apart_only_the_job_that_is_wrong_is_told_of() -> None:
    engines, calls = BAD["the-other-job-got-it"]
    assert {one.event.job for one in shortest(STRICT, engines, calls)} == {B}  # type: ignore[union-attr]


def test_a_picture_of_intervals() -> None:
    stale = [act(1, 0.000, 0.001, CANCEL, 200), act(2, 0.002, 0.004, RESUME, 200)]
    assert draw([*stale, *later((Read(A), None))], ["A"]) == [
        "                              0                           4.0 ms",
        "client 1    cancel A: 200     |[-------]                       |",
        "client 2    resume A: 200     |                [--------------]|",
        "afterwards  read A: HTTP 404",
    ]


# --- in the oracle ------------------------------------------------------------------------------


def oracle(engines: Iterable[tuple[Event, Answer]], config: Config = STRICT) -> Oracle:
    made = Oracle(config, ["A", "B", "C"])
    for event, answer in engines:
        assert made.see(event, answer) is None
    return made


BORN: list[tuple[Event, Answer]] = [(Submit(0, 2), True), (Arrive(A, 0), None)]


def test_the_oracle_goes_on_from_all_that_the_orders_leave_possible() -> None:
    held = oracle(BORN)
    assert held.see(Together(tuple(LOST[:2]), "race/both/step-succeeds"), None) is None
    assert held.see(Replied(A, Reply.SUCCEED), None) is None
    assert held.states(A) == {State.RUNNING, State.FAILURE}


def test_a_later_reading_names_the_smallest_set_of_relaxations() -> None:
    held = oracle(BORN)
    assert held.see(Together(tuple(LOST[:2]), "race/both/step-succeeds"), None) is None
    for one in LOST[2:]:
        finding = held.see(one.event, one.answer)
    assert finding is not None
    assert finding.relaxations == frozenset({Relaxation.CANCEL_LOST_TO_PAUSE})


def test_what_no_order_explains_is_told_in_its_shortest_form() -> None:
    held = oracle(BORN)
    calls = (act(1, 0, 9, RESUME, 200), act(2, 0, 9, PAUSE, 200), act(3, 0, 9, RESUBMIT, 400))
    finding = held.see(Together(calls, "action/resume/running"), None)
    assert finding is not None
    assert (finding.requirement, finding.relaxations) == ("action/resume/running", None)
    assert finding.actual == "at the same moment: resume A: 200"


def test_engines_are_counted_from_the_empty_one() -> None:
    found = explaining(STRICT, {EMPTY}, [call(1, 0, 1, Submit(0, 1))])
    assert found == after(STRICT, (Submit(0, 1), True))
