"""What clients have noted of resources: labels, and metadata of their own.

They are kept in the database, and go with what they are of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference import changes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from conformance.reference.database import Database, Statement
    from conformance.reference.levels import Level


def forgotten(resource: str) -> list[Statement]:
    """What takes out all notes of a resource, which is gone."""
    tables = ("DELETE FROM labels WHERE resource = ?", "DELETE FROM metadata WHERE resource = ?")
    return [(statement, (resource,)) for statement in tables]


class Notes:
    """The notes in `database`; any thread may call it. `write` does statements.

    What changes something raises `NotStored`, as `write` does.
    """

    def __init__(self, database: Database, write: Callable[..., None]) -> None:
        self._database = database
        self._write = write

    def labels(self, resource: str) -> list[str]:
        """The labels of a resource."""
        query = "SELECT label FROM labels WHERE resource = ? ORDER BY label"
        return [str(label) for (label,) in self._database.rows(query, (resource,))]

    def label(self, resource: str, labels: Iterable[str]) -> None:
        """Give a resource these labels, beside those that it has."""
        statement = "INSERT OR IGNORE INTO labels (resource, label) VALUES (?, ?)"
        self._write(*((statement, (resource, label)) for label in labels))

    def unlabel(self, resource: str, label: str) -> None:
        """Take a label from a resource, if it has it."""
        statement = "DELETE FROM labels WHERE resource = ? AND label = ?"
        self._write((statement, (resource, label)))

    def metadata(self, resource: str) -> dict[str, bytes]:
        """The metadata that clients have written of a resource, by their names."""
        query = "SELECT name, value FROM metadata WHERE resource = ?"
        rows = self._database.rows(query, (resource,))
        return {str(name): value for name, value in rows if isinstance(value, bytes)}

    def tell(self, level: Level, resource: str, name: str, value: bytes) -> None:
        """Write metadata of a resource; what it was before is replaced."""
        statement = "INSERT OR REPLACE INTO metadata (resource, name, value) VALUES (?, ?, ?)"
        self._write((statement, (resource, name, value)), changes.updated_metadata(level, resource))

    def untell(self, level: Level, resource: str, name: str) -> None:
        """Remove metadata of a resource."""
        statement = "DELETE FROM metadata WHERE resource = ? AND name = ?"
        self._write((statement, (resource, name)), changes.updated_metadata(level, resource))
