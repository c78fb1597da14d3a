"""What the specification promises, each promise with a name, a modality and its source.

    always       holds in every reachable engine, or of everything that ever happens
    sometimes    is met at least once: what is never met would hold of an empty machine, too
    eventually   comes, if the workers and the surroundings are weakly fair (see below)

A property is one sentence, and one predicate that says the same of `spec.engine`. There are
three kinds of predicate. Each looks at one job's record and at the outline of the engine (who is in
which state, the queue, the history), never at two records together: that is what lets the
explorer check a property once for all engines that differ elsewhere.

    state        of an engine
    transition   of one thing that happens: the engine before, what happened, the engine after
    node         of an engine with everything that can happen next

One has no predicate: `never-an-error` is broken by a `Fault`, which whoever runs the engine to
evaluate the others meets.

**Requests.** A cancel or pause that was answered 200 while the job was Running is written in
`Job.asked`, and a promise about it must not lean on that note being kept. So `cancel-honoured`
and `pause-honoured` say three things of each transition, which together are the promise:
the answer 200 comes with the effect or with the note; the note stays until the job leaves
Running; and as long as it is there no step begins, and the job leaves to nowhere else than
the promise says. That the job leaves at all is `running-leaves`, on which both rest.

**Fairness** is weak, and of two kinds: a worker that can go on goes on, and the surroundings
end what has begun (a POST that was sent arrives, a step that is held is replied to, the delay
of a Retry ends). Nobody has to submit or to act. That a chain of retries ends is *not*
promised: a peer may answer each attempt with a retry for ever, and then the job never ends.

**Which relaxations break what.** `relaxed_by` is the answer of this module, and the proofs
must come to the same one:

* cancel-lost-to-pause breaks `cancel-honoured` and nothing else (the pause was honoured);
* request-lost-on-last-step breaks `cancel-honoured` and `pause-honoured`: it forgets either;
* ties-unordered breaks `ties-in-order` and nothing else. `pending-runs` still holds, because
  where equals have no order among them, each is *before* the other: a job is promised to run
  once no other Pending job of its priority could be preferred to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from spec import table
from spec.engine import (
    Act,
    Answer,
    Arrive,
    Config,
    Engine,
    Event,
    Job,
    List,
    Outcome,
    Phase,
    Read,
    Replied,
    Reply,
    Submit,
    View,
    moves,
    step,
    view,
)
from spec.relaxations import NONE, Relaxation
from spec.table import (
    FINAL,
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


class Modality(StrEnum):
    """When a property holds."""

    ALWAYS = "always"
    SOMETIMES = "sometimes"
    EVENTUALLY = "eventually"


class Own(NamedTuple):
    """A move that the engine makes by itself, as `spec.engine.moves` names it."""

    name: str
    job: int


# What a fault in the rules of the engine raises. An interrupt, or no memory, is no such fault.
ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NameError,
    RuntimeError,
    TypeError,
    ValueError,
)


class Fault(Exception):
    """The engine ended with an error where it has to answer, to refuse, or to go on.

    ``what``: the event; None where it was asked for its own moves.
    """

    def __init__(self, config: Config, engine: Engine, what: Event | None, error: Exception):
        self.config, self.engine, self.what = config, engine, what
        text, _, _ = str(error).partition("\n")
        self.error = f"{type(error).__name__}: {text}".removesuffix(": ")
        super().__init__(f"{what or 'the moves'} of {engine} with {config}: {self.error}")


class Transition(NamedTuple):
    """One thing that happens. ``answer`` is None for a move."""

    config: Config
    before: Engine
    what: Event | Own
    answer: Answer
    after: Engine


class Node(NamedTuple):
    """An engine with everything that can happen to it next."""

    config: Config
    engine: Engine
    happens: tuple[Transition, ...]


OfState: TypeAlias = Callable[[Config, Engine], bool]
OfTransition: TypeAlias = Callable[[Transition], bool]
OfNode: TypeAlias = Callable[[Node], bool]


@dataclass(frozen=True)
class Property:
    """One promise.

    ``origin``: the entries of the catalogue that it restates, or what else it comes from.
    ``relaxed_by``: the relaxations under which it fails.
    ``state``, ``transition``, ``node``: the predicates. Of an *always* or *eventually* property
    each must be true wherever the explorer comes; of a *sometimes* property one, once.
    ``leaves``: a job does not stay in this state for ever (`spec.proofs.explore` says how that
    is decided). ``rests_on``: properties that must hold as well.
    ``jobs``: the number of jobs below which the question makes no sense, given the scope's
    workers and history; such a scope does not decide it.
    """

    name: str
    modality: Modality
    sentence: str
    origin: tuple[str, ...] | str
    relaxed_by: frozenset[Relaxation] = NONE
    state: OfState | None = None
    transition: OfTransition | None = None
    node: OfNode | None = None
    leaves: State | None = None
    rests_on: tuple[str, ...] = ()
    jobs: Callable[[int, int], int] = lambda workers, history: 1

    @property
    def source(self) -> str:
        """Where it comes from: the entries of the catalogue, each with its own source.

        The catalogue is looked up when it is asked for and not before: it refuses to be made from
        a table without one of the published edges, and the proofs must be able to judge that.
        """
        if isinstance(self.origin, str):
            return self.origin
        from spec.requirements import requirement

        return "; ".join(f"{id} ({requirement(id).source})" for id in self.origin)


# --- asking the engine ----------------------------------------------------------------------------


def _answers(config: Config, engine: Engine, event: Event) -> frozenset[Outcome]:
    """`spec.engine.step`. Raises `Fault`."""
    try:
        return frozenset(step(config, engine, event))
    except ERRORS as error:
        raise Fault(config, engine, event, error) from error


def _moves(config: Config, engine: Engine) -> tuple[tuple[str, int, Engine], ...]:
    """`spec.engine.moves`. Raises `Fault`."""
    try:
        return tuple(moves(config, engine))
    except ERRORS as error:
        raise Fault(config, engine, None, error) from error


def _shows(config: Config, job: Job) -> View:
    """`spec.engine.view`. Raises `Fault`."""
    try:
        return view(job)
    except ERRORS as error:
        raise Fault(config, Engine((job,)), Read(0), error) from error


# --- reading a transition -------------------------------------------------------------------


def job_of(what: Event | Own) -> int | None:
    """The job that something happens to; None for a submission, a listing and an unknown id."""
    return None if isinstance(what, Submit | List) else what.job


def records(t: Transition) -> Iterator[tuple[int, Job | None, Job | None]]:
    """Each job before and after: (index, before, after). A new job has no before."""
    for index, after in enumerate(t.after.jobs):
        yield index, t.before.jobs[index] if index < len(t.before.jobs) else None, after


def trigger_of(what: Event | Own) -> Trigger | None:
    """The trigger that something would be an edge by; None for what has no edge."""
    match what:
        case Submit():
            return Move.SUBMIT
        case Act(action, _):
            return action
        case Own(name, _):
            return next((one for one in (*Action, *Move) if one == name), None)
        case _:
            return None


def acts(t: Transition, action: Action, status: int = 200) -> bool:
    """Whether a client's ``action`` was answered with ``status``."""
    return isinstance(t.what, Act) and t.what.action is action and t.answer == status


