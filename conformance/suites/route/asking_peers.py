"""`route/transfers/peers/…`: which peers have the transfers accelerator: `GET /transfers/peers`.

It asks every peer that the server knows, so each case has a server of its own, with no other peers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from conformance.driver.context import Context
from conformance.driver.script import Via
from conformance.driver.tracked import Slot
from conformance.peer.silent import silent
from conformance.suites.case import Case, Check
from conformance.suites.route.calls.sending import new_name, register
from conformance.suites.route.calls.transfers import closed, release
from conformance.sut.profile import Profile
from spec.relaxations import Shortfall

PEERS, TIMEOUT = "route/transfers-peers", "route/transfers-peer-timeout"
CALL = "transfers/peers"
HAS_IT, LETS_PULL, HAS_IT_NOT = "installed", "bidirectional", "disabled"
AT_ONCE: Mapping[str, Any] = {"Transfers": {"Threads": 16, "PeerConnectivityTimeout": 1}}
IN_TURN: Mapping[str, Any] = {"Transfers": {"Threads": 1}}


def cases(_: Profile) -> Iterator[Case]:
    alone = partial(Check, leaves=0, fresh=True)
    name = f"route/{CALL}"
    yield alone(f"{name}/told", PEERS, check=tells, config=AT_ONCE)
    yield alone(f"{name}/silent", TIMEOUT, check=waits_for_none, config=AT_ONCE)
    yield alone(f"{name}/in-turn", PEERS, check=asks_each, config=IN_TURN)


def tells(context: Context) -> None:
    """Of a peer with the plugin, of one with RemoteSelf, and of one that is away, it tells so."""
    there, pulls, away = _peers(context, 3)
    register(context, pulls, RemoteSelf="itself")
    register(context, away, Url=closed(context))
    expected = {there.peer: HAS_IT, pulls.peer: LETS_PULL, away.peer: HAS_IT_NOT}
    told = _told(context, PEERS)
    found = {name: told.get(name) for name in expected}
    context.equal(PEERS, "what is told of each", expected, found)
    release(context, PEERS)


def waits_for_none(context: Context) -> None:
    """A peer that says nothing is told not to have the plugin."""
    (slot,) = _peers(context, 1)
    with silent(context.resources.gate.host) as url:
        register(context, slot, Url=url)
        told = _told(context, TIMEOUT)
    context.equal(TIMEOUT, "what is told of a silent peer", HAS_IT_NOT, told.get(slot.peer))
    release(context, TIMEOUT)


def asks_each(context: Context) -> None:
    """Of a peer with the plugin it tells so, also after one that is away."""
    away, there = _peers(context, 2)
    register(context, away, Url=closed(context))
    found = _told(context, PEERS).get(there.peer)
    known = Shortfall.TRANSFER_PEER_NOT_ASKED if found == HAS_IT_NOT else None
    context.require(PEERS, found == HAS_IT, f"the second peer is {HAS_IT}", str(found), known)
    release(context, PEERS)


def _peers(context: Context, count: int) -> list[Slot]:
    """So many peers that have the plugin, in the order of their names."""
    for _ in range(count):
        context.prepare(new_name(context), 0, Via.PEER)
    slots = [job.slot for job in context.driver.prepared.values()]
    return sorted(slots[-count:], key=lambda slot: slot.peer)


def _told(context: Context, needed: str) -> dict[str, Any]:
    """What is told of the peers, by their names."""
    reply = context.answered(context.call("GET", f"/{CALL}"), needed, "an answer")
    told = reply.json()
    context.require(needed, reply.ok and isinstance(told, dict), "an object", reply)
    return told if isinstance(told, dict) else {}
