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
a failed step may be retried, all of them unknown constants. Ghosts observe and never steer:
`clock` counts the moves by which a job became Pending or completed, `since` and `ended` are its
values at the last of either kind for a job, `canceled` says that a cancel was answered 200 since
the job last started, `cancel_owed` and `pause_owed` that such an answer is not honoured yet.

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

**What must come** follows from single moves, too. While a job is Running, some move of its worker
or of its peer is possible; each lowers `work_left`, which is never negative, and no other move
raises it: so under weak fairness of these moves the job leaves Running. (It may come back, and a
step may ask for Retry for ever.) A cancel or pause that is owed is then honoured, because the job
has nowhere else to go. A Retry leaves when its delay ends. A Pending job with none before it can
start whenever a worker is free, no other job can, and workers become free. These last steps, from
single moves to "eventually", are this paragraph and not z3's.

**No proof from a contradiction.** For every rule, all conjuncts and its guards must be satisfiable
together, for each of its branches, and every claim must apply to some move: obligations named
``sometimes/...``. The tests drop each conjunct, and each of the `PARTS` of the engine, and demand
that something fails then; and they show on random engines that the rules here make exactly the
moves of `spec.engine`.

**Verdicts.** *holds*: every obligation was proved. *fails*: one was not, and z3 found a run from
the empty engine to the violation (`Search`). *unknown*: neither, be it that z3 gave up, or because
no short run violates the property; then the invariant may just be too weak, and the state and the
move that refute the obligation are shown instead.

**Assumed.** An action is atomic, and so is each move of a worker, as in design 2.2. The size of the
history is known. A delay before a retry may end at any time (for safety this only adds runs); so
"retry, later" is not told apart. Readings change nothing and are left out; so are restarts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from functools import partial
from itertools import combinations, pairwise, permutations, product
from typing import Any, NamedTuple, TypeAlias

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

# Limits are in z3's units of work (`rlimit`), not in seconds, so that a busy machine changes no
# verdict. An obligation takes up to 30,000 of them, a search that finds its runs up to 10,000,000;
# some 4,000,000 are a second.
CHECK_EFFORT = 2_000_000  # for one obligation; above it is unknown
SEARCH_EFFORT = 200_000_000  # for all the searches of a proof
# The search for a run to a violation: of how many jobs, and up to how many moves; the largest
# number of workers, places, priorities and steps that it looks at.
SEARCHES, SMALL = ((1, 10), (2, 6)), 2


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
    """What became of one property. ``obligations`` counts those of its conjuncts as well."""

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
    "evict-the-oldest": "The oldest jobs of the history are evicted first.",
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


REQUESTS = tuple(action for action in Action if action.value in list(Asked))
SOMETIMES = "sometimes"  # names the obligations that something is possible
NOWHERE = "nowhere"  # where a trigger without an edge would lead
NEW = "new"  # not submitted yet


class World:
    """The sorts, the configuration, and what is admitted or left out."""

    def __init__(self, admit: frozenset[Relaxation], without: frozenset[str], jobs: int = 0):
        self.admit, self.without = admit, without
        self.ctx = z3.Context()
        self.names: dict[str, str] = {}
        self.at: dict[State | str | None, Term] = self.enumeration(
            "State", {**{s: s.value for s in State}, None: NEW, NOWHERE: NOWHERE}
        )
        self.phase: dict[Phase, Term] = self.enumeration("Phase", {p: p.value for p in Phase})
        self.asked: dict[Asked, Term] = self.enumeration("Asked", {a: a.value for a in Asked})
        self.error: dict[ErrorCode, Term] = self.enumeration(
            "Error", {e: e.name for e in ErrorCode}
        )
        self.trigger: dict[Trigger, Term] = self.enumeration(
            "Trigger", {trigger: trigger.value for trigger in (*Action, *Move)}
        )
        self.kind: dict[Cell, Term] = self.enumeration("Cell", {c: c.name for c in Cell})
        self.universe: tuple[Term, ...] = ()
        if jobs:
            letters = "ABCDEFGH"[:jobs]
            self.universe = tuple(
                self.enumeration("Job", {c: f"job {c}" for c in letters}).values()
            )
            self.job_sort = self.universe[0].sort()
        else:
            self.job_sort = z3.DeclareSort("Job", self.ctx)
        self.workers = z3.Int("workers", self.ctx)
        self.size = z3.Int("size", self.ctx)
        self.retries = z3.Bool("retries", self.ctx)
        self.configured = z3.And(self.workers >= 1, self.size >= 0)
        self.true, self.false = z3.BoolVal(True, self.ctx), z3.BoolVal(False, self.ctx)

    def enumeration(self, name: str, values: Mapping[Any, str]) -> dict[Any, Term]:
        labels = [f"{name}.{value}" for value in values.values()]
        _, constants = z3.EnumSort(name, labels, self.ctx)
        self.names |= dict(zip(labels, values.values(), strict=True))
        return dict(zip(values, constants, strict=True))

    def keeps(self, part: str) -> bool:
        return part not in self.without

    def all(self, parts: Iterable[Term]) -> Term:
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
        **dict.fromkeys(
            ("priority", "steps", "done", "shown", "place", "seat", "since", "ended"), int_sort
        ),
        **dict.fromkeys(("queued", "stored", "gone"), bool_sort),
        **dict.fromkeys(("canceled", "cancel_owed", "pause_owed"), bool_sort),
    }
    functions = {
        name: remembered(z3.Function(name + tag, world.job_sort, sorts[name]))
        for name in JOB_FIELDS
    }
    return Frame(**functions, **{name: world.int(name + tag) for name in COUNTERS})


