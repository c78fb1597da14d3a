"""A worker's way through the steps of a job, and that it comes to an end."""

from __future__ import annotations

from spec.engine import Arrive, Config, Engine, Phase, Replied, Reply
from spec.properties.asking import answers
from spec.properties.model import (
    ALWAYS,
    EVENTUALLY,
    SOMETIMES,
    Node,
    OfNode,
    Own,
    Property,
    Transition,
)
from spec.properties.reading import STEP_FAILED, STEP_RETRIES, asks, begins
from spec.table import Action, State

_WORKING = frozenset(Phase) - {Phase.NONE, Phase.LATER}


@Property(
    "worker-iff-running",
    ALWAYS,
    "A worker is at work on a job if and only if the job is Running.",
    ("step/only-while-running", "queue/worker-freed"),
).of_state
def worker_iff_running(config: Config, engine: Engine) -> bool:
    return all(
        job is None
        or (
            (job.phase in _WORKING) is (job.state is State.RUNNING)
            and (job.phase is not Phase.LATER or job.state is State.RETRY)
        )
        for job in engine.jobs
    )


@Property(
    "steps-once",
    ALWAYS,
    "In one run each step is done once; a resumed run goes on, a resubmitted one starts over.",
    ("step/run-once", "step/resumed-goes-on", "step/resubmitted-starts-over"),
).of_transition
def steps_once(t: Transition) -> bool:
    """`done` rises by one when a step that succeeded is published; a resubmit sets it to 0."""
    for _, before, after in t.records:
        if before is None or after is None:
            if after is not None and after.done != 0:
                return False
            continue
        if not 0 <= after.done <= after.steps or after[1:3] != before[1:3]:
            return False
        if before.phase is Phase.SUCCEEDED and after.phase is Phase.READY:
            right = before.done + 1
        elif before.state is State.FAILURE and after.state is State.PENDING:
            right = 0
        else:
            right = before.done
        if after.done != right:
            return False
    return True


_WORK: frozenset[tuple[Phase, Phase]] = frozenset(
    {
        (Phase.READY, Phase.SENT),
        (Phase.SENT, Phase.HELD),
        (Phase.HELD, Phase.SUCCEEDED),
        (Phase.HELD, Phase.FAILED),
        (Phase.HELD, Phase.RETRYING),
        (Phase.HELD, Phase.RETRYING_LATER),
        (Phase.SUCCEEDED, Phase.READY),
        (Phase.FAILED, Phase.FAILURE_SHOWN),
    }
)


@Property(
    "steps-in-order",
    ALWAYS,
    "A worker sends a step that is left, waits for its reply, publishes it, and goes on.",
    ("step/run-once", "step/only-while-running"),
).of_transition
def steps_in_order(t: Transition) -> bool:
    """A worker goes through a step as the engine's docstring draws it."""
    before, after = t.subject
    if isinstance(t.what, Arrive) and (before is None or before.done != t.what.step):
        return False
    if isinstance(t.what, Replied) and (before is None or before.phase is not Phase.HELD):
        return False
    if after is None or after.state is not State.RUNNING:
        return True
    if before is None or before.state is not State.RUNNING:
        return after.phase is Phase.READY
    if begins(before, after) and before.done >= before.steps:
        return False
    return before.phase is after.phase or (before.phase, after.phase) in _WORK


@Property(
    "ends-as-its-step-ended",
    ALWAYS,
    "Success needs all steps done, Failure a failed step or a cancel, Retry a step's failure.",
    ("monitor/state-success", "monitor/state-failure", "monitor/state-retry"),
).of_transition
def ends_as_its_step_ended(t: Transition) -> bool:
    """How a Running job leaves, as far as the step decides: what it was asked for, others say."""
    before, after = t.subject
    if before is None or after is None or before.state is not State.RUNNING:
        return True
    match after.state:
        case State.SUCCESS:
            return before.phase is Phase.READY and before.done == before.steps
        case State.FAILURE:
            return before.phase is Phase.FAILURE_SHOWN or asks(before, Action.CANCEL)
        case State.RETRY:
            return before.phase in STEP_RETRIES | STEP_FAILED
        case State.RUNNING:
            return True
        case _:
            return before.phase not in {Phase.SENT, Phase.HELD}


@Property(
    "nothing-out-of-turn",
    ALWAYS,
    "A step arrives once it was sent, and is replied to once it has arrived.",
    ("step/run-once",),
).of_node
def nothing_out_of_turn(node: Node) -> bool:
    """A POST arrives if it was sent, under its own number; what is held is replied to."""
    config, engine = node.config, node.engine
    for i, job in enumerate(engine.jobs):
        sent = {job.done} if job is not None and job.phase is Phase.SENT else set()
        held = job is not None and job.phase is Phase.HELD
        steps = 1 if job is None else job.steps
        if {n for n in range(-1, steps + 2) if answers(config, engine, Arrive(i, n))} != sent:
            return False
        if any(bool(answers(config, engine, Replied(i, reply))) is not held for reply in Reply):
            return False
    return True


def _can_leave(state: State) -> OfNode:
    """Each job in ``state`` can go on by itself: by a move of its own, an arrival, or a reply."""

    def check(node: Node) -> bool:
        able = {
            t.what.job
            for t in node.happens
            if isinstance(t.what, Own | Arrive | Replied) and t.what.job is not None
        }
        return able.issuperset(
            i
            for i, job in enumerate(node.engine.jobs)
            if job is not None and job.state is state and job.phase is not Phase.LATER
        )

    return check


running_leaves = Property(
    "running-leaves",
    EVENTUALLY,
    "A Running job leaves Running.",
    ("queue/worker-freed",),
    leaves=State.RUNNING,
).of_node(_can_leave(State.RUNNING))


retry_leaves = Property(
    "retry-leaves",
    EVENTUALLY,
    "A Retry job leaves Retry; that a chain of retries ends is not promised.",
    ("monitor/state-retry",),
    leaves=State.RETRY,
).of_node(_can_leave(State.RETRY))


@Property(
    "failed-step-retried",
    SOMETIMES,
    "A failed step leads to Retry: the server's choice.",
    ("edge/running/retry/retry",),
).of_transition
def failed_step_retried(t: Transition) -> bool:
    before, after = t.subject
    failed = before is not None and before.phase in STEP_FAILED
    return failed and after is not None and after.state is State.RETRY
