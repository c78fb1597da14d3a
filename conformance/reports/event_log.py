"""The event log: every event of a run as a line of JSON, written as it happens."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from conformance.events import Event


class EventLog:
    """Appends to ``path``, a line an event: ``{"event": "CaseEnds", ...}``."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8", buffering=1)

    def take(self, event: Event) -> None:
        self._file.write(json.dumps({"event": type(event).__name__, **asdict(event)}) + "\n")
