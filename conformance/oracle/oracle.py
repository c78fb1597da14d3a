"""The oracle: the set of engines that explain what was seen. The empty set is a deviation.

The oracle is told what happened, in order: inputs with their answers, arrivals, readings. It
steps every engine of its set with each of them, keeps those whose answer is the one that was
seen, and closes the set under the engine's own moves, which may or may not have happened.

When the set becomes empty, the same history is tried again with relaxations admitted, the
smallest sets first. If one explains it, that is a *finding* which has a name, and the oracle
goes on behind it. If none does, nothing in the catalogue explains what the server did.

A server that ends and is started again is as it was when it last saved its jobs, and that moment
is not seen. So the oracle keeps all sets that it went through, and after a restart holds what
`spec.restart` makes of all that come into question.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from conformance.errors import Unjudged
from conformance.oracle.history import Together, words
from conformance.oracle.linearization import explaining, shortest
from spec.engine import (
    EMPTY,
    Act,
    Answer,
    Arrive,
    Config,
    Engine,
    Event,
    Job,
    List,
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
from spec.relaxations import Name, Relaxation, Shortfall, smallest_first
from spec.restart import Start, configured, owes, restarted
from spec.table import FINAL, Action, Asked, Ended, Move, State, boundary_id, cell_id

BUDGET = 20_000  # engines in the set; past it a case is unknown

Engines = frozenset[Engine]


@dataclass(frozen=True, slots=True)
class Restarted:
    """The server has ended and was started again. Answer: None.

    ``since``: the number of things seen before the first moment at which it may have been saved.
    """

    start: Start
    since: int


Happening: TypeAlias = Event | Restarted | Together
Seen: TypeAlias = Sequence[tuple[Happening, Answer]]


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference between server and model.

    ``relaxations``: the smallest set that explains it; None where nothing does.
    ``missing``: nothing wrong was seen, but what had to come has not come.
    """

    requirement: str
    expected: tuple[str, ...]
    actual: str
    relaxations: frozenset[Name] | None
    missing: bool = False


