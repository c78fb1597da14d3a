"""The reports: one writer a format, each fed by the events of `conformance.events`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from conformance.errors import BadArgument
from conformance.events import Event
from conformance.text import fit


class Writer(Protocol):
    """Takes every event of a run, and writes what it makes of them when the run has ended."""

    def take(self, event: Event) -> None: ...


class Reports:
    """Hands each event to every writer. One that cannot write any more is left out from then on.

    The others go on, and so does the run. ``failed`` says what went wrong first, or is None. All
    text of an event may come from a server, so it is made fit to be shown here, for every writer,
    without any of the ``secrets``.
    """

    def __init__(self, writers: Iterable[Writer], secrets: Iterable[str] = ()) -> None:
        self.failed: str | None = None
        self._writers = list(writers)
        self._secrets = tuple(secrets)

    def __call__(self, event: Event) -> None:
        event = fit(event, self._secrets)
        for writer in list(self._writers):
            try:
                writer.take(event)
            except BrokenPipeError:  # who read the console has seen enough
                self._writers.remove(writer)
            except OSError as error:
                self._writers.remove(writer)
                self.failed = self.failed or f"cannot write a report: {error.strerror}"


def writable(paths: Sequence[Path]) -> None:
    """See that a report can be written to each of ``paths``, before the run begins.

    Raises `BadArgument` where that is not so, or where two reports would be in one file.
    """
    for path in paths:
        if path.is_dir() or not path.parent.is_dir():
            why = "it is a folder" if path.is_dir() else f"there is no folder {path.parent}"
            raise BadArgument(f"cannot write the report {path}: {why}")
    files = [path.resolve() for path in paths if path.is_file() or not path.exists()]
    for file in files:
        if files.count(file) > 1:
            raise BadArgument(f"two reports would be written to {file}")
    for path in paths:
        try:
            with path.open("a", encoding="utf-8"):
                pass
        except OSError as error:
            raise BadArgument(f"cannot write the report {path}: {error.strerror}") from None
