"""`orthanc-jobs diagram`: the pictures, drawn from the table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from conformance.errors import BadArgument, KitError


def command(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit 1 when a picture is stale.")
    ] = False,
    directory: Annotated[
        Path, typer.Option(metavar="DIR", help="The folder of the pictures.")
    ] = Path("diagrams"),
    coverage: Annotated[
        Path | None, typer.Option(metavar="REPORT", help="Colour by a JSON report of a run.")
    ] = None,
) -> int:
    """Draw the state diagram and the action matrix again from the table."""
    from conformance.reports.coloring import coverage_of
    from spec import diagram as pictures

    try:
        if check:
            old = pictures.stale(directory)
            for name in old:
                print(f"stale: {directory / name}", file=sys.stderr)
            return 1 if old else 0
        covered = None if coverage is None else coverage_of(coverage)
        for path in pictures.write(directory, covered):
            print(path)
    except pictures.DotMissing as error:
        raise KitError(str(error)) from None
    except OSError as error:
        raise BadArgument(f"cannot write to {directory}: {error.strerror}") from None
    return 0
