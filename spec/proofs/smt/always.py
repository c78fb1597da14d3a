"""The *always* properties, as sentences on single moves. Those on states: `invariant`."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

from spec.proofs.smt.claim import Node, Said, Step
from spec.proofs.smt.frame import COUNTERS, asks, in_phase, present, unchanged, within
from spec.proofs.smt.invariant import FAILED_PHASES
from spec.proofs.smt.rule import the_cell
from spec.proofs.smt.solver import Term, z3
from spec.proofs.smt.world import Phase
from spec.table import ACTIONS, ASK, EDGE, EDGES, UNKNOWN, Action, ErrorCode, State, target


def starts(s: Step) -> Term:
    """The mover becomes Running."""
    runs, ran = (within(s.world, f, s.job, State.RUNNING) for f in (s.post, s.pre))
    return z3.And(runs, z3.Not(ran))


def answered(s: Step, action: Action) -> Term:
    """The move is ``action`` on its mover, answered 200."""
    return s.world.true if s.rule.accepted is action else s.world.false


def priority_not_passed_over(s: Step) -> Said:
    when = z3.And(starts(s), within(s.world, s.pre, s.k, State.PENDING), s.k != s.job)
    return when, s.pre.priority(s.k) <= s.pre.priority(s.job)


def ties_in_order(s: Step) -> Said:
    waits = within(s.world, s.pre, s.k, State.PENDING)
    equal = s.pre.priority(s.k) == s.pre.priority(s.job)
    return z3.And(starts(s), waits, equal, s.k != s.job), s.pre.since(s.job) < s.pre.since(s.k)


def success_final(s: Step) -> Said:
    same = unchanged(s.world, s.pre, s.post, s.k, "gone", "stored")
    when = z3.And(within(s.world, s.pre, s.k, State.SUCCESS), present(s.world, s.pre, s.k))
    return when, z3.And(same, z3.Or(s.post.gone(s.k), s.post.stored(s.k) == s.pre.stored(s.k)))


def nothing_changed(s: Step) -> Term:
    counters = [getattr(s.pre, name) == getattr(s.post, name) for name in COUNTERS]
    return z3.And(unchanged(s.world, s.pre, s.post, s.k), *counters)


def refused_changes_nothing(s: Step) -> Said:
    refused = s.rule.action is not None and s.rule.status != 200
    return (s.world.true if refused else s.world.false), nothing_changed(s)


def canceled_only_by_cancel(s: Step) -> Said:
    """It appears by a cancel of that job, or where one was answered 200 since the job started."""
    error = s.world.error[ErrorCode.CANCELED_JOB]
    appears = z3.And(s.post.error(s.k) == error, s.pre.error(s.k) != error)
    return appears, s.post.canceled(s.k)


def paused_only_by_pause(s: Step) -> Said:
    was, is_now = (within(s.world, f, s.k, State.PAUSED) for f in (s.pre, s.post))
    now = z3.And(s.k == s.job, answered(s, Action.PAUSE))
    return z3.And(is_now, z3.Not(was)), z3.Or(now, asks(s.world, s.pre, s.k, Action.PAUSE))


def asked_only_by_action(s: Step) -> Said:
    news = []
    for action in (Action.CANCEL, Action.PAUSE):
        now = z3.And(s.k == s.job, answered(s, action))
        new = z3.And(asks(s.world, s.post, s.k, action), z3.Not(asks(s.world, s.pre, s.k, action)))
        news.append((new, now))
    return z3.Or(*(new for new, _ in news)), z3.And(*(z3.Implies(*each) for each in news))


def refinement(s: Step) -> Said:
    """No change, or the published edge of the move's trigger; who is gone stays as it was."""
    world, before, after = s.world, s.pre.state(s.k), s.post.state(s.k)
    edges = [
        z3.And(before == world.at[edge.source], after == world.at[edge.target])
        for edge in EDGES
        if edge.trigger == s.rule.trigger
    ]
    edge = z3.And(s.k == s.job, z3.Not(s.pre.gone(s.k)), world.any(edges))
    lost = z3.Implies(s.post.gone(s.k), world.completed(after))
    stays = z3.And(before == after, z3.Implies(s.pre.gone(s.k), s.post.gone(s.k)))
    return world.true, z3.And(lost, z3.Or(edge, stays))


