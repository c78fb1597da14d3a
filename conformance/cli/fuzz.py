"""`orthanc-jobs fuzz`: the search of `run`, for as long as it is let."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from conformance.cli.ending import conclude
from conformance.cli.options import (
    LedgerOptions,
    ReportOptions,
    ServerOptions,
    spread,
)
from conformance.cli.printed import ConsoleOptions
from conformance.errors import BadArgument
from conformance.interrupts import interruptible

UNITS = {"s": 1, "m": 60, "h": 3600}
LONGEST = 30 * 24 * 3600  # seconds
DATABASE = ".orthanc-jobs/corpus"


@spread
def command(
    duration: Annotated[
        str, typer.Option("--for", metavar="DURATION", help="How long: 30s, 20m, 8h.")
    ],
    server: ServerOptions,
    accepted: LedgerOptions,
    printed: ConsoleOptions,
    files: ReportOptions,
    database: Annotated[
        str,
        typer.Option(
            metavar="WHERE",
            help="Where the corpus is kept, for the next time and for other machines: a folder, or"
            " redis://HOST:PORT/N.",
        ),
    ] = DATABASE,
    seed: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Seed of the search. Default: a new one.")
    ] = None,
    exit_first: Annotated[bool, typer.Option("-x", help="Stop at the first finding.")] = False,
) -> int:
    """Search on with new sequences, for hours and on any number of machines at once.

    What reached a state of the model that none before had reached is kept in the database, and is
    where later sequences begin. Exit status as of 'run'. 0: nothing was found. 1: something was.
    2: it could not be judged.
    """
    choice, ledger = server.choice(), accepted.file()
    seconds = seconds_of(duration)
    with interruptible():  # what it needs takes the longest to import
        from random import SystemRandom

        from conformance.campaign.campaign import Campaign
        from conformance.campaign.plan import Fuzzing, Plan
        from conformance.search import corpus
        from conformance.search.fuzzing import ROUND
        from conformance.suites.search import ID

        plan = Plan(
            prefixes=(ID,),
            ledger=ledger,
            no_ledger=accepted.no_ledger,
            seed=SystemRandom().getrandbits(32) if seed is None else seed,
            examples=ROUND,
            max_failures=1 if exit_first else None,
            verbose=printed.verbose,
            fuzzing=Fuzzing(seconds, corpus.opened(database)),
        )
    reports = files.reports(choice, printed.console())
    return conclude(Campaign(choice, plan, reports).run(), reports.failed)


def seconds_of(duration: str) -> float:
    """What ``30s``, ``20m`` or ``8h`` is. Raises `BadArgument`."""
    found = re.fullmatch(r"([0-9]{1,7}(?:\.[0-9]{1,3})?)([smh])", duration)
    seconds = 0.0 if found is None else float(found[1]) * UNITS[found[2]]
    if not 1 <= seconds <= LONGEST:
        raise BadArgument(
            f"--for {duration!r}: it takes a number and a unit, such as 30s, 20m or 8h;\n"
            f"at least 1s, and at most {LONGEST // UNITS['h']}h"
        )
    return seconds
