"""The safety properties for *any* number of jobs, steps, priorities, workers: z3, by induction.

What this module shares with the other two proofs is the table and `taken_for`, nothing else:
the rules of the engine (design 2.2, 2.3) are written here a second time, as formulas. Every
transition is still derived from `spec.table`.

**The state.** An engine has finitely many submitted jobs out of an unbounded supply of names:
`Job` is an uninterpreted sort, and each field of a job (`Frame`) is a function of it: its state,
the phase of its worker, what it was asked for, its error, steps, done, shown and priority; whether
it is queued, and at which place; whether it is stored in the history, and at which seat; whether
it is gone (evicted). Beside the functions stand two counters, `running` (Running jobs) and `kept`
(jobs in the history), and the configuration: workers >= 1, size of the history >= 0, and whether
a failed step may be retried, all of them unknown constants. Ghosts observe and never
steer: `clock` counts the moves by which a job became Pending, `since` is its value at the last
of them for a job, `canceled` says that a cancel was answered 200 since the job last started,
`cancel_owed` and `pause_owed` that such an answer is not honoured yet.

**A move** (`Rule`) concerns one job, the *mover*, and the jobs that it evicts. It is a list of
guards over the state before, and the state after as a pointwise update of the functions. One rule
stands for each cell of the matrix, for each way out of a step, and for each other move.

**The generic-job argument.** The invariant is a conjunction (`CONJUNCTS`) of sentences "for all
jobs k and l: ...", without a quantifier inside. Suppose that a move led from a state of the
invariant to one outside of it: then some conjunct would be false after it for some k and l. All
that is asked of z3 is whether three arbitrary jobs, the mover, k and l, not necessarily different,
can show this: the invariant, the universal guards ("no queued job has a higher priority") and the
order of the history are instantiated at these three names only. That leaves fewer hypotheses than
really hold, never more. So `unsat` proves the sentence for engines of every size; no quantifier
is left, and the theory (equality, functions, linear integers, enumerations) is decidable. `sat`
does not yet refute anything: see *Verdicts*.

**The counting argument.** `running` is the cardinality of the set {k : k is Running}. This set is
finite, it is empty at the start, and a move changes the membership of its mover alone: so its
cardinality changes by exactly [mover Running after] - [mover Running before], and that is how
every rule updates the counter, whatever the rule does. Likewise `kept` changes by the membership
of the mover and by the number of evicted jobs; the evicted are a set of their own (an unknown
predicate) whose cardinality the rule fixes as the surplus over the size. z3 is told of a
cardinality only what is true of each: no member if it is 0, at least n if n different named
jobs are members. That a surplus of n has n oldest members to evict needs no proof: the history is
finite and ordered, and has at least n members.

**Induction.** A conjunct is proved to hold at the start and to be preserved by every rule, from
itself and the conjuncts that it `uses`. Each set that is closed under `uses` is therefore inductive
by itself, and a conjunct that fails takes down only the properties that rest on it. A property
is then either implied by conjuncts or, as a sentence on single moves (`Claim`), proved for every
rule from the states that satisfy the conjuncts it `uses`. The obligations are named
``<conjunct or property>/<rule>``, ``.../init`` and ``.../implied``. Refinement and totality are
decided over the symbolic table as well: EDGES and MATRIX as relations.

**No proof from a contradiction.** For every rule, all conjuncts and its guards must be satisfiable
together, for each of its branches, and every claim must apply to some move: obligations named
``sometimes/...``. The tests drop each conjunct, and each of the `PARTS` of the engine, and demand
that something fails then.

**Verdicts.** *holds*: every obligation was proved. *fails*: one was not, and z3 found a run from
the empty engine to the violation, of at most `DEPTH` moves of `JOBS` jobs. *unknown*: neither (a
timeout, or a pre-state that no such run reaches: the invariant would then be too weak).

**Assumed.** An action is atomic, and so is each move of a worker, as in design 2.2. The size of the
history is known. A delay before a retry may end at any time (for safety this only adds runs); so
"retry, later" is not told apart. Readings change nothing and are left out; so are restarts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from enum import Enum, StrEnum
from itertools import combinations
from typing import Any, TypeAlias

from spec.proofs import ANY, Checked, NotInstalled, ProofEngine, Scope, Verdict
from spec.properties import BY_NAME
from spec.relaxations import NONE, Relaxation, taken_for
from spec.table import (
    ACTIONS,
    ASK,
    BOUNDARY,
    EDGE,
    EDGES,
    FINAL,
    MATRIX,
    STAY,
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

try:
    import z3  # type: ignore[import-untyped,import-not-found,unused-ignore]
except ImportError:  # the extra is not installed: `prove` says so
    z3 = None

Term: TypeAlias = Any  # a z3 expression; z3 ships no types
Field: TypeAlias = Callable[[Term], Term]  # of a job

CHECK_SECONDS = 2.0  # for one obligation; above it is unknown
JOBS, DEPTH, SEARCH_SECONDS = 2, 10, 5.0  # the search for a run to a violation


class SolverMissing(NotInstalled):
    """z3 is not installed; it is an optional extra."""

    def __init__(self) -> None:
        super().__init__("the proofs by induction need z3: pip install z3-solver")


class UnknownPart(ValueError):
    """A name that is neither a conjunct nor a part of the engine."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(f"neither conjunct nor part of the engine: {', '.join(sorted(names))}")


