"""The queue: who waits, who starts, and that whoever is first does start."""

from __future__ import annotations

from spec.engine import Config, Engine
from spec.properties.model import ALWAYS, EVENTUALLY, SOMETIMES, Node, Own, Property, Transition
from spec.properties.reading import in_states, is_start, number_running, waiting
from spec.relaxations import Relaxation
from spec.table import State


@Property(
    "running-bounded",
    ALWAYS,
    "There are never more Running jobs than ConcurrentJobs.",
    ("queue/concurrent-jobs",),
).of_state
def running_bounded(config: Config, engine: Engine) -> bool:
    return config.workers is None or number_running(engine) <= config.workers


@Property(
    "queue-iff-pending",
    ALWAYS,
    "A job is in the queue, once, if and only if it is Pending.",
    ("queue/pending-first",),
).of_state
def queue_iff_pending(config: Config, engine: Engine) -> bool:
    return sorted(engine.queue) == in_states(engine, frozenset({State.PENDING}))


@Property(
    "priority-not-passed-over",
    ALWAYS,
    "No Pending job of a higher priority is passed over when a job starts.",
    ("queue/priority-order",),
).of_transition
def priority_not_passed_over(t: Transition) -> bool:
    started = t.subject[0]
    if not is_start(t) or started is None:
        return True
    return all(job.priority <= started.priority for _, job in waiting(t.before))


@Property(
    "ties-in-order",
    ALWAYS,
    "Pending jobs of equal priority start in the order in which they became Pending.",
    ("queue/ties-in-order",),
    relaxed_by=frozenset({Relaxation.TIES_UNORDERED}),
).of_transition
def ties_in_order(t: Transition) -> bool:
    """The queue keeps its order, who becomes Pending goes to its end, and the first starts."""
    stay = [i for i in t.before.queue if i in t.after.queue]
    new = [i for i in t.after.queue if i not in t.before.queue]
    if list(t.after.queue) != stay + new or len(new) > 1:
        return False
    started = t.subject[0]
    if not is_start(t) or started is None:
        return True
    equals = [i for i, job in waiting(t.before) if job.priority == started.priority]
    return equals[:1] == [t.job]


def before_it(config: Config, engine: Engine, index: int) -> list[int]:
    """The Pending jobs that may be preferred to the Pending job ``index``.

    Those of a higher priority, and of its own the ones that became Pending earlier; all of its
    own where equals have no order.
    """
    unordered = Relaxation.TIES_UNORDERED in config.relaxations
    mine = engine.jobs[index]
    assert mine is not None
    place = engine.queue.index(index) if index in engine.queue else len(engine.queue)
    return [
        other
        for at, other in enumerate(engine.queue)
        if (job := engine.jobs[other]) is not None
        and other != index
        and (
            job.priority > mine.priority
            or (job.priority == mine.priority and (unordered or at < place))
        )
    ]


@Property(
    "pending-runs",
    EVENTUALLY,
    "A Pending job that is never paused or canceled, and from some point on has none before "
    "it in the queue, runs.",
    ("queue/free-worker-takes",),
    rests_on=("running-leaves",),
).of_node
def pending_runs(node: Node) -> bool:
    """With none before it, nobody else starts; and it can start as soon as a worker is free.

    Workers become free because Running jobs leave (`running-leaves`), and as nobody else
    starts they stay so: hence this is enough for it to run.
    """
    engine, config = node.engine, node.config
    starts = {t.what.job for t in node.happens if isinstance(t.what, Own) and is_start(t)}
    free = config.workers is None or number_running(engine) < config.workers
    first = [
        i
        for i, job in enumerate(engine.jobs)
        if job is not None and job.state is State.PENDING and not before_it(config, engine, i)
    ]
    return all(starts == ({i} if free else set()) for i in first)


@Property(
    "full-queue",
    SOMETIMES,
    "All workers are busy, and every other job waits in the queue.",
    ("queue/concurrent-jobs",),
    jobs=lambda workers, history: workers + 1,
).of_state
def full_queue(config: Config, engine: Engine) -> bool:
    """Every worker is busy, and every other job waits."""
    waiting = len(engine.queue)
    return waiting > 0 and number_running(engine) == config.workers == len(engine.jobs) - waiting
