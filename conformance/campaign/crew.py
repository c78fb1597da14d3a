"""Workers: processes that run the lots of a run side by side. `conformance.campaign.worker` is one.

Each has a driver, a gate, an oracle and servers of its own, so that none waits for another. They
are forks of a keeper, which has their imports done, and kills them when this process has gone.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
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
from conformance.sut.processes import Keeper, Process
from conformance.timing import TIMING

MODULE = "conformance.campaign.worker"
GONE = "a process that runs cases was ended from outside"


@dataclass
class Worker:
    """A worker, and the lot that it runs. ``released``: it is to end, or has ended."""

    process: Process
    wire: Connection
    lot: Lot | None = None
    released: bool = False


@dataclass
class Crew:
    """The workers of a run. What they tell goes to ``gathering``."""

    setup: Setup
    gathering: Gathering
    _keeper: Keeper = field(default_factory=Keeper)
    _workers: list[Worker] = field(default_factory=list)
    _waiting: list[Lot] = field(default_factory=list)

    def run(self, lots: Sequence[Lot], workers: int) -> None:
        """Run all lots, the longest first. Raises `KitError` where a worker cannot go on."""
        self._waiting = longest_first(lots)
        try:
            for _ in range(workers):
                self._begin()
            while any(not worker.released for worker in self._workers):
                self._hear(None)
            self._see_ends(TIMING.stops)
        except BaseException:
            self._cut_short()
            raise
        finally:
            self._keeper.close()

    def _begin(self) -> None:
        ours, theirs = Pipe()
        with theirs:
            process = self._keeper.start([], theirs.fileno(), Path.cwd(), MODULE)
        worker = Worker(process, ours)
        self._workers.append(worker)
        self._send(worker, self.setup)
        self._deal(worker)

    def _deal(self, worker: Worker) -> None:
        if not self._waiting:
            worker.lot, worker.released = None, True
            self._send(worker, None)
            return
        worker.lot = self._waiting.pop(0)
        ahead = self._waiting[0].config if self._waiting else None
        self._send(worker, Order(self.gathering.brief(worker.lot), ahead))

    def _send(self, worker: Worker, message: Any) -> None:
        try:
            with uninterrupted():
                worker.wire.send(message)
        except OSError:
            raise KitError(GONE) from None

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
