"""What a model is made from: the tables, the scope, what is admitted, and how states are named."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from spec import table
from spec.proofs import Scope
from spec.relaxations import NONE, Relaxation
from spec.table import Action, Asked, Cell, Edge, Ended, State, Trigger

STATES = list(State)
ASKED = list(Asked)


@dataclass(frozen=True)
class Table:
    """The tables of `spec.table` as one value, so that a mutant can be put in their place."""

    edges: tuple[Edge, ...]
    cells: dict[tuple[State | str, Action], Cell]
    boundary: dict[Asked, dict[Ended, tuple[Trigger | str, ...]]]

    def target(self, source: State | None, trigger: Trigger) -> State | None:
        found = [e.target for e in self.edges if e.source is source and e.trigger == trigger]
        return found[0] if found else None


def published() -> Table:
    """The table as it stands in `spec.table`."""
    rows: list[State | str] = [*STATES, table.UNKNOWN]
    cells = {(row, action): table.cell(row, action) for row in rows for action in Action}
    return Table(table.EDGES, cells, table.BOUNDARY)


class Rule(StrEnum):
    """What the model knows beside the table. A test switches each off, and must notice."""

    FREE_WORKER = "free-worker"  # a job starts only while fewer than ConcurrentJobs run
    PRIORITY = "priority"  # not while one of higher priority is Pending
    ORDER = "order"  # nor while an equal one became Pending earlier
    EVICTION = "eviction"  # the history is cut to its size
    LEAVE_HISTORY = "leave-history"  # a resubmitted job is no longer in it
    LEAVE_QUEUE = "leave-queue"  # a job that is no longer Pending is not in the queue
    REQUESTS_END = "requests-end"  # a run's requests end with it
    LOOK_FIRST = "look-first"  # a step begins only when nothing was asked for
    ARRIVAL = "arrival"  # a step's POST arrives
    REPLY = "reply"  # the peer replies


class Variant(StrEnum):
    SAFETY = "safety"
    LIVENESS = "liveness"


class Phase(StrEnum):
    """Where the worker of a Running job stands."""

    NONE = "none"
    READY = "ready"
    SENT = "sent"
    HELD = "held"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SHOWN = "failure-shown"
    RETRYING = "retrying"


REPLIES = {
    "succeed": Phase.SUCCEEDED,
    "fail": Phase.FAILED,
    "retry": Phase.RETRYING,
}


@dataclass(frozen=True)
class Setup:
    """All that a model depends on.

    ``without``: the rules that a test switched off. ``unasserted``: properties not to be checked.
    """

    scope: Scope
    variant: Variant
    admit: frozenset[Relaxation] = NONE
    table: Table = field(default_factory=published)
    without: frozenset[Rule] = frozenset()
    unasserted: frozenset[str] = frozenset()


def is_(state: State) -> str:
    return f"S_{state.upper()}"


def at(phase: Phase) -> str:
    return f"P_{phase.upper().replace('-', '_')}"


def any_of(parts: Iterable[str]) -> str:
    """A disjunction; ``false`` when it is empty."""
    found = list(dict.fromkeys(parts))
    return " || ".join(f"({part})" for part in found) if found else "false"


def one_of(variable: str, asked: Iterable[Asked]) -> str:
    return any_of(
        f"{variable} == {ASKED.index(one)}" for one in sorted(set(asked), key=ASKED.index)
    )