class Oracle:
    """Judges one case. ``config`` is what the server is configured to, and what is admitted."""

    def __init__(self, config: Config, names: Sequence[str] = ()) -> None:
        self.admitted: frozenset[Name] = config.relaxations
        self.expected: tuple[str, ...] = ()  # what the last event might have answered
        self._track = _Track(config)
        self._seen: list[tuple[Happening, Answer]] = []
        self._cause: dict[int, str] = {}  # per job: the requirement of the last input to it
        self._replies: dict[int, Reply] = {}
        self._last: dict[int, View | None] = {}  # the last reading of each job
        self._fresh: set[int] = set()  # the jobs that were read since the last input
        self._restarted: set[int] = set()  # jobs that nothing was done to since a restart
        self._names = names

    @property
    def engines(self) -> Engines:
        return self._track.trail[-1]

    @property
    def config(self) -> Config:
        """What is known of the server now."""
        return self._track.config

    @property
    def events(self) -> int:
        """How many things were seen."""
        return len(self._seen)

    def restart(self, start: Start, since: int) -> Finding | None:
        """The server has ended, and was started again.

        ``since``: how many things had been seen before the first moment at which it may have been
        saved: for a clean stop, when it was asked to end.
        """
        for job in range(self.count):
            self._cause[job] = self._persists(job, start)
        self._restarted = set(range(self.count))
        self._last.clear()
        self._replies.clear()
        return self.see(Restarted(start, since), None)

    def see(self, event: Happening, answer: Answer) -> Finding | None:
        """Something happened, and ``answer`` was seen. A finding if the model did not allow it."""
        before = self.engines
        cause = self._cause_of(event)
        self._seen.append((event, answer))
        self._learn(event, answer)
        self.expected = self.allowed(event)
        self._track.follow(event, answer)
        finding = None
        if not self.engines:
            requirement = self._blame(before, event, answer)
            actual = self._actual(before, event, answer)
            finding = self._explain(requirement, self.expected, actual)
        if cause is not None:
            self._cause[cause[0]] = cause[1]
            self._restarted.discard(cause[0])
        return finding

    def _learn(self, event: Happening, answer: Answer) -> None:
        """Remember readings; and a server that was seen to send a failed step to Retry does so."""
        match event:
            case Read(job):
                self._last[job] = answer if isinstance(answer, View) else None
                self._fresh.add(job)
                shown = self._last[job]
                retried = shown is not None and shown.state is State.RETRY
                if retried and self._replies.get(job) is Reply.FAIL:
                    self._track.config = replace(self.config, retries=True)
            case Submit() | Act() | Replied() | Restarted() | Together():
                self._fresh.clear()
                if isinstance(event, Together):
                    self._begin_anew(event)
                if isinstance(event, Replied):
                    self._replies[event.job] = event.reply

    def _begin_anew(self, event: Together) -> None:
        """After calls at the same moment nothing is known of a job but by a newer reading."""
        self._last.clear()
        self._restarted.clear()
        for job in range(len(self._names)):
            self._cause[job] = event.requirement

    def overdue(self, missing: str, job: int) -> Finding:
        """What had to come did not: ``missing`` says what, in words."""
        requirement = self._cause.get(job, "queue/free-worker-takes")
        if all(
            (one := e.jobs[job]) is not None and one.state is State.PENDING for e in self.rest()
        ):
            requirement = "queue/free-worker-takes"
        expected = tuple(sorted({self._standing(e, job) for e in self.rest()}))
        for admitted in smallest_first(self._candidates()):
            track = self._admitting(admitted) if admitted else None
            if track is not None and self._at_rest(track.trail[-1], track.config):
                return Finding(requirement, expected, missing, admitted, missing=True)
        return Finding(requirement, expected, missing, None, missing=True)

    def rest(self) -> list[Engine]:
        """The engines that only wait: for a reply, an arrival, an action, or a Retry's delay."""
        return [e for e in self.engines if _rests(self.config, e)]

    def settled(self) -> bool:
        """Whether the server has come to rest, as far as what was read since the last input tells.

        Every change that the model foresees must have been read, not only be certain: the last
        reading of each job is what the model says of it at rest. Where the model leaves more
        than one thing open, the reading must be newer than the last input.
        """
        return self._at_rest(self.engines, self.config)

    def awaited(self) -> list[int]:
        """The jobs of which another reading could tell whether the server has come to rest.

        Where each was read as some engine at rest has it, but no engine has them all, one of the
        readings is an old one, and which one it is cannot be told.
        """
        resting = [e for e in self.rest() if not _sent(e)]
        found = [
            job
            for job in range(self.count)
            if not any(self._read_as(job, _view(e, job), self.engines) for e in resting)
        ]
        return found or list(range(self.count))

    def _at_rest(self, engines: Engines, config: Config) -> bool:
        return any(
            all(self._read_as(job, _view(e, job), engines) for job in range(self.count))
            for e in engines
            if not _sent(e) and _rests(config, e)
        )

    def _read_as(self, job: int, shown: View | None, engines: Engines) -> bool:
        if job not in self._last or self._last[job] != shown:
            return False
        return job in self._fresh or len({_view(e, job) for e in engines}) == 1

    def arrival_due(self) -> bool:
        """Whether, however the engine went on, a step is on its way to the gate."""
        rest = self.rest()
        return bool(rest) and all(_sent(e) for e in rest)

    @property
    def count(self) -> int:
        return len(next(iter(self.engines)).jobs)

    def views(self, job: int) -> set[View | None]:
        """What a reading of the job may show."""
        return {_view(e, job) for e in self.engines}

    def states(self, job: int) -> set[State | None]:
        return {None if v is None else v.state for v in self.views(job)}

    def held(self, job: int) -> bool:
        """Whether the gate holds a step of this job."""
        jobs = (e.jobs[job] for e in self.engines)
        return all(one is not None and one.phase is Phase.HELD for one in jobs)

    def steps_done(self, job: int) -> set[int]:
        return {one.done for e in self.engines if (one := e.jobs[job]) is not None}

    def allowed(self, event: Happening) -> tuple[str, ...]:
        """What the model allows as an answer to ``event``, in words, sorted."""
        if isinstance(event, Restarted):
            return ("starts again",)
        if isinstance(event, Together):
            return ("an order of the calls, each within its time, that explains what was seen",)
        if isinstance(event, Arrive):
            found = {
                self.say(Arrive(job, one.done), None)
                for e in self.engines
                for job, one in enumerate(e.jobs)
                if one is not None and one.phase is Phase.SENT
            }
            return tuple(sorted(found)) or ("no step arrives",)
        answers = {answer for e in self.engines for answer, _ in step(self.config, e, event)}
        return tuple(sorted(self.say(event, answer) for answer in answers))

    def say(self, event: Happening, answer: Answer) -> str:
        """An answer in words."""
        match event:
            case Arrive(job, number):
                return f"step {number + 1} of {self.name(job)} arrives"
            case Read():
                return describe(answer)
            case List():
                assert isinstance(answer, frozenset)
                return "lists " + (", ".join(self.name(i) for i in sorted(answer)) or "no job")
            case Act():
                return f"HTTP {answer}"
            case _:
                return "accepted"

    def _actual(self, before: Engines, event: Happening, answer: Answer) -> str:
        """What was seen, in words; of calls at the same moment, those that nothing explains."""
        if not isinstance(event, Together):
            return self.say(event, answer)
        found = shortest(self.config, before, event.calls) or event.calls
        return "at the same moment: " + "; ".join(words(call, self._names) for call in found)

    def name(self, job: int) -> str:
        return self._names[job] if job < len(self._names) else f"job {job}"

    def _explain(self, requirement: str, expected: tuple[str, ...], actual: str) -> Finding:
        for admitted in smallest_first(self._candidates()):
            track = self._admitting(admitted) if admitted else None
            if track is not None and track.trail[-1]:
                self._track, self.admitted = track, self.admitted | admitted
                return Finding(requirement, expected, actual, admitted)
        return Finding(requirement, expected, actual, None)

    def _candidates(self) -> set[Name]:
        """The names that may explain what was seen."""
        found: set[Name] = set(Relaxation)
        if any(isinstance(e, Restarted) and not e.start.killed for e, _ in self._seen):
            found.add(Shortfall.REQUEST_LOST_AT_STOP)
        return found - self.admitted

    def _admitting(self, more: frozenset[Name]) -> _Track:
        """The same history once more, with ``more`` admitted."""
        return self._track.again(self._seen, self.admitted | more)

    def _standing(self, engine: Engine, job: int) -> str:
        one = engine.jobs[job]
        arrives = one is not None and one.phase is Phase.SENT
        shown = describe(_view(engine, job))
        return f"{shown}; {self.say(Arrive(job, one.done), None)}" if arrives and one else shown

    def _persists(self, job: int, start: Start) -> str:
        """The requirement that says what becomes of the job over a restart."""
        states = {one.state for one in _jobs(self.engines, job)}
        if not start.saves:
            return "persist/save-jobs-false"
        if not start.loads:
            return "persist/no-jobs"
        if start.killed:
            return "persist/killed"
        if states == {State.PAUSED}:
            return "persist/paused-stays"
        if states and states <= FINAL:
            return "persist/completed-stays"
        if any(one.asked is not Asked.NOTHING for one in _jobs(self.engines, job)):
            return "persist/request-survives-stop"
        return "persist/retry-requeued" if State.RETRY in states else "persist/unfinished-requeued"

    def _cause_of(self, event: Happening) -> tuple[int, str] | None:
        """The job that ``event`` is an input to, and the requirement that says what it does."""
        match event:
            case Submit():
                return self.count, "edge/new/pending/submit"
            case Act(action, int(job)):
                return job, cell_id(action, _one_state(self.engines, job) or "unknown")
            case Replied(job, reply):
                asked = sorted({one.asked for one in _jobs(self.engines, job)})
                one = next(iter(_jobs(self.engines, job)))
                return job, boundary_id(asked[0] if asked else Asked.NOTHING, _ended(one, reply))
        return None

    def _blame(self, before: Engines, event: Happening, answer: Answer) -> str:
        """The requirement that the answer breaks, as well as what was known before it tells."""
        match event:
            case Act(action, None):
                return cell_id(action, "unknown")
            case Act(action, int(job)):
                return cell_id(action, _one_state(before, job) or "unknown")
            case List():
                return self._blame_list(before, answer)
            case Arrive(job, number):
                return self._blame_arrival(before, job, number)
            case Read(job):
                return self._blame_reading(before, job, answer)
            case Restarted():
                return "persist/request-survives-stop"
            case Together():
                return event.requirement
        return "submit/creates-job"

    def _blame_list(self, before: Engines, answer: Answer) -> str:
        assert isinstance(answer, frozenset)
        certain = frozenset.intersection(
            *(frozenset(i for i, one in enumerate(e.jobs) if one is not None) for e in before)
        )
        known = {i for e in before for i, one in enumerate(e.jobs) if one is not None}
        if wrong := ((certain - answer) | (answer - known)) & self._restarted:
            return self._cause[min(wrong)]
        lost = {_one_state(before, job) for job in certain - answer}
        if lost & {State.SUCCESS, State.FAILURE}:
            return "history/kept"
        if lost:
            return "monitor/list"
        return "history/size"

    def _blame_arrival(self, before: Engines, job: int, number: int) -> str:
        found = _jobs(before, job)
        states = {one.state for one in found}
        if job in self._restarted:
            again = any(one.phase is Phase.SENT for one in found)
            return "persist/step" if again else self._cause[job]
        if states == {State.PENDING}:
            return self._blame_start(before, job)
        if State.RUNNING not in states:
            return "step/only-while-running"
        if any(one.phase is Phase.SENT for one in found):
            return self._which_step(job, number)
        running = [one for one in found if one.state is State.RUNNING]
        if all(one.asked is not Asked.NOTHING for one in running):
            return self._cause.get(job, "step/one-after-answer")
        return "step/run-once"

    def _which_step(self, job: int, number: int) -> str:
        acted = [e.action for e, _ in self._seen if isinstance(e, Act) and e.job == job]
        restarted = [a for a in acted if a in (Action.RESUME, Action.RESUBMIT)]
        if not restarted:
            return "step/run-once"
        resumed = restarted[-1] is Action.RESUME
        return "step/resumed-goes-on" if resumed else "step/resubmitted-starts-over"

    def _blame_start(self, before: Engines, job: int) -> str:
        """A Pending job that must not run yet: because of its place, or of the workers."""
        for e in before:
            running = sum(one is not None and one.state is State.RUNNING for one in e.jobs)
            mine = e.jobs[job]
            if mine is None or (self.config.workers is not None and running >= self.config.workers):
                continue
            waiting = [one for i in e.queue if (one := e.jobs[i]) is not None]
            if any(one.priority > mine.priority for one in waiting):
                return "queue/priority-order"
            return "queue/ties-in-order"
        return "queue/concurrent-jobs"

    def _blame_reading(self, before: Engines, job: int, answer: Answer) -> str:
        views = {_view(e, job) for e in before}
        cause = self._cause.get(job, "monitor/state")
        if job in self._restarted:
            return self._blame_restart(views, cause, answer)
        if not isinstance(answer, View):
            completed = any(
                v is not None and v.state in (State.SUCCESS, State.FAILURE) for v in views
            )
            return "history/kept" if completed else "history/unfinished-never-evicted"
        states = {v.state for v in views if v is not None}
        if not states:
            return "history/size"
        if answer.state not in states:
            if answer.state is State.RUNNING and State.PENDING in states:
                return self._blame_start(before, job)
            if answer.state is State.RUNNING and states <= {State.PAUSED}:
                return "monitor/state-paused"
            return cause
        alike = [v for v in views if v is not None and v.state is answer.state]
        if answer.priority not in {v.priority for v in alike}:
            return "monitor/priority"
        if answer.error not in {v.error for v in alike}:
            return "monitor/error-code"
        return "monitor/progress"

    def _blame_restart(self, views: set[View | None], cause: str, answer: Answer) -> str:
        """A job is not what the restart had to make of it."""
        if not isinstance(answer, View):
            return cause
        alike = [v for v in views if v is not None and v.state is answer.state]
        if not alike:
            return cause
        if answer.priority not in {v.priority for v in alike}:
            return "persist/priority"
        if answer.error not in {v.error for v in alike}:
            return "persist/error"
        return "persist/step"


