"""How the literal entries are written: one section of ids, and where an entry comes from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from spec.requirements.model import PAGE, Bound, Need, Requirement, measured
from spec.table import Ground

OF_JOBS = "Jobs"
OF_CALLS = "Synchronous vs. asynchronous calls"
OF_MONITORING = "Monitoring jobs"
OF_ACTIONS = "Interacting with jobs"

EXCLUSIVE = frozenset({Need.EXCLUSIVE})
MANAGED = frozenset({Need.MANAGED})


@dataclass(frozen=True, slots=True)
class Section:
    """Writes the entries of one section of ids; the keywords are those of `Requirement`."""

    name: str
    needs: frozenset[Need] = frozenset()

    def page(
        self,
        id: str,
        sentence: str,
        where: str,
        *,
        since: str | None = None,
        until: str | None = None,
        reading: str | None = None,
        note: str | None = None,
        binds: Bound = Bound.SERVER,
        needs: Iterable[Need] = (),
    ) -> Requirement:
        """An entry that the page states at ``where``: "heading: which sentence"."""
        return Requirement(
            f"{self.name}/{id}",
            sentence,
            f"{PAGE}, {where}",
            Ground.DOCUMENTED,
            since=since,
            until=until,
            reading=reading,
            note=note,
            binds=binds,
            needs=self.needs | frozenset(needs),
        )

    def later(
        self,
        id: str,
        sentence: str,
        source: str,
        *,
        since: str,
        reading: str | None = None,
        note: str | None = None,
    ) -> Requirement:
        """An entry that a later document of Orthanc states."""
        return Requirement(
            f"{self.name}/{id}",
            sentence,
            source,
            Ground.DOCUMENTED,
            since=since,
            reading=reading,
            note=note,
            needs=self.needs,
        )

    def seen(
        self,
        id: str,
        sentence: str,
        *,
        since: str | None = None,
        until: str | None = None,
        note: str | None = None,
        needs: Iterable[Need] = (),
        source: str | None = None,
    ) -> Requirement:
        """An entry that no document states and that every measured server meets.

        ``since``: the oldest measured version that does, where older ones do not know of it.
        ``until``: the newest one, where newer ones do otherwise.
        """
        return Requirement(
            f"{self.name}/{id}",
            sentence,
            source or measured(since, until),
            Ground.OBSERVED,
            since=since,
            until=until,
            note=note,
            needs=self.needs | frozenset(needs),
        )
