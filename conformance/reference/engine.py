"""The jobs engine: the worker threads, the timer of Retry, and the one lock.

The registry decides, the engine drives. Every call of the registry happens under the lock, and a
job is described to its readers under the same lock, so a reader never sees half of a change. No
thread holds the lock while it waits or sends.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from conformance.reference.job import Action, Job, Outcome, State, Step, Task, content
from conformance.reference.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from conformance.reference.errors import ErrorCode

    Perform = Callable[[Step], Outcome]
    OpenRun = Callable[[Task], AbstractContextManager[Perform]]


@dataclass(frozen=True, slots=True)
class JobEnd:
    """How a job has ended, for who waited for it; `kept` tells whether it can still be read."""

    state: State
    error: ErrorCode
    details: str
    content: dict[str, object]
    kept: bool


@dataclass(frozen=True, slots=True)
class RunEnd:
    """Where a run has left its job."""

    state: State
    error: ErrorCode


class Deletion(Enum):
    """What came of the wish to delete a job."""

    DONE = "done"
    NOT_COMPLETED = "not completed"
    UNKNOWN = "unknown"


class Engine:
    """Runs jobs on `workers` threads, and keeps `history_size` completed ones.

    `open_run(task)` is entered for each run of a job, and yields the function that does a step
    and says how it has ended; it must not raise.
    """

    def __init__(
        self,
        workers: int,
        history_size: int,
        open_run: OpenRun,
        registry_type: type[Registry] = Registry,
    ) -> None:
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)  # a job is pending, or the end has come
        self._retries = threading.Condition(self._lock)  # a job is in Retry, or the end has come
        self._registry = registry_type(history_size, self._tell_end)
        self._open_run = open_run
        self._waiting: dict[str, list[Callable[[JobEnd | None], None]]] = {}
        self._stopping = False
        self._threads = [
            threading.Thread(target=self._work_on_jobs, name=f"worker-{number}", daemon=True)
            for number in range(self.worker_count(workers))
        ]
        self._threads.append(threading.Thread(target=self._end_retries, name="retry", daemon=True))

    def worker_count(self, workers: int) -> int:
        """How many jobs run at the same time."""
        return workers

    # -- life ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask the threads to end: no job starts any more, a step in flight is the last one.

        Returns at once. Who waits for the end of a job is told None: it will not be known here.
        """
        with self._lock:
            self._stopping = True
            waiting, self._waiting = self._waiting, {}
            self._work.notify_all()
            self._retries.notify_all()
        for listeners in waiting.values():
            for listener in listeners:
                listener(None)

    def join(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds for the threads; False when a step is still in flight."""
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    # -- what clients do: short, never waits, may be called on an event loop ---------------------

    def submit(self, task: Task, on_end: Callable[[JobEnd | None], None] | None = None) -> str:
        """Add a job, and answer its id.

        `on_end` is called once, on a thread of the engine or of who acts on the job, with the
        lock held: it must only pass the news on. It gets None when the engine stops before.
        """
        job = Job(task)
        with self._lock:
            if on_end is not None and not self._stopping:
                self._waiting.setdefault(job.id, []).append(on_end)
            self._registry.submit(job)
            self._wake_workers()
            stopping = self._stopping
        if on_end is not None and stopping:
            on_end(None)
        return job.id

    def act(self, job_id: str, action: Action) -> bool:
        """Do `action` to a job; False when it is refused or there is no such job."""
        with self._lock:
            job = self._registry.jobs.get(job_id)
            accepted = job is not None and self._registry.act(job, action)
            self._wake_workers()
            return accepted

    def knows(self, job_id: str) -> bool:
        """Whether there is such a job."""
        with self._lock:
            return job_id in self._registry.jobs

    def read(self, job_id: str) -> dict[str, object] | None:
        """A job as the REST API describes it; None when there is no such job."""
        with self._lock:
            job = self._registry.jobs.get(job_id)
            return None if job is None else self._registry.describe(job)

    def list_ids(self) -> list[str]:
        """The ids of all jobs."""
        with self._lock:
            return [job.id for job in self._registry.listed()]

    def read_all(self) -> list[dict[str, object]]:
        """All jobs, of one and the same moment."""
        with self._lock:
            return [self._registry.describe(job) for job in self._registry.expanded()]

    def delete(self, job_id: str) -> Deletion:
        """Remove a completed job."""
        with self._lock:
            job = self._registry.jobs.get(job_id)
            if job is None:
                return Deletion.UNKNOWN
            return Deletion.DONE if self._registry.delete(job) else Deletion.NOT_COMPLETED

    # -- the threads -----------------------------------------------------------------------------

    def _work_on_jobs(self) -> None:
        """A worker: one run after the other."""
        while (job := self._take_job()) is not None:
            if not self.goes_on(self._run(job)):
                return

    def goes_on(self, left: RunEnd) -> bool:
        """Whether a worker takes another job after a run that left its job so."""
        return True

    def _take_job(self) -> Job | None:
        """Wait for a job and start it; None when the engine stops."""
        with self._lock:
            while not self._stopping:
                if (job := self._registry.next_job()) is not None:
                    self._registry.start(job)
                    return job
                self._work.wait()
            return None

    def _run(self, job: Job) -> RunEnd:
        """Do the steps of a Running job until it is Running no more, or the engine stops.

        The look at the requests before the first step is apart from the start: a job is seen
        Running before its first step is sent, and a request may fall in between.
        """
        with self._lock:
            step = self._step_to_do(job)
            left = RunEnd(job.state, job.error)
        if step is None:
            return left
        with self._open_run(job.task) as perform:
            while step is not None:
                outcome = perform(step)
                with self._lock:
                    step = self._end_step(job, outcome)
                    left = RunEnd(job.state, job.error)
        return left

    def _end_step(self, job: Job, outcome: Outcome) -> Step | None:
        """Account for the step that has ended; answer the next one, if this run goes on."""
        self._registry.step_ended(job, outcome)
        self._wake_workers()
        if job.state is State.RETRY:
            self._retries.notify()
        return self._step_to_do(job) if job.state is State.RUNNING else None

    def _step_to_do(self, job: Job) -> Step | None:
        """The next step of a Running job; None when its run is over, or the engine stops."""
        step = self._registry.next_step(job)
        return None if self._stopping else step

    def _end_retries(self) -> None:
        """The timer: put each job in Retry back into the queue when its time is over."""
        with self._lock:
            while not self._stopping:
                job = self._registry.next_retry()
                delay = None if job is None else job.retry_at - time.monotonic()
                if job is None or delay is None or delay > 0:
                    self._retries.wait(None if delay is None else min(delay, 3600.0))
                else:
                    self._registry.retry_over(job)
                    self._wake_workers()

    # -- under the lock --------------------------------------------------------------------------

    def _wake_workers(self) -> None:
        """Wake as many idle workers as there are pending jobs."""
        if self._registry.pending:
            self._work.notify(len(self._registry.pending))

    def _tell_end(self, job: Job) -> None:
        """Tell who waits for the end of `job`."""
        listeners = self._waiting.pop(job.id, None)
        if not listeners:
            return
        end = JobEnd(
            job.state, job.error, job.error_details, content(job), job.id in self._registry.jobs
        )
        for listener in listeners:
            listener(end)
