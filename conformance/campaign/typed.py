"""What a run has tried on jobs of which type, of what is said of every job.

`conformance.suites.by_type` has the cases of each cell of the matrix type by requirement; here is
what a run came to in them. A cell that no case tries has the reason of `spec.of_jobs`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from conformance.events import Result, Verdict
from conformance.suites import suites
from conformance.suites.by_type import cells, types_of
from conformance.sut.profile import Profile
from spec.of_jobs import SAID, TYPES, why_not
from spec.relaxations import Shortfall
from spec.requirements import within
from spec.table import EDGES, Action, cell_id
from spec.types import row

UNNAMED = "unexplained"
# What a job breaks that is not there any more after a restart, and what that is called.
GONE = frozenset(name for name in Shortfall if name.endswith("-not-saved"))
LOST = ("persist/unfinished-requeued", "persist/paused-stays", "persist/completed-stays")
# What a case of `route/` tells of an action that has to move a job, it tells of these as well.
OF_ACTIONS: Mapping[str, tuple[str, ...]] = {
    f"route/{edge.trigger}": tuple(
        id
        for one in EDGES
        if one.trigger is edge.trigger and one.source is not None
        for id in (one.id, cell_id(edge.trigger, one.source))
    )
    for edge in EDGES
    if isinstance(edge.trigger, Action)
}


class Mark(StrEnum):
    """What is known of a requirement on a server."""

    PASS = "pass"
    DEVIATION = "deviation"
    NOT_APPLICABLE = "not applicable"
    NOT_REACHABLE = "not reachable"
    UNKNOWN = "unknown"
    NO_CASE = "no case"


@dataclass(frozen=True, slots=True)
class Field:
    """What is known of one thing on one server. ``names``: of its deviations; ``why``: it was not
    tried.
    """

    mark: Mark
    names: tuple[str, ...] = ()
    why: tuple[str, ...] = ()

    def __str__(self) -> str:
        names = f" ({', '.join(self.names)})" if self.names else ""
        return f"**{self.mark}{names}**" if self.mark is Mark.DEVIATION else f"{self.mark}"


@dataclass(frozen=True, slots=True)
class Told:
    """What a run says of a case, as far as it is needed here. ``reason``: why it was not run."""

    id: str
    requirement: str
    verdict: Verdict
    names: tuple[str, ...]
    reason: str | None


def by_type(run: Iterable[Told], version: str) -> dict[str, dict[str, Field]]:
    """What is known of each type and each requirement that is said of every job.

    ``version``: of the server, which may not make jobs of each type yet.
    """
    tried, types = _tried()
    told = {one.id: one for one in run}
    broken = _broken(told.values(), types)
    return {
        type: {
            requirement: _field(
                why_not(type, requirement),
                too_old(type, version),
                [told[id] for id in tried.get((type, requirement), ()) if id in told],
                tuple(sorted(broken[type, requirement])),
            )
            for requirement in SAID
        }
        for type in TYPES
    }


@cache
def _by_case() -> dict[tuple[str, str], tuple[str, ...]]:
    """What a case tries on a type."""
    found: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for (type, requirement), ids in _tried()[0].items():
        for id in ids:
            found[id, type].append(requirement)
    return {key: tuple(requirements) for key, requirements in found.items()}


@cache
def _tried() -> tuple[dict[tuple[str, str], tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """The cases of each cell, and the types of each case, whatever the server is."""
    cases = suites(Profile())
    return cells(cases), {case.id: types_of(case) for case in cases}


def was_tried(found: Mapping[str, Field]) -> bool:
    """Whether a run came to anything on a type."""
    return any(field.mark in (Mark.PASS, Mark.DEVIATION) for field in found.values())


def counts(found: Mapping[str, Field]) -> Counter[Mark]:
    """How many requirements of one type are marked how."""
    return Counter(field.mark for field in found.values())


def _broken(
    run: Iterable[Told], types: Mapping[str, tuple[str, ...]]
) -> defaultdict[tuple[str, str], set[str]]:
    """The names of what broke a requirement on a type. Of a case with jobs of several types, those
    types are meant whose row names what was seen; all of them, where it has no name of a type.
    """
    found: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    tried = _by_case()
    for one in run:
        if one.verdict not in (Verdict.DEVIATION, Verdict.ACCEPTED):
            continue
        every = types.get(one.id) or types.get(one.id.rpartition("/")[0], ())
        for name in one.names or (UNNAMED,):
            owners = [type for type in every if name in row(type).short]
            of_a_type = any(name in row(type).short for type in TYPES)
            for type in owners if of_a_type and name in set(Shortfall) else every:
                told = (one.requirement, *OF_ACTIONS.get(one.requirement, ()))
                own = tried.get((one.id, type), told)
                if not set(told) & set(own):  # it is told of what another type has broken
                    told = tuple(id for id in own if id in LOST and name in GONE)
                for requirement in told:
                    found[type, requirement].add(name)
    return found


def of_results(results: Iterable[Result], version: str) -> dict[str, dict[str, Field]]:
    """The same of the results of a run that is told of here."""
    told = (
        Told(one.id, one.requirement, one.verdict, one.relaxations, one.reason) for one in results
    )
    return by_type(told, version)


def too_old(type: str, version: str) -> str | None:
    """Why a server of this version makes no job of a type, or None."""
    since = [call.since for call in row(type).calls]
    if not since or any(within(version, first, None) for first in since):
        return None
    return f"no call makes a {type} job before {min(map(str, since))}"


def _field(
    closed: str | None, absent: str | None, cases: list[Told], broken: tuple[str, ...]
) -> Field:
    """``closed``: why nothing can be tried on any server, ``absent``: on this one. ``cases``:
    those that try it.
    """
    if closed is not None:
        return Field(Mark.NOT_APPLICABLE, why=(closed,))
    if absent is not None:
        return Field(Mark.NOT_REACHABLE, why=(absent,))
    if broken:
        return Field(Mark.DEVIATION, broken)
    verdicts = {case.verdict for case in cases}
    # A case goes on behind what has a name, and so has tried what else it is about.
    if verdicts & {Verdict.PASS, Verdict.ACCEPTED} or any(case.names for case in cases):
        return Field(Mark.PASS)
    if verdicts == {Verdict.SKIPPED}:
        return Field(Mark.NOT_REACHABLE, why=tuple(sorted({str(c.reason) for c in cases})))
    return Field(Mark.UNKNOWN if cases else Mark.NO_CASE)