@dataclass(frozen=True, slots=True)
class Obligation:
    """One question to z3. ``refuted`` describes the offending state and move."""

    name: str
    verdict: Verdict
    seconds: float
    refuted: str | None = None


@dataclass(frozen=True, slots=True)
class Proved:
    """What became of one property. ``obligations`` counts those of the conjuncts it rests on, too."""

    name: str
    verdict: Verdict
    obligations: int
    seconds: float
    counterexample: str | None = None


# --- the parts of the engine that a self-test may leave out ---------------------------------

PARTS: Mapping[str, str] = {
    "start-needs-a-worker": "A job starts only while fewer jobs than ConcurrentJobs are Running.",
    "start-needs-the-queue": "A job starts only out of the queue.",
    "start-highest-first": "A job starts only if no queued job has a higher priority.",
    "start-first-among-equals": "Of equal priorities, the one at the front of the queue starts.",
    "start-leaves-the-queue": "A job that starts is taken out of the queue.",
    "start-clears-the-error": "A job that starts has no error.",
    "enqueue-at-the-back": "A job that becomes Pending is queued behind all others.",
    "act-leaves-the-queue": "An action that takes a job to another state takes it off the queue.",
    "act-on-what-is-there": "An action on a job that is gone is one on an unknown id.",
    "resubmit-leaves-the-history": "A resubmitted job is taken out of the history.",
    "ask-adds-up": "A second request is kept beside the first.",
    "look-at-what-was-asked": "Before a step, the worker looks at what the job was asked for.",
    "leave-ends-the-requests": "What a job was asked for ends with the run.",
    "fail-after-a-failed-step": "A failed step's error is shown only after a step has failed.",
    "timeout-from-retry": "Only a job in Retry times out.",
    "complete-enters-the-history": "A completed job enters the history.",
    "complete-evicts-the-surplus": "What the history has no room for is evicted.",
    "evict-from-the-history": "Only jobs of the history are evicted.",
}


class Phase(StrEnum):
    """Where the worker of a job stands; IDLE where there is none."""

    IDLE = "idle"
    READY = "ready"  # about to look at what was asked for
    SENT = "sent"  # the step's POST is on its way
    HELD = "held"  # it has arrived, and waits for the peer's reply
    SUCCEEDED = "succeeded"  # the peer has replied; nothing of it is published
    FAILED = "failed"
    FAILURE_SHOWN = "failure-shown"  # the failed step's error is published
    RETRYING = "retrying"


NOWHERE = "nowhere"  # where a trigger without an edge would lead
NEW = "new"  # not submitted yet


