"""A complete test suite for an automaton: the HSI method, with harmonized state identifiers.

Source: Luo, Petrenko, Bochmann, "Selecting test sequences for partially specified nondeterministic
finite state machines" (1994), a refinement of the W-method of Vasilevskii (1973) and Chow (1978).

    every state, by its shortest way  x  every sequence of up to k + 1 inputs  x  identifiers of the
    state that this leads to

An automaton of at most n + k states that is deterministic, is brought back to its first state
before each sequence, and shows in each of them what it must, is equivalent to the specified one
of n states. What a state shows is read after every input, and tells which inputs it has: so states
that show different things are told apart already, and a state needs identifiers only against those
that show the same. "Harmonized": two states are told apart by a sequence that both have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from conformance.automata.machine import Machine
from conformance.automata.plant import Word

Pair = frozenset[int]


def state_cover(machine: Machine) -> tuple[Word, ...]:
    """For each state the shortest word that leads to it, the first in the order of the inputs."""
    found: dict[int, Word] = {0: ()}
    for state in (todo := [0]):
        for one, move in machine.moves[state].items():
            if move.target not in found:
                found[move.target] = (*found[state], one)
                todo.append(move.target)
    return tuple(found[state] for state in machine.states)


def separators(machine: Machine) -> dict[Pair, Word]:
    """For each two states of a least automaton a shortest word that tells them apart.

    It is empty where they show different things.
    """
    found: dict[Pair, Word] = {}
    pairs = [(s, t) for s in machine.states for t in machine.states if s < t]
    for s, t in pairs:
        if machine.shown[s] != machine.shown[t]:
            found[frozenset((s, t))] = ()
    while len(found) < len(pairs):
        more: dict[Pair, Word] = {}
        for s, t in pairs:
            if (pair := frozenset((s, t))) not in found:
                words = list(_longer(machine, s, t, found))
                if words:
                    more[pair] = min(words, key=len)
        assert more, "the automaton is not the least one"
        found |= more
    return found


def _longer(machine: Machine, s: int, t: int, found: dict[Pair, Word]) -> Iterator[Word]:
    for one, move in machine.moves[s].items():
        other = machine.moves[t][one]
        targets = frozenset((move.target, other.target))
        if move.status != other.status:
            yield (one,)
        elif targets in found:
            yield (one, *found[targets])


def identifiers(machine: Machine) -> tuple[tuple[Word, ...], ...]:
    """For each state the words that tell it from all others; none begins another."""
    apart = separators(machine)
    return tuple(
        tuple(maximal(apart[frozenset((s, t))] for t in machine.states if t != s))
        for s in machine.states
    )


def suite(machine: Machine, extra: int) -> list[Word]:
    """The words that are complete for up to ``extra`` more states, the shortest first."""
    identify = identifiers(machine)
    words: set[Word] = set()
    for state, way in enumerate(state_cover(machine)):
        for middle, reached in _middles(machine, state, extra + 1):
            words |= {(*way, *middle, *last) for last in identify[reached] or ((),)}
    return maximal(words)


def _middles(machine: Machine, state: int, length: int) -> Iterator[tuple[Word, int]]:
    """Every word of up to ``length`` inputs that ``state`` has, and where it leads."""
    yield (), state
    if length:
        for one, move in machine.moves[state].items():
            for rest, reached in _middles(machine, move.target, length - 1):
                yield (one, *rest), reached


def maximal(words: Iterable[Word]) -> list[Word]:
    """The words that begin no other one, the shortest first, in a fixed order."""
    every = set(words)
    begun = {word[:size] for word in every for size in range(len(word))}
    return sorted(every - begun, key=lambda word: (len(word), [(i.verb, i.job or 0) for i in word]))
