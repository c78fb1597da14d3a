"""What is left open: sizes that nobody knows, how long a retry waits, what a server chooses."""

from __future__ import annotations

from dataclasses import replace

from spec.engine import Act, Engine, Event, List, Phase, Read
from spec.properties.asking import answers, moves_of, moves_of_job, with_job
from spec.properties.model import ALWAYS, SOMETIMES, Explorer, Node, OfRuns, Property
from spec.properties.reading import STEP_FAILED
from spec.relaxations import Relaxation
from spec.table import Action, State


def _listings(engine: Engine, gone: frozenset[int]) -> tuple[frozenset[int], Engine]:
    """What `GET /jobs` lists when the completed jobs ``gone`` turn out to be gone."""
    jobs = tuple(None if i in gone else job for i, job in enumerate(engine.jobs))
    history = tuple(i for i in engine.history if i not in gone)
    left = frozenset(i for i, job in enumerate(jobs) if job is not None)
    return left, Engine(jobs, engine.queue, history)


@Property(
    "unknown-sizes-permit",
    ALWAYS,
    "Where ConcurrentJobs and JobsHistorySize are unknown, what some sizes allow is allowed.",
    ("queue/concurrent-jobs", "history/size"),
).of_node
def unknown_sizes_permit(node: Node) -> bool:
    """Unknown ConcurrentJobs is as many as one likes; with unknown JobsHistorySize nothing is
    evicted by the engine, and any completed job may turn out to be gone when it is looked for.
    """
    config, engine = node.config, node.engine
    many = len(engine.jobs) + 1
    endless = replace(config, workers=many, history=many)
    unknown = replace(config, workers=None, history=None)
    if set(moves_of(unknown, engine)) != set(moves_of(endless, engine)):
        return False
    for i in range(len(engine.jobs)):
        gone = [_listings(engine, frozenset({i}))[1]] if i in engine.history else []
        events: list[Event] = [Read(i), *(Act(action, i) for action in Action)]
        for event in events:
            known = answers(endless, engine, event)
            lost = {outcome for e in gone for outcome in answers(endless, e, event)}
            if answers(unknown, engine, event) != known | lost:
                return False
    subsets: list[frozenset[int]] = [frozenset()]
    for i in engine.history:
        subsets += [gone | {i} for gone in subsets]
    return answers(unknown, engine, List()) == {_listings(engine, gone) for gone in subsets}


@Property(
    "long-retry-waits",
    ALWAYS,
    "A Retry with a long delay is a Retry whose delay does not end, and nothing else.",
    ("monitor/state-retry",),
).of_node
def long_retry_waits(node: Node) -> bool:
    """A retry with a long delay is one whose delay does not end, and differs in nothing else."""
    config, engine = node.config, node.engine
    for i, job in enumerate(engine.jobs):
        if job is None or job.phase is not Phase.HELD:
            continue
        soon = moves_of_job(config, with_job(engine, i, job._replace(phase=Phase.RETRYING)), i)
        later = moves_of_job(
            config, with_job(engine, i, job._replace(phase=Phase.RETRYING_LATER)), i
        )
        wait = {
            (name, with_job(e, i, one._replace(phase=Phase.LATER)))
            for name, e in soon
            if (one := e.jobs[i]) is not None and one.state is State.RETRY
        }
        others = {
            (name, e)
            for name, e in soon
            if (one := e.jobs[i]) is None or one.state is not State.RETRY
        }
        if later != wait | others or any(moves_of_job(config, e, i) for _, e in wait):
            return False
    return True


@Property(
    "retry-choice",
    ALWAYS,
    "A failed step may lead to where a step that asks for Retry leads, except that a pause can "
    "end so only on a server that was seen to choose Retry.",
    ("edge/running/retry/retry", "race/pause/step-fails"),
).of_node
def retry_choice(node: Node) -> bool:
    """A server that chooses Retry after a failed step does as after a step that asks for it."""
    config, engine = node.config, node.engine
    known = replace(config, retries=True)
    for i, job in enumerate(engine.jobs):
        if job is None or job.phase not in STEP_FAILED:
            continue
        asking = moves_of_job(config, with_job(engine, i, job._replace(phase=Phase.RETRYING)), i)
        plain = moves_of_job(config, engine, i)
        if moves_of_job(known, engine, i) != plain | asking:
            return False
        paused = {
            (name, e)
            for name, e in asking
            if (one := e.jobs[i]) is not None and one.state is State.PAUSED
        }
        if plain & asking != asking - paused:
            return False
    return True


def _matters(relaxation: Relaxation) -> OfRuns:
    """Whether something can happen with it, in a state reached without it, that cannot without."""

    def check(explorer: Explorer, admitted: frozenset[Relaxation]) -> bool:
        return any(
            {(t.what, t.answer, t.after) for t in explorer.happens(2, more, node.engine)}
            - {(t.what, t.answer, t.after) for t in node.happens}
            for more in (admitted | {relaxation},)
            for node in explorer.reached(2, admitted - {relaxation})
        )

    return check


RELAXATIONS = tuple(
    Property(
        f"relaxation-matters/{relaxation}",
        SOMETIMES,
        f"Something happens with {relaxation} that does not happen without it.",
        f"spec/relaxations.py: {relaxation.sentence}",
        runs=_matters(relaxation),
        jobs=lambda workers, history: 2,
    )
    for relaxation in Relaxation
)
