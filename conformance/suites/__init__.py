"""The cases, a file per section. A case is a list of steps; what to expect is the model's word.

`suites(profile)` gives all cases for a server, the unreachable ones with the reason why. Ids
never change their meaning; whatever is selected is selected by a prefix of the id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache
from types import MappingProxyType

from conformance.driver.script import Step
from conformance.errors import BadArgument
from conformance.suites import (
    action,
    complete,
    concurrent,
    edge,
    history,
    monitor,
    persist,
    race,
    route,
    schedule,
    search,
    submit,
)
from conformance.suites.case import Case, Check, Script, StatefulSearch
from conformance.suites.needs import EXCLUSIVE, MANAGED, ONE_KEPT, Needed, lacking, looks_at
from conformance.sut.profile import Profile
from spec.table import FINAL, Action


@dataclass(frozen=True, slots=True)
class Suite:
    """``make``: its cases for a server. ``needs``: what all of them take of one."""

    make: Callable[[Profile], Iterator[Case]]
    needs: tuple[Needed, ...] = ()

    def cases(self, profile: Profile) -> Iterator[Case]:
        """Its cases, each with the reason why it cannot be run on this server, if there is one."""
        for case in self.make(profile):
            needs = (*case.needs, *_kept_by(case))
            closed = lacking(profile, case.stands_for, needs, self.needs)
            yield case if closed is None else replace(case, unreachable=closed)


SUITES: Mapping[str, Suite] = MappingProxyType(
    {
        "action": Suite(action.cases),
        "edge": Suite(edge.cases),
        "race": Suite(race.cases),
        "schedule": Suite(schedule.cases, (EXCLUSIVE,)),
        "history": Suite(history.cases),
        "concurrent": Suite(concurrent.cases, (EXCLUSIVE,)),
        "submit": Suite(submit.cases),
        "monitor": Suite(monitor.cases),
        "route": Suite(route.cases),
        "persist": Suite(persist.cases, (MANAGED,)),
        "complete": Suite(complete.cases, (EXCLUSIVE,)),
        "search": Suite(search.cases, (EXCLUSIVE,)),
    }
)


def _kept_by(case: Case) -> Iterator[Needed]:
    """What a case takes of the history of a server; one that is about its size says so itself."""
    if "JobsHistorySize" in case.config:
        return
    if isinstance(case, Check):
        yield looks_at(case.leaves)
    if isinstance(case, Script) and any(_takes_up(step) for step in case.steps):
        yield ONE_KEPT


def _takes_up(step: Step) -> bool:
    """Whether a step is about a completed job that is still there."""
    return step.do.action is Action.RESUBMIT or step.state in FINAL


@cache
def suites(profile: Profile) -> tuple[Case, ...]:
    """All cases for a server of this profile, in the order in which they run."""
    return tuple(case for suite in SUITES.values() for case in suite.cases(profile))


@cache
def _places() -> Mapping[str, int]:
    return {case.id: number for number, case in enumerate(suites(Profile()))}


def place(id: str) -> int:
    """Where a case stands among all of them; behind them, if there is none of this id."""
    return _places().get(id, len(_places()))


@cache
def _chancy() -> frozenset[str]:
    return frozenset(case.id for case in suites(Profile()) if _goes_by_chance(case))


def _goes_by_chance(case: Case) -> bool:
    again = isinstance(case, Script | Check) and case.repeat > 1
    itself = isinstance(case, Check) and case.by_chance
    return again or itself or isinstance(case, StatefulSearch)


def by_chance(id: str) -> bool:
    """Whether what a case shows falls at moments that nobody controls, and so differs from run
    to run. ``id``: of a case, or of something that was found in it.
    """
    return id in _chancy() or id.rpartition("/")[0] in _chancy()


def select(
    cases: Iterable[Case],
    names: Iterable[str] = (),
    prefixes: Iterable[str] = (),
    excluded: Iterable[str] = (),
) -> list[Case]:
    """The cases of the named suites, with one of the prefixes and none of the excluded ones.

    Raises `BadArgument` for a suite that does not exist and a prefix that no case has.
    """
    found = list(cases)
    names, prefixes, excluded = list(names), list(prefixes), list(excluded)
    for name in names:
        if name not in SUITES:
            raise BadArgument(f"unknown suite {name!r}: there are {', '.join(SUITES)}")
    for prefix in [*prefixes, *excluded]:
        if not any(case.id.startswith(prefix) for case in found):
            raise BadArgument(_unknown(prefix, [case.id for case in found]))
    return [
        case
        for case in found
        if (not names or case.suite in names)
        and (not prefixes or case.id.startswith(tuple(prefixes)))
        and not case.id.startswith(tuple(excluded) or ("\0",))
    ]


def _unknown(prefix: str, ids: Sequence[str]) -> str:
    """No case begins so: those that are written nearly so, or where all of them stand."""
    beginnings = {"/".join(id.split("/")[:size]) for id in ids for size in (1, 2, 3, 4)}
    near = get_close_matches(prefix.rstrip("/"), sorted(beginnings), n=3, cutoff=0.7)
    told = f"did you mean {' or '.join(near)}?" if near else "see 'orthanc-jobs list --cases'"
    return f"no case begins with {prefix!r}: {told}"


__all__ = ["SUITES", "Case", "by_chance", "place", "select", "suites"]
