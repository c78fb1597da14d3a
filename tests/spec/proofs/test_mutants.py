"""The mutation check: the list is whole, a mutant is what it says, and faults are noticed.

The whole check takes some minutes and is a command: ``python -m spec.proofs.mutants``.
"""

from __future__ import annotations

import ast
import os
from collections import Counter
from functools import cache

import pytest

from spec.proofs.mutants.judging import EQUIVALENT, Fate, judge, run
from spec.proofs.mutants.making import ROOT, Mutant, made
from spec.proofs.mutants.report import report, share
from spec.table import BOUNDARY, EDGES, MATRIX, Cell, State

pytestmark = pytest.mark.usefixtures("considerate")


@cache
def every() -> list[Mutant]:
    """All of them: some seconds of work, and not for who only collects the tests."""
    return made()


def of(kind: str, module: str = "table") -> list[Mutant]:
    return [m for m in every() if (m.module, m.kind) == (module, kind)]


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
    text = (ROOT / "engine.py").read_text(encoding="utf-8")
    lines = {
        node.test.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.If | ast.IfExp)
    }
    assert lines <= {m.line for m in of("guard", "engine")}


def test_of_the_relaxations_only_what_the_engine_asks_is_changed() -> None:
    """Names and their texts are no rules."""
    tree = ast.parse((ROOT / "relaxations.py").read_text(encoding="utf-8"))
    (rule,) = (
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name == "taken_for"
    )
    assert rule.end_lineno is not None
    within = range(rule.lineno, rule.end_lineno + 1)
    assert of("guard", "relaxations")
    assert {m.line for m in of("guard", "relaxations")} <= set(within)


def test_each_mutant_is_another_program() -> None:
    assert len({(m.module, m.source) for m in every()}) == len(every())
    assert len({m.name for m in every()}) > 0.9 * len(every())
    for mutant in every():
        ast.parse(mutant.source)


@pytest.mark.long
def test_the_specification_itself_survives() -> None:
    assert judge() == {"how": "", "by": None}


NOTICED = {
    "Edge(RUNNING, PAUSE, PAUSED) leads to FAILURE": {"property"},
    "Edge(RETRY, Move.TIMEOUT, PENDING) deleted": {"import", "error", "property"},
    "runs is None dropped, of a larger condition": {"error"},
    "config.workers is None dropped, of a larger condition": {"error"},
    "column pause is REFUSE": {"property", "published"},
    "running < config.workers negated": {"property"},
    "p == highest taken for true": {"property"},
    "job.state not in FINAL taken for true": {"property"},
    "asked is Asked.BOTH dropped": {"relaxed", "property"},
}


@pytest.fixture(scope="module")
def fates() -> dict[str, Fate]:
    """What became of a mutant with each text in its name: on all cores."""
    chosen = [next(m for m in every() if text in m.name) for text in NOTICED]
    found = run(chosen, os.cpu_count() or 1, lambda one: None)
    return dict(zip(NOTICED, found, strict=True))


@pytest.mark.long
@pytest.mark.parametrize(("text", "how"), NOTICED.items())
def test_a_fault_is_noticed(text: str, how: set[str], fates: dict[str, Fate]) -> None:
    assert fates[text].how in how, fates[text]


def test_the_report_names_the_survivors() -> None:
    one = Mutant("engine", 7, "guard", "x negated", "")
    fates = [Fate(one, None, ""), Fate(one, "refinement", "property")]
    lines = list(report(fates))
    assert lines[0].startswith("engine guard")
    assert "1 of    2 noticed, 1 by a property, 0 otherwise" in lines[0]
    assert lines[-1] == "survived: engine:7 guard: x negated"


def test_the_share_is_of_the_engines_guards_and_what_a_property_noticed() -> None:
    one, other = (Mutant(module, 7, "guard", "", "") for module in ("engine", "table"))
    assert share([]) == 1.0
    assert share([Fate(one, "x", "property"), Fate(one, "x", "error")]) == 1.0
    assert share([Fate(one, "x", "property"), Fate(one, "x", "crash")]) == 0.5
    assert share([Fate(one, "x", "relaxed"), Fate(other, None, "")]) == 1.0


def test_the_excused_are_mutants() -> None:
    """An excuse for a mutant that is not there is stale."""
    assert set(EQUIVALENT) <= {(m.module, m.change) for m in every()}


def test_kinds_are_counted() -> None:
    kinds = Counter((m.module, m.kind) for m in every())
    assert set(kinds) >= {("table", "edge"), ("table", "cell"), ("table", "boundary")}
