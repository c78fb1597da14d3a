"""Waiting for what another process or thread does."""

from __future__ import annotations

import time
from collections.abc import Callable

TICK = 0.002  # seconds between two looks: so that who waits does not take the time of who works


def until(holds: Callable[[], object], seconds: float, otherwise: str = "it did not come") -> None:
    """Return as soon as it holds. Raises `AssertionError` where it does not, in ``seconds``."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, otherwise
        time.sleep(TICK)
