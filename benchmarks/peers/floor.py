"""The floor: the straightest script that covers the 20 cells and tells the two lost requests.

    python -m benchmarks.peers.floor URL [--workers N] [--alarms FILE]

A fresh job for each cell, brought to the state through a gate; each wait is for a condition. It
tries what is written here, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.peers.belief import STEPS, Belief
from benchmarks.peers.gated import BAD, GOOD, JOB, Jobs
from benchmarks.peers.telling import Alarm, asked
from spec.table import ACTIONS, Action, Cell, State, cell

Tell = Callable[[Alarm], None]
# What a job is asked for in its first step, and how many steps it has.
RACES = (
    ((Action.PAUSE,), 1),
    ((Action.CANCEL,), 1),
    ((Action.PAUSE, Action.CANCEL), STEPS),
)


def reach(jobs: Jobs, state: State) -> str:
    """A fresh job in this state, with no worker free where it could go on from there."""
    if state is State.PENDING:
        jobs.hold()
        return jobs.submit(STEPS)
    job = jobs.submit(1 if state is State.SUCCESS else STEPS)
    jobs.arrived()
    if state is State.RUNNING:
        return job
    if state is State.PAUSED:
        jobs.act(job, Action.PAUSE)
    jobs.gate.answer(JOB, BAD if state is State.FAILURE else GOOD)
    jobs.is_now(job, state)
    if state is not State.SUCCESS:
        jobs.hold()
    return job


def try_cell(jobs: Jobs, state: State, action: Action, tell: Tell) -> None:
    job = reach(jobs, state)
    expected, belief = Belief(state).act(action)
    if jobs.state(job) is not state:
        tell(Alarm(f"{state} is not reached", job))
    if (status := jobs.act(job, action)) != expected:
        tell(Alarm(f"{action} of a {state} job: {status}, not {expected}", job))
    if cell(state, action) is Cell.ASK:
        jobs.gate.answer(JOB, GOOD)
        found, belief = jobs.settled(job), belief.end(good=True)
    else:
        found = jobs.state(job)
    if found is not belief.state:
        tell(Alarm(f"{action} of a {state} job: {found}, not {belief.state}", job, found))
    jobs.finish(job)
    jobs.let_go()


def race(jobs: Jobs, actions: tuple[Action, ...], steps: int, tell: Tell) -> None:
    """What was asked for has to have its way when the step succeeds."""
    job, belief = jobs.submit(steps), Belief(State.RUNNING, steps)
    jobs.arrived()
    for action in actions:
        jobs.act(job, action)
        belief = belief.act(action)[1]
    jobs.gate.answer(JOB, GOOD)
    found, belief = jobs.settled(job), belief.end(good=True)
    if found is not belief.state:
        tell(Alarm(f"{' and '.join(actions)}: {found}, not {belief.state}", job, found))
    jobs.finish(job)


def cells(jobs: Jobs, tell: Tell) -> None:
    """All cells that are reached on an Orthanc, which has no Retry."""
    for state in State:
        for action in ACTIONS if state is not State.RETRY else ():
            try_cell(jobs, state, action, tell)


def main() -> None:
    given = asked(__doc__ or "")
    jobs = Jobs(given.url, given.workers)
    cells(jobs, given.tell)
    for actions, steps in RACES:
        race(jobs, actions, steps, given.tell)


if __name__ == "__main__":
    main()
