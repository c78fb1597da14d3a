"""One move of the engine, and what is said of it: in words, by the table, as owed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from spec.lookup import sources
from spec.proofs.smt.frame import Frame, present, within
from spec.proofs.smt.solver import Term, z3
from spec.proofs.smt.world import World
from spec.table import ACTIONS, MATRIX, Action, Asked, Cell, Ended, State, Trigger, cell, target


@dataclass(frozen=True, slots=True)
class Rule:
    """One move of one job. ``words`` say it, with ``{job}`` for the mover.

    ``guards`` say when it is possible. ``facts`` are about the unknowns that it draws (the back
    of the queue, who is evicted); some choice always satisfies them.
    ``trigger``: of the edge that it takes. ``action``, ``on``, ``status``: an action, on a job in
    which state, and its answer. ``runs``: a move of the job's worker, or of the peer that it
    waits for. ``branches``: what must be possible in it, by name.
    """

    name: str
    words: str
    guards: tuple[Term, ...]
    after: Frame
    facts: tuple[Term, ...] = ()
    trigger: Trigger | None = None
    action: Action | None = None
    on: State | str | None = None
    status: int | None = None
    begins: bool = False
    runs: bool = False
    branches: Mapping[str, Term] | None = None

    @property
    def accepted(self) -> Action | None:
        return self.action if self.status == 200 else None


ENDED = {
    Ended.MORE: "at a step boundary, more to come",
    Ended.LAST: "the last step has succeeded",
    Ended.FAILED: "the step has failed",
    Ended.RETRY: "the step has asked for a retry",
}


ASKED = {
    Asked.NOTHING: "",
    Asked.PAUSE: ", asked to pause",
    Asked.CANCEL: ", asked to cancel",
    Asked.BOTH: ", asked to pause and to cancel",
}


def edge_words(source: State | None, trigger: Trigger) -> str:
    label = f"{trigger.title()}()" if isinstance(trigger, Action) else str(trigger)
    goal = target(source, trigger)
    if goal is None:
        return f"the engine takes {label!r}, which is no published edge"
    return f"the engine takes the edge {label} to {goal}"


def the_cell(state: State | str, action: Action) -> Cell | None:
    """The cell of the matrix, or None where a faulty table has none."""
    row = MATRIX.get(state, ())
    return cell(state, action) if ACTIONS.index(action) < len(row) else None


def cancel_due(world: World, pre: Frame, rule: Rule, job: Term) -> Term:
    """A cancel is answered 200 in Pending, Running, Retry or Paused: from now on it is owed."""
    return _due(world, pre, rule, job, Action.CANCEL)


def pause_due(world: World, pre: Frame, rule: Rule, job: Term) -> Term:
    """A pause is answered 200 in Pending, Running or Retry."""
    return _due(world, pre, rule, job, Action.PAUSE)


def _due(world: World, pre: Frame, rule: Rule, job: Term, action: Action) -> Term:
    if rule.accepted is not action:
        return world.false
    heard = [state for state in State if state in sources(action)]
    return z3.And(present(world, pre, job), within(world, pre, job, *heard))
