"""The properties: the list is whole, and each predicate sees the fault that it is there for."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from spec import properties, table
from spec.engine import (
    EMPTY,
    Act,
    Answer,
    Arrive,
    Config,
    Engine,
    Event,
    Job,
    Phase,
    Replied,
    Reply,
)
from spec.properties import BY_NAME, PROPERTIES, Modality, Node, Own, Transition
from spec.relaxations import Relaxation
from spec.table import Action, Asked, ErrorCode, Move, State

CONFIG = Config(workers=1, history=1)

REQUIRED = {
    Modality.ALWAYS: {
        "running-bounded",
        "history-iff-completed",
        "history-bounded",
        "requests-only-running",
        "priority-not-passed-over",
        "ties-in-order",
        "success-final",
        "refused-changes-nothing",
        "canceled-only-by-cancel",
        "refinement",
        "total-deterministic",
    },
    Modality.SOMETIMES: {
        "full-queue",
        "eviction",
        "resubmitted-succeeds",
        "two-paused",
        *(f"relaxation-matters/{one}" for one in Relaxation),
        *(f"reaches-{edge.id}" for edge in table.EDGES),
        *(f"reaches-cell/{action}/{state.lower()}" for action in Action for state in State),
    },
    Modality.EVENTUALLY: {
        "cancel-honoured",
        "pause-honoured",
        "pending-runs",
        "running-leaves",
        "retry-leaves",
    },
}


@pytest.mark.parametrize("modality", Modality)
def test_the_list_is_whole(modality: Modality) -> None:
    found = {p.name for p in PROPERTIES if p.modality is modality}
    assert REQUIRED[modality] <= found
    assert len(BY_NAME) == len(PROPERTIES)


def test_every_property_says_what_it_promises_and_why() -> None:
    for p in PROPERTIES:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*(/[a-z0-9]+(-[a-z0-9]+)*)*", p.name), p.name
        assert p.sentence.endswith(".")
        assert p.source
        assert all(other in BY_NAME for other in p.rests_on)


def test_relaxations_break_what_the_module_says() -> None:
    found = {r: {p.name for p in PROPERTIES if r in p.relaxed_by} for r in Relaxation}
    assert found == {
        Relaxation.CANCEL_LOST_TO_PAUSE: {"cancel-honoured"},
        Relaxation.REQUEST_LOST_ON_LAST_STEP: {"cancel-honoured", "pause-honoured"},
        Relaxation.TIES_UNORDERED: {"ties-in-order"},
    }


def test_the_pinned_digest_sees_a_missing_edge(monkeypatch: pytest.MonkeyPatch) -> None:
    published = BY_NAME["as-published"].state
    assert published is not None
    assert published(CONFIG, EMPTY)
    monkeypatch.setattr(table, "EDGES", table.EDGES[1:])
    assert not published(CONFIG, EMPTY)
    assert properties.digest() != properties.AS_PUBLISHED


# --- each predicate, on a fault ------------------------------------------------------------------

PENDING = Job(State.PENDING, 0, 2)
READY = Job(State.RUNNING, 0, 2, phase=Phase.READY)
SENT = READY._replace(phase=Phase.SENT)
HELD = READY._replace(phase=Phase.HELD)
SUCCEEDED = READY._replace(phase=Phase.SUCCEEDED)
FAILED = READY._replace(phase=Phase.FAILED)
PAUSED = Job(State.PAUSED, 0, 2)
SUCCESS = Job(State.SUCCESS, 0, 2, 2, 2)
FAILURE = Job(State.FAILURE, 0, 2, error=ErrorCode.NETWORK_PROTOCOL)
CANCELED = FAILURE._replace(error=ErrorCode.CANCELED_JOB)


def engine(*jobs: Job | None) -> Engine:
    """With queue and history as the jobs' states say, in the order of the jobs."""
    return Engine(
        jobs,
        tuple(i for i, j in enumerate(jobs) if j is not None and j.state is State.PENDING),
        tuple(i for i, j in enumerate(jobs) if j is not None and j.state in table.FINAL),
    )


