"""What is counted, in the same way for every peer: of what went through the proxy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.peers.proxy import Passed
from benchmarks.peers.telling import Alarm
from spec.relaxations import Relaxation
from spec.table import ACTIONS, Action, State

CELLS = frozenset((s, a) for s in State if s is not State.RETRY for a in ACTIONS)
LOST = (Relaxation.REQUEST_LOST_ON_LAST_STEP, Relaxation.CANCEL_LOST_TO_PAUSE)
HEADER = (
    "peer",
    "cells",
    "seconds to all of them",
    "checked actions",
    "requests per second",
    "lost requests told",
    "false alarms",
    "seconds in all",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a peer did. ``took``: seconds in all; ``why``: it came to no end of its own."""

    name: str
    began: float  # by the monotonic clock: its process was started then
    took: float
    passed: Sequence[Passed]
    alarms: Sequence[Alarm]
    why: str | None = None


def cells(passed: Iterable[Passed]) -> dict[tuple[State, Action], float]:
    """Each cell of the action matrix that was tried, and when it was for the first time."""
    found: dict[tuple[State, Action], float] = {}
    for one in passed:
        if one.action is not None and one.before is not None:
            found.setdefault((State(one.before), Action(one.action[1])), one.at)
    return {where: at for where, at in found.items() if where in CELLS}


def actions(passed: Iterable[Passed]) -> int:
    """The actions of a job that there was, which were answered."""
    return sum(one.action is not None and one.before is not None for one in passed)


def rate(passed: Sequence[Passed]) -> float:
    """Requests per second, between the first and the last."""
    seconds = passed[-1].at - passed[0].at if len(passed) > 1 else 0.0
    return (len(passed) - 1) / seconds if seconds else 0.0


def cause(alarm: Alarm, passed: Iterable[Passed]) -> str | None:
    """The lost request that an alarm tells rightly, or the name that the peer gives; else None.

    It is right where its job, as the proxy saw it, was asked in a worker for what it did not do.
    """
    if alarm.name is not None or alarm.job is None:
        return alarm.name
    asked: set[str] = set()
    for one in passed:
        if one.action is None or one.action[0] != alarm.job or one.status != 200:
            continue
        if one.action[1] in (Action.RESUME, Action.RESUBMIT):
            asked.clear()
        elif one.before == State.RUNNING:
            asked.add(one.action[1])
    if asked and alarm.seen == State.SUCCESS:
        return Relaxation.REQUEST_LOST_ON_LAST_STEP
    if asked == {Action.PAUSE, Action.CANCEL} and alarm.seen == State.PAUSED:
        return Relaxation.CANCEL_LOST_TO_PAUSE
    return None


def row(outcome: Outcome) -> tuple[str, ...]:
    """The row of a peer."""
    if outcome.why is not None and not outcome.passed:
        return (outcome.name, outcome.why, *[""] * (len(HEADER) - 2))
    found = cells(outcome.passed)
    causes = [cause(alarm, outcome.passed) for alarm in outcome.alarms]
    told = [name for name in LOST if name in causes]
    last = max(found.values(), default=0.0) - outcome.began
    return (
        outcome.name,
        f"{len(found)} of {len(CELLS)}",
        f"{last:.1f}" if len(found) == len(CELLS) else "never",
        f"{actions(outcome.passed):,}",
        f"{rate(outcome.passed):,.0f}",
        f"{len(told)} of {len(LOST)}",
        f"{causes.count(None):,}",
        f"{outcome.took:.1f}" + (f" ({outcome.why})" if outcome.why else ""),
    )


def table(rows: Iterable[Sequence[str]], header: Sequence[str] = HEADER) -> list[str]:
    return [
        "| " + " | ".join(header) + " |",
        "|" + " --- |" * len(header),
        *("| " + " | ".join(one) + " |" for one in rows),
    ]
