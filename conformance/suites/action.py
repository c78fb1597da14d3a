"""`action/<action>/<state>`: every cell of the action matrix, and an id that names no job.

Each case brings a job to the state, reads it, acts, and reads it again; then it lets the job
go on far enough to show what the action left behind.
"""

from __future__ import annotations

from collections.abc import Iterator

from conformance.driver.script import Step, act, complete, fail, read, retry_later, submit, succeed
from conformance.suites.case import Case, Script, blockers
from conformance.suites.needs import EXCLUSIVE, RETRY, Needed
from conformance.sut.profile import Profile
from spec.lookup import way_back
from spec.table import (
    ACTIONS,
    ASK,
    EDGE,
    KEEP,
    REFUSE,
    UNKNOWN,
    Action,
    State,
    cell,
    cell_id,
    target,
)

JOB = "A"
ASIDE = (act(Action.PAUSE, JOB), succeed(JOB))
CALL_OFF = act(Action.CANCEL, JOB)
CALLED_OFF = (CALL_OFF, succeed(JOB))
ON, ANEW = act(Action.RESUME, JOB), act(Action.RESUBMIT, JOB)
# How a job leaves the workers, and is put back into the queue.
TURNS = {"resumed": (ASIDE, ON), "resubmitted": ((fail(JOB),), ANEW)}
PASTS = {
    "resumed": (*ASIDE, ON, *ASIDE, ON),
    "resubmitted": (fail(JOB), ANEW, *CALLED_OFF, ANEW),
}


def cases(profile: Profile) -> Iterator[Case]:
    for state in State:
        for action in ACTIONS:
            steps = (*reach(state, profile), read(JOB), act(action, JOB), *after(state, action))
            name = cell_id(action, state)
            yield Script(name, name, steps)
    for action in ACTIONS:
        name = cell_id(action, UNKNOWN)
        yield Script(name, name, (act(action, UNKNOWN),))
    for past in PASTS:
        yield from again(past, profile)


def again(past: str, profile: Profile) -> Iterator[Case]:
    """The matrix once more, for a job that was put back into the queue before: as if it was new.

    In each state first all actions that change nothing, then one that does.
    """
    for name, state, steps in _states(past, profile):
        nothing = idle(state)
        leading = [one for one in ACTIONS if cell(state, one) in (EDGE, ASK)]
        for action in leading or [Action.CANCEL]:
            more = (act(action, JOB), *after(state, action)) if leading else ()
            if state is State.RUNNING:  # what is refused takes nothing back
                more = (more[0], *nothing, *more[1:])
            yield Script(
                f"action/again/{past}/{name}/{action}",
                cell_id(action, state),
                (submit(JOB, 5, -3), *PASTS[past], *steps, read(JOB), *nothing, *more, read(JOB)),
                needs=(EXCLUSIVE,),
            )


def idle(state: State, job: str = JOB) -> tuple[Step, ...]:
    """All actions that change nothing in this state."""
    return tuple(act(one, job) for one in ACTIONS if cell(state, one) in (KEEP, REFUSE))


def _states(past: str, profile: Profile) -> Iterator[tuple[str, State, tuple[Step, ...]]]:
    """Where a job with this past, whose step waits now, can be brought to: a name, the state, how.

    Wherever it stands still, every worker is blocked.
    """
    out, back = TURNS[past]
    blocked = blockers(profile)
    yield "pending", State.PENDING, (*out, *blocked, back)
    yield "running", State.RUNNING, ()
    yield "paused", State.PAUSED, (*ASIDE, *blocked)
    yield "success", State.SUCCESS, (complete(JOB),)
    yield "failure", State.FAILURE, (fail(JOB), *blocked)
    yield "canceled", State.FAILURE, (*CALLED_OFF, *blocked)
    yield "canceled-when-paused", State.FAILURE, (*ASIDE, *blocked, CALL_OFF)
    yield "canceled-when-pending", State.FAILURE, (*out, *blocked, back, CALL_OFF)


def to_reach(state: State) -> tuple[Needed, ...]:
    """What it takes to bring a job to ``state``."""
    return {State.PENDING: (EXCLUSIVE,), State.RETRY: (RETRY,)}.get(state, ())


def reach(state: State, profile: Profile) -> tuple[Step, ...]:
    """Steps that bring a job of two steps to ``state``, and then block every worker.

    A job in `Paused` and one in `Failure` have a step behind them, so that going on from it
    can be told from starting over.
    """
    born = submit(JOB, 2)
    match state:
        case State.PENDING:
            return (*blockers(profile), born)
        case State.RUNNING:
            return (born,)
        case State.RETRY:
            return (born, retry_later(JOB))
        case State.PAUSED:
            return (born, act(Action.PAUSE, JOB), succeed(JOB), *blockers(profile))
        case State.SUCCESS:
            return (born, succeed(JOB), succeed(JOB))
        case State.FAILURE:
            return (born, succeed(JOB), fail(JOB), *blockers(profile))


def after(state: State, action: Action) -> tuple[Step, ...]:
    """What shows how the action left the job.

    A Running job's step ends, whether the action was accepted or refused; what was canceled or
    paused outside of a worker is taken up again.
    """
    if state is State.RUNNING:
        return (succeed(JOB), read(JOB))
    stopped = target(state, action) if cell(state, action) is EDGE else None
    if stopped is not None and (again := way_back(stopped)) is not None:
        return (act(again, JOB), read(JOB))
    return ()
