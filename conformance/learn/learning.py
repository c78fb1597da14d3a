"""Active learning of the gated job's automaton from a live server.

The learner (KV, from AALpy) asks words: each is run on a job of its own, and State, ErrorCode and
Progress are read after every input. What it comes to is a hypothesis, and becomes a result only
when the complete suite for it (`covering`) has been run, for so many extra states; a random walk
confirms nothing. A server that answers one word in two ways has no such automaton:
`Unlearned`. Reading is no input of the automaton, as every input ends with it; to the learner it
is one that repeats what was read.

The oracle of the driver is told of every relaxation. It says here when the server has come to rest,
and what it cannot explain even so ends the word: that is a state of its own, with no inputs.
"""

from __future__ import annotations

import importlib.util
import time
from dataclasses import dataclass, field
from typing import Any

from conformance.automata import covering
from conformance.automata.driving import Player
from conformance.automata.machine import Machine, Way, least
from conformance.automata.plant import JOB, Input, Output, Plant, Shown, Verb, Word, told
from conformance.driver.following import Deviated
from conformance.errors import KitError, Unjudged
from conformance.search.executor import Executor
from conformance.timing import TIMING
from spec.engine import View

EXTRA = 1  # states that the server may have more than what was learned of it
NOT_POSSIBLE = Output(None, ("not possible",))
READ = Input(Verb.READ)
PLANT = Plant(JOB.jobs, tuple(one for one in JOB.inputs if one != READ))


class Unlearned(Exception):
    """There is no result: the server's automaton is unknown. ``str()`` is the reason."""


