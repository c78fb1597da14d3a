"""Nobody states a transition a second time.

`spec/table.py` is the only place that says where a trigger leads. This reads the source of all
else under ``spec/`` and ``conformance/`` (but for the reference server, which is a second
implementation by design) and flags each literal that puts together where a job comes from, by what,
and where it goes. A state that is named for itself is none, nor is a state with what is done in it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from spec import table
from tests.rooms import MODULES, ROOT

SOURCE = ROOT / "spec" / "table.py"
SECOND_IMPLEMENTATION = ROOT / "conformance" / "reference"
TRIGGERS = {trigger.name for trigger in (*table.Action, *table.Move)}
KINDS = (
    dict.fromkeys(TRIGGERS, "trigger")
    | dict.fromkeys(table.State.__members__, "state")  # RETRY is the state, as in the table
    | dict.fromkeys(table.Cell.__members__, "cell")
)
OWNERS = {"State", "Action", "Move", "Cell", *KINDS}  # of names that are meant: State.PAUSED
STATE = "|".join(table.State)
ARROW = re.compile(rf"\b({STATE})\b[^\w\n]*(-+\w*-*|=+)>[^\w\n]*({STATE})\b", re.IGNORECASE)


def kinds(node: ast.AST) -> list[str]:
    """Of which kind each thing is that is written out in ``node``, however deep."""
    match node:
        case ast.Constant(value=str(text)) if text.upper() not in table.Cell.__members__:
            found = KINDS.get(text.upper())
        case ast.Name(id=name):
            found = KINDS.get(name)
        case ast.Attribute(value=ast.Name(id="Move" | "Action"), attr=name) if name in TRIGGERS:
            found = "trigger"
        case ast.Attribute(value=ast.Name(id=owner)) if owner[0].isupper() and owner not in OWNERS:
            found = None  # others have members of these names, too
        case ast.Attribute(value=inner, attr=name):
            found = KINDS.get(name) or next(iter(kinds(inner)), None)  # State.PAUSED.value
        case ast.Call(func=ast.Attribute(value=inner), args=[]) if kinds(inner):
            return kinds(inner)  # State.PAUSED.lower()
        case _:
            return [kind for place in places(node) for kind in kinds(place)]
    return [found] if found else []


def places(node: ast.AST) -> list[ast.expr]:
    """The parts of a literal or a call, one level down."""
    match node:
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            return parts
        case ast.Dict(keys=keys, values=values):
            return [*(key for key in keys if key is not None), *values]
        case ast.Call(args=args, keywords=keywords):
            return [*args, *(keyword.value for keyword in keywords)]
    return []


def is_row(parts: Iterable[ast.AST]) -> bool:
    """States in two places, one of which holds nothing else, and a trigger in any."""
    found = [set(kinds(part)) for part in parts]
    holding = [each for each in found if "state" in each]
    return len(holding) > 1 and {"state"} in holding and any("trigger" in each for each in found)


def is_item(key: ast.AST, value: ast.AST) -> bool:
    """From a state or a trigger to states; from a state to cells, or to triggers and states."""
    left, right = set(kinds(key)), set(kinds(value))
    if left == {"state", "trigger"} and isinstance(value, ast.Constant):
        return value.value in (200, 400) or right == {"state"}
    if "state" in left:
        return "cell" in right or right in ({"state"}, {"state", "trigger"})
    return bool(left) and right == {"state"}


def states_a_transition(node: ast.AST) -> bool:
    match node:
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            return is_row(parts)
        case ast.Call(func=function):
            edge = ast.unparse(function).split(".")[-1] == "Edge" and "state" in kinds(node)
            return edge or is_row(places(node))
        case ast.Dict(keys=keys, values=values):
            items = zip(keys, values, strict=True)
            return is_row(values) or any(k is not None and is_item(k, v) for k, v in items)
        case ast.DictComp(key=key, value=value):
            return is_item(key, value)
        case ast.If(test=tested, body=body) | ast.match_case(pattern=tested, body=body):
            both = {kind for part in ast.walk(tested) for kind in kinds(part)}
            gives = [one for one in body if isinstance(one, ast.Return | ast.Assign)]
            return both >= {"state", "trigger"} and any(
                one.value is not None and kinds(one.value) == ["state"] for one in gives
            )
        case ast.Constant(value=str(text)):
            return ARROW.search(text) is not None
    return False


def rows(text: str) -> list[str]:
    """What states a transition in ``text``, with its line. Docstrings are prose."""
    tree = ast.parse(text)
    elsewhere = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module != "spec.table"
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in elsewhere:
            node.id += "_"  # RETRY of another module is no state
    prose = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    exports = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    }
    return [
        f"{getattr(node, 'lineno', 0)}: {ast.unparse(node)[:80]}"
        for node in ast.walk(tree)
        if id(node) not in prose | exports and states_a_transition(node)
    ]


def modules() -> Iterator[Path]:
    for path in MODULES.values():
        if path != SOURCE and SECOND_IMPLEMENTATION not in path.parents:
            yield path


def test_no_module_states_a_transition() -> None:
    """Who needs one derives it from spec/table.py."""
    found = {str(path): stated for path in modules() if (stated := rows(path.read_text("utf-8")))}
    assert found == {}


def test_the_table_itself_is_full_of_rows() -> None:
    """The rule sees what it is meant to see: each edge, the matrix, and nothing else."""
    found = rows(SOURCE.read_text(encoding="utf-8"))
    edges = [row for row in found if " Edge(" in row]
    assert len(edges) == len(table.EDGES)
    assert len(found) == len(table.EDGES) + 1, found


@pytest.mark.parametrize(
    "text",
    [
        "T = ('Pending', 'pause', 'Paused')",
        "T = ('running', Move.RETRY, 'retry')",
        "T = [(State.PENDING, Action.PAUSE, State.PAUSED)]",
        "T = (State('Pending'), Action('pause'), State('Paused'))",
        "T = (State.PENDING.value, 'pause', State.PAUSED.lower())",
        "T = ((PENDING, PAUSE), PAUSED)",
        "T = (PENDING, [(PAUSE, PAUSED), (CANCEL, FAILURE)])",
        "T = ({PENDING, RUNNING}, PAUSE, {PAUSED})",
        "table.Edge(source=None, trigger=trigger, target=State.PENDING)",
        "machine.add_transition('pause', ['Pending', 'Running'], 'Paused')",
        "machine.add_transition(trigger='pause', source='Pending', dest='Paused')",
        "T = {'trigger': 'pause', 'source': 'Pending', 'dest': 'Paused'}",
        "T = {(PENDING, CANCEL): FAILURE}",
        "T = {('Pending', 'resume'): 400}",
        "T = {PENDING: {'pause': PAUSED}}",
        "T = {PENDING: PAUSED}",
        "T = {PAUSE: PAUSED, CANCEL: FAILURE}",
        "T = {PENDING: (EDGE, EDGE, REFUSE, REFUSE)}",
        "if state is PENDING and action is PAUSE:\n    state = PAUSED",
        "def f(s, a):\n    match s, a:\n        case State.PENDING, Action.PAUSE:\n"
        "            return State.PAUSED",
        "T = 'Pending --pause--> Paused'",
    ],
)
def test_a_smuggled_row_is_caught(text: str) -> None:
    assert rows(text)


@pytest.mark.parametrize(
    "text",
    [
        "ACTIVE = {PENDING, RUNNING, RETRY}",
        "A = ['submit', 'start', 'succeed', 'fail', 'retry', 'timeout']",
        "BORN = Possible(State.PENDING)",
        "ok = state in (PENDING, RUNNING) and action is PAUSE",
        "if state is PAUSED:\n    action = RESUME",
        "if state is PENDING and action is PAUSE:\n    wait()",
        "if edge.source is PENDING and edge.trigger is Move.START:\n    return more",
        "goal = target(PENDING, PAUSE)",
        "cells = [(PENDING, PAUSE), (RUNNING, PAUSE), (RETRY, CANCEL)]",
        "run(PAUSE, [PENDING, RUNNING])",
        "T = {PENDING: 'waits', PAUSED: 'rests'}",
        "T = {State.PENDING: [Action.CANCEL, Action.PAUSE]}",
        "T = {PENDING: Need.EXCLUSIVE, RETRY: Need.RETRY}",
        "from kit import RETRY\nT = {State.RETRY: (RETRY,)}",
        "T = {edge.source: edge.target for edge in EDGES}",
        "T = {'State': 'Running', 'Progress': 33, 'timeout': 5}",
        "__all__ = ['PENDING', 'PAUSE', 'PAUSED']",
        "def f():\n    '''Pending -> Paused by pause.'''",
        "label = f'{edge.source} -> {edge.target}'",
    ],
)
def test_ordinary_code_is_not_flagged(text: str) -> None:
    assert rows(text) == []
