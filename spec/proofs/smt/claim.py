"""What a property is here: a sentence on a state, a move, or what is possible in a state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from spec.proofs.smt.frame import Frame
from spec.proofs.smt.invariant import OfJobs
from spec.proofs.smt.rule import Rule
from spec.proofs.smt.solver import Term
from spec.proofs.smt.world import World


class Step(NamedTuple):
    """One move, and two arbitrary jobs beside its mover (or the mover itself)."""

    world: World
    pre: Frame
    rule: Rule
    post: Frame
    job: Term
    k: Term
    m: Term


class Node(NamedTuple):
    """A state, with all moves that two arbitrary jobs could make in it."""

    world: World
    frame: Frame
    jobs: tuple[Term, ...]  # the named ones
    k: Term
    m: Term
    of_k: tuple[Rule, ...]
    of_m: tuple[Rule, ...]


Said: TypeAlias = tuple[Term, Term]  # (when, then): a claim, apart from its antecedent


@dataclass(frozen=True, slots=True)
class Claim:
    """One property, by its name in `spec.properties`: of each state, of each move, or of a node.

    ``uses``: the conjuncts that it is concluded from. ``rests_on``: claims that belong to it.
    ``node`` names each of its parts. ``symbolic``: it is decided over the table as well.
    """

    name: str
    uses: tuple[str, ...] = ()
    state: OfJobs | None = None
    move: Callable[[Step], Said] | None = None
    node: Callable[[Node], Mapping[str, Said]] | None = None
    rests_on: tuple[str, ...] = ()
    symbolic: bool = False
