"""Good and bad histories, each with a known verdict."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.oracle.oracle import Finding, Oracle
from spec.engine import Act, Arrive, Config, Event, List, Read, Replied, Reply, Submit, View
from spec.relaxations import Relaxation
from spec.table import Action, ErrorCode, State

History = list[tuple[Event, Any]]

FAILED, CANCELED = ErrorCode.NETWORK_PROTOCOL, ErrorCode.CANCELED_JOB
ONE, TWO = Submit(0, 1), Submit(0, 2)


def shows(job: int, state: State, progress: int = 0, error: int = 0, priority: int = 0) -> Any:
    return Read(job), View(state, ErrorCode(error), progress, priority)


def submitted(*jobs: Submit) -> History:
    return [(job, True) for job in jobs]


def arrives(job: int, number: int = 0) -> tuple[Event, Any]:
    return Arrive(job, number), None


def replied(job: int, reply: Reply = Reply.SUCCEED) -> tuple[Event, Any]:
    return Replied(job, reply), None


def acted(action: Action, job: int | None = 0, status: int = 200) -> tuple[Event, Any]:
    return Act(action, job), status


def judge(told: History, **config: Any) -> list[Finding]:
    """The findings of a history; it ends at one that nothing explains."""
    oracle = Oracle(Config(**{"workers": 1, "history": 3, **config}), "ABCDEF")
    findings = []
    for event, answer in told:
        finding = oracle.see(event, answer)
        if finding is not None:
            findings.append(finding)
            if finding.relaxations is None:
                break
    return findings


PENDING, RUNNING, PAUSED = State.PENDING, State.RUNNING, State.PAUSED
SUCCESS, FAILURE, RETRY = State.SUCCESS, State.FAILURE, State.RETRY
RUNS = [*submitted(TWO), arrives(0)]
QUEUED = [*submitted(ONE), arrives(0), *submitted(TWO)]

GOOD: dict[str, History] = {
    "a job runs to its end": [
        *submitted(TWO),
        shows(0, PENDING),
        shows(0, RUNNING),
        arrives(0),
        replied(0),
        shows(0, RUNNING, 50),
        arrives(0, 1),
        replied(0),
        shows(0, RUNNING, 100),
        shows(0, SUCCESS, 100),
    ],
    "the code of a failed step is shown while the job still runs": [
        *RUNS,
        replied(0, Reply.FAIL),
        shows(0, RUNNING, 0, FAILED),
        shows(0, FAILURE, 0, FAILED),
    ],
    "one arrival may come just after the answer to a pause": [
        *submitted(TWO),
        shows(0, RUNNING),
        acted(Action.PAUSE),
        arrives(0),
        replied(0),
        shows(0, PAUSED, 50),
    ],
    "a pause before the first step": [
        *submitted(TWO),
        acted(Action.PAUSE),
        shows(0, PAUSED),
        acted(Action.RESUME),
        arrives(0),
    ],
    "a server that retries a failed step, and is paused meanwhile": [
        *RUNS,
        replied(0, Reply.FAIL),
        shows(0, RETRY),
        acted(Action.PAUSE),
        shows(0, PAUSED),
    ],
    "a server that was seen to retry may pause instead": [
        *RUNS,
        replied(0, Reply.FAIL),
        shows(0, RETRY),
        arrives(0),
        acted(Action.PAUSE),
        replied(0, Reply.FAIL),
        shows(0, PAUSED),
    ],
    "the oldest of more jobs than the history holds is gone": [
        *(
            one
            for j in range(4)
            for one in (*submitted(ONE), arrives(j), replied(j), shows(j, SUCCESS, 100))
        ),
        (List(), frozenset({1, 2, 3})),
        (Read(0), None),
        acted(Action.CANCEL, 0, 400),
    ],
    "an unknown id": [acted(Action.RESUME, None, 400), (List(), frozenset())],
}

BAD: dict[str, tuple[History, str]] = {
    "a refused action is accepted": (
        [*RUNS, acted(Action.RESUME, 0, 200)],
        "action/resume/running",
    ),
    "an accepted action is refused": (
        [*QUEUED, acted(Action.PAUSE, 1, 400)],
        "action/pause/pending",
    ),
    "an unknown id is accepted": ([acted(Action.CANCEL, None, 200)], "action/cancel/unknown"),
    "a canceled job stays pending": (
        [*QUEUED, acted(Action.CANCEL, 1), shows(1, PENDING)],
        "action/cancel/pending",
    ),
    "a canceled job has no code": (
        [*QUEUED, acted(Action.CANCEL, 1), shows(1, FAILURE)],
        "monitor/error-code",
    ),
    "a paused job runs on": (
        [*RUNS, acted(Action.PAUSE), replied(0), arrives(0, 1)],
        "race/pause/step-succeeds",
    ),
    "a paused job begins a step": (
        [*QUEUED, acted(Action.PAUSE, 1), shows(1, PAUSED), replied(0), arrives(1)],
        "step/only-while-running",
    ),
    "a resumed job starts over": (
        [
            *RUNS,
            acted(Action.PAUSE),
            replied(0),
            shows(0, PAUSED, 50),
            acted(Action.RESUME),
            arrives(0, 0),
        ],
        "step/resumed-goes-on",
    ),
    "a resubmitted job goes on": (
        [
            *RUNS,
            replied(0),
            arrives(0, 1),
            replied(0, Reply.FAIL),
            shows(0, FAILURE, 50, FAILED),
            acted(Action.RESUBMIT),
            arrives(0, 1),
        ],
        "step/resubmitted-starts-over",
    ),
    "a step is run twice": ([*RUNS, arrives(0)], "step/run-once"),
    "two jobs run on one worker": ([*RUNS, *submitted(ONE), arrives(1)], "queue/concurrent-jobs"),
    "a lower priority goes first": (
        [*QUEUED, *submitted(Submit(1, 1)), replied(0), arrives(1)],
        "queue/priority-order",
    ),
    "a failure is taken for a success": (
        [*RUNS, replied(0, Reply.FAIL), shows(0, SUCCESS, 100)],
        "race/nothing/step-fails",
    ),
    "a pause hides a failure": (
        [*RUNS, acted(Action.PAUSE), replied(0, Reply.FAIL), shows(0, PAUSED)],
        "race/pause/step-fails",
    ),
    "progress counts a step that failed": (
        [*RUNS, replied(0, Reply.FAIL), shows(0, FAILURE, 50, FAILED)],
        "monitor/progress",
    ),
    "a job is not listed": ([*QUEUED, (List(), frozenset({0}))], "monitor/list"),
    "a completed job is lost": (
        [*RUNS, replied(0, Reply.FAIL), shows(0, FAILURE, 0, FAILED), (Read(0), None)],
        "history/kept",
    ),
    "a pending job is lost": ([*QUEUED, (Read(1), None)], "history/unfinished-never-evicted"),
    "the history keeps one too many": (
        [
            *(
                one
                for j in range(4)
                for one in (*submitted(ONE), arrives(j), replied(j), shows(j, SUCCESS, 100))
            ),
            (List(), frozenset({0, 1, 2, 3})),
        ],
        "history/size",
    ),
    "a success is taken up again": (
        [*submitted(ONE), arrives(0), replied(0), shows(0, SUCCESS, 100), shows(0, PENDING, 100)],
        "race/nothing/last-step-succeeds",
    ),
    "the priority changes": ([*QUEUED, shows(1, PENDING, priority=1)], "monitor/priority"),
}

RELAXED: dict[str, tuple[History, set[Relaxation]]] = {
    "a cancel is lost to a pause": (
        [*RUNS, acted(Action.CANCEL), acted(Action.PAUSE), replied(0), shows(0, PAUSED, 50)],
        {Relaxation.CANCEL_LOST_TO_PAUSE},
    ),
    "a pause is lost on the last step": (
        [*submitted(ONE), arrives(0), acted(Action.PAUSE), replied(0), shows(0, SUCCESS, 100)],
        {Relaxation.REQUEST_LOST_ON_LAST_STEP},
    ),
    "equal jobs out of order": (
        [*submitted(ONE), arrives(0), *submitted(ONE, ONE), replied(0), arrives(2)],
        {Relaxation.TIES_UNORDERED},
    ),
    "two of them in one history, each found by itself": (
        [
            *RUNS,
            acted(Action.CANCEL),
            acted(Action.PAUSE),
            replied(0),
            shows(0, PAUSED, 50),
            acted(Action.RESUME),
            arrives(0, 1),
            acted(Action.PAUSE),
            replied(0),
            shows(0, SUCCESS, 100),
        ],
        {Relaxation.CANCEL_LOST_TO_PAUSE, Relaxation.REQUEST_LOST_ON_LAST_STEP},
    ),
}


@pytest.mark.parametrize("history", GOOD.values(), ids=GOOD.keys())
def test_a_good_history_raises_no_alarm(history: History) -> None:
    assert judge(history) == []


@pytest.mark.parametrize(("history", "requirement"), BAD.values(), ids=BAD.keys())
def test_a_bad_history_is_a_deviation_that_nothing_explains(
    history: History, requirement: str
) -> None:
    assert judge(history[:-1]) == []
    (finding,) = judge(history)
    assert finding.relaxations is None
    assert finding.requirement == requirement
    assert finding.actual not in finding.expected


@pytest.mark.parametrize(("history", "relaxations"), RELAXED.values(), ids=RELAXED.keys())
def test_what_a_relaxation_explains_has_its_name_and_is_gone_behind(
    history: History, relaxations: set[Relaxation]
) -> None:
    findings = judge(history)
    assert [len(f.relaxations or ()) for f in findings] == [1] * len(relaxations)
    assert {r for f in findings for r in f.relaxations or ()} == relaxations
    assert judge(history, relaxations=frozenset(relaxations)) == []


def test_of_an_unknown_history_an_absence_says_nothing() -> None:
    lost = [*RUNS, replied(0, Reply.FAIL), shows(0, FAILURE, 0, FAILED), (Read(0), None)]
    assert judge(lost, history=None) == []


def test_the_expected_answers_are_a_list() -> None:
    (finding,) = judge([*QUEUED, acted(Action.PAUSE, 1, 500)])
    assert finding.expected == ("HTTP 200",)
    assert finding.actual == "HTTP 500"


def test_rest_is_not_reached_before_every_change_was_read() -> None:
    oracle = Oracle(Config(workers=1), "AB")
    for event, answer in [*submitted(ONE), arrives(0)]:
        oracle.see(event, answer)
    assert not oracle.settled()
    assert oracle.awaited() == [0]
    oracle.see(*shows(0, RUNNING))
    assert oracle.settled()
    oracle.see(*replied(0))
    assert not oracle.settled()
    oracle.see(*shows(0, RUNNING, 100))
    assert not oracle.settled()
    oracle.see(*shows(0, SUCCESS, 100))
    assert oracle.settled()


def test_a_finding_holds_text_of_a_server_as_text_only() -> None:
    found = Finding("monitor/state", ("\x1b[2J",), "State \ud83d\nfake", None)
    assert (found.expected, found.actual) == (("\\x1b[2J",), "State \\ud83d\\nfake")
