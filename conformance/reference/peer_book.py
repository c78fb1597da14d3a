"""The peers of this server: of the configuration, or, if it says so, of the database."""

from __future__ import annotations

import sqlite3
from collections import UserDict
from typing import TYPE_CHECKING

from conformance.reference.peers import Peer
from conformance.reference.records import UnreadableRecord, read_record, write_record
from conformance.reference.storage import NotStored

if TYPE_CHECKING:
    from conformance.reference.config import Config
    from conformance.reference.database import Database

_SET = "INSERT OR REPLACE INTO peers (name, peer) VALUES (?, ?)"
_DELETE = "DELETE FROM peers WHERE name = ?"
_QUERY = "SELECT name, peer FROM peers"


class PeerBook(UserDict[str, Peer]):
    """Peers by their names, which calls may change.

    With OrthancPeersInDatabase they are those of the last life of the server, and OrthancPeers has
    no meaning, as on Orthanc; without it, a change is forgotten when the server ends.
    Raises `UnusableDatabase`; setting and deleting raise `NotStored`.
    """

    def __init__(self, config: Config, database: Database) -> None:
        self._database = database if config.orthanc_peers_in_database else None
        super().__init__()
        self.data = dict(config.orthanc_peers) if self._database is None else _stored(database)

    def __setitem__(self, name: str, peer: Peer) -> None:
        self._write(_SET, name, write_record(peer))
        super().__setitem__(name, peer)

    def __delitem__(self, name: str) -> None:
        self._write(_DELETE, name)
        super().__delitem__(name)

    def _write(self, statement: str, *values: object) -> None:
        if self._database is None:
            return
        try:
            self._database.write([(statement, values)])
        except sqlite3.Error as error:
            raise NotStored(f"The peers cannot be stored: {error}") from error


def _stored(database: Database) -> dict[str, Peer]:
    """The peers in `database`. Raises `UnusableDatabase`."""
    peers = {}
    for name, record in database.rows(_QUERY):
        try:
            peer = read_record(record)
        except UnreadableRecord:
            peer = None
        if not isinstance(peer, Peer):
            raise database.unusable("a peer in it cannot be read")
        peers[str(name)] = peer
    return peers
