"""The jobs in the database, from which the server takes them up again (source: the page, "Jobs").

Each change of a job is saved at once, under the engine's lock: before the caller gets its answer,
and before the next step is sent. So after ``kill -9`` nothing is lost that anybody was told. A
step whose end was seen here is not run again; one that was in flight has not ended, and is.
"""

from __future__ import annotations

import sqlite3
import sys
from dataclasses import fields
from typing import TYPE_CHECKING

from conformance.reference.job import Job, Step, Task
from conformance.reference.records import UnreadableRecord, read_record, write_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from conformance.reference.database import Database, Statement

    Planned = tuple[Step, ...]
    Saved = tuple[Task, Planned, str, bytes | None]

_FLEETING = {"clock", "running_since", "retry_at", "shown"}  # of this process only
_APART = {"task", "planned", "output"}  # they can be long, and are in other columns
_STATUS = [each.name for each in fields(Job) if each.name not in _FLEETING | _APART]

_INSERT = "INSERT INTO jobs (task, status, output, id) VALUES (?, ?, ?, ?)"
_CHANGE = "UPDATE jobs SET task = ?, status = ?, output = ? WHERE id = ?"
_UPDATE = "UPDATE jobs SET status = ? WHERE id = ?"
_DELETE = "DELETE FROM jobs WHERE id = ?"
_QUERY = "SELECT task, status, output FROM jobs ORDER BY number"


class JobStore:
    """Saves jobs, and loads those of the server's life before.

    `save_jobs`: the option SaveJobs; `load_jobs`: False for ``--no-jobs``.
    """

    def __init__(self, database: Database, save_jobs: bool = True, load_jobs: bool = True) -> None:
        self._database = database
        self._saves = self.may_save(save_jobs)
        self._loads = self._saves and self.may_load(load_jobs)
        self._saved: dict[str, Saved] = {}
        self._complained = False

    def may_save(self, save_jobs: bool) -> bool:
        """Whether jobs are saved at all."""
        return save_jobs

    def may_load(self, load_jobs: bool) -> bool:
        """Whether the earlier jobs are loaded."""
        return load_jobs

    def load(self) -> list[Job]:
        """The earlier jobs, in order of submission, as they were when they were last saved.

        When they are not wanted they are gone for good: none comes back at a later start.
        Raises `UnusableDatabase`.
        """
        if not self._loads:
            self._write([("DELETE FROM jobs", ())])
            return []
        jobs = []
        for kept, status, output in self._database.rows(_QUERY):
            try:
                task, planned = _unpacked(read_record(kept))
                job = self.restored(task, read_record(status))
            except (UnreadableRecord, TypeError) as error:
                raise self._database.unusable("a job in it cannot be read") from error
            job.output = output if isinstance(output, bytes) else None
            job.planned = planned
            self._saved[job.id] = (job.task, job.planned, str(status), job.output)
            jobs.append(job)
        return jobs

    def restored(self, task: object, status: object) -> Job:
        """The job of these two records. Raises `TypeError` when they are of something else."""
        if not isinstance(task, Task) or not isinstance(status, dict):
            raise TypeError("no job")
        job, fresh = Job(task, **status), Job(task)
        for name in _STATUS:
            value = status.get(name, getattr(fresh, name))  # it may be of an earlier version
            if type(value) is not type(getattr(fresh, name)) and name != "completed":
                raise TypeError(f"no {name} of a job")
        return job

    def status(self, job: Job) -> dict[str, object]:
        """What is saved of `job` beside its task; the time that it runs already counts as run."""
        status = {name: getattr(job, name) for name in _STATUS}
        return status | {"runtime": job.effective_runtime()}

    def save(self, changed: Iterable[Job], kept: Mapping[str, Job]) -> None:
        """Save `changed`, and remove every job that is not among `kept`, in one transaction.

        When that fails, as on a full disk, the server says so once and goes on, as Orthanc does:
        the next change of the job tries again.
        """
        if not self._saves:
            return
        saved = {job.id: self._record(job) for job in changed if job.id in kept}
        statements: list[Statement] = []
        for job_id, record in saved.items():
            statements.extend(self._statements(job_id, record))
        new = sum(job_id not in self._saved for job_id in saved)
        gone: list[str] = []
        if len(self._saved) + new != len(kept):
            gone = [job_id for job_id in self._saved if job_id not in kept]
            statements.extend((_DELETE, (job_id,)) for job_id in gone)
        if statements and self._write(statements):
            self._saved |= saved
            for job_id in gone:
                del self._saved[job_id]

    def has(self, job: Job) -> bool:
        """Whether `job` was saved before, as it is now or not."""
        return job.id in self._saved

    def _record(self, job: Job) -> Saved:
        return job.task, job.planned, write_record(self.status(job)), job.output

    def _statements(self, job_id: str, record: Saved) -> list[Statement]:
        """What saves `record`, and no more of it than has changed: a task may be long."""
        before = self._saved.get(job_id)
        task, planned, status, output = record
        long = (task, planned, output)
        if before is None or any(a is not b for a, b in zip(long, _long(before), strict=True)):
            statement = _INSERT if before is None else _CHANGE
            kept = write_record((task, planned) if planned else task)
            return [(statement, (kept, status, output, job_id))]
        return [] if before[2] == status else [(_UPDATE, (status, job_id))]

    def _write(self, statements: Iterable[Statement]) -> bool:
        try:
            self._database.write(statements)
        except sqlite3.Error as error:
            if not self._complained:
                print(f"the jobs cannot be saved: {error}", file=sys.stderr, flush=True)
            self._complained = True
            return False
        self._complained = False
        return True


def _long(record: Saved) -> tuple[object, ...]:
    """What is not written again unless it has changed."""
    task, planned, _, output = record
    return task, planned, output


def _unpacked(kept: object) -> tuple[object, Planned]:
    """A task, and the steps that came to its own. Raises `TypeError` when these are none."""
    if not isinstance(kept, tuple):
        return kept, ()
    task, planned = kept if len(kept) == 2 else (None, None)
    if not isinstance(planned, tuple) or not all(isinstance(each, Step) for each in planned):
        raise TypeError("no steps of a job")
    return task, planned
