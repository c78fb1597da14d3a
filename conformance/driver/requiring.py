"""What a check requires: said with the requirement and in words, at once or within a deadline."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from conformance.driver.driver import Driver
from conformance.errors import Unjudged
from conformance.oracle.oracle import Finding
from conformance.sut.reply import Reply as Answer
from conformance.text import clipped
from conformance.timing import TIMING
from spec.relaxations import Name

if TYPE_CHECKING:
    from conformance.sut.client import Client

SHOWN = 160  # characters of a body that a line shows

Condition = Callable[[], bool]


class Call:
    """A request under way on a connection and a thread of its own. ``reply`` is None until then."""

    def __init__(self, client: Client, method: str, path: str, body: Any) -> None:
        """Raises `Unjudged` for a request that must not be sent."""
        self.reply: Answer | None = None
        self.error: Unjudged | None = None
        self._client = client
        self._asked = (method, path)
        self._send = client.begin(method, path, body)  # here, where it is heard that it may not
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.reply = self._send()
        except Unjudged as error:
            self.error = error
        finally:
            self._client.close()

    def ended(self, seconds: float = 0.0) -> bool:
        """Whether it was answered, or broke, within ``seconds``."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def answer(self) -> Answer:
        """The answer of a call that has ended. Raises `Unjudged` where there is none."""
        if self.reply is None:
            raise self.error or Unjudged("{} {} is not answered yet".format(*self._asked))
        return self.reply


class Requiring:
    """Requires things of a server that a driver drives. ``lines``: what was done, in words."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.deadline = driver.deadline
        self.grace = TIMING.grace
        self.lines: list[str] = []

    def require(
        self,
        requirement: str,
        holds: bool,
        expected: str,
        actual: object,
        known: Name | None = None,
    ) -> None:
        """A deviation unless ``holds``. ``known``: the name of exactly what was seen instead."""
        if not holds:
            self.deviates(requirement, expected, str(actual), known)

    def equal(self, requirement: str, what: str, expected: object, actual: object) -> None:
        """``what`` has to be ``expected``."""
        same = expected == actual and isinstance(actual, bool) == isinstance(expected, bool)
        self.require(requirement, same, f"{what} {short(expected)}", f"{what} {short(actual)}")

    def until(
        self,
        condition: Condition,
        requirement: str,
        expected: str,
        actual: Callable[[], object],
    ) -> None:
        """Wait until ``condition``, which may ask the server. A deviation past the deadline, unless
        jobs of somebody else's keep the server busy.

        What has not come soon is looked for less often: the server has the processor meanwhile.
        """
        end, tick = time.monotonic() + self.deadline, TIMING.tick
        while not condition():
            if time.monotonic() > end:
                shown = f"{actual()}, after {self.deadline:g} s"
                self.driver.late(Finding(requirement, (expected,), shown, None, missing=True))
            self.driver.arrivals(tick)
            tick = min(tick * 1.5, TIMING.longest_tick)

    def stays(
        self,
        condition: Condition,
        requirement: str,
        expected: str,
        seconds: float = TIMING.grace,
        actual: Callable[[], object] = lambda: "it does not",
    ) -> None:
        """Watch for ``seconds`` that ``condition`` holds."""
        holds = self.holds(condition, seconds)
        self.require(requirement, holds, expected, "" if holds else actual())

    def holds(self, condition: Condition, seconds: float = TIMING.grace) -> bool:
        """Whether ``condition`` holds for so long."""
        end = time.monotonic() + seconds
        while condition():
            if time.monotonic() > end:
                return True
            self.driver.arrivals(TIMING.tick)
        return False

    def unanswered(self, call: Call, requirement: str, expected: str) -> None:
        """Watch for a moment that a call is not answered yet."""
        self.lines.append("watch that the call is not answered")
        self.stays(lambda: not call.ended(), requirement, expected, actual=call.answer)

    def pass_time(self, seconds: float) -> None:
        """Let time pass, which is what a case is about; take what arrives meanwhile."""
        self.lines.append(f"let {seconds:.3f} s pass")
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.driver.arrivals(left)

    def answered(self, call: Call, requirement: str, expected: str) -> Answer:
        """The answer of a call that has to come now."""
        self.until(call.ended, requirement, expected, lambda: "no answer")
        reply = call.answer()
        self.lines.append(
            f"the call is answered: {self.driver.resources.gate.hidden(str(reply))[:SHOWN]}"
        )
        return reply

    def deviates(
        self, requirement: str, expected: str, actual: str, known: Name | None = None
    ) -> None:
        """Something else was seen. Raises `Deviated`, unless it is ``known`` by a name."""
        names = None if known is None else frozenset({known})
        self.driver.found(Finding(requirement, (expected,), actual, names))


def short(value: object) -> str:
    """A value of JSON, or a body, as a short text."""
    if isinstance(value, bytes):
        return f"({len(value)} bytes)"
    try:
        text = json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        text = str(value)
    return clipped(text, SHOWN)
