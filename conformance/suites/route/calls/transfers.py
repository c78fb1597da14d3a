"""The transfers accelerator: a push to the gate, and a pull from it.

One small instance is one bucket, whatever the options of the server's plugin are: so a push of
one is three requests, and a pull two (`REQUESTS`). Each waits at the gate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs

from conformance.driver.context import Context
from conformance.driver.script import Via
from conformance.driver.tracked import Tracked
from conformance.peer.came import unpacked
from conformance.peer.gate import Hold
from conformance.peer.listening import address
from conformance.peer.transfers import GZIP, Kind, buckets_in, digest, object_in
from conformance.suites.route.calls.modalities import CLOSED
from conformance.suites.route.calls.model import RESULT, Call, Request, Result
from conformance.suites.route.calls.sending import REPEATED, new_name
from conformance.suites.route.samples import sample_of_files
from spec.types import PULL, PUSH

ABOUT, ONCE = "route/transfers", "route/transfers-once"
COMPRESSED, SHOWN = "route/transfers-compressed", "route/transfers-shown"
SEND, GET = "/transfers/send", "/transfers/pull"
GIVEN = ("Resources", "Peer", "Compression")
COUNTED = ("TotalInstances", "TotalSizeMB", "CompletedHttpQueries", "NetworkSpeedKBs")
SIZES = {PUSH: "UploadedSizeMB", PULL: "DownloadedSizeMB"}
NAMES: Mapping[str, str] = MappingProxyType({PUSH: "transfers/push", PULL: "transfers/pull"})
# The requests of a transfer of one small instance, in the order in which they come.
REQUESTS: Mapping[str, tuple[Kind, ...]] = MappingProxyType(
    {
        PUSH: (Kind.OPEN, Kind.BUCKET, Kind.COMMIT),
        PULL: (Kind.LOOKUP, Kind.CHUNK),
    }
)


def calls() -> Iterator[Call]:
    shows = {type: (*GIVEN, *COUNTED, size) for type, size in SIZES.items()}
    via = Via.PEER
    yield Call(NAMES[PUSH], ABOUT, PUSH, push((0,)), shows[PUSH], sends=via)
    yield Call(NAMES[PULL], ABOUT, PULL, pull(), shows[PULL], sends=via)
    for type, make in ((PUSH, push((0,), GZIP)), (PULL, pull(GZIP))):
        yield Call(f"{NAMES[type]}/compressed", COMPRESSED, type, make, shows[type], sends=via)
    yield Call("transfers/repeated", ONCE, PUSH, push(REPEATED), shows[PUSH], sends=via)
    yield Call("transfers/nothing", ABOUT, PUSH, push(()), shows[PUSH], sends=via, empty=True)


def push(sent: Sequence[int], compression: str = "none") -> Any:
    """Instances to the gate: which of them, in this order."""

    def make(context: Context) -> Request:
        job, path, body = to_the_gate(context, sent, compression)

        def verify(context: Context, content: Result) -> None:
            is_given(context, body, content)
            is_packed(context, job, compression)
            came = pushed(job, compression)
            listed = [one["ID"] for one in body["Resources"]]
            context.equal(ONCE, "instances that arrived", sorted(set(listed)), sorted(came))
            for id, file in came.items():
                stored = context.resources.client.get(f"/instances/{id}/file").body
                same = digest(file) == digest(stored)
                context.require(RESULT, same, f"the file of {id}", f"{len(file)} other bytes")

        return Request(path, body, verify, instances=len(set(sent)))

    return make


def to_the_gate(
    context: Context, sent: Sequence[int] = (0,), compression: str = "none"
) -> tuple[Tracked, str, dict[str, Any]]:
    """A push of instances of ours that the gate waits for: the path and the body of its call."""
    name = new_name(context)
    context.prepare(name, max(sent, default=-1) + 1)
    job = context.driver.prepared[name]
    listed = [{"Level": "Instance", "ID": context.resources.instance(number)} for number in sent]
    return job, SEND, {"Resources": listed, "Peer": job.slot.peer, "Compression": compression}


def pull(compression: str = "none", studies: int = 1) -> Any:
    """The instances of so many studies, one of each, that the gate has, and the server has not."""

    def make(context: Context) -> Request:
        name = new_name(context)
        context.prepare(name, 0)
        job = context.driver.prepared[name]
        made = [sample_of_files(context) for _ in range(studies)]
        files = {id: file for _, each in made for id, file in each.items()}
        context.resources.gate.transfers.offer(job.slot.number, files)
        listed = [{"Level": "Study", "ID": sample.study} for sample, _ in made]
        body = {"Resources": listed, "Peer": job.slot.peer, "Compression": compression}

        def verify(context: Context, content: Result) -> None:
            is_given(context, body, content)
            asked = chunks(job)
            right = bool(asked) and all(is_asked_for(one, compression) for one in asked)
            expected = f"chunks, each with compression {compression}"
            context.require(COMPRESSED, right, expected, ", ".join(asked) or "none")
            for id, file in files.items():
                stored = context.resources.client.get(f"/instances/{id}/file")
                same = stored.ok and stored.body == file
                context.require(RESULT, same, f"the file of {id}, which the peer has", stored)

        return Request(GET, body, verify, instances=len(files))

    return make


def is_given(context: Context, body: Mapping[str, Any], content: Result) -> None:
    """Content shows what the call gave."""
    for key in GIVEN:
        context.equal(SHOWN, f"Content.{key}", body[key], content.get(key))


def requests(job: Tracked) -> list[Hold]:
    """The requests of a transfer that have come to the gate, without the end of a transaction."""
    return [hold for hold in job.holds if kind_of(hold) is not Kind.GIVE_UP]


def given_up(job: Tracked) -> list[Hold]:
    """The transactions that the server has deleted."""
    return [hold for hold in job.holds if kind_of(hold) is Kind.GIVE_UP]


def kind_of(hold: Hold) -> Kind | None:
    return None if hold.came.transfer is None else hold.came.transfer.kind


def is_packed(context: Context, job: Tracked, compression: str) -> None:
    """Each bucket is compressed as its call says."""
    buckets = [hold.came.body for hold in job.holds if kind_of(hold) is Kind.BUCKET]
    found = sorted({GZIP if unpacked(bucket) else "none" for bucket in buckets})
    right = found in ([compression], [])
    context.require(COMPRESSED, right, f"buckets with compression {compression}", str(found))


def chunks(job: Tracked) -> list[str]:
    """The chunks that a pull has asked for: the query of each."""
    asked = [hold.came.transfer for hold in job.holds if kind_of(hold) is Kind.CHUNK]
    return [one.query for one in asked if one is not None]


def is_asked_for(query: str, compression: str) -> bool:
    """Whether a chunk is asked for with this compression; without a word of it, it is none."""
    return parse_qs(query).get("compression", ["none"]) == [compression]


def pushed(job: Tracked, compression: str = "none") -> dict[str, bytes]:
    """The files of the last transaction, by the ids that its opening names, made of its buckets.

    Of an opening that names an instance twice, the id of the second is told apart.
    """
    begins = [n for n, hold in enumerate(job.holds) if kind_of(hold) is Kind.OPEN]
    if not begins:
        return {}
    opened = job.holds[begins[-1]].came.body
    taken = {
        hold.step - 1: unpacked(hold.came.body) if compression == GZIP else hold.came.body
        for hold in job.holds[begins[-1] :]
        if kind_of(hold) is Kind.BUCKET and hold.told is not None and hold.told[1] == 200
    }
    files: dict[str, bytes] = {}
    for number, bucket in enumerate(buckets_in(opened)):
        rest = taken.get(number, b"")
        for part in bucket:
            id, size = str(part.get("ID")), _number(part.get("Size"))
            files[id] = files.get(id, b"") + rest[:size]
            rest = rest[size:]
    named = object_in(opened).get("Instances")
    ids = [str(one.get("ID")) for one in named if isinstance(one, dict)] if named else []
    again = {f"{id} once more": b"" for id in ids if ids.count(id) > 1}
    return {**files, **again}


def _number(text: object) -> int:
    return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() else 0


def closed(context: Context) -> str:
    """The address of a peer where nobody listens."""
    return address(context.resources.gate.host, CLOSED)


def release(context: Context, needed: str) -> None:
    """No job was made that would send to the peers of this case."""
    for name in tuple(context.driver.prepared):
        context.refused(name, needed)
