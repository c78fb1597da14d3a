"""Judges a history of readings that nobody arranged: is there any run that explains it?

Of each job the set of ways is kept in which it may stand (`possible`). A reading narrows the
set; what happens between two readings is closed over. Nothing is concluded from what a race of
the readings themselves, a restart of the server, or a step of its clock could explain:

- ``GET /jobs?expand`` reads one job after the other, so two jobs of one answer were not read at
  the same time. What needs two jobs at once is concluded only where both can be shown to have
  stood so for an overlapping time.
- A connection that had to be made anew may mean a restart, after which jobs are as they were at
  the last save (`persist/killed`): what stood longer than `TIMING.saved_all` must still stand.
- Runtimes are compared with our own clock, and only while the server's clock goes along with it.
  Orthanc shows the runtime of a Running job as of its last change, so a growing one shows little.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from conformance.oracle.shown import Malformed
from conformance.passive.possible import ANYTHING, BORN, Possible, answering, closed
from conformance.passive.shown import Shown, shown
from conformance.timing import TIMING
from spec.engine import Config
from spec.lookup import RESTING
from spec.table import FINAL, UNKNOWN, Action, ErrorCode, State, cell, cell_id

REMEMBERED = 12  # lines of a job's history that a finding shows


@dataclass(frozen=True, slots=True)
class Impossible:
    """A history that no run of the model explains. ``history``: the job's, a line a reading."""

    job: str
    requirement: str
    expected: str
    actual: str
    history: tuple[str, ...]


@dataclass
class _Track:
    """One job that is followed. ``stood``: (when, ways) of the last `TIMING.saved_all` seconds."""

    ways: frozenset[Possible]
    last: Shown | None = None
    begin: float = 0.0  # when the last reading was asked for
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    stood: deque[tuple[float, frozenset[State]]] = field(default_factory=deque)


@dataclass(frozen=True, slots=True)
class Watched:
    """What is known of the server: ``workers`` and ``history`` may not be (None).

    ``others``: jobs may have been acted on by who is not in the history.
    ``errors_kept``: ErrorCodes survive a restart (from Orthanc 1.9.5 on).
    ``live``: the runtime of a Running job is that of the moment in which it is read.
    """

    config: Config = field(default_factory=lambda: Config(workers=None, history=None))
    others: bool = True
    errors_kept: bool = True
    live: bool = False


