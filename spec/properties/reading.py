"""Reading what happens: by which trigger, and what it means for a job."""

from __future__ import annotations

from spec.engine import Act, Engine, Event, Job, Phase, Submit
from spec.properties.model import Own, Transition
from spec.table import Action, Asked, Move, State, Trigger


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


def asks(job: Job, action: Action) -> bool:
    """Whether the job is noted as having been asked for ``action``."""
    return job.asked in (Asked.BOTH, action)  # both are strings


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
