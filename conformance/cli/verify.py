"""`orthanc-jobs verify`: the specification itself, checked."""

from __future__ import annotations

from typing import Annotated

import typer

from conformance.cli.ending import conclude
from conformance.cli.options import JsonFile


def command(
    engine: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="explore, smt or spin; repeatable. Default: all."),
    ] = None,
    admit: Annotated[
        list[str] | None,
        typer.Option(metavar="RELAXATION", help="Admit a relaxation. Repeatable."),
    ] = None,
    jobs: Annotated[int, typer.Option(metavar="N", min=1, help="Submissions in all.")] = 3,
    workers: Annotated[int, typer.Option(metavar="N", min=1, help="ConcurrentJobs.")] = 2,
    history: Annotated[int, typer.Option(metavar="N", min=0, help="JobsHistorySize.")] = 2,
    priorities: Annotated[int, typer.Option(metavar="N", min=1, help="How many there are.")] = 2,
    steps: Annotated[int, typer.Option(metavar="N", min=1, help="Most steps of a job.")] = 2,
    listed: Annotated[
        bool, typer.Option("--list", help="Prove nothing: list the properties, with sentences.")
    ] = False,
    json_file: JsonFile = None,
) -> int:
    """Check the specification itself: its properties, by three proof engines.

    Exit status 0: all that was asked holds. 1: a property fails. 2: something is unknown, or an
    engine that was asked for cannot run. One that is not installed and that nobody asked for is
    told to be missing.
    """
    from conformance.cli.proving import prove, sentences

    if listed:
        return sentences(engine or ())
    scope = (jobs, workers, history, priorities, steps)
    return conclude(*prove(engine or (), admit or (), scope, json_file))
