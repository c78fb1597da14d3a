"""What the engine may be after its server has ended and was started again.

Pure and set-valued, like `spec.engine`: a `Start` says how the server ended and how it was
started, and `restarted` what may be left of one engine. Which engines come into question is for
who has followed the server to say (`conformance.oracle.oracle`):

- After a *clean stop* (SIGTERM) the server may have saved itself at any moment since it was asked
  to end. It lets the steps under way end first, but every server that was measured saves before
  that, so a step that ends late is run again. The documentation is silent there. It is not silent
  on requests: one that was answered 200 is unfinished business of the job, and must not be
  forgotten. So an engine whose Running job still has a request to honour is no state that a
  clean stop may leave behind (`spec.relaxations.Shortfall.REQUEST_LOST_AT_STOP` is for servers
  that do).
- After ``kill -9`` it is as at some moment since its last save, and a request may be lost with it.

What then becomes of a job follows from its state alone: Pending, Running and Retry are Pending
again, with the priority and the steps done that they had; Paused, Success and Failure stay. Nothing
says in which order the jobs of equal priority are in the queue then, nor in which order the
completed ones leave the history: all released servers mix both up, in the order of their random
ids. The first is for the follower to admit (`TIES_UNORDERED`), the second is here, up to
`MOST_ORDERED` jobs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import permutations, product

from spec.engine import Config, Engine, Job, Phase
from spec.table import (
    FINAL,
    Action,
    Asked,
    ErrorCode,
    Move,
    State,
    target,
)

MOST_ORDERED = 4  # completed jobs of which every order is tried


@dataclass(frozen=True, slots=True)
class Start:
    """How a server ended, and how it was started again.

    ``killed``: by kill -9. ``saves``: SaveJobs. ``loads``: it takes its jobs up again, as without
    ``--no-jobs``. ``errors``: its version keeps the ErrorCode of a Failure (from 1.9.5).
    ``history``: its JobsHistorySize from now on; None where other completed jobs are in the
    history as well, so that nothing is known of who leaves it.
    """

    killed: bool = False
    saves: bool = True
    loads: bool = True
    errors: bool = True
    history: int | None = 10


def owes(engine: Engine) -> bool:
    """Whether a Running job has a request to honour, so that a clean stop must not end here."""
    return any(
        job is not None and job.state is State.RUNNING and job.asked is not Asked.NOTHING
        for job in engine.jobs
    )


def configured(config: Config, start: Start) -> Config:
    """What is known of the server from the start on."""
    return replace(config, history=start.history)


def restarted(engine: Engine, start: Start, goes_on: bool = False) -> frozenset[Engine]:
    """What may be left of ``engine``, which is how the server was when it was last saved.

    ``goes_on``: a job that has begun again may be taken for one that never did
    (`spec.relaxations.Shortfall.RESUBMIT_LOST_AT_RESTART`).
    """
    if not (start.saves and start.loads):
        return frozenset({Engine(tuple(None for _ in engine.jobs))})
    loaded = {
        _loaded(saved, start, honoured, recounted, forgotten)
        for saved in {engine, *([_going_on(engine)] if goes_on else [])}
        for honoured, recounted, forgotten in product((False, True), repeat=3)
    }
    return frozenset(_evicted(after, start) for one in loaded for after in _ordered(one))


def _going_on(engine: Engine) -> Engine:
    """The engine with each Running job that has started over where it was before that: of the steps
    done then, Progress shows until its first step has ended.
    """
    return engine._replace(
        jobs=tuple(
            job._replace(done=job.shown)
            if job is not None and job.state is State.RUNNING and job.done == 0
            else job
            for job in engine.jobs
        )
    )


def _loaded(
    engine: Engine, start: Start, honoured: bool, recounted: bool, forgotten: bool
) -> Engine:
    """The engine with its jobs taken up again, in one of the ways that are left open.

    ``honoured``: a request that was saved takes effect at the start, rather than being lost.
    ``recounted``: Progress shows the steps done, also where it was left from before a resubmit.
    ``forgotten``: an ErrorCode that need not be kept is 0.
    """
    jobs: list[Job | None] = []
    queue: list[int] = []
    history = list(engine.history)
    for index, job in enumerate(engine.jobs):
        if job is None:
            jobs.append(None)
            continue
        gone_to, error = _becomes(job, honoured)
        if gone_to is State.PENDING:
            queue.append(index)
        elif gone_to in FINAL and index not in history:
            history.append(index)
        lost = forgotten and (gone_to is not State.FAILURE or not start.errors)
        jobs.append(
            job._replace(
                state=gone_to,
                error=ErrorCode.SUCCESS if lost else error,
                shown=job.done if recounted else job.shown,
                asked=Asked.NOTHING,
                phase=Phase.NONE,
            )
        )
    return Engine(tuple(jobs), tuple(queue), tuple(history))


def _becomes(job: Job, honoured: bool) -> tuple[State, ErrorCode]:
    """The state of a job that is loaded, and its ErrorCode."""
    if job.state is State.RUNNING and honoured and job.asked is not Asked.NOTHING:
        action = Action.PAUSE if job.asked is Asked.PAUSE else Action.CANCEL
        gone_to = target(State.RUNNING, action)
        assert gone_to is not None
        canceled = action is Action.CANCEL
        return gone_to, ErrorCode.CANCELED_JOB if canceled else job.error
    if job.state in (State.RUNNING, State.RETRY):
        born = target(None, Move.SUBMIT)
        assert born is not None
        return born, job.error
    return job.state, job.error


def _ordered(engine: Engine) -> Iterator[Engine]:
    """The engine with its completed jobs in every order, where there are few."""
    if len(engine.history) > MOST_ORDERED:
        yield engine
        return
    for order in permutations(engine.history):
        yield engine._replace(history=order)


def _evicted(engine: Engine, start: Start) -> Engine:
    """The engine without the completed jobs that its history has no room for."""
    if start.history is None:
        return engine
    surplus = max(0, len(engine.history) - start.history)
    gone = set(engine.history[:surplus])
    jobs = tuple(None if index in gone else job for index, job in enumerate(engine.jobs))
    return engine._replace(jobs=jobs, history=engine.history[surplus:])
