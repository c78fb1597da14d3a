"""A plant: a few jobs behind one worker, and the inputs that are tried on them.

The worker is held for the jobs: they are born Pending behind a job that has it, `start` lets that
one go, and before a resume or a resubmit, which may make a job Pending, a free worker is taken
again. An input that needs a step at the gate exists only while a job is Running, and `start`
only while one waits: so what a state shows tells which inputs it has.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from spec.engine import View, describe
from spec.table import State


class Verb(StrEnum):
    """What an input does. Actions and replies have the names that they have in ``spec``."""

    START = "start"  # the worker is let go, so that it takes a job
    SUCCEED = "succeed"
    FAIL = "fail"
    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    RESUBMIT = "resubmit"
    READ = "read"


QUEUES = frozenset({Verb.RESUME, Verb.RESUBMIT})  # what may make a job Pending
REPLIES = frozenset({Verb.SUCCEED, Verb.FAIL})


class Input(NamedTuple):
    """One input. ``job``: the place of its job in the plant; of no job where it is None."""

    verb: Verb
    job: int | None = None


Word: TypeAlias = tuple[Input, ...]
Views: TypeAlias = tuple[View, ...]
Shown: TypeAlias = tuple[Hashable, ...]  # of each job its view, or a part of it


class Output(NamedTuple):
    """What is seen of an input: the HTTP status of an action, and what each job then shows."""

    status: int | None
    shown: Shown

    def __str__(self) -> str:
        shown = told(self.shown)
        return shown if self.status is None else f"HTTP {self.status}, {shown}"


def told(shown: Shown) -> str:
    """What the jobs show, in words."""
    return "; ".join(describe(one) if isinstance(one, View) else str(one) for one in shown)


class Kind(NamedTuple):
    """A job of a plant, as it is submitted."""

    name: str
    steps: int
    priority: int


@dataclass(frozen=True, slots=True)
class Plant:
    """Jobs behind one worker, submitted in this order, and the inputs that are tried."""

    jobs: tuple[Kind, ...]
    inputs: tuple[Input, ...]

    def possible(self, states: Sequence[State]) -> Iterator[Input]:
        """The inputs that there are while the jobs are in ``states``."""
        for one in self.inputs:
            if one.verb is Verb.START:
                if State.PENDING in states and State.RUNNING not in states:
                    yield one
            elif one.verb not in REPLIES or states[one.job or 0] is State.RUNNING:
                yield one

    def say(self, one: Input) -> str:
        """An input in words."""
        if one.job is None:
            return "let a worker go" if one.verb is Verb.START else str(one.verb)
        name = self.jobs[one.job].name
        return f"let the step of {name} {one.verb}" if one.verb in REPLIES else f"{one.verb} {name}"

    def tell(self, word: Iterable[Input]) -> str:
        return "; ".join(map(self.say, word)) or "nothing"


EVERY = (*(v for v in Verb if v not in (Verb.START, Verb.READ)),)
JOB = Plant(
    (Kind("A", 2, 0),),
    (Input(Verb.START), *(Input(verb, 0) for verb in EVERY), Input(Verb.READ)),
)
# Two jobs of one step that only a failure ends: the second is the more urgent one. It is about
# which job has the worker, and what one job does is the matter of the other plant.
TWO_JOBS = Plant(
    (Kind("A", 1, 0), Kind("B", 1, 1)),
    (
        Input(Verb.START),
        *(Input(verb, job) for job in (0, 1) for verb in (Verb.FAIL, Verb.PAUSE, Verb.RESUME)),
        Input(Verb.READ),
    ),
)
