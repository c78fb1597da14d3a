"""Time as Orthanc writes it: UTC, to the microsecond."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    """`moment` in the notation of the page, such as ``20190306T095223.753851``."""
    return moment.strftime("%Y%m%dT%H%M%S.%f")


def parse(text: str) -> datetime:
    """The moment that `stamp` has written as `text`. Raises `ValueError`."""
    return datetime.strptime(text, "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC)
