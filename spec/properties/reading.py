"""Reading what happens: whose job it is, before and after, by which trigger."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from spec.engine import Act, Engine, Event, Job, List, Phase, Submit
from spec.properties.model import Own, Transition
from spec.table import Action, Asked, Move, State, Trigger


def job_of(what: Event | Own) -> int | None:
    """The job that something happens to; None for a submission, a listing and an unknown id."""
    return None if isinstance(what, Submit | List) else what.job


def records(t: Transition) -> Iterator[tuple[int, Job | None, Job | None]]:
    """Each job before and after: (index, before, after). A new job has no before."""
    before, after = t.before.jobs, t.after.jobs
    new = (None,) * (len(after) - len(before))
    return zip(count(), before + new if new else before, after, strict=False)


def trigger_of(what: Event | Own) -> Trigger | None:
    """The trigger that something would be an edge by; None for what has no edge."""
    match what:
        case Submit():
            return Move.SUBMIT
        case Act(action, _):
            return action
        case Own(name, _):
            return next((one for one in (*Action, *Move) if one == name), None)
        case _:
            return None


def acts(t: Transition, action: Action, status: int = 200) -> bool:
    """Whether a client's ``action`` was answered with ``status``."""
    return isinstance(t.what, Act) and t.what.action is action and t.answer == status


def subject(t: Transition) -> tuple[Job | None, Job | None]:
    """The job that it happens to, before and after. None: no such job, or gone."""
    index = len(t.before.jobs) if isinstance(t.what, Submit) else job_of(t.what)
    before, after = t.before.jobs, t.after.jobs
    if index is None or not 0 <= index < len(after):
        return None, None
    return before[index] if index < len(before) else None, after[index]


def asks(job: Job, action: Action) -> bool:
    """Whether the job is noted as having been asked for ``action``."""
    return job.asked is Asked.BOTH or job.asked.value == action.value


def begins(before: Job | None, after: Job | None) -> bool:
    """Whether a step begins: its POST is sent."""
    return (
        after is not None
        and after.phase is Phase.SENT
        and (before is None or before.phase is not Phase.SENT)
    )


def is_start(t: Transition) -> bool:
    return isinstance(t.what, Own) and t.what.name == Move.START


STEP_FAILED = frozenset({Phase.FAILED, Phase.FAILURE_SHOWN})


STEP_RETRIES = frozenset({Phase.RETRYING, Phase.RETRYING_LATER})


def number_running(engine: Engine) -> int:
    return sum(job is not None and job.state is State.RUNNING for job in engine.jobs)


def in_states(engine: Engine, states: frozenset[State]) -> list[int]:
    return [i for i, job in enumerate(engine.jobs) if job is not None and job.state in states]


def waiting(engine: Engine) -> list[tuple[int, Job]]:
    """The jobs in the queue, in its order."""
    return [(i, job) for i in engine.queue if (job := engine.jobs[i]) is not None]
