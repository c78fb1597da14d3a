"""Waiting for what another process or thread does."""

from __future__ import annotations

import time
from collections.abc import Callable

# Seconds between two looks, which grow with the wait: so that who waits does not take the time of
# who works, as a look through all processes would every time.
SHORTEST, LONGEST = 0.002, 0.1


def until(holds: Callable[[], object], seconds: float, otherwise: str = "it did not come") -> None:
    """Return as soon as it holds. Raises `AssertionError` where it does not, in ``seconds``."""
    begun = time.monotonic()
    while not holds():
        waited = time.monotonic() - begun
        assert waited < seconds, otherwise
        time.sleep(min(max(SHORTEST, waited / 10), LONGEST))
