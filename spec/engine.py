"""The whole jobs engine as a pure, set-valued step function over immutable values.

Two kinds of things happen to an engine. An *event* is something its surroundings do or see:
a submission, an action, a step's POST that arrives at the peer, the peer's reply, a reading.
`step` says what the engine may answer and where it may then be. A *move* is what the engine
does by itself, unseen: a worker takes a job, looks at what it was asked for, begins a step,
publishes a result, leaves. `moves` lists the ones that are possible. An observer who keeps
the set of engines that explain what was seen closes it under `moves` after each event (`closed`).

How a worker goes through a Running job (`Phase`):

    READY --begin--> SENT --(arrives)--> HELD --(peer replies)--> SUCCEEDED, FAILED, RETRYING
      ^   |                                                          |
      |   +--leave (what was asked for; no step left)                |
      +------------------------ publish -----------------------------+  or leave

- What was asked for is looked at in READY: before every step, the first included, and after
  every step that succeeded. READY with no step left is the moment in which the last step's
  result is published and the job still reads Running.
- The result of a step is published by one move and the job leaves Running by another: a job
  that reads Running with Progress 100, or with the ErrorCode of its failed step, is no fault.
- `spec.table.BOUNDARY` says by which trigger a job leaves, `spec.table.EDGES` where to; a
  relaxation may let the engine forget a request first (`spec.relaxations.taken_for`).
- Whether a failed step leads to Failure or to Retry is the server's choice: both edges are
  published, so both are admitted wherever nothing was asked for. With a pause asked for, the
  same choice would end in Paused; that is admitted only for servers that were seen to choose
  Retry (`Config.retries`), or every failure could hide behind a pause.

What the rules speak of, the values, stands in `spec.values`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TypeAlias

from spec.closure import closure
from spec.relaxations import Relaxation, taken_for
from spec.table import (
    ASK,
    BOUNDARY,
    EDGE,
    FINAL,
    UNKNOWN,
    Action,
    Asked,
    Ended,
    ErrorCode,
    Move,
    State,
    Trigger,
    cell,
    target,
)
from spec.values import (
    EMPTY,
    Act,
    Answer,
    Arrive,
    Config,
    Engine,
    Event,
    Job,
    List,
    Outcome,
    Phase,
    Read,
    Replied,
    Reply,
    Submit,
    View,
    describe,
    ended,
)

__all__ = [
    "EMPTY",
    "Act",
    "Answer",
    "Arrive",
    "Config",
    "Engine",
    "Event",
    "Job",
    "List",
    "Outcome",
    "Phase",
    "Read",
    "Replied",
    "Reply",
    "Submit",
    "View",
    "closed",
    "describe",
    "ended",
    "moves",
    "outcomes",
    "progress",
    "step",
    "view",
]


def progress(shown: int, steps: int) -> int:
    """The rounded per cent of steps done; a job without steps has nothing left to do."""
    return 100 if steps == 0 else (200 * shown + steps) // (2 * steps)


def view(job: Job) -> View:
    return View(job.state, job.error, progress(job.shown, job.steps), job.priority)


_PHASE_AFTER = {
    Reply.SUCCEED: Phase.SUCCEEDED,
    Reply.FAIL: Phase.FAILED,
    Reply.RETRY: Phase.RETRYING,
    Reply.RETRY_LATER: Phase.RETRYING_LATER,
}


@lru_cache(maxsize=1 << 16)
def step(config: Config, engine: Engine, event: Event) -> frozenset[Outcome]:
    """What the engine may answer to ``event``, each with the engine after it.

    The empty set means that the event cannot happen now. Where the history's size is not
    known, a completed job may turn out to be gone by the time it is named.
    """
    match event:
        case Submit(priority, steps):
            return frozenset({(True, _submit(engine, priority, steps))})
        case Act(action, None):
            return frozenset({(cell(UNKNOWN, action).status, engine)})
        case Act(action, job):
            assert job is not None
            return frozenset(
                _act(config, now, job, action) for now in _present(config, engine, job)
            )
        case Arrive(job, number):
            runs = engine.jobs[job]
            if runs is None or runs.phase is not Phase.SENT or runs.done != number:
                return frozenset()
            return frozenset({(None, _put(engine, job, runs._replace(phase=Phase.HELD)))})
        case Replied(job, reply):
            runs = engine.jobs[job]
            if runs is None or runs.phase is not Phase.HELD:
                return frozenset()
            return frozenset({(None, _put(engine, job, runs._replace(phase=_PHASE_AFTER[reply])))})
        case Read(job):
            return frozenset(
                (None if (seen := now.jobs[job]) is None else view(seen), now)
                for now in _present(config, engine, job)
            )
        case _:
            engines = {engine}
            for job in engine.history:
                engines = {now for one in engines for now in _present(config, one, job)}
            return frozenset((frozenset(_listed(now)), now) for now in engines)


@lru_cache(maxsize=1 << 16)
def moves(config: Config, engine: Engine) -> tuple[tuple[str, int, Engine], ...]:
    """What the engine may do by itself: (name of the move, job, the engine after it)."""
    return tuple(_moves(config, engine))


def closed(config: Config, engines: Iterable[Engine]) -> Iterator[Engine]:
    """The engines with all that their own moves lead to, each once.

    There are finitely many, and they may be more than anybody wants: whoever has a limit counts.
    """
    return closure(engines, lambda engine: [after for _, _, after in moves(config, engine)])


def _moves(config: Config, engine: Engine) -> Iterator[tuple[str, int, Engine]]:
    running = 0
    for index, job in enumerate(engine.jobs):
        if job is None:
            continue
        if job.state is State.RUNNING:
            running += 1
            for name, trigger, after in _work(config, job):
                if trigger is None:
                    yield name, index, _put(engine, index, after)
                else:
                    yield name, index, _leave(config, engine, index, after, trigger)
        elif job.state is State.RETRY and job.phase is not Phase.LATER:
            yield Move.TIMEOUT, index, _enqueue(engine, index, job, Move.TIMEOUT)
    if config.workers is None or running < config.workers:
        for index in _next(config, engine):
            yield Move.START, index, _start(engine, index)


Exit: TypeAlias = tuple[Trigger | str, Asked]


def outcomes(config: Config, asked: Asked, ended: Ended) -> frozenset[Exit]:
    """How a Running job may leave a step: a trigger or STAY, and what ``asked`` was taken for."""
    found = {
        (trigger, taken)
        for taken in taken_for(config.relaxations, asked, ended)
        for trigger in BOUNDARY[taken][ended]
    }
    if ended is Ended.FAILED and (config.retries or asked is Asked.NOTHING):
        found |= outcomes(config, asked, Ended.RETRY)
    return frozenset(found)


def _work(config: Config, job: Job) -> Iterator[tuple[str, Trigger | None, Job]]:
    """The moves of one worker: name, trigger if the job leaves Running, the job until then."""
    match job.phase:
        case Phase.READY:
            ended = Ended.MORE if job.done < job.steps else Ended.LAST
            for trigger, _ in outcomes(config, job.asked, ended):
                if isinstance(trigger, Action | Move):
                    yield trigger, trigger, job
                else:
                    yield "begin", None, job._replace(phase=Phase.SENT)
        case Phase.SUCCEEDED:
            done = job._replace(done=job.done + 1, shown=job.done + 1, phase=Phase.READY)
            if done.done < done.steps:
                yield "publish", None, done
                return
            for trigger, taken in outcomes(config, job.asked, Ended.LAST):
                # A cancel that was asked for before the last step ended leaves Progress as it was.
                if trigger is Action.CANCEL:
                    yield from _leaving(trigger, job)
                else:
                    yield "publish", None, done._replace(asked=taken)
        case Phase.FAILED:
            shown = job._replace(phase=Phase.FAILURE_SHOWN, shown=job.done)
            yield "publish", None, shown._replace(error=ErrorCode.NETWORK_PROTOCOL)
            for trigger, _ in outcomes(config, job.asked, Ended.FAILED):
                if trigger is not Move.FAIL:  # a failure is published before the job leaves
                    yield from _leaving(trigger, job)
        case Phase.FAILURE_SHOWN:
            for trigger, _ in outcomes(config, job.asked, Ended.FAILED):
                yield from _leaving(trigger, job)
        case Phase.RETRYING | Phase.RETRYING_LATER:
            for trigger, _ in outcomes(config, job.asked, Ended.RETRY):
                yield from _leaving(trigger, job)


def _leaving(trigger: Trigger | str, job: Job) -> Iterator[tuple[str, Trigger, Job]]:
    """Leave a step that ended without being done.

    Progress is as it was. What it shows may be left from before a resubmit: whether the end
    of such a step corrects it, no source says.
    """
    assert isinstance(trigger, Action | Move)
    yield trigger, trigger, job
    if job.shown != job.done:
        yield trigger, trigger, job._replace(shown=job.done)


def _leave(config: Config, engine: Engine, index: int, job: Job, trigger: Trigger) -> Engine:
    """The job leaves its worker by ``trigger``. What it was asked for ends with the run."""
    later = trigger is Move.RETRY and job.phase is Phase.RETRYING_LATER
    gone_to = target(State.RUNNING, trigger)
    assert gone_to is not None
    return _settle(
        config,
        engine,
        index,
        job._replace(
            state=gone_to,
            error=_error(job, trigger),
            asked=Asked.NOTHING,
            phase=Phase.LATER if later else Phase.NONE,
        ),
    )


def _error(job: Job, trigger: Trigger) -> ErrorCode:
    if trigger is Action.CANCEL:
        return ErrorCode.CANCELED_JOB
    return ErrorCode.NETWORK_PROTOCOL if trigger is Move.FAIL else job.error


def _act(config: Config, engine: Engine, index: int, action: Action) -> Outcome:
    """An action, which is atomic: what it does has been done when its answer is sent."""
    job = engine.jobs[index]
    if job is None:
        return cell(UNKNOWN, action).status, engine
    found = cell(job.state, action)
    if found is ASK:
        both = job.asked in (Asked.BOTH, Asked.CANCEL if action is Action.PAUSE else Asked.PAUSE)
        asked = Asked.BOTH if both else Asked(action)
        return found.status, _put(engine, index, job._replace(asked=asked))
    if found is not EDGE:
        return found.status, engine
    gone_to = target(job.state, action)
    if gone_to is State.PENDING:
        if action is Action.RESUBMIT:
            job = job._replace(done=0)
            engine = engine._replace(history=_without(engine.history, index))
        return found.status, _enqueue(engine, index, job, action)
    assert gone_to is not None
    engine = engine._replace(queue=_without(engine.queue, index))
    after = job._replace(state=gone_to, error=_error(job, action), phase=Phase.NONE)
    return found.status, _settle(config, engine, index, after)


def _submit(engine: Engine, priority: int, steps: int) -> Engine:
    born = target(None, Move.SUBMIT)
    assert born is not None
    index = len(engine.jobs)
    jobs = (*engine.jobs, Job(born, priority, steps))
    return engine._replace(jobs=jobs, queue=(*engine.queue, index))


def _enqueue(engine: Engine, index: int, job: Job, trigger: Trigger) -> Engine:
    gone_to = target(job.state, trigger)
    assert gone_to is not None
    engine = _put(engine, index, job._replace(state=gone_to, phase=Phase.NONE))
    return engine._replace(queue=(*engine.queue, index))


def _start(engine: Engine, index: int) -> Engine:
    job = engine.jobs[index]
    assert job is not None
    runs = target(job.state, Move.START)
    assert runs is not None
    job = job._replace(state=runs, error=ErrorCode.SUCCESS, phase=Phase.READY)
    return _put(engine, index, job)._replace(queue=_without(engine.queue, index))


def _next(config: Config, engine: Engine) -> tuple[int, ...]:
    """The Pending jobs that a free worker may take: of the highest priority, the first."""
    if not engine.queue:
        return ()
    priorities = [job.priority for i in engine.queue if (job := engine.jobs[i]) is not None]
    highest = max(priorities)
    ties = tuple(i for i, p in zip(engine.queue, priorities, strict=True) if p == highest)
    return ties if Relaxation.TIES_UNORDERED in config.relaxations else ties[:1]


def _settle(config: Config, engine: Engine, index: int, job: Job) -> Engine:
    """Put a job that has left the queue or its worker; a completed one enters the history."""
    if job.state not in FINAL:
        return _put(engine, index, job)
    jobs = list(engine.jobs)
    jobs[index] = job
    history = (*engine.history, index)
    surplus = 0 if config.history is None else max(0, len(history) - config.history)
    for evicted in history[:surplus]:
        jobs[evicted] = None
    return engine._replace(jobs=tuple(jobs), history=history[surplus:])


def _present(config: Config, engine: Engine, index: int) -> Iterator[Engine]:
    """The engine as it is, and, where the history's size is unknown, without a completed job."""
    yield engine
    if config.history is None and index in engine.history:
        yield _put(engine, index, None)._replace(history=_without(engine.history, index))


def _listed(engine: Engine) -> Iterator[int]:
    return (index for index, job in enumerate(engine.jobs) if job is not None)


def _put(engine: Engine, index: int, job: Job | None) -> Engine:
    jobs = (*engine.jobs[:index], job, *engine.jobs[index + 1 :])
    return engine._replace(jobs=jobs)


def _without(indices: tuple[int, ...], index: int) -> tuple[int, ...]:
    return tuple(i for i in indices if i != index)
