"""What was aimed at, beside what the other tables of benchmarks/README.md have measured.

    python -m benchmarks.aims

It measures nothing itself: `make bench` makes it last.
"""

from __future__ import annotations

import argparse
import operator
from typing import NamedTuple

from benchmarks.peers.counting import table
from benchmarks.remake import README, mark


class Aim(NamedTuple):
    """A figure is to be at most ``aim``, or at least if ``least``.

    It stands in ``table``, in the row that begins with ``row`` (its cells, joined by a space), in
    the column ``column``. ``why``: what keeps it from being reached, and what would be next.
    """

    what: str
    aim: float
    table: str
    row: str
    column: str
    why: str = ""
    least: bool = False


CELLS = (
    "a job has a peer of its own, registered first, it is read until the server is at rest, and"
    " each case ends with two lists of all jobs; less of it would be paid in faults"
)
AIMS = (
    Aim(
        "`run reference`, all suites: seconds", 25, "workers", "reference", "seconds",
        "58 s of processor time, of 48,000 requests, need 29 s of two cores, and `--workers 4`"
        " takes 30; next is that as the default, and a profile of `route/`, which is half of it",
    ),
    Aim(
        "`run orthanc`, all suites: seconds", 60, "workers", "orthanc", "seconds",
        "the default has as many workers as cores, of which each waits now and then: by"
        " `--workers 4` it is reached, as the table of workers shows",
    ),
    Aim(
        "the same, simulated: 4 workers to 2", 0.55, "workers", "orthanc 4", "ratio",
    ),
    Aim(
        "the same, simulated: 8 workers to 2", 0.28, "workers", "orthanc 8", "ratio",
        "the longest lot: `persist/kill/settled`, which waits until a server has saved its jobs of"
        " itself",
    ),
    Aim(
        "the 20 cells: kit to straightest script", 1.5, "speed", "kit / straightest", "measured",
        CELLS,
    ),
    Aim(
        "checked actions in a second: kit to bare client", 0.5, "speed", "checked actions, kit",
        "measured", "the same; and Hypothesis chooses each action", least=True,
    ),
    Aim("a GET: client of the kit to bare client", 2, "speed", "client of the kit /", "measured"),
    Aim("next starts of the reference: seconds", 0.1, "starts", "reference", "next starts"),
    Aim("`orthanc-jobs --help`: seconds", 0.15, "starts", "`orthanc-jobs --help`", "seconds"),
    Aim("`orthanc-jobs --version`: seconds", 0.15, "starts", "`orthanc-jobs --version`", "seconds"),
    Aim("`orthanc-jobs list`: seconds", 0.4, "starts", "`orthanc-jobs list`", "seconds"),
)  # fmt: skip
HEAD = ("what", "aim", "measured", "reached, or why not and what would be next")


def figure(page: str, aim: Aim) -> float:
    """What the page has for an aim. Raises `LookupError` where it has nothing."""
    found = mark(aim.table).search(page)
    if found is None:
        raise LookupError(f"benchmarks/README.md has no table {aim.table}")
    head: list[str] = []
    for line in found[0].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line[:1] == "|" else []
        if not cells or not head:
            head = cells
        elif aim.column in head and " ".join(part for part in cells if part).startswith(aim.row):
            return float(cells[head.index(aim.column)].replace(",", ""))
    raise LookupError(f"the table {aim.table} has no {aim.column} of {aim.row}")


def rows(page: str) -> list[tuple[str, ...]]:
    """A row for each aim."""
    made = []
    for aim in AIMS:
        value, reached = figure(page, aim), operator.ge if aim.least else operator.le
        bound = f"at {'least' if aim.least else 'most'} {aim.aim:g}"
        why = "yes" if reached(value, aim.aim) else f"no: {aim.why}"
        made.append((aim.what, bound, f"{value:g}", why))
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.parse_args()
    print(*table(rows(README.read_text(encoding="utf-8")), HEAD), sep="\n")


if __name__ == "__main__":
    main()
