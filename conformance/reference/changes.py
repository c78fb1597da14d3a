"""The log of changes: what was stored, in order, for clients that ask what is new."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference import clock
from conformance.reference.levels import Level

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from conformance.reference.database import Database, Statement

_INSERT = "INSERT INTO changes (kind, moment, level, resource) VALUES (?, ?, ?, ?)"
_FORGET = "DELETE FROM changes WHERE resource = ?"
_QUERY = """SELECT number, kind, moment, level, resource FROM changes
            WHERE number > ? AND number <= ? ORDER BY number"""
_LAST = "SELECT seq FROM sqlite_sequence WHERE name = 'changes'"
_ENDLESS = 2**62

KINDS = frozenset({
    *("AnonymizedPatient", "AnonymizedSeries", "AnonymizedStudy", "CompletedSeries", "Deleted"),
    *("ModifiedPatient", "ModifiedSeries", "ModifiedStudy", "NewChildInstance", "NewInstance"),
    *("NewPatient", "NewSeries", "NewStudy", "StablePatient", "StableSeries", "StableStudy"),
    *("UpdatedAttachment", "UpdatedMetadata"),
})  # fmt: skip
"""The types of changes of Orthanc, of which this server notes some."""


def new(level: Level, identifier: str) -> Statement:
    """What notes that something new is there."""
    return _noted(f"New{level.shown}", level, identifier)


def updated_metadata(level: Level, identifier: str) -> Statement:
    """What notes that a client has written or removed metadata."""
    return _noted("UpdatedMetadata", level, identifier)


def forgotten(identifier: str) -> Statement:
    """What takes out all changes of a resource, which is gone."""
    return _FORGET, (identifier,)


def _noted(kind: str, level: Level, identifier: str) -> Statement:
    return _INSERT, (kind, f"{clock.now():%Y%m%dT%H%M%S}", level, identifier)


class ChangeLog:
    """The changes in `database`, numbered for good; any thread may call it.

    `write` does statements, and raises `NotStored`.
    """

    def __init__(self, database: Database, write: Callable[..., None]) -> None:
        self._database = database
        self._write = write

    def page(
        self,
        since: int | None = None,
        until: int | None = None,
        limit: int = _ENDLESS,
        kinds: Collection[str] = KINDS,
    ) -> dict[str, object]:
        """Up to `limit` changes after number `since` up to `until`, as ``GET /changes`` answers.

        With `until` alone these are the last ones before it.
        """
        bounds = (since or 0, _ENDLESS if until is None else until)
        found = [row for row in self._database.rows(_QUERY, bounds) if row[1] in kinds]
        backwards = since is None and until is not None
        shown = found[max(0, len(found) - limit) :] if backwards else found[:limit]
        last = shown[-1][0] if shown else self._last()
        return {"Changes": [_shown(*row) for row in shown], "Done": shown == found, "Last": last}

    def last(self) -> dict[str, object]:
        """The last change alone."""
        return {**self.page(until=_ENDLESS, limit=1), "Done": True}

    def clear(self) -> None:
        """Forget them all; their numbers are not given again."""
        self._write(("DELETE FROM changes", ()))

    def _last(self) -> object:
        """The number of the last one that there ever was."""
        return next((number for (number,) in self._database.rows(_LAST)), 0)


def _shown(number: object, kind: object, moment: object, level: object, of: object) -> object:
    at = Level(str(level))
    return {
        "ChangeType": kind,
        "Date": moment,
        "ID": of,
        "Path": f"{at.path}{of}",
        "ResourceType": at.shown,
        "Seq": number,
    }
