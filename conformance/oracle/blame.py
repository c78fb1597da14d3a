"""Which requirement is broken: chosen by what was known before something impossible was seen.

The oracle (`conformance.oracle.oracle`) says that no engine explains a thing that happened; here
it is given a name. That is the requirement which says what the last input to the job does, unless
what was seen itself says more: a wrong priority, a second start, a job that is listed no more.
"""

from __future__ import annotations

from collections.abc import Iterable

from conformance.oracle.history import Happening, Restarted, Together
from conformance.oracle.linearization import Engines
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
    Submit,
    View,
    ended,
    view,
)
from spec.restart import Start
from spec.table import FINAL, UNKNOWN, Action, Asked, State, boundary_id, cell_id

STARTS = "queue/free-worker-takes"


class Blame:
    """What was done to each job last, as the requirement that says what it does.

    Each method is given the engines that explain all that was seen before.
    """

    def __init__(self) -> None:
        self._cause: dict[int, str] = {}
        self._restarted: set[int] = set()  # jobs that nothing was done to since a restart
        self._acted: list[tuple[int, Action]] = []

    # --- what happens -------------------------------------------------------------------------

    def restart(self, engines: Engines, start: Start) -> None:
        """The server ends, and is started again."""
        count = len(next(iter(engines)).jobs)
        self._cause |= {job: _persists(jobs_of(engines, job), start) for job in range(count)}
        self._restarted = set(range(count))

    def at_once(self, event: Together, jobs: Iterable[int]) -> None:
        """Calls were made at the same moment: which of them did what is not known."""
        self._restarted.clear()
        self._cause |= dict.fromkeys(jobs, event.requirement)

    def cause_of(self, engines: Engines, event: Happening) -> tuple[int, str] | None:
        """The job that ``event`` is an input to, and the requirement that says what it does."""
        match event:
            case Submit():
                return len(next(iter(engines)).jobs), "edge/new/pending/submit"
            case Act(action, int(job)):
                return job, cell_id(action, _one_state(engines, job) or UNKNOWN)
            case Replied(job, reply):
                found = jobs_of(engines, job)
                asked = min(one.asked for one in found)
                return job, boundary_id(asked, ended(found[0], reply))
        return None

    def input(self, event: Happening, cause: tuple[int, str]) -> None:
        """``event`` was an input, with what `cause_of` says of it."""
        job, requirement = cause
        self._cause[job] = requirement
        self._restarted.discard(job)
        if isinstance(event, Act):
            self._acted.append((job, event.action))

    # --- what is broken -----------------------------------------------------------------------

    def of(self, config: Config, before: Engines, event: Happening, answer: Answer) -> str:
        """The requirement that the answer breaks."""
        match event:
            case Act(action, None):
                return cell_id(action, UNKNOWN)
            case Act(action, int(job)):
                return cell_id(action, _one_state(before, job) or UNKNOWN)
            case List():
                return self._list(before, answer)
            case Arrive(job, number):
                return self._arrival(config, before, job, number)
            case Read(job):
                return self._reading(config, before, job, answer)
            case Restarted():
                return "persist/request-survives-stop"
            case Together():
                return event.requirement
        return "submit/creates-job"

    def of_missing(self, rest: Iterable[Engine], job: int) -> str:
        """The requirement that is broken where nothing more comes of ``job``.

        ``rest``: the engines that wait for it.
        """
        waits = all((one := e.jobs[job]) is not None and one.state is State.PENDING for e in rest)
        return STARTS if waits else self._cause.get(job, STARTS)

    def _list(self, before: Engines, answer: Answer) -> str:
        assert isinstance(answer, frozenset)
        certain = frozenset.intersection(
            *(frozenset(i for i, one in enumerate(e.jobs) if one is not None) for e in before)
        )
        known = {i for e in before for i, one in enumerate(e.jobs) if one is not None}
        if wrong := ((certain - answer) | (answer - known)) & self._restarted:
            return self._cause[min(wrong)]
        lost = {_one_state(before, job) for job in certain - answer}
        if lost & FINAL:
            return "history/kept"
        if lost:
            return "monitor/list"
        return "history/size"

    def _arrival(self, config: Config, before: Engines, job: int, number: int) -> str:
        found = jobs_of(before, job)
        states = {one.state for one in found}
        if job in self._restarted:
            again = any(one.phase is Phase.SENT for one in found)
            return "persist/step" if again else self._cause[job]
        if states == {State.PENDING}:
            return _start(config, before, job)
        if State.RUNNING not in states:
            return "step/only-while-running"
        if any(one.phase is Phase.SENT for one in found):
            return self._which_step(job)
        running = [one for one in found if one.state is State.RUNNING]
        if all(one.asked is not Asked.NOTHING for one in running):
            return self._cause.get(job, "step/one-after-answer")
        return "step/run-once"

    def _which_step(self, job: int) -> str:
        again = (Action.RESUME, Action.RESUBMIT)
        acted = [action for one, action in self._acted if one == job and action in again]
        if not acted:
            return "step/run-once"
        resumed = acted[-1] is Action.RESUME
        return "step/resumed-goes-on" if resumed else "step/resubmitted-starts-over"

    def _reading(self, config: Config, before: Engines, job: int, answer: Answer) -> str:
        views = {view_of(e, job) for e in before}
        cause = self._cause.get(job, "monitor/state")
        if job in self._restarted:
            return _after_restart(views, cause, answer)
        if not isinstance(answer, View):
            completed = any(v is not None and v.state in FINAL for v in views)
            return "history/kept" if completed else "history/unfinished-never-evicted"
        states = {v.state for v in views if v is not None}
        if not states:
            return "history/size"
        if answer.state not in states:
            if answer.state is State.RUNNING and State.PENDING in states:
                return _start(config, before, job)
            if answer.state is State.RUNNING and states <= {State.PAUSED}:
                return "monitor/state-paused"
            return cause
        return _field(views, answer, "monitor/priority", "monitor/error-code", "monitor/progress")


