"""The mutants, made from the syntax trees of the specification's modules."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from spec.table import ACTIONS, Asked, Cell, Ended, State

ROOT = Path(__file__).resolve().parent.parent.parent  # the package `spec`
RULES = {"relaxations": {"taken_for"}}  # the functions whose guards are changed; else all


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change. ``kind``: the group of the list in the module's docstring that it is in."""

    module: str
    line: int
    kind: str
    change: str
    source: str  # of the whole module, changed

    @property
    def name(self) -> str:
        return f"{self.module}:{self.line} {self.kind}: {self.change}"


def made() -> list[Mutant]:
    """Every mutant, in the order of the sources; two changes to one text are one mutant."""
    found: dict[tuple[str, str], Mutant] = {}
    for module in ("table", "engine", "relaxations"):
        plain = _Module((ROOT / f"{module}.py").read_text(encoding="utf-8"))
        of_rows = of_table(plain) if module == "table" else ()
        for mutant in (*of_rows, *_of_guards(module, plain)):
            if mutant.source != plain.source:
                found.setdefault((module, mutant.source), mutant)
    return list(found.values())


class _Module:
    """A module: its tree, and the text of each of its statements, which most mutants keep."""

    def __init__(self, text: str) -> None:
        self.tree = ast.parse(text)
        self._texts = [ast.unparse(statement) for statement in self.tree.body]

    @property
    def source(self) -> str:
        return "\n\n".join(self._texts)

    def with_statement(self, number: int, statement: ast.stmt) -> str:
        """Its source with another statement in a place."""
        texts = [*self._texts]
        texts[number] = ast.unparse(statement)
        return "\n\n".join(texts)


@dataclass(frozen=True, slots=True)
class _Site:
    """A node of a tree, by the way to it, so that it is found again in a copy of the tree."""

    way: tuple[tuple[str, int | None], ...]
    node: ast.AST

    def change(self, module: _Module, new: ast.AST | None) -> str:
        """The source of a copy of the module with ``new`` here; None deletes an item of a list."""
        (_, number), *way = self.way
        assert number is not None
        statement = copy.deepcopy(module.tree.body[number])
        at: ast.AST = ast.Module([statement], [])
        for name, index in [("body", 0), *way][:-1]:
            at = getattr(at, name) if index is None else getattr(at, name)[index]
        name, index = way[-1]
        if index is None:
            setattr(at, name, new)
        elif new is None:
            del getattr(at, name)[index]
        else:
            getattr(at, name)[index] = new
        return module.with_statement(number, ast.fix_missing_locations(statement))


def _sites(node: ast.AST, way: tuple[tuple[str, int | None], ...] = ()) -> Iterator[_Site]:
    """Every node below ``node``."""
    for name, value in ast.iter_fields(node):
        if isinstance(value, ast.AST):
            site = _Site((*way, (name, None)), value)
            yield site
            yield from _sites(value, site.way)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, ast.AST):
                    site = _Site((*way, (name, index)), item)
                    yield site
                    yield from _sites(item, site.way)


def _below(site: _Site) -> Iterator[_Site]:
    return _sites(site.node, site.way)