def asked(job: Job, what: Asked) -> Job:
    return job._replace(asked=what)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("running-bounded", engine(READY, READY)),
        ("history-iff-completed", Engine((SUCCESS,))),
        ("history-iff-completed", Engine((PAUSED,), (), (0,))),
        ("history-iff-completed", Engine((SUCCESS,), (), (0, 0))),
        ("queue-iff-pending", Engine((PENDING,))),
        ("queue-iff-pending", Engine((PAUSED,), (0,))),
        ("history-bounded", engine(SUCCESS, FAILURE)),
        ("requests-only-running", engine(asked(PAUSED, Asked.PAUSE))),
        ("worker-iff-running", engine(PAUSED._replace(phase=Phase.HELD))),
        ("worker-iff-running", engine(READY._replace(phase=Phase.NONE))),
        ("worker-iff-running", engine(PAUSED._replace(phase=Phase.LATER))),
        ("outcome-told", engine(SUCCESS._replace(shown=1))),
        ("outcome-told", engine(FAILURE._replace(error=ErrorCode.SUCCESS))),
    ],
)
def test_a_wrong_state_is_seen(name: str, wrong: Engine) -> None:
    check = BY_NAME[name].state
    assert check is not None
    assert not check(CONFIG, wrong)
    right = [
        engine(),
        engine(PENDING, READY),
        engine(SUCCESS, PAUSED),
        engine(asked(HELD, Asked.BOTH)),
    ]
    assert all(check(CONFIG, one) for one in right)


def act(
    action: Action, before: Engine, after: Engine, answer: Answer = 200, job: int = 0
) -> Transition:
    return Transition(CONFIG, before, Act(action, job), answer, after)


def own(name: str, before: Engine, after: Engine, job: int = 0) -> Transition:
    return Transition(CONFIG, before, Own(name, job), None, after)


def seen(event: Event, before: Engine, after: Engine) -> Transition:
    return Transition(CONFIG, before, event, None, after)


HIGH = PENDING._replace(priority=1)

