"""From a broken property to a run that anybody can try on a real server.

A proof breaks a property at any moment between two moves; a kit can only act from outside, and
waits after each input until the server has come to rest. So the shortest run is searched for
again, among the runs of that kind: from rest to rest, one input at a time, where

* up to the last input the strict engine comes to rest in one way only, so that the run can be
  led there on a server that conforms so far;
* with the last input something happens that breaks the property, and the engine comes to rest
  in a way in which the strict one cannot;
* no relaxation but the admitted ones explains that end, so that the run tells this one from the
  others: whoever sees the end knows the reason.

A reply "retry" is not used: no released server has a job that asks for one.

**Ties.** Two equal jobs show a broken order in the model, and on no released server: those keep
their jobs in a heap, which has two or three equal ones in order. Six equal ones behind a busy
worker started as 0 2 5 4 1 3, each time (measured on Orthanc 1.9.1, 1.10.1, 1.12.7, 1.13.0).
So the run for `ties-in-order` begins with that many, and its deviation is the measured one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from spec.closure import closure
from spec.engine import (
    EMPTY,
    Act,
    Answer,
    Arrive,
    Config,
    Engine,
    Phase,
    Replied,
    Reply,
    Submit,
    View,
    describe,
    ended,
    moves,
    step,
    view,
)
from spec.properties import BY_NAME, Modality, Own, Property, Transition
from spec.relaxations import NONE, Relaxation
from spec.requirements import requirement
from spec.table import Action, Move, boundary_id, cell_id

SCHEMA = 1  # of a replay file
Input: TypeAlias = Submit | Act | Replied
Views: TypeAlias = tuple[View | None, ...]

NAMES = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MOST_INPUTS = 6  # a run of more was never needed
EQUALS = 6  # jobs of equal priority behind a busy worker: see the module's docstring
MEASURED = (0, 2, 5, 4, 1, 3)  # the order in which they started on released servers


@dataclass(frozen=True, slots=True)
class Run:
    """Inputs, each from rest, and how the last one ends: as it may, and as it must not."""

    config: Config
    inputs: tuple[Input, ...]
    answers: tuple[Answer, ...]
    requirement: str
    job: int  # the job that shows the difference
    strict: tuple[View | None, ...]  # what it may show
    actual: View | None  # what it shows


def build(name: str, admitted: frozenset[Relaxation]) -> dict[str, Any] | None:
    """A replay of the broken property ``name``, as JSON; None where no run was found."""
    p = BY_NAME[name]
    if p.modality is Modality.SOMETIMES or not p.relaxed_by & admitted:
        return None
    config = Config(workers=1, history=10, relaxations=admitted)
    run = ties(config) if p.name == "ties-in-order" else shortest(p, config)
    return None if run is None else replay(p, run)


def write(replay: Mapping[str, Any], folder: Path) -> Path:
    """Write a replay under the name of its case. Raises `OSError`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{str(replay['case']).replace('/', '-')}.json"
    path.write_text(json.dumps(replay, indent=2) + "\n", encoding="utf-8")
    return path


# --- the search -----------------------------------------------------------------------------


def shortest(p: Property, config: Config) -> Run | None:
    """The shortest run with one job that breaks ``p``."""
    level: list[tuple[Engine, tuple[Input, ...], tuple[Answer, ...]]] = [(EMPTY, (), ())]
    seen = {EMPTY}
    for _ in range(MOST_INPUTS):
        following = []
        for engine, inputs, answers in level:
            for event in _inputs(engine):
                run = _breaks(p, config, engine, (*inputs, event), answers)
                if run is not None:
                    return run
                after = rests(_strict(config), engine, event)
                if len(after) == 1:
                    ((answer, at_rest),) = after
                    if at_rest not in seen:
                        seen.add(at_rest)
                        following.append((at_rest, (*inputs, event), (*answers, answer)))
        level = following
    return None


def _inputs(engine: Engine) -> Iterator[Input]:
    """What a client, and the peer of a released server, may do with one job."""
    if not engine.jobs:
        yield Submit(0, 1)
        yield Submit(0, 2)
    for index, job in enumerate(engine.jobs):
        if job is not None and job.phase is Phase.HELD:
            yield Replied(index, Reply.SUCCEED)
            yield Replied(index, Reply.FAIL)
        for action in Action:
            yield Act(action, index)


def _breaks(
    p: Property,
    config: Config,
    engine: Engine,
    inputs: tuple[Input, ...],
    answers: tuple[Answer, ...],
) -> Run | None:
    event = inputs[-1]
    allowed = {_views(e) for _, e in rests(_strict(config), engine, event)}
    everything = replace(config, relaxations=frozenset(Relaxation))
    for answer, at_rest in sorted(rests(config, engine, event, p), key=repr):
        seen = _views(at_rest)
        only = {_views(e) for _, e in rests(everything, engine, event)} - allowed
        if seen in allowed or only != {seen}:
            continue
        job = next(i for i, one in enumerate(seen) if all(one != v[i] for v in allowed))
        return Run(
            config,
            inputs,
            (*answers, answer),
            _blamed(engine, event),
            job,
            tuple(sorted({v[job] for v in allowed}, key=repr)),
            seen[job],
        )
    return None