def _name(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def of_table(table: _Module) -> Iterator[Mutant]:
    tree = table.tree
    places = dict(_assigned(tree))

    def mutant(site: _Site, kind: str, change: str, new: ast.AST | None) -> Mutant:
        line = getattr(site.node, "lineno", 0)
        return Mutant("table", line, kind, change, site.change(table, new))

    for site in _below(places["EDGES"]):
        if isinstance(site.node, ast.Call):
            row = ast.unparse(site.node)
            yield mutant(site, "edge", f"{row} deleted", None)
            for state in State:
                new = copy.deepcopy(site.node)
                new.args[2] = _name(state.name)
                yield mutant(site, "edge", f"{row} leads to {state.name}", new)
    for site in _below(places["MATRIX"]):
        if isinstance(site.node, ast.Name) and site.node.id in Cell.__members__:
            where = f"column {ACTIONS[site.way[-1][1] or 0]}"
            for cell in Cell:
                yield mutant(site, "cell", f"{where} is {cell.name}", _name(cell.name))
    yield from _of_boundary(places["BOUNDARY"], mutant)
    for site in _below(places["FINAL"]):
        if isinstance(site.node, ast.Set):
            finals = [ast.unparse(one) for one in site.node.elts]
            others = [state.name for state in State if state.name not in finals]
            sets = [[f for f in finals if f != one] for one in finals]
            for states in sets + [[*finals, one] for one in others]:
                yield mutant(site, "final", " ".join(states), _name(f"{{{', '.join(states)}}}"))
    for cell in Cell:
        changed = 400 if cell.status == 200 else 200
        place = _status(tree, cell)
        yield mutant(place, "status", f"{cell.name} is {changed}", ast.Constant(changed))


def _assigned(tree: ast.Module) -> Iterator[tuple[str, _Site]]:
    """Each name that is given a value, with the place where that stands."""
    for site in _sites(tree):
        match site.node:
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                yield name, site


def _status(tree: ast.Module, cell: Cell) -> _Site:
    """The HTTP status in the definition of a cell."""
    return next(
        inner
        for site in _sites(tree)
        if isinstance(site.node, ast.Assign) and ast.unparse(site.node.targets[0]) == cell.name
        for inner in _below(site)
        if isinstance(inner.node, ast.Constant) and inner.node.value == cell.status
    )


def _of_boundary(
    place: _Site, mutant: Callable[[_Site, str, str, ast.AST | None], Mutant]
) -> Iterator[Mutant]:
    triggers = ["STAY", "_S", "_F", "_R", "PAUSE", "CANCEL"]
    for site in _below(place):
        node = site.node
        if not isinstance(node, ast.Tuple) or not node.elts:
            continue
        here = [ast.unparse(one) for one in node.elts]
        if not set(here) <= set(triggers):
            continue
        others = [one for one in triggers if one not in here]
        (_, row), (_, column) = site.way[-2:]
        where = f"{list(Asked)[row or 0]}/{list(Ended)[column or 0]}"
        for index, old in enumerate(here):
            left = [*here[:index], *here[index + 1 :]]
            yield mutant(site, "boundary", f"{where} without {old}", _tuple(left))
            for other in others:
                new = [*here[:index], other, *here[index + 1 :]]
                yield mutant(site, "boundary", f"{where} with {other} for {old}", _tuple(new))
        for other in others:
            yield mutant(site, "boundary", f"{where} or {other}", _tuple([*here, other]))


def _tuple(names: Iterable[str]) -> ast.expr:
    return ast.Tuple([_name(name) for name in names], ast.Load())


def _of_guards(module: str, plain: _Module) -> Iterator[Mutant]:
    tree = plain.tree
    conditions: set[tuple[tuple[str, int | None], ...]] = set()
    for site in _sites(tree):
        if module in RULES and not _in_function(tree, site, RULES[module]):
            continue
        node = site.node
        line = getattr(node, "lineno", getattr(getattr(node, "pattern", None), "lineno", 0))
        field, _ = site.way[-1]
        shown = ast.unparse(node)
        condition = (field == "test" and not _asserted(tree, site)) or field == "ifs"

        def mutant(
            change: str, new: ast.AST | None, site: _Site = site, line: int = line
        ) -> Mutant:
            return Mutant(module, line, "guard", change, site.change(plain, new))

        if condition:
            conditions.add(site.way)
            yield mutant(f"{shown} negated", _not(node))
            yield mutant(f"{shown} taken for true", ast.Constant(True))
        elif field == "values" and _parent_is(tree, site, ast.BoolOp):
            conditions.add(site.way)
            yield mutant(f"{shown} negated, of a larger condition", _not(node))
            yield mutant(f"{shown} dropped, of a larger condition", None)
        elif isinstance(node, ast.Compare) and not _asserted(tree, site):
            yield mutant(f"{shown} negated", _not(node))
        elif isinstance(node, ast.match_case):
            yield mutant(f"case {ast.unparse(node.pattern)} deleted", None)


def _not(node: ast.AST) -> ast.expr:
    assert isinstance(node, ast.expr)
    return ast.UnaryOp(ast.Not(), node)


def _parent(tree: ast.Module, site: _Site) -> ast.AST:
    at: ast.AST = tree
    for name, index in site.way[:-1]:
        at = getattr(at, name) if index is None else getattr(at, name)[index]
    return at


def _parent_is(tree: ast.Module, site: _Site, kind: type[ast.AST]) -> bool:
    return isinstance(_parent(tree, site), kind)


def _around(tree: ast.Module, site: _Site) -> Iterator[ast.AST]:
    """What it stands in, from the outside."""
    at: ast.AST = tree
    for name, index in site.way:
        yield at
        at = getattr(at, name) if index is None else getattr(at, name)[index]


def _asserted(tree: ast.Module, site: _Site) -> bool:
    """Whether it stands in an assertion: that is no rule, but a check of one."""
    return any(isinstance(at, ast.Assert) for at in _around(tree, site))


def _in_function(tree: ast.Module, site: _Site, names: set[str]) -> bool:
    around = _around(tree, site)
    return any(isinstance(at, ast.FunctionDef) and at.name in names for at in around)
