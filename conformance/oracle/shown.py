"""What the JSON of a server shows of a job, checked where it enters.

Nothing that a server answers is relied on: each value is looked at for the shape that its
requirement says, and what is off is `Malformed`, with the requirement that it breaks. Whoever
drives a server and whoever only watches it read jobs by these functions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from conformance.text import clipped
from spec.engine import View
from spec.table import ErrorCode, State

SHOWN = 200  # characters of a value that a text shows
REQUIREMENTS = {
    "ErrorCode": "monitor/error-code",
    "Progress": "monitor/progress",
    "Priority": "monitor/priority",
}


class Malformed(ValueError):
    """What no server may answer. ``requirement``: what it breaks."""

    def __init__(self, requirement: str, expected: str, actual: str) -> None:
        self.requirement = requirement
        self.expected = expected
        self.actual = actual
        super().__init__(f"{requirement}: {actual}")


def clip(value: object, most: int = SHOWN) -> str:
    """``value`` as a text of ``most`` characters at most."""
    return clipped(str(value), most)


def id_in(found: Any) -> str | None:
    """The ID of a JSON object, or None where it has none that is a text."""
    id = found.get("ID") if isinstance(found, dict) else None
    return id if isinstance(id, str) else None


def state_in(found: Mapping[str, Any]) -> State:
    """The State of a job. Raises `Malformed`."""
    value = found.get("State")
    if not isinstance(value, str) or value not in set(State):
        expected = f"one of {', '.join(State)}"
        raise Malformed("monitor/state", expected, f"State {clip(repr(value))}")
    return State(value)


def whole_in(found: Mapping[str, Any], key: str) -> int:
    """The integer that a job has under ``key``, one of `REQUIREMENTS`. Raises `Malformed`."""
    value = found.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Malformed(REQUIREMENTS[key], "an integer", f"{key} {clip(repr(value))}")
    return value


def view_in(found: Mapping[str, Any]) -> View:
    """What the model knows of a job. Raises `Malformed`."""
    state = state_in(found)
    code, progress, priority = (whole_in(found, key) for key in REQUIREMENTS)
    try:
        error = ErrorCode(code)
    except ValueError:
        known = ", ".join(str(int(one)) for one in ErrorCode)
        raise Malformed(
            "monitor/error-code", f"one of {known}", f"ErrorCode {clip(code)}"
        ) from None
    return View(state, error, progress, priority)


def job_in(found: Any) -> dict[str, Any] | None:
    """A job of any type: a JSON object, or None where it is none. Raises `Malformed`.

    Its State and its integers are right; its ErrorCode may be any.
    """
    if not isinstance(found, dict):
        return None
    state_in(found)
    for key in REQUIREMENTS:
        whole_in(found, key)
    return found


def number_in(value: object) -> float | None:
    """The number that ``value`` is, or None where it is none that can be reckoned with."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        found = float(value)
    except OverflowError:  # an integer of hundreds of digits
        return None
    return found if math.isfinite(found) else None
