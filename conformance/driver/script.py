"""The language in which cases, searches and replay files say what to do: a list of steps.

A step is one input or one reading, in the words of the domain, about a job that is called by
a letter. What to expect is nowhere in it: the model says that. So a suite, a generated
sequence, a counterexample from the proofs and a file that somebody wrote by hand are all run
by the same few lines (`conformance.driver.driver`).
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
LARGEST_HISTORY = 1_000_000  # the largest JobsHistorySize that a restart may set
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
    RESTART = "restart"  # a clean stop by SIGTERM, and a start
    KILL = "kill"  # kill -9, and a start

    @property
    def action(self) -> Action | None:
        return Action(self.value) if self.value in set(Action) else None

    @property
    def reply(self) -> Reply | None:
        return Reply(self.value) if self.value in set(Reply) else None


class Via(StrEnum):
    """How the steps of a job reach the gate, which is a peer and a modality of the server."""

    PEER = "peer"  # POST /peers/{name}/store: a step is one HTTP request
    MODALITY = "modality"  # POST /modalities/{name}/store: a step is one C-STORE


LISTINGS = frozenset({Do.LIST, Do.EXPAND})
LIVES = frozenset({Do.RESTART, Do.KILL})  # they end one life of the server and begin another
OF_NO_JOB = LISTINGS | LIVES


@dataclass(frozen=True, slots=True)
class Life:
    """How a restart or a kill treats the server. The defaults: gently, and nothing is changed.

    ``held``: what a clean stop lets the steps at the gate do, and those that arrive during it.
    ``late``: it lets them end late in the stop, rather than at its beginning.
    ``saved``: a kill waits first until the server has had the time to save the newest job.
    ``settled``: it waits until all that has happened must be saved, without a new job.
    ``loads``: False starts it with ``--no-jobs``. ``history``: a new JobsHistorySize.
    """

    held: Reply = Reply.SUCCEED
    late: bool = False
    saved: bool = True
    loads: bool = True
    history: int | None = None
    settled: bool = False

    def __str__(self) -> str:
        text = "" if self.loads else ", with --no-jobs"
        return text if self.history is None else f"{text}, with JobsHistorySize {self.history}"

    def to_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"held": self.held.value, "history": self.history}
        found |= {key: getattr(self, key) for key in LIFE_FLAGS}
        usual = {"held": Reply.SUCCEED.value, **LIFE_FLAGS}
        return {key: value for key, value in found.items() if value != usual.get(key)}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Life:
        """Raises `BadArgument`, which names what is wrong."""
        for key in LIFE_FLAGS:
            if not isinstance(found.get(key, True), bool):
                raise BadArgument(f"{key!r} must be true or false, not {found[key]!r}")
        held, history = found.get("held", Reply.SUCCEED.value), found.get("history")
        if held not in (Reply.SUCCEED.value, Reply.FAIL.value):
            raise BadArgument(f"'held' must be 'succeed' or 'fail', not {held!r}")
        if history is not None and (not _integer(history) or not 0 <= history <= LARGEST_HISTORY):
            raise BadArgument(f"'history' must be an integer from 0 on, not {history!r}")
        flags = {key: found.get(key, usual) for key, usual in LIFE_FLAGS.items()}
        return cls(Reply(held), history=history, **flags)


LIFE_FLAGS = {"late": False, "saved": True, "loads": True, "settled": False}  # with the defaults
LIFE_KEYS = frozenset({"held", "history", *LIFE_FLAGS})
GENTLE = Life()


@dataclass(frozen=True, slots=True)
class Step:
    """One step. ``job`` is None for a listing, and for what ends a life of the server.

    ``steps``, ``priority`` and ``via`` belong to a submit, ``life`` to a restart or a kill.

    ``settle``: wait, after the input, until the server has done all that it does by itself.
    Without it the next step may fall at any moment of what the engine is doing.
    """

    do: Do
    job: str | None = None
    steps: int = 1
    priority: int = 0
    state: State | None = None
    settle: bool = True
    via: Via = Via.PEER
    life: Life = GENTLE

    def __str__(self) -> str:
        match self.do:
            case Do.SUBMIT:
                many = "1 step" if self.steps == 1 else f"{self.steps} steps"
                text = f"submit {self.job}, {many}, priority {self.priority}"
                text += ", to a modality" if self.via is Via.MODALITY else ""
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
            case Do.RESTART:
                when = "late" if self.life.late else "early"
                text = "stop the server by SIGTERM, let the steps under way"
                text += f" {self.life.held} {when} in the stop, and start it again{self.life}"
            case Do.KILL:
                text = "when the newest job must be saved, " if self.life.saved else ""
                text = "when everything must be saved, " if self.life.settled else text
                text += f"kill the server by SIGKILL, and start it again{self.life}"
            case _:
                text = f"{self.do} {self.job}"
        return text if self.settle else f"{text}, and go on at once"

    def to_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"do": self.do.value}
        if self.job is not None:
            found["job"] = self.job
        if self.do is Do.SUBMIT:
            found |= {"steps": self.steps, "priority": self.priority}
            if self.via is not Via.PEER:
                found["via"] = self.via.value
        if self.state is not None:
            found["state"] = self.state.value
        if not self.settle:
            found["settle"] = False
        return found | self.life.to_json()

    @classmethod
    def from_json(cls, found: Any) -> Step:
        """The step that ``to_json`` wrote. Raises `BadArgument`, which names what is wrong."""
        if not isinstance(found, Mapping):
            raise BadArgument(f"a step must be an object, not {found!r}")
        keys = {"do", "job", "steps", "priority", "state", "settle", "via", "expect"}
        if unused := set(found) - keys - LIFE_KEYS:
            raise BadArgument(f"a step has no field {min(unused)!r}")
        try:
            do = Do(str(found.get("do")))
        except ValueError:
            known = ", ".join(Do)
            raise BadArgument(f"unknown step {found.get('do')!r}: use one of {known}") from None
        job = found.get("job")
        if (do in OF_NO_JOB) != (job is None) or not isinstance(job, str | None):
            raise BadArgument(f"step {do!r} needs {'no job' if do in OF_NO_JOB else 'a job'}")
        if do not in LIVES and (other := set(found) & LIFE_KEYS):
            raise BadArgument(f"{min(other)!r} belongs to 'restart' and 'kill', not to {do!r}")
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
        via = found.get("via", Via.PEER)
        if not isinstance(via, str) or via not in set(Via):
            raise BadArgument(f"'via' must be one of {', '.join(Via)}, not {via!r}")
        wanted = None if state is None else State(state)
        return cls(do, job, steps, priority, wanted, settle, Via(via), Life.from_json(found))


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


def submit(
    job: str, steps: int = 1, priority: int = 0, settle: bool = True, via: Via = Via.PEER
) -> Step:
    return Step(Do.SUBMIT, job, steps, priority, settle=settle, via=via)


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


EXPAND, LIST = Step(Do.EXPAND), Step(Do.LIST)


def restart(
    held: Reply = Reply.SUCCEED, late: bool = False, loads: bool = True, history: int | None = None
) -> Step:
    return Step(Do.RESTART, life=Life(held, late, loads=loads, history=history))


def kill(saved: bool = True, settled: bool = False) -> Step:
    return Step(Do.KILL, life=Life(saved=saved, settled=settled))