def subject(t: Transition) -> tuple[Job | None, Job | None]:
    """The job that it happens to, before and after. None: no such job, or gone."""
    index = len(t.before.jobs) if isinstance(t.what, Submit) else job_of(t.what)
    if index is None:
        return None, None
    return next(((b, a) for i, b, a in records(t) if i == index), (None, None))


def asks(job: Job, action: Action) -> bool:
    """Whether the job is noted as having been asked for ``action``."""
    return job.asked is Asked.BOTH or job.asked.value == action.value


def _begins(before: Job | None, after: Job | None) -> bool:
    """Whether a step begins: its POST is sent."""
    return (
        after is not None
        and after.phase is Phase.SENT
        and (before is None or before.phase is not Phase.SENT)
    )


def _starts(t: Transition) -> bool:
    return isinstance(t.what, Own) and t.what.name == Move.START


_STEP_FAILED = frozenset({Phase.FAILED, Phase.FAILURE_SHOWN})
_STEP_RETRIES = frozenset({Phase.RETRYING, Phase.RETRYING_LATER})
_WORKING = frozenset(Phase) - {Phase.NONE, Phase.LATER}


# --- always: of an engine -------------------------------------------------------------------


def _running(engine: Engine) -> int:
    return sum(job is not None and job.state is State.RUNNING for job in engine.jobs)


def _running_bounded(config: Config, engine: Engine) -> bool:
    return config.workers is None or _running(engine) <= config.workers


def _of_state(engine: Engine, states: frozenset[State]) -> list[int]:
    return [i for i, job in enumerate(engine.jobs) if job is not None and job.state in states]


def _history_iff_completed(config: Config, engine: Engine) -> bool:
    return sorted(engine.history) == _of_state(engine, FINAL)


def _queue_iff_pending(config: Config, engine: Engine) -> bool:
    return sorted(engine.queue) == _of_state(engine, frozenset({State.PENDING}))


def _history_bounded(config: Config, engine: Engine) -> bool:
    return config.history is None or len(engine.history) <= config.history


def _requests_only_running(config: Config, engine: Engine) -> bool:
    return all(
        job is None or job.asked is Asked.NOTHING or job.state is State.RUNNING
        for job in engine.jobs
    )


def _worker_iff_running(config: Config, engine: Engine) -> bool:
    return all(
        job is None
        or (
            (job.phase in _WORKING) is (job.state is State.RUNNING)
            and (job.phase is not Phase.LATER or job.state is State.RETRY)
        )
        for job in engine.jobs
    )


def _outcome_told(config: Config, engine: Engine) -> bool:
    for job in engine.jobs:
        if job is None:
            continue
        done = job.done == job.steps == job.shown and job.error == ErrorCode.SUCCESS
        if job.state is State.SUCCESS and not done:
            return False
        if job.state is State.FAILURE and job.error == ErrorCode.SUCCESS:
            return False
    return True


# --- always: of what happens ------------------------------------------------------------------


def _waiting(engine: Engine) -> list[tuple[int, Job]]:
    """The jobs in the queue, in its order."""
    return [(i, job) for i in engine.queue if (job := engine.jobs[i]) is not None]


def _priority_not_passed_over(t: Transition) -> bool:
    started = subject(t)[0]
    if not _starts(t) or started is None:
        return True
    return all(job.priority <= started.priority for _, job in _waiting(t.before))


def _ties_in_order(t: Transition) -> bool:
    """The queue keeps its order, who becomes Pending goes to its end, and the first starts."""
    stay = [i for i in t.before.queue if i in t.after.queue]
    new = [i for i in t.after.queue if i not in t.before.queue]
    if list(t.after.queue) != stay + new or len(new) > 1:
        return False
    started = subject(t)[0]
    if not _starts(t) or started is None:
        return True
    equals = [i for i, job in _waiting(t.before) if job.priority == started.priority]
    return equals[:1] == [job_of(t.what)]


def _success_final(t: Transition) -> bool:
    return all(
        before is None or before.state is not State.SUCCESS or after in (None, before)
        for _, before, after in records(t)
    )


