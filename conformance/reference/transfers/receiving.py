"""The calls of who pushes to this server: a transaction, its buckets, its commit."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import uuid4

from conformance.reference import metadata
from conformance.reference.answers import done_answer, json_answer
from conformance.reference.auth import user_of
from conformance.reference.bodies import read_object
from conformance.reference.errors import ErrorCode, bad_request, not_found
from conformance.reference.routing import Route
from conformance.reference.tasks.transfers import Chunk
from conformance.reference.transfers.received import assembled, unpacked
from conformance.reference.transfers.resources import (
    read_compression,
    read_listed,
    read_size,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from conformance.reference.dicom import Instance
    from conformance.reference.storage import Storage
    from conformance.reference.tasks.transfers import Listed

PATH = "/transfers/push"


@dataclass(eq=False, slots=True)
class Transaction:
    """What is to come, and what has come: `received`, by the numbers of the buckets."""

    files: dict[str, Listed]
    buckets: tuple[tuple[Chunk, ...], ...]
    compression: str
    received: dict[int, bytes] = field(default_factory=dict)

    def take(self, number: int, body: bytes) -> None:
        """Take a bucket, also one that has come before. Raises `RestError`."""
        if number >= len(self.buckets):
            raise bad_request(f"There is no bucket {number}", ErrorCode.PARAMETER_OUT_OF_RANGE)
        for chunk in self.buckets[number]:
            if chunk.id not in self.files:
                raise not_found(f"{chunk.id} is not listed", ErrorCode.UNKNOWN_RESOURCE)
        self.received[number] = unpacked(body, self.compression, self.buckets[number])

    def instances(self) -> list[Instance]:
        """All that was to come. Raises `RestError` when it has not."""
        come = ((self.buckets[number], data) for number, data in self.received.items())
        return assembled(self.files.values(), come)


class Transactions:
    """Those that are open, of which there are `most`: the one that was used least recently goes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._open: dict[str, Transaction] = {}  # the least recently used first

    def open(self, transaction: Transaction) -> str:
        """Open one, and answer its identifier."""
        identifier = str(uuid4())
        with self._lock:
            while len(self._open) >= self._most:
                del self._open[next(iter(self._open))]
            self._open[identifier] = transaction
        return identifier

    def use(self, identifier: str) -> Transaction:
        """An open transaction. Raises `RestError` (404)."""
        transaction = self.close(identifier)
        with self._lock:
            self._open[identifier] = transaction
        return transaction

    def close(self, identifier: str) -> Transaction:
        """Close one, and answer what it was. Raises `RestError` (404)."""
        with self._lock:
            if identifier not in self._open:
                raise not_found("There is no such transaction", ErrorCode.UNKNOWN_RESOURCE)
            return self._open.pop(identifier)


class ReceivingApi:
    """These calls. `most`: transactions that are open at once."""

    def __init__(self, storage: Storage, most: int) -> None:
        self.storage = storage
        self._transactions = Transactions(most)

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route(PATH, self._create, methods=["POST"]),
            Route(f"{PATH}/{{id}}/commit", self._commit, methods=["POST"]),
            Route(f"{PATH}/{{id}}/{{number}}", self._put, methods=["PUT"]),
            Route(f"{PATH}/{{id}}", self._discard, methods=["DELETE"]),
        ]

    async def _create(self, request: Request) -> Response:
        fields = await read_object(request)
        files = [read_listed(each) for each in _array(fields.get("Instances"))]
        buckets = [
            tuple(map(_read_chunk, _array(bucket))) for bucket in _array(fields.get("Buckets"))
        ]
        known = {file.id: file for file in files}
        transaction = Transaction(known, tuple(buckets), read_compression(fields))
        identifier = self._transactions.open(transaction)
        return json_answer({"ID": identifier, "Path": f"{PATH}/{identifier}"})

    async def _put(self, request: Request) -> Response:
        number = request.path_params["number"]
        if not number.isascii() or not number.isdigit() or len(number) > 9:
            raise not_found("A bucket has a number", ErrorCode.UNKNOWN_RESOURCE)
        body = await request.body()
        self._transactions.use(request.path_params["id"]).take(int(number), body)
        return done_answer()

    async def _commit(self, request: Request) -> Response:
        """Store all files, or none: then the transaction stays open."""
        transaction = self._transactions.use(request.path_params["id"])
        client = request.client.host if request.client else ""
        user = user_of(request)

        def sent(instance: Instance) -> Instance:
            return metadata.by_rest(instance, client, user)

        await asyncio.to_thread(self.store, transaction, sent)
        self._transactions.close(request.path_params["id"])
        return done_answer()

    def store(self, transaction: Transaction, sent: Callable[[Instance], Instance]) -> None:
        """Store all of it. Raises `RestError` when it has not all come as it was.

        `sent`: an instance with what is known of who has sent it.
        """
        self.storage.add_all([sent(each) for each in transaction.instances()])

    async def _discard(self, request: Request) -> Response:
        self._transactions.close(request.path_params["id"])
        return done_answer()


def _array(value: object) -> list[object]:
    if not isinstance(value, list):
        raise bad_request("Instances, Buckets, and each bucket must be arrays")
    return value


def _read_chunk(value: object) -> Chunk:
    """A piece of a bucket from its JSON. Raises `RestError` (400)."""
    match value:
        case {"ID": str(identifier), "Offset": str(offset), "Size": str(count)}:
            return Chunk(identifier, read_size(offset), read_size(count))
    raise bad_request("A piece of a bucket has the strings ID, Offset and Size")