def others_untouched(s: Step) -> Said:
    same = unchanged(s.world, s.pre, s.post, s.k)
    lost = z3.And(
        unchanged(s.world, s.pre, s.post, s.k, "gone", "stored"),
        s.pre.stored(s.k),
        s.post.gone(s.k),
        z3.Not(s.post.stored(s.k)),
    )
    return s.k != s.job, z3.Or(same, lost)


def oldest_evicted_first(s: Step) -> Said:
    """Who is evicted was completed before all that stay, and the history is full after it."""
    evicted = z3.And(s.post.gone(s.k), z3.Not(s.pre.gone(s.k)))
    out = z3.And(s.pre.stored(s.k), z3.Not(s.post.stored(s.k)))
    resubmitted = z3.And(s.k == s.job, answered(s, Action.RESUBMIT))
    older = z3.Implies(s.post.stored(s.m), s.post.ended(s.k) < s.post.ended(s.m))
    full = z3.And(s.post.kept == s.world.size, older, z3.Not(s.post.stored(s.k)))
    return z3.Or(evicted, out), z3.If(evicted, full, resubmitted)


def total_deterministic(s: Step) -> Said:
    """The action's answer and effect are those of its cell."""
    world, rule = s.world, s.rule
    if rule.action is None or rule.on is None:
        return world.false, world.true
    source = State(rule.on) if rule.on != UNKNOWN else None
    found = the_cell(UNKNOWN if source is None else source, rule.action)
    if found is None or rule.status != found.status:
        return world.true, world.false
    if found is EDGE and source is not None:
        goal = target(source, rule.action)
        return world.true, (world.false if goal is None else s.post.state(s.job) == world.at[goal])
    if found is ASK and source is not None:
        same = unchanged(world, s.pre, s.post, s.k, "asked")
        return world.true, z3.And(same, asks(world, s.post, s.job, rule.action))
    return world.true, nothing_changed(s)


def one_answer(n: Node) -> Mapping[str, Said]:
    """For each action exactly one answer is possible, whatever the job."""
    said = {}
    for action in ACTIONS:
        possible = [z3.And(*rule.guards) for rule in n.of_k if rule.action is action]
        clashes = [z3.And(a, b) for a, b in combinations(possible, 2)]
        once = z3.And(n.world.any(possible), z3.Not(n.world.any(clashes)))
        said[f"{action}/one-answer"] = (n.world.true, once)
    return said


def steps_once(s: Step) -> Said:
    """Of a run, each step is counted once; a resubmitted job starts over."""
    world, k = s.world, s.k
    counted = z3.And(
        in_phase(world, s.pre, k, Phase.SUCCEEDED), in_phase(world, s.post, k, Phase.READY)
    )
    failed, pending = world.at[State.FAILURE], world.at[State.PENDING]
    over = z3.And(s.pre.state(k) == failed, s.post.state(k) == pending)
    new = s.pre.state(k) == world.at[None]
    right = z3.If(counted, s.pre.done(k) + 1, z3.If(z3.Or(over, new), 0, s.pre.done(k)))
    as_submitted = z3.And(
        s.pre.priority(k) == s.post.priority(k), s.pre.steps(k) == s.post.steps(k)
    )
    bounded = z3.And(s.post.done(k) >= 0, s.post.done(k) <= s.post.steps(k))
    return present(world, s.post, k), z3.And(
        s.post.done(k) == right, bounded, z3.Or(new, as_submitted)
    )


WORK = (
    (Phase.READY, Phase.SENT),
    (Phase.SENT, Phase.HELD),
    (Phase.HELD, Phase.SUCCEEDED),
    (Phase.HELD, Phase.FAILED),
    (Phase.HELD, Phase.RETRYING),
    (Phase.SUCCEEDED, Phase.READY),
    (Phase.FAILED, Phase.FAILURE_SHOWN),
)


