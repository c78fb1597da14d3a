"""The generated suites find what they promise to find."""

from __future__ import annotations

import random

import pytest

from conformance.automata.covering import identifiers, separators, state_cover, suite
from conformance.automata.derivation import OF_A_JOB, Choices, derive
from conformance.automata.machine import Machine, states_only
from conformance.automata.plant import JOB, TWO_JOBS
from tests.conformance.automata.machines import Killer, equivalent, larger, single

MACHINES = {
    "job": derive(JOB),
    "job, relaxed": derive(JOB, Choices(frozenset(OF_A_JOB))),
    "job, by State": states_only(derive(JOB)),
    "two jobs": derive(TWO_JOBS),
}
every_machine = pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
TRIES = 400  # mutants of each size


@every_machine
def test_the_cover_leads_to_each_state(machine: Machine) -> None:
    assert [machine.after(word) for word in state_cover(machine)] == list(machine.states)


@every_machine
def test_any_two_states_are_told_apart_by_words_that_both_have(machine: Machine) -> None:
    identify = identifiers(machine)
    for pair, word in separators(machine).items():
        s, t = pair
        assert machine.shown[s] != machine.shown[t] or (
            machine.outputs(word, s) != machine.outputs(word, t)
        )
        for state in pair:
            begun = [other[: len(word)] for other in identify[state]]
            assert not word or word in begun


@every_machine
def test_no_word_of_a_suite_begins_another_and_all_can_be_run(machine: Machine) -> None:
    words = suite(machine, 1)
    assert len(set(words)) == len(words)
    begun = {word[:size] for word in words for size in range(len(word))}
    assert begun.isdisjoint(words)
    assert all(len(machine.outputs(word)) == len(word) for word in words)
    assert [len(word) for word in words] == sorted(len(word) for word in words)


@every_machine
def test_each_machine_with_one_other_move_is_found(machine: Machine) -> None:
    killer = Killer(suite(machine, 0), machine)
    for mutant in single(machine):
        assert killer.kills(mutant) is not equivalent(machine, mutant)


@every_machine
@pytest.mark.parametrize("extra", [1, 2])
def test_machines_with_extra_states_are_found_within_the_bound(
    machine: Machine, extra: int
) -> None:
    killer = Killer(suite(machine, extra), machine)
    tries = TRIES // extra**3
    for seed in range(tries):
        mutant = larger(machine, extra, seed)
        assert killer.kills(mutant) is not equivalent(machine, mutant)


def test_beyond_the_bound_a_fault_may_hide() -> None:
    machine = MACHINES["job, by State"]
    mutants = [larger(machine, 1, seed) for seed in range(TRIES)]
    faulty = [mutant for mutant in mutants if not equivalent(machine, mutant)]
    killer = Killer(suite(machine, 0), machine)
    hidden = [mutant for mutant in faulty if not killer.kills(mutant)]
    assert 0 < len(hidden) < len(faulty)


def test_machines_of_many_other_moves_are_found() -> None:
    machine, chance = MACHINES["two jobs"], random.Random(0)
    killer, singles = Killer(suite(machine, 0), machine), list(single(machine))
    for _ in range(TRIES):
        mutant = chance.choice(singles)
        for _ in range(3):
            other = chance.choice(singles)
            state = next(s for s in machine.states if other.moves[s] != machine.moves[s])
            moves = list(mutant.moves)
            moves[state] = other.moves[state]
            mutant = Machine(machine.plant, machine.shown, tuple(moves), machine.names)
        assert killer.kills(mutant) is not equivalent(machine, mutant)
