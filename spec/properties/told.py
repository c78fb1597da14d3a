"""What a client is told: Progress, ErrorCode, readings and listings."""

from __future__ import annotations

from spec.engine import Config, Engine, Job, List, Phase, Read
from spec.properties.asking import answers, shows
from spec.properties.model import ALWAYS, SOMETIMES, Node, OfTransition, Property, Transition
from spec.properties.reading import STEP_FAILED, STEP_RETRIES, asks
from spec.table import Action, ErrorCode, State


@Property(
    "outcome-told",
    ALWAYS,
    "A Success job shows Progress 100 and no error; a Failure job shows an error.",
    ("monitor/progress", "monitor/error-code"),
).of_state
def outcome_told(config: Config, engine: Engine) -> bool:
    for job in engine.jobs:
        if job is None:
            continue
        done = job.done == job.steps == job.shown and job.error == ErrorCode.SUCCESS
        if job.state is State.SUCCESS and not done:
            return False
        if job.state is State.FAILURE and job.error == ErrorCode.SUCCESS:
            return False
    return True


@Property(
    "progress-told",
    ALWAYS,
    "Progress changes only when a step has ended, and then it tells the steps done.",
    ("monitor/progress-rounded", "monitor/resubmitted-progress"),
).of_transition
def progress_told(t: Transition) -> bool:
    """What Progress shows changes when a step has ended, and then to the steps done.

    The last step of a job that was asked to cancel is not counted: it leaves Running instead.
    """
    for _, before, after in t.records:
        if before is None or after is None:
            if after is not None and after.shown != 0:
                return False
            continue
        if before.phase is Phase.SUCCEEDED and after.phase is Phase.READY:
            counted = after.done == after.steps and asks(after, Action.CANCEL)
            if after.shown != after.done or counted:
                return False
        elif (
            after.shown != before.shown
            and not (
                before.phase in STEP_FAILED | STEP_RETRIES | {Phase.SUCCEEDED}
                and after.shown == after.done
            )
        ) or (
            before.phase is Phase.SUCCEEDED
            and after.state is not State.RUNNING
            and before.done + 1 < before.steps
        ):
            return False
    return True


@Property(
    "error-told",
    ALWAYS,
    "ErrorCode becomes 0 at the start, 9 by a failed step, 37 by a cancel, and not otherwise.",
    ("monitor/error-code-step", "monitor/resubmitted-error-code"),
).of_transition
def error_told(t: Transition) -> bool:
    """0 from the start of a run on; 9 by a failed step, 37 by a cancel, and not otherwise."""
    for _, before, after in t.records:
        if after is None:
            continue
        if before is None or (before.state is State.PENDING and after.state is State.RUNNING):
            if after.error is not ErrorCode.SUCCESS:
                return False
        elif after.error is not before.error:
            failed = before.phase in STEP_FAILED and after.error is ErrorCode.NETWORK_PROTOCOL
            if not failed and after.error is not ErrorCode.CANCELED_JOB:
                return False
        elif (
            after.state is State.FAILURE
            and before.state is not State.FAILURE
            and before.phase is not Phase.FAILURE_SHOWN
            and after.error is not ErrorCode.CANCELED_JOB
        ):
            return False
        if after.phase is Phase.FAILURE_SHOWN and after.error is not ErrorCode.NETWORK_PROTOCOL:
            return False
    return True


@Property(
    "readings-true",
    ALWAYS,
    "A reading shows the job as it is, the list shows who is there, and neither changes it.",
    ("monitor/job", "monitor/list"),
).of_node
def readings_true(node: Node) -> bool:
    """A reading shows what is, and changes nothing."""
    config, engine = node.config, node.engine
    listed = frozenset(i for i, job in enumerate(engine.jobs) if job is not None)
    return answers(config, engine, List()) == {(listed, engine)} and all(
        answers(config, engine, Read(i))
        == {(None if job is None else (job.state, job.error, _share(job), job.priority), engine)}
        for i, job in enumerate(engine.jobs)
    )


def _share(job: Job) -> int:
    """The per cent of steps that are shown as done, rounded, a half upwards."""
    return int(100 * job.shown / job.steps + 0.5) if job.steps else 100


@Property(
    "progress-rounded",
    ALWAYS,
    "Progress is the rounded per cent of steps done.",
    ("monitor/progress-rounded",),
).of_state
def progress_rounded(config: Config, engine: Engine) -> bool:
    """Of 0 to 8 steps, once, of the empty engine."""
    return bool(engine.jobs) or all(
        shows(config, job).progress == _share(job)
        for steps in range(9)
        for done in range(steps + 1)
        for job in (Job(State.RUNNING, 0, steps, done, done),)
    )


@Property(
    "progress-before-success",
    SOMETIMES,
    "The last step's result is published while the job still reads Running.",
    ("monitor/result-not-late",),
).of_state
def progress_before_success(config: Config, engine: Engine) -> bool:
    return any(
        job is not None and job.state is State.RUNNING and job.shown == job.steps == job.done
        for job in engine.jobs
    )


@Property(
    "error-before-failure",
    SOMETIMES,
    "A failed step's ErrorCode is published while the job still reads Running.",
    ("monitor/result-not-late",),
).of_state
def error_before_failure(config: Config, engine: Engine) -> bool:
    return any(
        job is not None and job.state is State.RUNNING and job.error is ErrorCode.NETWORK_PROTOCOL
        for job in engine.jobs
    )


def _progress_after_resubmit(corrected: bool) -> OfTransition:
    """A step that is not done ends a run that shows Progress from before a resubmit."""

    def check(t: Transition) -> bool:
        before, after = t.subject
        if before is None or after is None or before.state is not State.RUNNING:
            return False
        old = before.shown > before.done and before.phase in STEP_RETRIES
        left = after.state is not State.RUNNING
        return old and left and after.shown == (before.done if corrected else before.shown)

    return check


OLD_PROGRESS = tuple(
    Property(
        f"old-progress-{word}",
        SOMETIMES,
        f"Progress from before a resubmit is {word} when a first step ends without success.",
        ("monitor/resubmitted-progress",),
        transition=_progress_after_resubmit(corrected),
    )
    for corrected, word in ((False, "kept"), (True, "corrected"))
)
