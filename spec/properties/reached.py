"""What is met at least once: each edge, each cell, each way out of a step."""

from __future__ import annotations

from spec import table
from spec.engine import Act, Job, Phase
from spec.properties.model import SOMETIMES, Explorer, OfTransition, Own, Property, Transition
from spec.properties.reading import acts, begins, trigger_of
from spec.relaxations import Relaxation
from spec.table import Action, Asked, Ended, State, Trigger


def _takes(edge: table.Edge) -> OfTransition:
    def check(t: Transition) -> bool:
        before, after = t.subject
        source = None if before is None else before.state
        return (
            source is edge.source
            and after is not None
            and after.state is edge.target
            and trigger_of(t.what) == edge.trigger
        )

    return check


def _asks_in(action: Action, state: State) -> OfTransition:
    def check(t: Transition) -> bool:
        before, _ = t.subject
        named = isinstance(t.what, Act) and t.what.action is action
        return named and before is not None and before.state is state

    return check


_ENDED_IN = {
    Phase.SUCCEEDED: Ended.LAST,
    Phase.FAILED: Ended.FAILED,
    Phase.FAILURE_SHOWN: Ended.FAILED,
    Phase.RETRYING: Ended.RETRY,
    Phase.RETRYING_LATER: Ended.RETRY,
}


def _ended(job: Job) -> Ended | None:
    """How the last step of a Running job ended, as far as its worker has come; None: it has not."""
    if job.phase is Phase.READY:
        return Ended.MORE if job.done < job.steps else Ended.LAST
    return _ENDED_IN.get(job.phase)


def _races(asked: Asked, ended: Ended, trigger: Trigger | str) -> OfTransition:
    def check(t: Transition) -> bool:
        before, after = t.subject
        if not isinstance(t.what, Own) or before is None or before.state is not State.RUNNING:
            return False
        if before.asked is not asked or _ended(before) is not ended:
            return False
        return begins(before, after) if trigger == table.STAY else t.what.name == trigger

    return check


EDGES = tuple(
    Property(
        f"reaches-{edge.id}",
        SOMETIMES,
        f"A job takes the edge {edge.id.removeprefix('edge/')}.",
        (edge.id,),
        transition=_takes(edge),
    )
    for edge in table.EDGES
)

CELLS = tuple(
    Property(
        f"reaches-{id.replace('action/', 'cell/')}",
        SOMETIMES,
        f"Action {action} meets a job that is {state}.",
        (id,),
        transition=_asks_in(action, state),
    )
    for state in State
    for action in table.ACTIONS
    for id in (table.cell_id(action, state),)
)

WAYS = tuple(
    Property(
        f"reaches-{id}/{trigger}",
        SOMETIMES,
        f"A job that was asked for {asked} goes by {trigger}: {ended}.",
        (id,),
        transition=_races(asked, ended, trigger),
    )
    for asked, row in table.BOUNDARY.items()
    for ended, triggers in row.items()
    for trigger in triggers
    for id in (table.boundary_id(asked, ended),)
)


@Property(
    "resubmitted-succeeds",
    SOMETIMES,
    "A job that was resubmitted ends in Success.",
    ("step/resubmitted-starts-over",),
).of_runs
def resubmitted_succeeds(explorer: Explorer, admitted: frozenset[Relaxation]) -> bool:
    """Whether a single job can fail, be resubmitted, and then end in Success."""
    resubmitted = [
        t.after
        for node in explorer.reached(1, admitted)
        for t in node.happens
        if acts(t, Action.RESUBMIT) and t.subject[1] is not None
    ]
    return any(
        job is not None and job.state is State.SUCCESS
        for node in explorer.reached(1, admitted, resubmitted)
        for job in node.engine.jobs
    )
