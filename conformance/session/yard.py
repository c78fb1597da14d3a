"""Servers of our own in one run: the next one begins, and the last one ends, meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from conformance.sut.identity import System
from conformance.sut.managed import Managed
from conformance.sut.processes import Keeper
from conformance.sut.target import Choice


@dataclass
class Yard:
    """Managed servers whose beginning and whose end nobody waits for: the run goes on meanwhile.

    ``ending``: those that were told to end. ``ready``: one that may be the next, and its
    configuration.
    ``keeper`` starts them all: a second reference server is there at once.
    """

    ending: list[Managed] = field(default_factory=list)
    ready: tuple[Mapping[str, Any], Managed] | None = None
    keeper: Keeper = field(default_factory=Keeper)

    def prepare(self, choice: Choice, config: Mapping[str, Any]) -> None:
        """Let a server begin that is likely to be needed next, if none is ready.

        Raises `BadArgument`.
        """
        if self.ready is None:
            server = choice.server(config, self.keeper)
            self.ready = (config, server)
            server.prepare()

    def look(self, choice: Choice, config: Mapping[str, Any]) -> tuple[System, Mapping[str, Any]]:
        """What the server is that is ready, or is made so, and all of its configuration.

        Raises `KitError`.
        """
        self.prepare(choice, config)
        assert self.ready is not None
        server = self.ready[1]
        return server.answers(), server.config

    def dismiss(self) -> None:
        """Let a server end that was ready, and is not needed."""
        if self.ready is not None:
            self.ready[1].dismiss()
            self.ending.append(self.ready[1])
            self.ready = None

    @contextmanager
    def lend(self, choice: Choice, config: Mapping[str, Any]) -> Iterator[Managed]:
        """A server that answers: the one that was prepared, if it has this configuration."""
        if self.ready is None or self.ready[0] != config:
            server = choice.server(config, self.keeper)
        else:
            (_, server), self.ready = self.ready, None
        server.__enter__()
        try:
            yield server
        finally:
            server.dismiss()
            self.ending.append(server)

    def cut_short(self) -> None:
        """Nobody waits for their ends: the keeper kills them all, and removes their folders."""
        self.keeper.close()

    def clear(self, seconds: float) -> None:
        """Wait up to ``seconds`` in all for their ends, then end them."""
        deadline = time.monotonic() + seconds
        try:
            self.dismiss()
            while self.ending:
                self.ending.pop().reap(max(0.0, deadline - time.monotonic()))
        finally:
            self.keeper.close()
