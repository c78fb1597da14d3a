"""The words and looks that all pictures share, and what a run's coverage says of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from spec import table
from spec.table import Action, Cell, ErrorCode, Ground, State, Trigger

STATES = "jobs-engine-states"
MATRIX = "action-matrix"
FIGURE_SOURCE = "Source: the JobsEngineStates figure of Orthanc 1.5.6"
MATRIX_SOURCE = (
    "Source: documented, the JobsEngineStates figure of Orthanc 1.5.6; "
    "observed, Orthanc 1.9.1, 1.10.1, 1.12.7 and 1.13.0"
)
RETRY_ROW = (
    f"{State.RETRY} is reached by no job type of a released Orthanc: its row was not measured, "
    "it is the figure's and the engine's"
)


class Coverage(StrEnum):
    """How a run stands to an edge or a cell."""

    COVERED = "covered"
    DEVIATED = "deviated"
    ACCEPTED = "accepted"
    NOT_SEEN = "not seen"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Look:
    """How one kind of thing is drawn, in the attributes of DOT."""

    ink: str
    paper: str = "white"
    line: str = "solid"
    head: str = "normal"
    width: float = 1.3


MOVE = Look("#4a5568", line="dashed", head="vee")
ACTION = Look("#1a4a8a", head="normal", width=1.6)
NODE = Look("#1f2937", "#eef3fb")

CELLS = {
    Cell.EDGE: Look("#1a4a8a", "#dbe8fa"),
    Cell.ASK: Look("#1a4a8a", "#eef3fb"),
    Cell.KEEP: Look("#4a5568", "white"),
    Cell.REFUSE: Look("#6b3a3a", "#f5eeee"),
}
GROUND_LINE = {Ground.DOCUMENTED: "solid", Ground.OBSERVED: "dashed"}

MARKS = {
    Coverage.COVERED: "\u2713",
    Coverage.DEVIATED: "\u2717",
    Coverage.ACCEPTED: "\u2248",
    Coverage.NOT_SEEN: "?",
    Coverage.UNREACHABLE: "\u2013",
}
INKS = {
    Coverage.COVERED: "#166534",  # green
    Coverage.DEVIATED: "#b91c1c",  # red
    Coverage.ACCEPTED: "#92400e",  # amber
    Coverage.NOT_SEEN: "#6b7280",  # grey
    Coverage.UNREACHABLE: "#6b7280",
}
THICK = (Coverage.DEVIATED, Coverage.ACCEPTED)
MEANS = {
    Coverage.COVERED: "covered: seen on the server, and right (its own line)",
    Coverage.DEVIATED: "deviated here (thick line)",
    Coverage.ACCEPTED: "deviated, accepted by the ledger (thick line)",
    Coverage.NOT_SEEN: "not seen: not run, or not judged (its own line)",
    Coverage.UNREACHABLE: "unreachable from outside (dotted line)",
}

FONT = "Helvetica,Arial,sans-serif"


def verb(trigger: Trigger) -> str:
    """A trigger as the figure writes it: an action is a call, a move of the engine is a word."""
    return f"{trigger.capitalize()}()" if isinstance(trigger, Action) else str(trigger)


def effect(state: State | str, action: Action) -> tuple[str, str]:
    """What a cell says, as its main words and a remark."""
    cell = table.cell(state, action)
    if cell is Cell.REFUSE:
        return f"{cell.status} refused", "no change" if isinstance(state, State) else "no such job"
    if cell is Cell.KEEP:
        return f"{cell.status} accepted", "no change"
    target = table.target(state, action) if isinstance(state, State) else None
    arrow = "\u21e2" if cell is Cell.ASK else "\u2192"
    remarks = []
    if action is Action.CANCEL:
        remarks.append(f"ErrorCode {ErrorCode.CANCELED_JOB:d}")
    if action is Action.RESUBMIT:
        remarks.append("from the first step")
    if cell is Cell.ASK:
        remarks.append("at a step boundary")
    return f"{cell.status} {arrow} {target}", ", ".join(remarks) or "at once"
