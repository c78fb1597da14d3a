"""Histories in which the server ends and is started again, each with a known verdict."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.oracle.oracle import Finding, Oracle
from spec.engine import Act, Arrive, Config, Event, List, Read, Replied, Reply, Submit, View
from spec.relaxations import Name, Shortfall
from spec.restart import Start
from spec.table import Action, ErrorCode, State

PENDING, RUNNING, PAUSED = State.PENDING, State.RUNNING, State.PAUSED
SUCCESS, FAILURE, RETRY = State.SUCCESS, State.FAILURE, State.RETRY
FAILED, CANCELED = ErrorCode.NETWORK_PROTOCOL, ErrorCode.CANCELED_JOB
CLEAN, KILLED = Start(history=3), Start(killed=True, history=3)

TERM = "SIGTERM"  # from here on the server may have been saved
Told = list[Any]


def shows(job: int, state: State, progress: int = 0, error: int = 0, priority: int = 0) -> Any:
    return Read(job), View(state, ErrorCode(error), progress, priority)


def arrives(job: int, number: int = 0) -> tuple[Event, Any]:
    return Arrive(job, number), None


def replied(job: int, reply: Reply = Reply.SUCCEED) -> tuple[Event, Any]:
    return Replied(job, reply), None


def acted(action: Action, job: int = 0) -> tuple[Event, Any]:
    return Act(action, job), 200


def born(steps: int = 2, priority: int = 0) -> tuple[Event, Any]:
    return Submit(priority, steps), True


def judge(told: Told) -> list[Finding]:
    """The findings of a history. A `Start` in it is a restart, saved no earlier than `TERM`."""
    oracle = Oracle(Config(workers=1, history=3), "ABCDEF")
    findings, since = [], 0
    for one in told:
        if one is TERM:
            since = oracle.events
            continue
        found = oracle.restart(one, since) if isinstance(one, Start) else oracle.see(*one)
        if found is not None:
            findings.append(found)
            if found.relaxations is None:
                break
    return findings


RUNS = [born(3), arrives(0), replied(0), arrives(0, 1), shows(0, RUNNING, 33)]
ASKED = [*RUNS, acted(Action.CANCEL)]
AGAIN = [
    *(*RUNS, replied(0, Reply.FAIL), shows(0, FAILURE, 33, FAILED), acted(Action.RESUBMIT)),
    *(arrives(0), shows(0, RUNNING, 33)),
]
DIED = [born(), arrives(0), replied(0, Reply.FAIL), shows(0, FAILURE, 0, FAILED)]

GOOD: dict[str, Told] = {
    "the step under way ends in the stop and is saved": [
        *RUNS, TERM, replied(0), CLEAN, shows(0, PENDING, 67), arrives(0, 2),
    ],
    "it ends too late to be saved, and is run again": [
        *RUNS, TERM, replied(0), CLEAN, shows(0, RUNNING, 33), arrives(0, 1),
    ],
    "its end leads to the next step, which is run again": [
        *RUNS, TERM, replied(0), arrives(0, 2), replied(0), CLEAN, arrives(0, 2),
    ],
    "the last step ends in the stop": [
        born(1), arrives(0), TERM, replied(0), CLEAN, shows(0, SUCCESS, 100),
    ],
    "a cancel takes effect in the stop": [
        *ASKED, TERM, replied(0), CLEAN, shows(0, FAILURE, 67, CANCELED),
    ],
    "a pause takes effect in the stop, and ends with its run": [
        *RUNS, acted(Action.PAUSE), TERM, replied(0), CLEAN, shows(0, PAUSED, 67),
        acted(Action.RESUME), arrives(0, 2),
    ],
    "a request is lost by a kill": [*ASKED, TERM, KILLED, shows(0, PENDING, 33), arrives(0, 1)],
    "or it is honoured by the start": [*ASKED, TERM, KILLED, shows(0, FAILURE, 33, CANCELED)],
    "all of it is lost by a kill before the first save": [
        TERM, *RUNS, KILLED, (List(), frozenset()), (Read(0), None),
    ],
    "equal jobs come in any order": [
        born(1), arrives(0), born(1), born(1), TERM, replied(0), CLEAN,
        shows(0, SUCCESS, 100), arrives(2), shows(1, PENDING),
    ],
    "a failure and its code": [*DIED, TERM, CLEAN, shows(0, FAILURE, 0, FAILED)],
    "what has started over does so again": [
        *AGAIN, TERM, KILLED, shows(0, RUNNING, 33), arrives(0),
    ],
    "no job is loaded": [*DIED, TERM, Start(loads=False), (List(), frozenset()), (Read(0), None)],
    "three restarts": [
        *RUNS, TERM, CLEAN, arrives(0, 1), replied(0), shows(0, RUNNING, 67), arrives(0, 2),
        TERM, CLEAN, arrives(0, 2), TERM, KILLED, arrives(0, 2), replied(0), shows(0, SUCCESS, 100),
    ],
}  # fmt: skip

BAD: dict[str, tuple[Told, str]] = {
    "a running job is lost": ([*RUNS, TERM, CLEAN, (Read(0), None)], "persist/unfinished-requeued"),
    "it is not listed": (
        [*RUNS, TERM, CLEAN, (List(), frozenset())], "persist/unfinished-requeued",
    ),
    "a running job starts over": ([*RUNS, TERM, CLEAN, arrives(0, 0)], "persist/step"),
    "it leaves out a step": ([*RUNS, TERM, CLEAN, arrives(0, 2)], "persist/step"),
    "its progress is lost": ([*RUNS, TERM, CLEAN, shows(0, PENDING, 0)], "persist/step"),
    "its priority is lost": (
        [born(2, 5), arrives(0), TERM, CLEAN, shows(0, PENDING)], "persist/priority",
    ),
    "a paused job is queued": (
        [born(), acted(Action.PAUSE), shows(0, PAUSED), TERM, CLEAN, shows(0, PENDING)],
        "persist/paused-stays",
    ),
    "and one that runs a step": (
        [born(), acted(Action.PAUSE), shows(0, PAUSED), TERM, CLEAN, arrives(0)],
        "persist/paused-stays",
    ),
    "a completed job is lost": ([*DIED, TERM, CLEAN, (Read(0), None)], "persist/completed-stays"),
    "a completed job runs again": ([*DIED, TERM, CLEAN, arrives(0)], "persist/completed-stays"),
    "a failure loses its code": ([*DIED, TERM, CLEAN, shows(0, FAILURE, 0)], "persist/error"),
    "a job in Retry fails": (
        [
            born(), arrives(0), replied(0, Reply.RETRY_LATER), shows(0, RETRY), TERM, CLEAN,
            shows(0, FAILURE, 0, FAILED),
        ],
        "persist/retry-requeued",
    ),
    "jobs are loaded against the will": (
        [*DIED, TERM, Start(loads=False), (List(), frozenset({0}))], "persist/no-jobs",
    ),
    "jobs are saved against the will": (
        [*DIED, TERM, Start(saves=False), shows(0, FAILURE, 0, FAILED)], "persist/save-jobs-false",
    ),
    "what was saved is lost by a kill": ([*RUNS, TERM, KILLED, (Read(0), None)], "persist/killed"),
    "a state that never was comes out of a kill": (
        [*RUNS, TERM, KILLED, shows(0, PAUSED, 33)], "persist/killed",
    ),
    "a history that is too small for all keeps them": (
        [
            *(e for j in (0, 1) for e in (born(1), arrives(j), replied(j), shows(j, SUCCESS, 100))),
            TERM, Start(history=1), (List(), frozenset({0, 1})),
        ],
        "history/size",
    ),
}  # fmt: skip

KNOWN: dict[str, tuple[Told, set[Name]]] = {
    "a cancel is forgotten by a clean stop": (
        [*ASKED, TERM, replied(0), CLEAN, arrives(0, 1)], {Shortfall.REQUEST_LOST_AT_STOP},
    ),
    "a pause is, and shows in the state": (
        [*RUNS, acted(Action.PAUSE), TERM, replied(0), CLEAN, shows(0, PENDING, 33)],
        {Shortfall.REQUEST_LOST_AT_STOP},
    ),
    "a job that has started over goes on behind the step at which it had failed": (
        [*AGAIN, TERM, KILLED, arrives(0, 1)], {Shortfall.RESUBMIT_LOST_AT_RESTART},
    ),
}  # fmt: skip


@pytest.mark.parametrize("told", GOOD.values(), ids=GOOD.keys())
def test_a_good_restart_raises_no_alarm(told: Told) -> None:
    assert judge(told) == []


@pytest.mark.parametrize(("told", "requirement"), BAD.values(), ids=BAD.keys())
def test_a_bad_restart_is_a_deviation_that_nothing_explains(told: Told, requirement: str) -> None:
    assert judge(told[:-1]) == []
    (finding,) = judge(told)
    assert finding.relaxations is None
    assert finding.requirement == requirement
    assert finding.actual not in finding.expected


@pytest.mark.parametrize(("told", "names"), KNOWN.values(), ids=KNOWN.keys())
def test_what_is_known_of_released_servers_has_its_name(told: Told, names: set[Name]) -> None:
    (finding,) = judge(told)
    assert set(finding.relaxations or ()) == names
    assert finding.requirement.startswith("persist/")


def test_a_job_that_was_not_read_since_the_start_is_not_at_rest() -> None:
    oracle = Oracle(Config(workers=1, history=3), "A")
    for event, answer in DIED:
        oracle.see(event, answer)
    assert oracle.settled()
    oracle.restart(CLEAN, oracle.events)
    assert not oracle.settled()
    assert oracle.awaited() == [0]
    oracle.see(*shows(0, FAILURE, 0, FAILED))
    assert oracle.settled()
