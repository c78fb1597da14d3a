"""What the table says, and that nothing else happens to a job's state."""

from __future__ import annotations

import hashlib

from spec import table
from spec.engine import Act, Config, Engine, Submit
from spec.properties.model import ALWAYS, Node, Property, Transition
from spec.properties.reading import asks, trigger_of
from spec.table import FINAL, UNKNOWN, Action, Cell, State, cell, target

# The published table, in a form that cannot be read as a second statement of it: the digest of
# its sorted rows, first pinned when the figure and the measurements were compared with
# `spec/table.py` by hand. To recompute: python -c "from spec.properties import *; print(digest())"
AS_PUBLISHED = "f9512e47e12bec8b88e3f84c48514baa95dd6f74a239fb64e281164eb82933d8"


def digest() -> str:
    """The SHA-256 of all rows of `spec.table`: edges, matrix and statuses, boundary, finals."""
    rows = [edge.id for edge in table.EDGES]
    rows += [
        f"{table.cell_id(action, state)} {cell(state, action).name} {cell(state, action).status}"
        for state in table.MATRIX
        for action in table.ACTIONS
    ]
    rows += [
        f"{table.boundary_id(asked, ended)} {' '.join(map(str, triggers))}"
        for asked, row in table.BOUNDARY.items()
        for ended, triggers in row.items()
    ]
    rows += [f"final {state}" for state in FINAL]
    return hashlib.sha256("\n".join(sorted(rows)).encode()).hexdigest()


@Property(
    "as-published",
    ALWAYS,
    "Edges, matrix, ways out of a step and final states are the published ones.",
    "JobsEngineStates figure; measured on Orthanc 1.9.1, 1.10.1, 1.12.7, 1.13.0",
).of_state
def as_published(config: Config, engine: Engine) -> bool:
    return bool(engine.jobs) or digest() == AS_PUBLISHED  # once, of the empty engine


never_an_error = Property(
    "never-an-error",
    ALWAYS,
    "Whatever is done is answered or cannot happen, and whatever the engine goes on to do is "
    "done: nothing ends in an error.",
    "the action matrix of spec/table.py: each cell has an answer",
    fault=True,
)


@Property(
    "refinement",
    ALWAYS,
    "Seen through its State alone, a job takes the published edge of what happens, or none.",
    "JobsEngineStates figure",
).of_transition
def refinement(t: Transition) -> bool:
    """Seen through `State` alone: the edge of the trigger, or no change; gone means completed."""
    born = len(t.before.jobs)
    if len(t.after.jobs) != born + isinstance(t.what, Submit):
        return False
    for index, before, after in t.records:
        here = index == (born if isinstance(t.what, Submit) else t.job)
        if index < born and before is None:
            if after is not None:
                return False
            continue
        trigger = trigger_of(t.what) if here else None
        source = None if before is None else before.state
        leads = None if trigger is None else target(source, trigger)
        if after is None:
            if not (source in FINAL or (leads in FINAL and t.config.history == 0)):
                return False
        elif after.state is not source and after.state is not leads:
            return False
    return True


@Property(
    "total-deterministic",
    ALWAYS,
    "Every action on every job and on an unknown id has one answer and one effect: its cell's.",
    "the action matrix of spec/table.py",
).of_node
def total_deterministic(node: Node) -> bool:
    """Every action on every job and on an unknown id has one answer and one effect: its cell's."""
    found: dict[tuple[Action, int | None], list[Transition]] = {
        (action, job): [] for action in Action for job in (None, *range(len(node.engine.jobs)))
    }
    for t in node.happens:
        if isinstance(t.what, Act):
            found[t.what.action, t.what.job].append(t)
    return all(len(each) == 1 and _as_its_cell(each[0]) for each in found.values())


def _as_its_cell(t: Transition) -> bool:
    assert isinstance(t.what, Act)
    action = t.what.action
    before, after = t.subject
    found = cell(UNKNOWN if before is None else before.state, action)
    if t.answer != found.status:
        return False
    if found in (Cell.KEEP, Cell.REFUSE):
        return t.after == t.before
    if before is None:  # an unknown id has nothing to take an edge, or to be asked
        return False
    if found is Cell.ASK:
        return after is not None and after.state is before.state and asks(after, action)
    leads = target(before.state, action)
    return leads is not None and (
        leads is after.state if after is not None else leads in FINAL and t.config.history == 0
    )


@Property(
    "refused-changes-nothing",
    ALWAYS,
    "A refused action changes nothing.",
    ("action/resume/pending",),
).of_transition
def refused_changes_nothing(t: Transition) -> bool:
    return not isinstance(t.what, Act) or t.answer == 200 or t.after == t.before


@Property(
    "success-final",
    ALWAYS,
    "A Success job never changes again; it can only fall out of the history.",
    "JobsEngineStates figure: no edge leaves Success",
).of_transition
def success_final(t: Transition) -> bool:
    return all(
        before is None or before.state is not State.SUCCESS or after in (None, before)
        for _, before, after in t.records
    )


@Property(
    "others-untouched",
    ALWAYS,
    "What happens to a job changes no other job, which can only fall out of the history.",
    "JobsEngineStates figure: it is drawn for one job",
).of_transition
def others_untouched(t: Transition) -> bool:
    """Only the job that it is about changes; another one at most falls out of the history."""
    mine = len(t.before.jobs) if isinstance(t.what, Submit) else t.job
    return all(
        index == mine or after == before or (after is None and index in t.before.history)
        for index, before, after in t.records
    )
