"""The *eventually* properties, as sentences on single moves and on what is possible."""

from __future__ import annotations

from collections.abc import Mapping

from spec.proofs.smt.claim import Node, Said, Step
from spec.proofs.smt.frame import Frame, in_phase, within
from spec.proofs.smt.invariant import FAILED_PHASES
from spec.proofs.smt.rule import cancel_due, pause_due
from spec.proofs.smt.solver import Term, z3
from spec.proofs.smt.world import NOWHERE, Phase, World
from spec.relaxations import Relaxation
from spec.table import Move, State


def cancel_honoured(s: Step) -> Said:
    """A job of which a cancel is owed becomes Failure, or runs on without beginning a step."""
    world, k = s.world, s.k
    now = z3.And(k == s.job, cancel_due(world, s.pre, s.rule, s.job))
    begins = z3.And(k == s.job, world.true if s.rule.begins else world.false)
    failed = within(world, s.post, k, State.FAILURE)
    runs_on = z3.And(within(world, s.post, k, State.RUNNING), z3.Not(begins))
    return z3.Or(s.pre.cancel_owed(k), now), z3.Or(failed, runs_on)


def pause_honoured(s: Step) -> Said:
    """Likewise; to Failure only because a step failed, or because of a cancel."""
    world, k = s.world, s.k
    now = z3.And(k == s.job, pause_due(world, s.pre, s.rule, s.job))
    begins = z3.And(k == s.job, world.true if s.rule.begins else world.false)
    why = z3.Or(in_phase(world, s.pre, k, *FAILED_PHASES), s.post.canceled(k))
    failed = z3.And(within(world, s.post, k, State.FAILURE), why)
    runs_on = z3.And(within(world, s.post, k, State.RUNNING), z3.Not(begins))
    paused = within(world, s.post, k, State.PAUSED)
    return z3.Or(s.pre.pause_owed(k), now), z3.Or(failed, paused, runs_on)


RANK = (
    Phase.IDLE,
    Phase.RETRYING,
    Phase.FAILURE_SHOWN,
    Phase.FAILED,
    Phase.SUCCEEDED,
    Phase.HELD,
    Phase.SENT,
    Phase.READY,
)


def work_left(world: World, f: Frame, k: Term) -> Term:
    """What every move of a worker lowers: the steps to come, then how far its step has come."""
    rank = z3.IntVal(0, world.ctx)
    for number, phase in enumerate(RANK):
        rank = z3.If(f.phase(k) == world.phase[phase], number, rank)
    return len(RANK) * (f.steps(k) - f.done(k)) + rank


def running_leaves(s: Step) -> Said:
    """While a job is Running, its worker and peer lower the work left, which nothing raises."""
    world, k = s.world, s.k
    before, after = work_left(world, s.pre, k), work_left(world, s.post, k)
    lower = z3.And(k == s.job, world.true if s.rule.runs else world.false)
    both = z3.And(*(within(world, f, k, State.RUNNING) for f in (s.pre, s.post)))
    return both, z3.And(before >= 0, z3.If(lower, after < before, after <= before))


def running_can_go_on(n: Node) -> Mapping[str, Said]:
    """A Running job always has a move of its worker or of its peer."""
    possible = n.world.any(z3.And(*rule.guards) for rule in n.of_k if rule.runs)
    return {"goes-on": (within(n.world, n.frame, n.k, State.RUNNING), possible)}


def retry_leaves(s: Step) -> Said:
    times_out = s.world.true if s.rule.trigger is Move.TIMEOUT else s.world.false
    left = z3.Not(within(s.world, s.post, s.job, State.RETRY))
    return times_out, z3.And(left, s.post.state(s.job) != s.world.at[NOWHERE])


def retry_can_go_on(n: Node) -> Mapping[str, Said]:
    """The delay of a job in Retry can end."""
    ends = n.world.any(z3.And(*rule.guards) for rule in n.of_k if rule.trigger is Move.TIMEOUT)
    return {"goes-on": (within(n.world, n.frame, n.k, State.RETRY), ends)}


def pending_runs(n: Node) -> Mapping[str, Said]:
    """With none before it a Pending job can start once a worker is free, and no other can."""
    world, f = n.world, n.frame
    tied = Relaxation.TIES_UNORDERED in world.admit
    none_before = []
    for other in n.jobs:
        equal = f.priority(other) == f.priority(n.k)
        if not tied:
            equal = z3.And(equal, f.since(other) < f.since(n.k))
        ahead = z3.Or(f.priority(other) > f.priority(n.k), equal)
        waits = z3.And(other != n.k, within(world, f, other, State.PENDING))
        none_before.append(z3.Not(z3.And(waits, ahead)))
    first = z3.And(within(world, f, n.k, State.PENDING), *none_before)
    starts = [
        world.any(z3.And(*rule.guards) for rule in rules if rule.trigger is Move.START)
        for rules in (n.of_k, n.of_m)
    ]
    return {
        "can-start": (z3.And(first, f.running < world.workers), starts[0]),
        "no-other-starts": (z3.And(first, n.k != n.m), z3.Not(starts[1])),
    }
