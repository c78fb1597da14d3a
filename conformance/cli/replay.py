"""`orthanc-jobs replay`: one recorded sequence, again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from conformance.cli.ending import conclude
from conformance.cli.options import LedgerOptions, ReportOptions, ServerOptions, spread


@spread
def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A replay file of a run.")],
    server: ServerOptions,
    accepted: LedgerOptions,
    files: ReportOptions,
) -> int:
    """Run one recorded sequence again. Exit status 1: its deviation was seen again."""
    from conformance.campaign.campaign import Campaign
    from conformance.campaign.plan import Plan
    from conformance.campaign.replay import load

    recording = load(file)
    plan = Plan(
        ledger=accepted.file(), no_ledger=accepted.no_ledger, replays=None, recording=recording
    )
    choice = server.choice()
    reports = files.reports(choice)
    campaign = Campaign(choice, plan, reports)
    status = campaign.run()
    if any(recording.same(result) for result in campaign.results.values()):
        behind = f", behind the {campaign.behind} before it" if campaign.behind else ""
        print(f"reproduced: the recorded deviation was seen again{behind}")
        return conclude(1, reports.failed)
    if status == 1:
        print("not seen again: the server deviates in another way")
    elif status == 0:
        print("not seen again: the server did what the specification says")
    return conclude(2 if status == 2 else 0, reports.failed)
