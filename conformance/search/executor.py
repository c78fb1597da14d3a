"""What a strategy has of the run: a server to try its sequences on, and how patient it is there.

The stateful search, the complete suites and the learner make sequences; who runs them knows the
server, the ledger and the case (`conformance.campaign.hunting`, `conformance.learn.inference`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from conformance.driver.driver import Driver
from conformance.driver.script import Step
from conformance.oracle.oracle import Finding

Performed: TypeAlias = Sequence[tuple[Step, tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class Found:
    """A finding, and what was done up to it, with what was expected of each step."""

    finding: Finding
    steps: Performed


class Executor(Protocol):
    """Runs sequences, each with a driver of its own."""

    def open(self, patience: int = 1) -> Driver:
        """A driver for one sequence, with so many times the patience."""
        ...

    def close(self, driver: Driver, failed: bool) -> None:
        """The sequence is over. ``failed``: its jobs may be under way still, and are ended."""
        ...


class Repeater(Executor, Protocol):
    """An executor of sequences that a campaign judges."""

    def attempt(self, steps: Sequence[Step], patience: int = 1) -> Found | None:
        """Run steps as a case of their own; what was found in them last, if anything was."""
        ...

    def check(self) -> None:
        """Raise `ServerDied` where the server has ended by itself, or is about to: a connection
        breaks before its process has ended.
        """
        ...

    def progress(self, done: int, of: int) -> None:
        """So many sequences of those foreseen have begun. Raises `Interrupted` after a signal."""
        ...


def found_on(driver: Driver, finding: Finding) -> Found:
    """A finding of the driver, with what was done up to the last one."""
    return Found(finding, tuple(driver.performed[: driver.deviated_at]))
