"""The moves of the engine itself, and of the peer that a step waits for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from spec.proofs.smt.frame import put
from spec.proofs.smt.mover import Mover
from spec.proofs.smt.rule import ASKED, ENDED, Rule, edge_words
from spec.proofs.smt.solver import Term, z3
from spec.proofs.smt.world import Phase
from spec.relaxations import Relaxation, taken_for
from spec.table import BOUNDARY, Action, Asked, Ended, ErrorCode, Move, State, Trigger


class Way(NamedTuple):
    """A way out of a step by ``trigger``; what the job is ``asked`` for is ``taken`` for this."""

    name: str
    words: str
    asked: Asked
    trigger: Trigger | str
    taken: Asked
    guards: tuple[Term, ...]


class Worker(Mover):
    """The end of a delay; a worker that takes a job, and its way through the steps."""

    def moves(self) -> Iterator[Rule]:
        yield self.timeout()
        yield self.start()
        yield from self.peer()
        yield from self.look()
        yield from self.publish()
        yield from self.fail_or_retry()

    def timeout(self) -> Rule:
        world, pre, job = self.world, self.pre, self.job
        after, facts = self.enqueue(pre, world.leads_to(pre.state(job), Move.TIMEOUT))
        guards = [self.present]
        if world.keeps("timeout-from-retry"):
            guards.append(pre.state(job) == world.at[State.RETRY])
        words = f"the delay of {{job}} ends; {edge_words(State.RETRY, Move.TIMEOUT)}"
        return self.rule("timeout", words, guards, after, facts, trigger=Move.TIMEOUT)

    def start(self) -> Rule:
        world, pre, job = self.world, self.pre, self.job
        higher, earlier = [], []
        for k in self.jobs:
            ahead = z3.And(pre.queued(k), pre.priority(k) > pre.priority(job))
            equal = z3.And(pre.queued(k), pre.priority(k) == pre.priority(job))
            higher.append(z3.Not(ahead))
            earlier.append(z3.Implies(equal, pre.place(job) <= pre.place(k)))
        guards = {
            "start-needs-a-worker": pre.running < world.workers,
            "start-needs-the-queue": pre.queued(job),
            "start-highest-first": world.all(higher),
        }
        if Relaxation.TIES_UNORDERED not in world.admit:
            guards["start-first-among-equals"] = world.all(earlier)
        runs = world.leads_to(pre.state(job), Move.START)
        after = put(pre, job, state=runs, phase=world.phase[Phase.READY])
        if world.keeps("start-clears-the-error"):
            after = put(after, job, error=world.error[ErrorCode.SUCCESS])
        if world.keeps("start-leaves-the-queue"):
            after = put(after, job, queued=world.false)
        return self.rule(
            "start",
            f"a worker takes {{job}}; {edge_words(State.PENDING, Move.START)}",
            [self.present, *(guard for part, guard in guards.items() if world.keeps(part))],
            after,
            trigger=Move.START,
        )

    def peer(self) -> Iterator[Rule]:
        """The step's POST arrives at the peer; the peer replies."""
        yield self.goes("arrive", "the step of {job} arrives", Phase.SENT, Phase.HELD)
        for reply in (Phase.SUCCEEDED, Phase.FAILED, Phase.RETRYING):
            words = f"the peer replies to the step of {{job}}: {reply}"
            yield self.goes(f"reply/{reply}", words, Phase.HELD, reply)

    def goes(self, name: str, words: str, before: Phase, after: Phase) -> Rule:
        guards = [self.present, self.pre.phase(self.job) == self.world.phase[before]]
        moved = put(self.pre, self.job, phase=self.world.phase[after])
        return self.rule(name, words, guards, moved, runs=True)

    def works(self, phase: Phase) -> list[Term]:
        running = self.pre.state(self.job) == self.world.at[State.RUNNING]
        return [self.present, running, self.pre.phase(self.job) == self.world.phase[phase]]

    def ways(self, ended: Ended) -> Iterator[Way]:
        """Every way out of a step. One of a failed step is the server's choice to retry it."""
        for asked in Asked:
            is_asked = self.pre.asked(self.job) == self.world.asked[asked]
            chosen = self.world.true if asked is Asked.NOTHING else self.world.retries
            retried = self.boundary(asked, Ended.RETRY) if ended is Ended.FAILED else ()
            found = dict.fromkeys(retried, chosen)
            found |= dict.fromkeys(self.boundary(asked, ended), self.world.true)
            for (trigger, taken), choice in found.items():
                forgotten = "" if taken is asked else f"/as-{taken}"
                yield Way(
                    f"{ended}/{asked}{forgotten}/{trigger}",
                    f"{{job}} is Running{ASKED[asked]}; {ENDED[ended]}",
                    asked,
                    trigger,
                    taken,
                    (is_asked, choice),
                )

    def boundary(self, asked: Asked, ended: Ended) -> list[tuple[Trigger | str, Asked]]:
        return [
            (trigger, taken)
            for taken in taken_for(self.world.admit, asked, ended)
            for trigger in BOUNDARY.get(taken, {}).get(ended, ())
        ]

    def look(self) -> Iterator[Rule]:
        """Before every step, and when none is left: look at what was asked for."""
        pre, job, world = self.pre, self.job, self.world
        left, here = pre.done(job) < pre.steps(job), self.works(Phase.READY)
        for ended, guard in ((Ended.MORE, left), (Ended.LAST, z3.Not(left))):
            for way in self.ways(ended):
                guards = [*here, guard, *way.guards]
                if isinstance(way.trigger, Action | Move):
                    yield self.leave(f"look/{way.name}", way.words, guards, way.trigger)
                else:
                    yield self.begin(f"look/{way.name}", way.words, guards)
        if not world.keeps("look-at-what-was-asked"):
            yield self.begin("look/not", "{job} is Running", [*here, left])

    def begin(self, name: str, words: str, guards: list[Term]) -> Rule:
        after = put(self.pre, self.job, phase=self.world.phase[Phase.SENT])
        words += "; the next step begins"
        return self.rule(name, words, guards, after, runs=True, begins=True)

    def publish(self) -> Iterator[Rule]:
        """A step that has succeeded is counted; the last one may find the job canceled."""
        pre, job, world = self.pre, self.job, self.world
        counted, here = pre.done(job) + 1, self.works(Phase.SUCCEEDED)
        more, ready = counted < pre.steps(job), world.phase[Phase.READY]
        done = put(pre, job, done=counted, shown=counted, phase=ready)
        words = "the result of a step of {job} is published"
        yield self.rule("publish", words, [*here, more], done, runs=True)
        for way in self.ways(Ended.LAST):
            name, guards = f"publish/{way.name}", [*here, z3.Not(more), *way.guards]
            if way.trigger is Action.CANCEL:
                yield self.leave(name, way.words, guards, way.trigger, corrects=True)
                continue
            after = put(done, job, asked=world.asked[way.taken])
            words = f"{way.words}; its result is published"
            if way.taken is not way.asked:
                words += f", and what the job is asked for becomes: {way.taken}"
            yield self.rule(name, words, guards, after, runs=True)

    def fail_or_retry(self) -> Iterator[Rule]:
        """A step has failed, or has asked for a retry. A failure is published before it counts."""
        pre, job, world = self.pre, self.job, self.world
        failed = Phase.FAILED if world.keeps("fail-after-a-failed-step") else Phase.READY
        shown = put(
            pre,
            job,
            shown=pre.done(job),
            phase=world.phase[Phase.FAILURE_SHOWN],
            error=world.error[ErrorCode.NETWORK_PROTOCOL],
        )
        words = "the failure of a step of {job} is published"
        yield self.rule("publish/failure", words, self.works(failed), shown, runs=True)
        for phase, ended in (
            (Phase.FAILED, Ended.FAILED),
            (Phase.FAILURE_SHOWN, Ended.FAILED),
            (Phase.RETRYING, Ended.RETRY),
        ):
            for way in self.ways(ended):
                unpublished = phase is Phase.FAILED and way.trigger is Move.FAIL
                if isinstance(way.trigger, Action | Move) and not unpublished:
                    name, guards = f"{phase}/{way.name}", [*self.works(phase), *way.guards]
                    yield self.leave(name, way.words, guards, way.trigger, corrects=True)

    def leave(
        self,
        name: str,
        words: str,
        guards: list[Term],
        trigger: Trigger,
        corrects: bool = False,
    ) -> Rule:
        """The job leaves its worker. ``corrects``: Progress may be corrected to the steps done."""
        world, pre, job = self.world, self.pre, self.job
        gone_to = world.leads_to(pre.state(job), trigger)
        after = put(
            pre, job, phase=world.phase[Phase.IDLE], error=self.error(trigger), state=gone_to
        )
        if world.keeps("leave-ends-the-requests"):
            after = put(after, job, asked=world.asked[Asked.NOTHING])
        if corrects:
            may = world.bool(f"corrects{self.tag}")
            after = put(after, job, shown=z3.If(may, pre.done(job), pre.shown(job)))
        after, facts, branches = self.settle(after)
        words += f"; {edge_words(State.RUNNING, trigger)}"
        return self.rule(
            name, words, guards, after, facts, trigger=trigger, runs=True, branches=branches
        )
