"""`orthanc-jobs run`: the cases, against a server."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from conformance.cli.ending import UNJUDGED, conclude
from conformance.cli.options import LedgerOptions, ReportOptions, ServerOptions, spread
from conformance.errors import Interrupted
from conformance.interrupts import interruptible
from conformance.timing import TIMING

if TYPE_CHECKING:
    from conformance.reports import Reports
    from conformance.sut.target import Choice


@spread
def command(
    server: ServerOptions,
    accepted: LedgerOptions,
    files: ReportOptions,
    suite: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this suite. Repeatable.")
    ] = None,
    case: Annotated[
        list[str] | None,
        typer.Option(metavar="PREFIX", help="Only cases whose id begins so. Repeatable."),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="PREFIX", help="No case whose id begins so. Repeatable."),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Seed of the search.")] = 0,
    examples: Annotated[
        int, typer.Option(metavar="N", min=1, help="Sequences that the search makes.")
    ] = 100,
    time_limit: Annotated[
        float | None,
        typer.Option(
            metavar="S",
            min=1.0,
            help="Seconds for all cases: 1800 on the reference server, 3600 on any other.",
        ),
    ] = None,
    extra_states: Annotated[
        int,
        typer.Option(
            metavar="K", min=0, max=4, help="States beyond the model's that complete/ allows for."
        ),
    ] = 0,
) -> int:
    """Run the conformance cases against a server."""
    choice, ledger = server.choice(), accepted.file()
    try:
        with interruptible():  # all that a run needs takes the longest to import
            from conformance.campaign.campaign import Campaign
            from conformance.campaign.plan import Plan

            _check_selection(suite or (), case or (), exclude or (), ledger)
            plan = Plan(
                suites=tuple(suite or ()),
                prefixes=tuple(case or ()),
                excluded=tuple(exclude or ()),
                ledger=ledger,
                no_ledger=accepted.no_ledger,
                seed=seed,
                examples=examples,
                extra=extra_states,
                time_limit=_limit(choice.kind) if time_limit is None else time_limit,
            )
    except Interrupted:
        reports = files.reports(choice)
        _tell_interrupted(choice, seed, reports)
        return conclude(UNJUDGED, reports.failed)
    reports = files.reports(choice)
    return conclude(Campaign(choice, plan, reports).run(), reports.failed)


def _limit(kind: str) -> float:
    from conformance.sut.target import REFERENCE

    return TIMING.run_reference if kind == REFERENCE else TIMING.run


def _tell_interrupted(choice: Choice, seed: int, reports: Reports) -> None:
    """Tell of a run that an interrupt has ended before it could begin."""
    from conformance.events import (
        UNCOVERED,
        Cleanup,
        Ended,
        RunVerdict,
        Started,
        Statistics,
        Target,
    )

    now = datetime.now(UTC).isoformat(timespec="seconds")
    reports(Started(Target(choice.name, "", choice.kind), seed, now, 0, None))
    reports(Ended(RunVerdict.UNKNOWN, True, UNCOVERED, (), (), Cleanup(), Statistics()))


def _check_selection(
    names: Sequence[str], prefixes: Sequence[str], excluded: Sequence[str], ledger: Path | None
) -> None:
    """Raise `BadArgument` for what cannot be selected, before a server is touched for it."""
    from conformance.campaign.ledger import load
    from conformance.suites import select, suites
    from conformance.sut.profile import Profile

    cases = suites(Profile())  # every server has the same cases, reachable or not
    select(cases, names, prefixes, excluded)
    if ledger is not None:
        load(ledger, [case.id for case in cases])
