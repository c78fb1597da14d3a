"""The published table as relations over symbolic states and triggers."""

from __future__ import annotations

from collections.abc import Iterator

from spec.proofs.smt.rule import the_cell
from spec.proofs.smt.solver import Term, z3
from spec.proofs.smt.world import NOWHERE, World
from spec.table import (
    ACTIONS,
    ASK,
    BOUNDARY,
    EDGE,
    EDGES,
    STAY,
    UNKNOWN,
    Asked,
    Cell,
    Ended,
    Move,
    State,
    Trigger,
)


def symbolic_table(world: World, name: str) -> dict[str, Term]:
    """What must be valid of the tables for the claim called ``name``."""
    table = _Relations(world, name)
    return table.refinement() if name == "refinement" else table.total()


class _Relations:
    """The tables as relations over a symbolic state and trigger."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.s, self.x, self.y = (z3.Const(f"{name}.{v}", world.at[None].sort()) for v in "sxy")
        self.t = z3.Const(f"{name}.t", world.trigger[Move.START].sort())
        self.c, self.d = (z3.Const(f"{name}.{v}", world.kind[EDGE].sort()) for v in "cd")

    def edge(self, to: Term) -> Term:
        """The trigger leads from the state to ``to``."""
        at, trigger = self.world.at, self.world.trigger
        return self.world.any(
            z3.And(self.s == at[e.source], self.t == trigger[e.trigger], to == at[e.target])
            for e in EDGES
        )

    def answers(self, kind: Term) -> Term:
        """The trigger is an action, and its cell for the state is ``kind``."""
        world = self.world
        return world.any(
            z3.And(
                self.s == world.at[state],
                self.t == world.trigger[action],
                kind == world.kind[found],
            )
            for state in State
            for action in ACTIONS
            if (found := the_cell(state, action)) is not None
        )

    def refinement(self) -> dict[str, Term]:
        """A trigger has one edge at most from a state; it changes the state, or gives birth."""
        at, s, x, y = self.world.at, self.s, self.x, self.y
        edge = self.edge
        born = z3.And(self.t == self.world.trigger[Move.SUBMIT], edge(x))
        return {
            "table/one-edge-a-trigger": z3.Implies(z3.And(edge(x), edge(y)), x == y),
            "table/edges-join-states": z3.Implies(edge(x), z3.And(x != at[None], x != at[NOWHERE])),
            "table/edges-change-the-state": z3.Implies(edge(x), s != x),
            "table/born-by-submit": z3.Implies(edge(x), (s == at[None]) == born),
        }

    def total(self) -> dict[str, Term]:
        """Each action has one answer in each state, the figure's; and each step a way out."""
        world, s = self.world, self.s
        at, kind = world.at, world.kind
        answers = self.answers
        is_action = world.any(self.t == world.trigger[action] for action in ACTIONS)
        is_state = z3.And(s != at[None], s != at[NOWHERE])
        some_edge = world.any(self.edge(at[state]) for state in State)
        some_answer = world.any(answers(one) for one in kind.values())
        takes = z3.Or(answers(kind[EDGE]), answers(kind[ASK]))
        asks = z3.Implies(
            is_action, answers(kind[ASK]) == z3.And(some_edge, s == at[State.RUNNING])
        )
        refuses = all(the_cell(UNKNOWN, action) is Cell.REFUSE for action in ACTIONS)
        return {
            "table/total": z3.Implies(z3.And(is_state, is_action), some_answer),
            "table/deterministic": z3.Implies(
                z3.And(answers(self.c), answers(self.d)), self.c == self.d
            ),
            "table/edges-as-published": z3.Implies(z3.And(is_state, is_action), takes == some_edge),
            "table/asks-only-running": z3.Implies(is_state, asks),
            "table/unknown-refuses": z3.BoolVal(refuses, world.ctx),
            "table/every-step-ends": z3.BoolVal(_every_step_ends(), world.ctx),
        }


def _every_step_ends() -> bool:
    """Each way out of a step leaves Running by an edge, or stays where more steps are to come."""
    ways = [
        (ended, trigger)
        for asked in Asked
        for ended in Ended
        for trigger in BOUNDARY.get(asked, {}).get(ended, ()) or (None,)
    ]
    return all(
        trigger is not None and (ended is Ended.MORE if trigger == STAY else any(_leaves(trigger)))
        for ended, trigger in ways
    )


def _leaves(trigger: Trigger | str | None) -> Iterator[bool]:
    for edge in EDGES:
        if edge.trigger == trigger and edge.source is State.RUNNING:
            yield True
