"""The proofs: three engines that check `spec.properties` and share no code beyond the tables.

    explore   every reachable engine of a scope, breadth-first over `spec.engine`
    smt       induction with z3, for any number of jobs, steps and priorities
    spin      a generated Promela model, with the *eventually* properties as LTL

This module holds the words that the three have in common: what a scope is, and what was found.
Each engine is a module with one function,

    def check(scope: Scope, admitted: frozenset[Relaxation]) -> Iterator[Checked]

which yields a `Checked` for each property that it decides, in the order in which they are
decided, and raises `NotInstalled` before the first where a tool that it needs is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from spec.properties import Modality


@dataclass(frozen=True, slots=True)
class Scope:
    """How large the engines are that are looked at. Each number is at least 1, but ``history``.

    ``jobs``: submissions in all. ``workers``: ConcurrentJobs. ``history``: JobsHistorySize.
    ``priorities``: a job has one of the priorities 0 to ``priorities`` - 1.
    ``steps``: a job has 1 to ``steps`` steps.
    """

    jobs: int = 3
    workers: int = 2
    history: int = 2
    priorities: int = 2
    steps: int = 2

    def __post_init__(self) -> None:
        if min(self.jobs, self.workers, self.priorities, self.steps) < 1 or self.history < 0:
            raise ValueError(f"a scope needs at least one of each, and a history: {self}")

    def __str__(self) -> str:
        priorities = "1 priority" if self.priorities == 1 else f"{self.priorities} priorities"
        return (
            f"{_counted(self.jobs, 'job')}, {_counted(self.workers, 'worker')},"
            f" history {self.history}, {priorities}, {_counted(self.steps, 'step')}"
        )


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


DEFAULT = Scope()
ANY = "any"  # the scope of a proof that holds for every number of jobs, steps and priorities


class ProofEngine(StrEnum):
    """What checks a property."""

    EXPLORE = "explore"
    SMT = "smt"
    SPIN = "spin"


class Verdict(StrEnum):
    """What came out. `NOT_RUN`: this engine does not decide the property, or not in this scope."""

    HOLDS = "holds"
    FAILS = "fails"
    UNKNOWN = "unknown"
    NOT_RUN = "not-run"


@dataclass(frozen=True, slots=True)
class Checked:
    """One property, checked by one engine.

    ``states``: how many were visited for it; 0 where an engine visits none. ``evidence``: in
    the domain's words, what broke it. ``replay``: a run that shows it, in the replay format;
    the caller writes it to a file, whose name the report bears as ``counterexample``.
    """

    name: str
    modality: Modality
    engine: ProofEngine
    scope: str
    verdict: Verdict
    states: int = 0
    seconds: float = 0.0
    evidence: str = ""
    replay: Mapping[str, Any] | None = None

    def to_json(self, counterexample: str | None = None) -> dict[str, Any]:
        """The entry of the report. ``counterexample``: the file that has ``replay``."""
        return {
            "name": self.name,
            "modality": self.modality.value,
            "engine": self.engine.value,
            "scope": self.scope,
            "verdict": self.verdict.value,
            "states": self.states,
            "seconds": round(self.seconds, 3),
            "counterexample": counterexample,
        }


class NotInstalled(Exception):
    """A proof engine lacks a tool that it needs; the message names it."""