def _refused_changes_nothing(t: Transition) -> bool:
    return not isinstance(t.what, Act) or t.answer == 200 or t.after == t.before


def _canceled_only_by_cancel(t: Transition) -> bool:
    for index, before, after in records(t):
        if after is None or after.error is not ErrorCode.CANCELED_JOB:
            continue
        if before is None or before.error is not ErrorCode.CANCELED_JOB:
            mine = before is not None and job_of(t.what) == index
            owed = isinstance(t.what, Own) and before is not None and asks(before, Action.CANCEL)
            if not mine or not (acts(t, Action.CANCEL) or owed):
                return False
    return True


def _refinement(t: Transition) -> bool:
    """Seen through `State` alone: the edge of the trigger, or no change; gone means completed."""
    born = len(t.before.jobs)
    if len(t.after.jobs) != born + isinstance(t.what, Submit):
        return False
    for index, before, after in records(t):
        here = index == (born if isinstance(t.what, Submit) else job_of(t.what))
        if index < born and before is None:
            if after is not None:
                return False
            continue
        trigger = trigger_of(t.what) if here else None
        source = None if before is None else before.state
        leads = None if trigger is None else target(source, trigger)
        if after is None:
            if not (source in FINAL or (leads in FINAL and t.config.history == 0)):
                return False
        elif after.state is not source and after.state is not leads:
            return False
    return True


def _others_untouched(t: Transition) -> bool:
    """Only the job that it is about changes; another one at most falls out of the history."""
    mine = len(t.before.jobs) if isinstance(t.what, Submit) else job_of(t.what)
    return all(
        index == mine or after == before or (after is None and index in t.before.history)
        for index, before, after in records(t)
    )


def _oldest_evicted_first(t: Transition) -> bool:
    """The history keeps its order, and loses its oldest, by as many as it would be too long."""
    mine = job_of(t.what)
    resubmitted = acts(t, Action.RESUBMIT) and mine in t.before.history
    kept = [i for i in t.before.history if not (resubmitted and i == mine)]
    before, after = subject(t)
    completed = (
        before is not None and before.state not in FINAL and (after is None or after.state in FINAL)
    )
    full = [*kept, mine] if mine is not None and completed else kept
    surplus = 0 if t.config.history is None else max(0, len(full) - t.config.history)
    gone = [i for i, b, a in records(t) if b is not None and a is None]
    return list(t.after.history) == full[surplus:] and sorted(full[:surplus]) == gone


def _steps_once(t: Transition) -> bool:
    """`done` rises by one when a step that succeeded is published; a resubmit sets it to 0."""
    for _, before, after in records(t):
        if before is None or after is None:
            if after is not None and after.done != 0:
                return False
            continue
        if not 0 <= after.done <= after.steps or after[1:3] != before[1:3]:
            return False
        if before.phase is Phase.SUCCEEDED and after.phase is Phase.READY:
            right = before.done + 1
        elif before.state is State.FAILURE and after.state is State.PENDING:
            right = 0
        else:
            right = before.done
        if after.done != right:
            return False
    return True


_WORK: frozenset[tuple[Phase, Phase]] = frozenset(
    {
        (Phase.READY, Phase.SENT),
        (Phase.SENT, Phase.HELD),
        (Phase.HELD, Phase.SUCCEEDED),
        (Phase.HELD, Phase.FAILED),
        (Phase.HELD, Phase.RETRYING),
        (Phase.HELD, Phase.RETRYING_LATER),
        (Phase.SUCCEEDED, Phase.READY),
        (Phase.FAILED, Phase.FAILURE_SHOWN),
    }
)


def _steps_in_order(t: Transition) -> bool:
    """A worker goes through a step as the engine's docstring draws it."""
    before, after = subject(t)
    if isinstance(t.what, Arrive) and (before is None or before.done != t.what.step):
        return False
    if isinstance(t.what, Replied) and (before is None or before.phase is not Phase.HELD):
        return False
    if after is None or after.state is not State.RUNNING:
        return True
    if before is None or before.state is not State.RUNNING:
        return after.phase is Phase.READY
    if _begins(before, after) and before.done >= before.steps:
        return False
    return before.phase is after.phase or (before.phase, after.phase) in _WORK


def _ends_as_its_step_ended(t: Transition) -> bool:
    """How a Running job leaves, as far as the step decides: what it was asked for, others say."""
    before, after = subject(t)
    if before is None or after is None or before.state is not State.RUNNING:
        return True
    match after.state:
        case State.SUCCESS:
            return before.phase is Phase.READY and before.done == before.steps
        case State.FAILURE:
            return before.phase is Phase.FAILURE_SHOWN or asks(before, Action.CANCEL)
        case State.RETRY:
            return before.phase in _STEP_RETRIES | _STEP_FAILED
        case State.RUNNING:
            return True
        case _:
            return before.phase not in {Phase.SENT, Phase.HELD}


def _paused_only_by_pause(t: Transition) -> bool:
    for _, before, after in records(t):
        paused = after is not None and after.state is State.PAUSED
        if not paused or (before is not None and before.state is State.PAUSED):
            continue
        owed = isinstance(t.what, Own) and before is not None and asks(before, Action.PAUSE)
        if not (acts(t, Action.PAUSE) or owed):
            return False
    return True


def _asked_only_by_action(t: Transition) -> bool:
    """A note of a request is made by the request, and names no other."""
    before, after = subject(t)
    if before is None or after is None:
        return True
    return all(
        asks(before, action) or not asks(after, action) or acts(t, action)
        for action in (Action.CANCEL, Action.PAUSE)
    )


