"""The language in which cases, searches and replay files say what to do: a list of steps.

A step is one input or one reading, in the words of the domain, about a job that is called by
a letter. What to expect is nowhere in it: the model says that. So a suite, a generated
sequence, a counterexample from the proofs and a file that somebody wrote by hand are all run
by the same few lines (`conformance.bench`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from conformance.errors import BadArgument
from spec.engine import Reply
from spec.table import Action, State

MOST_STEPS = 8  # steps of one job; each has an instance of its own
UNKNOWN_JOB = "unknown"  # the name of a job that does not exist


class Do(StrEnum):
    """What a step does. Actions and replies have the names that they have in ``spec``."""

    SUBMIT = "submit"
    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    RESUBMIT = "resubmit"
    SUCCEED = "succeed"  # the gate answers the step that it holds
    FAIL = "fail"
    RETRY = "retry"
    RETRY_LATER = "retry-later"
    READ = "read"  # GET /jobs/{id}
    LIST = "list"  # GET /jobs
    EXPAND = "expand"  # GET /jobs?expand
    AWAIT = "await"  # read until the job is in `state`
    COMPLETE = "complete"  # the gate lets each step of the job succeed until none is held

    @property
    def action(self) -> Action | None:
        return Action(self.value) if self.value in set(Action) else None

    @property
    def reply(self) -> Reply | None:
        return Reply(self.value) if self.value in set(Reply) else None


LISTINGS = frozenset({Do.LIST, Do.EXPAND})


@dataclass(frozen=True, slots=True)
class Step:
    """One step. ``job`` is None for a listing; ``steps`` and ``priority`` belong to a submit.

    ``settle``: wait, after the input, until the server has done all that it does by itself.
    Without it the next step may fall at any moment of what the engine is doing.
    """

    do: Do
    job: str | None = None
    steps: int = 1
    priority: int = 0
    state: State | None = None
    settle: bool = True

    def __str__(self) -> str:
        match self.do:
            case Do.SUBMIT:
                many = "1 step" if self.steps == 1 else f"{self.steps} steps"
                text = f"submit {self.job}, {many}, priority {self.priority}"
            case Do.SUCCEED | Do.FAIL:
                text = f"let the step of {self.job} {self.do}"
            case Do.RETRY | Do.RETRY_LATER:
                text = f"let the step of {self.job} ask for a retry"
                text += " in the far future" if self.do is Do.RETRY_LATER else ""
            case Do.COMPLETE:
                text = f"let every step of {self.job} succeed"
            case Do.READ:
                text = f"read {self.job}"
            case Do.LIST:
                text = "read the list of jobs"
            case Do.EXPAND:
                text = "read the list of jobs, expanded"
            case Do.AWAIT:
                text = f"read {self.job} until it is {self.state}"
            case _:
                text = f"{self.do} {self.job}"
        return text if self.settle else f"{text}, and go on at once"

    def to_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"do": self.do.value}
        if self.job is not None:
            found["job"] = self.job
        if self.do is Do.SUBMIT:
            found |= {"steps": self.steps, "priority": self.priority}
        if self.state is not None:
            found["state"] = self.state.value
        if not self.settle:
            found["settle"] = False
        return found

    @classmethod
    def from_json(cls, found: Any) -> Step:
        """The step that ``to_json`` wrote. Raises `BadArgument`, which names what is wrong."""
        if not isinstance(found, Mapping):
            raise BadArgument(f"a step must be an object, not {found!r}")
        unused = set(found) - {"do", "job", "steps", "priority", "state", "settle", "expect"}
        if unused:
            raise BadArgument(f"a step has no field {min(unused)!r}")
        try:
            do = Do(str(found.get("do")))
        except ValueError:
            known = ", ".join(Do)
            raise BadArgument(f"unknown step {found.get('do')!r}: use one of {known}") from None
        job = found.get("job")
        if (do in LISTINGS) != (job is None) or not isinstance(job, str | None):
            raise BadArgument(f"step {do!r} needs {'no job' if do in LISTINGS else 'a job'}")
        steps, priority = found.get("steps", 1), found.get("priority", 0)
        if not _integer(steps) or not 1 <= steps <= MOST_STEPS:
            raise BadArgument(f"'steps' must be an integer from 1 to {MOST_STEPS}, not {steps!r}")
        if not _integer(priority) or not -(2**31) <= priority < 2**31:
            raise BadArgument(f"'priority' must be an integer of 32 bits, not {priority!r}")
        state = found.get("state")
        if (do is Do.AWAIT) != (state is not None) or (
            state is not None and (not isinstance(state, str) or state not in set(State))
        ):
            raise BadArgument("'state' must be one of the six states, and belongs to 'await'")
        settle = found.get("settle", True)
        if not isinstance(settle, bool):
            raise BadArgument(f"'settle' must be true or false, not {settle!r}")
        return cls(do, job, steps, priority, None if state is None else State(state), settle)


def _integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def check(steps: Iterable[Step]) -> None:
    """Raise `BadArgument` where a step is about a job that was not submitted, or is so twice."""
    born: set[str] = set()
    for step in steps:
        if step.do is Do.SUBMIT:
            assert step.job is not None
            if step.job in born or step.job == UNKNOWN_JOB:
                raise BadArgument(f"job {step.job!r} cannot be submitted: the name is taken")
            born.add(step.job)
        elif step.job not in born | {None} and not _about_no_job(step):
            raise BadArgument(f"step '{step}' comes before job {step.job!r} was submitted")


def _about_no_job(step: Step) -> bool:
    return step.job == UNKNOWN_JOB and (step.do.action is not None or step.do is Do.READ)


# --- short forms, for the suites -------------------------------------------------------------


def submit(job: str, steps: int = 1, priority: int = 0, settle: bool = True) -> Step:
    return Step(Do.SUBMIT, job, steps, priority, settle=settle)


def act(action: Action, job: str, settle: bool = True) -> Step:
    return Step(Do(action.value), job, settle=settle)


def succeed(job: str) -> Step:
    return Step(Do.SUCCEED, job)


def fail(job: str) -> Step:
    return Step(Do.FAIL, job)


def retry(job: str) -> Step:
    return Step(Do.RETRY, job)


def retry_later(job: str) -> Step:
    return Step(Do.RETRY_LATER, job)


def complete(job: str) -> Step:
    return Step(Do.COMPLETE, job)


def read(job: str) -> Step:
    return Step(Do.READ, job)


def wait_for(job: str, state: State) -> Step:
    return Step(Do.AWAIT, job, state=state)
