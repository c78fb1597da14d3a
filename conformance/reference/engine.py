"""The jobs engine: the worker threads, the timer of Retry, and the one lock.

The registry decides, the engine drives. Every call of the registry happens under the lock, and a
job is described to its readers under the same lock, so a reader never sees half of a change. No
thread holds the lock while it waits or sends.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from conformance.reference.config import at_a_time
from conformance.reference.job import Action, CutOff, Job, Outcome, State, Step, content
from conformance.reference.registry import Registry
from conformance.reference.told import Deletion, JobEnd, RunEnd

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from conformance.reference.clock import Clock
    from conformance.reference.config import Config
    from conformance.reference.persistence import JobStore
    from conformance.reference.told import Follower, Newcomer

    Perform = Callable[[Step], Outcome]
    OpenRun = Callable[[Job], AbstractContextManager[Perform]]


class Engine:
    """Runs jobs on threads, as many at once as `config` says, and saves them in `store`.

    `open_run(job)` is entered for each run of a job, and yields the function that does a step
    and says how it has ended; it must not raise.
    """

    def __init__(
        self,
        config: Config,
        open_run: OpenRun,
        store: JobStore,
        registry_type: type[Registry] = Registry,
    ) -> None:
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)  # a job is pending, or the end has come
        self._retries = threading.Condition(self._lock)  # a job is in Retry, or the end has come
        self._registry = registry_type(config.jobs_history_size, config.limit_jobs, self._note_end)
        self._registry.media_archive_size = config.media_archive_size
        self._open_run = open_run
        self._store = store
        self._newcomers: deque[Newcomer] = deque()  # the queue is full: the first is next
        self._waiting: dict[str, Callable[[JobEnd | None], None]] = {}
        self._news: list[tuple[Callable[[JobEnd | None], None], JobEnd]] = []  # not yet told
        self._stopping = False
        self.stopping = threading.Event()  # for who waits without the lock
        self._abandoned = False
        self._starts = True
        self._follower: Follower | None = None
        self._in_retry: set[Job] = set()
        self._taken: list[Job] = []  # those that a worker is at, until it is free again
        self._workers = self.worker_count(config.concurrent_jobs)
        self._threads = [
            threading.Thread(target=self._work_on_jobs, name=f"worker-{number}", daemon=True)
            for number in range(self._workers)
        ]
        self._threads.append(threading.Thread(target=self._end_retries, name="retry", daemon=True))

    def worker_count(self, workers: int) -> int:
        """How many jobs run at the same time, where ConcurrentJobs is `workers`."""
        return at_a_time(workers)

    # -- life ------------------------------------------------------------------------------------

    def restore(self) -> None:
        """Take up the jobs that the store has. Raises `UnusableDatabase`."""
        with self._lock:
            self._registry.restore(self._store.load())
            self._store.save(list(self._registry.jobs.values()), self._registry.jobs)

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self, abandon: bool = False) -> None:
        """Ask the threads to end: no job starts any more, a step in flight is the last one.

        Returns at once. `abandon`: `join` is not to wait for that step. Who waits for the end of a
        job is told None: it will not be known here. Who waits for room in the queue is told the
        same, and has added no job.
        """
        with self._lock:
            self._stopping = True
            self.stopping.set()
            self._abandoned |= abandon
            while self._newcomers:
                self._newcomers.popleft().on_admitted(None)
            for on_end in self._waiting.values():
                on_end(None)
            self._waiting.clear()
            self._work.notify_all()
            self._retries.notify_all()
            self._tell()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the threads, up to `timeout` seconds; False when a step is still in flight."""
        if self._abandoned:
            return False
        deadline = None if timeout is None else time.monotonic() + timeout
        for thread in self._threads:
            thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    # -- what clients do: short, never waits, may be called on an event loop ---------------------

    def submit(self, newcomer: Newcomer) -> None:
        """Add a job, or let it wait behind the others that wait while the queue is full."""
        with self._lock:
            if self._stopping:
                newcomer.on_admitted(None)
                return
            if self.must_wait(newcomer):
                self._newcomers.append(newcomer)
            else:
                self._add(newcomer)

    def must_wait(self, newcomer: Newcomer) -> bool:
        """Whether there is no room for `newcomer`, or others wait for it already."""
        return bool(self._newcomers) or not self._registry.has_room()

    def awaits_room(self, newcomer: Newcomer) -> bool:
        """Whether `newcomer` still waits for room in the queue."""
        with self._lock:
            return newcomer in self._newcomers

    def withdraw(self, newcomer: Newcomer) -> bool:
        """Who submitted `newcomer` is gone: it must never be added. False when it was already."""
        with self._lock:
            if newcomer not in self._newcomers:
                return False
            self._newcomers.remove(newcomer)
            return True

    def act(self, job_id: str, action: Action) -> bool:
        """Do `action` to a job; False when it is refused or there is no such job."""
        with self._lock:
            job = self._registry.jobs.get(job_id)
            if job is None:
                return False
            accepted = self._registry.act(job, action)
            self._settle(job)
            return accepted

    async def answer_action(self, job_id: str, action: Action) -> bool:
        """`act` for a client of the event loop: it is short, so it is done at once."""
        return self.act(job_id, action)

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

    def output(self, job_id: str) -> bytes | None:
        """The archive that a job has made; None when it has none, or there is no such job."""
        with self._lock:
            job = self._registry.jobs.get(job_id)
            return job.output if job is not None and job.state is State.SUCCESS else None

    def output_name(self, job_id: str) -> str:
        """What the archive of a job is called; empty when there is no such job."""
        with self._lock:
            job = self._registry.jobs.get(job_id)
            return "" if job is None else job.task.output_name

    def drop_output(self, job_id: str) -> bool:
        """Remove the archive of a job; False when there is none."""
        with self._lock:
            job = self._registry.jobs.get(job_id)
            if job is None or job.output is None:
                return False
            self._registry.drop_output(job)
            self._settle(job)
            return True

    def delete(self, job_id: str) -> Deletion:
        """Remove a completed job."""
        with self._lock:
            job = self._registry.jobs.get(job_id)
            if job is None:
                return Deletion.UNKNOWN
            deleted = self._registry.delete(job)
            self._settle(job)
            return Deletion.DONE if deleted else Deletion.NOT_COMPLETED

    # -- what only a test double is asked --------------------------------------------------------

    def hide(self, fields: tuple[str, ...]) -> None:
        """Describe jobs without these fields."""
        self._registry.hidden = fields

    def follow(self, clock: Clock, follower: Follower) -> None:
        """Go by `clock`, which somebody else may have moved, and tell `follower` what happens.

        To be said before `restore`.
        """
        self._registry.clock = clock
        self._follower = follower

    def is_at_rest(self, rests: Callable[[Job], bool]) -> bool:
        """Whether nothing more happens until somebody asks for it; true of one that has stopped.

        `rests`: whether a job that a worker is at waits for that, or goes on in its own time.
        """
        with self._lock:
            now = self._registry.clock.monotonic()
            free = self._workers - len(self._taken)
            starts = self._starts and free > 0 and bool(self._registry.pending)
            ends = any(job.retry_at <= now for job in self._in_retry)
            moves = starts or ends or not all(map(rests, self._taken))
            return self._stopping or not moves

    def advance(self, seconds: float) -> None:
        """Move the clock ahead. Raises `ValueError`."""
        with self._lock:
            self._registry.clock.advance(seconds)
            self._retries.notify()

    def let_start(self, starts: bool) -> None:
        """Whether Pending jobs start."""
        with self._lock:
            self._starts = starts
            self._wake_workers()

    def unless_completed(self, job_id: str, do: Callable[[], None]) -> State | None:
        """Do what is short, unless a job has completed. Its state; None: there is no such job."""
        with self._lock:
            job = self._registry.jobs.get(job_id)
            if job is not None and not job.state.completed:
                do()
            return None if job is None else job.state

    def show(self, job_id: str, fields: dict[str, object]) -> bool:
        """Let a job read so, whatever is true; nothing: the truth. False: there is no such job."""
        with self._lock:
            job = self._registry.jobs.get(job_id)
            if job is not None:
                job.shown = fields or None
            return job is not None

    # -- the threads -----------------------------------------------------------------------------

    def _work_on_jobs(self) -> None:
        """A worker: one run after the other."""
        while (job := self._take_job()) is not None:
            goes_on = self.goes_on(self._run(job))
            with self._lock:
                self._taken.remove(job)
                self._workers -= not goes_on
                self._tell()
            if not goes_on:
                return

    def goes_on(self, left: RunEnd) -> bool:
        """Whether a worker takes another job after a run that left its job so."""
        return True

    def _take_job(self) -> Job | None:
        """Wait for a job and start it; None when the engine stops."""
        with self._lock:
            while not self._stopping:
                if self._starts and (job := self._registry.next_job()) is not None:
                    self._taken.append(job)
                    self._registry.start(job)
                    self._settle(job)
                    return job
                self._work.wait()
            return None

    def _run(self, job: Job) -> RunEnd:
        """Do the steps of a Running job until it is Running no more, or the engine stops.

        The look at the requests before the first step is apart from the start: a job is seen
        Running before its first step is sent, and a request may fall in between.
        """
        with self._lock:
            step = self.step_to_do(job)
            self._settle(job)
            left = RunEnd(job.state, job.error)
        if step is None:
            return left
        with self._open_run(job) as perform:
            while step is not None:
                outcome = perform(step)
                with self._lock:
                    step = self.end_step(job, outcome)
                    self._settle(job)
                    left = RunEnd(job.state, job.error)
        return left

    def end_step(self, job: Job, outcome: Outcome) -> Step | None:
        """Account for the step that has ended; answer the next one, if this run goes on."""
        if isinstance(outcome, CutOff):
            return None
        self._registry.step_ended(job, outcome)
        if job.state is State.RETRY:
            self._retries.notify()
        return self.step_to_do(job) if job.state is State.RUNNING else None

    def step_to_do(self, job: Job) -> Step | None:
        """The next step of a Running job; None when its run is over, or the engine stops."""
        step = self._registry.next_step(job)
        return None if self._stopping else step

    def _end_retries(self) -> None:
        """The timer: put each job in Retry back into the queue when its time is over."""
        with self._lock:
            while not self._stopping:
                job = self._registry.next_retry()
                now = self._registry.clock.monotonic()
                delay = None if job is None else job.retry_at - now
                if job is None or delay is None or delay > 0:
                    self._retries.wait(None if delay is None else min(delay, 3600.0))
                else:
                    self._registry.retry_over(job)
                    self._settle(job)

    # -- under the lock --------------------------------------------------------------------------

    def _settle(self, job: Job) -> None:
        """After each change of `job`: save it, and only then let anybody know of it."""
        self._store.save([job], self._registry.jobs)
        for on_end, end in self._news:
            on_end(end)
        self._news.clear()
        (self._in_retry.add if job.state is State.RETRY else self._in_retry.discard)(job)
        self.room_made()
        self._wake_workers()
        self._tell()

    def _tell(self) -> None:
        """Something has changed."""
        if self._follower is not None:
            self._follower.changed()

    def _note_end(self, job: Job) -> None:
        """`job` has completed: if anybody waits for that, there is something to tell."""
        if self._follower is not None:
            self._follower.completed(job.id)
        if (on_end := self._waiting.pop(job.id, None)) is not None:
            kept = job.id in self._registry.jobs
            end = JobEnd(
                job.id, job.state, job.error, job.error_details, content(job), kept, job.output
            )
            self._news.append((on_end, end))
        elif job.output is not None:  # what is awaited is the answer, and not kept
            self._registry.keep_archive(job)

    def room_made(self) -> None:
        """The queue may have room again."""
        self._let_in()

    def _let_in(self) -> None:
        """Add the jobs that have waited for room, as long as there is some."""
        while self._newcomers and not self._stopping and self._registry.has_room():
            self._add(self._newcomers.popleft())

    def _add(self, newcomer: Newcomer) -> None:
        """A job of its own for `newcomer`."""
        clock = self._registry.clock
        job = Job(newcomer.task, clock=clock, created=clock.now())
        if newcomer.on_end is not None:
            self._waiting[job.id] = newcomer.on_end
        self._registry.submit(job)
        self._store.save([job], self._registry.jobs)
        newcomer.on_admitted(job.id)
        self._wake_workers()

    def _wake_workers(self) -> None:
        """Wake as many idle workers as there are pending jobs."""
        if self._registry.pending:
            self._work.notify(len(self._registry.pending))
