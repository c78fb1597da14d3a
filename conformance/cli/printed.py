"""The options that say what is printed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

if TYPE_CHECKING:
    from conformance.reports import Writer


@dataclass(frozen=True, slots=True)
class ConsoleOptions:
    """What is printed while the cases run, and at the end."""

    TITLE: ClassVar = "What is printed"

    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print deviations and the last line only.")
    ] = False
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose", "-v", help="Print each request with its answer, and all details."
        ),
    ] = False
    durations: Annotated[
        int, typer.Option(metavar="N", min=0, help="Name the N slowest cases at the end.")
    ] = 0

    def console(self) -> Writer:
        """The report on the terminal."""
        from conformance.reports import last
        from conformance.reports.console import ConsoleReport
        from conformance.reports.terminal import Terminal

        return ConsoleReport(Terminal(), self.quiet, self.verbose, self.durations, last.seconds())
