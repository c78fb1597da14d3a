"""`orthanc-jobs upgrade`: what changes from one release of Orthanc to another."""

from __future__ import annotations

import sys
from shutil import get_terminal_size
from typing import Annotated

import typer

PIPED = 100  # columns, where the output is no terminal
WIDEST = 140


def command(
    old: Annotated[str, typer.Argument(metavar="OLD", help="The version that runs, as 1.10.1.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The version to come, as 1.13.0.")],
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for another program.")] = False,
) -> int:
    """Tell what was measured to change in the jobs from one release of Orthanc to another."""
    from conformance.evidence import upgrading

    found = upgrading.upgrade(old, new)
    if as_json:
        print(upgrading.to_json(found))
        return 0
    width = min(WIDEST, get_terminal_size().columns) if sys.stdout.isatty() else PIPED
    for line in upgrading.lines(found, width):
        print(line)
    return 0
