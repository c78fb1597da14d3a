"""`orthanc-jobs learn`: the automaton that a server turns out to be."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from conformance.cli.ending import conclude
from conformance.cli.options import JsonFile, LedgerOptions, ServerOptions, spread


@spread
def command(
    server: ServerOptions,
    accepted: LedgerOptions,
    extra_states: Annotated[
        int,
        typer.Option(
            metavar="K", min=1, max=4, help="States beyond the learned ones that are ruled out."
        ),
    ] = 1,
    seconds: Annotated[
        float, typer.Option(metavar="S", min=1, help="How long at most; then it is unknown.")
    ] = 600.0,
    picture: Annotated[
        Path, typer.Option(metavar="F", help="The difference as SVG; its DOT is put beside it.")
    ] = Path("learned.svg"),
    json_file: JsonFile = None,
) -> int:
    """Infer a server's job automaton, and show how it differs from the specification's.

    Exit status 0: it is equal, or differs only as the ledger accepts. 1: it is different. 2: it is
    unknown, as where not all could be confirmed in time.
    """
    from conformance.learn.inference import Wish, infer

    choice, ledger = server.choice(), accepted.file()
    wish = Wish(choice, ledger, accepted.no_ledger, extra_states, seconds, picture, json_file)
    return conclude(*infer(wish))