def is_empty(world: World, frame: Frame, jobs: Iterable[Term]) -> Term:
    """Nothing was submitted yet."""
    return world.all(
        [
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
        ]
    )


def remembered(field: Field) -> Field:
    """The same field, whose terms are built once: they are asked for some hundred times."""
    terms: dict[int, tuple[Term, Term]] = {}  # the job is kept, lest its id be given away

    def term(job: Term) -> Term:
        key = job.get_id()
        if key not in terms:
            terms[key] = (job, field(job))
        return terms[key][1]

    return term


def put(frame: Frame, job: Term, **new: Term) -> Frame:
    """``frame`` with some fields of one job changed."""

    def changed(name: str, value: Term) -> Field:
        old: Field = getattr(frame, name)
        return remembered(lambda k: value if k.eq(job) else z3.If(k == job, value, old(k)))

    return replace(frame, **{name: changed(name, value) for name, value in new.items()})


def present(world: World, frame: Frame, job: Term) -> Term:
    """Submitted, and not evicted."""
    return z3.And(frame.state(job) != world.at[None], z3.Not(frame.gone(job)))


def within(world: World, frame: Frame, job: Term, *states: State) -> Term:
    return world.any(frame.state(job) == world.at[state] for state in states)


def in_phase(world: World, frame: Frame, job: Term, *phases: Phase) -> Term:
    return world.any(frame.phase(job) == world.phase[phase] for phase in phases)


def asks(world: World, frame: Frame, job: Term, action: Action) -> Term:
    """The job is noted as having been asked for ``action``: never, where there is no such note."""
    if action not in REQUESTS:
        return world.false
    alone, both = world.asked[Asked(action)], world.asked[Asked.BOTH]
    return z3.Or(frame.asked(job) == alone, frame.asked(job) == both)


def unchanged(world: World, before: Frame, after: Frame, job: Term, *but: str) -> Term:
    """The engine's fields of the job are as they were; ``but`` names exceptions."""
    pairs = [
        (getattr(before, name), getattr(after, name))
        for name in JOB_FIELDS
        if name not in GHOSTS and name not in but
    ]
    return world.all(old(job) == new(job) for old, new in pairs if old is not new)


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
    return _due(world, pre, rule, job, Action.CANCEL, FINAL)


def pause_due(world: World, pre: Frame, rule: Rule, job: Term) -> Term:
    """A pause is answered 200 in Pending, Running or Retry."""
    return _due(world, pre, rule, job, Action.PAUSE, FINAL | {State.PAUSED})


def _due(
    world: World, pre: Frame, rule: Rule, job: Term, action: Action, over: frozenset[State]
) -> Term:
    if rule.accepted is not action:
        return world.false
    open_states = [state for state in State if state not in over]
    return z3.And(present(world, pre, job), within(world, pre, job, *open_states))


# --- the invariant ---------------------------------------------------------------------------

OfJobs: TypeAlias = Callable[[World, Frame, Term, Term], Term]


@dataclass(frozen=True, slots=True)
class Conjunct:
    """A sentence of the invariant about all jobs k and l. ``uses``: what its induction needs."""

    name: str
    sentence: str
    holds: OfJobs
    uses: tuple[str, ...] = ()


STEP_PHASES = (
    Phase.SENT,
    Phase.HELD,
    Phase.SUCCEEDED,
    Phase.FAILED,
    Phase.FAILURE_SHOWN,
    Phase.RETRYING,
)
FAILED_PHASES = (Phase.FAILED, Phase.FAILURE_SHOWN)


def _a_state(world: World, f: Frame, k: Term, m: Term) -> Term:
    return f.state(k) != world.at[NOWHERE]


def _running_bounded(world: World, f: Frame, k: Term, m: Term) -> Term:
    return f.running <= world.workers


def _history_bounded(world: World, f: Frame, k: Term, m: Term) -> Term:
    return f.kept <= world.size


