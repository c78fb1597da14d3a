"""`persist/`: what becomes of jobs when their server ends and is started again.

Many states go through one restart, since an Orthanc takes some seconds to stop. What a stop lets
the steps under way do early in it, the server still saves; what it does late, released servers do
again after the start (`driver.restarts`). `kill -9` costs nothing, and finds what was saved.

Only for a server that the kit starts: its folder, and with it what it has saved, is ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from conformance.driver.script import (
    Do,
    Step,
    act,
    complete,
    fail,
    kill,
    read,
    restart,
    retry_later,
    submit,
    succeed,
)
from conformance.suites.action import idle
from conformance.suites.case import QUICK_TO_STOP, Case, Check, Script, blocker_names
from conformance.suites.history import ended, paused
from conformance.suites.needs import HISTORY_SMALL
from conformance.suites.route import lasting
from conformance.sut.profile import Profile
from spec.engine import Reply
from spec.table import Action, State

if TYPE_CHECKING:
    from conformance.driver.context import Context

LOOK = Step(Do.EXPAND)
FIRST = 9  # the priority of the jobs that hold the workers
SMALL = 2  # a JobsHistorySize


def cases(profile: Profile) -> Iterator[Case]:
    for case in _cases(profile):
        yield replace(case, config={**QUICK_TO_STOP, **case.config}, fresh=True)
    yield from lasting.cases(profile)


def _cases(profile: Profile) -> Iterator[Case]:
    yield from _stops(profile)
    yield from _requests(profile)
    yield from _kills(profile)
    yield from _settings(profile)


def _stops(profile: Profile) -> Iterator[Case]:
    busy = blocker_names(profile)
    yield Script(
        "persist/stop/all-states",
        "persist/unfinished-requeued",
        (*_states(profile), restart(), LOOK, *_to_their_ends(profile)),
    )
    yield Script(
        "persist/stop/paused",
        "persist/paused-stays",
        (
            *paused("A", 3, 1),
            *_failed("B", 3),
            *_running(profile, 2),
            act(Action.RESUBMIT, "B"),
            act(Action.PAUSE, "B"),
            submit("C", 2),
            act(Action.PAUSE, "C"),
            restart(),
            LOOK,
            *(act(Action.RESUME, job) for job in "ABC"),
            *(complete(job) for job in (*busy, *"ABC", *"ABC")),
            LOOK,
        ),
    )
    yield Script(
        "persist/stop/completed",
        "persist/completed-stays",
        (*_completed(), restart(), LOOK, act(Action.RESUBMIT, "F"), complete("F"), LOOK),
        watch=True,
    )
    yield Script(
        "persist/stop/error",
        "persist/error",
        (*_completed(), restart(), read("F"), read("C")),
    )
    yield Script(
        "persist/stop/times",
        "persist/times",
        (*_completed(), *paused("P", 3, 1), LOOK, restart(), LOOK, read("P"), LOOK),
    )
    full = [f"H{n + 1}" for n in range(profile.history or 0)]
    yield Script(
        "persist/stop/full-history",
        "persist/completed-stays",
        (*(step for job in full for step in ended(job)), LOOK, restart(), LOOK),
        needs=(HISTORY_SMALL,),
    )
    yield from _put_back(profile)
    values = {"A": -3, "B": 5, "C": 0, "D": 2**31 - 1, "E": -(2**31)}
    order = sorted(values, key=lambda job: -values[job])
    yield Script(
        "persist/stop/priority",
        "persist/priority",
        (
            *_running(profile, 1),
            *(submit(job, 1, priority) for job, priority in values.items()),
            restart(),
            LOOK,
            *(complete(job) for job in (*order, *busy, *order)),
            LOOK,
        ),
    )
    yield Script(
        "persist/stop/step",
        "persist/step",
        (
            *paused("A", 4, 2),
            *_running(profile, 5),
            *(succeed(job) for job in busy),
            act(Action.RESUME, "A"),
            restart(),
            LOOK,
            *(complete(job) for job in (*busy, "A", *busy)),
            LOOK,
        ),
    )
    yield Script(
        "persist/stop/step-ends",
        "persist/step-ends-before-stop",
        (*_running(profile, 1), submit("A", 2), restart(late=True), LOOK, complete("A"), LOOK),
        watch=True,
    )
    yield Script(
        "persist/stop/step-fails",
        "persist/step-ends-before-stop",
        (*_running(profile, 2), restart(Reply.FAIL), LOOK, *(complete(job) for job in busy)),
        watch=True,
    )
    yield Script(
        "persist/stop/retry",
        "persist/retry-requeued",
        (submit("A", 2), succeed("A"), retry_later("A"), restart(), LOOK, complete("A"), read("A")),
    )
    yield Script(
        "persist/stop/three-times",
        "persist/saved-by-default",
        (
            *_completed(),
            *paused("P", 3, 1),
            *_running(profile, 6),
            submit("Q", 2, -1),
            restart(),
            *(succeed(job) for job in busy),
            restart(),
            *(succeed(job) for job in busy),
            restart(),
            LOOK,
            act(Action.RESUME, "P"),
            *(complete(job) for job in (*busy, "P", "Q", *busy)),
            LOOK,
        ),
        watch=True,
    )


def _put_back(profile: Profile) -> Iterator[Case]:
    """Jobs that were put back into the queue before; and what is done to loaded ones."""
    turns = {
        "A": (act(Action.PAUSE, "A"), succeed("A"), act(Action.RESUME, "A")),
        "B": (fail("B"), act(Action.RESUBMIT, "B")),
    }
    yield Script(
        "persist/stop/put-back",
        "persist/unfinished-requeued",
        (
            *(submit("A", 5, -2), *turns["A"], *turns["A"][:-1]),
            *(submit("B", 3, -3), *turns["B"], succeed("B"), fail("B")),
            *_running(profile, 2),
            act(Action.RESUME, "A"),
            act(Action.RESUBMIT, "B"),
            submit("Q", 1, -4),
            LOOK,
            restart(),
            LOOK,
            *(complete(job) for job in (*blocker_names(profile), *"ABQ")),
            LOOK,
        ),
    )
    loaded = (
        *_completed(),
        *(step for job in "PUV" for step in paused(job, 3, 1)),
        *_running(profile, 2),
        *(submit(job, 2, -1) for job in "QR"),
    )
    states = {"S": State.SUCCESS, "F": State.FAILURE, "C": State.FAILURE}
    states |= {"P": State.PAUSED, "U": State.PAUSED, "Q": State.PENDING, "R": State.PENDING}
    done = {"P": "resume", "U": "cancel", "F": "resubmit", "C": "resubmit", "Q": "pause"}
    done |= {"R": "cancel"}
    yield Script(
        "persist/stop/acted-upon",
        "persist/unfinished-requeued",
        (
            *loaded,
            restart(),
            LOOK,
            *(step for job, state in states.items() for step in idle(state, job)),
            *(act(Action(action), job) for job, action in done.items()),
            LOOK,
            act(Action.RESUME, "Q"),
            act(Action.RESUBMIT, "U"),
            *(complete(job) for job in (*blocker_names(profile), *"PFCUQV")),
            act(Action.RESUME, "V"),
            *(complete(job) for job in "PFCUQV"),
            LOOK,
        ),
    )


def _requests(profile: Profile) -> Iterator[Case]:
    """Of every worker's job something is asked: a pause of one, a cancel of the next."""
    busy = blocker_names(profile)
    asked = [(Action.PAUSE, Action.CANCEL)[n % 2] for n in range(len(busy))]
    run = (
        *_running(profile, 4),
        *(act(action, job) for action, job in zip(asked, busy, strict=True)),
    )
    after = (LOOK, *(complete(job) for job in busy), LOOK)
    for name, late in {"request": False, "request-late": True}.items():
        yield Script(
            f"persist/stop/{name}",
            "persist/request-survives-stop",
            (*run, restart(late=late), *after),
            watch=True,
        )


