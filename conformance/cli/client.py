"""`orthanc-jobs client`: a client of /jobs, in scenarios."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from conformance.cli.ending import conclude
from conformance.cli.options import ReportOptions, spread
from conformance.errors import BadArgument

if TYPE_CHECKING:
    from conformance.clients.running import Wish


@dataclass(frozen=True, slots=True)
class ScenarioOptions:
    """Which scenarios, and how patient they are."""

    scenario: Annotated[
        list[str] | None,
        typer.Option(metavar="PREFIX", help="Only scenarios whose id begins so. Repeatable."),
    ] = None
    submits: Annotated[
        bool,
        typer.Option(
            "--submits",
            help="The client submits its job: with ORTHANC_PEER and INSTANCES in its environment,"
            " or {peer} and {instances}.",
        ),
    ] = False
    length: Annotated[
        int, typer.Option(metavar="N", min=1, max=8, help="Edges of the longest path to an end.")
    ] = 4
    at_once: Annotated[
        int, typer.Option(metavar="N", min=1, max=64, help="Scenarios side by side.")
    ] = 4
    most_calls: Annotated[
        float,
        typer.Option(metavar="N", min=0.1, help="Calls a second for a waiting job, at most."),
    ] = 50.0
    patience: Annotated[
        float,
        typer.Option(metavar="S", min=1.0, help="Seconds without a call: it has stopped looking."),
    ] = 30.0

    def wish(self, words: Sequence[str], ledger: Path | None) -> Wish:
        """The run of this client. Raises `BadArgument`."""
        from conformance.campaign.ledger import Ledger, load
        from conformance.clients.client import Command
        from conformance.clients.playing import Patience
        from conformance.clients.running import Wish
        from conformance.clients.scenarios import scenarios

        known = [one.id for one in scenarios(self.length)]
        wish = Wish(
            client=Command(words),
            words=words,
            submits=self.submits,
            prefixes=tuple(self.scenario or ()),
            length=self.length,
            at_once=self.at_once,
            most_looks=self.most_calls,
            patience=Patience(looks=self.patience),
            ledger=Ledger() if ledger is None else load(ledger, known),
        )
        wish.chosen()
        return wish


@spread
def command(
    files: ReportOptions,
    chosen: ScenarioOptions,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="-- COMMAND …",
            help="The client, once for each scenario: with ORTHANC_URL, JOB_ID and TIME_LIMIT"
            " (seconds) in its environment, or {url}, {job} and {limit} in its words.",
        ),
    ] = None,
    ledger: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Accepted deviations (docs/clients.md).")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the scenarios.")] = False,
) -> int:
    """Hold a client of /jobs to what the documentation asks of callers.

    It has to end with status 0 when, and only when, its job has ended in Success; with another one
    when the job has failed or is gone; and by its time limit, where it was given one.
    """
    if listed:
        from conformance.clients.scenarios import scenarios

        for one in scenarios(chosen.length):
            print(f"{one.id}  [{one.requirement}]  {one.about}")
        return 0
    if not words:
        raise BadArgument("which client? its command stands behind --, as in: client -- ./wait.sh")
    from conformance.clients.running import run

    wish = chosen.wish(words, ledger)
    reports = files.reports(None)
    return conclude(run(wish, reports), reports.failed)
