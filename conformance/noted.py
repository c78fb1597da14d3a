"""Ctrl-C and SIGTERM that came when nobody could end anything yet. They are not lost.

This is the first module that the command imports, so that a signal finds it in the first
milliseconds; hence it imports next to nothing itself. `conformance.interrupts` does the rest.
"""

from __future__ import annotations

import signal

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Noted:
    """A handler that takes note of a signal, and lets what runs go on.

    Who takes over from it looks whether one ``came``, since it is the process's handler until then.
    """

    def __init__(self) -> None:
        self.came: list[int] = []

    def __call__(self, number: int, _: object) -> None:
        self.came.append(number)