def _progress_told(t: Transition) -> bool:
    """What Progress shows changes when a step has ended, and then to the steps done.

    The last step of a job that was asked to cancel is not counted: it leaves Running instead.
    """
    for _, before, after in records(t):
        if before is None or after is None:
            if after is not None and after.shown != 0:
                return False
            continue
        if before.phase is Phase.SUCCEEDED and after.phase is Phase.READY:
            counted = after.done == after.steps and asks(after, Action.CANCEL)
            if after.shown != after.done or counted:
                return False
        elif (
            after.shown != before.shown
            and not (
                before.phase in _STEP_FAILED | _STEP_RETRIES | {Phase.SUCCEEDED}
                and after.shown == after.done
            )
        ) or (
            before.phase is Phase.SUCCEEDED
            and after.state is not State.RUNNING
            and before.done + 1 < before.steps
        ):
            return False
    return True


def _error_told(t: Transition) -> bool:
    """0 from the start of a run on; 9 by a failed step, 37 by a cancel, and not otherwise."""
    for _, before, after in records(t):
        if after is None:
            continue
        if before is None or (before.state is State.PENDING and after.state is State.RUNNING):
            if after.error is not ErrorCode.SUCCESS:
                return False
        elif after.error is not before.error:
            failed = before.phase in _STEP_FAILED and after.error is ErrorCode.NETWORK_PROTOCOL
            if not failed and after.error is not ErrorCode.CANCELED_JOB:
                return False
        elif (
            after.state is State.FAILURE
            and before.state is not State.FAILURE
            and before.phase is not Phase.FAILURE_SHOWN
            and after.error is not ErrorCode.CANCELED_JOB
        ):
            return False
        if after.phase is Phase.FAILURE_SHOWN and after.error is not ErrorCode.NETWORK_PROTOCOL:
            return False
    return True


def _total_deterministic(node: Node) -> bool:
    """Every action on every job and on an unknown id has one answer and one effect: its cell's."""
    found: dict[tuple[Action, int | None], list[Transition]] = {
        (action, job): [] for action in Action for job in (None, *range(len(node.engine.jobs)))
    }
    for t in node.happens:
        if isinstance(t.what, Act):
            found[t.what.action, t.what.job].append(t)
    return all(len(each) == 1 and _as_its_cell(each[0]) for each in found.values())


def _as_its_cell(t: Transition) -> bool:
    assert isinstance(t.what, Act)
    action = t.what.action
    before, after = subject(t)
    found = cell(UNKNOWN if before is None else before.state, action)
    if t.answer != found.status:
        return False
    if found in (Cell.KEEP, Cell.REFUSE):
        return t.after == t.before
    if before is None:  # an unknown id has nothing to take an edge, or to be asked
        return False
    if found is Cell.ASK:
        return after is not None and after.state is before.state and asks(after, action)
    leads = target(before.state, action)
    return leads is not None and (
        leads is after.state if after is not None else leads in FINAL and t.config.history == 0
    )


# --- always: what an observer may be told, and what it may assume ------------------------------


def _listings(engine: Engine, gone: frozenset[int]) -> tuple[frozenset[int], Engine]:
    """What `GET /jobs` lists when the completed jobs ``gone`` turn out to be gone."""
    jobs = tuple(None if i in gone else job for i, job in enumerate(engine.jobs))
    history = tuple(i for i in engine.history if i not in gone)
    left = frozenset(i for i, job in enumerate(jobs) if job is not None)
    return left, Engine(jobs, engine.queue, history)


def _readings_true(node: Node) -> bool:
    """A reading shows what is, and changes nothing."""
    config, engine = node.config, node.engine
    listed = frozenset(i for i, job in enumerate(engine.jobs) if job is not None)
    return _answers(config, engine, List()) == {(listed, engine)} and all(
        _answers(config, engine, Read(i))
        == {(None if job is None else (job.state, job.error, _share(job), job.priority), engine)}
        for i, job in enumerate(engine.jobs)
    )


def _share(job: Job) -> int:
    """The per cent of steps that are shown as done, rounded, a half upwards."""
    return int(100 * job.shown / job.steps + 0.5) if job.steps else 100


def _progress_rounded(config: Config, engine: Engine) -> bool:
    """Of 0 to 8 steps, once, of the empty engine."""
    return bool(engine.jobs) or all(
        _shows(config, job).progress == _share(job)
        for steps in range(9)
        for done in range(steps + 1)
        for job in (Job(State.RUNNING, 0, steps, done, done),)
    )


def _unknown_sizes_permit(node: Node) -> bool:
    """Unknown ConcurrentJobs is as many as one likes; with unknown JobsHistorySize nothing is
    evicted by the engine, and any completed job may turn out to be gone when it is looked for.
    """
    config, engine = node.config, node.engine
    many = len(engine.jobs) + 1
    endless = replace(config, workers=many, history=many)
    unknown = replace(config, workers=None, history=None)
    if set(_moves(unknown, engine)) != set(_moves(endless, engine)):
        return False
    for i in range(len(engine.jobs)):
        gone = [_listings(engine, frozenset({i}))[1]] if i in engine.history else []
        events: list[Event] = [Read(i), *(Act(action, i) for action in Action)]
        for event in events:
            known = _answers(endless, engine, event)
            lost = {outcome for e in gone for outcome in _answers(endless, e, event)}
            if _answers(unknown, engine, event) != known | lost:
                return False
    subsets: list[frozenset[int]] = [frozenset()]
    for i in engine.history:
        subsets += [gone | {i} for gone in subsets]
    return _answers(unknown, engine, List()) == {_listings(engine, gone) for gone in subsets}


