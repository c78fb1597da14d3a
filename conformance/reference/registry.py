"""Every decision on jobs: what an action does, who runs next, how a step ends, who is kept.

Nothing here starts a thread, waits, or takes a lock: the engine calls each method under its own
lock, so that whatever a method changes becomes visible at once and as a whole. Each decision is
one small method, for two reasons: it can be read next to the sentence of its requirement, and a
planted fault (`faults`) is exactly one of them overridden.

Sources: the page of Orthanc 1.5.6; the requirements `race/...`, by the strict reading; those
that say "measured".
"""

from __future__ import annotations

import bisect
import itertools
from typing import TYPE_CHECKING

from conformance.reference.clock import Clock
from conformance.reference.errors import ErrorCode
from conformance.reference.job import (
    Action,
    Failed,
    Job,
    Outcome,
    RetryAsked,
    State,
    Step,
    Succeeded,
    describe,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Registry:
    """All jobs of the server: the queue of pending ones, the history, and those in between.

    `history_size`: how many completed jobs are kept; `limit_jobs`: how many pending jobs there
    may be before a new one has to wait, 0 = no limit; `on_end` is told of each job that has
    completed, when it has been put into the history (or found no place there).
    """

    declares_retry = True
    """Whether the server says that a job of it may be in Retry."""

    def __init__(self, history_size: int, limit_jobs: int, on_end: Callable[[Job], None]) -> None:
        self.history_size = history_size
        self.limit_jobs = limit_jobs
        self.on_end = on_end
        self.clock = Clock()
        self.media_archive_size = 1
        self.hidden: tuple[str, ...] = ()  # fields of a job that came with a later release
        self.places = itertools.count()
        self.jobs: dict[str, Job] = {}
        self.pending: list[Job] = []  # in the order in which they will run
        self.history: list[Job] = []  # in the order in which they completed
        self.archives: list[Job] = []  # that have an archive to fetch, the oldest first

    # -- what a client reads ---------------------------------------------------------------------

    def listed(self) -> list[Job]:
        """The jobs that ``GET /jobs`` names, in order of submission."""
        return list(self.jobs.values())

    def expanded(self) -> list[Job]:
        """The jobs that ``GET /jobs?expand`` describes."""
        return self.listed()

    def describe(self, job: Job) -> dict[str, object]:
        """`job` as its readers see it."""
        described = describe(job)
        for name in self.hidden:
            described.pop(name, None)
        return described

    # -- submission ------------------------------------------------------------------------------

    def has_room(self) -> bool:
        """Whether a new job need not wait: the queue has less than LimitJobs pending ones."""
        return not self.limit_jobs or len(self.pending) < self.limit_jobs

    def submit(self, job: Job) -> None:
        """A new job: it becomes Pending."""
        self.jobs[job.id] = job
        self.enqueue(job)

    # -- the four actions ------------------------------------------------------------------------

    def act(self, job: Job, action: Action) -> bool:
        """Do `action` to `job`; False when it is refused, and then nothing has changed."""
        match action:
            case Action.CANCEL:
                return self.act_cancel(job)
            case Action.PAUSE:
                return self.act_pause(job)
            case Action.RESUME:
                return self.act_resume(job)
            case Action.RESUBMIT:
                return self.act_resubmit(job)

    def act_cancel(self, job: Job) -> bool:
        """Accepted in every state; a completed job stays as it is."""
        match job.state:
            case State.PENDING:
                self.leave_queue(job)
                self.cancel(job)
            case State.PAUSED | State.RETRY:
                self.cancel(job)
            case State.RUNNING:
                self.ask_cancel(job)
            case State.SUCCESS | State.FAILURE:
                pass
        return True

    def act_pause(self, job: Job) -> bool:
        """Accepted in every state; a completed or paused job stays as it is."""
        match job.state:
            case State.PENDING:
                self.leave_queue(job)
                self.pause(job)
            case State.RETRY:
                self.pause(job)
            case State.RUNNING:
                self.ask_pause(job)
            case State.PAUSED | State.SUCCESS | State.FAILURE:
                pass
        return True

    def act_resume(self, job: Job) -> bool:
        """Accepted in Paused only: the job goes on from the step where it stopped."""
        if job.state is not State.PAUSED:
            return False
        self.enqueue(job)
        return True

    def act_resubmit(self, job: Job) -> bool:
        """Accepted in Failure only: the job leaves the history and starts over.

        Its ErrorCode and Progress stay until it starts, and until its first step has ended.
        """
        if job.state is not State.FAILURE:
            return False
        self.leave_history(job)
        self.start_over(job)
        self.enqueue(job)
        return True

    def start_over(self, job: Job) -> None:
        """Forget the run before: all steps are to do, and no time has been spent."""
        job.done = 0
        job.instances_gone = 0
        job.made = []
        job.output = None
        job.output_size = 0
        job.transaction = ""
        job.runtime = 0.0
        job.completed = None

    def ask_cancel(self, job: Job) -> None:
        """A worker owns `job`: ask for a cancel at its next step boundary."""
        job.cancel_asked = True

    def ask_pause(self, job: Job) -> None:
        """A worker owns `job`: ask for a pause at its next step boundary."""
        job.pause_asked = True

    def delete(self, job: Job) -> bool:
        """Remove a completed job; False when it is not completed (a call of Orthanc 1.12.2)."""
        if not job.state.completed:
            return False
        self.leave_history(job)
        self.forget(job)
        return True

    # -- the queue -------------------------------------------------------------------------------

    def enqueue(self, job: Job) -> None:
        """`job` becomes Pending, behind all jobs that go before it or are its equals."""
        job.state = State.PENDING
        job.place = next(self.places)
        bisect.insort_right(self.pending, job, key=self.queue_key)

    def queue_key(self, job: Job) -> int:
        """What the queue is sorted by, lowest first: a higher priority runs earlier."""
        return -job.task.priority

    def leave_queue(self, job: Job) -> None:
        """`job` is no longer waiting for a worker."""
        self.pending.remove(job)

    def next_job(self) -> Job | None:
        """Take the job that is to run next out of the queue; None when there is none."""
        return self.pending.pop(0) if self.pending else None

    # -- a run: from start to the boundary at which the job stops being Running --------------------

    def start(self, job: Job) -> None:
        """A worker has taken `job`."""
        job.state = State.RUNNING
        job.running_since = self.clock.monotonic()
        self.reset_requests(job)
        self.reset_error(job)
        if job.done == 0:
            self.begin(job)

    def begin(self, job: Job) -> None:
        """`job` starts, or starts over: what its readers saw of the run before is gone."""
        job.planned = ()
        job.reported = 0
        job.transferred = 0

    def reset_requests(self, job: Job) -> None:
        """Requests end with the run that they were made in."""
        job.pause_asked = False
        job.cancel_asked = False

    def reset_error(self, job: Job) -> None:
        """The error of an earlier run is forgotten when the job starts."""
        job.error = ErrorCode.SUCCESS
        job.error_details = ""

    def next_step(self, job: Job) -> Step | None:
        """The step that a Running job does next; None when it is Running no more.

        What was asked for is looked at first. A job that has nothing left to do succeeds.
        """
        if self.look_at_requests(job):
            return None
        if job.all_steps_done:
            self.succeed(job)
            return None
        return job.steps[job.done]

    def look_at_requests(self, job: Job) -> bool:
        """Between two steps: do what was asked for, and say whether anything was.

        A cancel wins over a pause: whatever their order, both leave the job canceled.
        """
        if self.cancel_is_asked(job):
            self.cancel(job)
        elif self.pause_is_asked(job):
            self.pause(job)
        else:
            return False
        return True

    def cancel_is_asked(self, job: Job) -> bool:
        """Whether a cancel was asked for in this run."""
        return job.cancel_asked

    def pause_is_asked(self, job: Job) -> bool:
        """Whether a pause was asked for in this run."""
        return job.pause_asked

    def step_ended(self, job: Job, outcome: Outcome) -> None:
        """The step in flight of `job` has ended; it stays Running only if there is more to do."""
        match outcome:
            case Succeeded():
                self.keep_result(job, outcome)
                self.step_succeeded(job)
            case Failed():
                self.step_failed(job, outcome)
            case RetryAsked():
                self.step_asked_for_retry(job, outcome)

    def step_succeeded(self, job: Job) -> None:
        """More to come: the next look at the requests decides. The last step: they still count.

        A cancel during the last step leaves the Progress as it was; a pause leaves a job that
        has nothing left to do but to succeed, once it is resumed.
        """
        last = job.done + 1 >= len(job.steps)
        if last and self.cancel_is_asked(job):
            self.cancel(job)
            return
        self.count_step(job)
        if last and not self.look_at_requests(job):
            self.succeed(job)

    def keep_result(self, job: Job, succeeded: Succeeded) -> None:
        """Keep what a step has made, and what it has missed."""
        job.instances_gone += succeeded.instance_gone
        if succeeded.made is not None:
            job.made.append(succeeded.made)
        job.transaction = succeeded.transaction or job.transaction
        job.planned = job.planned if succeeded.planned is None else succeeded.planned
        job.transferred += succeeded.transferred
        if succeeded.output is not None:
            job.output = succeeded.output
            job.output_size = len(succeeded.output)

    def keep_archive(self, job: Job) -> None:
        """`job` has an archive to fetch; the oldest that are too many go (MediaArchiveSize)."""
        self.archives.append(job)
        while len(self.archives) > self.media_archive_size:
            self.drop_output(self.archives.pop(0))

    def drop_output(self, job: Job) -> None:
        """Forget the archive that `job` has made (a call of Orthanc 1.12.1)."""
        job.output = None

    def count_step(self, job: Job) -> None:
        """One step more is done."""
        job.done += 1
        job.reported = job.done
        job.progress = self.progress_of(job)

    def step_failed(self, job: Job, failed: Failed) -> None:
        """A failed step fails the job, with the step's code, whatever was asked for."""
        job.progress = self.progress_of(job)
        job.instances_gone += failed.instance_gone
        self.fail(job, failed.code, failed.details)

    def step_asked_for_retry(self, job: Job, asked: RetryAsked) -> None:
        """The step is to be done again: later, unless a pause or a cancel was asked for."""
        job.progress = self.progress_of(job)
        if not self.look_at_requests(job):
            self.retry(job, asked.delay)

    def progress_of(self, job: Job) -> int:
        """The rounded per cent of steps done; a job without steps is always complete."""
        done, parts = job.task.parts(job)
        return (200 * done + parts) // (2 * parts) if parts else 100

    # -- where a job goes ------------------------------------------------------------------------

    def succeed(self, job: Job) -> None:
        """All is done."""
        self.stop_running(job)
        job.progress = 100
        job.state = State.SUCCESS
        self.complete(job)

    def fail(self, job: Job, code: ErrorCode, details: str = "") -> None:
        """The job ends with an error."""
        self.stop_running(job)
        job.error = code
        job.error_details = details
        job.state = State.FAILURE
        self.complete(job)

    def cancel(self, job: Job) -> None:
        """A cancel takes effect."""
        self.fail(job, self.cancel_code())

    def cancel_code(self) -> ErrorCode:
        """The error of a job that was canceled."""
        return ErrorCode.CANCELED_JOB

    def pause(self, job: Job) -> None:
        """A pause takes effect."""
        self.stop_running(job)
        job.state = State.PAUSED

    def retry(self, job: Job, delay: float) -> None:
        """`job` waits `delay` seconds, without a worker, and then becomes Pending again."""
        self.stop_running(job)
        job.retry_at = self.clock.monotonic() + delay
        job.state = State.RETRY

    def stop_running(self, job: Job) -> None:
        """If `job` was Running, its run is over: the requests end, the time is accounted for."""
        if job.state is State.RUNNING:
            job.runtime = job.effective_runtime()
            self.reset_requests(job)

    # -- Retry -----------------------------------------------------------------------------------

    def next_retry(self) -> Job | None:
        """The job in Retry whose time is over first."""
        waiting = (job for job in self.jobs.values() if job.state is State.RETRY)
        return min(waiting, key=lambda job: job.retry_at, default=None)

    def retry_over(self, job: Job) -> None:
        """The time of `job` in Retry is over: it goes to the end of the queue."""
        self.enqueue(job)

    # -- the history -----------------------------------------------------------------------------

    def complete(self, job: Job) -> None:
        """`job` has ended, in Success or in Failure."""
        job.completed = self.clock.now()
        self.admit_to_history(job)
        self.on_end(job)

    def admit_to_history(self, job: Job) -> None:
        """Keep `job`, and give up the oldest completed ones that are too many."""
        job.place = next(self.places)
        self.history.append(job)
        while len(self.history) > self.history_room():
            self.forget(self.evict())

    def history_room(self) -> int:
        """How many completed jobs are kept."""
        return self.history_size

    def evict(self) -> Job:
        """Take the job that has to go out of the history: the one that completed first."""
        return self.history.pop(0)

    def leave_history(self, job: Job) -> None:
        """`job` is no longer among the completed ones."""
        self.history.remove(job)

    def forget(self, job: Job) -> None:
        """Nobody can read `job` any more."""
        del self.jobs[job.id]

    # -- the start of the server -----------------------------------------------------------------

    def restore(self, jobs: Iterable[Job]) -> None:
        """Take up the jobs of the server's life before, in the states in which it left them.

        The history keeps its order, and the queue too. A job that was Running was taken out of the
        queue before its equals, so it comes before them again. A job that was in Retry becomes
        Pending now, and so comes behind those that were Pending already.
        """
        for job in self.known_again(jobs):
            job.clock = self.clock
            self.jobs[job.id] = job
        in_order = sorted(self.jobs.values(), key=self.restore_key)
        for job in in_order:
            self.restore_job(job)

    def known_again(self, jobs: Iterable[Job]) -> list[Job]:
        """Those of the earlier jobs that there are again."""
        return list(jobs)

    def restore_key(self, job: Job) -> tuple[bool, int]:
        """What the earlier jobs are sorted by, before each is put where it was."""
        return job.state is State.RETRY, job.place

    def restore_job(self, job: Job) -> None:
        """Put `job` back: into the history, or into the queue, or leave it Paused."""
        match job.state:
            case State.SUCCESS | State.FAILURE:
                self.restore_completed(job)
            case State.PENDING:
                self.restore_pending(job)
            case State.RUNNING:
                self.restore_running(job)
            case State.RETRY:
                self.retry_over(job)
            case State.PAUSED:
                self.restore_paused(job)

    def restore_completed(self, job: Job) -> None:
        """The history takes `job` again; if it is smaller than before, the oldest go."""
        if job.output is not None:
            self.keep_archive(job)
        self.admit_to_history(job)

    def restore_pending(self, job: Job) -> None:
        """`job` waits again."""
        self.enqueue(job)

    def restore_running(self, job: Job) -> None:
        """The run of `job` was cut off: what was asked for takes effect, or it waits again."""
        job.running_since = self.clock.monotonic()
        if not self.look_at_requests(job):
            self.stop_running(job)
            self.enqueue(job)

    def restore_paused(self, job: Job) -> None:
        """Paused is where a user put `job`, so it stays there."""
