"""One job that is followed from reading to reading: in which ways it may stand, and what a reading
shows that none of them explains.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from conformance.oracle.fields import Fields, Moment, Seen
from conformance.passive.bytype import LOST_CONTENT, by_type, falling, may_fall
from conformance.passive.history import History
from conformance.passive.possible import ANYTHING, Possible, answering, closed
from conformance.passive.shown import Shown, Wrong
from conformance.passive.watched import Watched
from conformance.timing import TIMING
from spec.lookup import RESTING
from spec.relaxations import Name, Shortfall
from spec.table import FINAL, UNKNOWN, Action, ErrorCode, State, cell, cell_id
from spec.types import row

# What of a reading stays for good, and what stays as long as nothing is done with a job at rest.
STAYS = {
    "monitor/type": "type",
    "monitor/creation-time": "creation",
    "monitor/priority": "priority",
}
RESTS = {
    "monitor/error-code": "error",
    "monitor/completion-time": "completion",
    "monitor/progress": "progress",
    "monitor/effective-runtime": "runtime",
}
OVER_A_RESTART = {"monitor/content", "persist/times", "persist/error"}  # of a job that is saved


class _Reason(NamedTuple):
    """Why a reading is not of a job that stands in some way. ``rank``: how far it fits."""

    rank: int
    wrong: Wrong


@dataclass
class Track:
    """One job.

    ``begin``: when its last reading was asked for; at first, when the last one without it was
    there. ``unsure``: it was acted upon since, nobody knows when.
    """

    watched: Watched
    fields: Fields  # of all jobs
    ways: frozenset[Possible]
    begin: float
    last: Shown | None = None
    unsure: bool = False
    loaded: bool = False  # the server may have been started again in its life,
    _anew: bool = False  # and it was not read since
    history: History = field(default_factory=History)
    _seen: Seen = field(default_factory=Seen)  # of its fields
    _stood: deque[tuple[float, State]] = field(
        default_factory=deque
    )  # in the time of `TIMING.saved_all`

    def read(
        self, now: Shown, job: Mapping[str, Any], asked: Moment, fresh: bool, ticking: bool
    ) -> Iterator[Wrong]:
        """Take a reading; what in it is impossible. ``job``: as JSON.

        ``fresh``: the server may have been started again since the last one. ``ticking``: its
        clock has gone along with ours since then.
        """
        fresh, self._anew = fresh or self._anew, False
        self.history.read(now)
        self.loaded |= fresh
        yield from by_type(now, self.last, self.loaded)
        yield from self._by_code(now)
        passed = asked.after - self.begin if ticking else None
        reasons = [(one, self._broken(now, one, passed, fresh)) for one in self._closed()]
        fitting = [one for one, reason in reasons if reason is None]
        self._seen.still = bool(fitting) and not any(one.moved for one in fitting)
        if not fitting:
            # Several ways, each with what it breaks: the one that got furthest says most.
            broken = [reason for _, reason in reasons if reason is not None]
            names = dict.fromkeys(name for reason in broken for name in reason.wrong.known)
            furthest = max(broken, key=lambda reason: (reason.rank, reason.wrong.requirement))
            yield replace(furthest.wrong, actual=str(now), known=tuple(names))
        yield from self._by_fields(job, now, asked)
        self.ways = frozenset(_as_read(fitting, self.last, now))
        self.last, self.begin, self.unsure = now, asked.before, False
        self._stood.append((asked.after, now.state))
        while len(self._stood) > 1 and self._stood[1][0] < asked.after - TIMING.saved_all:
            self._stood.popleft()

    def act(self, action: Action, status: int) -> Wrong | None:
        """Take an action and its answer; what in it is impossible."""
        ways = closed(self.watched.config, self.watched.others, self.ways)
        after = answering(ways, action, status)
        self.history.note(f"{action}: HTTP {status}")
        gone = any(one.completed for one in ways) and cell(UNKNOWN, action).status == status
        if after:
            self.ways = after | (ways if gone else frozenset())
            return None
        if gone:
            return None
        states = sorted({one.state for one in ways})
        expected = " or ".join(sorted({f"HTTP {cell(state, action).status}" for state in states}))
        self.ways = ANYTHING
        return Wrong(cell_id(action, states[0]), expected, f"HTTP {status}")

    def missed(self, fresh: bool) -> Wrong | None:
        """It is listed no more: only a completed job may go."""
        if fresh or self._anew or any(one.completed for one in self._closed()):
            return None
        state = "" if self.last is None else f"it was {self.last.state}"
        expected = "a job that has not completed is listed"
        return Wrong("history/unfinished-never-evicted", expected, f"gone; {state}")

    def allowed(self) -> frozenset[State]:
        """The states that its next reading may show."""
        return frozenset(one.state for one in self._closed())

    def restarted(self) -> None:
        """The server may have been started again, with the jobs of its last save.

        Where jobs are read one by one, it is the next reading of each that is the first since. How
        long it was away, nobody knows: what counts is for how long the job had stood so before.
        """
        self._anew = True
        states = {state for _, state in self._stood}
        first, last = (self._stood[0][0], self._stood[-1][0]) if self._stood else (0.0, 0.0)
        old = first < last - TIMING.saved_all
        (only,) = states if len(states) == 1 else (None,)
        saved = old and only in RESTING
        kept = frozenset(one for one in ANYTHING if one.state is only)
        self.ways = kept | self.ways if saved else ANYTHING
        self._seen.began_again(not saved, self.watched.holds("persist/error"))

    def _closed(self) -> frozenset[Possible]:
        """How it may stand now."""
        acted = self.watched.others or self.unsure
        return closed(self.watched.config, acted, self.ways)

    def _by_code(self, now: Shown) -> Iterator[Wrong]:
        """Whether the ErrorCode is one of this State."""
        if now.state is State.SUCCESS and now.error != ErrorCode.SUCCESS:
            yield Wrong("monitor/error-code", "ErrorCode 0 in Success", str(now))
        if now.state is State.FAILURE and self.watched.holds("persist/error") and not now.error:
            known = tuple({Shortfall.MODIFICATION_FAILS_HALF_DONE} & row(now.type).short)
            expected = "an ErrorCode that is not 0, in Failure"
            yield Wrong("monitor/error-code", expected, str(now), known=known)

    def _by_fields(self, job: Mapping[str, Any], now: Shown, asked: Moment) -> Iterator[Wrong]:
        """What a run would say of the fields of this reading, and of them beside the last one."""
        slept, kept = self._seen.slept, row(now.type).run.saved is True
        lost = tuple(LOST_CONTENT & row(now.type).short)
        for broken in self.fields.check(self._seen, job, now.state, asked):
            named = slept and broken.requirement == "monitor/content"
            if kept or not slept or broken.requirement not in OVER_A_RESTART:
                known = lost if named else ()
                yield Wrong(broken.requirement, broken.expected, broken.actual, known=known)

    def _broken(
        self, now: Shown, one: Possible, passed: float | None, fresh: bool
    ) -> _Reason | None:
        """What a reading would break if the job stood so."""
        last = self.last
        if last is not None:
            for needed, key in STAYS.items():
                if getattr(last, key) != getattr(now, key):
                    return _reason(9, needed, f"{key} stays {getattr(last, key)}")
        if one.state is not now.state:
            before = "new" if last is None else str(last.state)
            which = now.state if last is None else last.state
            return _reason(0, f"monitor/state-{which.lower()}", f"{one.state}, after {before}")
        if now.state is State.FAILURE and one.moved and not fresh:
            canceled = now.error == ErrorCode.CANCELED_JOB
            if canceled != one.canceled:
                wanted = int(ErrorCode.CANCELED_JOB) if one.canceled else "of a step"
                return _reason(6, "monitor/error-code", f"ErrorCode {wanted}")
        if last is None or fresh:
            return None
        return _changed(last, now, one, passed)


def _changed(last: Shown, now: Shown, one: Possible, passed: float | None) -> _Reason | None:
    """What the change between two readings would break if the job had gone this way."""
    if not one.moved and now.state is not State.RUNNING:
        for needed, key in RESTS.items():
            if getattr(last, key) != getattr(now, key):
                return _reason(5, needed, f"{key} stays {getattr(last, key)} while {now.state}")
    falls = not may_fall(now.type) and now.progress < last.progress
    if falls and not one.resubmitted and not one.stale:
        expected = f"a Progress of at least {last.progress}"
        return _reason(4, "monitor/progress", expected, *falling(now.type))
    if one.moved and now.state in FINAL and now.completion == last.completion:
        return _reason(4, "monitor/completion-time", "another CompletionTime than before")
    if passed is None or now.runtime is None or last.runtime is None:
        return None
    if one.resubmitted:
        most = passed * (1 + TIMING.watched_drift) + TIMING.loose
        if now.runtime > most:
            expected = f"a runtime of at most {most:.3g} s"
            known = Shortfall.RUNTIME_NOT_RESTARTED
            return _reason(3, "monitor/effective-runtime-restarts", expected, known)
        return None
    if now.runtime < last.runtime - TIMING.rounded:
        expected = f"a runtime of at least {last.runtime:g} s"
        runs = now.state is State.RUNNING or Shortfall.RUNTIME_OF_THE_STEP in row(now.type).short
        like = (Shortfall.RUNTIME_OF_THE_STEP,) if runs else ()
        return _reason(3, "monitor/effective-runtime", expected, *like)
    return None


def _reason(rank: int, needed: str, expected: str, *known: Name) -> _Reason:
    return _Reason(rank, Wrong(needed, expected, "", known=known))


def _as_read(fitting: Iterable[Possible], last: Shown | None, now: Shown) -> Iterator[Possible]:
    """How the job stands after a reading that fits to these ways; anyhow, where to none."""
    ways = list(fitting)
    for one in ways:
        stale = one.stale and (last is None or now.progress == last.progress)
        yield one.read(stale and now.state is not State.SUCCESS)
    if not ways:
        yield from (one.read(True) for one in ANYTHING if one.state is now.state)