def _history_iff_completed(world: World, f: Frame, k: Term, m: Term) -> Term:
    return f.stored(k) == z3.And(world.completed(f.state(k)), z3.Not(f.gone(k)))


def _queue_iff_pending(world: World, f: Frame, k: Term, m: Term) -> Term:
    return f.queued(k) == within(world, f, k, State.PENDING)


def _gone_was_completed(world: World, f: Frame, k: Term, m: Term) -> Term:
    return z3.Implies(f.gone(k), world.completed(f.state(k)))


def _worker_iff_running(world: World, f: Frame, k: Term, m: Term) -> Term:
    idle = f.phase(k) == world.phase[Phase.IDLE]
    return z3.Not(idle) == within(world, f, k, State.RUNNING)


def _requests_only_running(world: World, f: Frame, k: Term, m: Term) -> Term:
    asked = f.asked(k) != world.asked[Asked.NOTHING]
    return z3.Implies(asked, within(world, f, k, State.RUNNING))


def _queue_stamped(world: World, f: Frame, k: Term, m: Term) -> Term:
    return z3.Implies(f.queued(k), f.since(k) < f.clock)


def _queue_in_order(world: World, f: Frame, k: Term, m: Term) -> Term:
    both = z3.And(f.queued(k), f.queued(m), k != m)
    same = (f.place(k) < f.place(m)) == (f.since(k) < f.since(m))
    return z3.Implies(both, z3.And(same, f.place(k) != f.place(m)))


def _history_stamped(world: World, f: Frame, k: Term, m: Term) -> Term:
    return z3.Implies(f.stored(k), f.ended(k) < f.clock)


def _history_in_order(world: World, f: Frame, k: Term, m: Term) -> Term:
    both = z3.And(f.stored(k), f.stored(m), k != m)
    return z3.Implies(both, (f.seat(k) < f.seat(m)) == (f.ended(k) < f.ended(m)))


def _cancel_on_record(world: World, f: Frame, k: Term, m: Term) -> Term:
    return z3.Implies(asks(world, f, k, Action.CANCEL), f.canceled(k))


def _canceled_error(world: World, f: Frame, k: Term, m: Term) -> Term:
    return z3.Implies(f.error(k) == world.error[ErrorCode.CANCELED_JOB], f.canceled(k))


def _cancel_kept(world: World, f: Frame, k: Term, m: Term) -> Term:
    noted = z3.And(within(world, f, k, State.RUNNING), asks(world, f, k, Action.CANCEL))
    return z3.Implies(f.cancel_owed(k), noted)


def _pause_kept(world: World, f: Frame, k: Term, m: Term) -> Term:
    noted = z3.And(within(world, f, k, State.RUNNING), asks(world, f, k, Action.PAUSE))
    return z3.Implies(f.pause_owed(k), noted)


def _steps_counted(world: World, f: Frame, k: Term, m: Term) -> Term:
    there = f.state(k) != world.at[None]
    return z3.Implies(there, z3.And(f.done(k) >= 0, f.done(k) <= f.steps(k)))


def _a_step_is_left(world: World, f: Frame, k: Term, m: Term) -> Term:
    return z3.Implies(in_phase(world, f, k, *STEP_PHASES), f.done(k) < f.steps(k))


def _all_done_shown(world: World, f: Frame, k: Term, m: Term) -> Term:
    there = f.state(k) != world.at[None]
    return z3.Implies(z3.And(there, f.done(k) == f.steps(k)), f.shown(k) == f.done(k))


def _no_error_at_work(world: World, f: Frame, k: Term, m: Term) -> Term:
    shown = in_phase(world, f, k, Phase.FAILURE_SHOWN)
    error = world.error[ErrorCode.NETWORK_PROTOCOL]
    none = world.error[ErrorCode.SUCCESS]
    running = within(world, f, k, State.RUNNING)
    return z3.Implies(running, f.error(k) == z3.If(shown, error, none))


def _outcome_told(world: World, f: Frame, k: Term, m: Term) -> Term:
    succeeded = within(world, f, k, State.SUCCESS)
    failed = within(world, f, k, State.FAILURE)
    none = f.error(k) == world.error[ErrorCode.SUCCESS]
    told = z3.And(f.done(k) == f.steps(k), f.shown(k) == f.steps(k), none)
    return z3.And(z3.Implies(succeeded, told), z3.Implies(failed, z3.Not(none)))


