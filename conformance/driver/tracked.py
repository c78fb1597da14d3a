"""A job of ours on the server, and the peer or modality that only it sends to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from conformance.driver.script import Do, Step, Via
from conformance.oracle.fields import Seen
from conformance.oracle.history import Together
from conformance.peer.gate import Hold
from spec.engine import Act, Event, Replied, View
from spec.table import Action, State


@dataclass(eq=False)
class Slot:
    """One peer or modality of the server under test, that only one open job sends to.

    ``mark``: the address or the title, by which the Content of a job is known.
    """

    number: int
    peer: str
    via: Via = Via.PEER
    mark: str = ""
    owner: Tracked | None = None
    free_since: float = 0.0
    known: bool = True  # to the server, which forgets its peers when it ends

    @property
    def path(self) -> str:
        """Where the server has it."""
        return f"/{'peers' if self.via is Via.PEER else 'modalities'}/{self.peer}"


@dataclass(eq=False)
class Tracked:
    """A job on the server, or a submission that may become one. ``id``: its id on the server, or
    nothing as long as that is not known. ``number``: its number in the oracle, which is told of it
    when its submission was answered.
    """

    name: str
    steps: int
    slot: Slot
    case: str
    id: str = ""
    number: int | None = None
    holds: list[Hold] = field(default_factory=list)
    last: View | None = None  # what it showed when its case ended
    ended: bool = False  # its case has ended
    expected: bool = False  # its submission may have been taken: its steps are held
    fields: Seen = field(default_factory=Seen)  # what its readings have shown
    earlier: frozenset[str] = frozenset()  # ids of jobs that had sent to its peer before

    @property
    def index(self) -> int:
        """Its number in the oracle, which must have been told of it."""
        assert self.number is not None, f"the oracle does not know {self.name} yet"
        return self.number


@dataclass(frozen=True, slots=True)
class Spare:
    """A completed job of ours that a later case may take up, where jobs cannot be deleted.

    ``performed`` and ``trace`` are all that was done with it and seen of it.
    """

    job: Tracked
    performed: tuple[tuple[Step, tuple[str, ...]], ...]
    trace: tuple[tuple[Event | Together, Any], ...]

    def can_run(self, steps: Sequence[Step]) -> bool:
        """Whether, resubmitted, it does what ``steps`` begin with a submission for."""
        failed = self.job.last is not None and self.job.last.state is State.FAILURE
        return failed and bool(steps) and steps[0] == self._born

    @property
    def _born(self) -> Step:
        return next(step for step, _ in self.performed if step.do is Do.SUBMIT)

    def runs_as(self, steps: Sequence[Step]) -> int:
        """How many of ``steps`` its last run has done already, if that is how it ended; or 0."""
        if self.job.last is None or self.job.last.state is not State.SUCCESS:
            return 0
        run: list[Step] = []
        for event, answer in self.trace:
            if isinstance(event, Replied):
                run.append(Step(Do(event.reply.value), self.job.name))
            elif isinstance(event, Act) and event.action is Action.RESUBMIT and answer == 200:
                run = []
        same = [self._born, *run] == list(steps[: len(run) + 1])
        return len(run) + 1 if same else 0