class World:
    """The sorts, the configuration, and what is admitted or left out."""

    def __init__(self, admit: frozenset[Relaxation], without: frozenset[str], jobs: int = 0):
        self.admit, self.without = admit, without
        self.ctx = z3.Context()
        self.names: dict[str, str] = {}
        self.at: dict[State | str | None, Term] = self._enum(
            "State", {**{s: s.value for s in State}, None: NEW, NOWHERE: NOWHERE}
        )
        self.phase: dict[Phase, Term] = self._enum("Phase", {p: p.value for p in Phase})
        self.asked: dict[Asked, Term] = self._enum("Asked", {a: a.value for a in Asked})
        self.error: dict[ErrorCode, Term] = self._enum("Error", {e: e.name for e in ErrorCode})
        self.universe: tuple[Term, ...] = ()
        if jobs:
            letters = "ABCDEFGH"[:jobs]
            self.universe = tuple(self._enum("Job", {c: f"job {c}" for c in letters}).values())
            self.job_sort = self.universe[0].sort()
        else:
            self.job_sort = z3.DeclareSort("Job", self.ctx)
        self.workers = z3.Int("workers", self.ctx)
        self.size = z3.Int("size", self.ctx)
        self.retries = z3.Bool("retries", self.ctx)
        self.configured = z3.And(self.workers >= 1, self.size >= 0)
        self.true, self.false = z3.BoolVal(True, self.ctx), z3.BoolVal(False, self.ctx)

    def _enum(self, name: str, values: Mapping[Any, str]) -> dict[Any, Term]:
        labels = [f"{name}.{value}" for value in values.values()]
        _, constants = z3.EnumSort(name, labels, self.ctx)
        self.names |= dict(zip(labels, values.values(), strict=True))
        return dict(zip(values, constants, strict=True))

    def keeps(self, part: str) -> bool:
        return part not in self.without

    def both(self, *parts: Term) -> Term:
        return z3.And(self.true, *parts)

    def any(self, parts: Iterable[Term]) -> Term:
        return z3.Or(self.false, *parts)

    def int(self, name: str) -> Term:
        return z3.Int(name, self.ctx)

    def bool(self, name: str) -> Term:
        return z3.Bool(name, self.ctx)

    def job(self, name: str) -> Term:
        return z3.Const(name, self.job_sort)

    def completed(self, state: Term) -> Term:
        return self.any(state == self.at[final] for final in State if final in FINAL)

    def leads_to(self, state: Term, trigger: Trigger) -> Term:
        """Where the table's edge of ``trigger`` leads to from ``state``."""
        found = self.at[NOWHERE]
        for source in (None, *State):
            goal = target(source, trigger)
            if goal is not None:
                found = z3.If(state == self.at[source], self.at[goal], found)
        return found


# --- a state of the engine -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Frame:
    """One state of the engine: the fields of every job as functions, and the counters."""

    state: Field
    phase: Field
    asked: Field
    error: Field
    priority: Field
    steps: Field
    done: Field
    shown: Field
    queued: Field
    place: Field  # in the queue, where queued
    stored: Field  # is it in the history
    seat: Field  # in the history, where stored
    gone: Field  # evicted; the other fields stay as they were
    since: Field  # ghost: the clock when it last became Pending
    ended: Field  # ghost: the clock when it last became completed
    canceled: Field  # ghost: a cancel was answered 200 since it last started
    cancel_owed: Field  # ghost: such a cancel has not led to Failure yet
    pause_owed: Field  # ghost: a pause answered 200 has not led to Paused or Failure yet
    running: Term
    kept: Term
    clock: Term


COUNTERS = ("running", "kept", "clock")
GHOSTS = ("since", "ended", "canceled", "cancel_owed", "pause_owed")
JOB_FIELDS = tuple(field.name for field in fields(Frame) if field.name not in COUNTERS)