class _Track:
    """The sets that a history leads through: ``trail`` has one more than things were seen.

    ``config`` is what is known of the server now: a restart may change it.
    """

    def __init__(self, config: Config, forgets: bool = False) -> None:
        self.config = config
        self.trail: list[Engines] = [closed(config, {EMPTY})]
        self._first = config
        self._forgets = forgets  # requests may be lost at a clean stop

    def follow(self, event: Happening, answer: Answer) -> None:
        before = self.trail[-1]
        if isinstance(event, Together):
            after = set(explaining(self.config, before, event.calls))
        elif not isinstance(event, Restarted):
            after = {n for e in before for a, n in step(self.config, e, event) if a == answer}
        else:
            after = self._loaded(event, len(next(iter(before)).jobs))
            config = configured(self.config, event.start)
            ties = config.relaxations | {Relaxation.TIES_UNORDERED}  # nothing says their order
            self.config = replace(config, relaxations=ties)
        self.trail.append(closed(self.config, after))

    def _loaded(self, event: Restarted, count: int) -> set[Engine]:
        """What may have been loaded. A job that was not born when it was saved is gone."""
        saved = {e for engines in self.trail[event.since :] for e in engines}
        if not (event.start.killed or self._forgets):
            saved = {e for e in saved if not owes(e)}
        found = {one for e in saved for one in restarted(e, event.start)}
        return {e._replace(jobs=e.jobs + (None,) * (count - len(e.jobs))) for e in found}

    def again(self, seen: Seen, admitted: frozenset[Name]) -> _Track:
        """The same history with other names ``admitted``, up to where nothing explains it."""
        relaxations = frozenset(name for name in admitted if isinstance(name, Relaxation))
        first = replace(self._first, relaxations=relaxations, retries=self.config.retries)
        track = _Track(first, Shortfall.REQUEST_LOST_AT_STOP in admitted)
        for event, answer in seen:
            track.follow(event, answer)
            if not track.trail[-1]:
                break
        return track