CONJUNCTS: tuple[Conjunct, ...] = (
    Conjunct(
        "a-state",
        "Every job has a state of the table, or is not submitted yet.",
        _a_state,
        ("queue-iff-pending",),
    ),
    Conjunct("running-bounded", "At most ConcurrentJobs jobs are Running.", _running_bounded),
    Conjunct("history-bounded", "At most JobsHistorySize jobs are stored.", _history_bounded),
    Conjunct(
        "history-iff-completed",
        "A job is stored in the history if and only if it is completed and not gone.",
        _history_iff_completed,
        ("queue-iff-pending", "gone-was-completed", "worker-iff-running"),
    ),
    Conjunct(
        "queue-iff-pending",
        "A job is queued if and only if it is Pending.",
        _queue_iff_pending,
    ),
    Conjunct(
        "gone-was-completed",
        "A job that is gone was completed, and stays as it was.",
        _gone_was_completed,
        ("history-iff-completed",),
    ),
    Conjunct(
        "worker-iff-running",
        "A worker has a phase of a job if and only if the job is Running.",
        _worker_iff_running,
        ("queue-iff-pending",),
    ),
    Conjunct(
        "requests-only-running",
        "Only a Running job is asked for anything.",
        _requests_only_running,
        ("queue-iff-pending",),
    ),
    Conjunct(
        "queue-stamped",
        "A queued job became Pending before now.",
        _queue_stamped,
        ("queue-iff-pending",),
    ),
    Conjunct(
        "queue-in-order",
        "Two queued jobs have two places, in the order in which they became Pending.",
        _queue_in_order,
        ("queue-stamped", "queue-iff-pending"),
    ),
    Conjunct(
        "history-stamped",
        "A stored job was completed before now.",
        _history_stamped,
        ("history-iff-completed",),
    ),
    Conjunct(
        "history-in-order",
        "Two stored jobs are seated in the order in which they were completed.",
        _history_in_order,
        ("history-stamped", "history-iff-completed"),
    ),
    Conjunct(
        "cancel-on-record",
        "Of a job that is asked to cancel, a cancel was answered 200 since it last started.",
        _cancel_on_record,
        ("requests-only-running",),
    ),
    Conjunct(
        "canceled-error",
        "Of a job with the error of a canceled one, a cancel was answered 200 since it started.",
        _canceled_error,
        ("cancel-on-record",),
    ),
    Conjunct(
        "cancel-kept",
        "A job of which a cancel is owed is Running, and is asked to cancel.",
        _cancel_kept,
        ("queue-iff-pending",),
    ),
    Conjunct(
        "pause-kept",
        "A job of which a pause is owed is Running, and is asked to pause.",
        _pause_kept,
        ("queue-iff-pending",),
    ),
    Conjunct(
        "steps-counted",
        "Of the steps of a job, none to all are done.",
        _steps_counted,
        ("a-step-is-left",),
    ),
    Conjunct(
        "a-step-is-left",
        "While a step is under way, not all steps are done.",
        _a_step_is_left,
        ("worker-iff-running",),
    ),
    Conjunct(
        "all-done-shown",
        "When all steps are done, Progress shows it.",
        _all_done_shown,
        ("steps-counted", "a-step-is-left"),
    ),
    Conjunct(
        "no-error-at-work",
        "A Running job shows no error, but for a failure of its step that is just published.",
        _no_error_at_work,
        ("worker-iff-running",),
    ),
    Conjunct(
        "outcome-told",
        "A Success job has all steps done and shown and no error; a Failure job has an error.",
        _outcome_told,
        ("all-done-shown", "steps-counted", "no-error-at-work", "worker-iff-running"),
    ),
)


# --- the properties --------------------------------------------------------------------------


class Step(NamedTuple):
    """One move, and two arbitrary jobs beside its mover (or the mover itself)."""

    world: World
    pre: Frame
    rule: Rule
    post: Frame
    job: Term
    k: Term
    m: Term


class Node(NamedTuple):
    """A state, with all moves that two arbitrary jobs could make in it."""

    world: World
    frame: Frame
    jobs: tuple[Term, ...]  # the named ones
    k: Term
    m: Term
    of_k: tuple[Rule, ...]
    of_m: tuple[Rule, ...]


Said: TypeAlias = tuple[Term, Term]  # (when, then): a claim, apart from its antecedent


@dataclass(frozen=True, slots=True)
class Claim:
    """One property, by its name in `spec.properties`: of each state, of each move, or of a node.

    ``uses``: the conjuncts that it is concluded from. ``rests_on``: claims that belong to it.
    ``node`` names each of its parts. ``symbolic``: it is decided over the table as well.
    """

    name: str
    uses: tuple[str, ...] = ()
    state: OfJobs | None = None
    move: Callable[[Step], Said] | None = None
    node: Callable[[Node], Mapping[str, Said]] | None = None
    rests_on: tuple[str, ...] = ()
    symbolic: bool = False


def _priority_not_passed_over(s: Step) -> Said:
    when = z3.And(_starts(s), within(s.world, s.pre, s.k, State.PENDING), s.k != s.job)
    return when, s.pre.priority(s.k) <= s.pre.priority(s.job)


