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
    """Run one recorded sequence again. Exit status 1: its deviation was seen again.

    What falls at moments that nobody controls is tried up to 20 times, until it is seen. No ledger
    is used, if none is named: what a ledger accepts can be seen as well.
    """
    from conformance.campaign.campaign import Campaign
    from conformance.campaign.plan import Plan
    from conformance.campaign.replay import load
    from conformance.reports.replayed import ReplayReport
    from conformance.reports.terminal import Terminal

    recording = load(file)
    ledger = accepted.file()
    plan = Plan(ledger=ledger, no_ledger=ledger is None, replays=None, recording=recording)
    choice = server.choice()
    reports = files.reports(choice, ReplayReport(Terminal(), recording))
    campaign = Campaign(choice, plan, reports)
    status = campaign.run()
    if any(recording.same(result) for result in campaign.results.values()):
        return conclude(1, reports.failed)
    return conclude(2 if status == 2 else 0, reports.failed)