def steps_in_order(s: Step) -> Said:
    world, k = s.world, s.k
    before, after = s.pre.phase(k), s.post.phase(k)
    worked = [z3.And(before == world.phase[a], after == world.phase[b]) for a, b in WORK]
    begins = z3.And(before == world.phase[Phase.READY], after == world.phase[Phase.SENT])
    left = z3.Implies(begins, s.pre.done(k) < s.pre.steps(k))
    ran = within(world, s.pre, k, State.RUNNING)
    first = after == world.phase[Phase.READY]
    on = z3.And(left, z3.Or(before == after, *worked))
    return within(world, s.post, k, State.RUNNING), z3.If(ran, on, first)


def ends_as_its_step_ended(s: Step) -> Said:
    world, k = s.world, s.k
    failed = in_phase(world, s.pre, k, *FAILED_PHASES)
    retrying = in_phase(world, s.pre, k, Phase.RETRYING)
    ready = in_phase(world, s.pre, k, Phase.READY)
    under_way = in_phase(world, s.pre, k, Phase.SENT, Phase.HELD)
    all_done = s.pre.done(k) == s.pre.steps(k)
    became = [within(world, s.post, k, state) for state in (State.SUCCESS, State.FAILURE)]
    retries = within(world, s.post, k, State.RETRY)
    when = z3.And(
        within(world, s.pre, k, State.RUNNING), z3.Not(within(world, s.post, k, State.RUNNING))
    )
    return when, z3.And(
        z3.Implies(became[0], z3.And(ready, all_done)),
        z3.Implies(became[1], z3.Or(failed, asks(world, s.pre, k, Action.CANCEL))),
        z3.Implies(retries, z3.Or(retrying, failed)),
        z3.Or(became[1], z3.Not(under_way)),
    )


def progress_told(s: Step) -> Said:
    """What Progress shows changes when a step has ended, and then to the steps done."""
    world, k = s.world, s.k
    ended = in_phase(world, s.pre, k, *FAILED_PHASES, Phase.SUCCEEDED, Phase.RETRYING)
    published = z3.And(
        in_phase(world, s.pre, k, Phase.SUCCEEDED), in_phase(world, s.post, k, Phase.READY)
    )
    told = s.post.shown(k) == s.post.done(k)
    same = s.post.shown(k) == s.pre.shown(k)
    new = s.pre.state(k) == world.at[None]
    kept = z3.If(new, s.post.shown(k) == 0, z3.Or(same, z3.And(ended, told)))
    return present(world, s.post, k), z3.And(kept, z3.Implies(published, told))


def error_told(s: Step) -> Said:
    """0 from the start of a run on, 9 by a failed step, 37 by a cancel, and not otherwise."""
    world, k = s.world, s.k
    none, failure = world.error[ErrorCode.SUCCESS], world.error[ErrorCode.NETWORK_PROTOCOL]
    canceled = s.post.error(k) == world.error[ErrorCode.CANCELED_JOB]
    failed = z3.And(in_phase(world, s.pre, k, *FAILED_PHASES), s.post.error(k) == failure)
    same = s.post.error(k) == s.pre.error(k)
    fresh = z3.Or(
        s.pre.state(k) == world.at[None],
        z3.And(
            within(world, s.post, k, State.RUNNING), z3.Not(within(world, s.pre, k, State.RUNNING))
        ),
    )
    ends = z3.And(
        within(world, s.post, k, State.FAILURE), z3.Not(within(world, s.pre, k, State.FAILURE))
    )
    shown = z3.Implies(in_phase(world, s.post, k, Phase.FAILURE_SHOWN), s.post.error(k) == failure)
    right = z3.If(
        fresh, s.post.error(k) == none, z3.If(ends, z3.Or(failed, canceled), z3.Or(same, failed))
    )
    return present(world, s.post, k), z3.And(right, shown)