def _ties_in_order(s: Step) -> Said:
    waits = within(s.world, s.pre, s.k, State.PENDING)
    equal = s.pre.priority(s.k) == s.pre.priority(s.job)
    return z3.And(_starts(s), waits, equal, s.k != s.job), s.pre.since(s.job) < s.pre.since(s.k)


def _starts(s: Step) -> Term:
    """The mover becomes Running."""
    runs, ran = (within(s.world, f, s.job, State.RUNNING) for f in (s.post, s.pre))
    return z3.And(runs, z3.Not(ran))


def _success_final(s: Step) -> Said:
    same = unchanged(s.world, s.pre, s.post, s.k, "gone", "stored")
    when = z3.And(within(s.world, s.pre, s.k, State.SUCCESS), present(s.world, s.pre, s.k))
    return when, z3.And(same, z3.Or(s.post.gone(s.k), s.post.stored(s.k) == s.pre.stored(s.k)))


def _nothing_changed(s: Step) -> Term:
    counters = [getattr(s.pre, name) == getattr(s.post, name) for name in COUNTERS]
    return z3.And(unchanged(s.world, s.pre, s.post, s.k), *counters)


def _refused_changes_nothing(s: Step) -> Said:
    refused = s.rule.action is not None and s.rule.status != 200
    return (s.world.true if refused else s.world.false), _nothing_changed(s)


def _canceled_only_by_cancel(s: Step) -> Said:
    """It appears by a cancel of that job, or where one was answered 200 since the job started."""
    error = s.world.error[ErrorCode.CANCELED_JOB]
    appears = z3.And(s.post.error(s.k) == error, s.pre.error(s.k) != error)
    return appears, s.post.canceled(s.k)


def _paused_only_by_pause(s: Step) -> Said:
    was, is_now = (within(s.world, f, s.k, State.PAUSED) for f in (s.pre, s.post))
    now = z3.And(s.k == s.job, _answered(s, Action.PAUSE))
    return z3.And(is_now, z3.Not(was)), z3.Or(now, asks(s.world, s.pre, s.k, Action.PAUSE))


def _answered(s: Step, action: Action) -> Term:
    """The move is ``action`` on its mover, answered 200."""
    return s.world.true if s.rule.accepted is action else s.world.false


def _asked_only_by_action(s: Step) -> Said:
    news = []
    for action in (Action.CANCEL, Action.PAUSE):
        now = z3.And(s.k == s.job, _answered(s, action))
        new = z3.And(asks(s.world, s.post, s.k, action), z3.Not(asks(s.world, s.pre, s.k, action)))
        news.append((new, now))
    return z3.Or(*(new for new, _ in news)), z3.And(*(z3.Implies(*each) for each in news))


def _refinement(s: Step) -> Said:
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


def _others_untouched(s: Step) -> Said:
    same = unchanged(s.world, s.pre, s.post, s.k)
    lost = z3.And(
        unchanged(s.world, s.pre, s.post, s.k, "gone", "stored"),
        s.pre.stored(s.k),
        s.post.gone(s.k),
        z3.Not(s.post.stored(s.k)),
    )
    return s.k != s.job, z3.Or(same, lost)


def _oldest_evicted_first(s: Step) -> Said:
    """Who is evicted was completed before all that stay, and the history is full after it."""
    evicted = z3.And(s.post.gone(s.k), z3.Not(s.pre.gone(s.k)))
    out = z3.And(s.pre.stored(s.k), z3.Not(s.post.stored(s.k)))
    resubmitted = z3.And(s.k == s.job, _answered(s, Action.RESUBMIT))
    older = z3.Implies(s.post.stored(s.m), s.post.ended(s.k) < s.post.ended(s.m))
    full = z3.And(s.post.kept == s.world.size, older, z3.Not(s.post.stored(s.k)))
    return z3.Or(evicted, out), z3.If(evicted, full, resubmitted)


def _total_deterministic(s: Step) -> Said:
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
    return world.true, _nothing_changed(s)


def _one_answer(n: Node) -> Mapping[str, Said]:
    """For each action exactly one answer is possible, whatever the job."""
    said = {}
    for action in ACTIONS:
        possible = [z3.And(*rule.guards) for rule in n.of_k if rule.action is action]
        clashes = [z3.And(a, b) for a, b in combinations(possible, 2)]
        once = z3.And(n.world.any(possible), z3.Not(n.world.any(clashes)))
        said[f"{action}/one-answer"] = (n.world.true, once)
    return said


def _steps_once(s: Step) -> Said:
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


def _steps_in_order(s: Step) -> Said:
    world, k = s.world, s.k
    before, after = s.pre.phase(k), s.post.phase(k)
    worked = [z3.And(before == world.phase[a], after == world.phase[b]) for a, b in WORK]
    begins = z3.And(before == world.phase[Phase.READY], after == world.phase[Phase.SENT])
    left = z3.Implies(begins, s.pre.done(k) < s.pre.steps(k))
    ran = within(world, s.pre, k, State.RUNNING)
    first = after == world.phase[Phase.READY]
    on = z3.And(left, z3.Or(before == after, *worked))
    return within(world, s.post, k, State.RUNNING), z3.If(ran, on, first)


