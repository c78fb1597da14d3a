"""How a command ends where something could not be done: with a message, and its status."""

from __future__ import annotations

import sys
from contextlib import suppress

from conformance.errors import masked
from conformance.text import shown_lines

UNJUDGED = 2  # the status of what could not be judged


def fail(message: str) -> int:
    """Say why nothing could be judged; the status."""
    with suppress(OSError):  # there is nowhere left to say it
        print(f"orthanc-jobs: {shown_lines(masked(message))}", file=sys.stderr, flush=True)
    return UNJUDGED


def conclude(status: int, failed: str | None) -> int:
    """``status``, or 2 where all is well but, as ``failed`` says, a file could not be written."""
    told = 0 if failed is None else fail(failed)
    return status or told
