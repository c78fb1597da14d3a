"""What `orthanc-jobs verify` does: run the proofs, and tell what comes of them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from conformance.errors import BadArgument, CannotWrite, KitError
from conformance.files import write_text
from conformance.reports import writable
from conformance.reports.terminal import Terminal
from conformance.text import counted
from spec.proofs import ANY, Checked, ProofEngine, Scope, Verdict
from spec.proofs.packed import MOST_JOBS
from spec.proofs.verify import Listener, Verification, verify
from spec.properties import BY_NAME, PROPERTIES, Modality
from spec.relaxations import Relaxation, UnknownRelaxation, relaxation

STATUS = {Verdict.HOLDS: 0, Verdict.FAILS: 1}
STYLE = {
    Verdict.HOLDS: "green",
    Verdict.FAILS: "bold red",
    Verdict.UNKNOWN: "yellow",
    Verdict.NOT_RUN: "dim",
}
BAD = {Verdict.FAILS, Verdict.UNKNOWN}
WIDE = 160  # columns, where the output is no terminal
SILENT = 15.0  # seconds without a line at most, where it is none
NAMED = 5  # properties of which the same is said
FOLDER = Path("counterexamples")


def prove(
    engines: Iterable[str],
    admit: Iterable[str],
    scope: tuple[int, int, int, int, int],
    json_file: Path | None,
) -> tuple[int, str | None]:
    """Run the engines, and tell of each when it ends; then what fails, and the whole.

    The exit status, and why a file could not be written, if it could not. Raises `BadArgument`,
    and `KitError` where an engine that was asked for lacks a tool.
    """
    if scope[0] > MOST_JOBS:
        raise BadArgument(
            f"--jobs {scope[0]} is too many: the most is {MOST_JOBS}, which is what the explorer's"
            " encoding of a state has room for"
        )
    chosen, admitted = _engines(engines), frozenset(_relaxation(name) for name in admit)
    if json_file is not None:
        writable([json_file])
    console = Terminal(WIDE)
    with _Telling(console, chosen) as telling:
        found = verify(chosen, admitted, Scope(*scope), telling)
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


def sentences(engines: Iterable[str]) -> int:
    """Print every property: who decides it, its sentence, and what it restates; the status.

    ``engines``: only what one of these decides. Raises `BadArgument`.
    """
    from spec.proofs.promela import ASSERTED
    from spec.proofs.smt import CLAIMS

    chosen, console = _engines(engines), Terminal(WIDE)
    of_smt, of_spin = {claim.name for claim in CLAIMS}, frozenset(ASSERTED)
    number = 0
    for p in PROPERTIES:
        spin = p.modality is Modality.EVENTUALLY or p.name in of_spin
        deciding = [
            engine
            for engine, does in zip(ProofEngine, (True, p.name in of_smt, spin), strict=True)
            if does
        ]
        if chosen and not set(chosen) & set(deciding):
            continue
        number += 1
        origin = p.origin if isinstance(p.origin, str) else ", ".join(p.origin)
        console.say(Text.assemble((p.name, "bold"), f"  {p.modality}, by {', '.join(deciding)}"))
        console.print(_indented(p.sentence))
        console.print(_indented(f"restates {origin}"))
    console.say(f"{number} properties")
    return 0


def _engines(names: Iterable[str]) -> tuple[ProofEngine, ...]:
    try:
        return tuple(dict.fromkeys(ProofEngine(name) for name in names))
    except ValueError as error:
        raise BadArgument(
            f"{str(error).partition(' is')[0]} is no engine: there are {', '.join(ProofEngine)}"
        ) from None


def _relaxation(name: str) -> Relaxation:
    try:
        return relaxation(name)
    except UnknownRelaxation as error:
        raise BadArgument(str(error)) from None


class _Telling(Listener):
    """Tells of each engine as it ends, and meanwhile that they are at work."""

    def __init__(self, console: Terminal, chosen: Sequence[ProofEngine]) -> None:
        self.console = console
        self.left = list(chosen or ProofEngine)
        self.began = self.said = time.monotonic()
        columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
        self.progress = Progress(*columns, console=console, transient=True)
        self.task = self.progress.add_task(self._at_work())

    def __enter__(self) -> _Telling:
        if self.console.is_terminal:
            self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.console.is_terminal:
            self.progress.stop()

    def ended(self, engine: ProofEngine, found: Verification) -> None:
        why = found.absent.get(engine)
        if why is not None and engine in found.asked:
            raise KitError(f"{engine} was asked for, and cannot run: {why}")
        self.left.remove(engine)
        self.progress.update(self.task, description=self._at_work())
        self.console.print(_line(engine, found))
        self.said = time.monotonic()

    def waits(self, at_work: Sequence[ProofEngine]) -> None:
        if not self.console.is_terminal and time.monotonic() - self.said >= SILENT:
            self.said = time.monotonic()
            self.console.say(f"{self._at_work()} since {self.said - self.began:.0f} s")

    def _at_work(self) -> str:
        return f"{', '.join(self.left)} at work"


def _line(engine: ProofEngine, found: Verification) -> Table:
    """What one engine has found, or why nothing."""
    of = [one for one in found.results if one.engine is engine]
    counts = [
        f"{number} {word}"
        for verdict, word in (
            (Verdict.HOLDS, "hold"),
            (Verdict.FAILS, "fail"),
            (Verdict.UNKNOWN, "unknown"),
            (Verdict.NOT_RUN, "not asked in this scope"),
        )
        if (number := sum(one.verdict is verdict for one in of))
    ]
    if engine in found.absent:
        told, style = f"not run: {found.absent[engine]}", STYLE[Verdict.UNKNOWN]
    elif engine in found.died:
        told, style = f"failed itself: {found.died[engine]}", STYLE[Verdict.FAILS]
    else:
        worst = Verification(of, died=found.died).verdict
        told = f"{', '.join(counts)} in {found.took[engine]:.1f} s: {_extent(of)}"
        style = STYLE[worst]
    line = Table.grid(padding=(0, 2))
    line.add_column(min_width=max(map(len, ProofEngine)), no_wrap=True)
    line.add_column()
    line.add_row(Text(engine, style), told)
    return line


def _extent(of: Sequence[Checked]) -> str:
    """Of which engines of jobs it was decided."""
    if not of or of[0].scope == ANY:
        return "any number of jobs, workers, priorities and steps"
    return f"{max(one.states for one in of):,} states of {of[0].scope}"


def _show(console: Terminal, found: Verification) -> None:
    """What does not hold, and the whole."""
    for one in found.results:
        if one.verdict is Verdict.FAILS:
            _explain(console, one, found.files.get(one.name))
    for line in _open(found):
        console.say(line)
    console.say(Text.assemble((found.verdict, STYLE[found.verdict]), f": {_words(found)}"))


def _words(found: Verification) -> str:
    """How far the verdict goes."""
    proofs = [one.name for one in found.results if one.verdict is Verdict.HOLDS]
    holds = set(proofs) - {one.name for one in found.results if one.verdict in BAD}
    if found.broken:
        words = f"{', '.join(found.broken)}; {len(holds)} of {len(PROPERTIES)} properties hold"
    else:
        words = f"{len(holds)} of {len(PROPERTIES)} properties, by {counted(len(proofs), 'proof')}"
    return words + (f"; without {' and '.join(found.absent)}" if found.absent else "")


def _open(found: Verification) -> Iterator[Text]:
    """What nobody can say, and why; and of what two engines say the opposite."""
    decided = {one.name for one in found.results if one.verdict is not Verdict.NOT_RUN}
    groups: dict[tuple[ProofEngine, str], list[str]] = {}
    for one in found.results:
        if one.verdict is Verdict.UNKNOWN or one.name not in decided:
            groups.setdefault((one.engine, one.evidence), []).append(one.name)
    for (engine, why), names in groups.items():
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        told = f" {', '.join(names[:NAMED])}{more}, by {engine}: {why}"
        yield Text.assemble(("unknown", STYLE[Verdict.UNKNOWN]), told)
    for name in found.disputed:
        yield Text.assemble(("disputed", STYLE[Verdict.FAILS]), f" {name}: an engine says it holds")


def _explain(console: Terminal, one: Checked, file: str | None) -> None:
    console.say(Text.assemble(("fails", "bold red"), f" {one.name}, by {one.engine}"))
    if one.name in BY_NAME:
        console.say(f"  property   {BY_NAME[one.name].sentence}")
    for line in one.evidence.splitlines():
        console.say(f"  {line}")
    if file is not None:
        console.say(f"  replay     orthanc-jobs replay {file} orthanc")


def _indented(text: str) -> Table:
    """A paragraph that is wrapped within its margin."""
    grid = Table.grid()
    grid.add_column(min_width=2)
    grid.add_column()
    grid.add_row("", text)
    return grid
