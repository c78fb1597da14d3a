"""The releases of Orthanc that the catalogue tells apart: what begins and ends to be said at which.

A release is told apart where something begins or ends to be said of it, and where it was measured.
Between two of them the catalogue says what it says of the older one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from spec.requirements import CATALOGUE, RELEASES, Requirement, applies, version_key

EVERY = tuple(CATALOGUE.values())


def told_apart(catalogue: Iterable[Requirement] = EVERY) -> tuple[str, ...]:
    """Those releases, the oldest first."""
    named = {bound for one in catalogue for bound in (one.since, one.until) if bound is not None}
    return tuple(sorted({*RELEASES, *named}, key=version_key))


KNOWN = told_apart()


@dataclass(frozen=True, slots=True)
class Change:
    """What is said of ``new`` and not of ``old``, and what is said of ``old`` and not of ``new``.

    ``old`` is None for the oldest release: there is none before it.
    """

    old: str | None
    new: str
    begins: tuple[Requirement, ...]
    ends: tuple[Requirement, ...]

    def __bool__(self) -> bool:
        return bool(self.begins or self.ends)


def between(old: str, new: str, catalogue: Iterable[Requirement] = EVERY) -> Change:
    """What changed in what is said from one release to another."""
    said = [(one, applies(one, old), applies(one, new)) for one in catalogue]
    return Change(
        old,
        new,
        tuple(one for one, before, after in said if after and not before),
        tuple(one for one, before, after in said if before and not after),
    )


def changes(catalogue: Iterable[Requirement] = EVERY) -> tuple[Change, ...]:
    """What changed from each release to the next that is told apart, where anything did.

    At the oldest one begins what is said since it; what has no beginning is said of all.
    """
    catalogue = tuple(catalogue)
    first, *later = releases = told_apart(catalogue)
    begins = tuple(one for one in catalogue if one.since == first)
    found = [Change(None, first, begins, ())]
    found += [between(old, new, catalogue) for old, new in zip(releases, later, strict=False)]
    return tuple(change for change in found if change)
