"""The published table as relations over symbolic states and triggers."""

from __future__ import annotations

from collections.abc import Iterator

from spec.proofs.smt.rules import the_cell
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
    """The tables as relations over symbolic states and triggers: what must be valid of them."""
    trigger_at, kind_at = world.trigger, world.kind
    s, x, y = (z3.Const(f"{name}.{v}", world.at[None].sort()) for v in "sxy")
    t = z3.Const(f"{name}.t", trigger_at[Move.START].sort())
    c, d = (z3.Const(f"{name}.{v}", kind_at[EDGE].sort()) for v in "cd")

    def edge(to: Term) -> Term:
        return world.any(
            z3.And(s == world.at[e.source], t == trigger_at[e.trigger], to == world.at[e.target])
            for e in EDGES
        )

    def answers(kind: Term) -> Term:
        return world.any(
            z3.And(s == world.at[state], t == trigger_at[action], kind == kind_at[found])
            for state in State
            for action in ACTIONS
            if (found := the_cell(state, action)) is not None
        )

    is_action = world.any(t == trigger_at[action] for action in ACTIONS)
    is_state = z3.And(s != world.at[None], s != world.at[NOWHERE])
    some_edge = world.any(edge(world.at[state]) for state in State)
    some_answer = world.any(answers(kind) for kind in kind_at.values())
    takes = z3.Or(answers(kind_at[EDGE]), answers(kind_at[ASK]))
    if name == "refinement":
        born = z3.And(t == trigger_at[Move.SUBMIT], edge(x))
        return {
            "table/one-edge-a-trigger": z3.Implies(z3.And(edge(x), edge(y)), x == y),
            "table/edges-join-states": z3.Implies(
                edge(x), z3.And(x != world.at[None], x != world.at[NOWHERE])
            ),
            "table/edges-change-the-state": z3.Implies(edge(x), s != x),
            "table/born-by-submit": z3.Implies(edge(x), (s == world.at[None]) == born),
        }
    ways = [
        (ended, trigger)
        for asked in Asked
        for ended in Ended
        for trigger in BOUNDARY.get(asked, {}).get(ended, ()) or (None,)
    ]
    left = [
        trigger is not None and (ended is Ended.MORE if trigger == STAY else any(_leaves(trigger)))
        for ended, trigger in ways
    ]
    return {
        "table/total": z3.Implies(z3.And(is_state, is_action), some_answer),
        "table/deterministic": z3.Implies(z3.And(answers(c), answers(d)), c == d),
        "table/edges-as-published": z3.Implies(z3.And(is_state, is_action), takes == some_edge),
        "table/asks-only-running": z3.Implies(
            is_state,
            z3.Implies(
                is_action, answers(kind_at[ASK]) == z3.And(some_edge, s == world.at[State.RUNNING])
            ),
        ),
        "table/unknown-refuses": z3.BoolVal(
            all(the_cell(UNKNOWN, action) is Cell.REFUSE for action in ACTIONS), world.ctx
        ),
        "table/every-step-ends": z3.BoolVal(all(left), world.ctx),
    }


def _leaves(trigger: Trigger | str | None) -> Iterator[bool]:
    for edge in EDGES:
        if edge.trigger == trigger and edge.source is State.RUNNING:
            yield True
