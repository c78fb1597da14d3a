"""The gated job as a deterministic automaton, derived from the model by walking through it.

A *plant* is a few jobs behind one worker, and the inputs that are tried on them. Between two
inputs the server comes to rest, so that an input meets one state of the model and leads to
another. What an input does is asked of `spec.engine`; here no move is written down.

The worker is held for the jobs: they are born Pending behind a job that has it, `start` lets that
one go, and before a resume or a resubmit, which may make a job Pending, a free worker is taken
again. An input that needs a step at the gate exists only while a job is Running, and `start`
only while one waits: so what a state shows tells which inputs it has.

The model leaves a few things to the server. `Choices` resolves them, so that there is one outcome:

- A failed step leads to Failure. That the server may choose Retry instead is left out: a server
  that does has no automaton of this kind.
- A step that fails after a cancel leaves the code of the step, or with ``canceled`` that of the
  cancel; and with ``stale`` its end leaves Progress as it was shown before a resubmit.
- ``relaxations`` are taken wherever they apply, and not only permitted.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import NamedTuple, TypeAlias

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
    View,
    moves,
    step,
    view,
)
from spec.relaxations import NONE, Relaxation, smallest_first
from spec.table import FINAL, Action, Asked, ErrorCode, Move, State

HISTORY = 10  # more than a plant has jobs: nothing is evicted
# The relaxations that concern what one job does; the order of equal jobs is no matter of a plant.
OF_A_JOB = (Relaxation.CANCEL_LOST_TO_PAUSE, Relaxation.REQUEST_LOST_ON_LAST_STEP)


class Verb(StrEnum):
    """What an input does. Actions and replies have the names that they have in ``spec``."""

    START = "start"  # the worker is let go, so that it takes a job
    SUCCEED = "succeed"
    FAIL = "fail"
    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    RESUBMIT = "resubmit"
    READ = "read"


QUEUES = frozenset({Verb.RESUME, Verb.RESUBMIT})  # what may make a job Pending
REPLIES = frozenset({Verb.SUCCEED, Verb.FAIL})


class Input(NamedTuple):
    """One input. ``job``: the place of its job in the plant; of no job where it is None."""

    verb: Verb
    job: int | None = None


Word: TypeAlias = tuple[Input, ...]
Views: TypeAlias = tuple[View, ...]
Shown: TypeAlias = tuple[Hashable, ...]  # of each job its view, or a part of it


class Output(NamedTuple):
    """What is seen of an input: the HTTP status of an action, and what each job then shows."""

    status: int | None
    shown: Shown


class Kind(NamedTuple):
    """A job of a plant, as it is submitted."""

    name: str
    steps: int
    priority: int


@dataclass(frozen=True, slots=True)
class Plant:
    """Jobs behind one worker, submitted in this order, and the inputs that are tried."""

    jobs: tuple[Kind, ...]
    inputs: tuple[Input, ...]

    def possible(self, states: Sequence[State]) -> Iterator[Input]:
        """The inputs that there are while the jobs are in ``states``."""
        for one in self.inputs:
            if one.verb is Verb.START:
                if State.PENDING in states and State.RUNNING not in states:
                    yield one
            elif one.verb not in REPLIES or states[one.job or 0] is State.RUNNING:
                yield one

    def say(self, one: Input) -> str:
        """An input in words."""
        if one.job is None:
            return "let a worker go" if one.verb is Verb.START else str(one.verb)
        name = self.jobs[one.job].name
        return f"let the step of {name} {one.verb}" if one.verb in REPLIES else f"{one.verb} {name}"

    def tell(self, word: Iterable[Input]) -> str:
        return "; ".join(map(self.say, word)) or "nothing"


EVERY = (*(v for v in Verb if v not in (Verb.START, Verb.READ)),)
JOB = Plant(
    (Kind("A", 2, 0),),
    (Input(Verb.START), *(Input(verb, 0) for verb in EVERY), Input(Verb.READ)),
)
# Two jobs of one step that only a failure ends: the second is the more urgent one. It is about
# which job has the worker, and what one job does is the matter of the other plant.
TWO_JOBS = Plant(
    (Kind("A", 1, 0), Kind("B", 1, 1)),
    (
        Input(Verb.START),
        *(Input(verb, job) for job in (0, 1) for verb in (Verb.FAIL, Verb.PAUSE, Verb.RESUME)),
        Input(Verb.READ),
    ),
)


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
    for prefers, wanted in ((_retries, False), (_canceled, choices.canceled), (_stale, False)):
        wanted = choices.stale if prefers is _stale else wanted
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
