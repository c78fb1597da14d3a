"""Ctrl-C and SIGTERM end a run wherever they come, a finalizer included."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
import weakref

import pytest

from conformance.campaign.campaign import Campaign
from conformance.campaign.plan import Plan
from conformance.driver.driver import Driver
from conformance.driver.script import Step
from conformance.errors import Interrupted
from conformance.events import Cleanup, Ended, Event
from conformance.interrupts import interruptible, uninterrupted
from conformance.noted import Noted
from conformance.session.session import Session
from conformance.sut.target import Choice

pytestmark = pytest.mark.apart

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


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_that_was_noted_is_raised_where_it_is_heard_again(number: signal.Signals) -> None:
    """As while the command began: then there was nothing yet that could have ended well."""
    noted, heard = Noted(), []
    before = {one: signal.signal(one, noted) for one in SIGNALS}
    try:
        press(number)
        with pytest.raises(Interrupted), interruptible():
            heard.append("what was not to be run")
        with interruptible():
            heard.append("the next")
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
    assert heard == ["the next"]


def test_a_signal_that_came_between_the_run_and_its_cleaning_up_keeps_nothing_from_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clean, cleaned = Session.clean, []

    def pressed(session: Session, cut_short: bool = False) -> Cleanup:
        if not cleaned:
            cleaned.append(False)
            raise Interrupted
        cleaned.append(True)
        return clean(session, cut_short)

    monkeypatch.setattr(Session, "clean", pressed)
    told: list[Event] = []
    plan = Plan(prefixes=("action/pause/running",), replays=None)
    assert Campaign(Choice(), plan, told.append).run() == 2
    assert cleaned == [False, True]


def test_other_things_that_python_drops_are_told_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda dropped: told.append(dropped.exc_type))
    thing = Thing()
    weakref.finalize(thing, lambda: 1 / 0)
    with interruptible():
        del thing
    assert told == [ZeroDivisionError]


@pytest.mark.parametrize("number", SIGNALS)
def test_an_interrupt_that_somebody_caught_is_remembered(number: signal.Signals) -> None:
    """Hypothesis makes of what ends a finished example the end of that example only."""
    with pytest.raises(Interrupted), interruptible() as interrupt:  # noqa: PT012 - at its end
        interrupt.check()
        with contextlib.suppress(BaseException):
            press(number)
            time.sleep(PATIENCE)
        assert interrupt.came
        with pytest.raises(Interrupted):
            interrupt.check()


@pytest.mark.parametrize("number", SIGNALS)
def test_a_search_that_lost_an_interrupt_ends_with_the_next_example(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    perform, performed = Driver.perform, []

    def lossy(driver: Driver, step: Step) -> None:
        performed.append(step)
        if len(performed) == 20:
            with contextlib.suppress(BaseException):
                press(number)
                time.sleep(PATIENCE)
        perform(driver, step)

    monkeypatch.setattr(Driver, "perform", lossy)
    told: list[Event] = []
    plan = Plan(suites=("search",), examples=5000, replays=None)
    assert Campaign(Choice(), plan, told.append).run() == 2
    ended = told[-1]
    assert isinstance(ended, Ended)
    assert ended.interrupted
    assert len(performed) < 200