def _nothing_out_of_turn(node: Node) -> bool:
    """A POST arrives if it was sent, under its own number; what is held is replied to."""
    config, engine = node.config, node.engine
    for i, job in enumerate(engine.jobs):
        sent = {job.done} if job is not None and job.phase is Phase.SENT else set()
        held = job is not None and job.phase is Phase.HELD
        steps = 1 if job is None else job.steps
        if {n for n in range(-1, steps + 2) if _answers(config, engine, Arrive(i, n))} != sent:
            return False
        if any(bool(_answers(config, engine, Replied(i, reply))) is not held for reply in Reply):
            return False
    return True


def _after(config: Config, engine: Engine, index: int) -> set[tuple[str, Engine]]:
    """The moves of one job."""
    return {(name, after) for name, job, after in _moves(config, engine) if job == index}


def _with(engine: Engine, index: int, job: Job) -> Engine:
    return engine._replace(jobs=(*engine.jobs[:index], job, *engine.jobs[index + 1 :]))


def _long_retry_waits(node: Node) -> bool:
    """A retry with a long delay is one whose delay does not end, and differs in nothing else."""
    config, engine = node.config, node.engine
    for i, job in enumerate(engine.jobs):
        if job is None or job.phase is not Phase.HELD:
            continue
        soon = _after(config, _with(engine, i, job._replace(phase=Phase.RETRYING)), i)
        later = _after(config, _with(engine, i, job._replace(phase=Phase.RETRYING_LATER)), i)
        wait = {
            (name, _with(e, i, one._replace(phase=Phase.LATER)))
            for name, e in soon
            if (one := e.jobs[i]) is not None and one.state is State.RETRY
        }
        others = {
            (name, e)
            for name, e in soon
            if (one := e.jobs[i]) is None or one.state is not State.RETRY
        }
        if later != wait | others or any(_after(config, e, i) for _, e in wait):
            return False
    return True


def _retry_choice(node: Node) -> bool:
    """A server that chooses Retry after a failed step does as after a step that asks for it."""
    config, engine = node.config, node.engine
    known = replace(config, retries=True)
    for i, job in enumerate(engine.jobs):
        if job is None or job.phase not in _STEP_FAILED:
            continue
        asking = _after(config, _with(engine, i, job._replace(phase=Phase.RETRYING)), i)
        plain = _after(config, engine, i)
        if _after(known, engine, i) != plain | asking:
            return False
        paused = {
            (name, e)
            for name, e in asking
            if (one := e.jobs[i]) is not None and one.state is State.PAUSED
        }
        if plain & asking != asking - paused:
            return False
    return True


# The published table, in a form that cannot be read as a second statement of it: the digest of
# its sorted rows, first pinned when the figure and the measurements were compared with
# `spec/table.py` by hand. To recompute: python -c "from spec.properties import *; print(digest())"
AS_PUBLISHED = "f9512e47e12bec8b88e3f84c48514baa95dd6f74a239fb64e281164eb82933d8"


def digest() -> str:
    """The SHA-256 of all rows of `spec.table`: edges, matrix and statuses, boundary, finals."""
    rows = [edge.id for edge in table.EDGES]
    rows += [
        f"{table.cell_id(action, state)} {cell(state, action).name} {cell(state, action).status}"
        for state in table.MATRIX
        for action in table.ACTIONS
    ]
    rows += [
        f"{table.boundary_id(asked, ended)} {' '.join(map(str, triggers))}"
        for asked, row in table.BOUNDARY.items()
        for ended, triggers in row.items()
    ]
    rows += [f"final {state}" for state in FINAL]
    return hashlib.sha256("\n".join(sorted(rows)).encode()).hexdigest()


def _as_published(config: Config, engine: Engine) -> bool:
    return bool(engine.jobs) or digest() == AS_PUBLISHED  # once, of the empty engine


# --- eventually: what must be true of each transition for it ------------------------------------


def _noted(job: Job | None, action: Action) -> bool:
    return job is not None and job.state is State.RUNNING and asks(job, action)


def _cancel_honoured(t: Transition) -> bool:
    """Answered 200: canceled, or noted. Noted: kept until Failure, and no step begins."""
    for index, before, after in records(t):
        if before is None:
            continue
        mine = index == job_of(t.what)
        asked_now = mine and acts(t, Action.CANCEL) and before.state not in FINAL
        if not asked_now and not _noted(before, Action.CANCEL):
            continue
        failed = after is None or after.state is State.FAILURE
        if not failed and (not _noted(after, Action.CANCEL) or _begins(before, after)):
            return False
    return True


_CAN_PAUSE = frozenset({State.PENDING, State.RUNNING, State.RETRY})


def _pause_honoured(t: Transition) -> bool:
    """Answered 200: paused, or noted. Noted: kept until Paused or a rightful Failure."""
    for index, before, after in records(t):
        if before is None:
            continue
        mine = index == job_of(t.what)
        asked_now = mine and acts(t, Action.PAUSE) and before.state in _CAN_PAUSE
        if not asked_now and not _noted(before, Action.PAUSE):
            continue
        if after is None or after.state is State.FAILURE:
            if before.phase not in _STEP_FAILED and not asks(before, Action.CANCEL):
                return False
        elif after.state is not State.PAUSED and (
            not _noted(after, Action.PAUSE) or _begins(before, after)
        ):
            return False
    return True


def before_it(config: Config, engine: Engine, index: int) -> list[int]:
    """The Pending jobs that may be preferred to the Pending job ``index``.

    Those of a higher priority, and of its own the ones that became Pending earlier; all of its
    own where equals have no order.
    """
    unordered = Relaxation.TIES_UNORDERED in config.relaxations
    mine = engine.jobs[index]
    assert mine is not None
    place = engine.queue.index(index) if index in engine.queue else len(engine.queue)
    return [
        other
        for at, other in enumerate(engine.queue)
        if (job := engine.jobs[other]) is not None
        and other != index
        and (
            job.priority > mine.priority
            or (job.priority == mine.priority and (unordered or at < place))
        )
    ]


