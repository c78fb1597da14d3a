"""Faults of what is listed."""

from __future__ import annotations

from conformance.reference.job import Job, State
from conformance.reference.registry import Registry


class ExpandOmitsPaused(Registry):
    """The expanded list leaves out the Paused jobs."""

    def expanded(self) -> list[Job]:
        return [job for job in super().expanded() if job.state is not State.PAUSED]


class ListOmitsPending(Registry):
    """The list of ids leaves out the Pending jobs."""

    def listed(self) -> list[Job]:
        return [job for job in super().listed() if job.state is not State.PENDING]

    def expanded(self) -> list[Job]:
        return super().listed()


class ListOmitsFailures(Registry):
    """Both lists leave out the jobs in Failure."""

    def listed(self) -> list[Job]:
        return [job for job in super().listed() if job.state is not State.FAILURE]


class ListNamesJobTwice(Registry):
    """Both lists name each Running job twice."""

    def listed(self) -> list[Job]:
        jobs = super().listed()
        return jobs + [job for job in jobs if job.state is State.RUNNING]


class PriorityShownAsZero(Registry):
    """Each job reads as having priority 0, though it runs by its own."""

    def describe(self, job: Job) -> dict[str, object]:
        return super().describe(job) | {"Priority": 0}


class PausedShownAsPending(Registry):
    """A Paused job reads Pending."""

    def describe(self, job: Job) -> dict[str, object]:
        described = super().describe(job)
        if job.state is State.PAUSED:
            described["State"] = State.PENDING.value
        return described


class PausedReadsRunning(Registry):
    """A Paused job reads Running."""

    def describe(self, job: Job) -> dict[str, object]:
        described = super().describe(job)
        if job.state is State.PAUSED:
            described["State"] = State.RUNNING.value
        return described
