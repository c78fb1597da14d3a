"""The mutation check: change the specification in one place, and see that `verify` notices.

    python -m spec.proofs.mutants [--jobs N] [--only TEXT]

The list of mutants is made from the syntax trees of `spec/table.py`, `spec/engine.py` and
`spec/relaxations.py`, not by hand:

* table: each edge deleted, or led to each other state; each cell of the matrix changed into each
  other; each way out of a step with a trigger dropped, replaced or added; each final state
  dropped, each other state made final; each cell's HTTP status exchanged;
* guards: each condition (of an ``if``, a conditional expression, a comprehension) negated or
  taken for true; each operand of ``and`` and ``or`` negated or dropped; each other comparison
  negated; each ``case`` of a ``match`` deleted. Of `spec/relaxations.py` only in what the engine
  asks of it (`RULES`): names and their texts are no rules.

A mutant is noticed by the first of these:

* *property*: the explorer, on `SCOPES`: a promise is broken, or a *sometimes* is never met; but
  neither of the two that come now;
* *error*: the property `never-an-error`, and no other of that state: the engine ended with an
  error where it has to answer;
* *relaxed*: a relaxation breaks another property than it is said to break, or breaks none;
* *published*: the property `as-published`, which compares the table with a pinned digest;
* *endless*: there are more states than the scope has, or no end within `SECONDS`;
* *import*: the specification cannot be imported, because one of its modules refuses the table;
  *crash*: the check itself ended with an error.

The first four are failed properties: `verify` names one, with a run or a state that shows it. The
others leave it without a verdict. That is noticed, too (it ends with status 2), but is no
property: the report counts them apart, and of the engine's guards `ENOUGH` must be noticed by a
property.

Only the explorer is run: the z3 and the Spin proofs state the rules of the engine once more,
so a change of `spec/engine.py` is not theirs to find, and of the table none is left to them.

Each mutant runs in a process of its own, on a copy of the package `spec` in a fresh folder.
"""

from __future__ import annotations

import argparse
import ast
import copy
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from spec.proofs import Scope, Verdict
from spec.proofs.watch import ENDS_IN_ERROR
from spec.relaxations import NONE, Relaxation
from spec.table import ACTIONS, Asked, Cell, Ended, State

