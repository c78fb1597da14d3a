"""What all moves have in common: the queue, the history, the counters and the ghosts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import permutations
from typing import Any

from spec.proofs.smt.frame import Frame, cardinality, present, put, remembered, within
from spec.proofs.smt.rule import Rule, cancel_due, pause_due
from spec.proofs.smt.solver import Term, z3
from spec.proofs.smt.world import Phase, World
from spec.table import Action, ErrorCode, Move, State, Trigger


class Mover:
    """A job that moves from ``pre``; universal guards are told of the named ``jobs``.

    Every number and predicate that a move draws is named after ``tag``.
    """

    def __init__(
        self, world: World, pre: Frame, job: Term, jobs: tuple[Term, ...], tag: str = ""
    ) -> None:
        self.world, self.pre, self.job, self.jobs, self.tag = world, pre, job, jobs, tag
        self.present = present(world, pre, job)

    def enqueue(self, frame: Frame, gone_to: Term) -> tuple[Frame, list[Term]]:
        """The job becomes Pending, at the back of the queue."""
        world, pre = self.world, self.pre
        back = world.int(f"back{self.tag}")
        behind = [z3.Implies(pre.queued(k), pre.place(k) < back) for k in self.jobs]
        if not world.keeps("enqueue-at-the-back"):
            behind = [z3.Implies(pre.queued(k), pre.place(k) != back) for k in self.jobs]
        idle = world.phase[Phase.IDLE]
        return (
            put(frame, self.job, state=gone_to, phase=idle, queued=world.true, place=back),
            behind,
        )

    def settle(self, frame: Frame) -> tuple[Frame, list[Term], dict[str, Term] | None]:
        """A job that is completed now enters the history, which evicts its oldest, the surplus."""
        world, pre, job, jobs = self.world, self.pre, self.job, self.jobs
        completed = z3.simplify(world.completed(frame.state(job)))
        if z3.is_false(completed) or not world.keeps("complete-enters-the-history"):
            return frame, [], None
        end = world.int(f"end{self.tag}")
        facts = [z3.Implies(pre.stored(k), pre.seat(k) < end) for k in jobs]
        frame = put(
            frame,
            job,
            stored=z3.Or(completed, pre.stored(job)),
            seat=z3.If(completed, end, pre.seat(job)),
        )
        entered = pre.kept + z3.If(z3.And(completed, z3.Not(pre.stored(job))), 1, 0)
        if not world.keeps("complete-evicts-the-surplus"):
            return replace(frame, kept=entered), facts, None
        over = z3.And(completed, entered > world.size)
        surplus = z3.If(over, entered - world.size, 0)
        evicted = z3.Function(f"evicted{self.tag}", world.job_sort, z3.BoolSort(world.ctx))
        stored, seat = frame.stored, frame.seat
        facts += cardinality(evicted, surplus, jobs)
        if world.universe:
            facts.append(z3.Sum([z3.If(evicted(k), 1, 0) for k in jobs]) == surplus)
        if world.keeps("evict-from-the-history"):
            facts += [z3.Implies(evicted(k), stored(k)) for k in jobs]
        if world.keeps("evict-the-oldest"):
            for k, m in permutations(jobs, 2):
                spared = z3.And(evicted(k), stored(m), z3.Not(evicted(m)))
                facts.append(z3.Implies(spared, seat(k) < seat(m)))
        after = replace(
            frame,
            stored=remembered(lambda k: z3.And(stored(k), z3.Not(evicted(k)))),
            gone=remembered(lambda k: z3.Or(pre.gone(k), evicted(k))),
            kept=entered - surplus,
        )
        return after, facts, {"/evicting": surplus > 0, "/with-room-left": surplus == 0}

    def error(self, trigger: Trigger) -> Term:
        if trigger is Action.CANCEL:
            return self.world.error[ErrorCode.CANCELED_JOB]
        if trigger is Move.FAIL:
            return self.world.error[ErrorCode.NETWORK_PROTOCOL]
        return self.pre.error(self.job)

    def rule(
        self,
        name: str,
        words: str,
        guards: Iterable[Term],
        after: Frame,
        facts: Iterable[Term] = (),
        **more: Any,
    ) -> Rule:
        """The rule, with the counters and the ghosts brought up to date, whatever it does."""
        rule = Rule(name, words, tuple(guards), after, tuple(facts), **more)
        world, pre, job = self.world, self.pre, self.job
        moved = after.state is not pre.state
        if moved:
            ran, runs = (frame.state(job) == world.at[State.RUNNING] for frame in (pre, after))
            pending = world.at[State.PENDING]
            waits = z3.And(after.state(job) == pending, pre.state(job) != pending)
            ends = z3.And(
                world.completed(after.state(job)), z3.Not(world.completed(pre.state(job)))
            )
            after = replace(
                put(
                    after,
                    job,
                    since=z3.If(waits, pre.clock, pre.since(job)),
                    ended=z3.If(ends, pre.clock, pre.ended(job)),
                    canceled=z3.And(pre.canceled(job), z3.Or(ran, z3.Not(runs))),
                ),
                running=pre.running + z3.If(runs, 1, 0) - z3.If(ran, 1, 0),
                clock=z3.If(z3.Or(waits, ends), pre.clock + 1, pre.clock),
            )
        cancel, pause = cancel_due(world, pre, rule, job), pause_due(world, pre, rule, job)
        if rule.accepted is Action.CANCEL:
            after = put(after, job, canceled=z3.Or(after.canceled(job), cancel))
        if moved or rule.accepted is not None:
            failed = within(world, after, job, State.FAILURE)
            paused = within(world, after, job, State.PAUSED)
            after = put(
                after,
                job,
                cancel_owed=z3.And(z3.Or(pre.cancel_owed(job), cancel), z3.Not(failed)),
                pause_owed=z3.And(z3.Or(pre.pause_owed(job), pause), z3.Not(z3.Or(failed, paused))),
            )
        return replace(rule, after=after)