def _pending_runs(node: Node) -> bool:
    """With none before it, nobody else starts; and it can start as soon as a worker is free.

    Workers become free because Running jobs leave (`running-leaves`), and as nobody else
    starts they stay so: hence this is enough for it to run.
    """
    engine, config = node.engine, node.config
    starts = {t.what.job for t in node.happens if isinstance(t.what, Own) and _starts(t)}
    free = config.workers is None or _running(engine) < config.workers
    first = [
        i
        for i, job in enumerate(engine.jobs)
        if job is not None and job.state is State.PENDING and not before_it(config, engine, i)
    ]
    return all(starts == ({i} if free else set()) for i in first)


def _can_leave(state: State) -> OfNode:
    """Each job in ``state`` can go on by itself: by a move of its own, an arrival, or a reply."""

    def check(node: Node) -> bool:
        able = {
            t.what.job
            for t in node.happens
            if isinstance(t.what, Own | Arrive | Replied) and t.what.job is not None
        }
        return able.issuperset(
            i
            for i, job in enumerate(node.engine.jobs)
            if job is not None and job.state is state and job.phase is not Phase.LATER
        )

    return check


# --- sometimes ------------------------------------------------------------------------------------


def _takes(edge: table.Edge) -> OfTransition:
    def check(t: Transition) -> bool:
        before, after = subject(t)
        source = None if before is None else before.state
        return (
            source is edge.source
            and after is not None
            and after.state is edge.target
            and trigger_of(t.what) == edge.trigger
        )

    return check


def _asks_in(action: Action, state: State) -> OfTransition:
    def check(t: Transition) -> bool:
        before, _ = subject(t)
        named = isinstance(t.what, Act) and t.what.action is action
        return named and before is not None and before.state is state

    return check


_ENDED_IN = {
    Phase.SUCCEEDED: Ended.LAST,
    Phase.FAILED: Ended.FAILED,
    Phase.FAILURE_SHOWN: Ended.FAILED,
    Phase.RETRYING: Ended.RETRY,
    Phase.RETRYING_LATER: Ended.RETRY,
}


def _ended(job: Job) -> Ended | None:
    """How the last step of a Running job ended, as far as its worker has come; None: it has not."""
    if job.phase is Phase.READY:
        return Ended.MORE if job.done < job.steps else Ended.LAST
    return _ENDED_IN.get(job.phase)


def _races(asked: Asked, ended: Ended, trigger: Trigger | str) -> OfTransition:
    def check(t: Transition) -> bool:
        before, after = subject(t)
        if not isinstance(t.what, Own) or before is None or before.state is not State.RUNNING:
            return False
        if before.asked is not asked or _ended(before) is not ended:
            return False
        return _begins(before, after) if trigger == table.STAY else t.what.name == trigger

    return check


def _full_queue(config: Config, engine: Engine) -> bool:
    """Every worker is busy, and every other job waits."""
    waiting = len(engine.queue)
    return waiting > 0 and _running(engine) == config.workers == len(engine.jobs) - waiting


def _eviction(t: Transition) -> bool:
    return any(before is not None and after is None for _, before, after in records(t))


def _two_paused(config: Config, engine: Engine) -> bool:
    return len(_of_state(engine, frozenset({State.PAUSED}))) >= 2


def _shown_early(config: Config, engine: Engine) -> bool:
    return any(
        job is not None and job.state is State.RUNNING and job.shown == job.steps == job.done
        for job in engine.jobs
    )


def _failure_shown_early(config: Config, engine: Engine) -> bool:
    return any(
        job is not None and job.state is State.RUNNING and job.error is ErrorCode.NETWORK_PROTOCOL
        for job in engine.jobs
    )


def _failed_step_retried(t: Transition) -> bool:
    before, after = subject(t)
    failed = before is not None and before.phase in _STEP_FAILED
    return failed and after is not None and after.state is State.RETRY


def _progress_after_resubmit(corrected: bool) -> OfTransition:
    """A step that is not done ends a run that shows Progress from before a resubmit."""

    def check(t: Transition) -> bool:
        before, after = subject(t)
        if before is None or after is None or before.state is not State.RUNNING:
            return False
        old = before.shown > before.done and before.phase in _STEP_RETRIES
        left = after.state is not State.RUNNING
        return old and left and after.shown == (before.done if corrected else before.shown)

    return check


# --- the list -------------------------------------------------------------------------------------


