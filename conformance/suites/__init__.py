"""The cases, a file per section. A case is a list of steps; what to expect is the model's word.

`suites(profile)` gives all cases for a server, the unreachable ones with the reason why. Ids
never change their meaning; whatever is selected is selected by a prefix of the id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

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
from conformance.suites.case import Case
from conformance.sut.profile import Profile

SUITES: dict[str, Callable[[Profile], Iterator[Case]]] = {
    "action": action.cases,
    "edge": edge.cases,
    "race": race.cases,
    "schedule": schedule.cases,
    "history": history.cases,
    "concurrent": concurrent.cases,
    "submit": submit.cases,
    "monitor": monitor.cases,
    "route": route.cases,
    "persist": persist.cases,
    "complete": complete.cases,
    "search": search.cases,
}


def suites(profile: Profile) -> list[Case]:
    """All cases for a server of this profile, in the order in which they run."""
    return [case for make in SUITES.values() for case in make(profile)]


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
            raise BadArgument(f"no case begins with {prefix!r}: see 'orthanc-jobs list'")
    return [
        case
        for case in found
        if (not names or case.suite in names)
        and (not prefixes or case.id.startswith(tuple(prefixes)))
        and not case.id.startswith(tuple(excluded) or ("\0",))
    ]


__all__ = ["SUITES", "Case", "select", "suites"]
