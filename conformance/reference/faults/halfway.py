"""Faults of jobs that are stopped halfway: paused or canceled while they run, or half done when the
server ends.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar
from uuid import uuid4

from conformance.reference.job import Job, Outcome, Step, Task
from conformance.reference.persistence import JobStore
from conformance.reference.registry import Registry
from conformance.reference.rewriting import Merger, Modifier, Rewriter
from conformance.reference.tasks.modifications import ResourceModification
from conformance.reference.tasks.regroupings import SplitStudy


class _AllAtOnce(Rewriter):
    """Stores all copies while the first step runs."""

    def perform(self, task: Task, step: Step) -> Outcome:
        outcome = super().perform(task, step)
        if step == task.steps[0]:
            for other in task.steps[1:]:
                if other.item:
                    super().perform(task, other)
        return outcome


class PausedModificationGoesOn(_AllAtOnce, Modifier):
    """A modification stores all its copies while its first step runs, and after a pause as well."""


class PausedMergeGoesOn(_AllAtOnce, Merger):
    """A merge stores all its copies while its first step runs, and after a pause as well."""


class _HalfDoneEnds(JobStore):
    """Takes a task of the kind that is half done for one that is done."""

    kind: ClassVar[type[Task]]

    def restored(self, task: object, status: object) -> Job:
        job = super().restored(task, status)
        if isinstance(task, self.kind) and job.done:
            job.done = len(task.steps)
        return job


class HalfDoneModificationEnds(_HalfDoneEnds):
    """A modification half done before a restart leaves out what it had not copied by then."""

    kind = ResourceModification


class HalfDoneSplitEnds(_HalfDoneEnds):
    """A split half done before a restart leaves out what it had not copied by then."""

    kind = SplitStudy


class ResubmittedSplitCopiesTwice(Registry):
    """A split that is resubmitted leaves the copies of the run before beside its own."""

    def start_over(self, job: Job) -> None:
        super().start_over(job)
        if isinstance(job.task, SplitStudy):
            job.task = replace(job.task, salt=uuid4().hex)


class ResubmitLostOnRestart(JobStore):
    """A job that was resubmitted before a restart goes on after it where it had failed."""

    def restored(self, task: object, status: object) -> Job:
        job = super().restored(task, status)
        if not job.done and not job.state.completed:
            job.done = round(job.progress * len(job.steps) / 100)
        return job