ROOT = Path(__file__).resolve().parent.parent  # the package `spec`
SCOPES = (  # each with the number of states to look at; None: all, and then it must end
    (Scope(1, 1, 1, 1, 2), None),
    (Scope(2, 1, 1, 1, 1), None),
    (Scope(2, 1, 1, 2, 1), 2_000),
    (Scope(3, 2, 2, 1, 1), 2_000),
)
ENDLESS = 4_000  # more states than any of the scopes that must end has
RELAXED = Scope(2, 1, 1, 1, 1)  # where each relaxation must break what it is said to break
BY_PROPERTY = ("property", "error", "relaxed", "published")
OTHERWISE = ("endless", "import", "crash")
ENOUGH = 0.95  # of the engine's guards, to be noticed by a property
RULES = {"relaxations": {"taken_for"}}  # the functions whose guards are changed; else all
EQUIVALENT = {  # survivors that are no faults: the program does the same, in other words
    ("engine", "job.shown != job.done taken for true"): (
        "the second of two moves is then the same as the first, and moves are a set"
    ),
    ("relaxations", "asked is not Asked.NOTHING dropped, of a larger condition"): (
        "where nothing was asked for, it says a second time that nothing was"
    ),
}
SECONDS = 300.0  # for one mutant; past it, it counts as noticed: `verify` does not end


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


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a mutant. ``by``: property, proof or error that noticed it, or None."""

    mutant: Mutant
    by: str | None
    how: str  # of `BY_PROPERTY` or `OTHERWISE`; "" for a survivor

    @property
    def excuse(self) -> str | None:
        """Why a survivor is no fault; None where it is one, or was noticed."""
        return EQUIVALENT.get((self.mutant.module, self.mutant.change)) if self.by is None else None


# --- making them ----------------------------------------------------------------------------


def mutants() -> list[Mutant]:
    """Every mutant, in the order of the sources; two changes to one text are one mutant."""
    found: dict[tuple[str, str], Mutant] = {}
    for module in ("table", "engine", "relaxations"):
        text = (ROOT / f"{module}.py").read_text(encoding="utf-8")
        plain = ast.unparse(ast.parse(text))
        for mutant in (*(_of_table(text) if module == "table" else ()), *_of_guards(module, text)):
            if mutant.source != plain:
                found.setdefault((module, mutant.source), mutant)
    return list(found.values())


@dataclass(frozen=True, slots=True)
class _Site:
    """A node of a tree, by the way to it, so that it is found again in a copy of the tree."""

    way: tuple[tuple[str, int | None], ...]
    node: ast.AST

    def change(self, tree: ast.Module, new: ast.AST | None) -> str:
        """The source of a copy of ``tree`` with ``new`` here; None deletes an item of a list."""
        tree = copy.deepcopy(tree)
        at: ast.AST = tree
        for name, index in self.way[:-1]:
            at = getattr(at, name) if index is None else getattr(at, name)[index]
        name, index = self.way[-1]
        if index is None:
            setattr(at, name, new)
        elif new is None:
            del getattr(at, name)[index]
        else:
            getattr(at, name)[index] = new
        return ast.unparse(ast.fix_missing_locations(tree))


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


def _of_table(text: str) -> Iterator[Mutant]:
    tree = ast.parse(text)
    places = dict(_assigned(tree))

    def mutant(site: _Site, kind: str, change: str, new: ast.AST | None) -> Mutant:
        line = getattr(site.node, "lineno", 0)
        return Mutant("table", line, kind, change, site.change(tree, new))

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


def _of_guards(module: str, text: str) -> Iterator[Mutant]:
    tree = ast.parse(text)
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
            return Mutant(module, line, "guard", change, site.change(tree, new))

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


# --- running one, in the process of the mutant --------------------------------------------------

IMPORTED = "the specification is imported"  # said on stderr


def judge() -> dict[str, str | None]:
    """What notices the specification that this process has imported. Nothing: all is None."""
    from spec.proofs import direct, explore
    from spec.proofs.watch import Watch
    from spec.properties import AS_PUBLISHED, PROPERTIES, digest

    print(IMPORTED, file=sys.stderr)
    rules = [p for p in PROPERTIES if p.name != "as-published"]
    for scope, limit in SCOPES:
        if limit is not None and digest() != AS_PUBLISHED:
            return {"how": "published", "by": "as-published"}
        watch = Watch(rules, first=True)
        found = direct.explore(scope, watch=watch, limit=limit or ENDLESS)
        for name in sorted(found.broken, key=lambda name: name == ENDS_IN_ERROR):
            how = "error" if name == ENDS_IN_ERROR else "property"
            return {"how": how, "by": name}
        if found.complete:
            for p in rules:
                verdict, _ = explore.verdict(p, scope, NONE, found)
                if verdict is Verdict.FAILS:
                    return {"how": "property", "by": p.name}
        elif limit is None:
            return {"how": "endless", "by": f"more than {ENDLESS} states with {scope}"}
    for relaxation in Relaxation:
        found = direct.explore(RELAXED, frozenset({relaxation}), watch=Watch(rules))
        for p in rules:
            if (p.name in found.broken) is not (relaxation in p.relaxed_by):
                return {"how": "relaxed", "by": f"{p.name} with {relaxation}"}
    return {"how": "", "by": None}


def fate(mutant: Mutant) -> Fate:
    """Run one mutant in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="orthanc-jobs-mutant-") as folder:
        package = Path(folder, "spec")
        shutil.copytree(ROOT, package, ignore=shutil.ignore_patterns("__pycache__"))
        (package / f"{mutant.module}.py").write_text(mutant.source, encoding="utf-8")
        command = [sys.executable, "-m", "spec.proofs.mutants", "--judge"]
        environment = {**os.environ, "PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Fate(mutant, f"no end within {SECONDS:g} s", "endless")
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        last = lines[-1] if lines else f"status {done.returncode}"
        return Fate(mutant, last, "crash" if IMPORTED in done.stderr else "import")
    found = json.loads(done.stdout)
    return Fate(mutant, found["by"], found["how"])


def run(chosen: Iterable[Mutant], jobs: int, on_fate: Callable[[Fate], None]) -> list[Fate]:
    """The fates of the mutants, ``jobs`` at a time; ``on_fate`` is told of each."""
    fates = []
    with ThreadPoolExecutor(jobs) as pool:
        for found in pool.map(fate, chosen):
            on_fate(found)
            fates.append(found)
    return fates


def report(fates: Iterable[Fate]) -> Iterator[str]:
    """How many of which kind were noticed, and by what; and the survivors."""
    fates = list(fates)
    for kind in dict.fromkeys((f.mutant.module, f.mutant.kind) for f in fates):
        mine = [f for f in fates if (f.mutant.module, f.mutant.kind) == kind]
        by = Counter(f.how or "survived" for f in mine)
        killed = sum(f.by is not None for f in mine)
        named = sum(by[how] for how in BY_PROPERTY)
        how = ", ".join(f"{name} {number}" for name, number in by.most_common())
        yield (
            f"{' '.join(kind):20} {killed:4} of {len(mine):4} noticed, {named} by a property, "
            f"{killed - named} otherwise ({how})"
        )
    for f in fates:
        if f.by is None:
            yield f"survived: {f.mutant.name}" + (f" ({f.excuse})" if f.excuse else "")


def share(fates: Iterable[Fate]) -> float:
    """Which share of the engine's guards is noticed by a property; 1 if there are none."""
    mine = [f.how in BY_PROPERTY for f in fates if f.mutant.module == "engine"]
    return sum(mine) / len(mine) if mine else 1.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m spec.proofs.mutants", description=__doc__)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", default="", help="mutants whose name has this text")
    parser.add_argument("--list", action="store_true", help="print the mutants, and run none")
    parser.add_argument("--judge", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.judge:
        print(json.dumps(judge()))
        return 0
    found = [mutant for mutant in mutants() if chosen.only in mutant.name]
    if chosen.list:
        print(*(mutant.name for mutant in found), sep="\n")
        return 0

    def tell(one: Fate) -> None:
        print(f"{one.how or 'SURVIVED':10} {one.mutant.name} [{one.by}]", flush=True)

    fates = run(found, chosen.jobs, tell)
    print(*report(fates), sep="\n")
    unexcused = any(one.by is None and one.excuse is None for one in fates)
    return 1 if unexcused or share(fates) < ENOUGH else 0


if __name__ == "__main__":
    sys.exit(main())
