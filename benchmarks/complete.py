"""How large the complete test suites are, and how long they take, for more and more extra states.

    python -m benchmarks.complete [TARGET] [--extra-states 0 1 2] [--markdown FILE]

One run of `orthanc-jobs run TARGET --suite complete` for each number, one after the other, each
with the ledger of the server. Sequences are those of the suite for the automaton that the server
turned out to be; the actions are of all sequences that were run, and seconds are of the case.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HEADER = ("server", "case", "extra states", "states", "sequences", "run", "actions", "seconds")


def rows(target: str, extra: int) -> Iterator[tuple[str, ...]]:
    """The rows of one run. Exits where it did not conform."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        words = [sys.executable, "-m", "conformance.cli", "run", target, "--suite", "complete"]
        words += ["--extra-states", str(extra), "--json", str(report)]
        done = subprocess.run(words, capture_output=True, text=True, cwd=folder, check=False)
        if done.returncode != 0:
            sys.exit(f"the run ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    server = f"{found['target']['name']} {found['target']['version']}"
    for case in found["cases"]:
        if (bound := case.get("complete")) is not None:
            counts = (bound[k] for k in ("extra", "states", "sequences", "ran", "actions"))
            yield (server, case["id"], *(f"{n:,}" for n in counts), f"{case['seconds']:.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("target", nargs="*", default=["orthanc"])
    parser.add_argument("--extra-states", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--markdown", type=Path, help="write the table to this file as well")
    asked = parser.parse_args()
    lines = ["| " + " | ".join(HEADER) + " |", "|" + " --- |" * len(HEADER)]
    print(*lines, sep="\n", flush=True)
    for target in asked.target:
        for extra in asked.extra_states:
            for row in rows(target, extra):
                lines.append("| " + " | ".join(row) + " |")
                print(lines[-1], flush=True)
    if asked.markdown is not None:
        asked.markdown.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
