"""What depth finds: faults that only show after a sequence of events, at more and more depth.

    python -m benchmarks.depth [--faults NAME ...] [--markdown FILE]

One run of `orthanc-jobs run reference --fault NAME -x` for each fault and each depth, of the suite
`complete` with more and more extra states, and of the search with more and more examples. Told are
the seconds of the run where it has found the fault.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from conformance.reference import faults
from conformance.reference.faults import sequences

# The name of each column, and what is run for it.
DEPTHS: dict[str, str] = {
    "complete": "--suite complete --extra-states 0",
    "complete, 1 extra state": "--suite complete --extra-states 1",
    "search, 20 examples": "--suite search --examples 20",
    "search, 100": "--suite search --examples 100",
    "search, 400": "--suite search --examples 400",
}


def of_sequences() -> list[str]:
    """The names of the faults that only show after a sequence of events."""
    module = sequences.__name__
    return [name for name, f in faults.FAULTS.items() if f.parts.registry.__module__ == module]


def seconds(fault: str, words: str) -> str:
    """How long the run took that found the fault, or nothing. Exits where it came to no verdict."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        command = ["run", "reference", "--fault", fault, "-x", *words.split()]
        done = subprocess.run(
            [sys.executable, "-m", "conformance.cli", *command],
            capture_output=True,
            text=True,
            cwd=folder,
        )
        took = time.monotonic() - began
    if done.returncode not in (0, 1):
        sys.exit(f"the run ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return f"{took:.1f}" if done.returncode else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--faults", nargs="+", default=of_sequences(), metavar="NAME")
    parser.add_argument("--markdown", type=Path, help="write the table to this file as well")
    asked = parser.parse_args()
    lines = ["| fault | " + " | ".join(DEPTHS) + " |", "|" + " --- |" * (1 + len(DEPTHS))]
    print(*lines, sep="\n", flush=True)
    for fault in asked.faults:
        found = (seconds(fault, words) for words in DEPTHS.values())
        lines.append(f"| `{fault}` | " + " | ".join(found) + " |")
        print(lines[-1], flush=True)
    if asked.markdown is not None:
        asked.markdown.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
