"""Time as Orthanc writes it: UTC, to the microsecond."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

_FARTHEST = 100 * 365 * 24 * 3600.0  # seconds: a hundred years


class Clock:
    """The time of one server: that of the machine, until it is moved ahead for a test."""

    def __init__(self) -> None:
        self._ahead = timedelta()
        self._seconds_ahead = 0.0

    def now(self) -> datetime:
        """The present moment, in UTC."""
        return now() + self._ahead

    def monotonic(self) -> float:
        """Seconds since some moment, as of `time.monotonic`."""
        return time.monotonic() + self._seconds_ahead

    def advance(self, seconds: float) -> None:
        """Move it ahead. Raises `ValueError`: no time goes back, nor beyond a hundred years."""
        if not 0 <= seconds <= _FARTHEST - self._seconds_ahead:
            raise ValueError("a clock is moved ahead, and by less than a hundred years in all")
        self._ahead += timedelta(seconds=seconds)
        self._seconds_ahead += seconds


def now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    """`moment` in the notation of the page, such as ``20190306T095223.753851``."""
    # `strftime` takes three times as long, and every job that is read has three stamps
    written = moment.isoformat(timespec="microseconds")[:26]  # without the offset from UTC
    return written.replace("-", "").replace(":", "")


def parse(text: str) -> datetime:
    """The moment that `stamp` has written as `text`. Raises `ValueError`."""
    return datetime.strptime(text, "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC)
