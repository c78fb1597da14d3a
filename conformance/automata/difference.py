"""How a server's automaton differs from the specification's, and that in words.

Both are walked together from their first states, by common words. Where an input shows something
else, they part: that is a *different* move. A state of the one that no common word leads to is
*missing* in the server, or *extra*. A different move has a name where the model, with a set of
relaxations, permits the whole word. And with all of these it must permit whatever the server does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from conformance.automata.derivation import (
    OF_A_JOB,
    Worlds,
    beginnings,
    derive,
    permitted,
    resolutions,
)
from conformance.automata.machine import Machine, Way, states_only
from conformance.automata.plant import Output, Word
from conformance.text import counted
from spec.relaxations import NONE, Relaxation, smallest_first

Pair: TypeAlias = tuple[int, int]
Names: TypeAlias = frozenset[Relaxation]
UNEXPLAINED = "nothing in the catalogue of relaxations explains it"


@dataclass(frozen=True, slots=True)
class Change:
    """A different move. ``word`` leads to it, and ends with its input.

    ``expected`` and ``actual``: what it shows; None where the input is not possible.
    ``relaxations``: the smallest set that explains it; None where nothing does.
    """

    word: Word
    expected: Output | None
    actual: Output | None
    relaxations: Names | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """``pairs``: the states of both that a common word leads to, each with the shortest one.

    ``missing`` and ``extra``: the states of the specification that the server does not have, and
    those that only the server has. ``behind``: what the relaxations do not permit either.
    """

    specification: Machine
    server: Machine
    pairs: dict[Pair, Word]
    changes: tuple[Change, ...]
    behind: tuple[Change, ...] = ()

    @property
    def missing(self) -> list[int]:
        met = {state for state, _ in self.pairs}
        return [state for state in self.specification.states if state not in met]

    @property
    def extra(self) -> list[int]:
        met = {state for _, state in self.pairs}
        return [state for state in self.server.states if state not in met]

    @property
    def relaxations(self) -> Names | None:
        """What explains all of it, nothing if there is no difference; None if nothing does."""
        found: Names = NONE
        for change in (*self.changes, *self.behind):
            if change.relaxations is None:
                return None
            found |= change.relaxations
        return found


def difference(server: Machine) -> Difference:
    """The difference of a server's automaton from the model's.

    Of the choices that the model leaves open, those are taken that come nearest to the server.
    """
    strict = [derive(server.plant, choices) for choices in resolutions(())]
    found = min((_walk(model, server) for model in strict), key=lambda one: len(one.changes))
    changes = tuple(_named(server, change) for change in found.changes)
    named = replace(found, changes=changes)
    if named.relaxations is None:
        return named
    return replace(named, behind=tuple(_refuted(server, named.relaxations)))


def by_state(found: Difference) -> Difference:
    """The same with only the State of a reading, if that shows as many differences of each name.

    It is easier to see.
    """
    less = _walk(states_only(found.specification), states_only(found.server))
    known = {change.word: change.relaxations for change in found.changes}
    shown = {known.get(change.word) for change in less.changes}
    return less if shown == set(known.values()) and not found.behind else found


def _named(server: Machine, change: Change) -> Change:
    """The change with the smallest set of relaxations with which the model permits its word."""
    for names in smallest_first(OF_A_JOB):
        worlds = beginnings(server.plant, names)
        for one, output in zip(change.word, server.outputs(change.word), strict=False):
            worlds = permitted(worlds, one, output, names)
        if worlds and len(server.outputs(change.word)) == len(change.word):
            return replace(change, relaxations=names)
    return change


def _refuted(server: Machine, names: Names) -> Iterator[Change]:
    """The moves of the server that the model does not permit even with ``names``."""
    first = 0, beginnings(server.plant, names)
    found: dict[tuple[int, Worlds], Word] = {first: ()}
    for state, worlds in (todo := [first]):
        for one, way in server.moves[state].items():
            output, word = (
                Output(way.status, server.shown[way.target]),
                (*found[state, worlds], one),
            )
            after = way.target, permitted(worlds, one, output, names)
            if not after[1]:
                yield Change(word, None, output)
            elif after not in found:
                found[after] = word
                todo.append(after)


def _walk(first: Machine, server: Machine) -> Difference:
    """The pairs of states that are reached together, and the moves in which the two part."""
    if first.shown[0] != server.shown[0]:
        born = Change((), Output(None, first.shown[0]), Output(None, server.shown[0]))
        return Difference(first, server, {}, (born,))
    pairs: dict[Pair, Word] = {(0, 0): ()}
    changes = []
    for pair in (todo := [(0, 0)]):
        here, there = first.moves[pair[0]], server.moves[pair[1]]
        for one in {**here, **there}:
            word = (*pairs[pair], one)
            expected, actual = output_of(first, here.get(one)), output_of(server, there.get(one))
            if expected != actual:
                changes.append(Change(word, expected, actual))
                continue
            after = here[one].target, there[one].target
            if after not in pairs:
                pairs[after] = word
                todo.append(after)
    return Difference(first, server, pairs, tuple(changes))


def output_of(machine: Machine, way: Way | None) -> Output | None:
    return None if way is None else Output(way.status, machine.shown[way.target])


# --- in words ---------------------------------------------------------------------------------


def said(output: Output | None) -> str:
    """An output in words."""
    return "nothing of the kind" if output is None else str(output)


def lines(found: Difference) -> Iterator[str]:
    """The difference in words; a change that was told of a shorter word is only counted."""
    if not (found.changes or found.behind):
        yield "no difference from the specification"
        return
    plant = found.server.plant
    told: dict[Names | None, int] = {}
    for change in (*found.changes, *found.behind):
        names = change.relaxations
        told[names] = told.get(names, 0) + 1
        if names is not None and told[names] > 1:
            continue
        yield f"different move: {plant.tell(change.word)}"
        yield f"  specified   {said(change.expected)}"
        yield f"  the server  {said(change.actual)}"
        if names is None:
            yield f"  known as    {UNEXPLAINED}"
        for name in sorted(names or ()):
            yield f"  known as    {name}: {name.sentence}"
    for some, count in told.items():
        if count > 1:
            known = "nothing" if not some else " and ".join(sorted(some))
            yield f"{count} different moves in all that {known} explains"
    if found.missing:
        yield f"missing: {counted(len(found.missing), 'state')} of the specification"
    if found.extra:
        yield f"extra: {counted(len(found.extra), 'state')} that only the server has"


def counts(found: Difference) -> str:
    """How many states there are, and how many moves differ: so the text and the picture say it."""
    told = [
        f"{counted(len(found.server), 'state')}, {len(found.specification)} specified",
        f"{counted(len(found.changes) + len(found.behind), 'different move')}",
    ]
    told += [f"{len(found.missing)} missing"] if found.missing else []
    told += [f"{len(found.extra)} extra"] if found.extra else []
    return ", ".join(told)
