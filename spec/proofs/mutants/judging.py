"""Whether a mutant is noticed, and by what: each in a process of its own, on a copy of `spec`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from spec.proofs import Scope, Verdict
from spec.proofs.mutants.making import ROOT, Mutant
from spec.relaxations import NONE, Relaxation

SCOPES = (  # each with the number of states to look at; None: all, and then it must end
    (Scope(1, 1, 1, 1, 2), None),
    (Scope(2, 1, 1, 1, 1), None),
    (Scope(2, 1, 1, 2, 1), 2_000),
    (Scope(3, 2, 2, 1, 1), 2_000),
)
ENDLESS = 4_000  # more states than any of the scopes that must end has
RELAXED = Scope(2, 1, 1, 1, 1)  # where each relaxation must break what it is said to break
BY_PROPERTY = ("property", "error", "relaxed", "published")
OTHERWISE = ("endless", "import", "crash")
EQUIVALENT = {  # survivors that are no faults: the program does the same, in other words
    ("engine", "job.shown != job.done taken for true"): (
        "the second of two moves is then the same as the first, and moves are a set"
    ),
    ("relaxations", "asked is not Asked.NOTHING dropped, of a larger condition"): (
        "where nothing was asked for, it says a second time that nothing was"
    ),
}
SECONDS = 300.0  # for one mutant; past it, it counts as noticed: `verify` does not end


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a mutant. ``by``: property, proof or error that noticed it, or None."""

    mutant: Mutant
    by: str | None
    how: str  # of `BY_PROPERTY` or `OTHERWISE`; "" for a survivor

    @property
    def excuse(self) -> str | None:
        """Why a survivor is no fault; None where it is one, or was noticed."""
        return EQUIVALENT.get((self.mutant.module, self.mutant.change)) if self.by is None else None


IMPORTED = "the specification is imported"  # said on stderr


def judge() -> dict[str, str | None]:
    """What notices the specification that this process has imported. Nothing: all is None."""
    from spec.proofs import direct, explore
    from spec.proofs.watch import Watch
    from spec.properties import BY_NAME, PROPERTIES
    from spec.properties.published import AS_PUBLISHED, as_published, digest

    print(IMPORTED, file=sys.stderr)
    rules = [p for p in PROPERTIES if p is not as_published]
    for scope, limit in SCOPES:
        if limit is not None and digest() != AS_PUBLISHED:
            return {"how": "published", "by": as_published.name}
        watch = Watch(rules, first=True)
        found = direct.explore(scope, watch=watch, limit=limit or ENDLESS)
        for name in sorted(found.broken, key=lambda name: BY_NAME[name].fault):
            how = "error" if BY_NAME[name].fault else "property"
            return {"how": how, "by": name}
        if found.complete:
            for p in rules:
                verdict, _ = explore.verdict(p, scope, NONE, found)
                if verdict is Verdict.FAILS:
                    return {"how": "property", "by": p.name}
        elif limit is None:
            return {"how": "endless", "by": f"more than {ENDLESS} states with {scope}"}
    for relaxation in Relaxation:
        found = direct.explore(RELAXED, frozenset({relaxation}), watch=Watch(rules))
        for p in rules:
            if (p.name in found.broken) is not (relaxation in p.relaxed_by):
                return {"how": "relaxed", "by": f"{p.name} with {relaxation}"}
    return {"how": "", "by": None}


def fate(mutant: Mutant) -> Fate:
    """Run one mutant in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="orthanc-jobs-mutant-") as folder:
        package = Path(folder, "spec")
        shutil.copytree(ROOT, package, ignore=shutil.ignore_patterns("__pycache__"))
        (package / f"{mutant.module}.py").write_text(mutant.source, encoding="utf-8")
        command = [sys.executable, "-m", "spec.proofs.mutants", "--judge"]
        environment = {**os.environ, "PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Fate(mutant, f"no end within {SECONDS:g} s", "endless")
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        last = lines[-1] if lines else f"status {done.returncode}"
        return Fate(mutant, last, "crash" if IMPORTED in done.stderr else "import")
    found = json.loads(done.stdout)
    return Fate(mutant, found["by"], found["how"])


def run(chosen: Iterable[Mutant], jobs: int, on_fate: Callable[[Fate], None]) -> list[Fate]:
    """The fates of the mutants, ``jobs`` at a time; ``on_fate`` is told of each."""
    fates = []
    with ThreadPoolExecutor(jobs) as pool:
        for found in pool.map(fate, chosen):
            on_fate(found)
            fates.append(found)
    return fates
