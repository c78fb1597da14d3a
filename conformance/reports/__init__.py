"""The reports: one writer a format, each fed by the events of `conformance.events`."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from conformance.errors import BadArgument
from conformance.events import Event


class Writer(Protocol):
    """Takes every event of a run, and writes what it makes of them when the run has ended."""

    def take(self, event: Event) -> None: ...


def writable(path: Path) -> Path:
    """``path``, if a report can be written there. Raises `BadArgument` before the run begins."""
    try:
        with path.open("a", encoding="utf-8"):
            pass
    except OSError as error:
        raise BadArgument(f"cannot write the report {path}: {error.strerror}") from None
    return path
