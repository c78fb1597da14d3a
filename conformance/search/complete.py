"""`complete/`: every sequence that is needed to know a server of bounded size for what it is.

The gated job, and two jobs behind one worker, are automata that the model gives
(`automata.derivation`). For each there is a finite suite of sequences (`automata.covering`) with
this guarantee: a server that answers all of them as it must is equivalent to the automaton,
under the assumption that `ASSUMPTION` states. Each sequence is run on jobs of its own, by a driver,
so the oracle judges it like any other case.

A server makes choices that the model leaves open, and may need relaxations. So what was seen
tells which automaton the server has to be: where it did not do what the present one foresees, the
first that explains all sequences so far takes its place, and its suite is run to the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from conformance.automata import covering
from conformance.automata.derivation import OF_A_JOB, STRICT, Choices, derive, resolutions
from conformance.automata.driving import Player
from conformance.automata.machine import Machine
from conformance.automata.plant import JOB, TWO_JOBS, Output, Plant, Views, Word
from conformance.driver.driver import Driver
from conformance.driver.following import Deviated
from conformance.errors import ServerDied, Unjudged
from conformance.events import Bound
from conformance.oracle.oracle import Finding
from conformance.search.executor import (
    Found,
    Performed,
    Repeater,
    found_on,
)
from conformance.search.shrinking import shortened
from conformance.timing import TIMING
from spec.relaxations import NONE, Name

EXTRA = 0  # states that the server may have more, unless a run says otherwise
METHOD = "HSI"
ASSUMPTION = (
    "it is deterministic, new jobs find it as the first ones did, it has at most as many states as"
    " the automaton and the extra ones, and it comes to rest before it is read"
)
PLANTS: Mapping[str, Plant] = MappingProxyType({"complete/job": JOB, "complete/two-jobs": TWO_JOBS})


@dataclass(frozen=True, slots=True)
class Ran:
    """A sequence that was run, with what it showed."""

    word: Word
    first: Views
    outputs: tuple[Output, ...]

    def of(self, machine: Machine) -> bool:
        """Whether ``machine`` foresees it."""
        return machine.shown[0] == self.first and machine.outputs(self.word) == self.outputs


@dataclass(kw_only=True)
class Completing:
    """A complete suite under way. ``run_by``: who runs a sequence, and runs it again.

    ``workers``: how many the server has.
    ``extra``: the states that the server may have beyond those of the automaton. ``admitted``:
    relaxations that are no news; what they explained is in `used`.
    """

    run_by: Repeater
    plant: Plant
    workers: int
    extra: int
    admitted: frozenset[Name] = NONE
    shrinking_time: float = TIMING.shrinking_more
    used: dict[Name, Found] = field(default_factory=dict)
    found: list[Found] = field(default_factory=list)
    unjudged: list[str] = field(default_factory=list)
    died: tuple[ServerDied, Performed] | None = None
    ran: list[Ran] = field(default_factory=list)
    actions: int = 0
    suspicious: bool = False  # something did not come, and came when it was tried again
    bound: Bound | None = None  # what was shown, when all of it was

    def run(self) -> None:
        """Run the suite of the automaton that the server turns out to be."""
        choices: Choices | None = STRICT
        begun: set[Word] = set()
        tried: set[Choices] = set()
        while choices is not None and choices not in tried:
            tried.add(choices)
            machine = derive(self.plant, choices)
            words = covering.suite(machine, self.extra)
            todo = [word for word in words if word not in begun]
            if self._follows(machine, todo, begun):
                self.bound = self._bound(machine, choices, len(words))
                return
            if self.over:
                return
            choices = self._resolved()
        last = self.plant.tell(self.ran[-1].word) if self.ran else "the first one"
        self.unjudged.append(
            "the server is none of the automata that the model allows for; it was seen in the"
            f" sequence: {last}"
        )

    @property
    def over(self) -> bool:
        """Whether there is no use in going on."""
        unexplained = any(found.finding.relaxations is None for found in self.found)
        return unexplained or self.died is not None or bool(self.unjudged)

    def _follows(self, machine: Machine, todo: list[Word], begun: set[Word]) -> bool:
        """Whether the server does what ``machine`` does, in all words; stops where it does not."""
        done = len(self.ran)
        for number, word in enumerate(todo):
            self.run_by.progress(done + number + 1, done + len(todo))
            ran = self._ran(word)
            if ran is None and self.unjudged:  # what broke on the way is tried once more
                self.unjudged.clear()
                ran = self._ran(word)
            if ran is None or self.over:
                return False
            self.ran.append(ran)
            begun |= {word[:size] for size in range(len(word) + 1)}
            if not ran.of(machine):
                return False
        return True

    def _resolved(self) -> Choices | None:
        """The automaton with the fewest relaxations that has done all that was seen."""
        names = [name for name in OF_A_JOB if name in self.admitted]
        for choices in resolutions(names):
            machine = derive(self.plant, choices)
            if all(ran.of(machine) for ran in self.ran):
                return choices
        return None

    def _bound(self, machine: Machine, choices: Choices, words: int) -> Bound:
        return Bound(
            METHOD,
            len(machine),
            self.extra,
            words,
            len(self.ran),
            self.actions,
            tuple(sorted(choices.relaxations)),
            ASSUMPTION,
        )

    # --- one sequence -------------------------------------------------------------------------

    def _ran(self, word: Word) -> Ran | None:
        """Run a word on jobs of its own. None where it did not come to its end."""
        driver = self.run_by.open()
        if self.suspicious:  # what comes of it is tried again with patience
            driver.deadline = min(driver.deadline, TIMING.hasty)
        before, ran, faulty = driver.resources.actions, None, True
        try:
            player = Player(driver, self.plant, self.workers)
            first = player.begin()
            ran = Ran(word, first, player.run(word))
            driver.finish()
            faulty = False
        except Deviated:
            ran = None
        except (Unjudged, ServerDied) as reason:
            ran = None
            self._broke(driver, reason)
        self.actions += driver.resources.actions - before
        findings = tuple(driver.findings)
        self.run_by.close(driver, faulty)
        for finding in findings:
            self._judge(driver, finding)
        return ran

    def _broke(self, driver: Driver, reason: Unjudged | ServerDied) -> None:
        try:
            self.run_by.check()
        except (ServerDied, Unjudged) as why:
            reason = why
        if isinstance(reason, ServerDied):
            self.died = reason, tuple(driver.performed)
        else:
            self.unjudged.append(str(reason))

    def _judge(self, driver: Driver, finding: Finding) -> None:
        named = finding.relaxations
        if finding.missing:
            again = self.run_by.attempt([step for step, _ in driver.performed], TIMING.patient)
            if again is None or not again.finding.missing:
                self.suspicious = True  # what an earlier sequence has left may have been in its way
                self.unjudged.append(f"{finding.actual}: not seen again with more patience")
                return
        if named is not None and named <= self.admitted:
            for one in named:
                self.used.setdefault(one, found_on(driver, finding))
            return
        found = found_on(driver, finding)
        self.found.append(shortened(found, self.run_by, self.shrinking_time))
        self.admitted |= named or NONE
