"""`orthanc-jobs merge`: the shards of a run as one report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from conformance.cli.ending import conclude
from conformance.cli.options import ReportOptions, spread
from conformance.cli.typed import typed


@spread
def command(
    reports: Annotated[
        list[Path],
        typer.Argument(metavar="A.json B.json...", help="The JSON reports of the parts."),
    ],
    files: ReportOptions,
) -> int:
    """Tell of several runs as of one: of all shards of a run, or of runs of some of the cases.

    They have to be of one server, ledger and seed, and by one version of the kit. Status, verdict
    and coverage are those of one run of all that they have run.
    """
    from conformance.campaign.campaign import STATUS
    from conformance.campaign.merging import merge
    from conformance.sut.target import Choice

    told = files.reports(Choice())
    verdict = merge(reports, told, typed())
    return conclude(STATUS[verdict], told.failed)