def _kills(profile: Profile) -> Iterator[Case]:
    busy = blocker_names(profile)
    yield Script(
        "persist/kill/all-states",
        "persist/killed",
        (*_states(profile), kill(), LOOK, *_to_their_ends(profile)),
    )
    yield Script(
        "persist/kill/settled",
        "persist/killed",
        (
            *_states(profile),
            kill(),
            LOOK,
            act(Action.CANCEL, "U"),
            act(Action.PAUSE, "Q"),
            act(Action.RESUME, "P"),
            act(Action.RESUBMIT, "F"),
            *(succeed(job) for job in busy[:1]),
            LOOK,
            kill(settled=True),
            LOOK,
            act(Action.RESUME, "Q"),
            *(complete(job) for job in (*busy, *(["T"] if profile.retry else []), *"PFQB")),
            LOOK,
        ),
    )
    yield Script(
        "persist/kill/after-stop",
        "persist/killed",
        (
            *_completed(),
            *paused("P", 3, 1),
            *_running(profile, 3),
            restart(),
            kill(saved=False),
            LOOK,
            *(complete(job) for job in busy),
            kill(saved=False),
            LOOK,
        ),
    )
    yield Script(
        "persist/kill/at-once",
        "persist/killed",
        (
            *paused("P", 3, 1),
            *_running(profile, 3),
            *(act(Action.PAUSE, job) for job in busy),
            submit("A", 2),
            kill(saved=False),
            LOOK,
            *(complete(job) for job in busy),
        ),
    )
    yield Check(
        "persist/kill/synchronous",
        "persist/killed",
        check=partial(waited_for, profile),
    )
    yield Script(
        "persist/kill/new-job",
        "persist/saved-at-creation",
        (*_running(profile, 2), submit("A", 2, 3), kill(), LOOK, *(complete(j) for j in "AA")),
    )


