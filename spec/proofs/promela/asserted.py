"""The *always* properties, as conditions on a state and on what one move does to it."""

from __future__ import annotations

from spec.proofs.promela.options import Option, run_kind
from spec.proofs.promela.setup import STATES, Phase, Setup, any_of, at, is_, one_of
from spec.table import FINAL, Action, Asked, ErrorCode, State


def invariants(setup: Setup) -> dict[str, str]:
    """What must be true of each state: property, condition."""
    scope = setup.scope
    jobs = range(scope.jobs)

    def every(condition: str) -> str:
        return " && ".join(f"({condition.format(k, k + 1)})" for k in jobs)

    def times(array: str) -> str:
        return "(" + " + ".join(f"({array}[{i}] == {{1}})" for i in jobs) + ")"

    final = any_of(f"st[{{0}}] == {is_(state)}" for state in STATES if state in FINAL)
    told = "done[{0}] == steps[{0}] && shown[{0}] == steps[{0}] && err[{0}] == 0"
    return {
        "running-bounded": f"n_running <= {scope.workers}",
        "history-bounded": f"{' + '.join(f'(hist[{i}] != 0)' for i in jobs)} <= {scope.history}",
        "history-iff-completed": every(f"{times('hist')} == ({final})"),
        "queue-iff-pending": every(f"{times('queue')} == pending({{0}})"),
        "requests-only-running": every("asked[{0}] == 0 || running({0})"),
        "worker-iff-running": every(f"(phase[{{0}}] != {at(Phase.NONE)}) == running({{0}})"),
        "outcome-told": every(
            f"(st[{{0}}] != {is_(State.SUCCESS)} || ({told})) "
            f"&& (st[{{0}}] != {is_(State.FAILURE)} || err[{{0}}] != 0)"
        ),
    }


REMEMBERED = ("st", "prio", "steps", "done", "shown", "err", "asked", "phase")


def obligations(setup: Setup, option: Option) -> tuple[tuple[str, str], ...]:
    """What must be true of one move, with ``was_…`` before it: property, condition."""
    job = option.job
    others = [k for k in range(setup.scope.jobs) if k != job]
    fallen = "st[{0}] == GONE && (" + any_of(f"was_st[{{0}}] == {is_(s)}" for s in FINAL) + ")"
    same = " && ".join(f"{array}[{{0}}] == was_{array}[{{0}}]" for array in REMEMBERED)
    canceled = int(ErrorCode.CANCELED_JOB)
    left = f"was_st[{job}] != {is_(State.RUNNING)} || "

    def rest(condition: str) -> list[str]:
        return [condition.format(k) for k in others]

    found = {
        "success-final": " && ".join(
            f"(was_st[{k}] != {is_(State.SUCCESS)} || st[{k}] == GONE || ({same.format(k)}))"
            for k in (job, *others)
        ),
        "canceled-only-by-cancel": " && ".join(
            [
                f"(err[{job}] != {canceled} || was_err[{job}] == {canceled} "
                f"|| ({_owed(option, Action.CANCEL)}))",
                *(f"(err[{k}] != {canceled} || was_err[{k}] == {canceled})" for k in others),
            ]
        ),
        "paused-only-by-pause": f"st[{job}] != {is_(State.PAUSED)} "
        f"|| was_st[{job}] == {is_(State.PAUSED)} || ({_owed(option, Action.PAUSE)})",
        "refinement": " && ".join(
            f"({one})"
            for one in (
                any_of([f"st[{job}] == was_st[{job}]", fallen.format(job), *_edges(setup, option)]),
                *rest(f"(st[{{0}}] == was_st[{{0}}]) || ({fallen})"),
            )
        ),
        "others-untouched": " && ".join(rest(f"(({same}) || ({fallen}))")) or "true",
        "ends-as-its-step-ended": left
        + " && ".join(f"(st[{job}] != {is_(s)} || ({how}))" for s, how in _ends(option).items()),
    }
    return tuple(found.items())


def _owed(option: Option, action: Action) -> str:
    """The move is this action, or the worker honours one that was noted."""
    if option.client:
        return "true" if option.trigger is action else "false"
    if option.kind == run_kind(option.job):
        return one_of(f"was_asked[{option.job}]", (Asked(action), Asked.BOTH))
    return "false"


def _edges(setup: Setup, option: Option) -> list[str]:
    """The job has taken an edge of the move's trigger; with a history of 0 it is gone at once."""
    job = option.job
    leads = [
        (was, edge.target)
        for edge in setup.table.edges
        if edge.trigger == option.trigger
        for was in ("NEW" if edge.source is None else is_(edge.source),)
    ]
    taken = [f"was_st[{job}] == {was} && st[{job}] == {is_(goes_to)}" for was, goes_to in leads]
    if setup.scope.history == 0:
        taken += [
            f"was_st[{job}] == {was} && st[{job}] == GONE"
            for was, goes_to in leads
            if goes_to in FINAL
        ]
    return taken


def _ends(option: Option) -> dict[State, str]:
    """Where a job may get to from Running, and how far its worker must have come."""
    job = option.job
    step_failed = any_of(f"was_phase[{job}] == {at(p)}" for p in (Phase.FAILED, Phase.SHOWN))
    step_retries = f"was_phase[{job}] == {at(Phase.RETRYING)}"
    ready = f"was_phase[{job}] == {at(Phase.READY)}"
    at_peer = any_of(f"was_phase[{job}] == {at(p)}" for p in (Phase.SENT, Phase.HELD))
    return {
        State.SUCCESS: f"{ready} && was_done[{job}] == was_steps[{job}]",
        State.FAILURE: f"{step_failed} || {_owed(option, Action.CANCEL)}",
        State.RETRY: f"{step_retries} || {step_failed}",
        State.PENDING: f"!({at_peer})",
        State.PAUSED: f"!({at_peer})",
    }


def flag(name: str) -> str:
    """Spin names the variable of an assertion that fails, so it bears the property's name."""
    return name.replace("-", "_")


ASSERTED = (
    "running-bounded",
    "history-bounded",
    "history-iff-completed",
    "queue-iff-pending",
    "requests-only-running",
    "worker-iff-running",
    "outcome-told",
    "priority-not-passed-over",
    "ties-in-order",
    "success-final",
    "canceled-only-by-cancel",
    "paused-only-by-pause",
    "refinement",
    "others-untouched",
    "ends-as-its-step-ended",
)
"""The *always* properties that Spin decides."""
