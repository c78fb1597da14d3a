"""`orthanc-jobs list`: the catalogue."""

from __future__ import annotations

from typing import Annotated

import typer


def command(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for another program.")] = False,
) -> int:
    """List every requirement with its ground, its source and the cases that check it."""
    from conformance.evidence.listing import lines, to_json

    if as_json:
        print(to_json())
        return 0
    for line in lines():
        print(line)
    return 0
