"""Recorded histories with a known verdict, made by hand, each with its reason.

A history is written in a line a reading: ``time: JOB STATE field=value, ...``. Times are seconds.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from conformance.passive.finding import Impossible
from conformance.passive.judge import Judge
from conformance.passive.watched import Watched
from spec.engine import Config
from spec.relaxations import Relaxation, Shortfall
from spec.table import Action
from tests.conformance.passive.histories import DONE, NOW, job

AGAIN = "20261125T000000.500000"
NEWEST = "1.13.0"

Line = tuple[float, Any]


def judge_of(
    *lines: Line,
    watched: Watched | None = None,
    fresh: frozenset[float] = frozenset(),
    clock: float = 0.0,
) -> tuple[Judge, list[Impossible]]:
    """Judge readings (time, jobs) and actions (time, (job, action, status)).

    The server's clock goes along with ours; from the time ``clock`` on it is an hour ahead. A job
    whose CompletionTime is not said completed when it was first read so.
    """
    judge = Judge(watched or Watched(version=NEWEST))
    found: list[Impossible] = []
    done: dict[str, str] = {}
    for time, what in lines:
        if isinstance(what, tuple):
            id, action, status = what
            found += judge.action(id, Action(action), status)
            continue
        ahead = timedelta(seconds=time, hours=1 if clock and time >= clock else 0)
        stamp = f"{datetime(2026, 11, 25) + ahead:%Y%m%dT%H%M%S.%f}"
        done = {one["ID"]: done.get(one["ID"], stamp) for one in what if "CompletionTime" in one}
        jobs = []
        for one in what:
            ended = one.get("CompletionTime") == DONE
            jobs.append(
                one
                | ({"Timestamp": stamp} if one.get("Timestamp") == NOW else {})
                | ({"CompletionTime": done[one["ID"]]} if ended else {})
            )
        found += judge.reading(time, time + 0.001, jobs, time in fresh)
    return judge, found


def judged(*lines: Line, **more: Any) -> list[Impossible]:
    return judge_of(*lines, **more)[1]


ALL_KNOWN = Watched(version=NEWEST, others=False)
GOOD: dict[str, tuple[Line, ...]] = {
    "one step after the other": (
        (0, [job("Pending")]),
        (1, [job("Running")]),
        (2, [job("Running", progress=50)]),
        (3, [job("Success")]),
        (4, [job("Success")]),
    ),
    "many moves between two readings: it failed, was resubmitted, and runs again": (
        (0, [job("Running", progress=67)]),
        (1, [job("Running", progress=33)]),
    ),
    "a resubmitted job shows what is left of the run before": (
        (0, [job("Failure", progress=50)]),
        (1, [job("Pending", progress=50, error=9)]),
        (2, [job("Running", progress=50)]),
        (3, [job("Running", progress=33)]),
    ),
    "the error of a step is published before its job leaves Running": (
        (0, [job("Running")]),
        (1, [job("Running", error=9)]),
        (2, [job("Failure")]),
    ),
    "paused for long, then canceled": (
        (0, [job("Running")]),
        (1, [job("Paused", progress=50)]),
        (2, [job("Paused", progress=50)]),
        (3, [job("Failure", progress=50, error=37)]),
    ),
    "a completed job is driven out of the history": (
        (0, [job("Success"), job("Running", "B")]),
        (1, [job("Success", "B")]),
    ),
    "a job that is under way completes and is driven out before the next reading": (
        (0, [job("Running")]),
        (1, []),
    ),
    "a job that is new has completed already": ((0, []), (1, [job("Failure")])),
    "a failed job was resubmitted and has failed again": (
        (0, [job("Failure")]),
        (1, [job("Failure", CompletionTime=AGAIN)]),
    ),
    "no job at all": ((0, []), (1, [])),
}
BAD: dict[str, tuple[str, tuple[Line, ...]]] = {
    "Success is left": ("monitor/state-success", ((0, [job("Success")]), (1, [job("Pending")]))),
    "Success completes again": (
        "monitor/completion-time",
        ((0, [job("Success")]), (1, [job("Success", CompletionTime=AGAIN)])),
    ),
    "a new job completes without an error, but fails": (
        "monitor/error-code",
        ((0, []), (1, [job("Failure", error=0)])),
    ),
    "Success with an error": ("monitor/error-code", ((0, [job("Success", error=9)]),)),
    "Success half done": ("monitor/progress", ((0, [job("Success", progress=50)]),)),
    "a running job with a CompletionTime": (
        "monitor/completion-time",
        ((0, [job("Running", CompletionTime=DONE)]),),
    ),
    "a job that is born twice": (
        "monitor/creation-time",
        ((0, [job("Running")]), (1, [job("Running", CreationTime=AGAIN)])),
    ),
    "a priority that changes": (
        "monitor/priority",
        ((0, [job("Pending")]), (1, [job("Pending", Priority=1)])),
    ),
    "a type that changes": (
        "monitor/type",
        ((0, [job("Pending")]), (1, [job("Pending", Type="X")])),
    ),
    "a job that was gone is back": (
        "monitor/list",
        ((0, [job("Success")]), (1, []), (2, [job("Success")])),
    ),
    "a job is listed twice": ("monitor/list", ((0, [job("Pending"), job("Pending")]),)),
    "a state that there is not": ("monitor/state", ((0, [job("Failed")]),)),
    "a failed job changes its error without a resubmit": (
        "monitor/error-code",
        ((0, [job("Failure")]), (1, [job("Failure", error=37)])),
    ),
    "Progress falls, and a runtime that did not restart tells that it was not resubmitted": (
        "monitor/progress",
        (
            (0, [job("Running", progress=33, EffectiveRuntime=9.0)]),
            (1, [job("Running", progress=67, EffectiveRuntime=9.5)]),  # so 67 is of this run
            (2, [job("Running", progress=33, EffectiveRuntime=10.5)]),
        ),
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_possible_history_raises_no_alarm(name: str) -> None:
    assert judged(*GOOD[name]) == []


@pytest.mark.parametrize("name", BAD)
def test_an_impossible_history_does(name: str) -> None:
    requirement, lines = BAD[name]
    found = judged(*lines)
    assert requirement in {one.requirement for one in found}, found


def test_the_history_of_the_job_is_told() -> None:
    (one,) = judged((0, [job("Success")]), (1, [job("Paused")]))
    assert one.job == "A"
    assert [line.split(",")[0] for line in one.history] == ["Success", "Paused"]


def test_readings_that_are_alike_are_told_once_and_the_last_one_by_itself() -> None:
    running = [(at, [job("Running", EffectiveRuntime=at / 10)]) for at in range(4)]
    ended = [(at, [job("Success", EffectiveRuntime=0.4)]) for at in (4, 5)]
    (one,) = judged(*running, *ended, (6, [job("Success", EffectiveRuntime=0.5)]))
    assert one.requirement == "monitor/effective-runtime"
    first, second, last = one.history
    assert first.startswith("Running, ")
    assert first.endswith(", ran 0 s: the first of 4 like it")
    assert ", ran 0.4 s, " in second
    assert second.endswith(": the first of 2 like it")
    assert ", ran 0.5 s, " in last
    assert "like it" not in last


# --- where all actions are known, more is impossible --------------------------------------------


def test_a_paused_job_does_not_resume_by_itself() -> None:
    lines = ((0, [job("Paused")]), (1, [job("Running")]))
    assert judged(*lines) == []  # somebody may have resumed it
    assert [one.requirement for one in judged(*lines, watched=ALL_KNOWN)] == [
        "monitor/state-paused"
    ]


def test_a_paused_job_is_not_driven_out() -> None:
    lines = ((0, [job("Paused")]), (1, []))
    found = judged(*lines, watched=ALL_KNOWN)
    assert [one.requirement for one in found] == ["history/unfinished-never-evicted"]


def test_an_action_explains_what_it_does_and_no_more() -> None:
    resumed = ((0, [job("Paused")]), (1, ("A", "resume", 200)), (2, [job("Success")]))
    assert judged(*resumed, watched=ALL_KNOWN) == []
    refused = ((0, [job("Paused")]), (1, ("A", "resume", 400)), (2, [job("Paused")]))
    assert [one.requirement for one in judged(*refused, watched=ALL_KNOWN)] == [
        "action/resume/paused"
    ]


def test_a_cancel_that_is_lost_is_known_by_its_relaxation() -> None:
    lines = (
        (0, [job("Running")]),
        (1, ("A", "cancel", 200)),
        (2, [job("Running")]),  # so the cancel did not come too late
        (3, [job("Success")]),
    )
    assert [one.requirement for one in judged(*lines, watched=ALL_KNOWN)] == [
        "monitor/state-running"
    ]
    config = Config(
        workers=None,
        history=None,
        relaxations=frozenset({Relaxation.REQUEST_LOST_ON_LAST_STEP}),
    )
    assert judged(*lines, watched=Watched(config, NEWEST, others=False)) == []


def test_a_failure_by_a_cancel_needs_one() -> None:
    lines = ((0, []), (1, [job("Running")]), (2, [job("Failure", error=37)]))
    assert judged(*lines) == []
    assert [one.requirement for one in judged(*lines, watched=ALL_KNOWN)] == ["monitor/error-code"]


# --- restarts, clocks, several jobs -------------------------------------------------------------


def test_after_a_restart_a_job_may_be_as_it_was_saved() -> None:
    lines = ((0, [job("Running")]), (1, [job("Success")]), (2, [job("Pending")]))
    assert judged(*lines) != []
    assert judged(*lines, fresh=frozenset({2})) == []  # the end was not saved yet


def test_after_a_restart_what_had_ended_long_before_has_ended() -> None:
    lines = (*((t, [job("Success")]) for t in range(20)), (20, [job("Pending")]))
    found = judged(*lines, fresh=frozenset({20}))
    assert [one.requirement for one in found] == ["monitor/state-success"]


def test_after_a_restart_jobs_may_be_gone_or_back() -> None:
    lines = (
        (0, [job("Success"), job("Paused", "B")]),
        (1, [job("Paused", "B")]),
        (2, [job("Success")]),
    )
    assert judged(*lines, watched=ALL_KNOWN, fresh=frozenset({2})) == []


def test_a_step_of_the_servers_clock_proves_nothing() -> None:
    lines = (
        (0, [job("Running", progress=33, EffectiveRuntime=1.0)]),
        (1, [job("Running", progress=67, EffectiveRuntime=1.0)]),
        (2, [job("Running", progress=33, EffectiveRuntime=3600.0)]),
    )
    assert judged(*lines) != []
    assert judged(*lines, clock=2) == []


def running(runtime: float, *ids: str) -> list[dict[str, Any]]:
    return [job("Running", id, EffectiveRuntime=runtime) for id in ids]


def test_more_jobs_than_workers_run_at_the_same_time() -> None:
    two = Watched(Config(workers=2, history=None))
    same = tuple((t, running(0.0, "A", "B", "C")) for t in range(3))
    assert [one.requirement for one in judged(*same, watched=two)] == ["queue/concurrent-jobs"]
    # Read one after the other, three jobs may show Running though two at most ever were.
    assert judged(*same[:2], watched=two) == []
    live = Watched(Config(workers=2, history=None), live=True)
    growing = tuple((t, running(float(t), "A", "B", "C")) for t in range(3))
    assert {one.requirement for one in judged(*growing, watched=live)} == {"queue/concurrent-jobs"}


def test_more_completed_jobs_than_the_history_holds() -> None:
    one = Watched(Config(workers=None, history=1))
    lines = tuple((t, [job("Success"), job("Success", "B")]) for t in range(2))
    assert [found.requirement for found in judged(*lines, watched=one)] == ["history/size"]
    assert judged(lines[0], watched=one) == []  # one may have been gone when the other was read


def test_an_error_may_be_forgotten_by_a_server_that_does_not_keep_it() -> None:
    lines = ((0, [job("Failure", error=0)]),)
    assert [one.requirement for one in judged(*lines)] == ["monitor/error-code"]
    for version in ("1.9.1", None):  # it is not known which: what any version may do is allowed
        assert judged(*lines, watched=Watched(version=version)) == []


def test_what_a_stopped_transfer_waits_for_its_peer_counts_only_while_it_runs() -> None:
    content = {"Resources": [], "Peer": "far", "Compression": "none"}
    common = {"Type": "PushTransfer", "Content": content, "progress": 33}
    lines = (
        (0, [job("Running", EffectiveRuntime=0.385, **common)]),
        (0.1, [job("Paused", EffectiveRuntime=0.214, **common)]),
    )
    name = Shortfall.RUNTIME_OF_THE_STEP
    (found,) = judged(*lines)
    assert name in found.wrong.known
    judge, alarms = judge_of(*lines, watched=Watched(version=NEWEST, accepted=frozenset({name})))
    assert (alarms, set(judge.findings)) == ([], {name})
    store = [(at, [one | {"Type": "OrthancPeerStore"} for one in jobs]) for at, jobs in lines]
    assert judged(*store, watched=Watched(version=NEWEST, accepted=frozenset({name})))