def waited_for(profile: Profile, context: Context) -> None:
    """The job of a synchronous call is as any other: it outlives the call, which breaks."""
    context.do(*_running(profile, 2))
    path, body = context.prepare("A", 2)
    call = context.call("POST", path, {**body, "Synchronous": True})
    context.adopt("A")
    context.do(submit("B", 1), kill(), LOOK)
    context.until(call.ended, "persist/killed", "the end of a call to a server that has died", str)
    context.do(*(complete(job) for job in (*blocker_names(profile), "A", "B")), LOOK)


def _settings(profile: Profile) -> Iterator[Case]:
    again = (LOOK, submit("N", 2), complete("N"), LOOK)
    yield Script(
        "persist/no-jobs",
        "persist/no-jobs",
        (*_states(profile), restart(loads=False), *again, submit("W", 2), restart(), LOOK),
        watch=True,
    )
    yield Script(
        "persist/save-jobs-false",
        "persist/save-jobs-false",
        (*_states(profile), restart(), *again, kill(), LOOK),
        config={"SaveJobs": False},
        watch=True,
    )
    four = "ABCD"
    yield Script(
        "persist/history-smaller",
        "history/size",
        (
            *(step for job in four for step in (submit(job), complete(job))),
            *paused("P", 2, 1),
            restart(history=SMALL),
            LOOK,
            submit("E"),
            complete("E"),
            LOOK,
            act(Action.RESUME, "P"),
            complete("P"),
            LOOK,
        ),
    )


# --- jobs in every state ---------------------------------------------------------------------


def _states(profile: Profile) -> tuple[Step, ...]:
    """Jobs in each state, and in Pending in each of the ways that lead there."""
    busy = blocker_names(profile)
    return (
        *_completed(),
        *paused("P", 3, 1),
        *paused("U", 3, 1, 1),
        *_failed("B", 3, -2),
        *(step for step in (submit("T", 2, 2), succeed("T"), retry_later("T")) if profile.retry),
        *_running(profile, 4),
        *(succeed(job) for job in busy[:1]),
        submit("Q", 2, -1),
        act(Action.RESUME, "U"),
        act(Action.RESUBMIT, "B"),
        LOOK,
    )


def _to_their_ends(profile: Profile) -> tuple[Step, ...]:
    """Run all that `_states` has left unfinished: each goes on from its step, and none is lost."""
    busy = blocker_names(profile)
    order = (*busy, *(["T"] if profile.retry else []), "U", "Q", "B")
    return (*(complete(job) for job in order), act(Action.RESUME, "P"), complete("P"), LOOK)


def _completed() -> tuple[Step, ...]:
    """A job in Success, a failed and a canceled one, each after a step that succeeded."""
    return (
        *(submit("S", 2), succeed("S"), succeed("S")),
        *(submit("F", 3), succeed("F"), fail("F")),
        *(submit("C", 3), succeed("C"), act(Action.CANCEL, "C"), succeed("C")),
    )


def _failed(job: str, steps: int, priority: int = 0) -> Iterable[Step]:
    """A job that has failed in its second step."""
    return (submit(job, steps, priority), succeed(job), fail(job))


def _running(profile: Profile, steps: int = 1) -> tuple[Step, ...]:
    """Jobs that hold every worker, and go first."""
    return tuple(submit(job, steps, FIRST) for job in blocker_names(profile))
