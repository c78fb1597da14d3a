"""Faults in what a job bears for its caller (``UserData``)."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference.job import Job, Task
from conformance.reference.persistence import JobStore
from conformance.reference.registry import Registry


class UserDataGoneAtTheEnd(Registry):
    """A job that has ended shows no UserData any more."""

    def describe(self, job: Job) -> dict[str, object]:
        described = super().describe(job)
        if job.state.completed:
            described.pop("UserData", None)
        return described


class UserDataLostOnRestart(JobStore):
    """A restart loses the UserData of a job."""

    def restored(self, task: object, status: object) -> Job:
        if isinstance(task, Task):
            task = replace(task, user_data=None)
        return super().restored(task, status)


class UserDataOfAnother(Registry):
    """A job whose call has given no UserData shows that of another."""

    def describe(self, job: Job) -> dict[str, object]:
        given = [each.task.user_data for each in self.jobs.values() if each.task.user_data]
        return {"UserData": given[-1], **super().describe(job)} if given else super().describe(job)