def _always() -> Iterator[Property]:
    def always(
        name: str,
        sentence: str,
        origin: tuple[str, ...] | str,
        relaxed_by: frozenset[Relaxation] = NONE,
        *,
        state: OfState | None = None,
        transition: OfTransition | None = None,
        node: OfNode | None = None,
    ) -> Property:
        return Property(
            name, Modality.ALWAYS, sentence, origin, relaxed_by, state, transition, node
        )

    yield always(
        "as-published",
        "Edges, matrix, ways out of a step and final states are the published ones.",
        "JobsEngineStates figure; measured on Orthanc 1.9.1, 1.10.1, 1.12.7, 1.13.0",
        state=_as_published,
    )
    yield always(
        "running-bounded",
        "There are never more Running jobs than ConcurrentJobs.",
        ("queue/concurrent-jobs",),
        state=_running_bounded,
    )
    yield always(
        "history-iff-completed",
        "A job is in the history, once, if and only if it is Success or Failure.",
        (
            "history/tagged",
            "history/kept",
            "history/resubmitted-leaves",
        ),
        state=_history_iff_completed,
    )
    yield always(
        "queue-iff-pending",
        "A job is in the queue, once, if and only if it is Pending.",
        ("queue/pending-first",),
        state=_queue_iff_pending,
    )
    yield always(
        "history-bounded",
        "The history never holds more than JobsHistorySize jobs.",
        ("history/size",),
        state=_history_bounded,
    )
    yield always(
        "oldest-evicted-first",
        "Jobs leave the history only by a resubmit, or because it is full: the oldest first.",
        (
            "history/oldest-first",
            "history/unfinished-never-evicted",
        ),
        transition=_oldest_evicted_first,
    )
    yield always(
        "requests-only-running",
        "Requests for a pause or a cancel exist only on Running jobs.",
        ("step/requests-end-with-run",),
        state=_requests_only_running,
    )
    yield always(
        "asked-only-by-action",
        "A job is asked for a pause or a cancel by that action only.",
        ("step/requests-end-with-run",),
        transition=_asked_only_by_action,
    )
    yield always(
        "worker-iff-running",
        "A worker is at work on a job if and only if the job is Running.",
        (
            "step/only-while-running",
            "queue/worker-freed",
        ),
        state=_worker_iff_running,
    )
    yield always(
        "priority-not-passed-over",
        "No Pending job of a higher priority is passed over when a job starts.",
        ("queue/priority-order",),
        transition=_priority_not_passed_over,
    )
    yield always(
        "ties-in-order",
        "Pending jobs of equal priority start in the order in which they became Pending.",
        ("queue/ties-in-order",),
        frozenset({Relaxation.TIES_UNORDERED}),
        transition=_ties_in_order,
    )
    yield always(
        "success-final",
        "A Success job never changes again; it can only fall out of the history.",
        "JobsEngineStates figure: no edge leaves Success",
        transition=_success_final,
    )
    yield always(
        "refused-changes-nothing",
        "A refused action changes nothing.",
        ("action/resume/pending",),
        transition=_refused_changes_nothing,
    )
    yield always(
        "canceled-only-by-cancel",
        "The error of a canceled job only comes from a cancel of that job, answered 200.",
        ("monitor/error-code-cancelled",),
        transition=_canceled_only_by_cancel,
    )
    yield always(
        "paused-only-by-pause",
        "A job becomes Paused only by a pause of that job, answered 200.",
        ("monitor/state-paused",),
        transition=_paused_only_by_pause,
    )
    yield always(
        "refinement",
        "Seen through its State alone, a job takes the published edge of what happens, or none.",
        "JobsEngineStates figure",
        transition=_refinement,
    )
    yield always(
        "total-deterministic",
        "Every action on every job and on an unknown id has one answer and one effect: its cell's.",
        "the action matrix of spec/table.py",
        node=_total_deterministic,
    )
    yield always(
        "never-an-error",
        "Whatever is done is answered or cannot happen, and whatever the engine goes on to do is "
        "done: nothing ends in an error.",
        "the action matrix of spec/table.py: each cell has an answer",
    )
    yield always(
        "others-untouched",
        "What happens to a job changes no other job, which can only fall out of the history.",
        "JobsEngineStates figure: it is drawn for one job",
        transition=_others_untouched,
    )
    yield always(
        "steps-once",
        "In one run each step is done once; a resumed run goes on, a resubmitted one starts over.",
        (
            "step/run-once",
            "step/resumed-goes-on",
            "step/resubmitted-starts-over",
        ),
        transition=_steps_once,
    )
    yield always(
        "steps-in-order",
        "A worker sends a step that is left, waits for its reply, publishes it, and goes on.",
        (
            "step/run-once",
            "step/only-while-running",
        ),
        transition=_steps_in_order,
    )
    yield always(
        "ends-as-its-step-ended",
        "Success needs all steps done, Failure a failed step or a cancel, Retry a step's failure.",
        (
            "monitor/state-success",
            "monitor/state-failure",
            "monitor/state-retry",
        ),
        transition=_ends_as_its_step_ended,
    )
    yield always(
        "outcome-told",
        "A Success job shows Progress 100 and no error; a Failure job shows an error.",
        (
            "monitor/progress",
            "monitor/error-code",
        ),
        state=_outcome_told,
    )
    yield always(
        "progress-told",
        "Progress changes only when a step has ended, and then it tells the steps done.",
        (
            "monitor/progress-rounded",
            "monitor/resubmitted-progress",
        ),
        transition=_progress_told,
    )
    yield always(
        "error-told",
        "ErrorCode becomes 0 at the start, 9 by a failed step, 37 by a cancel, and not otherwise.",
        (
            "monitor/error-code-step",
            "monitor/resubmitted-error-code",
        ),
        transition=_error_told,
    )
    yield always(
        "readings-true",
        "A reading shows the job as it is, the list shows who is there, and neither changes it.",
        (
            "monitor/job",
            "monitor/list",
        ),
        node=_readings_true,
    )
    yield always(
        "progress-rounded",
        "Progress is the rounded per cent of steps done.",
        ("monitor/progress-rounded",),
        state=_progress_rounded,
    )
    yield always(
        "nothing-out-of-turn",
        "A step arrives once it was sent, and is replied to once it has arrived.",
        ("step/run-once",),
        node=_nothing_out_of_turn,
    )
    yield always(
        "unknown-sizes-permit",
        "Where ConcurrentJobs and JobsHistorySize are unknown, what some sizes allow is allowed.",
        (
            "queue/concurrent-jobs",
            "history/size",
        ),
        node=_unknown_sizes_permit,
    )
    yield always(
        "long-retry-waits",
        "A Retry with a long delay is a Retry whose delay does not end, and nothing else.",
        ("monitor/state-retry",),
        node=_long_retry_waits,
    )
    yield always(
        "retry-choice",
        "A failed step may lead to where a step that asks for Retry leads, except that a pause can "
        "end so only on a server that was seen to choose Retry.",
        (
            "edge/running/retry/retry",
            "race/pause/step-fails",
        ),
        node=_retry_choice,
    )


