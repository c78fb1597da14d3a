"""The log of changes: what was stored, in order, for clients that ask what is new."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from conformance.reference import clock

if TYPE_CHECKING:
    from conformance.reference.levels import Level


class ChangeLog:
    """The changes of this life of the server; any thread may call it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changes: list[dict[str, object]] = []

    def note(self, level: Level, identifier: str) -> None:
        """Something new is there, at `level`."""
        with self._lock:
            change = {
                "ChangeType": f"New{level.shown}",
                "Date": f"{clock.now():%Y%m%dT%H%M%S}",
                "ID": identifier,
                "Path": f"{level.path}{identifier}",
                "ResourceType": level.shown,
                "Seq": len(self._changes) + 1,
            }
            self._changes.append(change)

    def since(self, number: int, limit: int) -> dict[str, object]:
        """Up to `limit` changes after that of `number`, as ``GET /changes`` answers them."""
        with self._lock:
            found = self._changes[number : number + limit] if limit else self._changes[number:]
            last = number + len(found) if found else len(self._changes)
            return _page(found, number + len(found) >= len(self._changes), last)

    def last(self) -> dict[str, object]:
        """The last change alone."""
        with self._lock:
            return _page(self._changes[-1:], True, len(self._changes))

    def clear(self) -> None:
        """Forget them all; the numbers begin anew."""
        with self._lock:
            self._changes.clear()


def _page(changes: list[dict[str, object]], done: bool, last: int) -> dict[str, object]:
    return {"Changes": changes, "Done": done, "Last": last}
