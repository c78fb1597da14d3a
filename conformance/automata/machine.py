"""A deterministic automaton of a plant, and the least one that does the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from conformance.automata.plant import Input, Output, Plant, Shown
from spec.engine import View


class Way(NamedTuple):
    """Where an input leads from a state: the status that is answered, and the next state."""

    status: int | None
    target: int


@dataclass(frozen=True)
class Machine:
    """A deterministic automaton of a plant. States are numbers, and the first one is 0.

    ``shown``: what the jobs show in each state. ``moves``: what each input does in each state that
    has it. ``names``: each state in words.
    """

    plant: Plant
    shown: tuple[Shown, ...]
    moves: tuple[Mapping[Input, Way], ...]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.shown)

    @property
    def states(self) -> range:
        return range(len(self.shown))

    def run(self, word: Iterable[Input], state: int = 0) -> Iterator[tuple[Output, int]]:
        """What each input of ``word`` shows, and where it leads; up to one that there is not."""
        for one in word:
            move = self.moves[state].get(one)
            if move is None:
                return
            state = move.target
            yield Output(move.status, self.shown[state]), state

    def outputs(self, word: Iterable[Input], state: int = 0) -> tuple[Output, ...]:
        return tuple(output for output, _ in self.run(word, state))

    def after(self, word: Iterable[Input], state: int = 0) -> int:
        """The state after ``word``."""
        return [state, *(target for _, target in self.run(word, state))][-1]


def least(machine: Machine) -> Machine:
    """The same automaton with states that nothing tells apart made one, numbered as reached."""
    keys: list[object] = list(machine.shown)
    classes, count = _numbered(keys)
    while True:
        keys = [
            (classes[s], tuple((i, m.status, classes[m.target]) for i, m in there.items()))
            for s, there in enumerate(machine.moves)
        ]
        classes, more = _numbered(keys)
        if more == count:
            break
        count = more
    number = {classes[0]: 0}
    kept = [0]
    for state in kept:
        for move in machine.moves[state].values():
            if classes[move.target] not in number:
                number[classes[move.target]] = len(number)
                kept.append(move.target)
    return Machine(
        machine.plant,
        tuple(machine.shown[s] for s in kept),
        tuple(
            {i: Way(m.status, number[classes[m.target]]) for i, m in machine.moves[s].items()}
            for s in kept
        ),
        tuple(machine.names[s] for s in kept),
    )


def states_only(machine: Machine) -> Machine:
    """What is left of the automaton if of a reading nothing but the State counts."""
    shown = tuple(
        tuple(one.state if isinstance(one, View) else one for one in views)
        for views in machine.shown
    )
    return least(Machine(machine.plant, shown, machine.moves, machine.names))


def _numbered(keys: list[object]) -> tuple[list[int], int]:
    numbers: dict[object, int] = {}
    return [numbers.setdefault(key, len(numbers)) for key in keys], len(numbers)
