"""What was seen on the server: cells of the action matrix, published edges, requirements.

A cell is covered when the state was read before the action, its answer was the right one, and
the state was read back. An edge is covered when its two states were read one after the other
and nothing but its trigger - the kit's own action, or the gate's answer - lay between.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from conformance.campaign.throughout import THROUGHOUT
from conformance.events import Coverage, Result, Share, Verdict
from conformance.oracle.history import Together
from conformance.suites.case import Case
from spec.engine import Act, Arrive, Event, List, Read, Replied, Submit, View
from spec.table import (
    ACTIONS,
    EDGES,
    UNKNOWN,
    Action,
    Edge,
    ErrorCode,
    State,
    cell,
    cell_id,
)

CELLS = tuple(cell_id(action, state) for state in State for action in ACTIONS)
EDGE_IDS = tuple(edge.id for edge in EDGES)
READINGS = (Read, List, Arrive)
NO_CASE = "the kit has no case of it"


def seen(trace: Sequence[tuple[Event | Together, Any]]) -> set[str]:
    """The ids of the cells and edges that a trace shows."""
    return {*_cells(trace), *_edges(trace)}


def _cells(trace: Sequence[tuple[Event | Together, Any]]) -> Iterable[str]:
    last: dict[int, State | None] = {}
    acted: dict[int, str] = {}  # cells whose action was answered, and wait for a reading
    at_gate: set[int] = set()
    for event, answer in trace:
        match event:
            case Read(job):
                last[job] = answer.state if isinstance(answer, View) else None
                if job in acted:
                    yield acted.pop(job)
            case Arrive(job):
                at_gate.add(job)
            case Act(action, int(job)):
                state = last.pop(job, None)
                acted.pop(job, None)
                ready = state is not State.RUNNING or job in at_gate
                if state is not None and ready and cell(state, action).status == answer:
                    acted[job] = cell_id(action, state)
            case Act(action, None) if cell(UNKNOWN, action).status == answer:
                yield cell_id(action, UNKNOWN)
            case Replied(job):
                at_gate.discard(job)
                last, acted = {}, {}
            case Submit():
                last = {}
            case Together():
                last, acted = {}, {}


def _edges(trace: Sequence[tuple[Event | Together, Any]]) -> Iterable[str]:
    before: dict[int, View | None] = {}
    inputs: dict[int, int] = {}  # per job: inputs since its last reading
    born = -1
    for event, answer in trace:
        if isinstance(event, Read):
            now = answer if isinstance(answer, View) else None
            found = _edge(before[event.job], now) if event.job in before else _born(now)
            # With no input between, the trigger was the reply or the delay before the readings.
            if found is not None and inputs[event.job] <= 1:
                yield found.id
            before[event.job] = now
            inputs[event.job] = 0
        elif isinstance(event, Together):  # nobody knows what lay between two readings
            born += sum(isinstance(call.event, Submit) for call in event.calls)
            before, inputs = {}, dict.fromkeys(range(born + 1), 2)
        elif not isinstance(event, READINGS):
            if isinstance(event, Submit):
                born += 1
                inputs[born] = 0
            for job in inputs:
                inputs[job] += 1


def _born(now: View | None) -> Edge | None:
    return next((e for e in EDGES if e.source is None and now and now.state is e.target), None)


def _edge(was: View | None, now: View | None) -> Edge | None:
    """The published edge between two readings, told from its like by the ErrorCode."""
    if was is None or now is None or was.state is now.state:
        return None
    canceled = now.error is ErrorCode.CANCELED_JOB and now.state is State.FAILURE
    found = [
        e
        for e in EDGES
        if e.source is was.state
        and e.target is now.state
        and (now.state is not State.FAILURE or (e.trigger is Action.CANCEL) == canceled)
    ]
    return found[0] if len(found) == 1 else None


def coverage(
    cases: Iterable[Case], results: Iterable[Result], ids: set[str], bound: Iterable[str]
) -> Coverage:
    """The coverage of a run. ``cases``: all of the kit's, for the server that was tested.

    ``ids``: of the cells and edges that were seen. ``bound``: of the requirements that are said of
    the server's version, which is what its requirements are counted by.
    """
    every = list(cases)
    closed = {case.id: case.unreachable for case in every if case.unreachable is not None}
    judged = {r.id for r in results if r.verdict not in (Verdict.SKIPPED, Verdict.UNKNOWN)}
    return Coverage(
        cells=_share([i.removeprefix("action/") for i in CELLS], "action/", ids, closed),
        edges=_share([i.removeprefix("edge/") for i in EDGE_IDS], "edge/", ids, closed),
        requirements=_requirements(every, judged, list(bound)),
    )


def _requirements(cases: Iterable[Case], judged: set[str], bound: Sequence[str]) -> Share:
    """A requirement is judged by a case of its own, or throughout if it has none."""
    own: dict[str, list[Case]] = {}
    for case in cases:
        own.setdefault(case.requirement, []).append(case)
    met = {id for id, ones in own.items() if any(case.id in judged for case in ones)}
    met |= {id for id in THROUGHOUT if id not in own and judged}
    closed = {id: why for id in bound if (why := _closed(id, own.get(id, ()))) is not None}
    open_ = sorted(set(bound) - closed.keys())
    return Share(
        total=len(bound),
        covered=tuple(id for id in open_ if id in met),
        missing=tuple(id for id in open_ if id not in met),
        unreachable=tuple(closed.items()),
    )


def _closed(id: str, own: Sequence[Case]) -> str | None:
    """Why no case can judge a requirement on this server, or None. ``own``: its cases."""
    if not own:
        return None if id in THROUGHOUT else NO_CASE
    if any(case.unreachable is None for case in own):
        return None
    return own[0].unreachable


def _share(names: Sequence[str], section: str, ids: set[str], closed: dict[str, str]) -> Share:
    unreachable = tuple((n, closed[section + n]) for n in names if section + n in closed)
    open_ = [n for n in names if section + n not in closed]
    return Share(
        total=len(names),
        covered=tuple(n for n in open_ if section + n in ids),
        missing=tuple(n for n in open_ if section + n not in ids),
        unreachable=unreachable,
    )
