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

Of each reading by itself the fields are held to what the requirements say of them, by the same
code as in a run (`oracle.fields`), and to what the table of types says of its Type (`bytype`).
What has the name of a shortfall that is accepted of the server is no alarm but a *finding*.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from conformance.oracle.fields import Fields, Moment, ServerClock
from conformance.oracle.shown import clip
from conformance.passive.finding import Impossible
from conformance.passive.history import History
from conformance.passive.possible import ANYTHING, BORN
from conformance.passive.shown import DETAILS, Shown, Wrong, malformed, shown
from conformance.passive.track import Track
from conformance.passive.watched import Watched
from conformance.timing import TIMING
from spec.relaxations import Name, Shortfall
from spec.table import FINAL, UNKNOWN, Action, State, cell, cell_id


class Judge:
    """Takes a history in its order; each method answers what in it is impossible.

    ``findings``: what was seen of what is accepted, the first time for each name.
    """

    def __init__(self, watched: Watched) -> None:
        self.watched = watched
        self.readings = 0
        self.answers = 0  # readings, and what was answered instead of one
        self.jobs: dict[str, Shown] = {}  # as the last reading shows them
        self.findings: dict[Name, Impossible] = {}
        self._before: dict[str, Shown] = {}  # and the one before
        self.seen: set[str] = set()  # the ids of all jobs so far
        self._fields = Fields(ServerClock(most_steps=math.inf))
        self._details = watched.holds(DETAILS)
        self._told: set[tuple[str, Wrong]] = set()
        self._tracks: dict[str, Track] = {}
        self._gone: dict[str, History] = {}  # of jobs that are gone
        self._early: set[str] = set()  # jobs that were acted upon before they were read
        self._listed = False  # all jobs were read since the server may have been started
        self._begin = 0.0  # when the last reading was asked for,
        self._end = 0.0  # and answered
        self._clock: tuple[float, float] | None = None  # our time and the server's, together

    # --- the events of a history --------------------------------------------------------------

    def reading(self, begin: float, end: float, jobs: Any, fresh: bool = False) -> list[Impossible]:
        """One answer of ``GET /jobs?expand``, asked for at ``begin`` and there at ``end``.

        ``jobs``: an array, or an object that has each job by its id. ``fresh``: the server may have
        been started again since the last reading.
        """
        keyed = isinstance(jobs, Mapping)
        if not keyed and not isinstance(jobs, list):
            self.answers += 1
            return self._tell(
                [("", Wrong("monitor/list-expand", "an array of jobs", clip(repr(jobs))))]
            )
        each = list(jobs.items()) if keyed else [(None, job) for job in jobs]
        return self._take(begin, end, each, fresh, whole=True)

    def one(
        self, begin: float, end: float, id: str | None, job: Any, fresh: bool = False
    ) -> list[Impossible]:
        """One answer of ``GET /jobs/{id}``; ``id`` None: it is not known what was asked for."""
        return self._take(begin, end, [(id, job)], fresh, whole=False)

    def refused(self, status: int) -> list[Impossible]:
        """``GET /jobs?expand`` was answered with an HTTP error by a server that is there."""
        self.answers += 1
        known = (Shortfall.EMPTY_ARCHIVE_UNREADABLE,) if status == 400 else ()
        expected = "HTTP 200 with the details of every job"
        wrong = Wrong("monitor/list-expand", expected, f"HTTP {status}", known=known)
        return self._tell([("", wrong)])

    def allowed(self, job: str) -> frozenset[State]:
        """The states that the next reading of a job may show; all, of one that was never read."""
        track = self._tracks.get(job)
        return frozenset(State) if track is None else track.allowed()

    def _take(
        self,
        begin: float,
        end: float,
        each: list[tuple[str | None, Any]],
        fresh: bool,
        whole: bool,
    ) -> list[Impossible]:
        found: list[tuple[str, Wrong]] = []
        listed: dict[str, tuple[Shown, Mapping[str, Any], list[Wrong]]] = {}
        unsure = set()  # ids of jobs that are there, and of which more cannot be said
        for key, job in each:
            if not isinstance(job, Mapping):
                found.append((key or "", Wrong("monitor/job", "a JSON object", clip(repr(job)))))
                continue
            wrong = list(malformed(job, key, self._details))
            now = shown(job)
            id = str(job.get("ID", key or ""))
            if now is None:
                found += [(id, one) for one in wrong]
                unsure.add(id)
            else:
                if id in listed:
                    found.append((id, Wrong("monitor/list", "each job once", "listed twice")))
                listed[id] = now, job, wrong
        if fresh and self.readings:
            for track in self._tracks.values():
                track.restarted()
        ticking = self._ticking(begin, end, [now for now, _, _ in listed.values()]) and not fresh
        for id, (now, job, wrong) in listed.items():
            found += [(id, one) for one in wrong]
            gone = {one.requirement for one in wrong}
            track, back = self._track(id, fresh)
            found += [(id, one) for one in back]
            for one in track.read(now, job, Moment(begin, end), fresh, ticking):
                found += [] if one.requirement in gone else [(id, one)]
        shows = {id: now for id, (now, _, _) in listed.items()}
        if whole:
            for id in sorted(self._tracks.keys() - listed.keys() - unsure):
                track = self._tracks.pop(id)
                self._gone[id] = track.history
                found += [(id, one) for one in [track.missed(fresh)] if one is not None]
            if not fresh and ticking and self._listed:
                found += [("", one) for one in self._at_once(shows, begin, end)]
        told = self._tell(found)
        self._remember(begin, end, shows, fresh, whole)
        return told

    def _remember(
        self, begin: float, end: float, shows: dict[str, Shown], fresh: bool, whole: bool
    ) -> None:
        if whole:
            self._before = {} if fresh else self.jobs
            self.jobs, self._begin, self._end = shows, begin, end
        else:
            self.jobs = {**self.jobs, **shows}
        self._listed = whole or (self._listed and not fresh)
        self.seen |= set(shows)
        self.readings += 1
        self.answers += 1

    def action(self, job: str, action: Action, status: int, sure: bool = True) -> list[Impossible]:
        """An action on a job, and its answer. ``sure``: nothing else was under way meanwhile."""
        track = self._tracks.get(job)
        if track is None:
            self._early.add(job)
            unknown = cell(UNKNOWN, action).status
            if sure and job in self._gone and not self.watched.others and status != unknown:
                expected, actual = f"HTTP {unknown}", f"HTTP {status}"
                return self._tell([(job, Wrong(cell_id(action, UNKNOWN), expected, actual))])
            return []
        if not sure:
            track.unsure = True
            return []
        wrong = track.act(action, status)
        return [] if wrong is None else self._tell([(job, wrong)])

    def _track(self, id: str, fresh: bool) -> tuple[Track, list[Wrong]]:
        """The track of a job; what is wrong where it has none and should."""
        track = self._tracks.get(id)
        if track is not None:
            return track, []
        known, gone = self._listed and not fresh, self._gone.pop(id, None)
        new = known and gone is None
        ways = frozenset({BORN}) if new else ANYTHING
        track = Track(self.watched, self._fields, ways, self._end, unsure=id in self._early)
        track.history = gone or track.history
        self._tracks[id] = track
        if gone is None or not known:
            return track, []
        return track, [Wrong("monitor/list", "a job that is gone stays so", "it is listed again")]

    def _tell(self, found: Iterable[tuple[str, Wrong]]) -> list[Impossible]:
        """What of it is no finding with an accepted name, and was not told before."""
        told = []
        for id, wrong in found:
            track = self._tracks.get(id)
            history = self._gone.get(id, History()) if track is None else track.history
            lines = history.lines()
            names = [name for name in wrong.known if name in self.watched.accepted]
            if names:
                self.findings.setdefault(names[0], Impossible(id, wrong, lines))
            elif (id, wrong) not in self._told:
                told.append(Impossible(id, wrong, lines))
            self._told.add((id, wrong))
        return told

    # --- several jobs at once -----------------------------------------------------------------

    def _at_once(self, listed: dict[str, Shown], begin: float, end: float) -> list[Wrong]:
        """What the last two readings together show of jobs that stood so all the time between."""
        found = []
        workers, history = self.watched.config.workers, self.watched.config.history
        between = begin - self._end
        if workers is not None and between > 0:
            slack = sorted(self._slack(id, now, end) for id, now in listed.items())
            if len(slack) > workers and sum(slack[: workers + 1]) < between:
                actual = f"{len([s for s in slack if s < between])} at the same time"
                expected = f"at most {workers} Running jobs"
                found.append(Wrong("queue/concurrent-jobs", expected, actual))
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
                found.append(Wrong("history/size", expected, f"{len(kept)} at once"))
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
