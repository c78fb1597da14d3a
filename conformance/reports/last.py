"""The last runs of this folder, as far as the next one asks for it: what failed, and how long.

A case that failed stays there until it is run again and comes to another verdict.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from conformance.errors import BadArgument
from conformance.events import CaseEnds, Ended, Event, Result, Verdict
from conformance.files import read_json

FILE = Path("replays") / "last-run"
FAILED = (Verdict.DEVIATION, Verdict.UNKNOWN)


class LastRun:
    """Writes it when the run has ended, beside the replays, where there are any."""

    def __init__(self, path: Path = FILE) -> None:
        self._path = path
        self._results: dict[str, Result] = {}

    def take(self, event: Event) -> None:
        if isinstance(event, CaseEnds):
            self._results[event.result.id] = event.result
        if isinstance(event, Ended) and self._results and self._path.parent.is_dir():
            found = self._results.values()
            known = {**seconds(self._path), **{one.id: round(one.seconds, 3) for one in found}}
            judged = {one.id for one in found if one.verdict is not Verdict.SKIPPED}
            # What was found in a case beside its own verdict comes again with that case.
            now = [one.part_of or one.id for one in found if one.verdict in FAILED]
            before = [id for id in failed(self._path) if id not in judged]  # still to be mended
            text = json.dumps(
                {"failed": list(dict.fromkeys([*before, *now])), "seconds": known}, indent=1
            )
            with suppress(OSError):
                self._path.write_text(text + "\n", encoding="utf-8")


def failed(path: Path = FILE) -> list[str]:
    """The cases that deviated or came to no verdict when they were run last."""
    found = _read(path).get("failed", [])
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def seconds(path: Path = FILE) -> dict[str, float]:
    """How long cases took when they ran last here, by their ids."""
    found = _read(path).get("seconds", {})
    items = found.items() if isinstance(found, dict) else ()
    return {id: float(one) for id, one in items if isinstance(one, int | float)}


def _read(path: Path) -> dict[str, Any]:
    try:
        found = read_json(path, "the last run")
    except BadArgument:
        return {}
    return found if isinstance(found, dict) else {}
