"""`orthanc-jobs check-trace`: a recorded history, judged."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    file: Annotated[Path, typer.Argument(metavar="F", help="A trace: NDJSON, as watch writes it.")],
) -> int:
    """Judge a recorded history of a server's jobs; exit 1 when it is impossible."""
    from conformance.passive import watching

    return watching.check_trace(file)
