"""The moves of the engine, a rule for each: guards, and the state after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any, NamedTuple

from spec.lookup import sources
from spec.proofs.smt.frame import Frame, cardinality, present, put, remembered, within
from spec.proofs.smt.solver import Term, z3
from spec.proofs.smt.world import NOWHERE, REQUESTS, Phase, World
from spec.relaxations import Relaxation, taken_for
from spec.table import (
    ACTIONS,
    ASK,
    BOUNDARY,
    EDGE,
    MATRIX,
    UNKNOWN,
    Action,
    Asked,
    Cell,
    Ended,
    ErrorCode,
    Move,
    State,
    Trigger,
    cell,
    target,
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One move of one job. ``words`` say it, with ``{job}`` for the mover.

    ``guards`` say when it is possible. ``facts`` are about the unknowns that it draws (the back
    of the queue, who is evicted); some choice always satisfies them.
    ``trigger``: of the edge that it takes. ``action``, ``on``, ``status``: an action, on a job in
    which state, and its answer. ``runs``: a move of the job's worker, or of the peer that it
    waits for. ``branches``: what must be possible in it, by name.
    """

    name: str
    words: str
    guards: tuple[Term, ...]
    after: Frame
    facts: tuple[Term, ...] = ()
    trigger: Trigger | None = None
    action: Action | None = None
    on: State | str | None = None
    status: int | None = None
    begins: bool = False
    runs: bool = False
    branches: Mapping[str, Term] | None = None

    @property
    def accepted(self) -> Action | None:
        return self.action if self.status == 200 else None


ENDED = {
    Ended.MORE: "at a step boundary, more to come",
    Ended.LAST: "the last step has succeeded",
    Ended.FAILED: "the step has failed",
    Ended.RETRY: "the step has asked for a retry",
}
ASKED = {
    Asked.NOTHING: "",
    Asked.PAUSE: ", asked to pause",
    Asked.CANCEL: ", asked to cancel",
    Asked.BOTH: ", asked to pause and to cancel",
}


class Way(NamedTuple):
    """A way out of a step by ``trigger``; what the job is ``asked`` for is ``taken`` for this."""

    name: str
    words: str
    asked: Asked
    trigger: Trigger | str
    taken: Asked
    guards: tuple[Term, ...]


def edge_words(source: State | None, trigger: Trigger) -> str:
    label = f"{trigger.title()}()" if isinstance(trigger, Action) else str(trigger)
    goal = target(source, trigger)
    if goal is None:
        return f"the engine takes {label!r}, which is no published edge"
    return f"the engine takes the edge {label} to {goal}"


def the_cell(state: State | str, action: Action) -> Cell | None:
    """The cell of the matrix, or None where a faulty table has none."""
    row = MATRIX.get(state, ())
    return cell(state, action) if ACTIONS.index(action) < len(row) else None


class Moves:
    """All moves of ``job`` from ``pre``; universal guards are told of the named ``jobs``.

    Every number and predicate that a move draws is named after ``tag``.
    """

    def __init__(
        self, world: World, pre: Frame, job: Term, jobs: tuple[Term, ...], tag: str = ""
    ) -> None:
        self.world, self.pre, self.job, self.jobs, self.tag = world, pre, job, jobs, tag
        self.present = present(world, pre, job)

    def __iter__(self) -> Iterator[Rule]:
        yield self.submit()
        for action in ACTIONS:
            for state in State:
                yield from self.act(action, state)
            yield from self.act_on_unknown(action)
        yield self.timeout()
        yield self.start()
        yield from self.peer()
        yield from self.look()
        yield from self.publish()
        yield from self.fail_or_retry()

    # -- submissions and actions

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

    # -- the queue

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

    # -- the worker of a Running job, and the peer

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

    def error(self, trigger: Trigger) -> Term:
        if trigger is Action.CANCEL:
            return self.world.error[ErrorCode.CANCELED_JOB]
        if trigger is Move.FAIL:
            return self.world.error[ErrorCode.NETWORK_PROTOCOL]
        return self.pre.error(self.job)

    # -- the history

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

    # -- counting and observing

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


def cancel_due(world: World, pre: Frame, rule: Rule, job: Term) -> Term:
    """A cancel is answered 200 in Pending, Running, Retry or Paused: from now on it is owed."""
    return _due(world, pre, rule, job, Action.CANCEL)


def pause_due(world: World, pre: Frame, rule: Rule, job: Term) -> Term:
    """A pause is answered 200 in Pending, Running or Retry."""
    return _due(world, pre, rule, job, Action.PAUSE)


def _due(world: World, pre: Frame, rule: Rule, job: Term, action: Action) -> Term:
    if rule.accepted is not action:
        return world.false
    heard = [state for state in State if state in sources(action)]
    return z3.And(present(world, pre, job), within(world, pre, job, *heard))