def any_frame(world: World, tag: str = "") -> Frame:
    """A frame of which nothing is known."""
    bool_sort, int_sort = z3.BoolSort(world.ctx), z3.IntSort(world.ctx)
    sorts = {
        "state": world.at[None].sort(),
        "phase": world.phase[Phase.IDLE].sort(),
        "asked": world.asked[Asked.NOTHING].sort(),
        "error": world.error[ErrorCode.SUCCESS].sort(),
        **dict.fromkeys(("priority", "steps", "done", "shown", "place", "seat", "since", "ended"), int_sort),
        **dict.fromkeys(("queued", "stored", "gone"), bool_sort),
        **dict.fromkeys(("canceled", "cancel_owed", "pause_owed"), bool_sort),
    }
    functions = {name: z3.Function(name + tag, world.job_sort, sorts[name]) for name in JOB_FIELDS}
    return Frame(**functions, **{name: world.int(name + tag) for name in COUNTERS})


def is_empty(world: World, frame: Frame, jobs: Iterable[Term]) -> Term:
    """Nothing was submitted yet."""
    return world.both(
        *(
            z3.And(
                frame.state(k) == world.at[None],
                frame.phase(k) == world.phase[Phase.IDLE],
                frame.asked(k) == world.asked[Asked.NOTHING],
                frame.error(k) == world.error[ErrorCode.SUCCESS],
                z3.Not(z3.Or(frame.queued(k), frame.stored(k), frame.gone(k))),
                z3.Not(z3.Or(frame.canceled(k), frame.cancel_owed(k), frame.pause_owed(k))),
            )
            for k in jobs
        ),
        *(getattr(frame, name) == 0 for name in COUNTERS),
    )


def put(frame: Frame, job: Term, **new: Term) -> Frame:
    """``frame`` with some fields of one job changed."""

    def changed(name: str, value: Term) -> Field:
        old: Field = getattr(frame, name)
        return lambda k: z3.If(k == job, value, old(k))

    return replace(frame, **{name: changed(name, value) for name, value in new.items()})


def cardinality(members: Field, number: Term, jobs: tuple[Term, ...]) -> Iterator[Term]:
    """What is true of the cardinality of every set, told of the named jobs."""
    yield number >= 0
    for k in jobs:
        yield z3.Implies(members(k), number >= 1)
    for k, m in combinations(jobs, 2):
        yield z3.Implies(z3.And(k != m, members(k), members(m)), number >= 2)


