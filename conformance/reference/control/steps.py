"""Holding the steps of jobs, and ending them as somebody says.

Each step of a job comes by here. It goes on at once unless its job is held; then it waits for a
word. A word that comes before its step waits for it: so nobody has to look when a step begins.
"""

from __future__ import annotations

import threading
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
        self._changed = threading.Condition()
        self._words: dict[str, deque[Ending]] = {}
        self._holds: dict[str, bool] = {}
        self._holds_others = False
        self._waiting: set[str] = set()

    def hold(self, job_id: str | None, holds: bool) -> None:
        """Whether the steps of a job wait for a word; None: of every job not named before."""
        with self._changed:
            if job_id is None:
                self._holds_others = holds
            else:
                self._holds[job_id] = holds
            self._changed.notify_all()

    def end(self, job_id: str, ending: Ending) -> None:
        """How the step of a job ends that waits, or else the next one."""
        with self._changed:
            self._words.setdefault(job_id, deque()).append(ending)
            self._changed.notify_all()

    def waiting(self) -> list[str]:
        """The jobs that have a step that waits for a word."""
        with self._changed:
            return sorted(self._waiting)

    def wait(self, job_id: str, seconds: float) -> bool:
        """Wait until a step of a job waits for a word; False: none did in `seconds`."""
        with self._changed:
            return self._changed.wait_for(lambda: job_id in self._waiting, seconds)

    def life(self) -> Life:
        """The steps of one life of the server."""
        return Life(self)

    def ends_as(self, life: Life, job: Job) -> Ending:
        """Wait for the word for a step of `job` that has begun."""
        job_id = job.id
        with self._changed:
            if not self._may_go_on(life, job):
                self._waiting.add(job_id)
                self._changed.notify_all()  # once: two that wait would wake each other for ever
                self._changed.wait_for(lambda: self._may_go_on(life, job))
            self._waiting.discard(job_id)
            if life.is_over:
                return CutOff()
            words = self._words.get(job_id)
            return words.popleft() if words else None

    def _may_go_on(self, life: Life, job: Job) -> bool:
        unnamed = job.task.held if isinstance(job.task, MadeUp) else self._holds_others
        held = self._holds.get(job.id, unnamed)
        return life.is_over or not held or bool(self._words.get(job.id))

    def cut_off(self, life: Life) -> None:
        """End `life`: what waits in it has not ended."""
        with self._changed:
            life.is_over = True
            self._changed.notify_all()


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
        outcome = perform(step) if ending is None else ending
        return CutOff() if self.is_killed else outcome
