"""Asking the engine, where an error of the engine is a `Fault`."""

from __future__ import annotations

from spec.engine import Config, Engine, Event, Job, Outcome, Read, View, moves, step, view

# The functions without their caches: whoever evaluates properties comes to a state once.
_step = step.__wrapped__
_moves = moves.__wrapped__

ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NameError,
    RuntimeError,
    TypeError,
    ValueError,
)


class Fault(Exception):
    """The engine ended with an error where it has to answer, to refuse, or to go on.

    ``what``: the event; None where it was asked for its own moves.
    """

    def __init__(self, config: Config, engine: Engine, what: Event | None, error: Exception):
        self.config, self.engine, self.what = config, engine, what
        text, _, _ = str(error).partition("\n")
        self.error = f"{type(error).__name__}: {text}".removesuffix(": ")
        super().__init__(f"{what or 'the moves'} of {engine} with {config}: {self.error}")


def answers(config: Config, engine: Engine, event: Event) -> frozenset[Outcome]:
    """`spec.engine.step`. Raises `Fault`."""
    try:
        return frozenset(_step(config, engine, event))
    except ERRORS as error:
        raise Fault(config, engine, event, error) from error


def moves_of(config: Config, engine: Engine) -> tuple[tuple[str, int, Engine], ...]:
    """`spec.engine.moves`. Raises `Fault`."""
    try:
        return tuple(_moves(config, engine))
    except ERRORS as error:
        raise Fault(config, engine, None, error) from error


def shows(config: Config, job: Job) -> View:
    """`spec.engine.view`. Raises `Fault`."""
    try:
        return view(job)
    except ERRORS as error:
        raise Fault(config, Engine((job,)), Read(0), error) from error


def moves_of_job(config: Config, engine: Engine, index: int) -> set[tuple[str, Engine]]:
    """The moves of one job."""
    return {(name, after) for name, job, after in moves_of(config, engine) if job == index}


def with_job(engine: Engine, index: int, job: Job) -> Engine:
    return engine._replace(jobs=(*engine.jobs[:index], job, *engine.jobs[index + 1 :]))
