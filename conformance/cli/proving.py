"""What `orthanc-jobs verify` does: run the proofs, and show what came out."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from rich.table import Table
from rich.text import Text

from conformance.errors import BadArgument, CannotWrite
from conformance.files import write_text
from conformance.reports import writable
from conformance.reports.terminal import Terminal
from spec.proofs import Checked, ProofEngine, Scope, Verdict
from spec.proofs.packed import MOST_JOBS
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
) -> tuple[int, str | None]:
    """Run the engines, print a table of the results.

    The exit status, and why the JSON could not be written, if it could not. Raises `BadArgument`.
    """
    if scope[0] > MOST_JOBS:
        raise BadArgument(
            f"--jobs {scope[0]} is too many: the most is {MOST_JOBS}, which is what the explorer's"
            " encoding of a state has room for"
        )
    chosen = tuple(dict.fromkeys(_engine(name) for name in engines))
    admitted = frozenset(_relaxation(name) for name in admit)
    if json_file is not None:
        writable([json_file])
    console = Terminal(WIDE)
    with console.status("proving") as status:
        found = verify(chosen, admitted, Scope(*scope), lambda one: status.update(one.name))
    failed = None
    try:
        if found.broken:
            found.write(FOLDER)
        if json_file is not None:
            write_text(json_file, json.dumps(found.to_json(), indent=2) + "\n", "the report")
    except CannotWrite as error:
        failed = str(error)
    except OSError as error:
        failed = f"cannot write to {FOLDER}: {error.strerror}"
    _show(console, found)
    return STATUS.get(found.verdict, 2), failed


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


def _show(console: Terminal, found: Verification) -> None:
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
            Text(one.verdict, STYLE[one.verdict]),
            f"{one.states:,}" if one.states else "",
            f"{one.seconds:.2f}",
        )
    console.print(table)
    for one in decided:
        if one.verdict is Verdict.FAILS:
            _explain(console, one, found.files.get(one.name))
    for engine, why in {**found.absent, **found.died}.items():
        console.say(Text.assemble((engine, "yellow"), f" did not take part: {why}"))
    counts = [f"{sum(one.verdict is v for one in decided)} {v}" for v in STYLE if v != "not-run"]
    console.say(Text.assemble((found.verdict, STYLE[found.verdict]), f": {', '.join(counts)}"))


def _explain(console: Terminal, one: Checked, file: str | None) -> None:
    console.say("")
    console.say(Text.assemble(("fails", "bold red"), f" {one.name}, by {one.engine}"))
    if one.name in BY_NAME:
        console.say(f"  property   {BY_NAME[one.name].sentence}")
    for line in one.evidence.splitlines():
        console.say(f"  {line}")
    if file is not None:
        console.say(f"  replay     orthanc-jobs replay {file} orthanc")