def rests(
    config: Config, engine: Engine, event: Input, breaking: Property | None = None
) -> set[tuple[Answer, Engine]]:
    """How ``event`` may be answered, and where the engine may then come to rest.

    At rest it waits for an input, or for the delay of a Retry. ``breaking``: only by ways on
    which something happens that breaks this property.
    """

    def onward(one: tuple[Answer, Engine, bool]) -> Iterator[tuple[Answer, Engine, bool]]:
        answer, now, broken = one
        for what, after in _goes_on(config, now):
            worse = broken or (
                breaking is not None and _broken(breaking, config, now, what, None, after)
            )
            yield answer, after, worse

    start = (
        (answer, after, breaking is None or _broken(breaking, config, engine, event, answer, after))
        for answer, after in step(config, engine, event)
    )
    reached = closure(start, onward)
    return {
        (answer, now)
        for answer, now, broken in reached
        if broken and next(_goes_on(config, now), None) is None
    }


def _goes_on(config: Config, engine: Engine) -> Iterator[tuple[Own | Arrive, Engine]]:
    """What happens without an input."""
    for name, job, after in moves(config, engine):
        if name != Move.TIMEOUT:
            yield Own(name, job), after
    for index, one in enumerate(engine.jobs):
        if one is not None and one.phase is Phase.SENT:
            arrives = Arrive(index, one.done)
            for _, after in step(config, engine, arrives):
                yield arrives, after


def _broken(
    p: Property,
    config: Config,
    before: Engine,
    what: Input | Own | Arrive,
    answer: Answer,
    after: Engine,
) -> bool:
    t = Transition(config, before, what, answer, after)
    return p.transition is not None and not p.transition(t)


def _strict(config: Config) -> Config:
    return replace(config, relaxations=NONE)


def _views(engine: Engine) -> Views:
    return tuple(None if job is None else view(job) for job in engine.jobs)


def _blamed(engine: Engine, event: Input) -> str:
    """The requirement that says what the last input does."""
    match event:
        case Replied(index, reply):
            job = engine.jobs[index]
            assert job is not None
            return boundary_id(job.asked, ended(job, reply))
        case Act(action, int(index)):
            job = engine.jobs[index]
            return cell_id(action, "unknown" if job is None else job.state)
        case _:
            return "submit/creates-job"


def ties(config: Config) -> Run:
    """Equal jobs behind a busy worker, let go one after the other until the order breaks."""
    right = next(i for i, measured in enumerate(MEASURED) if i != measured)
    inputs: list[Input] = [Submit(0, 1) for _ in range(1 + EQUALS)]
    inputs += [Replied(index, Reply.SUCCEED) for index in range(right + 1)]
    engine = EMPTY
    answers: list[Answer] = []
    for event in inputs:
        before = engine
        ((answer, engine),) = rests(_strict(config), engine, event)
        answers.append(answer)
    job = 1 + MEASURED[right]
    wrong = next(
        e
        for _, e in sorted(rests(config, before, inputs[-1], BY_NAME["ties-in-order"]), key=repr)
        if (runs := e.jobs[job]) is not None and runs.phase is Phase.HELD
    )
    return Run(
        config,
        tuple(inputs),
        tuple(answers),
        "queue/ties-in-order",
        job,
        (_views(engine)[job],),
        _views(wrong)[job],
    )


# --- the replay format ------------------------------------------------------------------------


def replay(p: Property, run: Run) -> dict[str, Any]:
    """The run in the format of `conformance.campaign.replay`."""
    stands = requirement(run.requirement)
    names = sorted(relaxation.value for relaxation in p.relaxed_by & run.config.relaxations)
    return {
        "schema": SCHEMA,
        "case": "/".join(("verify", p.name, *names)),
        "server": "",
        "config": {"ConcurrentJobs": run.config.workers, "JobsHistorySize": run.config.history},
        "steps": list(_steps(run.inputs, run.answers)),
        "deviation": {
            "requirement": stands.id,
            "sentence": stands.sentence,
            "ground": stands.ground.value,
            "source": stands.source,
            "expected": [describe(one) for one in run.strict],
            "actual": describe(run.actual),
            "relaxations": names,
        },
    }


def _steps(inputs: Sequence[Input], answers: Sequence[Answer]) -> Iterator[dict[str, Any]]:
    born = iter(NAMES)
    for event, answer in zip(inputs, answers, strict=True):
        match event:
            case Submit(priority, steps):
                found = {"do": Move.SUBMIT.value, "job": next(born)}
                yield {**found, "steps": steps, "priority": priority, "expect": ["accepted"]}
            case Act(action, index):
                job = "unknown" if index is None else NAMES[index]
                yield {"do": action.value, "job": job, "expect": [f"HTTP {answer}"]}
            case Replied(index, reply):
                yield {"do": reply.value, "job": NAMES[index], "expect": ["accepted"]}
