"""Nobody states a transition a second time.

`spec/table.py` is the only place that says where a trigger leads. This test reads the source
of everything else under ``spec/`` and ``conformance/`` (but for the reference server, which is
a second implementation by design) and flags each *row*: one literal that puts together where
a job comes from, by what, and where it goes.

What is a row (a "state" or "trigger" is a member, a constant or its name as a string):

* a tuple, list, set or call with states in two of its places and a trigger in any, where one
  of the places holds states only: ``("Pending", "pause", "Paused")``, ``((A, pause), B)``,
  ``add_transition("pause", [A, B], C)``; the values of a dict likewise;
* an item of a dict from a state to states, from a trigger to a state, from a state and a
  trigger to a state or an HTTP status, or from a state to cells of the matrix;
* ``Edge(...)`` with a state in it;
* a branch that tests a state and a trigger and then gives a state;
* a text, no docstring, that draws an arrow from a state to a state.

What is none: states among themselves, a state with its triggers, pairs of both, comparisons.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from spec import table

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "spec" / "table.py"
SECOND_IMPLEMENTATION = ROOT / "conformance" / "reference"

STATE, TRIGGER, CELL, EITHER = "state", "trigger", "cell", "either"
STATES = [str(state) for state in table.State]
TRIGGERS = [str(trigger) for trigger in (*table.Action, *table.Move)]
ARROW = re.compile(
    rf"\b({'|'.join(STATES)})\b[^\w\n]*(-+\w*-*|=+)>[^\w\n]*({'|'.join(STATES)})\b", re.IGNORECASE
)

KINDS_OF_NAME: dict[str, str] = {
    **{trigger.name: TRIGGER for trigger in (*table.Action, *table.Move)},
    **{state.name: STATE for state in table.State},  # RETRY is the state, as in the table
    **dict.fromkeys(table.Cell.__members__, CELL),
}
KINDS_OF_MEMBER = {"State": STATE, "Action": TRIGGER, "Move": TRIGGER, "Cell": CELL}


def kind_of_text(text: str) -> str | None:
    """What ``text`` names; "retry" in lower case is a state or a trigger."""
    if text == str(table.Move.RETRY):
        return EITHER
    if text in STATES or (text.title() in STATES and (text.islower() or text.isupper())):
        return STATE
    return TRIGGER if text in TRIGGERS or (text.isupper() and text.lower() in TRIGGERS) else None


@dataclass
class Rows(ast.NodeVisitor):
    """Collects the rows of one module, as (line, source text)."""

    text: str
    found: list[tuple[int, str]] = field(default_factory=list)
    modules: set[str] = field(default_factory=lambda: {"table"})
    names: dict[str, str] = field(default_factory=dict)

    # -- what an expression names

    def kind(self, node: ast.AST) -> str | None:
        match node:
            case ast.Constant(value=str(text)):
                return kind_of_text(text)
            case ast.Name(id=name):
                return KINDS_OF_NAME.get(self.names.get(name, name))
            case ast.Attribute(value=inner, attr="value" | "name"):
                return self.kind(inner)
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if owner in self.modules:
                return KINDS_OF_NAME.get(name)
            case ast.Attribute(value=ast.Name(id=owner) | ast.Attribute(attr=owner), attr=name):
                kind = KINDS_OF_MEMBER.get(self.names.get(owner, owner))
                return kind if name.isupper() else None
            case ast.Call(func=ast.Attribute(value=inner), args=[], keywords=[]):
                return self.kind(inner)  # State.PENDING.lower()
        return None

    def kinds(self, node: ast.AST) -> list[str]:
        """The kinds of everything that is written out in ``node``, however deep."""
        kind = self.kind(node)
        if kind is not None:
            return [kind]
        return [kind for place in places(node) for kind in self.kinds(place)]

    # -- what is a row

    def is_row(self, parts: Iterable[ast.AST]) -> bool:
        found = [kinds for kinds in map(self.kinds, parts) if kinds]
        either = sum(kinds.count(EITHER) for kinds in found)
        triggers = any(TRIGGER in kinds for kinds in found) or either > 1
        holding = [kinds for kinds in found if STATE in kinds or EITHER in kinds]
        only = [kinds for kinds in holding if TRIGGER not in kinds and CELL not in kinds]
        return triggers and len(holding) >= 2 and bool(only)

    def is_item(self, key: ast.AST, value: ast.AST) -> bool:
        left, right = self.kinds(key), self.kinds(value)
        if not left:
            return False
        from_state, to_states = STATE in left, bool(right) and set(right) == {STATE}
        if TRIGGER in left or EITHER in left:
            status = isinstance(value, ast.Constant) and value.value in (200, 400)
            return to_states or (from_state and (status or STATE in right))
        return to_states or CELL in right or (TRIGGER in right and STATE in right)

    # -- where to look

    def report(self, node: ast.expr | ast.stmt | ast.pattern) -> None:
        lines = ast.get_source_segment(self.text, node) or ""
        self.found.append((node.lineno, " ".join(lines.split())[:80]))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            if node.module == "spec" and alias.name == "table":
                self.modules.add(alias.asname or alias.name)
            if node.module == "spec.table":
                self.names[alias.asname or alias.name] = alias.name

    def visit_Import(self, node: ast.Import) -> None:
        self.modules |= {
            alias.asname for alias in node.names if alias.name == "spec.table" and alias.asname
        }

    def visit_Assign(self, node: ast.Assign) -> None:
        if not any(isinstance(goal, ast.Name) and goal.id == "__all__" for goal in node.targets):
            self.generic_visit(node)

    def sequence(self, node: ast.Tuple | ast.List | ast.Set) -> None:
        if self.is_row(node.elts):
            self.report(node)
        self.generic_visit(node)

    visit_Tuple = visit_List = visit_Set = sequence

    def visit_Call(self, node: ast.Call) -> None:
        name = ast.unparse(node.func).rpartition(".")[2]
        edge = self.names.get(name, name) == "Edge" and STATE in self.kinds(node)
        if edge or self.is_row(places(node)):
            self.report(node)
        self.generic_visit(node)

    def visit_Dict(self, node: ast.Dict) -> None:
        items = [(k, v) for k, v in zip(node.keys, node.values, strict=True) if k is not None]
        if any(self.is_item(key, value) for key, value in items) or self.is_row(node.values):
            self.report(node)
        self.generic_visit(node)

    def visit_DictComp(self, node: ast.DictComp) -> None:
        if self.is_item(node.key, node.value):
            self.report(node)
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        self.branch(node, node.test, node.body)

    def visit_match_case(self, node: ast.match_case) -> None:
        self.branch(node.pattern, node.pattern, node.body)
        for part in node.body:
            self.visit(part)

    def branch(self, node: ast.stmt | ast.pattern, test: ast.AST, body: list[ast.stmt]) -> None:
        tested = {kind for part in ast.walk(test) if (kind := self.kind(part))}
        given = [
            part.value
            for part in body
            if isinstance(part, ast.Return | ast.Assign) and part.value is not None
        ]
        if {STATE, TRIGGER} <= tested and any(self.kind(value) == STATE for value in given):
            self.report(node)
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # a docstring is prose
            self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and ARROW.search(node.value):
            self.report(node)


def places(node: ast.AST) -> list[ast.expr]:
    """The parts of a literal or a call, one level down."""
    match node:
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            return parts
        case ast.Dict(keys=keys, values=values):
            return [*(key for key in keys if key is not None), *values]
        case ast.Call(args=args, keywords=keywords):
            return [*args, *(keyword.value for keyword in keywords)]
        case ast.Starred(value=part):
            return [part]
    return []


def rows(text: str) -> list[tuple[int, str]]:
    visitor = Rows(text)
    visitor.visit(ast.parse(text))
    return sorted(set(visitor.found))


def modules() -> Iterator[Path]:
    for folder in ("spec", "conformance"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if path != SOURCE and SECOND_IMPLEMENTATION not in path.parents:
                yield path


@pytest.mark.parametrize("path", list(modules()), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_states_a_transition(path: Path) -> None:
    found = [f"{path}:{line}: {text}" for line, text in rows(path.read_text(encoding="utf-8"))]
    assert not found, "derive it from spec/table.py:\n" + "\n".join(found)


def test_the_table_itself_is_full_of_rows() -> None:
    """The rule sees what it is meant to see: each edge, the matrix, and nothing else."""
    found = [text for _, text in rows(SOURCE.read_text(encoding="utf-8"))]
    assert sum(text.startswith("Edge(") for text in found) == len(table.EDGES)
    assert len(found) == len(table.EDGES) + 1, found


SMUGGLED = [
    "T = ('Pending', 'pause', 'Paused')",
    "T = ['pending', 'pause', 'paused']",
    "T = ('running', 'retry', 'retry')",
    "T = (PENDING, PAUSE, PAUSED)",
    "T = [(State.PENDING, Action.PAUSE, State.PAUSED)]",
    "T = (table.RETRY, Move.TIMEOUT, table.PENDING)",
    "T = (State('Pending'), Action('pause'), State('Paused'))",
    "T = (State.PENDING.value, 'pause', State.PAUSED.lower())",
    "T = ((PENDING, PAUSE), PAUSED)",
    "T = (PENDING, [(PAUSE, PAUSED), (CANCEL, FAILURE)])",
    "T = ({PENDING, RUNNING}, PAUSE, {PAUSED})",
    "T = (PAUSED, PAUSE, PAUSED)",
    "Edge(PENDING, PAUSE, PAUSED)",
    "Edge(None, Move.SUBMIT, PENDING)",
    "table.Edge(source=None, trigger=trigger, target=State.PENDING)",
    "machine.add_transition('pause', 'Pending', 'Paused')",
    "machine.add_transition('pause', ['Pending', 'Running'], 'Paused')",
    "machine.add_transition(trigger='pause', source='Pending', dest='Paused')",
    "T = dict(trigger='pause', source='Pending', dest='Paused')",
    "T = {'trigger': 'pause', 'source': 'Pending', 'dest': 'Paused'}",
    "T = {(PENDING, 'cancel'): FAILURE}",
    "T = {(PENDING, CANCEL): (200, FAILURE)}",
    "T = {('Pending', 'resume'): 400}",
    "T = {PENDING: {'pause': PAUSED}}",
    "T = {'pause': {PENDING: PAUSED}}",
    "T = {PENDING: PAUSED}",
    "T = {'Pending': ['Running', 'Paused', 'Failure']}",
    "T = {PAUSE: PAUSED, CANCEL: FAILURE}",
    "T = {PENDING: (EDGE, EDGE, REFUSE, REFUSE)}",
    "T = {State.PENDING: {Action.CANCEL: Cell.EDGE}}",
    "from spec.table import PENDING as A, PAUSE as b, PAUSED as C\nT = (A, b, C)",
    "from spec import table as t\nT = (t.PENDING, t.PAUSE, t.PAUSED)",
    "import spec.table as t\nT = (t.PENDING, t.PAUSE, t.PAUSED)",
    "from spec.table import Edge as Arrow\nArrow(PENDING, trigger, PAUSED)",
    "if state is PENDING and action is PAUSE:\n    state = PAUSED",
    "def f(s, a):\n    if s == 'Pending' and a == 'pause':\n        return 'Paused'",
    "def f(s, a):\n    match s, a:\n        case State.PENDING, Action.PAUSE:\n"
    "            return State.PAUSED",
    "T = 'digraph { Pending -> Paused }'",
    "T = 'Pending --> Paused: pause'",
    "T = 'Pending --pause--> Paused'",
]

ORDINARY = [
    "ACTIVE = {PENDING, RUNNING, RETRY}",
    "S = ['Pending', 'Running', 'Retry', 'Paused', 'Success', 'Failure']",
    "S = ['pending', 'running', 'retry', 'paused', 'success', 'failure']",
    "S = (State.PENDING, State.PAUSED)",
    "A = ['cancel', 'pause', 'resume', 'resubmit']",
    "A = ['submit', 'start', 'succeed', 'fail', 'retry', 'timeout']",
    "ok = state in (PENDING, RUNNING) and action is PAUSE",
    "ok = job.state is State.PAUSED or job.state is State.PENDING",
    "if state is PAUSED:\n    action = RESUME",
    "if state is PENDING and action is PAUSE:\n    wait()",
    "if not done and state is RUNNING:\n    state = PAUSED",
    "goal = target(PENDING, PAUSE)",
    "found = cell(State.RUNNING, Action.CANCEL)",
    "cells = [(PENDING, PAUSE), (RUNNING, PAUSE), (RETRY, CANCEL)]",
    "run(PAUSE, [PENDING, RUNNING])",
    "T = {PENDING: 'waits', RUNNING: 'works', PAUSED: 'rests'}",
    "T = {State.PENDING: [Action.CANCEL, Action.PAUSE]}",
    "T = {Action.CANCEL: 'Cancelling', Action.PAUSE: 'Pausing'}",
    "T = {Move.SUBMIT: 'A job is {target}.'}",
    "T = {PENDING: Need.EXCLUSIVE, RETRY: Need.RETRY}",
    "T = (Asked.PAUSE, Ended.RETRY, ErrorCode.SUCCESS)",
    "T = {edge.source: edge.target for edge in EDGES}",
    "T = {(edge.source, edge.trigger): edge.target for edge in EDGES}",
    "T = {'State': 'Running', 'Progress': 33, 'timeout': 5}",
    "T = {'status': 400}",
    "requirement('edge/pending/paused/pause')",
    "__all__ = ['PENDING', 'PAUSE', 'PAUSED']",
    "from spec.table import PENDING, PAUSE, PAUSED",
    "def f():\n    '''Pending -> Paused by pause.'''",
    "text = 'a Pending job may become Paused'",
    "label = f'{edge.source} -> {edge.target}'",
]


@pytest.mark.parametrize("text", SMUGGLED)
def test_a_smuggled_row_is_caught(text: str) -> None:
    assert rows(text)


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_code_is_not_flagged(text: str) -> None:
    assert rows(text) == []


def test_the_scan_covers_the_code() -> None:
    """An empty scan would pass as well."""
    scanned = list(modules())
    assert ROOT / "spec" / "engine.py" in scanned
    assert SOURCE not in scanned
