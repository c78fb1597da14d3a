"""The search for a run of the engine to what breaks a property."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise, product

from spec.proofs.smt.claim import Claim, Node, Step
from spec.proofs.smt.frame import COUNTERS, JOB_FIELDS, Frame, any_frame, is_empty
from spec.proofs.smt.printing import describe
from spec.proofs.smt.rules import moves
from spec.proofs.smt.solver import Term, z3
from spec.proofs.smt.world import World
from spec.relaxations import Relaxation

# For all the searches of a proof, in z3's units of work; one that finds its runs takes up to
# 10,000,000.
SEARCH_EFFORT = 200_000_000
# The search for a run to a violation: of how many jobs, and up to how many moves; the largest
# number of workers, places, priorities and steps that it looks at.
SEARCHES, SMALL = ((1, 10), (2, 6)), 2


class Search:
    """Runs of ``jobs`` jobs from the empty engine, one move longer at a time.

    What is found is a run of the engine; that nothing is found proves nothing. So the search is
    free to look only at small numbers of workers, places in the history, priorities and steps.
    One move is built once, over the frames `pre` and `post`; each further one is a copy of it.
    """

    def __init__(self, admit: frozenset[Relaxation], without: frozenset[str], jobs: int) -> None:
        world = self.world = World(admit, without, jobs)
        self.jobs = world.universe
        self.pre, self.post = any_frame(world), any_frame(world, "'")
        self.chosen = world.int("chosen")
        self.moves = [
            (job, rule)
            for job in self.jobs
            for rule in moves(world, self.pre, job, self.jobs, DRAWN_HERE)
        ]
        self.drawn = drawn(world, DRAWN_HERE)
        self.one_move = self.relation()
        self.frames = [any_frame(world, "@0")]
        self.solver = z3.Solver(ctx=world.ctx)
        self.solver.set("relevancy", 0)  # a run decides nearly all that there is; half the effort
        self.solver.add(world.configured, is_empty(world, self.frames[0], self.jobs))
        self.solver.add(world.workers <= SMALL, world.size <= SMALL)
        self.spent = 0  # of z3's effort, by all checks so far

    def relation(self) -> Term:
        """One move, by any job: the chosen one is possible, and `post` is what it makes."""
        world, pre, post = self.world, self.pre, self.post
        parts = [self.chosen >= 0, self.chosen < len(self.moves)]
        for number, (_, rule) in enumerate(self.moves):
            possible = world.all([*rule.guards, *rule.facts])
            parts.append(z3.Implies(self.chosen == number, possible))
        for name, job in self.terms():
            value = old = at(pre, name, job)
            for number, (_, rule) in enumerate(self.moves):
                new = at(rule.after, name, job)
                if not new.eq(old):
                    value = z3.If(self.chosen == number, new, value)
            parts.append(at(post, name, job) == value)
        for job in self.jobs:
            small = [post.priority(job) >= 0, post.priority(job) < SMALL]
            small += [post.steps(job) >= 1, post.steps(job) <= SMALL]
            parts.append(z3.Implies(post.state(job) != world.at[None], z3.And(*small)))
        for earlier, later in pairwise(self.jobs):  # they are submitted in the order of their names
            unused = [post.state(job) == world.at[None] for job in (earlier, later)]
            parts.append(z3.Implies(*unused))
        return z3.simplify(z3.And(*parts))

    def terms(self) -> Iterator[tuple[str, Term | None]]:
        """Everything that a frame says: (field, job), and (counter, None)."""
        yield from product(JOB_FIELDS, self.jobs)
        yield from ((name, None) for name in COUNTERS)

    def violated(self, claim: Claim) -> Term:
        """The claim is false of the move, or of the state after it."""
        world, pre, post, found = self.world, self.pre, self.post, []
        for k, m in product(self.jobs, self.jobs):
            if claim.state is not None:
                found.append(z3.Not(claim.state(world, post, k, m)))
            if claim.move is not None:
                for number, (job, rule) in enumerate(self.moves):
                    said = claim.move(Step(world, pre, rule, rule.after, job, k, m))
                    found.append(z3.And(self.chosen == number, z3.Not(z3.Implies(*said))))
            if claim.node is not None:
                of_k, of_m = (tuple(moves(world, post, j, self.jobs, "node")) for j in (k, m))
                said_of = claim.node(Node(world, post, self.jobs, k, m, of_k, of_m))
                found += [z3.Not(z3.Implies(*said)) for said in said_of.values()]
        return z3.simplify(world.any(found))

    def copied(self, formula: Term, number: int) -> Term:
        """``formula``, said of move ``number``."""
        renamed = [(self.chosen, self.world.int(f"chosen@{number}"))]
        for mine, frame in ((self.pre, self.frames[number]), (self.post, self.frames[number + 1])):
            renamed += [(at(mine, *term), at(frame, *term)) for term in self.terms()]
        renamed += zip(self.drawn, drawn(self.world, f"@{number}"), strict=True)
        return z3.substitute(formula, *renamed)

    def run(self, claims: Iterable[Claim], depth: int, effort: int) -> tuple[dict[str, str], int]:
        """For each claim that is violated within ``depth`` moves, a shortest run to it.

        The search ends when ``effort`` is used up, in z3's units. What is left of it comes second.
        """
        found: dict[str, str] = {}
        violations = {claim.name: self.violated(claim) for claim in claims}
        for number in range(depth):
            self.frames.append(any_frame(self.world, f"@{number + 1}"))
            self.solver.add(self.copied(self.one_move, number))
            for name, violation in violations.items():
                if name in found or z3.is_false(violation) or effort <= 0:
                    continue
                self.solver.set("rlimit", effort)
                here = self.copied(violation, number)
                self.solver.push()
                self.solver.add(here)
                before = self.spent
                answer = self.solver.check()
                if answer == z3.sat:
                    found[name] = self.told(self.solver.model())
                self.spent = int(self.solver.statistics().get_key_value("rlimit count"))
                effort -= self.spent - before
                self.solver.pop()
                if answer == z3.unsat:
                    self.solver.add(z3.Not(here))  # so it is not looked for here again
            if len(found) == len(violations):
                break
        return found, effort

    def told(self, model: Term) -> str:
        """The run, move by move, with the state before the last."""
        moves = []
        for number in range(len(self.frames) - 1):
            chosen = self.world.int(f"chosen@{number}")
            job, rule = self.moves[model.eval(chosen, model_completion=True).as_long()]
            moves.append(rule.words.format(job=self.world.names[str(job)]))
        named = {self.world.names[str(job)]: job for job in self.jobs}
        before = describe(self.world, model, self.frames[-2], named)
        run = "".join(f"{number}. {move}\n" for number, move in enumerate(moves[:-1], 1))
        return f"{run}Now {before}.\nThen {moves[-1]}."


DRAWN_HERE = "?"


def drawn(world: World, tag: str) -> list[Term]:
    """What a move draws, named after its tag (see `rules.moves`)."""
    numbers = ("back", "end", "submitted.steps", "submitted.priority")
    evicted = z3.Function(f"evicted{tag}", world.job_sort, z3.BoolSort(world.ctx))
    return [
        *(world.int(name + tag) for name in numbers),
        world.bool(f"corrects{tag}"),
        *(evicted(job) for job in world.universe),
    ]


def at(frame: Frame, name: str, job: Term | None) -> Term:
    """A field of a job, or a counter."""
    found = getattr(frame, name)
    return found if job is None else found(job)


def search(
    admit: frozenset[Relaxation], without: frozenset[str], claims: Iterable[Claim]
) -> dict[str, str]:
    """Runs to violations of the claims: of one job, and where there is none, of more."""
    found: dict[str, str] = {}
    effort = SEARCH_EFFORT
    for jobs, depth in SEARCHES:
        waiting = [claim for claim in claims if claim.name not in found]
        if waiting:
            runs, effort = Search(admit, without, jobs).run(waiting, depth, effort)
            found |= runs
    return found