# --- the moves -------------------------------------------------------------------------------


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
    Ended.MORE: "there are steps to come",
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

    ``exact``: there are no other jobs than the named ones (the search for a run).
    """

    def __init__(
        self, world: World, pre: Frame, job: Term, jobs: tuple[Term, ...], tag: str = ""
    ) -> None:
        self.world, self.pre, self.job, self.jobs, self.tag = world, pre, job, jobs, tag
        self.present = z3.And(pre.state(job) != world.at[None], z3.Not(pre.gone(job)))

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
        yield from self.leave_failed()

    # -- surroundings

    def submit(self) -> Rule:
        world, job = self.world, self.job
        steps = world.int(f"submitted.steps{self.tag}")
        born = put(
            self.pre,
            job,
            error=world.error[ErrorCode.SUCCESS],
            asked=world.asked[Asked.NOTHING],
            priority=world.int(f"submitted.priority{self.tag}"),
            steps=steps,
            done=z3.IntVal(0, world.ctx),
            shown=z3.IntVal(0, world.ctx),
        )
        after, facts = self.enqueue(born, world.leads_to(self.pre.state(job), Move.SUBMIT))
        return self.rule(
            "submit",
            "{job} is submitted",
            [self.pre.state(job) == world.at[None], steps >= 0, *facts],
            after,
            trigger=Move.SUBMIT,
        )

    def act(self, action: Action, state: State) -> Iterator[Rule]:
        world, pre, job = self.world, self.pre, self.job
        found = the_cell(state, action)
        if found is None:
            return
        here = pre.state(job) == world.at[state]
        guards = [here, self.present] if world.keeps("act-on-what-is-there") else [here]
        words = f"a client posts {action} to {{job}} and the answer is {found.status}"
        name = f"{action}/{state.lower()}"
        if found is ASK:
            after = put(pre, job, asked=self.also_asked(Asked(action)))
            yield self.rule(name, words, guards, after, action=action, status=found.status)
            return
        if found is not EDGE:
            yield self.rule(name, words, guards, pre, action=action, status=found.status)
            return
        goal = target(state, action)
        facts: list[Term] = []
        branches = None
        if goal is State.PENDING:
            after = pre
            if action is Action.RESUBMIT:
                after = put(after, job, done=z3.IntVal(0, world.ctx))
                if world.keeps("resubmit-leaves-the-history"):
                    out = z3.If(pre.stored(job), pre.kept - 1, pre.kept)
                    after = replace(put(after, job, stored=world.false), kept=out)
            after, facts = self.enqueue(after, world.at[goal])
        else:
            after = put(pre, job, error=self.error(action), phase=world.phase[Phase.IDLE])
            if world.keeps("act-leaves-the-queue"):
                after = put(after, job, queued=world.false)
            gone_to = world.at[NOWHERE if goal is None else goal]
            after, facts, branches = self.settle(after, gone_to)
        words += f"; {edge_words(state, action)}"
        yield self.rule(
            name,
            words,
            [*guards, *facts],
            after,
            trigger=action,
            action=action,
            status=found.status,
            branches=branches,
        )

    def act_on_unknown(self, action: Action) -> Iterator[Rule]:
        found = the_cell(UNKNOWN, action)
        if found is not None:
            yield self.rule(
                f"{action}/{UNKNOWN}",
                f"a client posts {action} to {{job}}, which is not there; "
                f"the answer is {found.status}",
                [z3.Not(self.present)],
                self.pre,
                action=action,
                status=found.status,
            )

    def also_asked(self, more: Asked) -> Term:
        """What a job is asked for after one more request."""
        world, asked = self.world, self.pre.asked(self.job)
        alone = z3.Or(asked == world.asked[Asked.NOTHING], asked == world.asked[more])
        if not world.keeps("ask-adds-up"):
            return world.asked[more]
        return z3.If(alone, world.asked[more], world.asked[Asked.BOTH])

    def peer(self) -> Iterator[Rule]:
        """The step's POST arrives at the peer; the peer replies."""
        replies = (Phase.SUCCEEDED, Phase.FAILED, Phase.RETRYING)
        for before, after, name in (
            (Phase.SENT, Phase.HELD, "arrive"),
            *((Phase.HELD, reply, f"replied/{reply}") for reply in replies),
        ):
            words = "the step of {job} arrives" if name == "arrive" else f"its step has {after}"
            yield self.rule(
                name,
                words.replace("its step", "the step of {job}"),
                [self.present, self.pre.phase(self.job) == self.world.phase[before]],
                put(self.pre, self.job, phase=self.world.phase[after]),
            )

    # -- the queue

    def enqueue(self, frame: Frame, gone_to: Term) -> tuple[Frame, list[Term]]:
        """The job becomes Pending, at the back of the queue."""
        back = self.world.int(f"back{self.tag}")
        behind = [z3.Implies(self.pre.queued(k), self.pre.place(k) < back) for k in self.jobs]
        if not self.world.keeps("enqueue-at-the-back"):
            behind = [z3.Implies(self.pre.queued(k), self.pre.place(k) != back) for k in self.jobs]
        idle = self.world.phase[Phase.IDLE]
        after = put(
            frame, self.job, state=gone_to, phase=idle, queued=self.world.true, place=back
        )
        return after, behind

    def timeout(self) -> Rule:
        world, pre, job = self.world, self.pre, self.job
        after, facts = self.enqueue(pre, world.leads_to(pre.state(job), Move.TIMEOUT))
        waits = pre.state(job) == world.at[State.RETRY]
        guards = [self.present, waits] if world.keeps("timeout-from-retry") else [self.present]
        return self.rule(
            "timeout",
            f"{{job}} has waited for its retry; {edge_words(State.RETRY, Move.TIMEOUT)}",
            [*guards, *facts],
            after,
            trigger=Move.TIMEOUT,
        )

    def start(self) -> Rule:
        world, pre, job = self.world, self.pre, self.job
        queued = [k for k in self.jobs if not k.eq(job)]
        guards = {
            "start-needs-a-worker": pre.running < world.workers,
            "start-needs-the-queue": pre.queued(job),
            "start-highest-first": world.both(
                *(z3.Implies(pre.queued(k), pre.priority(k) <= pre.priority(job)) for k in queued)
            ),
            "start-first-among-equals": world.both(
                *(
                    z3.Implies(
                        z3.And(pre.queued(k), pre.priority(k) == pre.priority(job)),
                        pre.place(job) <= pre.place(k),
                    )
                    for k in queued
                )
            ),
        }
        if Relaxation.TIES_UNORDERED in world.admit:
            del guards["start-first-among-equals"]
        after = put(
            pre,
            job,
            state=world.leads_to(pre.state(job), Move.START),
            phase=world.phase[Phase.READY],
        )
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

    # -- the worker of a Running job

    def works(self, phase: Phase) -> list[Term]:
        pre, job, world = self.pre, self.job, self.world
        running = pre.state(job) == world.at[State.RUNNING]
        return [self.present, running, pre.phase(job) == world.phase[phase]]

    def ways(self, ended: Ended) -> Iterator[tuple[str, Asked, Trigger | str, Asked, list[Term]]]:
        """Every way out of a step: name, asked, trigger, what asked was taken for, guards."""
        world = self.world
        for asked in Asked:
            is_asked = self.pre.asked(self.job) == world.asked[asked]
            strict = dict.fromkeys(self.boundary(asked, ended))
            # Whether a failed step leads to Failure or to Retry is the server's choice.
            retried = self.boundary(asked, Ended.RETRY) if ended is Ended.FAILED else ()
            free = world.true if asked is Asked.NOTHING else world.retries
            ways = {**dict.fromkeys(retried, free), **dict.fromkeys(strict, world.true)}
            for (trigger, taken), guard in ways.items():
                forgotten = "" if taken is asked else f"/as-{taken}"
                name = f"{ended}/{asked}{forgotten}/{trigger}"
                yield name, asked, trigger, taken, [is_asked, guard]

    def boundary(self, asked: Asked, ended: Ended) -> list[tuple[Trigger | str, Asked]]:
        return [
            (trigger, taken)
            for taken in taken_for(self.world.admit, asked, ended)
            for trigger in BOUNDARY[taken][ended]
        ]

    def look(self) -> Iterator[Rule]:
        """Before every step, and when none is left: look at what was asked for."""
        pre, job, world = self.pre, self.job, self.world
        left = pre.done(job) < pre.steps(job)
        for ended, guard in ((Ended.MORE, left), (Ended.LAST, z3.Not(left))):
            for name, asked, trigger, _, guards in self.ways(ended):
                here = [*self.works(Phase.READY), guard, *guards]
                words = self.words(ended, asked)
                if isinstance(trigger, Action | Move):
                    yield self.leave(f"look/{name}", words, here, pre, trigger, job)
                elif world.keeps("look-at-what-was-asked") or asked is Asked.NOTHING:
                    yield self.begin(f"look/{name}", words, here)
                if not world.keeps("look-at-what-was-asked") and asked is not Asked.NOTHING:
                    yield self.begin(f"look/{name}/unseen", words, here)

    def begin(self, name: str, words: str, guards: list[Term]) -> Rule:
        after = put(self.pre, self.job, phase=self.world.phase[Phase.SENT])
        return self.rule(name, f"{words}; the next step begins", guards, after, begins=True)

    def publish(self) -> Iterator[Rule]:
        """A step has succeeded: it is counted; the last one may find the job canceled."""
        pre, job, world = self.pre, self.job, self.world
        counted = pre.done(job) + 1
        done = put(pre, job, done=counted, shown=counted, phase=world.phase[Phase.READY])
        here, more = self.works(Phase.SUCCEEDED), counted < pre.steps(job)
        yield self.rule("publish", "a step of {job} is published", [*here, more], done)
        for name, asked, trigger, taken, guards in self.ways(Ended.LAST):
            words = self.words(Ended.LAST, asked)
            last = [*here, z3.Not(more), *guards]
            if trigger is Action.CANCEL:
                yield self.leave(f"publish/{name}", words, last, pre, trigger, job, corrects=True)
            else:
                after = put(done, job, asked=world.asked[taken])
                words += f"; it is published, as if asked for {taken}" if taken is not asked else ""
                yield self.rule(f"publish/{name}", words, last, after)

    def leave_failed(self) -> Iterator[Rule]:
        """A step has failed, or has asked for a retry."""
        pre, job, world = self.pre, self.job, self.world
        failed = self.works(Phase.FAILED) if world.keeps("fail-after-a-failed-step") else (
            self.works(Phase.READY)
        )
        shown = put(
            pre,
            job,
            shown=pre.done(job),
            phase=world.phase[Phase.FAILURE_SHOWN],
            error=world.error[ErrorCode.NETWORK_PROTOCOL],
        )
        yield self.rule("publish/failure", "the failure of {job}'s step is published", failed, shown)
        for phase, ended in (
            (Phase.FAILED, Ended.FAILED),
            (Phase.FAILURE_SHOWN, Ended.FAILED),
            (Phase.RETRYING, Ended.RETRY),
        ):
            for name, asked, trigger, _, guards in self.ways(ended):
                if phase is Phase.FAILED and trigger is Move.FAIL:
                    continue  # a failure is published before the job leaves
                here, words = [*self.works(phase), *guards], self.words(ended, asked)
                if isinstance(trigger, Action | Move):
                    yield self.leave(
                        f"{phase}/{name}", words, here, pre, trigger, job, corrects=True
                    )

    def words(self, ended: Ended, asked: Asked) -> str:
        return f"{{job}} is Running{ASKED[asked]}; {ENDED[ended]}"

    def leave(
        self,
        name: str,
        words: str,
        guards: list[Term],
        frame: Frame,
        trigger: Trigger,
        job: Term,
        corrects: bool = False,
    ) -> Rule:
        """The job leaves its worker. ``corrects``: Progress may be corrected to the steps done."""
        world, pre = self.world, self.pre
        after = put(frame, job, phase=world.phase[Phase.IDLE], error=self.error(trigger))
        if world.keeps("leave-ends-the-requests"):
            after = put(after, job, asked=world.asked[Asked.NOTHING])
        if corrects:
            may = world.bool(f"corrects{self.tag}")
            after = put(after, job, shown=z3.If(may, pre.done(job), pre.shown(job)))
        gone_to = world.leads_to(pre.state(job), trigger)
        after, facts, branches = self.settle(after, gone_to)
        return self.rule(
            name,
            f"{words}; {edge_words(State.RUNNING, trigger)}",
            [*guards, *facts],
            after,
            trigger=trigger,
            step_failed=trigger is Move.FAIL,
            branches=branches,
        )

    def error(self, trigger: Trigger) -> Term:
        if trigger is Action.CANCEL:
            return self.world.error[ErrorCode.CANCELED_JOB]
        if trigger is Move.FAIL:
            return self.world.error[ErrorCode.NETWORK_PROTOCOL]
        return self.pre.error(self.job)

    # -- the history

    def settle(
        self, frame: Frame, gone_to: Term
    ) -> tuple[Frame, list[Term], dict[str, Term] | None]:
        """The job reaches ``gone_to``; a completed one enters the history and evicts the surplus."""
        world, pre, job, jobs = self.world, self.pre, self.job, self.jobs
        completed = z3.simplify(world.completed(gone_to))
        after = put(frame, job, state=gone_to)
        if z3.is_false(completed) or not world.keeps("complete-enters-the-history"):
            return after, [], None
        end = world.int(f"end{self.tag}")
        facts = [z3.Implies(pre.stored(k), pre.seat(k) < end) for k in jobs]
        after = put(
            after,
            job,
            stored=z3.Or(completed, pre.stored(job)),
            seat=z3.If(completed, end, pre.seat(job)),
        )
        entered = pre.kept + z3.If(z3.And(completed, z3.Not(pre.stored(job))), 1, 0)
        if not world.keeps("complete-evicts-the-surplus"):
            return replace(after, kept=entered), facts, None
        over = z3.And(completed, entered > world.size)
        surplus = z3.If(over, entered - world.size, 0)
        evicted = z3.Function(f"evicted{self.tag}", world.job_sort, z3.BoolSort(world.ctx))
        stored, seat = after.stored, after.seat
        facts += cardinality(evicted, surplus, jobs)
        if world.universe:
            facts.append(z3.Sum([z3.If(evicted(k), 1, 0) for k in jobs]) == surplus)
        for k in jobs:
            if world.keeps("evict-from-the-history"):
                facts.append(z3.Implies(evicted(k), stored(k)))
            for m in jobs:
                if not k.eq(m):
                    out_of_turn = z3.And(evicted(k), stored(m), z3.Not(evicted(m)))
                    facts.append(z3.Implies(out_of_turn, seat(k) < seat(m)))
        after = replace(
            after,
            stored=lambda k: z3.And(stored(k), z3.Not(evicted(k))),
            gone=lambda k: z3.Or(pre.gone(k), evicted(k)),
            kept=entered - surplus,
        )
        return after, facts, {"evicting": surplus > 0, "room-left": surplus == 0}

    # -- counting and observing

    def rule(
        self, name: str, words: str, guards: list[Term], after: Frame, **more: Any
    ) -> Rule:
        """The rule, with the counters and the ghosts brought up to date."""
        rule = Rule(name, words, tuple(guards), after, **more)
        world, pre, job = self.world, self.pre, self.job
        if after.state is not pre.state:
            ran, runs = (f.state(job) == world.at[State.RUNNING] for f in (pre, after))
            becomes = after.state(job) == world.at[State.PENDING]
            waits = z3.And(becomes, pre.state(job) != world.at[State.PENDING])
            after = replace(
                put(after, job, since=z3.If(waits, pre.clock, pre.since(job))),
                running=pre.running + z3.If(runs, 1, 0) - z3.If(ran, 1, 0),
                clock=z3.If(waits, pre.clock + 1, pre.clock),
            )
            after = put(after, job, canceled=z3.And(pre.canceled(job), z3.Or(ran, z3.Not(runs))))
        if rule.accepted is Action.CANCEL:
            canceled = z3.Or(after.canceled(job), cancel_due(world, pre, rule, job))
            after = put(after, job, canceled=canceled)
        failed = after.state(job) == world.at[State.FAILURE]
        paused = after.state(job) == world.at[State.PAUSED]
        if after.state is not pre.state or rule.accepted is not None:
            cancel = z3.Or(pre.cancel_owed(job), cancel_due(world, pre, rule, job))
            pause = z3.Or(pre.pause_owed(job), pause_due(world, pre, rule, job))
            after = put(
                after,
                job,
                cancel_owed=z3.And(cancel, z3.Not(failed)),
                pause_owed=z3.And(pause, z3.Not(z3.Or(failed, paused))),
            )
        return replace(rule, after=after)


def cancel_due(world: World, pre: Frame, rule: Rule, job: Term) -> Term:
    """A cancel is answered 200 in Pending, Running, Retry or Paused: it is owed from now on."""
    return _due(world, pre, rule, job, Action.CANCEL, FINAL)


def pause_due(world: World, pre: Frame, rule: Rule, job: Term) -> Term:
    """A pause is answered 200 in Pending, Running or Retry."""
    return _due(world, pre, rule, job, Action.PAUSE, FINAL | {State.PAUSED})


def _due(
    world: World, pre: Frame, rule: Rule, job: Term, action: Action, over: frozenset[State]
) -> Term:
    if rule.accepted is not action:
        return world.false
    there = z3.And(pre.state(job) != world.at[None], z3.Not(pre.gone(job)))
    return z3.And(there, *(pre.state(job) != world.at[s] for s in State if s in over))