def _ends_as_its_step_ended(s: Step) -> Said:
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


def _progress_told(s: Step) -> Said:
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


def _error_told(s: Step) -> Said:
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


def _cancel_honoured(s: Step) -> Said:
    """A job of which a cancel is owed becomes Failure, or runs on without beginning a step."""
    world, k = s.world, s.k
    now = z3.And(k == s.job, cancel_due(world, s.pre, s.rule, s.job))
    begins = z3.And(k == s.job, world.true if s.rule.begins else world.false)
    failed = within(world, s.post, k, State.FAILURE)
    runs_on = z3.And(within(world, s.post, k, State.RUNNING), z3.Not(begins))
    return z3.Or(s.pre.cancel_owed(k), now), z3.Or(failed, runs_on)


def _pause_honoured(s: Step) -> Said:
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


def _running_leaves(s: Step) -> Said:
    """While a job is Running, its worker and peer lower the work left, which nothing raises."""
    world, k = s.world, s.k
    before, after = work_left(world, s.pre, k), work_left(world, s.post, k)
    lower = z3.And(k == s.job, world.true if s.rule.runs else world.false)
    both = z3.And(*(within(world, f, k, State.RUNNING) for f in (s.pre, s.post)))
    return both, z3.And(before >= 0, z3.If(lower, after < before, after <= before))


def _running_can_go_on(n: Node) -> Mapping[str, Said]:
    """A Running job always has a move of its worker or of its peer."""
    possible = n.world.any(z3.And(*rule.guards) for rule in n.of_k if rule.runs)
    return {"goes-on": (within(n.world, n.frame, n.k, State.RUNNING), possible)}


def _retry_leaves(s: Step) -> Said:
    times_out = s.world.true if s.rule.trigger is Move.TIMEOUT else s.world.false
    left = z3.Not(within(s.world, s.post, s.job, State.RETRY))
    return times_out, z3.And(left, s.post.state(s.job) != s.world.at[NOWHERE])


def _retry_can_go_on(n: Node) -> Mapping[str, Said]:
    """The delay of a job in Retry can end."""
    ends = n.world.any(z3.And(*rule.guards) for rule in n.of_k if rule.trigger is Move.TIMEOUT)
    return {"goes-on": (within(n.world, n.frame, n.k, State.RETRY), ends)}


def _pending_runs(n: Node) -> Mapping[str, Said]:
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


CLAIMS: tuple[Claim, ...] = (
    Claim("running-bounded", ("running-bounded",), state=_running_bounded),
    Claim("history-iff-completed", ("history-iff-completed",), state=_history_iff_completed),
    Claim("queue-iff-pending", ("queue-iff-pending",), state=_queue_iff_pending),
    Claim("history-bounded", ("history-bounded",), state=_history_bounded),
    Claim(
        "oldest-evicted-first",
        ("history-in-order", "gone-was-completed"),
        move=_oldest_evicted_first,
    ),
    Claim("requests-only-running", ("requests-only-running",), state=_requests_only_running),
    Claim("asked-only-by-action", move=_asked_only_by_action),
    Claim("worker-iff-running", ("worker-iff-running",), state=_worker_iff_running),
    Claim("priority-not-passed-over", ("queue-iff-pending",), move=_priority_not_passed_over),
    Claim("ties-in-order", ("queue-in-order",), move=_ties_in_order),
    Claim("success-final", ("queue-iff-pending", "worker-iff-running"), move=_success_final),
    Claim("refused-changes-nothing", move=_refused_changes_nothing),
    Claim(
        "canceled-only-by-cancel",
        ("cancel-on-record", "canceled-error"),
        state=_canceled_error,
        move=_canceled_only_by_cancel,
    ),
    Claim("paused-only-by-pause", move=_paused_only_by_pause),
    Claim(
        "refinement",
        ("queue-iff-pending", "gone-was-completed"),
        move=_refinement,
        symbolic=True,
    ),
    Claim(
        "total-deterministic",
        ("a-state",),
        move=_total_deterministic,
        node=_one_answer,
        symbolic=True,
    ),
    Claim("others-untouched", ("history-iff-completed",), move=_others_untouched),
    Claim("steps-once", ("steps-counted", "a-step-is-left"), move=_steps_once),
    Claim("steps-in-order", ("worker-iff-running",), move=_steps_in_order),
    Claim("ends-as-its-step-ended", ("steps-counted",), move=_ends_as_its_step_ended),
    Claim("outcome-told", ("outcome-told",), state=_outcome_told),
    Claim("progress-told", ("worker-iff-running",), move=_progress_told),
    Claim("error-told", ("worker-iff-running", "no-error-at-work"), move=_error_told),
    Claim("cancel-honoured", ("cancel-kept",), move=_cancel_honoured, rests_on=("running-leaves",)),
    Claim(
        "pause-honoured",
        ("pause-kept", "cancel-on-record"),
        move=_pause_honoured,
        rests_on=("running-leaves",),
    ),
    Claim(
        "pending-runs",
        ("queue-iff-pending", "queue-in-order", "gone-was-completed"),
        node=_pending_runs,
        rests_on=("running-leaves",),
    ),
    Claim(
        "running-leaves",
        ("worker-iff-running", "steps-counted", "a-step-is-left", "gone-was-completed"),
        move=_running_leaves,
        node=_running_can_go_on,
    ),
    Claim("retry-leaves", ("gone-was-completed",), move=_retry_leaves, node=_retry_can_go_on),
)