class NoLearner(KitError):
    """AALpy, which learns, is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "learning needs AALpy, which is not installed:"
            " pip install 'orthanc-jobs-conformance[learn]'"
        )


@dataclass
class _Known:
    """What was seen behind a word: what the jobs show, and what each input did."""

    shown: Shown
    ways: dict[Input, tuple[Output, _Known]] = field(default_factory=dict)


@dataclass
class Server:
    """The system under learning. ``run_by``: who runs a word, with a driver of its own.

    What was asked once is known, and seen to be the same when it comes again on the way to
    something new.
    """

    plant: Plant
    workers: int
    run_by: Executor
    until: float = float("inf")  # by the monotonic clock
    queries: int = 0  # words that were run
    inputs: int = 0  # in all of them
    _root: _Known | None = None

    def ask(self, word: Word) -> tuple[Output, ...]:
        """What each input of ``word`` shows. Raises `Unlearned`."""
        told = self._told(word)
        if told is None:
            self._play(word)
            told = self._told(word)
        assert told is not None
        return told

    def _told(self, word: Word) -> tuple[Output, ...] | None:
        """The outputs, as far as they are known without the server; None if they are not."""
        known, outputs = self._root, []
        for one in word:
            if known is None:
                return None
            if one == READ:
                outputs.append(Output(None, known.shown))
            elif one not in self._possible(known.shown):
                outputs.append(NOT_POSSIBLE)
            elif one in known.ways:
                output, known = known.ways[one]
                outputs.append(output)
            else:
                return None
        return tuple(outputs)

    def _possible(self, shown: Shown) -> set[Input]:
        states = [one.state for one in shown if isinstance(one, View)]
        return set(self.plant.possible(states)) if len(states) == len(shown) else set()

    def _play(self, word: Word) -> None:
        """Run a word on jobs of its own; what breaks on the way is tried once more."""
        try:
            self._once(word)
        except Unjudged:
            try:
                self._once(word)
            except Unjudged as reason:
                raise Unlearned(f"{self.plant.tell(word)}: {reason}") from reason

    def _once(self, word: Word, patience: int = 1) -> None:
        if time.monotonic() > self.until:
            raise Unlearned("the time is over, and nothing is confirmed yet")
        self.queries += 1
        driver = self.run_by.open(patience)
        player = Player(driver, self.plant, self.workers)
        known: _Known | None = None
        one: Input | None = None
        try:
            known = self._begun(player, word)
            for one in word:
                if one in self._possible(known.shown):
                    self.inputs += 1
                    known = self._saw(known, one, player.do(one), word)
            one = None
            driver.finish()
        except Deviated as deviated:
            self.run_by.close(driver, failed=True)
            if deviated.finding.missing and patience == 1:
                self._once(word, TIMING.patient)
                return
            if known is None or one is None:
                raise Unlearned(f"{self.plant.tell(word)}: {deviated}") from deviated
            self._saw(known, one, Output(None, (str(deviated),)), word)
        except Unjudged:
            self.run_by.close(driver, failed=True)
            raise
        else:
            self.run_by.close(driver, failed=False)

    def _begun(self, player: Player, word: Word) -> _Known:
        shown: Shown = player.begin()
        self._root = self._root or _Known(shown)
        if self._root.shown != shown:
            raise self._differs((), Output(None, self._root.shown), Output(None, shown), word)
        return self._root

    def _saw(self, known: _Known, one: Input, output: Output, word: Word) -> _Known:
        if one not in known.ways:
            known.ways[one] = output, _Known(output.shown)
        before, after = known.ways[one]
        if before != output:
            raise self._differs(one, before, output, word)
        return after

    def _differs(self, one: object, before: Output, now: Output, word: Word) -> Unlearned:
        what = self.plant.say(one) if isinstance(one, Input) else "the beginning"
        return Unlearned(
            f"the server is not deterministic: in '{self.plant.tell(word)}', {what} gave"
            f" '{before}' once and '{now}' now"
        )


# --- learning ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Learned:
    """A confirmed automaton. ``words``: the size of the suite that confirmed it."""

    machine: Machine
    extra: int
    words: int


def check_installed() -> None:
    """Raises `NoLearner`."""
    if importlib.util.find_spec("aalpy") is None:
        raise NoLearner


def learn(server: Server, extra: int = EXTRA) -> Learned:
    """The automaton of a server, confirmed for ``extra`` more states.

    Raises `Unlearned` where there is none, and `NoLearner`.
    """
    check_installed()
    from aalpy.base import SUL, Oracle
    from aalpy.learning_algs import run_KV

    class System(SUL):  # type: ignore[misc]
        """The server, as AALpy asks it. Words are asked whole."""

        def query(self, word: Word) -> list[Output]:
            self.num_queries += 1
            return list(server.ask(tuple(word)))

        def pre(self) -> None:
            raise NotImplementedError

        post = pre

        def step(self, letter: object) -> object:
            raise NotImplementedError

    class Complete(Oracle):  # type: ignore[misc]
        """The equivalence oracle: the complete suite of the hypothesis."""

        confirmed: Learned | None = None

        def find_cex(self, hypothesis: Any) -> Word | None:
            machine, odd = _machine(server, hypothesis)
            if machine is None:
                return odd
            words = covering.suite(machine, extra)
            for word in words:
                outputs, foreseen = server.ask(word), machine.outputs(word)
                for at, output in enumerate(outputs):
                    if at >= len(foreseen) or output != foreseen[at]:
                        return word[: at + 1]
            self.confirmed = Learned(machine, extra, len(words))
            return None

    alphabet, system = [*server.plant.inputs, READ], System()
    oracle = Complete(alphabet, system)
    run_KV(alphabet, system, oracle, "mealy", cache_and_non_det_check=False, print_level=0)
    if oracle.confirmed is None:
        raise Unlearned(f"the automaton is not confirmed for {extra} more states")
    return oracle.confirmed


def _machine(server: Server, hypothesis: Any) -> tuple[Machine | None, Word | None]:
    """The hypothesis as an automaton whose states show something.

    Or, while what a move shows is not what its target shows, the word that refutes it.
    """
    numbers = {hypothesis.initial_state: 0}
    ways: list[dict[Input, Way]] = []
    access: list[Word] = [()]
    states = [hypothesis.initial_state]
    for state in states:
        there: dict[Input, Way] = {}
        for one in server.plant.inputs:
            output, target = state.output_fun[one], state.transitions[one]
            if output == NOT_POSSIBLE:
                continue
            if target not in numbers:
                numbers[target] = len(numbers)
                states.append(target)
                access.append((*access[numbers[state]], one))
            there[one] = Way(output.status, numbers[target])
            if output.shown != target.output_fun[READ].shown:
                return None, (*access[numbers[state]], one, READ)
        ways.append(there)
    shown = tuple(state.output_fun[READ].shown for state in states)
    names = tuple(map(told, shown))
    return least(Machine(server.plant, shown, tuple(ways), names)), None
