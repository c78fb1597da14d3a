"""`orthanc-jobs run`: the cases, against a server."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from conformance.cli.ending import UNJUDGED, conclude
from conformance.cli.options import (
    LedgerOptions,
    ReportOptions,
    ServerOptions,
    spread,
)
from conformance.cli.printed import ConsoleOptions
from conformance.cli.typed import typed
from conformance.errors import BadArgument, Interrupted
from conformance.interrupts import interruptible
from conformance.timing import TIMING

MOST = 8  # workers, unless more are asked for
QUOTA = Path("/sys/fs/cgroup/cpu.max")  # microseconds of a core, in so many; or "max"

if TYPE_CHECKING:
    from conformance.campaign.plan import Plan
    from conformance.reports import Reports
    from conformance.suites.case import Case
    from conformance.sut.target import Choice


@dataclass(frozen=True, slots=True)
class SelectionOptions:
    """Which cases, and how much of what makes its own sequences."""

    TITLE: ClassVar = "Which cases"

    suite: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this suite. Repeatable.")
    ] = None
    case: Annotated[
        list[str] | None,
        typer.Option(metavar="PREFIX", help="Only cases whose id begins so. Repeatable."),
    ] = None
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="PREFIX", help="No case whose id begins so. Repeatable."),
    ] = None
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Seed of the search.")] = 0
    examples: Annotated[
        int, typer.Option(metavar="N", min=1, help="Sequences that the search makes.")
    ] = 100
    time_limit: Annotated[
        float | None,
        typer.Option(
            metavar="S",
            min=1.0,
            help="Seconds for all cases: 1800 on the reference server, 3600 on any other.",
        ),
    ] = None
    extra_states: Annotated[
        int,
        typer.Option(
            metavar="K", min=0, max=4, help="States beyond the model's that complete/ allows for."
        ),
    ] = 0

    exit_first: Annotated[
        bool, typer.Option("-x", help="Stop at the first deviation: as --max-failures 1.")
    ] = False
    max_failures: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Stop when N cases have deviated.")
    ] = None
    last_failed: Annotated[
        bool,
        typer.Option(
            "--last-failed",
            help="Only the cases that failed in the last run of this folder.",
        ),
    ] = False

    def prefixes(self) -> tuple[str, ...]:
        """What the ids of the cases begin with. Raises `BadArgument`."""
        from conformance.reports import last

        if not self.last_failed:
            return tuple(self.case or ())
        if self.case:
            raise BadArgument("--last-failed and --case exclude each other")
        failed = last.failed()
        if not failed:
            raise BadArgument(f"--last-failed: {last.FILE} names no case that failed here")
        return tuple(failed)

    def chosen(self) -> list[Case]:
        """The cases, as they are for any server. Raises `BadArgument` for what there is not."""
        from conformance.suites import select, suites
        from conformance.sut.profile import Profile

        cases = suites(Profile())
        return select(cases, self.suite or (), self.prefixes(), self.exclude or ())

    def plan(self, accepted: LedgerOptions, kind: str) -> Plan:
        """What to run on a target of this kind.

        Raises `BadArgument` for what cannot be selected, before a server is touched for it.
        """
        from conformance.campaign.ledger import load
        from conformance.campaign.plan import Plan
        from conformance.suites import suites
        from conformance.sut.profile import Profile

        ledger = accepted.file()
        cases = suites(Profile())  # every server has the same cases, reachable or not
        self.chosen()
        if ledger is not None:
            load(ledger, [case.id for case in cases])
        return Plan(
            suites=tuple(self.suite or ()),
            prefixes=self.prefixes(),
            excluded=tuple(self.exclude or ()),
            ledger=ledger,
            no_ledger=accepted.no_ledger,
            seed=self.seed,
            examples=self.examples,
            extra=self.extra_states,
            time_limit=_limit(kind) if self.time_limit is None else self.time_limit,
            max_failures=1 if self.exit_first else self.max_failures,
        )


@dataclass(frozen=True, slots=True)
class DivisionOptions:
    """How the cases are divided: over servers at once, and over machines."""

    TITLE: ClassVar = "How the cases are divided"

    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            max=64,
            help="Servers at once that the kit works with: as many as there are cores; from 2 on"
            " up to 2 more for each, of cases that mostly wait for theirs to stop. 1 at a URL.",
        ),
    ] = None
    shard: Annotated[
        str | None,
        typer.Option(metavar="K/N", help="Only part K of N, for as many machines: see 'merge'."),
    ] = None

    def at_once(self, choice: Choice) -> int:
        """How many servers are tested at once. Raises `BadArgument`."""
        if choice.address is None:
            return _cores() if self.workers is None else self.workers
        if self.workers not in (None, 1):
            raise BadArgument("--workers: a server at a URL is one, and is tested by one worker")
        return 1

    def part(self) -> tuple[int, int] | None:
        """The number of a shard, from 1, and of how many. Raises `BadArgument`."""
        if self.shard is None:
            return None
        found = re.fullmatch(r"([1-9]\d{0,3})/([1-9]\d{0,3})", self.shard)
        if found is None or int(found[1]) > int(found[2]):
            raise BadArgument("--shard takes K/N, such as 2/3: part 2 of 3")
        return int(found[1]), int(found[2])


@spread
def command(
    selected: SelectionOptions,
    server: ServerOptions,
    accepted: LedgerOptions,
    division: DivisionOptions,
    printed: ConsoleOptions,
    files: ReportOptions,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List the cases that would run, and run none.")
    ] = False,
) -> int:
    """Run the conformance cases against a server.

    Exit status 0: it conforms. 1: it deviates, or an entry of the ledger is stale. 2: it could not
    be judged.
    """
    choice = server.choice()
    accepted.file()
    if dry_run:
        for case in selected.chosen():
            print(f"{case.id}: {case.sentence}")
        return 0
    workers, shard = division.at_once(choice), division.part()
    try:
        with interruptible():  # all that a run needs takes the longest to import
            from conformance.campaign.campaign import Campaign

            words = typed(() if choice.address is None else choice.address.secrets)
            plan = selected.plan(accepted, choice.kind)
            plan = replace(plan, command=words, workers=workers, shard=shard)
            plan = replace(plan, verbose=printed.verbose)
    except Interrupted:
        reports = files.reports(choice)
        _tell_interrupted(choice, selected.seed, reports)
        return conclude(UNJUDGED, reports.failed)
    from conformance.reports.last import LastRun

    reports = files.reports(choice, printed.console(), [LastRun()])
    return conclude(Campaign(choice, plan, reports).run(), reports.failed)


def _cores() -> int:
    """How many cores this process may use, as far as more workers than `MOST` are of no use."""
    known = getattr(os, "sched_getaffinity", None)
    cores = (os.cpu_count() or 1) if known is None else len(known(0))
    with suppress(OSError, ValueError):  # a container may have a share of its machine
        share, period = QUOTA.read_text().split()
        cores = min(cores, max(1, int(share) // int(period)))
    return min(cores, MOST)


def parsed(words: Sequence[str]) -> tuple[Choice, Plan]:
    """What the words of this command choose, without its reports. Raises `KitError`."""
    from conformance.cli.commands import UsageError

    found: list[tuple[Choice, Plan]] = []

    @spread
    def choosing(server: ServerOptions, accepted: LedgerOptions, selected: SelectionOptions) -> int:
        choice = server.choice()
        found.append((choice, selected.plan(accepted, choice.kind)))
        return 0

    alone = typer.Typer(add_completion=False, rich_markup_mode=None)
    alone.command()(choosing)
    try:
        alone(list(words), standalone_mode=False)
    except UsageError as error:
        raise BadArgument(str(error) or "these words cannot be understood") from None
    if not found:
        raise BadArgument("these words choose no server")
    return found[0]


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
