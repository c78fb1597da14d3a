"""Faults in what a server with the transfers accelerator tells of its peers, and in what it takes.

`TransferPeerNotAsked` and `TransferStoredPartly` are what the transfers accelerator does itself.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from conformance.reference.errors import RestError
from conformance.reference.transfers.api import DISABLED, TransfersApi
from conformance.reference.transfers.pulling import Puller
from conformance.reference.transfers.pushing import Pusher
from conformance.reference.transfers.received import assembled
from conformance.reference.transfers.receiving import ReceivingApi
from conformance.reference.transfers.resources import md5

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from conformance.reference.dicom import Instance
    from conformance.reference.job import Job
    from conformance.reference.peers import Peer
    from conformance.reference.storage import Storage
    from conformance.reference.tasks.transfers import Chunk, Import
    from conformance.reference.transfers.receiving import Transaction


class TransferPeerNotAsked(TransfersApi):
    """Of the peers behind one that cannot be reached it is told that they have no plugin."""

    async def tell_of_peers(self) -> dict[str, str]:
        told = await super().tell_of_peers()
        names = [*told]
        reached = [name for name in names if told[name] != DISABLED]
        asked = next((n for n, name in enumerate(names) if name not in reached), len(names))
        return {name: told[name] if n < asked else DISABLED for n, name in enumerate(names)}


class EveryPeerInstalled(TransfersApi):
    """Of each peer it is told that it has the plugin."""

    def look_at(self, peer: Peer) -> str:
        return "installed"


class PeerConnectivityTimeoutIgnored(TransfersApi):
    """A peer may take as long as it likes to say whether it has the plugin."""

    def longest_look(self) -> float:
        return 0.0


class PeerCommitTimeoutIgnored(Pusher):
    """The commit of a push may take as long as it likes."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._commit_timeout = 0.0


class BucketNotSentAgain(Pusher):
    """A bucket that fails is not sent again, whatever MaxHttpRetries is."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._options = replace(self._options, max_http_retries=0)


class PushesWithoutEnd(ReceivingApi):
    """As many pushes are received at the same time as are sent."""

    def __init__(self, storage: Storage, _: int) -> None:
        super().__init__(storage, sys.maxsize)


class TransferStoredPartly(ReceivingApi):
    """Of a push that has not all come as it was, that is stored which has."""

    def store(self, transaction: Transaction, sent: Callable[[Instance], Instance]) -> None:
        come = [(transaction.buckets[n], data) for n, data in transaction.received.items()]
        for file in transaction.files.values():
            with suppress(RestError):
                self.storage.add_all([sent(each) for each in assembled([file], come)])
        super().store(transaction, sent)


def _digests(come: Iterable[tuple[Sequence[Chunk], bytes]]) -> dict[str, str]:
    """The MD5 of what has come of each file that is in one bucket."""
    found = {}
    for bucket, data in come:
        at = 0
        for chunk in bucket:
            found[chunk.id] = md5(data[at : at + chunk.size])
            at += chunk.size
    return found


class PushNotValidated(ReceivingApi):
    """What has come of a push is stored, whatever was told of it."""

    def store(self, transaction: Transaction, sent: Callable[[Instance], Instance]) -> None:
        come = [(transaction.buckets[n], data) for n, data in transaction.received.items()]
        there = [replace(transaction.files[id], md5=found) for id, found in _digests(come).items()]
        self.storage.add_all([sent(each) for each in assembled(there, come)])


class PullNotValidated(Puller):
    """What has come of a pull is stored, whatever was told of it."""

    def store(self, job: Job, step: Import) -> None:
        found = _digests(self.fetched(job))
        listed = tuple(replace(file, md5=found[file.id]) for file in step.listed)
        super().store(job, replace(step, listed=listed))


class PullStoredPartly(Puller):
    """Of a pull that has not all come as it was, that is stored which has."""

    def store(self, job: Job, step: Import) -> None:
        for file in step.listed:
            with suppress(RestError):
                super().store(job, replace(step, listed=(file,)))
        super().store(job, step)
