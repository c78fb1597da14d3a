"""Linearizability: is there an order of the calls that explains every answer?

The search is the one of Wing and Gong, with the memory of Lowe's and of porcupine: it goes
through the sets of calls that may have taken effect so far, and keeps for each the engines that
some order leads to. A call may be the next one if no call that is still to come had ended before
it began. Between two calls the engine may make any of its own moves.

Three things keep it small, and none of them loses an order:

- Two orders of the same calls that lead to the same engine are one: only the engine decides what
  may follow. So a set of calls is looked at once, with all engines that its orders lead to.
- Of calls that are alike, in what they ask and what they were answered, the one that ended first
  goes first. Where another order explains the history, the two may change places in it: the
  first may stand where the other stood, for it could be next as well, and the other may come
  later than it did, for whatever must follow it must follow the first one, too.
- Jobs that cannot get in each other's way are looked at one by one (`_apart`).

What is left is bounded by a budget, past which there is no verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import permutations, product

from conformance.errors import Unjudged
from conformance.oracle.history import Call
from spec.closure import closure
from spec.engine import (
    Act,
    Arrive,
    Config,
    Engine,
    Event,
    List,
    Phase,
    Read,
    Replied,
    Reply,
    Submit,
    moves,
    step,
)
from spec.table import Action, State

BUDGET = 100_000  # engines that are looked at, each with a set of calls
SHRINKING = 4 * BUDGET  # the same, in all tries to make a history shorter
ALIKE = 4  # engines that a history of several jobs may begin with, to be looked at one by one

Engines = frozenset[Engine]

# A step that has failed, or asks for a retry, may lead to Retry, and from there into the queue.
_MAY_RETRY = frozenset({Phase.FAILED, Phase.FAILURE_SHOWN, Phase.RETRYING, Phase.RETRYING_LATER})


class Verdict(StrEnum):
    """What comes of a history. ``UNKNOWN``: the budget was spent before it was decided."""

    PASS = "pass"
    DEVIATION = "deviation"
    UNKNOWN = "unknown"


class Exhausted(Unjudged):
    """The budget of a search is spent."""

    def __init__(self, calls: int) -> None:
        super().__init__(f"the orders of {calls} calls at the same moment are too many to look at")


def judge(
    config: Config, engines: Iterable[Engine], calls: Sequence[Call], budget: int = BUDGET
) -> Verdict:
    """Whether some order of ``calls``, from one of ``engines`` on, explains all answers."""
    try:
        found = explaining(config, engines, calls, budget)
    except Exhausted:
        return Verdict.UNKNOWN
    return Verdict.PASS if found else Verdict.DEVIATION


def explaining(
    config: Config, engines: Iterable[Engine], calls: Sequence[Call], budget: int = BUDGET
) -> Engines:
    """All engines that an order of ``calls`` which explains them may have led to.

    They are closed under the engine's own moves. Raises `Exhausted`.
    """
    begins = _with_places(engines, calls)
    purse = _Purse(budget, len(calls))
    if not _apart(config, begins, calls):
        return _ordered(config, begins, calls, purse)
    return frozenset().union(*(_one_by_one(config, begin, calls, purse) for begin in begins))


# --- one search -------------------------------------------------------------------------------


@dataclass
class _Purse:
    """What is left of a budget."""

    left: int
    calls: int

    def spend(self, engines: int) -> None:
        self.left -= engines
        if self.left < 0:
            raise Exhausted(self.calls)


class _Space:
    """The engines of one search, by number: an engine is long to hash, and is met often."""

    def __init__(self, config: Config, purse: _Purse) -> None:
        self._config = config
        self._purse = purse
        self._numbers: dict[Engine, int] = {}
        self._engines: list[Engine] = []
        self._closed: dict[int, frozenset[int]] = {}

    def closed(self, engines: Iterable[Engine]) -> frozenset[int]:
        """The engines with all that their own moves lead to."""
        return frozenset().union(*(self._reach(self._number(engine)) for engine in engines))

    def after(self, number: int, call: Call) -> frozenset[int]:
        """Where ``call`` may lead to, with what it was answered."""
        return self.closed(_after(self._config, self._engines[number], call))

    def engines(self, numbers: Iterable[int]) -> Engines:
        return frozenset(self._engines[number] for number in numbers)

    def _number(self, engine: Engine) -> int:
        number = self._numbers.setdefault(engine, len(self._engines))
        if number == len(self._engines):
            self._purse.spend(1)
            self._engines.append(engine)
        return number

    def _reach(self, start: int) -> frozenset[int]:
        if start not in self._closed:
            self._closed[start] = frozenset(closure({start}, self._onward))
        return self._closed[start]

    def _onward(self, number: int) -> Iterator[int]:
        for _, _, engine in moves(self._config, self._engines[number]):
            yield self._number(engine)


def _ordered(config: Config, begins: Engines, calls: Sequence[Call], purse: _Purse) -> Engines:
    """The search: ``front`` holds the sets of calls of one size, with the engines they lead to."""
    ordered = sorted(calls, key=lambda call: call.end)
    kinds = _kinds(ordered)
    first, last = _neighbours(ordered)
    wanted = sum(1 << at for at, call in enumerate(ordered) if not call.free)
    space = _Space(config, purse)
    known: dict[tuple[int, int], frozenset[int]] = {}
    front: dict[int, frozenset[int]] = {0: space.closed(begins)}
    found: set[int] = set()
    while front:
        larger: dict[int, frozenset[int]] = {}
        for done, engines in front.items():
            purse.spend(len(engines))
            if done & wanted == wanted:
                found |= engines
                continue
            tried: set[int] = set()
            for at, kind in enumerate(kinds):
                possible = not (done >> at & 1 or first[at] & ~done or last[at] & done)
                if not possible or kind in tried:
                    continue
                tried.add(kind)
                after: set[int] = set()
                for engine in engines:
                    if (engine, kind) not in known:
                        known[engine, kind] = space.after(engine, ordered[at])
                    after |= known[engine, kind]
                if after:
                    more = done | 1 << at
                    larger[more] = larger.get(more, frozenset()) | after
        front = larger
    return space.engines(found)


def _with_places(engines: Iterable[Engine], calls: Sequence[Call]) -> Engines:
    """The engines with a place for each job that is to be born."""
    count = max((call.job + 1 for call in calls if call.job is not None), default=0)
    return frozenset(
        engine._replace(jobs=engine.jobs + (None,) * (count - len(engine.jobs)))
        for engine in engines
    )


def _kinds(calls: Sequence[Call]) -> list[int]:
    """For each call a number that it shares with those that are alike."""
    numbers: dict[Call, int] = {}
    plain = (replace(call, client="", begin=0.0, end=0.0) for call in calls)
    return [numbers.setdefault(call, len(numbers)) for call in plain]


def _neighbours(calls: Sequence[Call]) -> tuple[list[int], list[int]]:
    """For each call the set of those that must have come before it, and must not have.

    A free call need not come at all; if it does, then not after what began when it had ended.
    """
    first, last = [], []
    for call in calls:
        before = (1 << i for i, one in enumerate(calls) if one.end < call.begin and not one.free)
        first.append(sum(before))
        last.append(sum(1 << i for i, one in enumerate(calls) if call.end < one.begin))
    return first, last


def _after(config: Config, engine: Engine, call: Call) -> Iterable[Engine]:
    """Where the engine may be after ``call``, if that may have been answered as it was."""
    for answer, after in step(config, engine, call.event):
        if call.free or answer == call.answer:
            yield after if call.job is None else _born(after, call.job)


def _born(engine: Engine, job: int) -> Engine:
    """The newest job as number ``job``, for which a place was kept: others may be born first."""
    newest = len(engine.jobs) - 1
    jobs = list(engine.jobs[:newest])
    jobs[job] = engine.jobs[newest]
    queue = tuple(job if one == newest else one for one in engine.queue)
    return engine._replace(jobs=tuple(jobs), queue=queue)


# --- jobs that cannot get in each other's way ---------------------------------------------------


def _apart(config: Config, begins: Engines, calls: Sequence[Call]) -> bool:
    """Whether each job is explained by the calls to it alone.

    Jobs meet in two places. One is the queue: who is in it keeps others out of a worker. So no
    job may be Pending, or come to be: by a submission, a resume, a resubmit, or out of Retry.
    A job that is Running keeps its worker, and one that leaves it can only give it to a Pending
    one. The other is the history, which must have room for all. A reading of the list is about
    all jobs at once.
    """
    if len(begins) > ALIKE or len({job for call in calls for job in _jobs(call.event)}) < 2:
        return False
    for call in calls:
        match call.event:
            case Submit() | List():
                return False
            case Act(Action.RESUME | Action.RESUBMIT) if call.free or call.changes:
                return False
            case Replied(_, reply) if reply is not Reply.SUCCEED:
                return False
    return not any(
        engine.queue
        or any(job is not None and job.state is State.RETRY for job in engine.jobs)
        or (config.history is not None and len(engine.jobs) > config.history)
        or any(job is not None and job.phase in _MAY_RETRY for job in engine.jobs)
        for engine in begins
    )


def _jobs(event: Event) -> tuple[int, ...]:
    match event:
        case Act(_, int(job)) | Arrive(job) | Replied(job) | Read(job):
            return (job,)
    return ()


def _one_by_one(config: Config, begin: Engine, calls: Sequence[Call], purse: _Purse) -> Engines:
    """`explaining`, job by job. What completed together has completed in any order."""
    parts = []
    for number in range(len(begin.jobs)):
        mine = [call for call in calls if number in _jobs(call.event)]
        parts.append(_ordered(config, frozenset({_alone(begin, number)}), mine, purse))
    rest = [call for call in calls if not _jobs(call.event)]
    if not _ordered(config, frozenset({begin}), rest, purse):
        return frozenset()
    found: set[Engine] = set()
    for alone in product(*parts):
        jobs = tuple(engine.jobs[number] for number, engine in enumerate(alone))
        kept = tuple(job for job in begin.history if job in alone[job].history)
        new = [n for n, engine in enumerate(alone) if engine.history and n not in kept]
        for order in permutations(new):
            purse.spend(1)
            found.add(Engine(jobs, (), (*kept, *order)))
    return frozenset(found)


def _alone(engine: Engine, number: int) -> Engine:
    """The engine with one job only."""
    jobs = tuple(job if n == number else None for n, job in enumerate(engine.jobs))
    return Engine(jobs, (), tuple(n for n in engine.history if n == number))


# --- the shortest history ----------------------------------------------------------------------


def shortest(
    config: Config, begins: Iterable[Engine], calls: Sequence[Call], budget: int = SHRINKING
) -> tuple[Call, ...]:
    """A part of ``calls`` that no order explains, whatever became of the others.

    A reading or a refused action that is left out is as if it had not been made. Any other call
    that is left out is free: it may have taken effect or not. So the part is unexplainable by
    itself, and not for want of what was left out. Nothing, where ``calls`` are explainable, or
    the budget does not reach to tell.
    """
    engines = _with_places(begins, calls)
    for alone, mine in _parts(config, engines, calls):
        if judge(config, {alone}, mine) is Verdict.DEVIATION:
            engines, calls = frozenset({alone}), mine
    purse = _Purse(budget, len(calls))
    ordered = sorted(calls, key=lambda call: call.end)

    def explained(kept: Sequence[Call]) -> bool:
        """Whether it is, as far as the budget tells."""
        try:
            return bool(_ordered(config, engines, _freed(ordered, kept), purse))
        except Exhausted:
            return True

    for count in range(1, len(ordered) + 1):  # up to the answer with which it became wrong
        if not explained(ordered[:count]):
            break
    else:
        return ()
    best = ordered[:count]
    for call in reversed(best[:-1]):
        if not explained(fewer := [one for one in best if one is not call]):
            best = fewer
    return tuple(best)


def _parts(
    config: Config, engines: Engines, calls: Sequence[Call]
) -> Iterator[tuple[Engine, list[Call]]]:
    """Where jobs cannot get in each other's way: each alone, and the calls to it."""
    if len(engines) == 1 and _apart(config, engines, calls):
        (engine,) = engines
        for number in range(len(engine.jobs)):
            yield _alone(engine, number), [c for c in calls if number in _jobs(c.event)]


def _freed(calls: Iterable[Call], kept: Sequence[Call]) -> list[Call]:
    """The calls that are kept, and those that may have changed something, as free ones."""
    held = {id(call) for call in kept}
    return [
        call if id(call) in held else replace(call, free=True)
        for call in calls
        if id(call) in held or call.changes
    ]
