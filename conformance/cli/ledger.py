"""`orthanc-jobs ledger`: a ledger of one's own, to be filled in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    report: Annotated[
        Path, typer.Option("--from", metavar="REPORT", help="The JSON report of a run.")
    ],
    file: Annotated[
        Path | None, typer.Option("--to", metavar="F", help="Write it there; else it is printed.")
    ] = None,
) -> int:
    """Make a ledger of what deviated in a run. Each entry waits for its reason: docs/ledgers.md."""
    from conformance.campaign.drafting import draft
    from conformance.errors import BadArgument
    from conformance.files import write_text

    text = draft(report)
    if file is None:
        print(text, end="")
        return 0
    if file.exists():
        raise BadArgument(f"{file} is there already: a ledger is not written over")
    write_text(file, text, "the ledger")
    print(f"{file}: fill in each reason, then run with --ledger {file}")
    return 0
