"""What was seen of jobs, judged: as it is told, or recorded in a file."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conformance.passive import trace
from conformance.passive.finding import Impossible
from conformance.passive.judge import Judge
from spec.table import Action, State


class Oracle:
    """Knows how a server's jobs may stand, by what was seen of them so far.

        oracle = Oracle()
        oracle.read(requests.get(f"{url}/jobs/{id}").json())    # -> what is impossible: []
        oracle.acted(id, "pause", 200)
        oracle.allowed(id)                                      # the states it may show next

    ``workers``, ``history``: ConcurrentJobs and JobsHistorySize, where they are known. ``version``:
    of Orthanc; what the kit's ledger accepts of it is nothing impossible. ``alone``: nobody else
    acts on its jobs, so that all actions are told.
    """

    def __init__(
        self,
        *,
        workers: int | None = None,
        history: int | None = None,
        version: str | None = None,
        alone: bool = False,
    ) -> None:
        known = trace.allowing(
            trace.known(version),
            workers=workers,
            history=history,
            version=version,
            others=not alone,
        )
        self._judge = Judge(known)
        self._begun_anew: set[str] = set()  # jobs that were not read since a restart

    def read(
        self, job: Any, *, asked: float | None = None, answered: float | None = None
    ) -> list[Impossible]:
        """One answer of ``GET /jobs/{id}``, as JSON; what in it is impossible.

        ``asked``, ``answered``: when, by a clock in seconds that only goes on (`time.monotonic`);
        now, if they are not given. A clock makes more impossible: how long a job can have run.
        """
        id = str(job.get("ID")) if isinstance(job, Mapping) else ""
        fresh = id in self._begun_anew
        self._begun_anew.discard(id)
        return self._judge.one(*_times(asked, answered), None, job, fresh)

    def read_all(
        self, jobs: Any, *, asked: float | None = None, answered: float | None = None
    ) -> list[Impossible]:
        """The same for an answer of ``GET /jobs?expand``: what is not in it is gone."""
        fresh = bool(self._begun_anew)
        self._begun_anew.clear()
        return self._judge.reading(*_times(asked, answered), jobs, fresh)

    def acted(self, job: str, action: Action | str, status: int) -> list[Impossible]:
        """An action on the job of this id, and the HTTP status of its answer."""
        sure = job not in self._begun_anew
        return self._judge.action(job, Action(action.lower()), status, sure)

    def restarted(self) -> None:
        """The server may have been started again since the last reading."""
        self._begun_anew |= self._judge.seen

    def allowed(self, job: str) -> frozenset[State]:
        """The states that the next reading of a job may show.

        All, of one that was never seen, or not since a restart.
        """
        return frozenset(State) if job in self._begun_anew else self._judge.allowed(job)


def _times(asked: float | None, answered: float | None) -> tuple[float, float]:
    """When a reading was asked for, and answered."""
    now = time.monotonic() if answered is None else answered
    return (now if asked is None else asked), now


def check_trace(trace_file: str | Path, *, strict: bool = False) -> list[Impossible]:
    """Judge the history in a file, as ``orthanc-jobs watch --record`` writes one (docs/traces.md).

    A job or a list of jobs as JSON is taken as well. ``strict``: nothing is accepted that released
    servers are known to do. Raises `Error` for a file that is no trace.
    """
    return trace.check(Path(trace_file), strict)[1]
