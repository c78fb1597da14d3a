"""The automata of the plants, held against a walk through the engine that is made otherwise."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from itertools import product

import pytest

from conformance.automata.derivation import (
    OF_A_JOB,
    STRICT,
    Choices,
    beginnings,
    derive,
    permitted,
    resolutions,
)
from conformance.automata.machine import Machine, states_only
from conformance.automata.plant import JOB, TWO_JOBS, Input, Plant, Verb
from spec.engine import (
    EMPTY,
    Act,
    Arrive,
    Config,
    Engine,
    Event,
    Job,
    Phase,
    Replied,
    Reply,
    Submit,
    moves,
    step,
    view,
)
from spec.table import Action, ErrorCode, State
from tests.conformance.automata.machines import equivalent

ONE_WORKER = Config(workers=1, history=50)
A = 1  # the job; before it and behind it are jobs that hold the worker


def at_rest(engine: Engine) -> Engine:
    """Where one worker comes to rest, on a server that fails rather than retries."""
    rest, found = [], {engine}
    for now in (todo := [engine]):
        after = [one for _, _, one in moves(ONE_WORKER, now)]
        for index, one in enumerate(now.jobs):
            if one is not None and one.phase is Phase.SENT:
                after += [e for _, e in step(ONE_WORKER, now, Arrive(index, one.done))]
        new = {e for e in after if not any(j and j.state is State.RETRY for j in e.jobs)} - found
        found |= new
        todo += new
        if not after:
            rest.append(now)
    if len(rest) > 1:  # a step that fails after a cancel: its own code rather than the cancel's
        rest = [engine for engine in rest if job(engine).error is not ErrorCode.CANCELED_JOB]
    (end,) = rest
    return end


def job(engine: Engine) -> Job:
    found = engine.jobs[A]
    assert found is not None
    return found


def after(engine: Engine, event: Event) -> tuple[Hashable, Engine]:
    ((answer, now),) = step(ONE_WORKER, engine, event)
    return answer, at_rest(now)


def inputs(engine: Engine) -> Iterator[tuple[str, Hashable, Engine]]:
    """What can be done to the job, each with its answer: with real jobs that hold the worker."""
    for action in Action:
        held = engine
        if action in (Action.RESUME, Action.RESUBMIT):
            held = blocked(engine)
        yield action, *after(held, Act(action, A))
    state = job(engine).state
    if state is State.RUNNING:
        for reply in (Reply.SUCCEED, Reply.FAIL):
            yield reply, None, after(engine, Replied(A, reply))[1]
    if state is State.PENDING:
        holds = next(i for i, one in enumerate(engine.jobs) if one and one.phase is Phase.HELD)
        yield "start", None, after(engine, Replied(holds, Reply.SUCCEED))[1]


def blocked(engine: Engine) -> Engine:
    busy = any(one is not None and one.state is State.RUNNING for one in engine.jobs)
    return engine if busy else after(engine, Submit(0, 1))[1]


def walked() -> dict[Job, dict[str, tuple[Hashable, Job]]]:
    """Every state of the job, with what each input answers and leads to."""
    engine = after(after(EMPTY, Submit(0, 1))[1], Submit(0, 2))[1]
    found: dict[Job, dict[str, tuple[Hashable, Job]]] = {}
    todo = [engine]
    while todo:
        engine = todo.pop()
        if job(engine) in found:
            continue
        there = found.setdefault(job(engine), {})
        for name, answer, now in inputs(engine):
            there[name] = answer, job(now)
            todo.append(now)
    return found


def told_apart(by: str) -> int:
    """How many of them any word tells apart: by what all words of up to six inputs show."""
    states = walked()

    def shows(one: Job) -> Hashable:
        return view(one) if by == "reading" else one.state

    words: dict[Job, Hashable] = {one: shows(one) for one in states}
    for _ in range(6):
        words = {
            one: (
                words[one],
                tuple((name, answer, words[next_]) for name, (answer, next_) in there.items()),
            )
            for one, there in states.items()
        }
        numbers: dict[Hashable, int] = {}  # or the values would grow with each length
        words = {one: numbers.setdefault(value, len(numbers)) for one, value in words.items()}
    return len(set(words.values()))


def test_the_gated_job_has_as_many_states_as_a_walk_with_real_blockers_finds() -> None:
    assert len(derive(JOB)) == told_apart("reading") == 34
    assert len(states_only(derive(JOB))) == told_apart("state") == 13


@pytest.mark.parametrize("plant", [JOB, TWO_JOBS])
@pytest.mark.parametrize("choices", list(resolutions()))
def test_a_resolved_automaton_does_only_what_the_model_permits(
    plant: Plant, choices: Choices
) -> None:
    machine, names = derive(plant, choices), choices.relaxations
    todo = [(0, beginnings(plant, names))]
    found = set(todo)
    for state, worlds in todo:
        assert worlds
        for one in machine.moves[state]:
            ((output, target),) = machine.run([one], state)
            pair = target, permitted(worlds, one, output, names)
            if pair not in found:
                found.add(pair)
                todo.append(pair)


def test_a_relaxation_that_is_taken_shows() -> None:
    machines = [derive(JOB, Choices(names)) for names in map(frozenset, ((), OF_A_JOB))]
    assert not equivalent(*machines)
    word = tuple(Input(v, 0) for v in (Verb.CANCEL, Verb.PAUSE, Verb.SUCCEED))
    shown = [machine.outputs((Input(Verb.START), *word))[-1].shown[0] for machine in machines]
    assert [one.state for one in shown] == [State.FAILURE, State.PAUSED]  # type: ignore[attr-defined]


def test_what_a_state_shows_tells_which_inputs_it_has() -> None:
    for plant, choices in product((JOB, TWO_JOBS), (STRICT, Choices(frozenset(OF_A_JOB)))):
        machine = derive(plant, choices)
        has: dict[Hashable, set[Input]] = {}
        for state in machine.states:
            there = set(machine.moves[state])
            assert has.setdefault(machine.shown[state], there) == there


def test_the_more_urgent_of_two_jobs_starts_first_and_a_freed_worker_takes_the_other() -> None:
    machine = derive(TWO_JOBS)
    assert _states(machine, Input(Verb.START)) == [State.PENDING, State.RUNNING]
    assert _states(machine, Input(Verb.START), Input(Verb.FAIL, 1)) == [
        State.RUNNING,
        State.FAILURE,
    ]
    assert _states(machine, Input(Verb.PAUSE, 1), Input(Verb.START)) == [
        State.RUNNING,
        State.PAUSED,
    ]


def _states(machine: Machine, *word: Input) -> list[State]:
    return [one.state for one in machine.outputs(word)[-1].shown]  # type: ignore[attr-defined]
