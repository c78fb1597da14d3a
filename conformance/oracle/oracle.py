"""The oracle: the set of engines that explain what was seen. The empty set is a deviation.

The oracle is told what happened, in order: inputs with their answers, arrivals, readings. It
steps every engine of its set with each of them, keeps those whose answer is the one that was
seen, and closes the set under the engine's own moves, which may or may not have happened.

When the set becomes empty, the same history is tried again with relaxations admitted, the
smallest sets first. If one explains it, that is a *finding* which has a name, and the oracle
goes on behind it. If none does, nothing in the catalogue explains what the server did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from conformance.oracle.blame import Blame, view_of
from conformance.oracle.history import Happening, Restarted, Together, words
from conformance.oracle.linearization import Engines, shortest
from conformance.oracle.track import Track
from conformance.talk import Said
from conformance.text import shown
from spec.engine import (
    Act,
    Answer,
    Arrive,
    Config,
    Engine,
    Job,
    List,
    Phase,
    Read,
    Replied,
    Reply,
    Submit,
    View,
    describe,
    moves,
    step,
)
from spec.relaxations import Name, Relaxation, Shortfall, smallest_first
from spec.restart import Start
from spec.table import Move, State


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference between server and model, in words that can be shown anywhere.

    ``relaxations``: the smallest set that explains it; None where nothing does.
    ``missing``: nothing wrong was seen, but what had to come has not come.
    ``talk``: what was said up to then.
    """

    requirement: str
    expected: tuple[str, ...]
    actual: str
    relaxations: frozenset[Name] | None
    missing: bool = False
    talk: tuple[Said, ...] = field(default=(), compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "expected", tuple(map(shown, self.expected)))
        object.__setattr__(self, "actual", shown(self.actual))


class Oracle:
    """Judges one case. ``config`` is what the server is configured to, and what is admitted."""

    def __init__(self, config: Config, names: Sequence[str] = ()) -> None:
        self.admitted: frozenset[Name] = config.relaxations
        self.expected: tuple[str, ...] = ()  # what the last event might have answered
        self._track = Track(config)
        self._blame = Blame()
        self._seen: list[tuple[Happening, Answer]] = []
        self._replies: dict[int, Reply] = {}
        self._last: dict[int, View | None] = {}  # the last reading of each job
        self._fresh: set[int] = set()  # the jobs that were read since the last input
        self._views: dict[int, tuple[Job | None, View | None]] = {}  # what was asked last
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
        self._blame.restart(self.engines, start)
        self._last.clear()
        self._replies.clear()
        return self.see(Restarted(start, since), None)

    def see(self, event: Happening, answer: Answer) -> Finding | None:
        """Something happened, and ``answer`` was seen. A finding if the model did not allow it."""
        before = self.engines
        cause = self._blame.cause_of(before, event)
        self._seen.append((event, answer))
        self._learn(event, answer)
        self.expected = self.allowed(event)
        self._track.follow(event, answer)
        finding = None
        if not self.engines:
            requirement = self._blame.of(self.config, before, event, answer)
            actual = self._actual(before, event, answer)
            finding = self._explain(requirement, self.expected, actual)
        if cause is not None:
            self._blame.input(event, cause)
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
        self._blame.at_once(event, range(len(self._names)))

    def overdue(self, missing: str, job: int) -> Finding:
        """What had to come did not: ``missing`` says what, in words."""
        requirement = self._blame.of_missing(self.rest(), job)
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
            if not any(self._read_as(job, e, self.engines) for e in resting)
        ]
        return found or list(range(self.count))

    def _at_rest(self, engines: Engines, config: Config) -> bool:
        return any(
            all(self._read_as(job, e, engines) for job in range(self.count))
            for e in engines
            if not _sent(e) and _rests(config, e)
        )

    def _read_as(self, job: int, engine: Engine, engines: Engines) -> bool:
        """Whether the last reading of the job is what one of the ``engines`` has."""
        shown = self._shown(job, engine)
        if job not in self._last or self._last[job] != shown:
            return False
        return job in self._fresh or all(self._shown(job, e) == shown for e in engines)

    def _shown(self, job: int, engine: Engine) -> View | None:
        """What a reading shows, kept: most jobs of a large case are as they were."""
        now, kept = engine.jobs[job], self._views.get(job)
        if kept is None or kept[0] is not now:
            kept = self._views[job] = now, view_of(engine, job)
        return kept[1]

    def arrival_due(self) -> bool:
        """Whether, however the engine went on, a step is on its way to the gate."""
        rest = self.rest()
        return bool(rest) and all(_sent(e) for e in rest)

    @property
    def count(self) -> int:
        return len(next(iter(self.engines)).jobs)

    def views(self, job: int) -> set[View | None]:
        """What a reading of the job may show."""
        return {view_of(e, job) for e in self.engines}

    def states(self, job: int) -> set[State | None]:
        return {None if v is None else v.state for v in self.views(job)}

    def held(self, job: int) -> bool:
        """Whether the gate holds a step of this job."""
        jobs = (e.jobs[job] for e in self.engines)
        return all(one is not None and one.phase is Phase.HELD for one in jobs)

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
                assert isinstance(answer, View | None)
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
        starts = [event.start for event, _ in self._seen if isinstance(event, Restarted)]
        if starts:
            found.add(Shortfall.RESUBMIT_LOST_AT_RESTART)
        if not all(start.killed for start in starts):
            found.add(Shortfall.REQUEST_LOST_AT_STOP)
        return found - self.admitted

    def _admitting(self, more: frozenset[Name]) -> Track:
        """The same history once more, with ``more`` admitted."""
        return self._track.again(self._seen, self.admitted | more)

    def _standing(self, engine: Engine, job: int) -> str:
        one = engine.jobs[job]
        arrives = one is not None and one.phase is Phase.SENT
        shown = describe(view_of(engine, job))
        return f"{shown}; {self.say(Arrive(job, one.done), None)}" if arrives and one else shown


def _rests(config: Config, engine: Engine) -> bool:
    return all(name is Move.TIMEOUT for name, _, _ in moves(config, engine))


def _sent(engine: Engine) -> bool:
    return any(job is not None and job.phase is Phase.SENT for job in engine.jobs)
