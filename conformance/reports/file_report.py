"""What the reports have in common that are written as one file, when the run has ended."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

from conformance.events import Ended, Event
from conformance.reports.story import Story


class FileReport(ABC):
    """Writes its text to ``path`` when the run has ended, however it ended."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._story = Story()

    def take(self, event: Event) -> None:
        if (ended := self._story.take(event)) is not None:
            self._path.write_text(self._text(ended), encoding="utf-8")

    @abstractmethod
    def _text(self, ended: Ended) -> str:
        """The whole file."""