# --- the proof -------------------------------------------------------------------------------


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
        for rule in Moves(self.world, self.pre, self.jobs[0], self.jobs):
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
        of_k, of_m = (tuple(Moves(self.world, self.pre, x, (k, m))) for x in (k, m))
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


def symbolic_table(world: World, name: str) -> dict[str, Term]:
    """The tables as relations over symbolic states and triggers: what must be valid of them."""
    trigger_at, kind_at = world.trigger, world.kind
    s, x, y = (z3.Const(f"{name}.{v}", world.at[None].sort()) for v in "sxy")
    t = z3.Const(f"{name}.t", trigger_at[Move.START].sort())
    c, d = (z3.Const(f"{name}.{v}", kind_at[EDGE].sort()) for v in "cd")

    def edge(to: Term) -> Term:
        return world.any(
            z3.And(s == world.at[e.source], t == trigger_at[e.trigger], to == world.at[e.target])
            for e in EDGES
        )

    def answers(kind: Term) -> Term:
        return world.any(
            z3.And(s == world.at[state], t == trigger_at[action], kind == kind_at[found])
            for state in State
            for action in ACTIONS
            if (found := the_cell(state, action)) is not None
        )

    is_action = world.any(t == trigger_at[action] for action in ACTIONS)
    is_state = z3.And(s != world.at[None], s != world.at[NOWHERE])
    some_edge = world.any(edge(world.at[state]) for state in State)
    some_answer = world.any(answers(kind) for kind in kind_at.values())
    takes = z3.Or(answers(kind_at[EDGE]), answers(kind_at[ASK]))
    if name == "refinement":
        born = z3.And(t == trigger_at[Move.SUBMIT], edge(x))
        return {
            "table/one-edge-a-trigger": z3.Implies(z3.And(edge(x), edge(y)), x == y),
            "table/edges-join-states": z3.Implies(
                edge(x), z3.And(x != world.at[None], x != world.at[NOWHERE])
            ),
            "table/edges-change-the-state": z3.Implies(edge(x), s != x),
            "table/born-by-submit": z3.Implies(edge(x), (s == world.at[None]) == born),
        }
    ways = [
        (ended, trigger)
        for asked in Asked
        for ended in Ended
        for trigger in BOUNDARY.get(asked, {}).get(ended, ()) or (None,)
    ]
    left = [
        trigger is not None and (ended is Ended.MORE if trigger == STAY else any(_leaves(trigger)))
        for ended, trigger in ways
    ]
    return {
        "table/total": z3.Implies(z3.And(is_state, is_action), some_answer),
        "table/deterministic": z3.Implies(z3.And(answers(c), answers(d)), c == d),
        "table/edges-as-published": z3.Implies(z3.And(is_state, is_action), takes == some_edge),
        "table/asks-only-running": z3.Implies(
            is_state,
            z3.Implies(
                is_action, answers(kind_at[ASK]) == z3.And(some_edge, s == world.at[State.RUNNING])
            ),
        ),
        "table/unknown-refuses": z3.BoolVal(
            all(the_cell(UNKNOWN, action) is Cell.REFUSE for action in ACTIONS), world.ctx
        ),
        "table/every-step-ends": z3.BoolVal(all(left), world.ctx),
    }


def _leaves(trigger: Trigger | str | None) -> Iterator[bool]:
    for edge in EDGES:
        if edge.trigger == trigger and edge.source is State.RUNNING:
            yield True


