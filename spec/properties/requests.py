"""Pauses and cancels: who asks, how long the request is kept, that it is honoured."""

from __future__ import annotations

from spec.engine import Config, Engine, Job
from spec.lookup import sources
from spec.properties.model import ALWAYS, EVENTUALLY, SOMETIMES, Own, Property, Transition
from spec.properties.reading import (
    STEP_FAILED,
    acts,
    asks,
    begins,
    in_states,
)
from spec.relaxations import Relaxation
from spec.table import FINAL, Action, Asked, ErrorCode, State

LOST = frozenset({Relaxation.REQUEST_LOST_ON_LAST_STEP})
PAUSED_FROM = sources(Action.PAUSE)  # a Paused job has no need of it


@Property(
    "requests-only-running",
    ALWAYS,
    "Requests for a pause or a cancel exist only on Running jobs.",
    ("step/requests-end-with-run",),
).of_state
def requests_only_running(config: Config, engine: Engine) -> bool:
    return all(
        job is None or job.asked is Asked.NOTHING or job.state is State.RUNNING
        for job in engine.jobs
    )


@Property(
    "asked-only-by-action",
    ALWAYS,
    "A job is asked for a pause or a cancel by that action only.",
    ("step/requests-end-with-run",),
).of_transition
def asked_only_by_action(t: Transition) -> bool:
    """A note of a request is made by the request, and names no other."""
    before, after = t.subject
    if before is None or after is None:
        return True
    return all(
        asks(before, action) or not asks(after, action) or acts(t, action)
        for action in (Action.CANCEL, Action.PAUSE)
    )


@Property(
    "canceled-only-by-cancel",
    ALWAYS,
    "The error of a canceled job only comes from a cancel of that job, answered 200.",
    ("monitor/error-code-cancelled",),
).of_transition
def canceled_only_by_cancel(t: Transition) -> bool:
    for index, before, after in t.records:
        if after is None or after.error is not ErrorCode.CANCELED_JOB:
            continue
        if before is None or before.error is not ErrorCode.CANCELED_JOB:
            mine = before is not None and t.job == index
            owed = isinstance(t.what, Own) and before is not None and asks(before, Action.CANCEL)
            if not mine or not (acts(t, Action.CANCEL) or owed):
                return False
    return True


@Property(
    "paused-only-by-pause",
    ALWAYS,
    "A job becomes Paused only by a pause of that job, answered 200.",
    ("monitor/state-paused",),
).of_transition
def paused_only_by_pause(t: Transition) -> bool:
    for _, before, after in t.records:
        paused = after is not None and after.state is State.PAUSED
        if not paused or (before is not None and before.state is State.PAUSED):
            continue
        owed = isinstance(t.what, Own) and before is not None and asks(before, Action.PAUSE)
        if not (acts(t, Action.PAUSE) or owed):
            return False
    return True


def _noted(job: Job | None, action: Action) -> bool:
    return job is not None and job.state is State.RUNNING and asks(job, action)


@Property(
    "cancel-honoured",
    EVENTUALLY,
    "A cancel answered 200 in Pending, Running, Retry or Paused leads to Failure, and no "
    "further step begins.",
    ("action/cancel/running", "step/one-after-answer"),
    rests_on=("running-leaves",),
    relaxed_by=LOST | {Relaxation.CANCEL_LOST_TO_PAUSE},
).of_transition
def cancel_honoured(t: Transition) -> bool:
    """Answered 200: canceled, or noted. Noted: kept until Failure, and no step begins."""
    for index, before, after in t.records:
        if before is None:
            continue
        mine = index == t.job
        asked_now = mine and acts(t, Action.CANCEL) and before.state not in FINAL
        if not asked_now and not _noted(before, Action.CANCEL):
            continue
        failed = after is None or after.state is State.FAILURE
        if not failed and (not _noted(after, Action.CANCEL) or begins(before, after)):
            return False
    return True


@Property(
    "pause-honoured",
    EVENTUALLY,
    "A pause answered 200 in Pending, Running or Retry leads to Paused, or to Failure because "
    "its step failed or a cancel was answered 200; no further step begins in between.",
    ("action/pause/running", "step/one-after-answer"),
    rests_on=("running-leaves",),
    relaxed_by=LOST,
).of_transition
def pause_honoured(t: Transition) -> bool:
    """Answered 200: paused, or noted. Noted: kept until Paused or a rightful Failure."""
    for index, before, after in t.records:
        if before is None:
            continue
        mine = index == t.job
        asked_now = mine and acts(t, Action.PAUSE) and before.state in PAUSED_FROM
        if not asked_now and not _noted(before, Action.PAUSE):
            continue
        if after is None or after.state is State.FAILURE:
            if before.phase not in STEP_FAILED and not asks(before, Action.CANCEL):
                return False
        elif after.state is not State.PAUSED and (
            not _noted(after, Action.PAUSE) or begins(before, after)
        ):
            return False
    return True


@Property(
    "two-paused",
    SOMETIMES,
    "Two jobs are Paused at once.",
    ("monitor/state-paused",),
    jobs=lambda workers, history: 2,
).of_state
def two_paused(config: Config, engine: Engine) -> bool:
    return len(in_states(engine, frozenset({State.PAUSED}))) >= 2
