"""A history: calls with their answers, each with the time between which it took effect.

A call takes effect at one moment between its begin and its end, and nobody sees when. What one
thread did is a call after the other; what several did may overlap, and then the order in which
the server took them is open. Times are seconds of one monotonic clock.

What happens at the gate is a call as well. A step has been sent at some moment before it is seen
there, so the interval of an arrival begins with the history and ends when it was seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from spec.engine import Act, Answer, Arrive, Event, List, Read, Replied, Submit, View, describe
from spec.restart import Start

GATE, LATER = "gate", "afterwards"
OK = 200


@dataclass(frozen=True, slots=True)
class Call:
    """A call of ``client``. ``job``: for a submission, the index that its job is to have.

    ``free``: it may have taken effect or not, and whatever it was answered explains itself.
    """

    client: str
    event: Event
    answer: Answer
    begin: float
    end: float
    job: int | None = None
    free: bool = False

    @property
    def changes(self) -> bool:
        """Whether it may have changed something: a reading or a refused action never has."""
        match self.event:
            case Read() | List():
                return False
            case Act():
                return self.answer == OK
        return True


@dataclass(frozen=True, slots=True)
class Together:
    """Calls that were made at the same moment, as one thing that happened.

    ``requirement``: what is broken where no order explains them. Answer: None.
    """

    calls: tuple[Call, ...]
    requirement: str


@dataclass(frozen=True, slots=True)
class Restarted:
    """The server has ended and was started again. Answer: None.

    ``since``: the number of things seen before the first moment at which it may have been saved.
    """

    start: Start
    since: int


Happening: TypeAlias = Event | Restarted | Together
Seen: TypeAlias = Sequence[tuple[Happening, Answer]]


def words(call: Call, names: Sequence[str] = ()) -> str:
    """What was called, and what was answered."""
    match call.event:
        case Submit(priority, steps):
            many = "1 step" if steps == 1 else f"{steps} steps"
            return f"submit {_name(call.job, names)}, {many}, priority {priority}"
        case Act(action, job):
            return f"{action} {_name(job, names)}: {call.answer}"
        case Arrive(job, step):
            return f"step {step + 1} of {_name(job, names)} arrives"
        case Replied(job, reply):
            return f"let the step of {_name(job, names)} {reply}"
        case Read(job):
            assert isinstance(call.answer, View | None)
            return f"read {_name(job, names)}: {describe(call.answer)}"
        case _:
            assert isinstance(call.answer, frozenset)
            listed = ", ".join(_name(job, names) for job in sorted(call.answer))
            return f"list: {listed or 'no job'}"


def _name(job: int | None, names: Sequence[str]) -> str:
    if job is None:
        return "unknown"
    return names[job] if job < len(names) else f"job {job}"
