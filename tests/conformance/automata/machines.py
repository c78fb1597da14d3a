"""What the tests of automata share: mutants of a machine, and a server that is a machine."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from conformance.automata.machine import Machine, Way
from conformance.automata.plant import Input, Output, Word
from conformance.driver.driver import Driver
from conformance.learn.learning import Server, _Known


def changed(machine: Machine, state: int, one: Input, way: Way) -> Machine:
    """The machine with one move that is another."""
    moves = list(machine.moves)
    moves[state] = {**moves[state], one: way}
    return replace(machine, moves=tuple(moves))


def single(machine: Machine) -> Iterator[Machine]:
    """Every machine with one move that leads elsewhere, or is answered otherwise."""
    for state in machine.states:
        for one, way in machine.moves[state].items():
            for target in machine.states:
                if target != way.target:
                    yield changed(machine, state, one, Way(way.status, target))
            if way.status is not None:
                yield changed(machine, state, one, Way(600 - way.status, way.target))


def larger(machine: Machine, extra: int, seed: int) -> Machine:
    """A machine with ``extra`` more states: each is a copy that another move leads to, and one
    move of the last copy is another.
    """
    chance = random.Random(seed)
    for _ in range(extra):
        state = chance.randrange(len(machine))
        one = chance.choice([i for i in machine.moves[state] if i])
        way = machine.moves[state][one]
        copy = len(machine)
        machine = Machine(
            machine.plant,
            (*machine.shown, machine.shown[way.target]),
            (*machine.moves, dict(machine.moves[way.target])),
            (*machine.names, machine.names[way.target]),
        )
        machine = changed(machine, state, one, Way(way.status, copy))
    last = len(machine) - 1
    one = chance.choice(list(machine.moves[last]))
    way = machine.moves[last][one]
    target = chance.choice([s for s in machine.states if s != way.target])
    return changed(machine, last, one, Way(way.status, target))


def equivalent(first: Machine, other: Machine) -> bool:
    """Whether no word tells them apart: by a walk through all pairs of states."""
    if first.shown[0] != other.shown[0]:
        return False
    found = {(0, 0)}
    for a, b in (todo := [(0, 0)]):
        if first.moves[a].keys() != other.moves[b].keys():
            return False
        for one, way in first.moves[a].items():
            its = other.moves[b][one]
            if (way.status, first.shown[way.target]) != (its.status, other.shown[its.target]):
                return False
            after = way.target, its.target
            if after not in found:
                found.add(after)
                todo.append(after)
    return True


class Killer:
    """The words of a suite, each with what it shows of the machine, by the moves that it makes.

    A mutant that makes all moves of a word as the machine does shows the same: it is not asked.
    """

    def __init__(self, words: Sequence[Word], machine: Machine) -> None:
        self._machine = machine
        self._making: dict[tuple[int, Input], dict[Word, tuple[Output, ...]]] = defaultdict(dict)
        for word in words:
            shown, state = machine.outputs(word), 0
            for one, (_, after) in zip(word, machine.run(word), strict=True):
                self._making[state, one][word] = shown
                state = after

    def kills(self, mutant: Machine) -> bool:
        """Whether a word shows that the mutant, which may have more states, is not the machine."""
        assert mutant.shown[: len(self._machine)] == self._machine.shown
        return any(
            mutant.outputs(word) != shown
            for move in self._changed(mutant)
            for word, shown in self._making[move].items()
        )

    def _changed(self, mutant: Machine) -> Iterator[tuple[int, Input]]:
        for state, there in enumerate(self._machine.moves):
            others = mutant.moves[state]
            if others is not there:
                yield from ((state, one) for one, way in there.items() if others.get(one) != way)


class Nobody:
    """An executor that nobody asks: the words are run on a machine."""

    def open(self, patience: int = 1) -> Driver:
        raise NotImplementedError

    def close(self, driver: Driver, failed: bool) -> None:
        raise NotImplementedError


class Simulated(Server):
    """A server that does what a machine does. ``flips``: the query from which a status is wrong."""

    def __init__(self, machine: Machine, flips: int | None = None) -> None:
        super().__init__(machine.plant, 1, Nobody())
        self.machine = machine
        self.flips = flips

    def _play(self, word: Word) -> None:
        self.queries += 1
        flipped = self.flips is not None and self.queries >= self.flips
        self._root = known = self._root or _Known(self.machine.shown[0])
        state = 0
        for one in word:
            way = self.machine.moves[state].get(one)
            if way is not None:
                state = way.target
                status = 500 if flipped and way.status else way.status
                known = self._saw(known, one, Output(status, self.machine.shown[state]), word)
