"""The single source: states, actions, the published edges, and what every action does.

The rules, in the order in which the tables below state them:

1. A job is in one of six states. `Success` and `Failure` are final in the figure; a job in
   one of them is *completed* and in the history. `Failure` can be left again by Resubmit.
2. `EDGES` are the fifteen edges of the JobsEngineStates figure of Orthanc 1.5.6: six are
   moves that the engine makes by itself, nine belong to the four actions of the REST API.
   A pair (state, trigger) names at most one edge, so a trigger is enough to say where a
   job goes: nothing else in this project says it again.
3. `MATRIX` answers "may a job do this?" for each state and each action. Where the figure
   has an edge, the cell only says *when* it is taken: at once (`EDGE`), or at the next step
   boundary (`ASK`), because a worker owns a Running job. The figure is silent about the
   other cells; every server that was measured accepts some and changes nothing (`KEEP`),
   and refuses the rest (`REFUSE`).
4. `BOUNDARY` says how a Running job leaves a step, given what it was asked for while it
   ran. It names triggers, whose edges say the state. The engine looks at what was asked for
   before every step, the first included, and when a step has ended.

Rows that forbid everything are written out: a dead state should be seen, not inferred.

Sources: the figure is `Resources/ImplementationNotes/JobsEngineStates.pdf` of Orthanc 1.5.6;
the page is "Advanced features of the REST API" of the Orthanc Book of 6 March 2019; observed
cells agree on Orthanc 1.9.1, 1.10.1, 1.12.7 and 1.13.0.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum, StrEnum
from typing import TypeAlias


class Ground(StrEnum):
    """Why a requirement holds: the documentation says so, or every measured server does so."""

    DOCUMENTED = "documented"
    OBSERVED = "observed"


class State(StrEnum):
    """The state of a job, spelled as the ``State`` field of the REST API spells it."""

    PENDING = "Pending"
    RUNNING = "Running"
    RETRY = "Retry"
    PAUSED = "Paused"
    SUCCESS = "Success"
    FAILURE = "Failure"


class Action(StrEnum):
    """What a client may ask of a job, by ``POST /jobs/{id}/<action>``."""

    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    RESUBMIT = "resubmit"


class Move(StrEnum):
    """What the engine does by itself."""

    SUBMIT = "submit"
    START = "start"
    SUCCEED = "succeed"
    FAIL = "fail"
    RETRY = "retry"
    TIMEOUT = "timeout"


Trigger: TypeAlias = Action | Move


class Cell(Enum):
    """What an action does to a job: in a word, by its HTTP status, and on which ground."""

    EDGE = ("edge", 200, Ground.DOCUMENTED)  # the figure's edge is taken before the answer
    ASK = ("ask", 200, Ground.DOCUMENTED)  # the figure's edge is taken at a step boundary
    KEEP = ("keep", 200, Ground.OBSERVED)  # accepted, and nothing changes
    REFUSE = ("refuse", 400, Ground.OBSERVED)  # refused, and nothing changes

    @property
    def status(self) -> int:
        return self.value[1]

    @property
    def ground(self) -> Ground:
        return self.value[2]


class Ended(StrEnum):
    """How a step of a Running job ended, or that it ended as the last one."""

    MORE = "step-succeeds"
    LAST = "last-step-succeeds"
    FAILED = "step-fails"
    RETRY = "step-asks-for-retry"


class Asked(StrEnum):
    """What a Running job was asked for since it started."""

    NOTHING = "nothing"
    PAUSE = "pause"
    CANCEL = "cancel"
    BOTH = "both"


class ErrorCode(IntEnum):
    """The values of the ``ErrorCode`` field that a job of this kit can show."""

    SUCCESS = 0
    NETWORK_PROTOCOL = 9  # a step whose peer answered with an HTTP error
    CANCELED_JOB = 37


@dataclass(frozen=True, slots=True)
class Edge:
    """One published edge. ``source`` is None for the birth of a job."""

    source: State | None
    trigger: Trigger
    target: State

    @property
    def id(self) -> str:
        born = "new" if self.source is None else self.source.lower()
        return f"edge/{born}/{self.target.lower()}/{self.trigger}"


NEW = None
PENDING, RUNNING, RETRY = State.PENDING, State.RUNNING, State.RETRY
PAUSED, SUCCESS, FAILURE = State.PAUSED, State.SUCCESS, State.FAILURE
CANCEL, PAUSE, RESUME, RESUBMIT = Action.CANCEL, Action.PAUSE, Action.RESUME, Action.RESUBMIT
EDGE, ASK, KEEP, REFUSE = Cell.EDGE, Cell.ASK, Cell.KEEP, Cell.REFUSE

FINAL = frozenset({SUCCESS, FAILURE})
UNKNOWN = "unknown"  # the row of an id that names no job; a GET of it answers 404
STAY = "stay"  # the boundary outcome "remains Running": no edge is taken

# The published machine. Requirement: `Edge.id`. Ground: documented (the figure).
EDGES: tuple[Edge, ...] = (
    # the engine, by itself
    Edge(NEW, Move.SUBMIT, PENDING),
    Edge(PENDING, Move.START, RUNNING),
    Edge(RUNNING, Move.SUCCEED, SUCCESS),
    Edge(RUNNING, Move.FAIL, FAILURE),
    Edge(RUNNING, Move.RETRY, RETRY),
    Edge(RETRY, Move.TIMEOUT, PENDING),
    # the client, by an action
    Edge(FAILURE, RESUBMIT, PENDING),
    Edge(PAUSED, RESUME, PENDING),
    Edge(PENDING, PAUSE, PAUSED),
    Edge(RETRY, PAUSE, PAUSED),
    Edge(RUNNING, PAUSE, PAUSED),
    Edge(PENDING, CANCEL, FAILURE),
    Edge(RETRY, CANCEL, FAILURE),
    Edge(RUNNING, CANCEL, FAILURE),
    Edge(PAUSED, CANCEL, FAILURE),
)

# The action matrix. Requirement: `cell_id`. Ground: `Cell.ground`.
ACTIONS = (CANCEL, PAUSE, RESUME, RESUBMIT)
MATRIX: dict[State | str, tuple[Cell, Cell, Cell, Cell]] = {
    #         cancel  pause   resume  resubmit
    PENDING: (EDGE,   EDGE,   REFUSE, REFUSE),
    RUNNING: (ASK,    ASK,    REFUSE, REFUSE),
    RETRY:   (EDGE,   EDGE,   REFUSE, REFUSE),
    PAUSED:  (EDGE,   KEEP,   EDGE,   REFUSE),
    SUCCESS: (KEEP,   KEEP,   REFUSE, REFUSE),
    FAILURE: (KEEP,   KEEP,   REFUSE, EDGE),
    UNKNOWN: (REFUSE, REFUSE, REFUSE, REFUSE),
}  # fmt: skip

# The ways out of a step. Requirement: `boundary_id`. Ground: documented, by our strict
# reading of the figure. `FAILED` is the outcome on a server that does not retry: see
# `engine.outcomes`, which adds the server's choice to retry instead.
_S, _F, _R = Move.SUCCEED, Move.FAIL, Move.RETRY
BOUNDARY: dict[Asked, dict[Ended, tuple[Trigger | str, ...]]] = {
    asked: dict(zip(Ended, row, strict=True))
    for asked, row in {
        #               step succeeds  last step  step fails    step asks for Retry
        Asked.NOTHING: ((STAY,),       (_S,),     (_F,),        (_R,)),
        Asked.PAUSE:   ((PAUSE,),      (PAUSE,),  (_F,),        (PAUSE,)),
        Asked.CANCEL:  ((CANCEL,),     (CANCEL,), (_F, CANCEL), (CANCEL,)),
        Asked.BOTH:    ((CANCEL,),     (CANCEL,), (_F, CANCEL), (CANCEL,)),
    }.items()
}  # fmt: skip


def target(source: State | None, trigger: Trigger) -> State | None:
    """The state that ``trigger`` leads to from ``source``, or None where no edge is published."""
    return _TARGET.get((source, trigger))


def cell(state: State | str, action: Action) -> Cell:
    """The cell of the action matrix for a job in ``state`` (or `UNKNOWN`)."""
    return MATRIX[state][ACTIONS.index(action)]


def cell_id(action: Action, state: State | str) -> str:
    return f"action/{action}/{state.lower()}"


def boundary_id(asked: Asked, ended: Ended) -> str:
    return f"race/{asked}/{ended}"


_TARGET = {(edge.source, edge.trigger): edge.target for edge in EDGES}
