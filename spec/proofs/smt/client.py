"""The moves of clients: submissions and actions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from spec.proofs.smt.frame import Frame, put
from spec.proofs.smt.mover import Mover
from spec.proofs.smt.rule import Rule, edge_words, the_cell
from spec.proofs.smt.solver import Term, z3
from spec.proofs.smt.world import NOWHERE, REQUESTS, Phase
from spec.table import ACTIONS, ASK, EDGE, UNKNOWN, Action, Asked, ErrorCode, Move, State, target


class Client(Mover):
    """What clients do: each is one atomic move."""

    def moves(self) -> Iterator[Rule]:
        yield self.submit()
        for action in ACTIONS:
            for state in State:
                yield from self.act(action, state)
            yield from self.act_on_unknown(action)

    def submit(self) -> Rule:
        world, job = self.world, self.job
        steps, zero = world.int(f"submitted.steps{self.tag}"), z3.IntVal(0, world.ctx)
        born = put(
            self.pre,
            job,
            error=world.error[ErrorCode.SUCCESS],
            asked=world.asked[Asked.NOTHING],
            priority=world.int(f"submitted.priority{self.tag}"),
            steps=steps,
            done=zero,
            shown=zero,
        )
        after, facts = self.enqueue(born, world.leads_to(self.pre.state(job), Move.SUBMIT))
        guards = [self.pre.state(job) == world.at[None]]
        words = f"{{job}} is submitted; {edge_words(None, Move.SUBMIT)}"
        return self.rule("submit", words, guards, after, [steps >= 0, *facts], trigger=Move.SUBMIT)

    def act(self, action: Action, state: State) -> Iterator[Rule]:
        """An action, which is atomic. What the table does not have, does not happen."""
        world, pre, job = self.world, self.pre, self.job
        found = the_cell(state, action)
        if found is None:
            return
        guards = [pre.state(job) == world.at[state]]
        if world.keeps("act-on-what-is-there"):
            guards.append(self.present)
        words = f"a client posts {action} to {{job}}, and the answer is {found.status}"
        after, facts, trigger = pre, list[Term](), None
        branches: dict[str, Term] | None = None
        if found is ASK and action in REQUESTS:
            after = put(pre, job, asked=self.also_asked(Asked(action)))
        elif found is EDGE:
            words, trigger = f"{words}; {edge_words(state, action)}", action
            goal = target(state, action)
            if goal is State.PENDING:
                after = self.start_over() if action is Action.RESUBMIT else pre
                after, facts = self.enqueue(after, world.at[goal])
            else:
                gone_to = world.at[NOWHERE if goal is None else goal]
                idle = world.phase[Phase.IDLE]
                after = put(pre, job, error=self.error(action), phase=idle, state=gone_to)
                if world.keeps("act-leaves-the-queue"):
                    after = put(after, job, queued=world.false)
                after, facts, branches = self.settle(after)
        yield self.rule(
            f"{action}/{state.lower()}",
            words,
            guards,
            after,
            facts,
            trigger=trigger,
            action=action,
            on=state,
            status=found.status,
            branches=branches,
        )

    def act_on_unknown(self, action: Action) -> Iterator[Rule]:
        found = the_cell(UNKNOWN, action)
        if found is None:
            return
        words = f"a client posts {action} to {{job}}, which is not there: {found.status}"
        name, absent = f"{action}/{UNKNOWN}", [z3.Not(self.present)]
        yield self.rule(
            name, words, absent, self.pre, action=action, on=UNKNOWN, status=found.status
        )

    def start_over(self) -> Frame:
        """What a resubmit does beside its edge."""
        pre, job = self.pre, self.job
        after = put(pre, job, done=z3.IntVal(0, self.world.ctx))
        if not self.world.keeps("resubmit-leaves-the-history"):
            return after
        kept = pre.kept - z3.If(pre.stored(job), 1, 0)
        return replace(put(after, job, stored=self.world.false), kept=kept)

    def also_asked(self, more: Asked) -> Term:
        """What a job is asked for after one more request."""
        world, asked = self.world, self.pre.asked(self.job)
        alone = z3.Or(asked == world.asked[Asked.NOTHING], asked == world.asked[more])
        if not world.keeps("ask-adds-up"):
            return world.asked[more]
        return z3.If(alone, world.asked[more], world.asked[Asked.BOTH])
