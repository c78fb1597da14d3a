"""What everything is said in: z3's sorts, the configuration, what is admitted and left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from spec.proofs.smt.solver import Term, z3
from spec.relaxations import Relaxation
from spec.table import FINAL, Action, Asked, Cell, ErrorCode, Move, State, Trigger, target

# The parts of the engine that a self-test may leave out.
PARTS: Mapping[str, str] = {
    "start-needs-a-worker": "A job starts only while fewer jobs than ConcurrentJobs are Running.",
    "start-needs-the-queue": "A job starts only out of the queue.",
    "start-highest-first": "A job starts only if no queued job has a higher priority.",
    "start-first-among-equals": "Of equal priorities, the one at the front of the queue starts.",
    "start-leaves-the-queue": "A job that starts is taken out of the queue.",
    "start-clears-the-error": "A job that starts has no error.",
    "enqueue-at-the-back": "A job that becomes Pending is queued behind all others.",
    "act-leaves-the-queue": "An action that takes a job to another state takes it off the queue.",
    "act-on-what-is-there": "An action on a job that is gone is one on an unknown id.",
    "resubmit-leaves-the-history": "A resubmitted job is taken out of the history.",
    "ask-adds-up": "A second request is kept beside the first.",
    "look-at-what-was-asked": "Before a step, the worker looks at what the job was asked for.",
    "leave-ends-the-requests": "What a job was asked for ends with the run.",
    "fail-after-a-failed-step": "A failed step's error is shown only after a step has failed.",
    "timeout-from-retry": "Only a job in Retry times out.",
    "complete-enters-the-history": "A completed job enters the history.",
    "complete-evicts-the-surplus": "What the history has no room for is evicted.",
    "evict-from-the-history": "Only jobs of the history are evicted.",
    "evict-the-oldest": "The oldest jobs of the history are evicted first.",
}


class Phase(StrEnum):
    """Where the worker of a job stands; IDLE where there is none."""

    IDLE = "idle"
    READY = "ready"  # about to look at what was asked for
    SENT = "sent"  # the step's POST is on its way
    HELD = "held"  # it has arrived, and waits for the peer's reply
    SUCCEEDED = "succeeded"  # the peer has replied; nothing of it is published
    FAILED = "failed"
    FAILURE_SHOWN = "failure-shown"  # the failed step's error is published
    RETRYING = "retrying"


REQUESTS = tuple(action for action in Action if action.value in list(Asked))
NOWHERE = "nowhere"  # where a trigger without an edge would lead
NEW = "new"  # not submitted yet


class World:
    """The sorts, the configuration, and what is admitted or left out."""

    def __init__(self, admit: frozenset[Relaxation], without: frozenset[str], jobs: int = 0):
        self.admit, self.without = admit, without
        self.ctx = z3.Context()
        self.names: dict[str, str] = {}
        self.at: dict[State | str | None, Term] = self.enumeration(
            "State", {**{s: s.value for s in State}, None: NEW, NOWHERE: NOWHERE}
        )
        self.phase: dict[Phase, Term] = self.enumeration("Phase", {p: p.value for p in Phase})
        self.asked: dict[Asked, Term] = self.enumeration("Asked", {a: a.value for a in Asked})
        self.error: dict[ErrorCode, Term] = self.enumeration(
            "Error", {e: e.name for e in ErrorCode}
        )
        self.trigger: dict[Trigger, Term] = self.enumeration(
            "Trigger", {trigger: trigger.value for trigger in (*Action, *Move)}
        )
        self.kind: dict[Cell, Term] = self.enumeration("Cell", {c: c.name for c in Cell})
        self.universe: tuple[Term, ...] = ()
        if jobs:
            letters = "ABCDEFGH"[:jobs]
            self.universe = tuple(
                self.enumeration("Job", {c: f"job {c}" for c in letters}).values()
            )
            self.job_sort = self.universe[0].sort()
        else:
            self.job_sort = z3.DeclareSort("Job", self.ctx)
        self.workers = z3.Int("workers", self.ctx)
        self.size = z3.Int("size", self.ctx)
        self.retries = z3.Bool("retries", self.ctx)
        self.configured = z3.And(self.workers >= 1, self.size >= 0)
        self.true, self.false = z3.BoolVal(True, self.ctx), z3.BoolVal(False, self.ctx)

    def enumeration(self, name: str, values: Mapping[Any, str]) -> dict[Any, Term]:
        labels = [f"{name}.{value}" for value in values.values()]
        _, constants = z3.EnumSort(name, labels, self.ctx)
        self.names |= dict(zip(labels, values.values(), strict=True))
        return dict(zip(values, constants, strict=True))

    def keeps(self, part: str) -> bool:
        return part not in self.without

    def all(self, parts: Iterable[Term]) -> Term:
        found = list(parts)
        return z3.And(*found) if len(found) > 1 else found[0] if found else self.true

    def any(self, parts: Iterable[Term]) -> Term:
        found = list(parts)
        return z3.Or(*found) if len(found) > 1 else found[0] if found else self.false

    def int(self, name: str) -> Term:
        return z3.Int(name, self.ctx)

    def bool(self, name: str) -> Term:
        return z3.Bool(name, self.ctx)

    def job(self, name: str) -> Term:
        return z3.Const(name, self.job_sort)

    def completed(self, state: Term) -> Term:
        return self.any(state == self.at[final] for final in State if final in FINAL)

    def leads_to(self, state: Term, trigger: Trigger) -> Term:
        """Where the table's edge of ``trigger`` leads to from ``state``."""
        found = self.at[NOWHERE]
        for source in (None, *State):
            goal = target(source, trigger)
            if goal is not None:
                found = z3.If(state == self.at[source], self.at[goal], found)
        return found
