"""The proof by induction: every obligation, asked and kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import product

from spec.proofs import Verdict
from spec.proofs.smt.claim import Claim, Node, Step
from spec.proofs.smt.claims import BY_CLAIM, CLAIMS
from spec.proofs.smt.frame import any_frame, cardinality, is_empty, within
from spec.proofs.smt.invariant import BY_CONJUNCT, CONJUNCTS
from spec.proofs.smt.printing import describe
from spec.proofs.smt.relations import symbolic_table
from spec.proofs.smt.rule import Rule
from spec.proofs.smt.rules import moves
from spec.proofs.smt.solver import Term, z3
from spec.proofs.smt.world import World
from spec.relaxations import Relaxation
from spec.table import State

# For one obligation, in z3's units of work (`rlimit`), not in seconds, so that a busy machine
# changes no verdict; above it is unknown. An obligation takes up to 30,000 of them; some 4,000,000
# are a second.
CHECK_EFFORT = 2_000_000
SOMETIMES = "sometimes"  # names the obligations that something is possible


@dataclass(frozen=True, slots=True)
class Obligation:
    """One question to z3. ``refuted`` describes the offending state and move."""

    name: str
    verdict: Verdict
    seconds: float
    refuted: str | None = None


class Prover:
    """Asks z3 all obligations for one set of relaxations, and keeps what became of them."""

    def __init__(
        self,
        admit: frozenset[Relaxation],
        without: frozenset[str],
        on_obligation: Callable[[Obligation], None] | None,
    ) -> None:
        self.world = World(admit, without)
        self.on_obligation = on_obligation
        self.conjuncts = tuple(c for c in CONJUNCTS if c.name not in without)
        self.done: dict[str, list[Obligation]] = {}
        self.applied: set[str] = set()
        job = self.world.job
        self.jobs = (job("A"), job("B"), job("C"))
        self.pre = any_frame(self.world)
        self.assumed = {c.name: self.world.bool(f"assume {c.name}") for c in self.conjuncts}
        self.solver = z3.Solver(ctx=self.world.ctx)
        self.solver.set("rlimit", CHECK_EFFORT)
        self.solver.add(self.world.configured)
        running = partial(within, self.world, self.pre)
        self.solver.add(
            *cardinality(lambda k: running(k, State.RUNNING), self.pre.running, self.jobs),
            *cardinality(self.pre.stored, self.pre.kept, self.jobs),
        )
        _, k, m = self.jobs
        self.before = {c.name: c.holds(self.world, self.pre, k, m) for c in self.conjuncts}
        for conjunct in self.conjuncts:
            instances = [
                conjunct.holds(self.world, self.pre, k, m) for k, m in product(self.jobs, self.jobs)
            ]
            self.solver.add(z3.Implies(self.assumed[conjunct.name], self.world.all(instances)))

    def run(self) -> None:
        self.start()
        for rule in moves(self.world, self.pre, self.jobs[0], self.jobs):
            self.solver.push()
            self.solver.add(*rule.guards, *rule.facts)
            self.possible(rule)
            self.preserved(rule)
            self.claimed(rule)
            self.solver.pop()
        self.states()
        self.nodes()
        self.table()
        for claim in CLAIMS:  # a claim that applies to no move would hold of an empty machine
            if claim.move is not None:
                self.record(SOMETIMES, claim.name, claim.name in self.applied)

    # -- the obligations

    def start(self) -> None:
        """The invariant holds of the empty engine."""
        _, k, m = self.jobs
        self.solver.push()
        self.solver.add(is_empty(self.world, self.pre, self.jobs))
        for conjunct in self.conjuncts:
            goal = conjunct.holds(self.world, self.pre, k, m)
            self.ask(conjunct.name, "init", (), goal, "nothing was submitted yet")
        self.solver.pop()

    def preserved(self, rule: Rule) -> None:
        _, k, m = self.jobs
        for conjunct in self.conjuncts:
            goal = self.world.true  # for a move that changes nothing, or nothing of this
            if rule.after is not self.pre:
                found = conjunct.holds(self.world, rule.after, k, m)
                goal = goal if found.eq(self.before[conjunct.name]) else found
            self.ask(conjunct.name, rule.name, self.closure((conjunct.name,)), goal, rule)

    def claimed(self, rule: Rule) -> None:
        for claim in CLAIMS:
            if claim.move is None:
                continue
            step = Step(self.world, self.pre, rule, rule.after, *self.jobs)
            when, then = claim.move(step)
            hypotheses = self.closure(claim.uses)
            self.ask(claim.name, rule.name, hypotheses, z3.Implies(when, then), rule)
            if claim.name not in self.applied and self.satisfiable(when):
                self.applied.add(claim.name)

    def states(self) -> None:
        _, k, m = self.jobs
        for claim in CLAIMS:
            if claim.state is not None:
                goal = claim.state(self.world, self.pre, k, m)
                self.ask(claim.name, "implied", self.closure(claim.uses), goal, "in this state")

    def nodes(self) -> None:
        _, k, m = self.jobs
        of_k, of_m = (tuple(moves(self.world, self.pre, x, (k, m))) for x in (k, m))
        node = Node(self.world, self.pre, (k, m), k, m, of_k, of_m)
        for claim in CLAIMS:
            if claim.node is None:
                continue
            for part, (when, then) in claim.node(node).items():
                goal = z3.Implies(when, then)
                self.ask(claim.name, part, self.closure(claim.uses), goal, part)
                self.record(SOMETIMES, f"{claim.name}/{part}", self.satisfiable(when))

    def table(self) -> None:
        for claim in CLAIMS:
            if claim.symbolic:
                for part, holds in symbolic_table(self.world, claim.name).items():
                    self.ask(claim.name, part, (), holds, part)

    def possible(self, rule: Rule) -> None:
        """No proof from a contradiction: the move can happen, in each of its branches."""
        branches = {"": self.world.true} if rule.branches is None else rule.branches
        for branch, condition in branches.items():
            self.record(SOMETIMES, rule.name + branch, self.satisfiable(condition))

    # -- asking

    def closure(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """The conjuncts named, and what they use in turn."""
        found: dict[str, None] = {}
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in found and name in self.assumed:
                found[name] = None
                waiting += BY_CONJUNCT[name].uses
        return tuple(found)

    def satisfiable(self, condition: Term) -> bool:
        """Whether it can be, in a state of the whole invariant, by the present move."""
        if z3.is_false(z3.simplify(condition)):
            return False
        self.solver.push()
        self.solver.add(condition)
        answer = self.solver.check(*self.assumed.values())
        self.solver.pop()
        return bool(answer == z3.sat)

    def ask(
        self, owner: str, part: str, hypotheses: tuple[str, ...], goal: Term, move: Rule | str
    ) -> None:
        """Prove ``goal`` from the hypotheses and what the solver holds."""
        began = time.perf_counter()
        refuted = None
        verdict = Verdict.HOLDS
        if not z3.is_true(z3.simplify(goal)):
            self.solver.push()
            self.solver.add(z3.Not(goal))
            answer = self.solver.check(*(self.assumed[name] for name in hypotheses))
            if answer == z3.sat:
                model = self.solver.model()
                if self.solver.check(*self.assumed.values()) == z3.sat:  # a likelier state
                    model = self.solver.model()
                verdict, refuted = Verdict.FAILS, self.describe(model, move)
            elif answer != z3.unsat:
                verdict = Verdict.UNKNOWN
            self.solver.pop()
        self.record(owner, part, verdict, time.perf_counter() - began, refuted)

    def record(
        self,
        owner: str,
        part: str,
        found: Verdict | bool,
        seconds: float = 0.0,
        refuted: str | None = None,
    ) -> None:
        """Keep what became of an obligation, and tell of it."""
        if isinstance(found, bool):
            found = Verdict.HOLDS if found else Verdict.UNKNOWN
        obligation = Obligation(f"{owner}/{part}", found, seconds, refuted)
        self.done.setdefault(owner, []).append(obligation)
        if self.on_obligation is not None:
            self.on_obligation(obligation)

    def describe(self, model: Term, move: Rule | str) -> str:
        letters: dict[str, str] = {}
        for job, letter in zip(self.jobs, "ABC", strict=True):
            letters.setdefault(str(model.eval(job, model_completion=True)), f"job {letter}")
        named = {letters[str(model.eval(j, model_completion=True))]: j for j in self.jobs}
        before = describe(self.world, model, self.pre, named)
        words = move if isinstance(move, str) else move.words.format(job="job A")
        return f"{before}; {words}"

    # -- what became of the properties

    def obligations(self, claim: Claim) -> list[Obligation]:
        """Its own, those of the conjuncts it is concluded from, and of what it rests on."""
        found = list(self.done.get(claim.name, ()))
        for name in self.closure(claim.uses):
            if name != claim.name:  # a property and its conjunct share a name, and their list
                found += self.done[name]
        for name in claim.rests_on:
            found += self.obligations(BY_CLAIM[name])
        return list({id(each): each for each in found}.values())
