"""`history/`: what the server keeps of completed jobs, and what goes first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conformance.steps import Do, Step, act, complete, fail, submit
from conformance.suites.case import NEEDS_EXCLUSIVE, Case, Profile, blockers
from spec.table import Action

UNKNOWN_SIZE = "needs --history-size: nobody says this server's JobsHistorySize"
LARGEST = 50  # a history of more jobs than this is not filled
LIST = Step(Do.LIST)


def cases(profile: Profile) -> Iterator[Case]:
    for case in _cases(replace(profile, history=min(profile.history or 0, LARGEST))):
        yield replace(case, unreachable=_unreachable(profile))


def _unreachable(profile: Profile) -> str | None:
    if not profile.exclusive:
        return NEEDS_EXCLUSIVE
    if profile.history is None:
        return UNKNOWN_SIZE
    return None if 1 <= profile.history <= LARGEST else "needs a JobsHistorySize from 1 to 50"


def _cases(profile: Profile) -> Iterator[Case]:
    size = profile.history or 1
    names = [f"H{n + 1}" for n in range(size + 2)]
    full = tuple(step for name in names for step in (submit(name), complete(name)))
    yield Case("history/bound", "history/size", (*full, LIST))
    late = (
        submit("L"),
        submit("H1"),
        complete("H1"),
        complete("L"),
        *(step for name in names[1:] for step in (submit(name), complete(name), LIST)),
    )
    yield Case("history/oldest-completed-first", "history/oldest-first", late)
    again = (
        submit("R"),
        fail("R"),
        *blockers(profile),
        act(Action.RESUBMIT, "R"),
        *(step for name in names for step in _canceled(name)),
        LIST,
    )
    yield Case("history/resubmitted-leaves", "history/resubmitted-leaves", again)
    waiting = (
        submit("P", 2),
        act(Action.PAUSE, "P"),
        Step(Do.SUCCEED, "P"),
        submit("R", 2),
        *(step for name in names for step in (submit(name), complete(name))),
        LIST,
    )
    yield Case("history/unfinished-stay", "history/unfinished-never-evicted", waiting)


def _canceled(name: str) -> tuple[Step, Step]:
    return submit(name), act(Action.CANCEL, name)
