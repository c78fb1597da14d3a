"""`route/transfers/received/…`, `route/transfers/pull/spoilt…`: what arrives, and what is stored.

Of a push the kit is the sender here, as another server with the plugin would be. Each file is a
bucket. Nothing is sent in another size than was told: a server may end for that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from conformance.driver.context import Context
from conformance.peer.transfers import digest
from conformance.suites.case import Case, Check
from conformance.suites.needs import EXCLUSIVE
from conformance.suites.route import judge
from conformance.suites.route.calls import Call, Request
from conformance.suites.route.calls.sending import new_name
from conformance.suites.route.calls.transfers import GET, NAMES
from conformance.suites.route.outcomes import of_call, submit
from conformance.suites.route.refusals import ABSENT
from conformance.suites.route.samples import sample_of_files
from conformance.sut.profile import Profile
from spec.relaxations import Shortfall
from spec.table import State
from spec.types import PULL

VALIDATED, ATOMIC = "route/transfers-validated", "route/transfers-atomic"
RECEPTIONS = "route/transfers-receptions"
PUSHES, PUSHED = "/transfers/push", "transfers/received"
ONE_AT_ONCE: Mapping[str, Any] = {"Transfers": {"MaxPushTransactions": 1}}
SEVERAL = 3  # instances of a transfer of which the last one is spoilt

Files = Mapping[str, bytes]  # by the ids of their instances, in order of these


def cases(_: Profile, calls: list[Call]) -> Iterator[Case]:
    name, pull = f"route/{PUSHED}", NAMES[PULL]
    yield Check(f"{name}/validated", VALIDATED, check=validates, leaves=0)
    yield Check(f"{name}/atomic", ATOMIC, check=stores_all_or_none, leaves=0)
    one_at_once = partial(Check, config=ONE_AT_ONCE)
    yield one_at_once(f"{name}/one-more", RECEPTIONS, check=gives_way, leaves=0)
    (call,) = (one for one in calls if one.name == pull)
    needs = (EXCLUSIVE, *of_call(call))
    for end, needed, count in (("spoilt", VALIDATED, 1), ("spoilt-last", ATOMIC, SEVERAL)):
        check = partial(pulls_all_or_none, call, needed, count)
        yield Check(f"route/{pull}/{end}", needed, check=check, needs=needs)


# --- a push that the kit sends -----------------------------------------------------------------


def validates(context: Context) -> None:
    """What has arrived as it was is stored; of other bytes, or of none, the commit is refused."""
    for arrives in (_as_it_was, _spoilt, _never):
        files = _files(context, 1)
        path, right = _opened(context, files), arrives is _as_it_was
        for number, file in enumerate(arrives(files)):
            _put(context, path, number, file)
        reply = context.post(f"{path}/commit")
        if not right:
            context.ask("DELETE", path)
        context.equal(VALIDATED, "the commit is accepted:", right, reply.ok)
        expected = [*files] if right else []
        context.equal(VALIDATED, "instances stored", expected, _stored(context, files))


def stores_all_or_none(context: Context) -> None:
    """Of a push of three instances, the last of which is spoilt, none is stored."""
    files = _files(context, SEVERAL)
    path = _opened(context, files)
    for number, file in enumerate(_spoilt(files)):
        _put(context, path, number, file)
    reply = context.post(f"{path}/commit")
    context.ask("DELETE", path)
    context.require(VALIDATED, not reply.ok, "the commit is refused", reply)
    _is_none_stored(context, files)


def gives_way(context: Context) -> None:
    """Where one push is received at once, a second one takes the place of the first."""
    files, others = _files(context, 1), _files(context, 1)
    first, second = _opened(context, files), _opened(context, others)
    reply = context.ask("PUT", f"{first}/0", *files.values())
    context.equal(RECEPTIONS, "HTTP status of the first one's bucket", ABSENT, reply.status)
    _put(context, second, 0, *others.values())
    reply = context.post(f"{second}/commit")
    context.require(RECEPTIONS, reply.ok, "the commit of the second one is accepted", reply)
    stored = _stored(context, {**files, **others})
    context.equal(RECEPTIONS, "instances stored", [*others], stored)


def _opened(context: Context, files: Files) -> str:
    """The path of a push of these files that was begun."""
    parts = [[{"ID": id, "Offset": "0", "Size": str(len(file))}] for id, file in files.items()]
    listed = [{"ID": id, "MD5": digest(file), "Size": str(len(file))} for id, file in files.items()]
    body = {"Buckets": parts, "Instances": listed, "Compression": "none"}
    reply = context.post(PUSHES, body)
    told = reply.json()
    path = told.get("Path") if isinstance(told, dict) else None
    right = reply.ok and isinstance(path, str) and path.startswith(f"{PUSHES}/")
    context.require(VALIDATED, right, f"a Path below {PUSHES}", reply)
    return str(path)


def _put(context: Context, path: str, number: int, file: bytes) -> None:
    reply = context.ask("PUT", f"{path}/{number}", file)
    context.require(VALIDATED, reply.ok, "a bucket of the size that was told is taken", reply)


# --- a pull from the gate ----------------------------------------------------------------------


def pulls_all_or_none(call: Call, needed: str, count: int, context: Context) -> None:
    """A pull of which the last instance comes with other bytes fails, and stores none."""
    files = _files(context, count)
    id, _ = submit(context, replace(call, make=partial(_of_spoilt, files)))
    judge.await_end(context, needed, id)
    shown = judge.look(context, call, id)
    context.equal(VALIDATED, "State", State.FAILURE, shown["State"])
    _is_none_stored(context, files)


def _of_spoilt(files: Files, context: Context) -> Request:
    """The request of a pull of these files, the last of which the gate spoils."""
    name = new_name(context)
    context.prepare(name, 0)
    slot = context.driver.prepared[name].slot
    given = dict(zip(files, _spoilt(files), strict=True))
    context.resources.gate.transfers.offer(slot.number, files, given)
    listed = [{"Level": "Instance", "ID": id} for id in files]
    body = {"Resources": listed, "Peer": slot.peer, "Compression": "none"}
    return Request(GET, body, _nothing, instances=len(files))


def _nothing(*_: object) -> None:
    """Nothing is to be seen of it: it fails."""


# --- both --------------------------------------------------------------------------------------


def _files(context: Context, count: int) -> Files:
    """Files of so many patients, which are not stored."""
    found: dict[str, bytes] = {}
    for _ in range(count):
        found |= sample_of_files(context)[1]
    return dict(sorted(found.items()))


def _as_it_was(files: Files) -> list[bytes]:
    return [*files.values()]


def _spoilt(files: Files) -> list[bytes]:
    """The last one with another last byte, which belongs to the text of an element."""
    *whole, last = files.values()
    return [*whole, last[:-1] + bytes([last[-1] ^ 1])]


def _never(_: Files) -> list[bytes]:
    return []


def _stored(context: Context, files: Files) -> list[str]:
    """Those of them that the server has."""
    return [id for id in files if context.get(f"/instances/{id}").ok]


def _is_none_stored(context: Context, files: Files) -> None:
    stored = _stored(context, files)
    partly = 0 < len(stored) < len(files)
    known = Shortfall.TRANSFER_STORED_PARTLY if partly else None
    needed = ATOMIC if len(files) > 1 else VALIDATED
    expected = f"none of {len(files)} is stored"
    context.require(needed, not stored, expected, f"{len(stored)} stored", known)
