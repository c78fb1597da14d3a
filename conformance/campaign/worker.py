"""A process that runs lots, on servers of its own, and tells its parent what happens.

It is a fork of the keeper of `conformance.campaign.crew`, which kills it when the command has gone
that it works for. Then its own keeper ends its servers, as it does when it is killed by itself.

What is sent to it: a `Setup`, and `Order`s, until None. What it sends: events and, of each lot, a
`Done`; or the `KitError` for which it could not go on.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any

from conformance.campaign.book import Book
from conformance.campaign.gathering import Brief, done
from conformance.campaign.ledger import Ledger
from conformance.campaign.plan import Plan
from conformance.campaign.serving import Bench, Serving, error_of
from conformance.errors import Interrupted
from conformance.interrupts import Interrupt, interruptible, uninterrupted
from conformance.suites import suites
from conformance.sut.profile import Profile
from conformance.sut.target import Choice
from conformance.timing import TIMING


@dataclass(frozen=True, slots=True)
class Setup:
    """What all lots of a run have in common. ``profile``: of the first server."""

    choice: Choice
    plan: Plan
    ends: float
    profile: Profile
    ledger: Ledger


@dataclass(frozen=True, slots=True)
class Order:
    """A lot to run. ``ahead``: what the next server is likely to need, if there is to be one."""

    brief: Brief
    ahead: Mapping[str, Any] | None


def main(_: list[str]) -> int:
    """Run what is sent over the standard output, which is a socket. It ends the process."""
    wire = Connection(os.dup(1))
    with open(os.devnull, "wb") as nothing:
        for standard in (1, 2):
            os.dup2(nothing.fileno(), standard)
    with suppress(Interrupted, EOFError, OSError), interruptible() as interrupt:
        _work(wire, interrupt)
    os._exit(0)  # what Python would tidy up takes long, and goes with the process


def _trust_values() -> None:
    """Have pydicom warn of no value that it reads: nobody would see it.

    It is more than half of what a UID costs, and each association over DICOM names hundreds. This
    is for all users of pydicom in a process, so only in one that is the kit's own; the servers that
    are forks of it have it as well.
    """
    from pydicom import config  # it takes its time

    config.settings.reading_validation_mode = config.IGNORE


def _work(wire: Connection, interrupt: Interrupt) -> None:
    setup: Setup = wire.recv()
    _trust_values()
    bench = Bench(setup.choice, setup.plan, setup.ends, interrupt=interrupt)
    try:
        every = suites(setup.profile)
        while (order := wire.recv()) is not None:
            book = Book(wire.send, whole=False, cases=every, ledger=setup.ledger)
            _run(wire, bench, book, order)
        bench.yard.clear(TIMING.stops)
    except BaseException as error:
        bench.yard.cut_short()
        if isinstance(error, Exception) and not interrupt.came:
            wire.send(error_of(error))
        raise


def _run(wire: Connection, bench: Bench, book: Book, order: Order) -> None:
    brief = order.brief
    serving = Serving(bench, book, replace(brief.experience))
    book.earlier = brief.earlier
    whole = False
    try:
        serving.run(brief.lot, order.ahead)
        whole = True
    finally:
        with uninterrupted():
            wire.send(done(brief, book, serving.experience, whole))