class Judge:
    """Takes a history in its order; each method answers what in it is impossible."""

    def __init__(self, watched: Watched) -> None:
        self.watched = watched
        self.readings = 0
        self.jobs: dict[str, Shown] = {}  # as the last reading shows them
        self._before: dict[str, Shown] = {}  # and the one before
        self.seen: set[str] = set()  # the ids of all jobs so far
        self._tracks: dict[str, _Track] = {}
        self._gone: dict[str, tuple[str, ...]] = {}  # the last lines of jobs that are gone
        self._begin = 0.0  # when the last reading was asked for,
        self._end = 0.0  # and answered
        self._clock: tuple[float, float] | None = None  # our time and the server's, together
        self._acted: set[str] = set()  # jobs with actions since the last reading
        self._unsure: set[str] = set()  # jobs with actions that overlapped something else

    # --- the events of a history --------------------------------------------------------------

    def reading(self, begin: float, end: float, jobs: Any, fresh: bool = False) -> list[Impossible]:
        """One answer of ``GET /jobs?expand``, asked for at ``begin`` and there at ``end``.

        ``fresh``: the server may have been started again since the last reading.
        """
        found: list[Impossible] = []
        listed: dict[str, Shown] = {}
        for one in jobs if isinstance(jobs, list) else [None]:
            try:
                now = shown(one)
            except Malformed as wrong:
                found.append(Impossible("", wrong.requirement, wrong.expected, wrong.actual, ()))
                continue
            if now.id in listed:
                found.append(self._wrong(now.id, "monitor/list", "each job once", "listed twice"))
            listed[now.id] = now
        if fresh and self.readings:
            self._restarted(begin)
        ticking = self._ticking(begin, end, listed.values()) and not fresh
        for id, now in listed.items():
            found += self._read(id, now, begin, end, fresh, ticking)
        for id in [id for id in self._tracks if id not in listed]:
            found += self._missed(id, fresh)
        if not fresh and ticking and self.readings:
            found += self._at_once(listed, begin, end)
        self._before = {} if fresh else self.jobs
        self.jobs, self._begin, self._end = listed, begin, end
        self.seen |= set(listed)
        self.readings += 1
        self._acted.clear()
        self._unsure.clear()
        return found

    def action(self, job: str, action: Action, status: int, sure: bool = True) -> list[Impossible]:
        """An action on a job, and its answer. ``sure``: nothing else was under way meanwhile."""
        track = self._tracks.get(job)
        self._acted.add(job)
        if not sure or not self.readings:
            self._unsure.add(job)
            return []
        if track is None:
            unknown = cell(UNKNOWN, action).status
            if job in self._gone and not self.watched.others and status != unknown:
                return [
                    self._wrong(job, cell_id(action, UNKNOWN), f"HTTP {unknown}", f"HTTP {status}")
                ]
            return []
        ways = closed(self.watched.config, self.watched.others, track.ways)
        after = answering(ways, action, status)
        track.lines.append(f"{action}: HTTP {status}")
        gone = any(one.completed for one in ways) and cell(UNKNOWN, action).status == status
        if after:
            track.ways = after | (ways if gone else frozenset())
            return []
        if gone:
            return []
        states = sorted({one.state for one in ways})
        expected = sorted({f"HTTP {cell(state, action).status}" for state in states})
        wrong = self._wrong(
            job, cell_id(action, states[0]), " or ".join(expected), f"HTTP {status}"
        )
        track.ways = ANYTHING
        return [wrong]

    # --- one job ------------------------------------------------------------------------------

    def _read(
        self, id: str, now: Shown, begin: float, end: float, fresh: bool, ticking: bool
    ) -> list[Impossible]:
        found = []
        track = self._tracks.get(id)
        if track is None:
            known = self.readings > 0 and not fresh
            if id in self._gone and known:
                found.append(
                    self._wrong(id, "monitor/list", "a job that is gone stays so", str(now))
                )
            track = _Track(frozenset({BORN}) if known and id not in self._gone else ANYTHING)
            track.lines.extend(self._gone.pop(id, ()))
            track.begin = self._end
            self._tracks[id] = track
        acted = self.watched.others or id in self._unsure
        ways = closed(self.watched.config, acted, track.ways)
        passed = end - track.begin if ticking else None
        track.lines.append(str(now))
        reasons = []
        fitting = set()
        for one in ways:
            broken = self._broken(track.last, now, one, passed, fresh)
            if broken is None:
                stale = one.stale and (track.last is None or now.progress == track.last.progress)
                fitting.add(one.read(stale and now.state is not State.SUCCESS))
            else:
                reasons.append(broken)
        if not fitting:
            # Several ways, each with what it breaks: the one that got furthest says most.
            _, requirement, expected = max(reasons)
            found.append(self._wrong(id, requirement, expected, str(now)))
            fitting = {one.read(True) for one in ANYTHING if one.state is now.state}
        track.ways, track.last, track.begin = frozenset(fitting), now, begin
        track.stood.append((end, frozenset({now.state})))
        while len(track.stood) > 1 and track.stood[1][0] < end - TIMING.saved_all:
            track.stood.popleft()
        return found

    def _broken(
        self, last: Shown | None, now: Shown, one: Possible, passed: float | None, fresh: bool
    ) -> tuple[int, str, str] | None:
        """What a reading would break if the job stood so: (how far it fits, id, expected)."""
        if last is not None:
            for requirement, key in (
                ("monitor/type", "type"),
                ("monitor/creation-time", "creation"),
                ("monitor/priority", "priority"),
            ):
                if getattr(last, key) != getattr(now, key):
                    return 9, requirement, f"{key} stays {getattr(last, key)}"
        if one.state is not now.state:
            before = "new" if last is None else str(last.state)
            which = now.state if last is None else last.state
            return 0, f"monitor/state-{which.lower()}", f"{one.state}, after {before}"
        if (now.completion is not None) != (now.state in FINAL):
            return 8, "monitor/completion-time", "a CompletionTime exactly in Success and Failure"
        if now.state is State.SUCCESS and now.error != ErrorCode.SUCCESS:
            return 7, "monitor/error-code", "ErrorCode 0 in Success"
        if now.state is State.SUCCESS and now.progress != 100:
            return 7, "monitor/progress", "Progress 100 in Success"
        if not 0 <= now.progress <= 100:
            return 7, "monitor/progress", "a Progress from 0 to 100"
        if now.state is State.FAILURE and self.watched.errors_kept and not now.error:
            return 7, "monitor/error-code", "an ErrorCode that is not 0, in Failure"
        if now.state is State.FAILURE and one.moved and not fresh:
            canceled = now.error == ErrorCode.CANCELED_JOB
            if canceled != one.canceled:
                wanted = int(ErrorCode.CANCELED_JOB) if one.canceled else "of a step"
                return 6, "monitor/error-code", f"ErrorCode {wanted}"
        if last is None or fresh:
            return None
        return self._changed(last, now, one, passed)

    def _changed(
        self, last: Shown, now: Shown, one: Possible, passed: float | None
    ) -> tuple[int, str, str] | None:
        """What the change between two readings would break if the job had gone this way."""
        if not one.moved and now.state is not State.RUNNING:
            for requirement, key in (
                ("monitor/error-code", "error"),
                ("monitor/completion-time", "completion"),
                ("monitor/progress", "progress"),
                ("monitor/effective-runtime", "runtime"),
            ):
                if getattr(last, key) != getattr(now, key):
                    return 5, requirement, f"{key} stays {getattr(last, key)} while {now.state}"
        if not one.resubmitted and not one.stale and now.progress < last.progress:
            return 4, "monitor/progress", f"a Progress of at least {last.progress}"
        if one.moved and now.state in FINAL and now.completion == last.completion:
            return 4, "monitor/completion-time", "another CompletionTime than before"
        if passed is None or now.runtime is None or last.runtime is None:
            return None
        if one.resubmitted:
            most = passed * (1 + TIMING.watched_drift) + TIMING.loose
            if now.runtime > most:
                return 3, "monitor/effective-runtime-restarts", f"a runtime of at most {most:.3g} s"
            return None
        if now.runtime < last.runtime - TIMING.rounded:
            return 3, "monitor/effective-runtime", f"a runtime of at least {last.runtime:g} s"
        return None

    def _missed(self, id: str, fresh: bool) -> list[Impossible]:
        """A job that is listed no more: only a completed one may go."""
        track = self._tracks.pop(id)
        ways = closed(self.watched.config, self.watched.others or id in self._unsure, track.ways)
        self._gone[id] = tuple(track.lines)
        if fresh or any(one.completed for one in ways):
            return []
        state = "" if track.last is None else f"it was {track.last.state}"
        expected = "a job that has not completed is listed"
        return [self._wrong(id, "history/unfinished-never-evicted", expected, f"gone; {state}")]

    def _restarted(self, now: float) -> None:
        """The server may have been started again, with the jobs of its last save."""
        for track in self._tracks.values():
            states = {state for when, found in track.stood for state in found}
            old = bool(track.stood) and track.stood[0][0] < now - TIMING.saved_all
            (only,) = states if len(states) == 1 else (None,)
            if old and only in RESTING:
                kept = (one for one in ANYTHING if one.state is only)
                track.ways = frozenset(kept) | track.ways
            else:
                track.ways = ANYTHING

    def _wrong(self, id: str, requirement: str, expected: str, actual: str) -> Impossible:
        track = self._tracks.get(id)
        lines = self._gone.get(id, ()) if track is None else tuple(track.lines)
        return Impossible(id, requirement, expected, actual, tuple(lines))

    # --- several jobs at once -----------------------------------------------------------------

    def _at_once(self, listed: dict[str, Shown], begin: float, end: float) -> list[Impossible]:
        """What the last two readings together show of jobs that stood so all the time between."""
        found = []
        workers, history = self.watched.config.workers, self.watched.config.history
        between = begin - self._end
        if workers is not None and between > 0:
            slack = sorted(self._slack(id, now, end) for id, now in listed.items())
            if len(slack) > workers and sum(slack[: workers + 1]) < between:
                found.append(
                    self._wrong(
                        "",
                        "queue/concurrent-jobs",
                        f"at most {workers} Running jobs",
                        f"{len([s for s in slack if s < between])} at the same time",
                    )
                )
        if history is not None:
            kept = [
                id
                for id, now in listed.items()
                if now.state in FINAL
                and (was := self.jobs.get(id)) is not None
                and was.state is now.state
                and was.completion == now.completion
            ]
            if len(kept) > history:
                expected = f"at most {history} completed jobs"
                found.append(self._wrong("", "history/size", expected, f"{len(kept)} at once"))
        return found

    def _slack(self, id: str, now: Shown, end: float) -> float:
        """For how long at most the job did not run between the last two readings, in seconds.

        Who leaves Running is shown with another runtime afterwards. So a job whose runtime was
        the same three times in a row has not left it between the last two, or would have had to
        run for less than a millisecond each time.
        """
        was, before = self.jobs.get(id), self._before.get(id)
        if was is None or was.runtime is None or now.runtime is None:
            return float("inf")
        if not was.state is now.state is State.RUNNING:
            return float("inf")
        if self.watched.live:
            passed = (end - self._begin) * (1 + TIMING.watched_drift) + TIMING.loose
            return max(0.0, passed - (now.runtime - was.runtime) + TIMING.rounded)
        same = before is not None and (
            (before.state, before.progress, before.runtime)
            == (was.state, was.progress, was.runtime)
            == (now.state, now.progress, now.runtime)
        )
        return 0.0 if same else float("inf")

    def _ticking(self, begin: float, end: float, jobs: Iterable[Shown]) -> bool:
        """Whether the server's clock has gone along with ours since the last reading."""
        stamps = [one.timestamp for one in jobs if one.timestamp is not None]
        if not stamps:
            return False
        before, self._clock = self._clock, (begin, min(stamps))
        if before is None:
            return False
        ours, theirs = begin - before[0], min(stamps) - before[1]
        return abs(ours - theirs) <= TIMING.loose + TIMING.watched_drift * abs(ours) + (end - begin)


def lines(found: Sequence[Impossible]) -> Iterable[str]:
    """A finding in words, for who reads it in a terminal."""
    for one in found:
        yield f"impossible: {one.requirement}" + (f", job {one.job}" if one.job else "")
        yield f"  expected  {one.expected}"
        yield f"  actual    {one.actual}"
        for number, line in enumerate(one.history, start=1):
            yield f"  {number:2}. {line}"