def _sometimes() -> Iterator[Property]:
    def sometimes(
        name: str,
        sentence: str,
        origin: tuple[str, ...] | str,
        *,
        state: OfState | None = None,
        transition: OfTransition | None = None,
        jobs: Callable[[int, int], int] = lambda workers, history: 1,
    ) -> Property:
        return Property(
            name,
            Modality.SOMETIMES,
            sentence,
            origin,
            state=state,
            transition=transition,
            jobs=jobs,
        )

    for edge in table.EDGES:
        yield sometimes(
            f"reaches-{edge.id}",
            f"A job takes the edge {edge.id.removeprefix('edge/')}.",
            (edge.id,),
            transition=_takes(edge),
        )
    for state in State:
        for action in table.ACTIONS:
            id = table.cell_id(action, state)
            yield sometimes(
                f"reaches-{id.replace('action/', 'cell/')}",
                f"Action {action} meets a job that is {state}.",
                (id,),
                transition=_asks_in(action, state),
            )
    for asked, row in table.BOUNDARY.items():
        for ended, triggers in row.items():
            for trigger in triggers:
                id = table.boundary_id(asked, ended)
                yield sometimes(
                    f"reaches-{id}/{trigger}",
                    f"A job that was asked for {asked} goes by {trigger}: {ended}.",
                    (id,),
                    transition=_races(asked, ended, trigger),
                )
    yield sometimes(
        "full-queue",
        "All workers are busy, and every other job waits in the queue.",
        ("queue/concurrent-jobs",),
        state=_full_queue,
        jobs=lambda workers, history: workers + 1,
    )
    yield sometimes(
        "eviction",
        "A completed job falls out of the history.",
        ("history/size",),
        transition=_eviction,
        jobs=lambda workers, history: history + 1,
    )
    yield sometimes(
        "two-paused",
        "Two jobs are Paused at once.",
        ("monitor/state-paused",),
        state=_two_paused,
        jobs=lambda workers, history: 2,
    )
    yield sometimes(
        "resubmitted-succeeds",
        "A job that was resubmitted ends in Success.",
        ("step/resubmitted-starts-over",),
    )
    yield sometimes(
        "progress-before-success",
        "The last step's result is published while the job still reads Running.",
        ("monitor/result-not-late",),
        state=_shown_early,
    )
    yield sometimes(
        "error-before-failure",
        "A failed step's ErrorCode is published while the job still reads Running.",
        ("monitor/result-not-late",),
        state=_failure_shown_early,
    )
    yield sometimes(
        "failed-step-retried",
        "A failed step leads to Retry: the server's choice.",
        ("edge/running/retry/retry",),
        transition=_failed_step_retried,
    )
    for corrected, word in ((False, "kept"), (True, "corrected")):
        yield sometimes(
            f"old-progress-{word}",
            f"Progress from before a resubmit is {word} when a first step ends without success.",
            ("monitor/resubmitted-progress",),
            transition=_progress_after_resubmit(corrected),
        )
    for relaxation in Relaxation:
        yield sometimes(
            f"relaxation-matters/{relaxation}",
            f"Something happens with {relaxation} that does not happen without it.",
            f"spec/relaxations.py: {relaxation.sentence}",
            jobs=lambda workers, history: 2,
        )


def _eventually() -> Iterator[Property]:
    lost = frozenset({Relaxation.REQUEST_LOST_ON_LAST_STEP})
    yield Property(
        "cancel-honoured",
        Modality.EVENTUALLY,
        "A cancel answered 200 in Pending, Running, Retry or Paused leads to Failure, and no "
        "further step begins.",
        (
            "action/cancel/running",
            "step/one-after-answer",
        ),
        lost | {Relaxation.CANCEL_LOST_TO_PAUSE},
        transition=_cancel_honoured,
        rests_on=("running-leaves",),
    )
    yield Property(
        "pause-honoured",
        Modality.EVENTUALLY,
        "A pause answered 200 in Pending, Running or Retry leads to Paused, or to Failure because "
        "its step failed or a cancel was answered 200; no further step begins in between.",
        (
            "action/pause/running",
            "step/one-after-answer",
        ),
        lost,
        transition=_pause_honoured,
        rests_on=("running-leaves",),
    )
    yield Property(
        "pending-runs",
        Modality.EVENTUALLY,
        "A Pending job that is never paused or canceled, and from some point on has none before "
        "it in the queue, runs.",
        ("queue/free-worker-takes",),
        node=_pending_runs,
        rests_on=("running-leaves",),
    )
    yield Property(
        "running-leaves",
        Modality.EVENTUALLY,
        "A Running job leaves Running.",
        ("queue/worker-freed",),
        node=_can_leave(State.RUNNING),
        leaves=State.RUNNING,
    )
    yield Property(
        "retry-leaves",
        Modality.EVENTUALLY,
        "A Retry job leaves Retry; that a chain of retries ends is not promised.",
        ("monitor/state-retry",),
        node=_can_leave(State.RETRY),
        leaves=State.RETRY,
    )


PROPERTIES: tuple[Property, ...] = (*_always(), *_sometimes(), *_eventually())
BY_NAME: dict[str, Property] = {found.name: found for found in PROPERTIES}
