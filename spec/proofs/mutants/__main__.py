"""The command of the mutation check."""

from __future__ import annotations

import argparse
import json
import os
import sys

from spec.proofs import mutants
from spec.proofs.mutants.judging import Fate, judge, run
from spec.proofs.mutants.making import made
from spec.proofs.mutants.report import report, share

ENOUGH = 0.95  # of the engine's guards, to be noticed by a property


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m spec.proofs.mutants", description=mutants.__doc__
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", default="", help="mutants whose name has this text")
    parser.add_argument("--list", action="store_true", help="print the mutants, and run none")
    parser.add_argument("--judge", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.judge:
        print(json.dumps(judge()))
        return 0
    found = [mutant for mutant in made() if chosen.only in mutant.name]
    if chosen.list:
        print(*(mutant.name for mutant in found), sep="\n")
        return 0

    def tell(one: Fate) -> None:
        print(f"{one.how or 'SURVIVED':10} {one.mutant.name} [{one.by}]", flush=True)

    fates = run(found, chosen.jobs, tell)
    print(*report(fates), sep="\n")
    unexcused = any(one.by is None and one.excuse is None for one in fates)
    return 1 if unexcused or share(fates) < ENOUGH else 0


if __name__ == "__main__":
    sys.exit(main())
