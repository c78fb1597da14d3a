"""`concurrent/`: several clients act on the same jobs at the same moment.

Each case brings jobs into a state, lets eight clients go at once, and looks for an order of their
calls that explains every answer, every arrival at the gate, and all that is read afterwards
(`conformance.concurrent`). Each pair of actions is tried in each state; beyond that, what each
client asks is left to chance, round by round.

At the end of a round each job is taken up from wherever it is, and run to its end before a job
that is less urgent: whatever was queued a second time starts before that one, so that nothing
that must not come has to be waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import combinations_with_replacement
from typing import TypeAlias

from conformance.driver.burst import Ask, New, Plan, burst, pictured
from conformance.driver.context import Context
from conformance.driver.script import Do, Step, act, complete, fail, read, submit, succeed
from conformance.suites.case import Case, Check, blocker_names, blockers
from conformance.sut.profile import Profile
from spec.engine import Reply
from spec.table import Action, Asked, Cell, Ended, State, boundary_id, cell, cell_id

JOB, OTHER, LAST = "A", "B", "Z"
CLIENTS = 8
ROUNDS = 4
AIMED = 8  # rounds of one action that meets one moment of the engine
LATEST = 4  # before it so many readings less one, which take a millisecond each
EACH = 2  # rounds for each pair: on a busy machine two clients may miss each other
NEW = 4  # submissions at the same moment: every order of them is possible
LESS_URGENT = -1
ACTIONS = tuple(Action)
FEW = (2, 4, CLIENTS)  # clients that act, while the others read
BOTH_ASKED = boundary_id(Asked.BOTH, Ended.MORE)
RESUMED = cell_id(Action.RESUME, State.PAUSED)
RESUBMITTED = cell_id(Action.RESUBMIT, State.FAILURE)
CANCELED = cell_id(Action.CANCEL, State.PENDING)

Asks: TypeAlias = tuple[tuple[Ask, ...], ...]  # for each client what it asks, in order
# Chooses what each client asks: actions out of some, on jobs out of some.
Choose: TypeAlias = Callable[[Sequence[Action], Sequence[str]], Asks]
Round: TypeAlias = Callable[[Context, str, Choose], None]


def cases(profile: Profile) -> Iterator[Case]:
    for state, requirement, check in (
        (State.RUNNING, BOTH_ASKED, running),
        (State.PAUSED, RESUMED, paused),
        (State.FAILURE, RESUBMITTED, failure),
        (State.PENDING, CANCELED, partial(pending, profile)),
    ):
        both = pairs(state)
        one_round = partial(in_pairs, both, check)
        rounds = EACH * len(both)
        yield _case(f"pairs/{state.lower()}", requirement, one_round, profile, rounds)
        yield _case(state.lower(), requirement, partial(by_chance, check), profile)
    for name, requirement, check in (
        ("step-ends", boundary_id(Asked.NOTHING, Ended.MORE), step_ends),
        ("last-step-ends", boundary_id(Asked.BOTH, Ended.LAST), last_step_ends),
        ("one-worker", "queue/concurrent-jobs", partial(one_worker, profile)),
        ("two-jobs", boundary_id(Asked.PAUSE, Ended.MORE), two_jobs),
    ):
        yield _case(name, requirement, partial(by_chance, check), profile)
    for action in (Action.PAUSE, Action.CANCEL):
        for name, requirement, check in (
            ("last-step-ends", boundary_id(Asked(action), Ended.LAST), last_step_ends),
            ("start", cell_id(action, State.PENDING), partial(starts, profile)),
        ):
            one_round = partial(aimed, action, check)
            yield _case(f"{name}/{action}", requirement, one_round, profile, AIMED)
    yield _case("submissions", "submit/creates-job", partial(submissions, profile), profile)


def _case(
    name: str,
    requirement: str,
    one_round: Callable[[str, Context], None],
    profile: Profile,
    repeat: int = ROUNDS,
) -> Case:
    return Check(
        f"concurrent/{name}",
        requirement,
        check=partial(one_round, requirement),
        repeat=repeat,
        by_chance=True,
    )


# --- who asks what ------------------------------------------------------------------------------


def pairs(state: State) -> list[tuple[Action, Action]]:
    """Two actions at once on a job in ``state``, of which one at least may change it."""
    moves = {action for action in ACTIONS if cell(state, action) in (Cell.EDGE, Cell.ASK)}
    both = combinations_with_replacement(ACTIONS, 2)
    return [pair for pair in both if moves & set(pair)]


def in_pairs(
    both: Sequence[tuple[Action, Action]], round_: Round, requirement: str, context: Context
) -> None:
    """Each pair in turn, by two clients, while the others read."""
    first, second = both[context.number % len(both)]

    def asks(_: Sequence[Action], jobs: Sequence[str]) -> Asks:
        (job,) = jobs
        readers = [(Ask(job),)] * (CLIENTS - 2)
        return ((Ask(job, first),), (Ask(job, second),), *readers)

    round_(context, requirement, asks)


def aimed(action: Action, round_: Round, requirement: str, context: Context) -> None:
    """One client acts, a little later from round to round, and another one reads.

    So nothing else hides what becomes of the action.
    """

    def asks(_: Sequence[Action], jobs: Sequence[str]) -> Asks:
        (job,) = jobs
        return ((*[Ask(job)] * (context.number % LATEST), Ask(job, action)), (Ask(job),))

    round_(context, requirement, asks)


def by_chance(round_: Round, requirement: str, context: Context) -> None:
    """Each client asks one or two things, one after the other.

    A round does without some of the actions, and in some rounds few clients act: where everything
    is asked of a job at once, what comes later hides what has been lost before.
    """
    draw = context.draw

    def asks(actions: Sequence[Action], jobs: Sequence[str]) -> Asks:
        kinds = draw.sample(actions, draw.randint(2, len(actions)))
        acting = draw.choice(FEW)
        most = 1 if len(jobs) > 1 else 2
        return tuple(
            tuple(
                Ask(draw.choice(jobs), draw.choice([*kinds, None]) if client < acting else None)
                for _ in range(draw.randint(1, most))
            )
            for client in range(CLIENTS)
        )

    round_(context, requirement, asks)


# --- the rounds ---------------------------------------------------------------------------------


def running(context: Context, requirement: str, asks: Choose) -> None:
    """A Running job whose step is held: what it was asked for counts when the step has ended."""
    context.do(submit(JOB, 3))
    with pictured(context):
        burst(context, Plan(asks(ACTIONS, (JOB,))), requirement)
        to_the_end(context, JOB)


def step_ends(context: Context, requirement: str, asks: Choose) -> None:
    """A reading sees the job before its step has ended or after, and never something between."""
    context.do(submit(JOB, 4))
    clients = asks((Action.PAUSE, Action.RESUME), (JOB,))
    plan = Plan(clients, ((JOB, Reply.SUCCEED),), (Reply.SUCCEED,))
    with pictured(context):
        burst(context, plan, requirement)
        to_the_end(context, JOB)


def last_step_ends(context: Context, requirement: str, asks: Choose) -> None:
    """The last step ends while the job is asked for this and that."""
    context.do(submit(JOB, 2), succeed(JOB))
    reply = context.draw.choice((Reply.SUCCEED, Reply.FAIL))
    with pictured(context):
        burst(context, Plan(asks(ACTIONS, (JOB,)), ((JOB, reply),)), requirement)
        to_the_end(context, JOB)


def paused(context: Context, requirement: str, asks: Choose) -> None:
    """Of several resumes of a Paused job one is accepted, and it goes on once."""
    context.do(submit(JOB, 3), act(Action.PAUSE, JOB), succeed(JOB), read(JOB))
    with pictured(context):
        burst(context, Plan(asks((Action.RESUME, *ACTIONS), (JOB,))), requirement)
        to_the_end(context, JOB)


def failure(context: Context, requirement: str, asks: Choose) -> None:
    """Of several resubmits of a job in Failure one is accepted, and it starts over once."""
    context.do(submit(JOB, 2), fail(JOB), read(JOB))
    with pictured(context):
        burst(context, Plan(asks((Action.RESUBMIT, *ACTIONS), (JOB,))), requirement)
        to_the_end(context, JOB)


def pending(profile: Profile, context: Context, requirement: str, asks: Choose) -> None:
    """A Pending job moves with each action, since no worker holds it."""
    context.do(*blockers(profile), submit(JOB, 2))
    with pictured(context):
        burst(context, Plan(asks(ACTIONS, (JOB,))), requirement)
        context.do(*(complete(name) for name in blocker_names(profile)))
        to_the_end(context, JOB)


def starts(profile: Profile, context: Context, requirement: str, asks: Choose) -> None:
    """A worker becomes free for a Pending job while that is acted on."""
    first, *others = blocker_names(profile)
    context.do(*blockers(profile), submit(JOB, 2))
    with pictured(context):
        burst(context, Plan(asks(ACTIONS, (JOB,)), ((first, Reply.SUCCEED),)), requirement)
        context.do(*(complete(name) for name in others))
        to_the_end(context, JOB)


def one_worker(profile: Profile, context: Context, requirement: str, asks: Choose) -> None:
    """Two jobs, and one worker for them: it is given up and taken while they are acted on."""
    others = blocker_names(profile)[1:]
    context.do(*(submit(name) for name in others), submit(JOB, 2), submit(OTHER, 2))
    reply = context.draw.choice((Reply.SUCCEED, Reply.FAIL))
    with pictured(context):
        burst(context, Plan(asks(ACTIONS, (JOB, OTHER)), ((JOB, reply),)), requirement)
        to_the_end(context, JOB, OTHER)


def two_jobs(context: Context, requirement: str, asks: Choose) -> None:
    """Two jobs, which may both be Running: neither gets what the other was asked for."""
    context.do(submit(JOB, 2), submit(OTHER, 2))
    with pictured(context):
        burst(context, Plan(asks((Action.CANCEL, Action.PAUSE), (JOB, OTHER))), requirement)
        to_the_end(context, JOB, OTHER)


def submissions(profile: Profile, requirement: str, context: Context) -> None:
    """Each makes one job, and they run in an order in which they may have been taken.

    Every second round each has a Priority of its own.
    """
    context.do(*blockers(profile))
    names = [f"{JOB}{number + 1}" for number in range(NEW)]
    priorities = [number * (context.number % 2) for number in range(NEW)]
    made = tuple(map(partial(new, context), names, priorities))
    with pictured(context):
        burst(context, Plan(made), requirement)
        for name in names:
            mine = [context.driver.jobs[name].id]
            context.equal(
                "submit/creates-job", "the jobs of the call are", mine, context.made(name)
            )
        context.do(*(complete(name) for name in blocker_names(profile)))
        to_the_end(context, *names)


def new(context: Context, name: str, priority: int) -> tuple[New]:
    path, body = context.prepare(name)
    return (New(name, path, {**body, "Asynchronous": True, "Priority": priority}, priority),)


def to_the_end(context: Context, *jobs: str) -> None:
    """Run every job to its end, from wherever it is, and a less urgent one behind them."""
    context.do(Step(Do.EXPAND), *(complete(job) for job in jobs), *(read(job) for job in jobs))
    for job in jobs:
        context.do(act(Action.RESUME, job), act(Action.RESUBMIT, job))
    context.do(submit(LAST, priority=LESS_URGENT))
    for _ in jobs:  # the end of one may let another one begin
        context.do(*(complete(job) for job in jobs))
    context.do(complete(LAST), Step(Do.EXPAND))