WRONG = [
    (
        "priority-not-passed-over",
        own(Move.START, engine(PENDING, HIGH), engine(READY, HIGH)),
    ),
    ("ties-in-order", own(Move.START, engine(PENDING, PENDING), engine(PENDING, READY), 1)),
    (
        "ties-in-order",  # who becomes Pending goes to the end
        act(Action.RESUME, engine(PAUSED, PENDING), Engine((PENDING, PENDING), (0, 1))),
    ),
    ("success-final", act(Action.RESUBMIT, engine(SUCCESS), engine(PENDING))),
    ("success-final", act(Action.PAUSE, engine(SUCCESS), engine(SUCCESS._replace(shown=0)))),
    ("refused-changes-nothing", act(Action.RESUME, engine(PENDING), engine(READY), 400)),
    ("canceled-only-by-cancel", own(Move.FAIL, engine(FAILED), engine(CANCELED))),
    ("canceled-only-by-cancel", act(Action.PAUSE, engine(PENDING), engine(CANCELED))),
    (
        "canceled-only-by-cancel",
        act(Action.CANCEL, engine(PENDING, PAUSED), engine(CANCELED, CANCELED)),
    ),
    ("paused-only-by-pause", own(Action.PAUSE, engine(asked(READY, Asked.CANCEL)), engine(PAUSED))),
    ("refinement", act(Action.RESUBMIT, engine(PAUSED), engine(PENDING))),
    ("refinement", own(Move.SUCCEED, engine(READY), engine(FAILURE))),
    ("refinement", own(Move.TIMEOUT, engine(PENDING), engine(None))),
    ("refinement", own(Move.START, engine(PENDING, PENDING), engine(READY, READY))),
    ("refinement", own(Move.START, engine(PENDING, None), engine(READY, PENDING))),
    ("others-untouched", own(Move.START, engine(PENDING, READY), engine(READY, SENT))),
    ("others-untouched", own(Move.START, engine(PENDING, PAUSED), engine(READY, None))),
    (
        "oldest-evicted-first",
        own(Move.SUCCEED, engine(SUCCESS, READY), Engine((SUCCESS, None), (), (0,)), 1),
    ),
    ("oldest-evicted-first", own(Move.START, engine(SUCCESS, PENDING), engine(None, READY), 1)),
    ("steps-once", own("publish", engine(SUCCEEDED), engine(READY))),
    ("steps-once", act(Action.RESUME, engine(PAUSED._replace(done=1)), engine(PENDING))),
    ("steps-once", act(Action.RESUBMIT, engine(FAILURE._replace(done=1)), engine(
        PENDING._replace(done=1)))),
    ("steps-once", own("publish", engine(READY), engine(READY._replace(done=3)))),
    ("steps-in-order", own("begin", engine(READY._replace(done=2)), engine(
        SENT._replace(done=2)))),
    ("steps-in-order", own("x", engine(HELD), engine(READY))),
    ("steps-in-order", own(Move.START, engine(PENDING), engine(SENT))),
    ("steps-in-order", seen(Arrive(0, 1), engine(SENT), engine(HELD))),
    ("steps-in-order", seen(Replied(0, Reply.FAIL), engine(SENT), engine(FAILED))),
    ("ends-as-its-step-ended", own(Move.SUCCEED, engine(READY), engine(SUCCESS))),
    ("ends-as-its-step-ended", own(Move.FAIL, engine(SUCCEEDED), engine(FAILURE))),
    ("ends-as-its-step-ended", own(Move.RETRY, engine(READY), engine(
        PAUSED._replace(state=State.RETRY)))),
    ("ends-as-its-step-ended", own(Action.PAUSE, engine(HELD), engine(PAUSED))),
    ("asked-only-by-action", own("begin", engine(READY), engine(asked(SENT, Asked.CANCEL)))),
    (
        "asked-only-by-action",
        act(Action.PAUSE, engine(READY), engine(asked(READY, Asked.BOTH))),
    ),
    ("progress-told", own("publish", engine(asked(
        SUCCEEDED._replace(done=1), Asked.CANCEL)), engine(
        asked(READY._replace(done=2, shown=2), Asked.CANCEL)))),
    ("progress-told", own(Action.CANCEL, engine(asked(SUCCEEDED, Asked.CANCEL)), engine(
        CANCELED))),
    ("progress-told", own("begin", engine(READY), engine(SENT._replace(shown=1)))),
    ("progress-told", own("publish", engine(SUCCEEDED), engine(READY._replace(done=1)))),
    ("error-told", own(Move.START, engine(PENDING._replace(error=ErrorCode.CANCELED_JOB)), engine(
        READY._replace(error=ErrorCode.CANCELED_JOB)))),
    ("error-told", own(Move.FAIL, engine(FAILED), engine(
        FAILURE._replace(error=ErrorCode.SUCCESS)))),
    ("error-told", own("begin", engine(READY), engine(
        SENT._replace(error=ErrorCode.NETWORK_PROTOCOL)))),
    ("cancel-honoured", act(Action.CANCEL, engine(PENDING), engine(PENDING))),
    ("cancel-honoured", act(Action.CANCEL, engine(HELD), engine(HELD))),
    ("cancel-honoured", own("begin", engine(asked(READY, Asked.CANCEL)), engine(
        asked(SENT, Asked.CANCEL)))),
    ("cancel-honoured", own(Action.PAUSE, engine(asked(READY, Asked.BOTH)), engine(PAUSED))),
    ("cancel-honoured", act(Action.PAUSE, engine(asked(HELD, Asked.CANCEL)), engine(
        asked(HELD, Asked.PAUSE)))),
    ("pause-honoured", act(Action.PAUSE, engine(PENDING), engine(PENDING))),
    ("pause-honoured", own("begin", engine(asked(READY, Asked.PAUSE)), engine(
        asked(SENT, Asked.PAUSE)))),
    ("pause-honoured", own(Move.SUCCEED, engine(asked(
        READY._replace(done=2), Asked.PAUSE)), engine(SUCCESS))),
    ("pause-honoured", own(Move.FAIL, engine(asked(SUCCEEDED, Asked.PAUSE)), engine(FAILURE))),
]  # fmt: skip