def describe(world: World, model: Term, frame: Frame, named: Mapping[str, Term]) -> str:
    """A state in the domain's words: every job that was submitted, and the configuration."""

    def value(term: Term) -> str:
        text = str(model.eval(term, model_completion=True))
        return world.names.get(text, text)

    told = []
    for letter, job in named.items():
        state = value(frame.state(job))
        if state == NEW:
            continue
        text = f"{letter} is {state}"
        asked = Asked(value(frame.asked(job)))
        text += ASKED[asked]
        details = [f"priority {value(frame.priority(job))}"]
        details.append(f"{value(frame.done(job))} of {value(frame.steps(job))} steps done")
        if value(frame.phase(job)) != Phase.IDLE:
            details.append(f"worker: {value(frame.phase(job))}")
        if value(frame.error(job)) != ErrorCode.SUCCESS.name:
            details.append(f"error {value(frame.error(job))}")
        flags = {"queued": frame.queued, "in the history": frame.stored, "gone": frame.gone}
        flags |= {"a cancel is owed": frame.cancel_owed, "a pause is owed": frame.pause_owed}
        details += [flag for flag, field in flags.items() if value(field(job)) == "True"]
        told.append(f"{text} ({', '.join(details)})")
    told.append(
        f"{value(frame.running)} of {value(world.workers)} workers busy, "
        f"{value(frame.kept)} of {value(world.size)} places of the history taken"
    )
    return "; ".join(told)


# --- the search for a run --------------------------------------------------------------------


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
            for rule in Moves(world, self.pre, job, self.jobs, DRAWN_HERE)
        ]
        self.drawn = drawn(world, DRAWN_HERE)
        self.one_move = self.relation()
        self.frames = [any_frame(world, "@0")]
        self.solver = z3.Solver(ctx=world.ctx)
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
                of_k, of_m = (tuple(Moves(world, post, j, self.jobs, "node")) for j in (k, m))
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
                self.solver.push()
                self.solver.add(self.copied(violation, number))
                before = self.spent
                if self.solver.check() == z3.sat:
                    found[name] = self.told(self.solver.model())
                self.spent = int(self.solver.statistics().get_key_value("rlimit count"))
                effort -= self.spent - before
                self.solver.pop()
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
    """What a move draws, named after its tag (see `Moves`)."""
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


# --- what others call ------------------------------------------------------------------------

BY_CONJUNCT: Mapping[str, Conjunct] = {conjunct.name: conjunct for conjunct in CONJUNCTS}
BY_CLAIM: Mapping[str, Claim] = {claim.name: claim for claim in CLAIMS}


def prove(
    admit: frozenset[Relaxation] = NONE,
    on_obligation: Callable[[Obligation], None] | None = None,
    *,
    without: frozenset[str] = frozenset(),
    find_runs: bool = True,
) -> list[Proved]:
    """Decide every claim under the relaxations in ``admit``.

    ``on_obligation`` sees each obligation as it is decided. ``without`` is for the self-test: the
    conjuncts and `PARTS` of the engine to leave out. Without ``find_runs`` what is not proved is
    unknown, and no time goes into a run. Raises `SolverMissing`, `UnknownPart`.
    """
    if z3 is None:
        raise SolverMissing
    if unknown := without - set(PARTS) - set(BY_CONJUNCT):
        raise UnknownPart(unknown)
    prover = Prover(admit, without, on_obligation)
    prover.run()
    open_claims = [
        claim
        for claim in CLAIMS
        if any(each.verdict is not Verdict.HOLDS for each in prover.obligations(claim))
    ]
    began = time.perf_counter()
    runs = search(admit, without, open_claims) if find_runs else {}
    searched = (time.perf_counter() - began) / max(1, len(open_claims))
    return [_judge(prover, claim, runs, searched) for claim in CLAIMS]


def _judge(prover: Prover, claim: Claim, runs: Mapping[str, str], searched: float) -> Proved:
    found = prover.obligations(claim)
    seconds = sum(each.seconds for each in found)
    broken = [each for each in found if each.verdict is not Verdict.HOLDS]
    if not broken:
        never = [o.name for o in prover.done[SOMETIMES] if o.verdict is not Verdict.HOLDS]
        if never:
            text = f"proved, but this can never happen: {', '.join(never)}"
            return Proved(claim.name, Verdict.UNKNOWN, len(found), seconds, text)
        return Proved(claim.name, Verdict.HOLDS, len(found), seconds)
    seconds += searched
    for name in (claim.name, *claim.rests_on):
        if name in runs:
            return Proved(claim.name, Verdict.FAILS, len(found), seconds, runs[name])
    text = f"not proved: {broken[0].name}: {broken[0].refuted or 'z3 gave up'}"
    return Proved(claim.name, Verdict.UNKNOWN, len(found), seconds, text)


def check(scope: Scope, admitted: frozenset[Relaxation]) -> Iterator[Checked]:
    """What `prove` found, in the words of the three proofs. The scope does not matter."""
    for proved in prove(admitted):
        yield Checked(
            proved.name,
            BY_NAME[proved.name].modality,
            ProofEngine.SMT,
            ANY,
            proved.verdict,
            seconds=proved.seconds,
            evidence=proved.counterexample or "",
        )
