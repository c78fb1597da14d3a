"""Workers: processes that run the lots of a run side by side. `conformance.campaign.worker` is one.

Each has a driver, a gate, an oracle and servers of its own, so that none waits for another. They
are forks of a keeper, which has their imports done, and kills them when this process has gone.

A lot that mostly waits while its server does nothing uses no core meanwhile. So beside
the workers that were asked for there are *spare* ones, which run such lots and no others.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from conformance.campaign.gathering import Done, Gathering
from conformance.campaign.lots import Lot, longest_first
from conformance.campaign.worker import Order, Setup
from conformance.errors import KitError
from conformance.interrupts import uninterrupted
from conformance.suites.case import StatefulSearch
from conformance.suites.needs import DICOM
from conformance.sut.processes import Keeper, Process
from conformance.timing import TIMING
from spec.requirements import Need

MODULE = "conformance.campaign.worker"
GONE = "a process that runs cases was ended from outside"
SPARE = 2  # workers more for each that was asked for, at most
NEARLY = 0.75  # of the longest lot's time: not worth that a server is begun anew


@dataclass
class Worker:
    """A worker, and the lot that it runs. ``released``: it is to end, or has ended.

    ``spare``: it runs only lots that wait. ``ahead``: the configuration of the server that it has
    begun for its next lot.
    """

    process: Process
    wire: Connection
    spare: bool = False
    lot: Lot | None = None
    ahead: Mapping[str, Any] | None = None
    released: bool = False


@dataclass
class Crew:
    """The workers of a run. What they tell goes to ``gathering``."""

    setup: Setup
    gathering: Gathering
    _keeper: Keeper = field(default_factory=Keeper)
    _workers: list[Worker] = field(default_factory=list)
    _left: list[Lot] = field(default_factory=list)  # that nobody has begun yet

    def run(self, lots: Sequence[Lot], workers: int) -> None:
        """Run all lots, so many at once beside those that wait.

        Raises `KitError` where a worker cannot go on.
        """
        self._left = longest_first(lots)
        self._keeper.begin(self._modules())
        try:
            for _ in range(workers):
                self._begin(spare=False)
            for _ in range(spares(self._left, workers)):
                self._begin(spare=True)
            while any(not worker.released for worker in self._workers):
                self._hear(None)
            self._see_ends(TIMING.stops)
        except BaseException:
            self._cut_short()
            raise
        finally:
            self._keeper.close()

    def _modules(self) -> Iterator[str]:
        """What the workers have to import, and those that they start."""
        yield MODULE
        yield "pydicom"
        cases = [case for case in self.gathering.book.selected if case.unreachable is None]
        if any(isinstance(case, StatefulSearch) for case in cases):
            yield "conformance.search.rules"
        if any(DICOM in case.needs or Need.DICOM in case.stands_for.needs for case in cases):
            yield "conformance.peer.dicom_gate"

    def _begin(self, spare: bool) -> None:
        ours, theirs = Pipe()
        with theirs:
            process = self._keeper.start([], theirs.fileno(), Path.cwd(), MODULE)
        worker = Worker(process, ours, spare)
        self._workers.append(worker)
        self._send(worker, self.setup)
        self._deal(worker)

    def _deal(self, worker: Worker) -> None:
        worker.lot = following(self._left, worker.spare, worker.ahead)
        if worker.lot is None:
            worker.released = True
            self._send(worker, None)
            return
        self._left.remove(worker.lot)
        after = following(self._left, worker.spare, None)
        worker.ahead = None if after is None else after.config
        self._send(worker, Order(self.gathering.brief(worker.lot), worker.ahead))

    def _send(self, worker: Worker, message: Any) -> None:
        with suppress(OSError), uninterrupted():  # it has ended, and may have told why
            worker.wire.send(message)

    def _hear(self, seconds: float | None) -> None:
        """Wait for what any of them tells next, and take it. Raises `KitError`."""
        wires = {worker.wire: worker for worker in self._workers if not worker.wire.closed}
        for wire in wait(list(wires), seconds):
            worker = wires[wire]  # type: ignore[index]
            try:
                with uninterrupted():
                    message = worker.wire.recv()
            except (EOFError, OSError):
                worker.wire.close()
                if not worker.released:
                    worker.released = True
                    raise KitError(GONE) from None
                continue
            self._take(worker, message)

    def _take(self, worker: Worker, message: Any) -> None:
        if isinstance(message, KitError):
            worker.released = True
            raise message
        if isinstance(message, Done):
            self.gathering.close(message)
            if not worker.released:
                self._deal(worker)
        else:
            assert worker.lot is not None
            self.gathering.take(worker.lot, message)

    def _see_ends(self, seconds: float) -> None:
        """Wait up to ``seconds`` until all have ended, and take what they still tell."""
        end = time.monotonic() + seconds
        while any(not worker.wire.closed for worker in self._workers):
            left = end - time.monotonic()
            if left <= 0:
                break
            self._hear(left)

    def _cut_short(self) -> None:
        """Tell all to end at once, and see that they did."""
        for worker in self._workers:
            worker.released = True
            worker.process.signal(signal.SIGTERM)
        end = time.monotonic() + TIMING.keeper_ends
        while time.monotonic() < end and any(not one.wire.closed for one in self._workers):
            try:
                self._see_ends(max(0.0, end - time.monotonic()))
            except KitError:  # of another, which is to end as well
                continue


def spares(lots: Sequence[Lot], workers: int) -> int:
    """How many spare workers there are beside so many others: no more than have a lot to run."""
    waiting = sum(lot.waits for lot in lots)
    return min(workers * SPARE, waiting, max(0, len(lots) - workers))


def following(left: Sequence[Lot], spare: bool, ahead: Mapping[str, Any] | None) -> Lot | None:
    """The lot that a worker is given next, of those that are ``left``, the longest first.

    One that is not ``spare`` takes those that wait when there is no other left. One whose server
    has begun with the configuration ``ahead`` takes a lot of it that is nearly as long.
    """
    fit = [lot for lot in left if lot.waits == spare] or ([] if spare else left)
    if not fit:
        return None
    longest = fit[0]
    ready = (lot for lot in fit if lot.config == ahead)
    return next((lot for lot in ready if lot.seconds > longest.seconds * NEARLY), longest)
