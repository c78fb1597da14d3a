"""`persist/stop/`: a clean stop by SIGTERM, and a start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.driver.script import (
    EXPAND,
    act,
    complete,
    fail,
    read,
    restart,
    retry_later,
    submit,
    succeed,
)
from conformance.suites.action import idle
from conformance.suites.case import Case, Script, blocker_names
from conformance.suites.history import ended, paused
from conformance.suites.needs import HISTORY_SMALL
from conformance.sut.profile import Profile
from spec.engine import Reply
from spec.table import Action, State

if TYPE_CHECKING:
    pass
from conformance.suites.persist.jobs import (
    completed,
    failed,
    in_every_state,
    running,
    to_their_ends,
)


def stops(profile: Profile) -> Iterator[Case]:
    """Clean stops, one after the other."""
    yield from _kept(profile)
    yield from _put_back(profile)
    yield from _carried(profile)
    yield from _under_way(profile)
    yield from _requests(profile)


def _kept(profile: Profile) -> Iterator[Case]:
    """What is there again, as it was."""
    busy = blocker_names(profile)
    yield Script(
        "persist/stop/all-states",
        "persist/unfinished-requeued",
        (*in_every_state(profile), restart(), EXPAND, *to_their_ends(profile)),
    )
    yield Script(
        "persist/stop/paused",
        "persist/paused-stays",
        (
            *paused("A", 3, 1),
            *failed("B", 3),
            *running(profile, 2),
            act(Action.RESUBMIT, "B"),
            act(Action.PAUSE, "B"),
            submit("C", 2),
            act(Action.PAUSE, "C"),
            restart(),
            EXPAND,
            *(act(Action.RESUME, job) for job in "ABC"),
            *(complete(job) for job in (*busy, *"ABC", *"ABC")),
            EXPAND,
        ),
    )
    yield Script(
        "persist/stop/completed",
        "persist/completed-stays",
        (*completed(), restart(), EXPAND, act(Action.RESUBMIT, "F"), complete("F"), EXPAND),
        watch=True,
    )
    yield Script(
        "persist/stop/error",
        "persist/error",
        (*completed(), restart(), read("F"), read("C")),
    )
    yield Script(
        "persist/stop/times",
        "persist/times",
        (*completed(), *paused("P", 3, 1), EXPAND, restart(), EXPAND, read("P"), EXPAND),
    )
    full = [f"H{n + 1}" for n in range(profile.history or 0)]
    yield Script(
        "persist/stop/full-history",
        "persist/completed-stays",
        (*(step for job in full for step in ended(job)), EXPAND, restart(), EXPAND),
        needs=(HISTORY_SMALL,),
    )


def _carried(profile: Profile) -> Iterator[Case]:
    """What a job takes with it: its priority, and the step where it stopped."""
    busy = blocker_names(profile)
    values = {"A": -3, "B": 5, "C": 0, "D": 2**31 - 1, "E": -(2**31)}
    order = sorted(values, key=lambda job: -values[job])
    yield Script(
        "persist/stop/priority",
        "persist/priority",
        (
            *running(profile, 1),
            *(submit(job, 1, priority) for job, priority in values.items()),
            restart(),
            EXPAND,
            *(complete(job) for job in (*order, *busy, *order)),
            EXPAND,
        ),
    )
    yield Script(
        "persist/stop/step",
        "persist/step",
        (
            *paused("A", 4, 2),
            *running(profile, 5),
            *(succeed(job) for job in busy),
            act(Action.RESUME, "A"),
            restart(),
            EXPAND,
            *(complete(job) for job in (*busy, "A", *busy)),
            EXPAND,
        ),
    )


def _under_way(profile: Profile) -> Iterator[Case]:
    """Steps that are under way when the server is asked to end."""
    busy = blocker_names(profile)
    yield Script(
        "persist/stop/step-ends",
        "persist/step-ends-before-stop",
        (*running(profile, 1), submit("A", 2), restart(late=True), EXPAND, complete("A"), EXPAND),
        watch=True,
    )
    yield Script(
        "persist/stop/step-fails",
        "persist/step-ends-before-stop",
        (*running(profile, 2), restart(Reply.FAIL), EXPAND, *(complete(job) for job in busy)),
        watch=True,
    )
    yield Script(
        "persist/stop/retry",
        "persist/retry-requeued",
        (
            submit("A", 2),
            succeed("A"),
            retry_later("A"),
            restart(),
            EXPAND,
            complete("A"),
            read("A"),
        ),
    )
    yield Script(
        "persist/stop/three-times",
        "persist/saved-by-default",
        (
            *completed(),
            *paused("P", 3, 1),
            *running(profile, 6),
            submit("Q", 2, -1),
            restart(),
            *(succeed(job) for job in busy),
            restart(),
            *(succeed(job) for job in busy),
            restart(),
            EXPAND,
            act(Action.RESUME, "P"),
            *(complete(job) for job in (*busy, "P", "Q", *busy)),
            EXPAND,
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
            *running(profile, 2),
            act(Action.RESUME, "A"),
            act(Action.RESUBMIT, "B"),
            submit("Q", 1, -4),
            EXPAND,
            restart(),
            EXPAND,
            *(complete(job) for job in (*blocker_names(profile), *"ABQ")),
            EXPAND,
        ),
    )
    loaded = (
        *completed(),
        *(step for job in "PUV" for step in paused(job, 3, 1)),
        *running(profile, 2),
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
            EXPAND,
            *(step for job, state in states.items() for step in idle(state, job)),
            *(act(Action(action), job) for job, action in done.items()),
            EXPAND,
            act(Action.RESUME, "Q"),
            act(Action.RESUBMIT, "U"),
            *(complete(job) for job in (*blocker_names(profile), *"PFCUQV")),
            act(Action.RESUME, "V"),
            *(complete(job) for job in "PFCUQV"),
            EXPAND,
        ),
    )


def _requests(profile: Profile) -> Iterator[Case]:
    """Of every worker's job something is asked: a pause of one, a cancel of the next."""
    busy = blocker_names(profile)
    asked = [(Action.PAUSE, Action.CANCEL)[n % 2] for n in range(len(busy))]
    run = (
        *running(profile, 4),
        *(act(action, job) for action, job in zip(asked, busy, strict=True)),
    )
    after = (EXPAND, *(complete(job) for job in busy), EXPAND)
    for name, late in {"request": False, "request-late": True}.items():
        yield Script(
            f"persist/stop/{name}",
            "persist/request-survives-stop",
            (*run, restart(late=late), *after),
            watch=True,
        )
