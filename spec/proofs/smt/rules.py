"""The moves of the engine, a rule for each: guards, and the state after."""

from __future__ import annotations

from collections.abc import Iterator

from spec.proofs.smt.client import Client
from spec.proofs.smt.frame import Frame
from spec.proofs.smt.rule import Rule
from spec.proofs.smt.solver import Term
from spec.proofs.smt.worker import Worker
from spec.proofs.smt.world import World


def moves(
    world: World, pre: Frame, job: Term, jobs: tuple[Term, ...], tag: str = ""
) -> Iterator[Rule]:
    """All moves of ``job`` from ``pre``; universal guards are told of the named ``jobs``.

    Every number and predicate that a move draws is named after ``tag``.
    """
    yield from Client(world, pre, job, jobs, tag).moves()
    yield from Worker(world, pre, job, jobs, tag).moves()
