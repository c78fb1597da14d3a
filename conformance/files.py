"""Files that a person names: what is read is bounded, and what goes wrong is one clear message."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from conformance.errors import BadArgument, CannotWrite

LARGEST = 16 * 1024 * 1024  # bytes


def read_json(path: Path, what: str) -> Any:
    """What the file holds. ``what`` it is, for the message of `BadArgument`."""
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST + 1)
    except OSError as error:
        raise BadArgument(f"cannot read {what} {path}: {error.strerror}") from None
    if len(text) > LARGEST:
        raise BadArgument(f"{what} {path} is larger than {LARGEST} bytes")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadArgument(f"{what} {path} is not JSON: {error}") from None


def write_text(path: Path, text: str, what: str) -> None:
    """Write a whole file. ``what`` it is, for the message of `CannotWrite`."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CannotWrite(f"cannot write {what} {path}: {error.strerror}") from None
