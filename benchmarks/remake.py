"""Make the tables of benchmarks/README.md anew, one after the other, and put them in.

    python -m benchmarks.remake [--only NAME ...] [--dry-run]

`make bench` is this. Each table stands between two marks that name it, with the command that makes
it: how long it took and the load of the machine are told below. The sizes are such that all of it
takes less than 20 minutes on two cores that have no other work.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "benchmarks" / "README.md"
# Of each table its name, and the words behind `python` that make it.
TABLES: dict[str, str] = {
    "peers": "-m benchmarks.peers --seconds 120",
    "speed": "-m benchmarks.speed --rounds 3",
    "scale": "-m benchmarks.scale orthanc",
    "where": "-m benchmarks.where reference",
    "workers": "-m benchmarks.workers reference orthanc --workers 1 4 --case persist/stop/options",
    "starts": "-m benchmarks.starts --times 5",
    "interrupts": "tools/interrupts --of 8 --longest 2.5",
    "complete": "-m benchmarks.complete orthanc --extra-states 0 1",
    "growth": "-m benchmarks.growth --seconds 45",
    "aims": "-m benchmarks.aims",
}


def mark(name: str) -> re.Pattern[str]:
    """Where a table stands."""
    return re.compile(rf"(<!-- table: {name} -->\n).*?(\n<!-- end of {name} -->)", re.DOTALL)


def put(page: str, name: str, table: str) -> str:
    """The page with another table. Raises `ValueError` where it has no place for it."""
    made, count = mark(name).subn(lambda found: f"{found[1]}\n{table}\n{found[2]}", page)
    if count != 1:
        raise ValueError(f"benchmarks/README.md has not one place for the table {name}")
    return made


def tables_in(printed: str) -> str:
    """What a program has printed, from its first table on."""
    lines = printed.strip().splitlines()
    first = next((n for n, line in enumerate(lines) if line.startswith("|")), len(lines))
    return "\n".join(lines[first:]).strip()


def make(name: str) -> str | None:
    """The text of a table, with how it was made; None where that fails, which is told."""
    began, before = time.monotonic(), os.getloadavg()[0]
    command = [sys.executable, *TABLES[name].split()]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    found = tables_in(done.stdout)
    if done.returncode != 0 or not found:
        said = f"{TABLES[name]} ended with {done.returncode}:\n{done.stdout[-2000:]}"
        print(said, file=sys.stderr, flush=True)
        return None
    seconds, after = time.monotonic() - began, os.getloadavg()[0]
    print(f"{name}: {seconds:.0f} s", file=sys.stderr, flush=True)
    return (
        f"{found}\n\n`python {TABLES[name]}`: {seconds:.0f} s on {os.cpu_count()} cores,"
        f" load average {before:.1f} before and {after:.1f} after."
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", nargs="+", choices=tuple(TABLES), default=tuple(TABLES))
    parser.add_argument("--dry-run", action="store_true", help="print the tables, and leave it")
    asked = parser.parse_args()
    began, failed = time.monotonic(), 0
    for name in asked.only:
        text = make(name)
        if text is None:
            failed += 1
        elif asked.dry_run:
            print(text, "", sep="\n", flush=True)
        else:  # each at once, so that what is done stays if the next one fails
            README.write_text(put(README.read_text(encoding="utf-8"), name, text), encoding="utf-8")
    print(f"all: {time.monotonic() - began:.0f} s", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
