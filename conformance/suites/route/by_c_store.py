"""`route/modality-store/action/…` and `…/race/…`: the same table for jobs that send by C-STORE.

The page describes one state machine for all types of jobs. So these are the cases of `action/`
and `race/` again, step by step, but every job goes to a modality and every step of it is held as
a C-STORE: the verdicts must be the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conformance.driver.script import Do, Step, Via
from conformance.suites import action, race
from conformance.suites.case import Case, Script
from conformance.suites.needs import EXCLUSIVE, RETRY, RETRY_BY_C_STORE, Needed
from conformance.sut.profile import Profile

PREFIX = "route/modality-store/"
# What concerns the queue, whatever its jobs do: once is enough.
LEFT_OUT = ("action/again/", "race/late/", "race/in-turn/often", "race/in-turn/while-pending")


def cases(profile: Profile) -> Iterator[Case]:
    for case in (*action.cases(profile), *race.cases(profile)):
        if isinstance(case, Script) and case.makes_job and not case.id.startswith(LEFT_OUT):
            yield replace(
                case,
                id=f"{PREFIX}{case.id}",
                steps=tuple(map(by_c_store, case.steps)),
                needs=needs(case),
            )


def by_c_store(step: Step) -> Step:
    return replace(step, via=Via.MODALITY) if step.do is Do.SUBMIT else step


def needs(case: Script) -> tuple[Needed, ...]:
    """What the case takes of a server. Modalities of somebody's server are left alone."""
    asks = any(step.do in (Do.RETRY, Do.RETRY_LATER) for step in case.steps)
    return (RETRY, RETRY_BY_C_STORE, EXCLUSIVE) if asks else (EXCLUSIVE,)
