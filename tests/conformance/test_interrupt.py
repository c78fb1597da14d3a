"""Ctrl-C and SIGTERM end a run wherever they come, a finalizer included."""

from __future__ import annotations

import os
import signal
import sys
import time
import weakref

import pytest

from conformance.campaign import interruptible, uninterrupted
from conformance.errors import Interrupted

SIGNALS = (signal.SIGINT, signal.SIGTERM)
PATIENCE = 5.0  # seconds


class Thing:
    pass


def settings() -> list[object]:
    return [*map(signal.getsignal, (*SIGNALS, signal.SIGALRM)), sys.unraisablehook]


def press(number: int) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_in_a_finalizer_is_not_lost(number: signal.Signals) -> None:
    """Python drops what is raised there; the run would go on, and no second Ctrl-C be heard."""
    before = settings()
    thing = Thing()
    weakref.finalize(thing, press, number)
    with pytest.raises(Interrupted), interruptible():  # noqa: PT012
        del thing
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            pass
    assert settings() == before


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_waits_while_it_must_not_interrupt(number: signal.Signals) -> None:
    done = False
    with pytest.raises(Interrupted), interruptible():  # noqa: PT012
        with uninterrupted():
            press(number)
            done = True
        raise AssertionError("it was not raised when it could be")
    assert done


def test_other_things_that_python_drops_are_told_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda dropped: told.append(dropped.exc_type))
    thing = Thing()
    weakref.finalize(thing, lambda: 1 / 0)
    with interruptible():
        del thing
    assert told == [ZeroDivisionError]
