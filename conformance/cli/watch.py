"""`orthanc-jobs watch`: a live server, observed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from conformance.cli.options import AccessOptions, spread


@spread
def command(
    url: Annotated[str, typer.Argument(metavar="URL", help="The server.")],
    access: AccessOptions,
    interval: Annotated[
        float, typer.Option(metavar="S", min=0.05, max=600, help="Seconds between two readings.")
    ] = 0.25,
    seconds: Annotated[
        float | None, typer.Option(metavar="S", min=0.1, help="How long. Default: until Ctrl-C.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="The server's ConcurrentJobs, if known.")
    ] = None,
    history_size: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Its JobsHistorySize, if known.")
    ] = None,
    record: Annotated[
        Path | None, typer.Option(metavar="F", help="Write the trace, for check-trace.")
    ] = None,
    no_ledger: Annotated[
        bool, typer.Option("--no-ledger", help="Accept nothing: alarm at known findings, too.")
    ] = False,
) -> int:
    """Read the jobs of a server again and again; exit 1 with the first impossible history.

    Nothing is made on the server. What the shipped ledger accepts of its version is told as a
    finding, by its name, and is no alarm.

    Exit status 0: nothing impossible was read until --seconds were over, or Ctrl-C. 1: something
    was, which is an alarm. 2: there was no server to be read.
    """
    from conformance.passive import watching
    from conformance.sut.address import Address

    address = Address.parse(url, only=True, **access.settings())
    wish = watching.Wish(
        address, interval, seconds, workers, history_size, access.timeout, record, no_ledger
    )
    return watching.watch(wish)
