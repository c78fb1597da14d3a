"""The mutation check: the list is whole, a mutant is what it says, and faults are noticed.

The whole check takes some minutes and is a command: ``python -m spec.proofs.mutants``.
"""

from __future__ import annotations

import ast
from collections import Counter

import pytest

from spec.proofs import mutants as tool
from spec.proofs.mutants import Fate, Mutant, fate, judge, mutants, report
from spec.table import BOUNDARY, EDGES, MATRIX, Cell, State

EVERY = mutants()


def of(kind: str, module: str = "table") -> list[Mutant]:
    return [m for m in EVERY if (m.module, m.kind) == (module, kind)]


def test_every_row_of_the_table_is_deleted_and_led_astray() -> None:
    assert len(of("edge")) == len(EDGES) * len(State)  # deleted, or to each other state
    cells = len(MATRIX) * 4
    assert len(of("cell")) == cells * (len(Cell) - 1)
    ways = sum(len(triggers) for row in BOUNDARY.values() for triggers in row.values())
    dropped, replaced_or_added = (
        ways,
        sum(
            (6 - len(triggers)) * (len(triggers) + 1)
            for row in BOUNDARY.values()
            for triggers in row.values()
        ),
    )
    assert len(of("boundary")) == dropped + replaced_or_added
    assert len(of("status")) == len(Cell)
    assert len(of("final")) == len(State)


def test_every_condition_of_the_engine_is_changed() -> None:
    """Each line of the engine that has one (but for assertions) is in the list."""
    text = (tool.ROOT / "engine.py").read_text(encoding="utf-8")
    lines = {
        node.test.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.If | ast.IfExp)
    }
    assert lines <= {m.line for m in of("guard", "engine")}
    assert len(of("guard", "relaxations")) > 10


def test_each_mutant_is_another_program() -> None:
    assert len({(m.module, m.source) for m in EVERY}) == len(EVERY)
    assert len({m.name for m in EVERY}) > 0.9 * len(EVERY)
    for mutant in EVERY:
        ast.parse(mutant.source)


def test_the_specification_itself_survives() -> None:
    assert judge() == {"how": "", "by": None}


@pytest.mark.parametrize(
    ("text", "how"),
    [
        ("Edge(RUNNING, PAUSE, PAUSED) leads to FAILURE", {"property"}),
        ("Edge(RETRY, Move.TIMEOUT, PENDING) deleted", {"assertion", "property"}),
        ("column pause is REFUSE", {"property", "published"}),
        ("running < config.workers negated", {"property"}),
        ("p == highest taken for true", {"property"}),
        ("job.state not in FINAL taken for true", {"property"}),
        ("asked is Asked.BOTH dropped", {"relaxed", "property"}),
    ],
)
def test_a_fault_is_noticed(text: str, how: set[str]) -> None:
    chosen = next(m for m in EVERY if text in m.name)
    found = fate(chosen)
    assert found.how in how, found


def test_the_report_names_the_survivors() -> None:
    one = Mutant("engine", 7, "guard", "x negated", "")
    fates = [Fate(one, None, ""), Fate(one, "refinement", "property")]
    lines = list(report(fates))
    assert lines[0].startswith("engine guard")
    assert "1 of    2 noticed" in lines[0]
    assert lines[-1] == "survived: engine:7 guard: x negated"


def test_the_excused_are_mutants() -> None:
    """An excuse for a mutant that is not there is stale."""
    assert set(tool.EQUIVALENT) <= {(m.module, m.change) for m in EVERY}


def test_kinds_are_counted() -> None:
    kinds = Counter((m.module, m.kind) for m in EVERY)
    assert set(kinds) >= {("table", "edge"), ("table", "cell"), ("table", "boundary")}
