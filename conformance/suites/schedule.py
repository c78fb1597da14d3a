"""`schedule/`: which job runs when. The number of workers, priorities, ties, freed workers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from conformance.driver.script import (
    Do,
    Step,
    act,
    complete,
    fail,
    read,
    retry,
    retry_later,
    submit,
    succeed,
    wait_for,
)
from conformance.suites.case import OFTEN, Case, Script, blocker_names, blockers
from conformance.suites.needs import FEW_PROCESSORS, MANAGED, RETRY, workers
from conformance.sut.profile import BY_DEFAULT, NOTHING, Profile
from spec.table import Action, State

LETTERS = "ABCDEFGH"
TIES = 6  # the least number of equal jobs that a real Orthanc runs out of order
LOWEST, HIGHEST = -(2**31), 2**31 - 1
OTHER_SIZES = (1, 3, 5)  # ConcurrentJobs of managed servers, beside the default


def cases(profile: Profile) -> Iterator[Case]:
    yield limit("schedule/limit", profile)
    yield from priorities(profile)
    yield ties("schedule/ties", profile)
    yield ties_resumed("schedule/ties-resumed", profile)
    yield ties_resubmitted("schedule/ties-resubmitted", profile)
    yield ties_retried("schedule/ties-retried", profile)
    yield from freed(profile)
    yield left_out(profile)
    yield requeued(profile)
    yield requeued_between(profile)
    yield requeued_often(profile)
    yield each_by_itself(profile)
    yield churn(profile)
    for size in OTHER_SIZES:
        other = replace(profile, workers=size)
        config = {"ConcurrentJobs": size}
        for case in (
            limit(f"schedule/workers-{size}/limit", other, config),
            ties(f"schedule/workers-{size}/ties", other, config),
        ):
            yield replace(case, needs=(workers(size),))
    yield each_processor(profile)
    yield by_default(profile)


def limit(name: str, profile: Profile, config: Mapping[str, Any] = NOTHING) -> Case:
    """As many jobs run as there are workers, and never one more, however often one ends."""
    many = [f"J{n + 1}" for n in range((profile.workers or 1) + 3)]
    steps = (*(submit(job) for job in many), *(complete(job) for job in many))
    return Script(name, "queue/concurrent-jobs", steps, config=config, watch=True)


def each_processor(profile: Profile) -> Case:
    """By ConcurrentJobs 0 as many jobs run as there are processors, and never one more."""
    here = replace(profile, workers=os.cpu_count())
    case = limit("schedule/workers-0/limit", here, {"ConcurrentJobs": 0})
    return replace(case, needs=(MANAGED, FEW_PROCESSORS))


def by_default(profile: Profile) -> Case:
    """A server whose configuration does not say how many jobs run."""
    silent = replace(profile, workers=BY_DEFAULT["ConcurrentJobs"])
    case = limit("schedule/by-default/limit", silent, {"ConcurrentJobs": None})
    return replace(case, needs=(MANAGED,))


def priorities(profile: Profile) -> Iterator[Case]:
    """Pending jobs start by priority, whatever the order in which they came."""
    for name, values in {
        "positive": (1, 300, 2, 10, 70_000, 9, HIGHEST, HIGHEST - 1),
        "negative": (-1, -300, -2, -10, -70_000, -9, LOWEST, LOWEST + 1),
        "mixed": (-1, 0, 1, 0, -2, 2),
        "extreme": (LOWEST, 0, HIGHEST, -1, 1),
        "rising": (0, 1, 2, 3, 4, 5),
        "falling": (5, 4, 3, 2, 1, 0),
    }.items():
        jobs = dict(zip(LETTERS, values, strict=False))
        steps = (*blockers(profile), *(submit(job, 1, p) for job, p in jobs.items()))
        order = sorted(jobs, key=lambda job: -jobs[job])
        yield Script(
            f"schedule/priority/{name}", "queue/priority-order", (*steps, *serve(profile, order))
        )


def serve(profile: Profile, order: Iterable[str]) -> tuple[Step, ...]:
    """Free one worker after the other: each takes the next job, and ends it."""
    first, *rest = blocker_names(profile)
    return (*(complete(job) for job in (first, *order)), *(complete(job) for job in rest))


def ties(name: str, profile: Profile, config: Mapping[str, Any] = NOTHING) -> Case:
    """Equal jobs start in the order in which they became Pending."""
    jobs = LETTERS[:TIES]
    steps = (*blockers(profile), *(submit(job) for job in jobs), *serve(profile, jobs))
    return Script(name, "queue/ties-in-order", steps, config=config)


def ties_resumed(name: str, profile: Profile) -> Case:
    """What counts is when a job became Pending, not when it was created."""
    steps = (
        *blockers(profile),
        *(submit(job) for job in "ABC"),
        act(Action.PAUSE, "A"),
        act(Action.RESUME, "A"),
        *serve(profile, "BCA"),
    )
    return Script(name, "queue/ties-in-order", steps)


def ties_resubmitted(name: str, profile: Profile) -> Case:
    """A resubmitted job has become Pending again, behind those that already were."""
    steps = (
        *blockers(profile),
        *(submit(job) for job in "ABC"),
        act(Action.CANCEL, "A"),
        act(Action.RESUBMIT, "A"),
        *serve(profile, "BCA"),
    )
    return Script(name, "queue/ties-in-order", steps)


def ties_retried(name: str, profile: Profile) -> Case:
    """A job whose delay is over has become Pending again, behind those that already were."""
    first, *rest = blocker_names(profile)
    steps = (
        *(submit(job) for job in rest),
        submit("A"),
        submit(first, priority=1),
        *(submit(job) for job in "BC"),
        retry("A"),
        wait_for("A", State.PENDING),
        *serve(profile, "BCA"),
    )
    return Script(name, "queue/ties-in-order", steps, needs=(RETRY,))


def freed(profile: Profile) -> Iterator[Case]:
    """A worker whose job has left Running takes the next one."""
    for name, how in {
        "success": (succeed("X1"), succeed("X1")),
        "failure": (fail("X1"),),
        "pause": (act(Action.PAUSE, "X1"), succeed("X1")),
        "cancel": (act(Action.CANCEL, "X1"), succeed("X1")),
        "retry": (retry_later("X1"),),
    }.items():
        steps = (*blockers(profile, 2), submit("A"), read("A"), *how, read("A"), complete("A"))
        needs = (RETRY,) if name == "retry" else ()
        yield Script(f"schedule/freed-by/{name}", "queue/worker-freed", steps, needs=needs)


def left_out(profile: Profile) -> Case:
    """A job that was paused or canceled while it waited does not start when its turn comes."""
    steps = (
        *blockers(profile),
        *(submit(job, 1, p) for job, p in (("A", 5), ("B", 4), ("C", 3))),
        act(Action.PAUSE, "A"),
        act(Action.CANCEL, "B"),
        *serve(profile, "C"),
        read("A"),
        read("B"),
    )
    return Script("schedule/left-out", "step/only-while-running", steps, watch=True)


def each_by_itself(profile: Profile) -> Case:
    """What is asked of one of several Paused jobs is not done to the others."""
    look = Step(Do.EXPAND)
    steps = (
        *blockers(profile),
        *(submit(job) for job in "ABC"),
        *(act(Action.PAUSE, job) for job in "ABC"),
        act(Action.RESUME, "B"),
        look,
        act(Action.CANCEL, "A"),
        look,
        *serve(profile, "B"),
        look,
    )
    return Script("schedule/each-by-itself", "monitor/state-paused", steps)


def requeued(profile: Profile) -> Case:
    """Resumed and resubmitted jobs go by the priority that they were submitted with."""
    steps = (
        submit("A", 2, 2),
        fail("A"),
        submit("B", 2, 3),
        act(Action.PAUSE, "B"),
        succeed("B"),
        *blockers(profile),
        submit("C", 1, 1),
        act(Action.RESUBMIT, "A"),
        act(Action.RESUME, "B"),
        *serve(profile, "BAC"),
    )
    return Script("schedule/requeued", "queue/priority-order", steps)


def requeued_between(profile: Profile) -> Case:
    """They neither pass a job of higher priority nor fall behind one of lower priority."""
    steps = (
        submit("A", 2, 3),
        fail("A"),
        submit("B", 2, 4),
        act(Action.PAUSE, "B"),
        succeed("B"),
        *blockers(profile),
        submit("C", 1, 5),
        submit("D", 1, 1),
        submit("E", 1, 2),
        act(Action.PAUSE, "E"),
        act(Action.RESUBMIT, "A"),
        act(Action.RESUME, "B"),
        act(Action.RESUME, "E"),
        *serve(profile, "CBAED"),
    )
    return Script("schedule/requeued-between", "queue/priority-order", steps)


def requeued_often(profile: Profile) -> Case:
    """Neither do they when they are taken out of the queue and put back again and again.

    No more than ten wait on a server of somebody's, which may heed the LimitJobs of the page.
    """
    plain = {"A": 40, "B": 25, "C": 5, "D": -5, "E": -25, "F": -40}
    plain |= {"K": 50, "L": -50} if profile.managed else {}
    resumed, resubmitted = {"G": 30, "H": -30}, {"I": 20, "J": -20}
    jobs = plain | resumed | resubmitted
    again = (
        *(act(action, job) for job in resumed for action in (Action.PAUSE, Action.RESUME)),
        *(act(action, job) for job in resubmitted for action in (Action.CANCEL, Action.RESUBMIT)),
    )
    steps = (
        *blockers(profile),
        *(submit(job, 1, priority) for job, priority in jobs.items()),
        *again * OFTEN,
        *serve(profile, sorted(jobs, key=lambda job: -jobs[job])),
    )
    return Script("schedule/requeued-often", "queue/priority-order", steps)


def churn(profile: Profile) -> Case:
    """After workers were freed in every way, there are as many as before."""
    busy = blocker_names(profile)
    waiting = [f"J{n + 1}" for n in range(len(busy) + 2)]
    steps = (
        *blockers(profile, 3),
        act(Action.PAUSE, "X1"),
        succeed("X1"),
        act(Action.RESUME, "X1"),
        act(Action.CANCEL, "X1"),
        succeed("X1"),
        act(Action.RESUBMIT, "X1"),
        fail("X1"),
        *(submit(job, 1, n % 2) for n, job in enumerate(waiting)),
        *(complete(job) for job in (*busy, *waiting)),
        *(submit(f"Z{n}") for n in range(len(busy) + 2)),
    )
    return Script("schedule/churn", "queue/concurrent-jobs", steps, watch=True)