def _persists(jobs: list[Job], start: Start) -> str:
    """The requirement that says what becomes of a job over a restart."""
    states = {one.state for one in jobs}
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
    if any(one.asked is not Asked.NOTHING for one in jobs):
        return "persist/request-survives-stop"
    return "persist/retry-requeued" if State.RETRY in states else "persist/unfinished-requeued"


def _start(config: Config, before: Engines, job: int) -> str:
    """A Pending job that must not run yet: because of its place, or of the workers."""
    for e in before:
        running = sum(one is not None and one.state is State.RUNNING for one in e.jobs)
        mine = e.jobs[job]
        if mine is None or (config.workers is not None and running >= config.workers):
            continue
        waiting = [one for i in e.queue if (one := e.jobs[i]) is not None]
        if any(one.priority > mine.priority for one in waiting):
            return "queue/priority-order"
        return "queue/ties-in-order"
    return "queue/concurrent-jobs"


def _after_restart(views: set[View | None], cause: str, answer: Answer) -> str:
    """A job is not what the restart had to make of it."""
    states = {v.state for v in views if v is not None}
    if not isinstance(answer, View) or answer.state not in states:
        return cause
    return _field(views, answer, "persist/priority", "persist/error", "persist/step")


def _field(views: set[View | None], answer: View, priority: str, error: str, progress: str) -> str:
    """Of a reading whose State is right: the requirement of the first field that is not."""
    alike = [v for v in views if v is not None and v.state is answer.state]
    if answer.priority not in {v.priority for v in alike}:
        return priority
    return error if answer.error not in {v.error for v in alike} else progress


def view_of(engine: Engine, job: int) -> View | None:
    """What a reading of the job shows."""
    one = engine.jobs[job]
    return None if one is None else view(one)


def jobs_of(engines: Iterable[Engine], job: int) -> list[Job]:
    """The ways in which the job may stand, where it is not gone."""
    return [one for e in engines if (one := e.jobs[job]) is not None]


def _one_state(engines: Engines, job: int) -> State | None:
    """The state of the job, if there is but one; Running where it may already have left it."""
    states = sorted({one.state for one in jobs_of(engines, job)})
    return (
        State.RUNNING if len(states) > 1 and State.RUNNING in states else next(iter(states), None)
    )
