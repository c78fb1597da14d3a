"""The properties that z3 decides, each with the conjuncts that it is concluded from."""

from __future__ import annotations

from collections.abc import Mapping

from spec.proofs.smt import always, eventually, invariant
from spec.proofs.smt.claim import Claim

CLAIMS: tuple[Claim, ...] = (
    Claim("running-bounded", ("running-bounded",), state=invariant.running_bounded),
    Claim(
        "history-iff-completed", ("history-iff-completed",), state=invariant.history_iff_completed
    ),
    Claim("queue-iff-pending", ("queue-iff-pending",), state=invariant.queue_iff_pending),
    Claim("history-bounded", ("history-bounded",), state=invariant.history_bounded),
    Claim(
        "oldest-evicted-first",
        ("history-in-order", "gone-was-completed"),
        move=always.oldest_evicted_first,
    ),
    Claim(
        "requests-only-running", ("requests-only-running",), state=invariant.requests_only_running
    ),
    Claim("asked-only-by-action", move=always.asked_only_by_action),
    Claim("worker-iff-running", ("worker-iff-running",), state=invariant.worker_iff_running),
    Claim("priority-not-passed-over", ("queue-iff-pending",), move=always.priority_not_passed_over),
    Claim("ties-in-order", ("queue-in-order",), move=always.ties_in_order),
    Claim("success-final", ("queue-iff-pending", "worker-iff-running"), move=always.success_final),
    Claim("refused-changes-nothing", move=always.refused_changes_nothing),
    Claim(
        "canceled-only-by-cancel",
        ("cancel-on-record", "canceled-error"),
        state=invariant.canceled_error,
        move=always.canceled_only_by_cancel,
    ),
    Claim("paused-only-by-pause", move=always.paused_only_by_pause),
    Claim(
        "refinement",
        ("queue-iff-pending", "gone-was-completed"),
        move=always.refinement,
        symbolic=True,
    ),
    Claim(
        "total-deterministic",
        ("a-state",),
        move=always.total_deterministic,
        node=always.one_answer,
        symbolic=True,
    ),
    Claim("others-untouched", ("history-iff-completed",), move=always.others_untouched),
    Claim("steps-once", ("steps-counted", "a-step-is-left"), move=always.steps_once),
    Claim("steps-in-order", ("worker-iff-running",), move=always.steps_in_order),
    Claim("ends-as-its-step-ended", ("steps-counted",), move=always.ends_as_its_step_ended),
    Claim("outcome-told", ("outcome-told",), state=invariant.outcome_told),
    Claim("progress-told", ("worker-iff-running",), move=always.progress_told),
    Claim("error-told", ("worker-iff-running", "no-error-at-work"), move=always.error_told),
    Claim(
        "cancel-honoured",
        ("cancel-kept",),
        move=eventually.cancel_honoured,
        rests_on=("running-leaves",),
    ),
    Claim(
        "pause-honoured",
        ("pause-kept", "cancel-on-record"),
        move=eventually.pause_honoured,
        rests_on=("running-leaves",),
    ),
    Claim(
        "pending-runs",
        ("queue-iff-pending", "queue-in-order", "gone-was-completed"),
        node=eventually.pending_runs,
        rests_on=("running-leaves",),
    ),
    Claim(
        "running-leaves",
        ("worker-iff-running", "steps-counted", "a-step-is-left", "gone-was-completed"),
        move=eventually.running_leaves,
        node=eventually.running_can_go_on,
    ),
    Claim(
        "retry-leaves",
        ("gone-was-completed",),
        move=eventually.retry_leaves,
        node=eventually.retry_can_go_on,
    ),
)


BY_CLAIM: Mapping[str, Claim] = {claim.name: claim for claim in CLAIMS}
