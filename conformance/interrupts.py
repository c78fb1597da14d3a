"""Ctrl-C and SIGTERM: they end a run wherever it is, but never in the middle of a report."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from conformance.errors import Interrupted
from conformance.noted import SIGNALS, Noted
from conformance.timing import TIMING


@dataclass
class Interrupt:
    """Whether Ctrl-C or SIGTERM came: whoever catches an exception may have dropped it."""

    came: bool = False

    def check(self) -> None:
        """Raise `Interrupted` (again) if it came."""
        if self.came:
            raise Interrupted


@contextmanager
def interruptible() -> Iterator[Interrupt]:
    """Within it, Ctrl-C and SIGTERM raise `Interrupted` in the main thread.

    So does one that was noted before, as while the command began. One that was dropped on its way
    is raised at the end.
    """
    noted = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield noted
        return

    def interrupt(_: int, __: FrameType | None) -> None:
        noted.came = True
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        raise Interrupted

    def swallowed(dropped: sys.UnraisableHookArgs) -> None:
        """In a finalizer Python drops what is raised: so it is raised again, soon after it."""
        if isinstance(dropped.exc_value, Interrupted):
            signal.signal(signal.SIGALRM, interrupt)
            signal.setitimer(signal.ITIMER_REAL, TIMING.interrupt_again)
        else:
            hook(dropped)

    before = {n: signal.getsignal(n) for n in (*SIGNALS, signal.SIGALRM)}
    hook, sys.unraisablehook = sys.unraisablehook, swallowed
    try:
        for number in SIGNALS:
            signal.signal(number, interrupt)
        for handler in before.values():
            if isinstance(handler, Noted) and handler.came:
                came = handler.came.pop()
                handler.came.clear()
                interrupt(came, None)
        yield noted
        noted.check()  # it was dropped, and there was no time to raise it again
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Within it, Ctrl-C and SIGTERM wait.

    To block them in this thread is not enough: another thread may get the signal, and Python then
    runs the handler in this one.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting = Noted()
    before = {number: signal.getsignal(number) for number in (*SIGNALS, signal.SIGALRM)}
    try:
        for number in before:
            signal.signal(number, waiting)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if waiting.came:
            signal.raise_signal(waiting.came[0])
