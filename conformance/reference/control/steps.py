"""Holding the steps of jobs, and ending them as somebody says.

Each step of a job comes by here. It goes on at once unless its job is held; then it waits for a
word. A word that comes before its step waits for it: so nobody has to look when a step begins.
Nor when it has ended: who has said a word can wait until the server is at rest.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

from conformance.reference.job import CutOff, Outcome, Planning, Step
from conformance.reference.tasks.made_up import MadeUp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.reference.engine import OpenRun, Perform
    from conformance.reference.job import Job

Ending = Outcome | None
"""How a step is to end; None: as it does when it is done."""


class StepControl:
    """The words for the steps of all jobs, by the id of the job; any thread may say them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # an engine may hold its own lock, and never the reverse
        self._said = threading.Condition(self._lock)  # a word, for the steps
        self._changed = threading.Condition(self._lock)  # for who waits for the server
        self._changes = 0
        self._words: dict[str, deque[Ending]] = {}
        self._holds: dict[str, bool] = {}
        self._holds_others = False
        self._stopped: dict[str, tuple[Life, Job]] = {}  # the jobs with a step that waits, or did
        self._at_work: set[str] = set()  # those with a step that is being done

    def hold(self, job_id: str | None, holds: bool) -> None:
        """Whether the steps of a job wait for a word; None: of every job not named before."""
        with self._lock:
            if job_id is None:
                self._holds_others = holds
            else:
                self._holds[job_id] = holds
            self._said.notify_all()

    def end(self, job_id: str, ending: Ending) -> None:
        """How the step of a job ends that waits, or else the next one."""
        with self._lock:
            self._words.setdefault(job_id, deque()).append(ending)
            self._said.notify_all()

    def changed(self) -> None:
        """Something has changed on the server."""
        with self._lock:
            self._tell()

    def completed(self, job_id: str) -> None:
        """A job has completed: what is left of its words is not for a run after a resubmit."""
        with self._lock:
            self._words.pop(job_id, None)

    def waiting(self) -> list[str]:
        """The jobs that have a step that waits for a word."""
        with self._lock:
            return sorted(job_id for job_id in self._stopped if self._waits(job_id))

    def wait(self, job_id: str, seconds: float) -> bool:
        """Wait until a step of a job waits for a word; False: none did in `seconds`."""
        with self._lock:
            return self._changed.wait_for(lambda: self._waits(job_id), seconds)

    def rests(self, job: Job) -> bool:
        """Whether a job that runs waits for a word, or goes on in its own time: nobody holds it,
        or its step is really being done.
        """
        with self._lock:
            return not self._is_held(job) or job.id in self._at_work or self._waits(job.id)

    def wait_until(self, holds: Callable[[], bool], seconds: float) -> bool:
        """Wait until `holds`, which may ask the engine; False: it did not in `seconds`."""
        deadline = time.monotonic() + seconds
        while True:
            with self._lock:
                seen = self._changes
            if holds():
                return True
            with self._lock:
                left = deadline - time.monotonic()
                if not self._changed.wait_for(lambda: self._changes != seen, left):  # noqa: B023
                    return False

    def life(self) -> Life:
        """The steps of one life of the server."""
        return Life(self)

    def ends_as(self, life: Life, job: Job) -> Ending:
        """Wait for the word for a step of `job` that has begun."""
        with self._lock:
            if not self._may_go_on(life, job):
                self._stopped[job.id] = life, job
                self._tell()
                self._said.wait_for(lambda: self._may_go_on(life, job))
                self._stopped.pop(job.id, None)  # a job that runs twice, by a fault, stops twice
            if life.is_over:
                return CutOff()
            words = self._words.get(job.id)
            return words.popleft() if words else None

    @contextmanager
    def at_work(self, job: Job) -> Iterator[None]:
        """Within it a step of `job` is being done. One that is made up takes no time for it."""
        if isinstance(job.task, MadeUp):
            yield
            return
        self._work(job.id, self._at_work.add)
        try:
            yield
        finally:
            self._work(job.id, self._at_work.discard)

    def _work(self, job_id: str, change: Callable[[str], None]) -> None:
        with self._lock:
            change(job_id)
            self._tell()

    def _tell(self) -> None:
        self._changes += 1
        self._changed.notify_all()

    def _waits(self, job_id: str) -> bool:
        return job_id in self._stopped and not self._may_go_on(*self._stopped[job_id])

    def _may_go_on(self, life: Life, job: Job) -> bool:
        return life.is_over or not self._is_held(job) or bool(self._words.get(job.id))

    def _is_held(self, job: Job) -> bool:
        unnamed = job.task.held if isinstance(job.task, MadeUp) else self._holds_others
        return self._holds.get(job.id, unnamed)

    def cut_off(self, life: Life) -> None:
        """End `life`: what waits in it has not ended."""
        with self._lock:
            life.is_over = True
            self._said.notify_all()
            self._tell()


class Life:
    """One life of the server, which may end in the middle of a step. `is_killed`: it did, and what
    a step does that was really being done is not heard of any more."""

    def __init__(self, control: StepControl) -> None:
        self._control = control
        self.is_over = False
        self.is_killed = False

    def under_control(self, open_run: OpenRun) -> OpenRun:
        """`open_run`, with each step under control."""

        @contextmanager
        def opened(job: Job) -> Iterator[Callable[[Step], Outcome]]:
            with open_run(job) as perform:
                yield lambda step: self._perform(job, step, perform)

        return opened

    def end(self, killed: bool) -> None:
        """No step that waits for a word is waited for."""
        self.is_killed = killed
        self._control.cut_off(self)

    def _perform(self, job: Job, step: Step, perform: Perform) -> Outcome:
        ending = None if isinstance(step, Planning) else self._control.ends_as(self, job)
        outcome = self._done(job, step, perform) if ending is None else ending
        return CutOff() if self.is_killed else outcome

    def _done(self, job: Job, step: Step, perform: Perform) -> Outcome:
        with self._control.at_work(job):
            return perform(step)
