"""The invariant, written out: what is true of every state, a conjunct for each sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from spec.proofs.smt.frame import Frame, asks, in_phase, within
from spec.proofs.smt.solver import Term, z3
from spec.proofs.smt.world import NOWHERE, Phase, World
from spec.table import Action, Asked, ErrorCode, State

OfJobs: TypeAlias = Callable[[World, Frame, Term, Term], Term]


@dataclass(frozen=True, slots=True)
class Conjunct:
    """A sentence of the invariant about all jobs k and l. ``uses``: what its induction needs."""

    name: str
    sentence: str
    holds: OfJobs
    uses: tuple[str, ...] = ()


STEP_PHASES = (
    Phase.SENT,
    Phase.HELD,
    Phase.SUCCEEDED,
    Phase.FAILED,
    Phase.FAILURE_SHOWN,
    Phase.RETRYING,
)
FAILED_PHASES = (Phase.FAILED, Phase.FAILURE_SHOWN)


def a_state(world: World, f: Frame, k: Term, m: Term) -> Term:
    return f.state(k) != world.at[NOWHERE]


def running_bounded(world: World, f: Frame, k: Term, m: Term) -> Term:
    return f.running <= world.workers


def history_bounded(world: World, f: Frame, k: Term, m: Term) -> Term:
    return f.kept <= world.size


def history_iff_completed(world: World, f: Frame, k: Term, m: Term) -> Term:
    return f.stored(k) == z3.And(world.completed(f.state(k)), z3.Not(f.gone(k)))


def queue_iff_pending(world: World, f: Frame, k: Term, m: Term) -> Term:
    return f.queued(k) == within(world, f, k, State.PENDING)


def gone_was_completed(world: World, f: Frame, k: Term, m: Term) -> Term:
    return z3.Implies(f.gone(k), world.completed(f.state(k)))


def worker_iff_running(world: World, f: Frame, k: Term, m: Term) -> Term:
    idle = f.phase(k) == world.phase[Phase.IDLE]
    return z3.Not(idle) == within(world, f, k, State.RUNNING)


def requests_only_running(world: World, f: Frame, k: Term, m: Term) -> Term:
    asked = f.asked(k) != world.asked[Asked.NOTHING]
    return z3.Implies(asked, within(world, f, k, State.RUNNING))


def queue_stamped(world: World, f: Frame, k: Term, m: Term) -> Term:
    return z3.Implies(f.queued(k), f.since(k) < f.clock)


def queue_in_order(world: World, f: Frame, k: Term, m: Term) -> Term:
    both = z3.And(f.queued(k), f.queued(m), k != m)
    same = (f.place(k) < f.place(m)) == (f.since(k) < f.since(m))
    return z3.Implies(both, z3.And(same, f.place(k) != f.place(m)))


def history_stamped(world: World, f: Frame, k: Term, m: Term) -> Term:
    return z3.Implies(f.stored(k), f.ended(k) < f.clock)


def history_in_order(world: World, f: Frame, k: Term, m: Term) -> Term:
    both = z3.And(f.stored(k), f.stored(m), k != m)
    return z3.Implies(both, (f.seat(k) < f.seat(m)) == (f.ended(k) < f.ended(m)))


def cancel_on_record(world: World, f: Frame, k: Term, m: Term) -> Term:
    return z3.Implies(asks(world, f, k, Action.CANCEL), f.canceled(k))


def canceled_error(world: World, f: Frame, k: Term, m: Term) -> Term:
    return z3.Implies(f.error(k) == world.error[ErrorCode.CANCELED_JOB], f.canceled(k))


def cancel_kept(world: World, f: Frame, k: Term, m: Term) -> Term:
    noted = z3.And(within(world, f, k, State.RUNNING), asks(world, f, k, Action.CANCEL))
    return z3.Implies(f.cancel_owed(k), noted)


def pause_kept(world: World, f: Frame, k: Term, m: Term) -> Term:
    noted = z3.And(within(world, f, k, State.RUNNING), asks(world, f, k, Action.PAUSE))
    return z3.Implies(f.pause_owed(k), noted)


def steps_counted(world: World, f: Frame, k: Term, m: Term) -> Term:
    there = f.state(k) != world.at[None]
    return z3.Implies(there, z3.And(f.done(k) >= 0, f.done(k) <= f.steps(k)))


def a_step_is_left(world: World, f: Frame, k: Term, m: Term) -> Term:
    return z3.Implies(in_phase(world, f, k, *STEP_PHASES), f.done(k) < f.steps(k))


def all_done_shown(world: World, f: Frame, k: Term, m: Term) -> Term:
    there = f.state(k) != world.at[None]
    return z3.Implies(z3.And(there, f.done(k) == f.steps(k)), f.shown(k) == f.done(k))


def no_error_at_work(world: World, f: Frame, k: Term, m: Term) -> Term:
    shown = in_phase(world, f, k, Phase.FAILURE_SHOWN)
    error = world.error[ErrorCode.NETWORK_PROTOCOL]
    none = world.error[ErrorCode.SUCCESS]
    running = within(world, f, k, State.RUNNING)
    return z3.Implies(running, f.error(k) == z3.If(shown, error, none))


def outcome_told(world: World, f: Frame, k: Term, m: Term) -> Term:
    succeeded = within(world, f, k, State.SUCCESS)
    failed = within(world, f, k, State.FAILURE)
    none = f.error(k) == world.error[ErrorCode.SUCCESS]
    told = z3.And(f.done(k) == f.steps(k), f.shown(k) == f.steps(k), none)
    return z3.And(z3.Implies(succeeded, told), z3.Implies(failed, z3.Not(none)))


CONJUNCTS: tuple[Conjunct, ...] = (
    Conjunct(
        "a-state",
        "Every job has a state of the table, or is not submitted yet.",
        a_state,
        ("queue-iff-pending",),
    ),
    Conjunct("running-bounded", "At most ConcurrentJobs jobs are Running.", running_bounded),
    Conjunct("history-bounded", "At most JobsHistorySize jobs are stored.", history_bounded),
    Conjunct(
        "history-iff-completed",
        "A job is stored in the history if and only if it is completed and not gone.",
        history_iff_completed,
        ("queue-iff-pending", "gone-was-completed", "worker-iff-running"),
    ),
    Conjunct(
        "queue-iff-pending",
        "A job is queued if and only if it is Pending.",
        queue_iff_pending,
    ),
    Conjunct(
        "gone-was-completed",
        "A job that is gone was completed, and stays as it was.",
        gone_was_completed,
        ("history-iff-completed",),
    ),
    Conjunct(
        "worker-iff-running",
        "A worker has a phase of a job if and only if the job is Running.",
        worker_iff_running,
        ("queue-iff-pending",),
    ),
    Conjunct(
        "requests-only-running",
        "Only a Running job is asked for anything.",
        requests_only_running,
        ("queue-iff-pending",),
    ),
    Conjunct(
        "queue-stamped",
        "A queued job became Pending before now.",
        queue_stamped,
        ("queue-iff-pending",),
    ),
    Conjunct(
        "queue-in-order",
        "Two queued jobs have two places, in the order in which they became Pending.",
        queue_in_order,
        ("queue-stamped", "queue-iff-pending"),
    ),
    Conjunct(
        "history-stamped",
        "A stored job was completed before now.",
        history_stamped,
        ("history-iff-completed",),
    ),
    Conjunct(
        "history-in-order",
        "Two stored jobs are seated in the order in which they were completed.",
        history_in_order,
        ("history-stamped", "history-iff-completed"),
    ),
    Conjunct(
        "cancel-on-record",
        "Of a job that is asked to cancel, a cancel was answered 200 since it last started.",
        cancel_on_record,
        ("requests-only-running",),
    ),
    Conjunct(
        "canceled-error",
        "Of a job with the error of a canceled one, a cancel was answered 200 since it started.",
        canceled_error,
        ("cancel-on-record",),
    ),
    Conjunct(
        "cancel-kept",
        "A job of which a cancel is owed is Running, and is asked to cancel.",
        cancel_kept,
        ("queue-iff-pending",),
    ),
    Conjunct(
        "pause-kept",
        "A job of which a pause is owed is Running, and is asked to pause.",
        pause_kept,
        ("queue-iff-pending",),
    ),
    Conjunct(
        "steps-counted",
        "Of the steps of a job, none to all are done.",
        steps_counted,
        ("a-step-is-left",),
    ),
    Conjunct(
        "a-step-is-left",
        "While a step is under way, not all steps are done.",
        a_step_is_left,
        ("worker-iff-running",),
    ),
    Conjunct(
        "all-done-shown",
        "When all steps are done, Progress shows it.",
        all_done_shown,
        ("steps-counted", "a-step-is-left"),
    ),
    Conjunct(
        "no-error-at-work",
        "A Running job shows no error, but for a failure of its step that is just published.",
        no_error_at_work,
        ("worker-iff-running",),
    ),
    Conjunct(
        "outcome-told",
        "A Success job has all steps done and shown and no error; a Failure job has an error.",
        outcome_told,
        ("all-done-shown", "steps-counted", "no-error-at-work", "worker-iff-running"),
    ),
)

BY_CONJUNCT: Mapping[str, Conjunct] = {conjunct.name: conjunct for conjunct in CONJUNCTS}
