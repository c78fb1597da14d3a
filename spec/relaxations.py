"""The named ways in which a released server falls short of the specification.

A relaxation *permits* another outcome beside the strict one; a server that does the strict
thing never deviates because a relaxation was admitted. Each is a switch of `spec.engine`,
and this module is where it is said what the switch does. Source: behaviour measured alike on
Orthanc 1.9.1, 1.10.1, 1.12.7 and 1.13.0.

A shortfall is the same for what the engine's model does not hold, as a setting or a field: no
switch, but a name for exactly what a check has seen. Reports and ledgers treat both alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import combinations
from typing import TypeAlias

from spec.table import Asked, Ended


class Relaxation(StrEnum):
    """A switch of the engine. Its value is the name that reports and ledgers use."""

    CANCEL_LOST_TO_PAUSE = "cancel-lost-to-pause"
    REQUEST_LOST_ON_LAST_STEP = "request-lost-on-last-step"
    TIES_UNORDERED = "ties-unordered"

    @property
    def sentence(self) -> str:
        return _SENTENCES[self]


_SENTENCES = {
    Relaxation.CANCEL_LOST_TO_PAUSE: (
        "A Running job that was asked to pause and to cancel, in either order and both times "
        "with the answer 200, may end Paused: the cancel is lost."
    ),
    Relaxation.REQUEST_LOST_ON_LAST_STEP: (
        "A pause or cancel answered 200 while the last step runs may have no effect: the job "
        "ends in Success."
    ),
    Relaxation.TIES_UNORDERED: (
        "Pending jobs of equal priority may start in any order, not only in the order in "
        "which they became Pending."
    ),
}


class Shortfall(StrEnum):
    """What a server does instead of something that the engine's model does not hold."""

    LIMIT_JOBS_IGNORED = "limit-jobs-ignored"

    @property
    def sentence(self) -> str:
        return _SHORT[self]


_SHORT = {
    Shortfall.LIMIT_JOBS_IGNORED: (
        "LimitJobs is accepted and ignored: a submission over the limit is taken at once."
    ),
}

Name: TypeAlias = Relaxation | Shortfall
NONE: frozenset[Relaxation] = frozenset()


class UnknownRelaxation(ValueError):
    """A name that is no relaxation of this specification."""

    def __init__(self, name: str) -> None:
        known = ", ".join([*Relaxation, *Shortfall])
        super().__init__(f"unknown relaxation {name!r}: the specification knows {known}")


def relaxation(name: str) -> Relaxation:
    """The relaxation called ``name``. Raises `UnknownRelaxation`."""
    try:
        return Relaxation(name)
    except ValueError:
        raise UnknownRelaxation(name) from None


def named(name: str) -> Name:
    """The relaxation or the shortfall called ``name``. Raises `UnknownRelaxation`."""
    return Shortfall(name) if name in set(Shortfall) else relaxation(name)


def taken_for(admitted: frozenset[Relaxation], asked: Asked, ended: Ended) -> Iterator[Asked]:
    """What the engine may take ``asked`` for at a step boundary; the strict reading is first.

    Both relaxations of requests are of one kind: a request is forgotten, and the engine goes
    on as if it had not been made.
    """
    yield asked
    if asked is Asked.BOTH and Relaxation.CANCEL_LOST_TO_PAUSE in admitted:
        yield Asked.PAUSE
    last = ended is Ended.LAST and asked is not Asked.NOTHING
    if last and Relaxation.REQUEST_LOST_ON_LAST_STEP in admitted:
        yield Asked.NOTHING


def smallest_first(names: Iterable[Relaxation]) -> Iterator[frozenset[Relaxation]]:
    """Every subset of ``names``, the smaller ones first, in a fixed order."""
    ordered = sorted(set(names))
    for size in range(len(ordered) + 1):
        yield from map(frozenset, combinations(ordered, size))
