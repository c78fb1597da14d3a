"""A state of the engine: the fields of every job as functions, and the counters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from itertools import combinations

from spec.proofs.smt.solver import Field, Term, z3
from spec.proofs.smt.world import REQUESTS, Phase, World
from spec.table import Action, Asked, ErrorCode, State


@dataclass(frozen=True, slots=True)
class Frame:
    """One state of the engine: the fields of every job as functions, and the counters."""

    state: Field
    phase: Field
    asked: Field
    error: Field
    priority: Field
    steps: Field
    done: Field
    shown: Field
    queued: Field
    place: Field  # in the queue, where queued
    stored: Field  # is it in the history
    seat: Field  # in the history, where stored
    gone: Field  # evicted; the other fields stay as they were
    since: Field  # ghost: the clock when it last became Pending
    ended: Field  # ghost: the clock when it last became completed
    canceled: Field  # ghost: a cancel was answered 200 since it last started
    cancel_owed: Field  # ghost: such a cancel has not led to Failure yet
    pause_owed: Field  # ghost: a pause answered 200 has not led to Paused or Failure yet
    running: Term
    kept: Term
    clock: Term


COUNTERS = ("running", "kept", "clock")
GHOSTS = ("since", "ended", "canceled", "cancel_owed", "pause_owed")
JOB_FIELDS = tuple(field.name for field in fields(Frame) if field.name not in COUNTERS)


def any_frame(world: World, tag: str = "") -> Frame:
    """A frame of which nothing is known."""
    bool_sort, int_sort = z3.BoolSort(world.ctx), z3.IntSort(world.ctx)
    sorts = {
        "state": world.at[None].sort(),
        "phase": world.phase[Phase.IDLE].sort(),
        "asked": world.asked[Asked.NOTHING].sort(),
        "error": world.error[ErrorCode.SUCCESS].sort(),
        **dict.fromkeys(
            ("priority", "steps", "done", "shown", "place", "seat", "since", "ended"), int_sort
        ),
        **dict.fromkeys(("queued", "stored", "gone"), bool_sort),
        **dict.fromkeys(("canceled", "cancel_owed", "pause_owed"), bool_sort),
    }
    functions = {
        name: remembered(z3.Function(name + tag, world.job_sort, sorts[name]))
        for name in JOB_FIELDS
    }
    return Frame(**functions, **{name: world.int(name + tag) for name in COUNTERS})


def is_empty(world: World, frame: Frame, jobs: Iterable[Term]) -> Term:
    """Nothing was submitted yet."""
    return world.all(
        [
            *(
                z3.And(
                    frame.state(k) == world.at[None],
                    frame.phase(k) == world.phase[Phase.IDLE],
                    frame.asked(k) == world.asked[Asked.NOTHING],
                    frame.error(k) == world.error[ErrorCode.SUCCESS],
                    z3.Not(z3.Or(frame.queued(k), frame.stored(k), frame.gone(k))),
                    z3.Not(z3.Or(frame.canceled(k), frame.cancel_owed(k), frame.pause_owed(k))),
                )
                for k in jobs
            ),
            *(getattr(frame, name) == 0 for name in COUNTERS),
        ]
    )


def remembered(field: Field) -> Field:
    """The same field, whose terms are built once: they are asked for some hundred times."""
    terms: dict[int, tuple[Term, Term]] = {}  # the job is kept, lest its id be given away

    def term(job: Term) -> Term:
        key = job.get_id()
        if key not in terms:
            terms[key] = (job, field(job))
        return terms[key][1]

    return term


def put(frame: Frame, job: Term, **new: Term) -> Frame:
    """``frame`` with some fields of one job changed."""

    def changed(name: str, value: Term) -> Field:
        old: Field = getattr(frame, name)
        return remembered(lambda k: value if k.eq(job) else z3.If(k == job, value, old(k)))

    return replace(frame, **{name: changed(name, value) for name, value in new.items()})


def present(world: World, frame: Frame, job: Term) -> Term:
    """Submitted, and not evicted."""
    return z3.And(frame.state(job) != world.at[None], z3.Not(frame.gone(job)))


def within(world: World, frame: Frame, job: Term, *states: State) -> Term:
    return world.any(frame.state(job) == world.at[state] for state in states)


def in_phase(world: World, frame: Frame, job: Term, *phases: Phase) -> Term:
    return world.any(frame.phase(job) == world.phase[phase] for phase in phases)


def asks(world: World, frame: Frame, job: Term, action: Action) -> Term:
    """The job is noted as having been asked for ``action``: never, where there is no such note."""
    if action not in REQUESTS:
        return world.false
    alone, both = world.asked[Asked(action)], world.asked[Asked.BOTH]
    return z3.Or(frame.asked(job) == alone, frame.asked(job) == both)


def unchanged(world: World, before: Frame, after: Frame, job: Term, *but: str) -> Term:
    """The engine's fields of the job are as they were; ``but`` names exceptions."""
    pairs = [
        (getattr(before, name), getattr(after, name))
        for name in JOB_FIELDS
        if name not in GHOSTS and name not in but
    ]
    return world.all(old(job) == new(job) for old, new in pairs if old is not new)


def cardinality(members: Field, number: Term, jobs: tuple[Term, ...]) -> Iterator[Term]:
    """What is true of the cardinality of every set, told of the named jobs."""
    yield number >= 0
    for k in jobs:
        yield z3.Implies(members(k), number >= 1)
    for k, m in combinations(jobs, 2):
        yield z3.Implies(z3.And(k != m, members(k), members(m)), number >= 2)
