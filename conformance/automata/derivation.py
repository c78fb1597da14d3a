"""The gated job as a deterministic automaton, derived from the model by walking through it.

Between two inputs the server comes to rest, so that an input meets one state of the model and
leads to another. What an input does is asked of `spec.engine`; here no move is written down.

The model leaves a few things to the server. `Choices` resolves them, so that there is one outcome:

- A failed step leads to Failure. That the server may choose Retry instead is left out: a server
  that does has no automaton of this kind.
- A step that fails after a cancel leaves the code of the step, or with ``canceled`` that of the
  cancel; and with ``stale`` its end leaves Progress as it was shown before a resubmit.
- ``relaxations`` are taken wherever they apply, and not only permitted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple, TypeAlias

from conformance.automata.machine import Machine, Way, least
from conformance.automata.plant import QUEUES, REPLIES, Input, Output, Plant, Verb, Views, Word
from spec.closure import closure
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
from spec.relaxations import NONE, Relaxation, smallest_first
from spec.table import FINAL, Action, Asked, ErrorCode, Move, State

HISTORY = 10  # more than a plant has jobs: nothing is evicted
# The relaxations that concern what one job does; the order of equal jobs is no matter of a plant.
OF_A_JOB = (Relaxation.CANCEL_LOST_TO_PAUSE, Relaxation.REQUEST_LOST_ON_LAST_STEP)


@dataclass(frozen=True, slots=True)
class Choices:
    """How what the model leaves open is resolved. The defaults are those of the strict table."""

    relaxations: frozenset[Relaxation] = NONE
    canceled: bool = False
    stale: bool = False


STRICT = Choices()


def resolutions(names: Iterable[Relaxation] = OF_A_JOB) -> Iterator[Choices]:
    """Every way to resolve the model, with the fewest relaxations first."""
    for some in smallest_first(names):
        for canceled, stale in product((False, True), repeat=2):
            yield Choices(some, canceled, stale)


class _World(NamedTuple):
    """The plant in the model: its engine, and whether the worker is held for it."""

    engine: Engine
    held: bool = True


def name_after(plant: Plant, word: Word, choices: Choices = STRICT) -> str:
    """The state that ``word`` leads to, in words."""
    world = _born(plant, choices)
    for one in word:
        world = _apply(world, one, choices)[1]
    return _name(plant, world)


def _born(plant: Plant, choices: Choices) -> _World:
    engine = EMPTY
    for job in plant.jobs:
        ((_, engine),) = step(_config(True), engine, Submit(job.priority, job.steps))
    return _World(_settled(engine, True, choices))


def derive(plant: Plant, choices: Choices = STRICT) -> Machine:
    """The least automaton that does what the model says of ``plant``."""
    first = _born(plant, choices)
    found: dict[_World, int] = {first: 0}
    ways: list[dict[Input, Way]] = []
    for world in (todo := [first]):
        there: dict[Input, Way] = {}
        for one in plant.possible([job.state for job in _jobs(world.engine)]):
            status, after = _apply(world, one, choices)
            if after not in found:
                found[after] = len(found)
                todo.append(after)
            there[one] = Way(status, found[after])
        ways.append(there)
    views, names = tuple(map(_views, todo)), tuple(_name(plant, world) for world in todo)
    return least(Machine(plant, views, tuple(ways), names))


def _config(held: bool, relaxations: frozenset[Relaxation] = NONE) -> Config:
    """A worker that is held for the plant is none that takes a job of it."""
    return Config(workers=0 if held else 1, history=HISTORY, relaxations=relaxations)


def _apply(world: _World, one: Input, choices: Choices) -> tuple[int | None, _World]:
    status, engine, held = _begun(world, one)
    return status, _World(_settled(engine, held, choices), held)


def _begun(world: _World, one: Input) -> tuple[int | None, Engine, bool]:
    """An input, before the engine does anything by itself: what is answered, and whether the
    worker is held then.
    """
    engine, held = world
    if one.verb is Verb.START:
        return None, engine, False
    if one.verb is Verb.READ:
        return None, engine, held
    event: Event
    if one.verb in REPLIES:
        event = Replied(one.job or 0, Reply(one.verb.value))
    else:
        held = held or (one.verb in QUEUES and not _running(engine))
        event = Act(Action(one.verb.value), one.job)
    ((answer, engine),) = step(_config(held), engine, event)
    return (answer if isinstance(answer, int) else None), engine, held


# --- what the model permits -------------------------------------------------------------------

Worlds: TypeAlias = frozenset[_World]


def beginnings(plant: Plant, relaxations: frozenset[Relaxation] = NONE) -> Worlds:
    """Where the model may be before the first input, with all that it leaves open left open."""
    config = _config(True, relaxations)
    engine = EMPTY
    for job in plant.jobs:
        ((_, engine),) = step(config, engine, Submit(job.priority, job.steps))
    return frozenset(_World(after) for after in _rests(config, engine))


def permitted(
    worlds: Worlds, one: Input, output: Output, relaxations: frozenset[Relaxation] = NONE
) -> Worlds:
    """Where the model may be after an input that showed ``output``; empty if it permits no such."""
    found = set()
    for world in worlds:
        status, engine, held = _begun(world, one)
        for after in _rests(_config(held, relaxations), engine):
            if status == output.status and tuple(map(view, _jobs(after))) == output.shown:
                found.add(_World(after, held))
    return frozenset(found)


# --- what an input does -----------------------------------------------------------------------


def _settled(engine: Engine, held: bool, choices: Choices) -> Engine:
    """Where the engine comes to rest, with what is left open resolved."""
    chosen = seen = _rests(_config(held), engine)
    admitted: set[Relaxation] = set()
    for one in sorted(choices.relaxations):  # where two apply, the later one is taken
        admitted.add(one)
        more = _rests(_config(held, frozenset(admitted)), engine) - seen
        chosen, seen = more or chosen, seen | more
    for prefers, wanted in (
        (_retries, False),
        (_canceled, choices.canceled),
        (_stale, choices.stale),
    ):
        kept = frozenset(e for e in chosen if prefers(e) is wanted)
        chosen = kept or chosen
    (found,) = chosen
    return found


def _rests(config: Config, engine: Engine) -> frozenset[Engine]:
    """Where the engine may come to rest, if the gate holds each step that arrives."""

    def onward(now: Engine) -> list[Engine]:
        after = [e for name, _, e in moves(config, now) if name is not Move.TIMEOUT]
        for index, job in enumerate(_jobs(now)):
            if job.phase is Phase.SENT:
                after += [e for _, e in step(config, now, Arrive(index, job.done))]
        return after

    return frozenset(now for now in closure({engine}, onward) if not onward(now))


def _retries(engine: Engine) -> bool:
    return any(job.state is State.RETRY for job in _jobs(engine))


def _canceled(engine: Engine) -> bool:
    """Whether the last job that ended shows the code of a cancel."""
    last = engine.jobs[engine.history[-1]] if engine.history else None
    return last is not None and last.error is ErrorCode.CANCELED_JOB


def _stale(engine: Engine) -> bool:
    return any(job.shown != job.done and job.state in FINAL for job in _jobs(engine))


def _running(engine: Engine) -> bool:
    return any(job.state is State.RUNNING for job in _jobs(engine))


def _jobs(engine: Engine) -> list[Job]:
    return [job for job in engine.jobs if job is not None]


def _views(world: _World) -> Views:
    return tuple(map(view, _jobs(world.engine)))


def _name(plant: Plant, world: _World) -> str:
    """A state in words: what each job is, how far it is, and what it was asked for."""
    told = []
    for kind, job in zip(plant.jobs, _jobs(world.engine), strict=True):
        text = str(job.state)
        text += f" after {job.done} of {job.steps}" if job.state not in FINAL else ""
        text += f", asked: {job.asked}" if job.asked is not Asked.NOTHING else ""
        told.append(text if len(plant.jobs) == 1 else f"{kind.name} {text}")
    return "; ".join(told)
