"""What `orthanc-jobs verify` does: run the proofs, and show what came out."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from conformance.errors import BadArgument
from conformance.reports import writable
from spec.proofs import Checked, ProofEngine, Scope, Verdict
from spec.proofs.verify import Verification, verify
from spec.properties import BY_NAME
from spec.relaxations import Relaxation, UnknownRelaxation, relaxation

STATUS = {Verdict.HOLDS: 0, Verdict.FAILS: 1}
STYLE = {
    Verdict.HOLDS: "green",
    Verdict.FAILS: "bold red",
    Verdict.UNKNOWN: "yellow",
    Verdict.NOT_RUN: "dim",
}
WIDE = 160  # columns, where the output is no terminal
FOLDER = Path("counterexamples")


def prove(
    engines: Iterable[str],
    admit: Iterable[str],
    scope: tuple[int, int, int, int, int],
    json_file: Path | None,
) -> int:
    """Run the engines, print a table of the results; the exit status. Raises `BadArgument`."""
    chosen = tuple(dict.fromkeys(_engine(name) for name in engines))
    admitted = frozenset(_relaxation(name) for name in admit)
    if json_file is not None:
        writable([json_file])
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDE)
    with console.status("proving") as status:
        found = verify(chosen, admitted, Scope(*scope), lambda one: status.update(one.name))
    if found.broken:
        found.write(FOLDER)
    if json_file is not None:
        json_file.write_text(json.dumps(found.to_json(), indent=2) + "\n", encoding="utf-8")
    _show(console, found)
    return STATUS.get(found.verdict, 2)


def _engine(name: str) -> ProofEngine:
    try:
        return ProofEngine(name)
    except ValueError:
        raise BadArgument(f"unknown engine {name!r}: there are {', '.join(ProofEngine)}") from None


def _relaxation(name: str) -> Relaxation:
    try:
        return relaxation(name)
    except UnknownRelaxation as error:
        raise BadArgument(str(error)) from None


def _show(console: Console, found: Verification) -> None:
    decided = [one for one in found.results if one.verdict is not Verdict.NOT_RUN]
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("property", "modality", "engine", "scope", "verdict", "states", "seconds"):
        table.add_column(title, justify="right" if title in ("states", "seconds") else "left")
    for one in sorted(decided, key=lambda one: (one.modality, one.name, one.engine)):
        table.add_row(
            one.name,
            one.modality,
            one.engine,
            one.scope,
            f"[{STYLE[one.verdict]}]{one.verdict}[/]",
            f"{one.states:,}" if one.states else "",
            f"{one.seconds:.2f}",
        )
    console.print(table)
    for one in decided:
        if one.verdict is Verdict.FAILS:
            _explain(console, one, found.files.get(one.name))
    for engine, why in {**found.absent, **found.died}.items():
        console.print(f"[yellow]{engine}[/] did not take part: {why}", highlight=False)
    counts = [f"{sum(one.verdict is v for one in decided)} {v}" for v in STYLE if v != "not-run"]
    verdict = f"[{STYLE[found.verdict]}]{found.verdict}[/]"
    console.print(f"{verdict}: {', '.join(counts)}", highlight=False)


def _explain(console: Console, one: Checked, file: str | None) -> None:
    console.print()
    console.print(f"[bold red]fails[/] {one.name}, by {one.engine}", highlight=False)
    if one.name in BY_NAME:
        console.print(f"  property   {BY_NAME[one.name].sentence}", highlight=False, soft_wrap=True)
    for line in one.evidence.splitlines():
        console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)
    if file is not None:
        console.print(f"  replay     orthanc-jobs replay {file} orthanc", highlight=False)
