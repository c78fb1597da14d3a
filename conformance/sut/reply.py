"""An answer of a server under test, as a value: who reads one needs no client."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.text import hidden, one_line

EXPAND = "/jobs?expand"  # the list of all jobs, with their details
LARGEST = 16 * 1024 * 1024  # bytes of an answer, head and body
SHOWN = 200  # characters of an answer that a message shows


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer. ``body`` is complete. ``str()`` is one line, without any of ``secrets``.

    ``headers``: those of `HEADERS` that it has, each as one line without secrets.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def ok(self) -> bool:
        return self.status == 200

    def json(self) -> Any:
        """The body as JSON, or None where it is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def jobs(self) -> list[dict[str, Any]]:
        """The jobs of an expanded list; what has no ID or no State as a text is left out."""
        found = self.json()
        return [
            one
            for one in (found if isinstance(found, list) else [])
            if isinstance(one, dict)
            and isinstance(one.get("ID"), str)
            and isinstance(one.get("State"), str)
        ]

    def __str__(self) -> str:
        told = hidden(self.body[: 2 * SHOWN].decode("utf-8", "replace"), self.secrets)
        told = one_line(told)[:SHOWN]
        return f"HTTP {self.status}" + (f" {told}" if told else "")