def describe(answer: Answer) -> str:
    """A reading of a job in words."""
    if not isinstance(answer, View):
        return "HTTP 404"
    text = f"{answer.state}, ErrorCode {int(answer.error)}, Progress {answer.progress}"
    return text + (f", Priority {answer.priority}" if answer.priority else "")


def closed(config: Config, engines: Iterable[Engine]) -> Engines:
    """The engines with all that their own moves lead to. Raises `Unjudged` past `BUDGET`."""
    found = set(engines)
    todo = list(found)
    while todo:
        for _, _, after in moves(config, todo.pop()):
            if after not in found:
                found.add(after)
                todo.append(after)
        if len(found) > BUDGET:
            raise Unjudged(f"more than {BUDGET} engines would explain what was seen")
    return frozenset(found)


def _rests(config: Config, engine: Engine) -> bool:
    return all(name is Move.TIMEOUT for name, _, _ in moves(config, engine))


def _sent(engine: Engine) -> bool:
    return any(job is not None and job.phase is Phase.SENT for job in engine.jobs)


def _view(engine: Engine, job: int) -> View | None:
    one = engine.jobs[job]
    return None if one is None else view(one)


def _jobs(engines: Engines, job: int) -> list[Job]:
    return [one for e in engines if (one := e.jobs[job]) is not None]


def _one_state(engines: Engines, job: int) -> State | None:
    """The state of the job, if there is but one; Running where it may already have left it."""
    states = sorted({one.state for one in _jobs(engines, job)})
    return (
        State.RUNNING if len(states) > 1 and State.RUNNING in states else next(iter(states), None)
    )


def _ended(job: Job, reply: Reply) -> Ended:
    if reply is Reply.FAIL:
        return Ended.FAILED
    if reply in (Reply.RETRY, Reply.RETRY_LATER):
        return Ended.RETRY
    return Ended.LAST if job.done + 1 == job.steps else Ended.MORE
