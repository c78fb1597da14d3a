"""`orthanc-jobs matrix`: what every measured version does, as a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    path: Annotated[Path, typer.Argument(metavar="F.html", help="The file to write.")],
) -> int:
    """Write a page of what each measured version of Orthanc does, to be searched and compared."""
    from conformance.evidence import dashboard
    from conformance.evidence.kept import measured
    from conformance.files import write_text

    write_text(path, dashboard.page(measured()), "the page")
    print(f"wrote {path}: open it in a browser")
    return 0
