"""What has arrived of the files of a transfer, until it is all there."""

from __future__ import annotations

import sqlite3
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING

from conformance.reference import dicom
from conformance.reference.errors import ErrorCode, RestError, bad_request
from conformance.reference.transfers.resources import md5, size

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from conformance.reference.database import Database
    from conformance.reference.dicom import Instance
    from conformance.reference.tasks.transfers import Chunk, Listed

    Bucket = tuple[Chunk, ...]

_GZIP = 16 + zlib.MAX_WBITS


class Inbox:
    """The buckets that pulls have got, by job and number: they outlive the process, as jobs do.

    Those of a job go with it. Any thread may call it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        with suppress(sqlite3.Error):  # a full disk: they are tried again at the next start
            database.write([("DELETE FROM received WHERE job NOT IN (SELECT id FROM jobs)", ())])

    def keep(self, job_id: str, number: int, data: bytes) -> None:
        """Keep the bytes of a bucket. Raises `sqlite3.Error`, as when the disk is full."""
        statement = "INSERT OR REPLACE INTO received (job, number, data) VALUES (?, ?, ?)"
        self._database.write([(statement, (job_id, number, data))])

    def bucket(self, job_id: str, number: int) -> bytes:
        """The bytes of a bucket; none when it was not kept."""
        query = "SELECT data FROM received WHERE job = ? AND number = ?"
        for (data,) in self._database.rows(query, (job_id, number)):
            return data if isinstance(data, bytes) else b""
        return b""

    def clear(self, job_id: str) -> None:
        """Forget the buckets of a job. Raises `sqlite3.Error`."""
        self._database.write([("DELETE FROM received WHERE job = ?", (job_id,))])


def unpacked(body: bytes, compression: str, bucket: Bucket) -> bytes:
    """The bytes of `bucket` that were sent as `body`. Raises `RestError` if these are none."""
    wanted = size(bucket)
    if compression == "gzip":
        body = _decompressed(body, wanted)
    if len(body) != wanted:
        details = f"{wanted} bytes were asked for"
        code = ErrorCode.NETWORK_PROTOCOL
        raise RestError(code.status, code, details)
    return body


def _decompressed(body: bytes, wanted: int) -> bytes:
    """What gzip has made `body` of, but never more than is `wanted` and a byte."""
    unpacking = zlib.decompressobj(_GZIP)
    try:
        found = unpacking.decompress(body, wanted + 1)
    except zlib.error as error:
        raise bad_request("A bucket is not compressed by gzip") from error
    if not unpacking.eof and len(found) <= wanted:
        raise bad_request("A bucket that is compressed by gzip is cut off")
    return found


def assembled(files: Iterable[Listed], buckets: Iterable[tuple[Bucket, bytes]]) -> list[Instance]:
    """The instances of which the `buckets` have the bytes.

    Raises `RestError`: 500 when one has not arrived as it was, 400 when it is no DICOM file.
    """
    pieces: dict[str, dict[int, bytes]] = {}
    for bucket, data in buckets:
        at = 0
        for chunk in bucket:
            pieces.setdefault(chunk.id, {})[chunk.offset] = data[at : at + chunk.size]
            at += chunk.size
    return [dicom.parse(_file(each, pieces.get(each.id, {}))) for each in files]


def _file(listed: Listed, pieces: Mapping[int, bytes]) -> bytes:
    """The file of which these are the pieces, by their offsets. Raises `RestError` (500)."""
    file = b"".join(pieces[offset] for offset in sorted(pieces))
    if len(file) != listed.size or md5(file) != listed.md5.lower():
        code = ErrorCode.CORRUPTED_FILE
        raise RestError(code.status, code, f"{listed.id} has not arrived as it was")
    return file
