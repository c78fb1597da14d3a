"""AALpy with the gate: the automaton of a job is learned, and compared with the one believed.

    python -m benchmarks.peers.learned URL [--workers N] [--seconds S] [--alarms FILE]

The job waits behind busy workers, so that it starts when `start` says so. What L* comes to is
looked through for transitions that are not as believed, and the word that leads to each is run
once more. AALpy's own equivalence oracle confirms it: words from every state.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from aalpy.base import SUL
from aalpy.learning_algs import run_Lstar
from aalpy.oracles import StatePrefixEqOracle

from benchmarks.peers.belief import STEPS, Belief
from benchmarks.peers.gated import BAD, GOOD, JOB, Jobs
from benchmarks.peers.telling import Alarm, asked
from spec.table import Action, State

START, SUCCEED, FAIL = "start", "succeed", "fail"
LETTERS = [START, SUCCEED, FAIL, *map(str, Action)]
NOTHING = "-"  # the output of a letter that there is not in this state
WALKS, LENGTH = 5, 6  # of the equivalence oracle: from each state, and letters in each
Word = tuple[str, ...]


class TimeOver(Exception):
    """The seconds are over."""


def possible(letter: str, state: State) -> bool:
    if letter == START:
        return state is State.PENDING
    return letter not in (SUCCEED, FAIL) or state is State.RUNNING


class System(SUL):  # type: ignore[misc]
    """A job of two steps."""

    def __init__(self, jobs: Jobs, until: float = float("inf")) -> None:
        super().__init__()
        self.jobs = jobs
        self.until = until
        self.job = ""
        self.state = State.PENDING

    def pre(self) -> None:
        if time.monotonic() > self.until:
            raise TimeOver
        self.jobs.hold()
        self.job, self.state = self.jobs.submit(STEPS), State.PENDING

    def post(self) -> None:
        self.jobs.finish(self.job)
        self.jobs.let_go()

    def step(self, letter: str | None) -> str:
        if letter is None or not possible(letter, self.state):
            return NOTHING
        jobs, status = self.jobs, ""
        if letter == START:
            jobs.let_go()
            jobs.until(lambda: self._seen() is not State.PENDING)
            jobs.settled(self.job)
        elif letter in (SUCCEED, FAIL):
            jobs.gate.answer(JOB, GOOD if letter == SUCCEED else BAD)
            jobs.settled(self.job)
        else:
            jobs.hold(busy=self.state is State.RUNNING)
            status = f"{jobs.act(self.job, Action(letter))} "
        return f"{status}{self._seen()}"

    def _seen(self) -> State:
        self.state = self.jobs.state(self.job)
        return self.state


def believed(belief: Belief, letter: str) -> tuple[str, Belief]:
    """The output that a letter should have, and where it should lead."""
    if not possible(letter, belief.state):
        return NOTHING, belief
    status = ""
    if letter == START:
        belief = belief.start()
    elif letter in (SUCCEED, FAIL):
        belief = belief.end(letter == SUCCEED)
    else:
        code, belief = belief.act(Action(letter))
        status = f"{code} "
    return f"{status}{belief.state}", belief


def differences(machine: Any) -> Iterator[tuple[Word, str, str]]:
    """Words after which the last output is not the believed one: both outputs, the learned first.

    Nothing is looked for behind a difference.
    """
    queue: list[tuple[Any, Belief, Word]] = [(machine.initial_state, Belief(), ())]
    known = {(machine.initial_state, Belief())}
    for state, belief, word in queue:
        for letter in LETTERS:
            foreseen, after = believed(belief, letter)
            found, target = state.output_fun[letter], state.transitions[letter]
            if found != foreseen:
                yield (*word, letter), found, foreseen
            elif (target, after) not in known:
                known.add((target, after))
                queue.append((target, after, (*word, letter)))


def main() -> None:
    given = asked(__doc__ or "")
    system = System(Jobs(given.url, given.workers), given.until)
    oracle = StatePrefixEqOracle(LETTERS, system, walks_per_state=WALKS, walk_len=LENGTH)
    try:
        machine = run_Lstar(LETTERS, system, oracle, "mealy", print_level=0)
    except TimeOver:
        system.post()
        raise SystemExit("the time is over, and nothing is learned") from None
    system.until = float("inf")
    for word, _, foreseen in differences(machine):
        system.pre()
        found = [system.step(letter) for letter in word][-1]
        if found != foreseen:  # else only the hypothesis is wrong
            said = f"{' '.join(word)}: {found}, not {foreseen}"
            given.tell(Alarm(said, system.job, system.state))
        system.post()


if __name__ == "__main__":
    main()
