"""The third table: what is said of every job, whatever its type is.

`spec.requirements` says what must hold, `spec.types` which types of jobs there are. Most of what
the page says it says of *jobs*: so it has to hold for each type, and be tried on each. `SAID` has
those requirements, each with the rule that says of which types it cannot be tried, and why. What
is said of the queue, of the history or of one call is not here: it does not depend on a type.

A new type is a row of `spec.types`, and all of this is asked of it; a new requirement on jobs is
an entry here, and is asked of every type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from spec.requirements import CATALOGUE
from spec.table import ACTIONS, EDGES, Asked, Ended, State, boundary_id, cell_id
from spec.types import (
    COMMITMENT,
    MERGE,
    MODIFICATION,
    OPERATIONS,
    OTHER,
    PEER,
    ROWS,
    SPLIT,
    Gate,
    Progress,
    Row,
)

Why = Callable[[Row], str | None]

SCRIPT = "no call makes it: a Lua script of the server's owner does"
NO_CALL = "no call makes it: a modality asks for it over DICOM"
NOT_HELD = "nobody outside can hold a step of it: it is Running for a moment only"
NEVER_FAILS = "nothing that a caller or a modality does makes it fail by itself"
NO_OUTPUT = "a job of this type has no output"
NO_RETRY = "a job of this type never asks for Retry"
FREE_STEPS = "its steps are not counted by what it lists"
NO_LIST = "its call names no instances that could be listed twice, or none"
NO_MODE = "its call is asynchronous whatever its body says: route/transfers-asynchronous"
NO_USER_DATA = "its call takes no UserData: a plugin makes it"
# What has no case, as neither a caller nor the kit decides on it.
NOT_SENDING = {"Archive", "Media", COMMITMENT}
# What Content counts of the work that a job has done, and how it shows that there is none yet.
UNDONE: Mapping[str, int | str] = MappingProxyType(
    {"FailedInstancesCount": 0, "Size": "0", "SizeMB": 0, "ArchiveSize": "0", "ArchiveSizeMB": 0}
)
LONG = {"Archive", "Media", MODIFICATION, SPLIT, MERGE}  # where they are about many instances


def every(row: Row) -> str | None:
    """It is said of every job of which a call, a script or a modality makes one."""
    return None


def called(row: Row) -> str | None:
    if row.calls:
        return None
    return SCRIPT if row.type == OPERATIONS else NO_CALL


def waited(row: Row) -> str | None:
    return called(row) or (None if row.waited else NO_MODE)


def told(row: Row) -> str | None:
    return called(row) or (NO_USER_DATA if row.run.gate is Gate.TRANSFERS else None)


def held(row: Row) -> str | None:
    return NOT_HELD if row.run.gate is Gate.NOBODY else None


def stopped(row: Row) -> str | None:
    """What is about many instances can be stopped while it runs, though no step of it is held."""
    return None if row.type in LONG else held(row)


def half_done(row: Row) -> str | None:
    """The same over a restart: what is to be there after it."""
    return None if row.type in LONG - NOT_SENDING else held(row)


def failing(row: Row) -> str | None:
    return NEVER_FAILS if row.type in NOT_SENDING else None


def failing_step(row: Row) -> str | None:
    return held(row) or failing(row)


def output(row: Row) -> str | None:
    return None if row.run.outputs else NO_OUTPUT


def counted(row: Row) -> str | None:
    return None if row.run.progress is Progress.STEPS else FREE_STEPS


def listing(row: Row) -> str | None:
    return None if row.run.progress is Progress.STEPS else NO_LIST


def retrying(row: Row) -> str | None:
    return None if row.type == PEER else NO_RETRY


def _actions() -> dict[str, Why]:
    found: dict[str, Why] = {}
    for state in State:
        rule = {State.RUNNING: held, State.RETRY: retrying}.get(state, every)
        found |= {cell_id(action, state): rule for action in ACTIONS}
    return found


def _edges() -> dict[str, Why]:
    """An edge at the end of a step takes a step that is held; some take one that fails."""
    found: dict[str, Why] = {}
    for edge in EDGES:
        states = {edge.source, edge.target}
        rule = retrying if State.RETRY in states else every
        if edge.source is State.RUNNING and edge.trigger in ACTIONS:
            rule = stopped
        elif edge.source is State.RUNNING and edge.target is State.FAILURE:
            rule = failing
        found[edge.id] = rule
    return found


def _races() -> dict[str, Why]:
    ways = {Ended.FAILED: failing_step, Ended.RETRY: retrying}
    return {boundary_id(asked, ended): ways.get(ended, held) for asked in Asked for ended in Ended}


# fmt: off
_SAID: dict[str, Why] = {
    **_edges(),
    **_actions(),
    **_races(),
    "answer/accepted": every, "answer/json": every, "answer/refused": every,
    "queue/pending-first": every, "queue/priority-order": called,
    "history/tagged": every, "history/kept": every,
    "history/delete-job": every, "history/delete-archive": output,
    "persist/unfinished-requeued": called, "persist/paused-stays": every,
    "persist/completed-stays": every, "persist/priority": called, "persist/times": every,
    "persist/error": failing, "persist/step": half_done, "persist/killed": called,
    "submit/creates-job": called, "submit/synchronous-waits": waited,
    "submit/synchronous-default": waited, "submit/asynchronous-returns": called,
    "submit/asynchronous-handle": called, "submit/asynchronous-monitored": called,
    "submit/synchronous-field": waited, "submit/asynchronous-field": waited,
    "submit/both-fields": waited, "submit/mode-not-boolean": waited,
    "submit/priority": called, "submit/priority-default": called,
    "submit/priority-not-integer": called, "submit/user-data": told,
    "submit/synchronous-failure": waited, "submit/synchronous-content": waited,
    "route/type": every, "route/content": every, "route/result": every,
    "route/archive-output": output,
    "monitor/list": every, "monitor/job": every, "monitor/list-expand": every,
    "monitor/completion-time": every, "monitor/content": every, "monitor/creation-time": every,
    "monitor/effective-runtime": every, "monitor/error-code": every,
    "monitor/error-code-cancelled": every, "monitor/error-code-step": failing_step,
    "monitor/error-description": every, "monitor/id": every, "monitor/priority": every,
    "monitor/progress": every, "monitor/progress-rounded": counted,
    "monitor/timestamp": every, "monitor/type": every, "monitor/state": every,
    "monitor/state-pending": every, "monitor/state-running": held,
    "monitor/state-success": every, "monitor/state-failure": every,
    "monitor/state-paused": every, "monitor/polling": every,
    "step/only-while-running": stopped, "step/requests-end-with-run": held, "step/run-once": held,
    "step/resumed-goes-on": held, "step/resubmitted-starts-over": held,
    "step/one-after-answer": held, "step/repeated-instance": listing, "step/empty": listing,
}
# fmt: on

SAID: Mapping[str, Why] = MappingProxyType({id: _SAID[id] for id in CATALOGUE if id in _SAID})
TYPES = tuple(type for type in ROWS if type != OTHER)


def why_not(type: str, requirement: str) -> str | None:
    """Why a requirement of `SAID` cannot be tried on jobs of a type, or None."""
    return SAID[requirement](ROWS[type])
