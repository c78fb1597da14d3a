"""The instances of the server, and the patients, studies and series that they make up."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections import Counter
from dataclasses import fields
from itertools import chain
from typing import TYPE_CHECKING

from conformance.reference import changes, notes
from conformance.reference.changes import ChangeLog
from conformance.reference.database import Database
from conformance.reference.dicom import Instance
from conformance.reference.levels import Level
from conformance.reference.notes import Notes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from conformance.reference.database import Statement

_INSERT = "INSERT INTO instances (id, named, file) VALUES (?, ?, ?)"
_DELETE = "DELETE FROM instances WHERE id = ?"
_QUERY = "SELECT named, file FROM instances ORDER BY number"


class NotStored(OSError):
    """The database does not take an instance, as when the disk is full."""


class Storage:
    """Instances by their identifier, in order of arrival; each is in `database` as well.

    Without a database they last as long as this object. `overwrites`: one that is there already is
    replaced. Every thread may call it: clients change
    it, and so do the steps of jobs. Each method is a whole, under one lock.
    Raises `UnusableDatabase` when the instances of an earlier life of the server cannot be read.
    """

    def __init__(self, database: Database | None = None, overwrites: bool = False) -> None:
        self._overwrites = overwrites
        self.database = Database() if database is None else database
        self._lock = threading.RLock()
        self._instances = {each.id: each for each in _stored(self.database)}
        self._counts = Counter(
            each.at(level) for each in self._instances.values() for level in Level
        )
        self.changes = ChangeLog(self.database, self._write)
        self.notes = Notes(self.database, self._write)

    def add(self, instance: Instance) -> bool:
        """Store `instance`; False when it is there already, and stays as it is.

        Raises `NotStored`.
        """
        return self.add_all([instance]) == 1

    def add_all(self, instances: Iterable[Instance]) -> int:
        """Store all of `instances`, or none; answer how many were not there, or are replaced.

        Raises `NotStored`: then nothing has changed.
        """
        with self._lock:
            new = {
                each.id: each
                for each in instances
                if self._overwrites or each.id not in self._instances
            }
            replaced = [identifier for identifier in new if identifier in self._instances]
            removed = self._counted(replaced)
            self._write(
                *self._removing(replaced, removed),
                *((_INSERT, (each.id, _named(each), each.file)) for each in new.values()),
                *self._noting(new.values(), removed),
            )
            for identifier in replaced:
                self._forget(identifier)
            self._instances |= new
            self._counts.update(each.at(level) for each in new.values() for level in Level)
            return len(new)

    def _counted(self, instances: Iterable[str]) -> Counter[str]:
        """To how many of these instances, which are there, each resource belongs."""
        known = [self._instances[each] for each in instances]
        return Counter(each.at(level) for each in known for level in Level)

    def _removing(self, instances: Iterable[str], removed: Counter[str]) -> list[Statement]:
        """What removes these instances, and what was noted of all that is gone with them."""
        gone = [each for each, number in removed.items() if self._counts[each] == number]
        forgotten = [(changes.forgotten(each), *notes.forgotten(each)) for each in gone]
        return [*((_DELETE, (each,)) for each in instances), *chain.from_iterable(forgotten)]

    def _noting(self, new: Iterable[Instance], removed: Counter[str]) -> Iterator[Statement]:
        """What notes each resource that is there with the `new` instances, and was not before."""
        seen: set[str] = set()
        for each in new:
            for level in Level:
                resource = each.at(level)
                if resource not in seen and self._counts[resource] == removed[resource]:
                    yield changes.new(level, resource)
                seen.add(resource)

    def get(self, instance_id: str) -> Instance | None:
        """An instance; None when there is none of this id."""
        with self._lock:
            return self._instances.get(instance_id)

    def file(self, instance_id: str) -> bytes | None:
        """The DICOM file of an instance; None when it is gone."""
        instance = self.get(instance_id)
        return None if instance is None else instance.file

    def remove(self, instance_id: str) -> Instance | None:
        """Remove an instance, and answer it; None when there was none. Raises `NotStored`."""
        with self._lock:
            if instance_id not in self._instances:
                return None
            self._write(*self._removing([instance_id], self._counted([instance_id])))
            return self._forget(instance_id)

    def _forget(self, instance_id: str) -> Instance:
        removed = self._instances.pop(instance_id)
        self._counts.subtract(removed.at(level) for level in Level)
        return removed

    def all(self) -> list[Instance]:
        """All instances."""
        with self._lock:
            return list(self._instances.values())

    def ids(self) -> list[str]:
        """The ids of all instances."""
        return [instance.id for instance in self.all()]

    def ids_at(self, level: Level) -> list[str]:
        """The ids of all patients, studies, series or instances."""
        return list(dict.fromkeys(instance.at(level) for instance in self.all()))

    def at(self, level: Level, resource: str) -> list[Instance]:
        """The instances of the patient, study, series or instance `resource`; none: empty."""
        if level is Level.INSTANCE:
            instance = self.get(resource)
            return [] if instance is None else [instance]
        return [instance for instance in self.all() if instance.at(level) == resource]

    def find(self, resource: str) -> tuple[Level, list[Instance]] | None:
        """What `resource` is, and its instances; None when there is no such resource."""
        for level in Level:
            if found := self.at(level, resource):
                return level, found
        return None

    def below(self, resource: str) -> list[Instance] | None:
        """The instances of any resource: of itself, or of the series, study or patient it is.

        None when there is no such resource.
        """
        found = self.find(resource)
        return None if found is None else found[1]

    def remaining_ancestor(self, removed: Instance) -> dict[str, str] | None:
        """The nearest resource that `removed` belonged to and that still has instances."""
        for level in Level.SERIES.own_and_above:
            ancestor = removed.at(level)
            if self.at(level, ancestor):
                return {"ID": ancestor, "Path": level.path + ancestor, "Type": level.shown}
        return None

    def size(self) -> int:
        """Bytes of all files."""
        return sum(len(instance.file) for instance in self.all())

    def _write(self, *statements: Statement) -> None:
        try:
            self.database.write(statements)
        except sqlite3.Error as error:
            raise NotStored(f"The instances cannot be stored: {error}") from error


def _stored(database: Database) -> list[Instance]:
    """The instances in `database`. Raises `UnusableDatabase`."""
    try:
        return [
            Instance(**json.loads(str(named)), file=_file(file))
            for named, file in database.rows(_QUERY)
        ]
    except (ValueError, TypeError) as error:
        raise database.unusable("an instance in it cannot be read") from error


def _named(instance: Instance) -> str:
    """All of `instance` but its file, as JSON."""
    names = (each.name for each in fields(instance) if each.name != "file")
    return json.dumps({name: getattr(instance, name) for name in names})


def _file(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise TypeError("a file is bytes")
    return value
