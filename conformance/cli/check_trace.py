"""`orthanc-jobs check-trace`: a recorded history, judged."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="F",
            help="A trace as watch writes it (docs/traces.md); or one job, or a list of jobs.",
        ),
    ],
    no_ledger: Annotated[
        bool, typer.Option("--no-ledger", help="Accept nothing of what released servers do.")
    ] = False,
) -> int:
    """Judge a recorded history of a server's jobs; exit 1 when it is impossible.

    A field that is not there is said to be missing. What the shipped ledger accepts of the version
    that the trace names, or of any where it names none, is told as a finding, by its name.
    """
    from conformance.passive import watching

    return watching.check_trace(file, no_ledger)
