"""The file in which the server keeps what must outlive it: an SQLite database.

Whatever is written is written at once, as one transaction, and is safe when the call returns: it
has then been handed to the operating system, so that ``kill -9`` of this process loses nothing.
It is not forced to the disk: a machine that loses its power may lose the last moments, but
SQLite's write-ahead log keeps the file whole. One server at a time can have it.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    Statement = tuple[str, tuple[object, ...]]

FILE_NAME = "jobs.db"
_OURS = 0x4A6F6273  # "Jobs", the application id in the file's header
_FORMAT = 1
_TABLES = """
CREATE TABLE jobs (number INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, task TEXT NOT NULL,
                   status TEXT NOT NULL, output BLOB);
CREATE TABLE instances (number INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, named TEXT NOT NULL,
                        file BLOB NOT NULL);
"""
_LATER = (
    "CREATE TABLE IF NOT EXISTS peers (name TEXT PRIMARY KEY, peer TEXT NOT NULL)",
    """CREATE TABLE IF NOT EXISTS received (job TEXT NOT NULL, number INTEGER NOT NULL,
                                             data BLOB NOT NULL, PRIMARY KEY (job, number))""",
    """CREATE TRIGGER IF NOT EXISTS forgotten AFTER DELETE ON jobs
       BEGIN DELETE FROM received WHERE job = OLD.id; END""",
    """CREATE TABLE IF NOT EXISTS changes (number INTEGER PRIMARY KEY AUTOINCREMENT,
                                            kind TEXT NOT NULL, moment TEXT NOT NULL,
                                            level TEXT NOT NULL, resource TEXT NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS changed ON changes (resource)",
    """CREATE TABLE IF NOT EXISTS labels (resource TEXT NOT NULL, label TEXT NOT NULL,
                                           PRIMARY KEY (resource, label))""",
    """CREATE TABLE IF NOT EXISTS metadata (resource TEXT NOT NULL, name TEXT NOT NULL,
                                             value BLOB NOT NULL, PRIMARY KEY (resource, name))""",
)
"""Tables that a file of an earlier version has not: peers, what a job has received, and what is
known of resources beside their tags."""


class UnusableDatabase(Exception):
    """The database cannot be opened or understood; the message is one line and names the file."""


class Database:
    """The open database; any thread may use it. Without `folder` it is in memory only.

    Raises `UnusableDatabase` when there is no such folder and none can be made, and when the file
    in it is damaged, is somebody else's, or has another server at work on it.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.path = "memory" if folder is None else str(folder / FILE_NAME)
        self._lock = threading.Lock()
        if folder is not None:
            _make_room(folder)
        try:
            self._connection = sqlite3.connect(
                ":memory:" if folder is None else self.path,
                timeout=0,
                isolation_level=None,
                check_same_thread=False,
            )
        except sqlite3.Error as error:
            raise self.unusable(str(error)) from error
        try:
            self._prepare()
        except sqlite3.Error as error:
            self._connection.close()
            raise self.unusable(_reason(error)) from error
        except UnusableDatabase:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        """Take the file for this server alone, and see whether it is one of ours."""
        do = self._connection.execute
        do("PRAGMA locking_mode=EXCLUSIVE")
        do("PRAGMA journal_mode=WAL")
        do("PRAGMA synchronous=NORMAL")
        do("BEGIN IMMEDIATE")
        (tables,) = do("SELECT count(*) FROM sqlite_master").fetchone()
        (owner,) = do("PRAGMA application_id").fetchone()
        (layout,) = do("PRAGMA user_version").fetchone()
        if (tables, owner, layout) == (0, 0, 0):
            for statement in _TABLES.split(";"):
                do(statement)
            do(f"PRAGMA application_id={_OURS}")
            do(f"PRAGMA user_version={_FORMAT}")
        elif owner != _OURS:
            raise self.unusable("it is a database of another program")
        elif layout != _FORMAT:
            raise self.unusable(f"it has format {layout}, and this server knows {_FORMAT} only")
        elif (found := do("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise self.unusable(f"it is damaged: {str(found).splitlines()[-1]}")
        for statement in _LATER:
            do(statement)
        do("COMMIT")

    def unusable(self, why: str) -> UnusableDatabase:
        """The exception that says `why` this database cannot be used."""
        return UnusableDatabase(f"cannot use the database {self.path}: {why}")

    def rows(self, query: str, values: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
        """What `query` finds. Raises `UnusableDatabase`: only a damaged file has no answer."""
        try:
            with self._lock:
                return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise self.unusable(_reason(error)) from error

    def write(self, statements: Iterable[Statement]) -> None:
        """Do all of `statements`, or none. Raises `sqlite3.Error`, as when the disk is full."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                for statement, values in statements:
                    self._connection.execute(statement, values)
                self._connection.execute("COMMIT")
            except sqlite3.Error:
                with suppress(sqlite3.Error):  # some errors have ended the transaction already
                    self._connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()


def _make_room(folder: Path) -> None:
    """Make the folder, and a file that nobody else can read: the peers' passwords are in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE_NAME).touch(0o600)
    except OSError as error:
        raise UnusableDatabase(f"cannot make the database in {folder}: {error.strerror}") from error


def _reason(error: sqlite3.Error) -> str:
    if error.sqlite_errorcode in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return "another server is at work on it"
    return str(error)
