"""`persist/kill/`: kill -9, and a start."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from conformance.driver.script import EXPAND, act, complete, fail, kill, restart, submit, succeed
from conformance.suites.case import Case, Check, Script, blocker_names
from conformance.suites.history import paused
from conformance.suites.persist.jobs import completed, in_every_state, running, to_their_ends
from conformance.sut.profile import Profile
from conformance.timing import TIMING
from spec.table import Action, State

if TYPE_CHECKING:
    from conformance.driver.context import Context

ENDED = "persist/saved-at-end"


def kills(profile: Profile) -> Iterator[Case]:
    busy = blocker_names(profile)
    yield Script(
        "persist/kill/all-states",
        "persist/killed",
        (*in_every_state(profile), kill(), EXPAND, *to_their_ends(profile)),
    )
    yield Script(
        "persist/kill/settled",
        "persist/killed",
        (
            *in_every_state(profile),
            kill(),
            EXPAND,
            act(Action.CANCEL, "U"),
            act(Action.PAUSE, "Q"),
            act(Action.RESUME, "P"),
            act(Action.RESUBMIT, "F"),
            *(succeed(job) for job in busy[:1]),
            EXPAND,
            kill(settled=True),
            EXPAND,
            act(Action.RESUME, "Q"),
            *(complete(job) for job in (*busy, *(["T"] if profile.retry else []), *"PFQB")),
            EXPAND,
        ),
    )
    yield from _again(profile)


def _again(profile: Profile) -> Iterator[Case]:
    """Kills after a stop, at once, and while somebody waits."""
    busy = blocker_names(profile)
    yield Script(
        "persist/kill/after-stop",
        "persist/killed",
        (
            *completed(),
            *paused("P", 3, 1),
            *running(profile, 3),
            restart(),
            kill(saved=False),
            EXPAND,
            *(complete(job) for job in busy),
            kill(saved=False),
            EXPAND,
        ),
    )
    yield Script(
        "persist/kill/at-once",
        "persist/killed",
        (
            *paused("P", 3, 1),
            *running(profile, 3),
            *(act(Action.PAUSE, job) for job in busy),
            submit("A", 2),
            kill(saved=False),
            EXPAND,
            *(complete(job) for job in busy),
        ),
    )
    yield Script(
        "persist/kill/resubmitted",
        "persist/killed",
        (
            *(submit("A", 3), succeed("A"), fail("A"), act(Action.RESUBMIT, "A")),
            submit("B"),
            kill(),
            EXPAND,
            *(complete(job) for job in "ABA"),
            EXPAND,
        ),
    )
    yield Check(
        "persist/kill/synchronous",
        "persist/killed",
        check=partial(waited_for, profile),
    )
    yield Check("persist/kill/ended", ENDED, check=ended)
    yield Script(
        "persist/kill/new-job",
        "persist/saved-at-creation",
        (*running(profile, 2), submit("A", 2, 3), kill(), EXPAND, *(complete(j) for j in "AA")),
    )


def ended(context: Context) -> None:
    """A job that has ended is as it was after a kill, though no other one was made since."""
    for job, end, state in (("A", succeed, State.SUCCESS), ("F", fail, State.FAILURE)):
        context.do(submit(job, 2), succeed(job))
        context.pass_time(TIMING.saved)
        context.do(end(job))
        context.pass_time(TIMING.saved)
        context.do(kill(saved=False))
        context.equal(ENDED, f"State of {job}", state, context.job(job)["State"])


def waited_for(profile: Profile, context: Context) -> None:
    """The job of a synchronous call is as any other: it outlives the call, which breaks."""
    context.do(*running(profile, 2))
    path, body = context.prepare("A", 2)
    call = context.call("POST", path, {**body, "Synchronous": True})
    context.adopt("A")
    context.do(submit("B", 1), kill(), EXPAND)
    context.until(call.ended, "persist/killed", "the end of a call to a server that has died", str)
    context.do(*(complete(job) for job in (*blocker_names(profile), "A", "B")), EXPAND)
