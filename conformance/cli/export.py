"""`orthanc-jobs export`: a replay as what needs nothing of this kit."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Form(StrEnum):
    SCRIPT = "script"


def command(
    file: Annotated[Path, typer.Argument(metavar="REPLAY", help="A replay file of a run.")],
    form: Annotated[
        Form, typer.Option("--as", help="script: Python that needs nothing else.")
    ] = Form.SCRIPT,
    to: Annotated[
        Path | None, typer.Option(metavar="F", help="Write it there; else it is printed.")
    ] = None,
) -> int:
    """Make a script of a replay, to be attached to a bug report.

    It starts an Orthanc, does what was recorded, and ends with 1 where that deviates again.
    """
    from conformance.campaign.replay import load
    from conformance.files import write_text
    from conformance.reports.script import script, tried_by

    recording = load(file)
    text = script(recording, (to or file.with_suffix(".py")).name)
    if to is None:
        print(text, end="")
    else:
        write_text(to, text, "the script")
        print(f"{to}: try it with {tried_by(recording, str(to))}")
    return 0