@pytest.mark.parametrize(("name", "wrong"), WRONG)
def test_a_wrong_transition_is_seen(name: str, wrong: Transition) -> None:
    check = BY_NAME[name].transition
    assert check is not None
    assert not check(wrong)


RIGHT = [
    own(Move.START, engine(PENDING), engine(READY)),
    own("begin", engine(READY), engine(SENT)),
    seen(Arrive(0, 0), engine(SENT), engine(HELD)),
    seen(Replied(0, Reply.SUCCEED), engine(HELD), engine(SUCCEEDED)),
    own("publish", engine(SUCCEEDED), engine(READY._replace(done=1, shown=1))),
    act(Action.CANCEL, engine(HELD), engine(asked(HELD, Asked.CANCEL))),
    own(Action.CANCEL, engine(asked(READY, Asked.BOTH)), engine(CANCELED)),
    act(Action.PAUSE, engine(PENDING), engine(PAUSED)),
    act(Action.PAUSE, engine(SUCCESS), engine(SUCCESS)),
    act(Action.RESUBMIT, engine(SUCCESS), engine(SUCCESS), 400),
    act(Action.RESUBMIT, engine(FAILURE), engine(PENDING._replace(error=FAILURE.error))),
    own(
        Move.SUCCEED,
        engine(SUCCESS, READY._replace(done=2, shown=2)),
        Engine((None, SUCCESS), (), (1,)),
        1,
    ),
]


@pytest.mark.parametrize("right", RIGHT, ids=range(len(RIGHT)))
def test_no_property_objects_to_what_is_right(right: Transition) -> None:
    never = [p for p in PROPERTIES if p.modality is not Modality.SOMETIMES]
    assert [p.name for p in never if p.transition is not None and not p.transition(right)] == []


def test_a_cell_with_two_answers_or_none_is_seen() -> None:
    check = BY_NAME["total-deterministic"].node
    assert check is not None
    unknown = tuple(Transition(CONFIG, EMPTY, Act(action, None), 400, EMPTY) for action in Action)
    assert check(Node(CONFIG, EMPTY, unknown))
    assert not check(Node(CONFIG, EMPTY, unknown[1:]))
    assert not check(Node(CONFIG, EMPTY, (*unknown, unknown[0]._replace(answer=404))))
    assert not check(Node(CONFIG, EMPTY, (*unknown[1:], unknown[0]._replace(answer=200))))


def test_an_idle_worker_and_a_job_that_pushes_in_are_seen() -> None:
    check = BY_NAME["pending-runs"].node
    assert check is not None
    waiting = engine(PENDING, PENDING)
    first = own(Move.START, waiting, engine(READY, PENDING))
    other = own(Move.START, waiting, engine(PENDING, READY), 1)
    assert check(Node(CONFIG, waiting, (first,)))
    assert not check(Node(CONFIG, waiting, ()))
    assert not check(Node(CONFIG, waiting, (other,)))
    assert not check(Node(CONFIG, waiting, (first, other)))
    loose = replace(CONFIG, relaxations=frozenset({Relaxation.TIES_UNORDERED}))
    assert check(Node(loose, waiting, (first, other)))  # each is before the other


def test_a_running_job_with_nothing_to_do_is_seen() -> None:
    check = BY_NAME["running-leaves"].node
    assert check is not None
    assert not check(Node(CONFIG, engine(HELD), (act(Action.PAUSE, engine(HELD), engine(HELD)),)))
    reply = seen(Replied(0, Reply.FAIL), engine(HELD), engine(FAILED))
    assert check(Node(CONFIG, engine(HELD), (reply,)))
