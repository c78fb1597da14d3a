"""The difference of a server's automaton from the specification's as a picture, in DOT.

Both are drawn as one: the states that they share once. It is to be read at 1280 pixels, so a state
that nearly all others lead to has no line for what both do alike: the move stands in their boxes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import TypeAlias

from conformance.automata.derivation import name_after
from conformance.automata.difference import Difference, counts, output_of, said
from conformance.automata.machine import Machine, Way
from conformance.automata.plant import Input, Output, Verb
from spec.table import State

# Told apart by line, arrowhead and the first sign of the label, and by colour last.
BOTH = 'color="#4a5568", fontcolor="#1f2937", style=solid, arrowhead=normal'
MISSING = 'color="#1a4a8a", fontcolor="#1a4a8a", style=dashed, arrowhead=empty, penwidth=1.4'
EXTRA = 'color="#b91c1c", fontcolor="#b91c1c", style=bold, arrowhead=diamond, penwidth=2.2'
SIGN = {BOTH: "", MISSING: "\u2212 ", EXTRA: "+ "}
FONT = "Helvetica,Arial,sans-serif"
WIDE = 13.3  # inches that it takes at most: 1280 pixels
MANY = 4  # from more states than that a state has no lines for what both do alike
MEANS = (
    "box with one border: where the same moves lead in both ({boxes})\\l"
    "plain line: specification and server do the same; so it is where a box names a move\\l"
    "\u2212 dashed line, open arrowhead: specified, and the server does not do it (missing)\\l"
    "+ thick line, diamond: only the server does it (extra)\\l"
    "both from one state with one label: a different move\\l"
    "left out: what changes nothing in both\\l"
)
Edge: TypeAlias = tuple[str, str, str]  # from, to, and how it looks


def dot(found: Difference, title: str) -> str:
    """The picture."""
    return _Picture(found).dot(title)


class _Picture:
    """The boxes by their names: p of both, m of what is missing, e of what is extra."""

    def __init__(self, found: Difference) -> None:
        self.found = found
        self.of_pair = {pair: f"p{number}" for number, pair in enumerate(found.pairs)}
        self.first = {s: f"m{s}" for s in found.missing}
        self.other = {s: f"e{s}" for s in found.extra}
        for (a, b), name in self.of_pair.items():
            self.first.setdefault(a, name)
            self.other.setdefault(b, name)
        self.edges: dict[Edge, list[str]] = defaultdict(list)
        self.inside: dict[str, list[str]] = defaultdict(list)  # moves that stand in a box
        self._draw()

    def _draw(self) -> None:
        moves = list(self._moves())
        alike = {(source, target) for source, target, look, _ in moves if look == BOTH}
        leading = Counter(target for _, target in alike)
        named = {name: self._state(pair[0]) for pair, name in self.of_pair.items()}
        for source, target, look, label in moves:
            if look == BOTH and leading[target] > MANY:
                self.inside[source].append(f"{label} \u2192 {named[target]}")
            else:
                self.edges[source, target, look].append(label)

    def _moves(self) -> Iterator[tuple[str, str, str, str]]:
        """All moves that change something: from, to, the look, the label."""
        specified, server = self.found.specification, self.found.server
        for (a, b), name in self.of_pair.items():
            here, there = specified.moves[a], server.moves[b]
            for one in {**here, **there}:
                mine, its = here.get(one), there.get(one)
                same = output_of(specified, mine) == output_of(server, its)
                if mine is not None and its is not None and same:
                    after = self.of_pair[mine.target, its.target]
                    if after != name:
                        yield name, after, BOTH, _label(BOTH, one, mine)
                    continue
                if mine is not None:
                    yield name, self.first[mine.target], MISSING, _label(MISSING, one, mine)
                if its is not None:
                    yield name, self.other[its.target], EXTRA, _label(EXTRA, one, its)
        for machine, names, states, look in (
            (specified, self.first, self.found.missing, MISSING),
            (server, self.other, self.found.extra, EXTRA),
        ):
            for state in states:
                for one, way in machine.moves[state].items():
                    if way.target != state:
                        label = _label(look, one, way)
                        yield names[state], names[way.target], look, label

    def _state(self, state: int) -> str:
        shown = self.found.specification.shown[state]
        return ", ".join(one if isinstance(one, State) else str(one) for one in shown)

    def _nodes(self) -> Iterator[str]:
        specified, plant = self.found.specification, self.found.server.plant
        for pair, word in self.found.pairs.items():
            name, after = self.of_pair[pair], name_after(plant, word)
            yield _node(name, specified, pair[0], BOTH, after, self.inside[name])
        for state in self.found.missing:
            yield _node(f"m{state}", specified, state, MISSING, specified.names[state])
        for state in self.found.extra:
            yield _node(f"e{state}", self.found.server, state, EXTRA, "")

    def dot(self, title: str) -> str:
        told = _quoted(f"{title}: {counts(self.found)}")
        means = MEANS.format(boxes=len(self.found.pairs))
        return "\n".join(
            [
                "digraph difference {",
                f'  graph [fontname="{FONT}", labelloc=b, labeljust=l, nodesep=0.3, ranksep=0.45,',
                f'         size="{WIDE},100", label="{told}\\l{means}"]',
                f'  node [fontname="{FONT}", fontsize=12, shape=box, margin="0.15,0.08"]',
                f'  edge [fontname="{FONT}", fontsize=10]',
                *self._nodes(),
                *(_edge(*ends, labels) for ends, labels in self.edges.items()),
                "}",
                "",
            ]
        )


def _edge(source: str, target: str, look: str, labels: list[str]) -> str:
    label = "\\n".join(map(_quoted, labels))
    return f'  {source} -> {target} [{look}, label="{label}"]'


def _node(
    node: str, machine: Machine, state: int, look: str, name: str, inside: list[str] | None = None
) -> str:
    """A state: what it shows, unless ``name`` says it all; what is not in both has two borders."""
    shown = said(Output(None, machine.shown[state]))
    told = [one for one in (shown, name) if one]
    if all(isinstance(one, State) for one in machine.shown[state]) and name:
        told = [name]
    mark = {BOTH: "", MISSING: "missing: ", EXTRA: "extra: "}[look]
    label = "\\n".join(map(_quoted, [f"{mark}{told[0]}", *told[1:], *(inside or ())]))
    looks, sides = look.split(", arrowhead")[0], 2 if mark else 1
    return f'  {node} [{looks}, peripheries={sides}, label="{label}"]'


def _label(look: str, one: Input, way: Way) -> str:
    words = {Verb.START: "start", Verb.SUCCEED: "step succeeds", Verb.FAIL: "step fails"}
    status = "" if way.status is None else f" {way.status}"
    return f"{SIGN[look]}{words.get(one.verb, f'{one.verb.capitalize()}()')}{status}"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
