"""`orthanc-jobs list`: the catalogue, and the cases."""

from __future__ import annotations

from typing import Annotated

import typer


def command(
    prefix: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PREFIX]...", help="Ids of requirements or cases begin so."),
    ] = None,
    grep: Annotated[
        list[str] | None,
        typer.Option(metavar="WORD", help="Only what has this word in it. Repeatable: each."),
    ] = None,
    suite: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only what this suite has cases of. Repeatable."),
    ] = None,
    release: Annotated[
        str | None,
        typer.Option(metavar="VERSION", help="Only what is said of this release, as 1.10.1."),
    ] = None,
    cases: Annotated[
        bool, typer.Option("--cases", help="List the cases, a line each: id, and what it does.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for another program.")] = False,
) -> int:
    """List every requirement with its ground, its source and the cases that check it."""
    from conformance.evidence import listing

    wanted = listing.Wanted(tuple(prefix or ()), tuple(suite or ()), release, tuple(grep or ()))
    if as_json:
        print(listing.cases_to_json(wanted) if cases else listing.to_json(wanted))
        return 0
    for line in listing.case_lines(wanted) if cases else listing.lines(wanted):
        print(line)
    return 0
