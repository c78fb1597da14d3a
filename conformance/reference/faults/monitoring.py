"""Faults of the fields of a job, its times above all."""

from __future__ import annotations

from datetime import timedelta

from conformance.reference import clock
from conformance.reference.engine import Engine
from conformance.reference.job import Job, State
from conformance.reference.registry import Registry
from conformance.reference.tasks.archives import Archive

_TIMES = ("CompletionTime", "CreationTime", "EstimatedTimeOfArrival", "Timestamp")


class TimesInLocalTime(Registry):
    """All times are an hour ahead of UTC, as the local time of some place is."""

    def describe(self, job: Job) -> dict[str, object]:
        described = super().describe(job)
        for name in _TIMES & described.keys():
            described[name] = clock.stamp(clock.parse(str(described[name])) + timedelta(hours=1))
        return described


class TimesInIsoNotation(Registry):
    """All times are written with dashes and colons."""

    def describe(self, job: Job) -> dict[str, object]:
        described = super().describe(job)
        for name in _TIMES & described.keys():
            described[name] = clock.parse(str(described[name])).isoformat()
        return described


class TimestampBeforeCreation(Registry):
    """The Timestamp of a job is before its CreationTime."""

    def describe(self, job: Job) -> dict[str, object]:
        before = job.created - timedelta(seconds=1)
        return super().describe(job) | {"Timestamp": clock.stamp(before)}


class TimestampStandsStill(Registry):
    """The Timestamp is that of the creation of the job."""

    def describe(self, job: Job) -> dict[str, object]:
        return super().describe(job) | {"Timestamp": clock.stamp(job.created)}


class CompletionBeforeCreation(Registry):
    """The CompletionTime of a job is before its CreationTime."""

    def complete(self, job: Job) -> None:
        super().complete(job)
        job.completed = job.created - timedelta(seconds=1)


class CompletionTimeIsNow(Registry):
    """The CompletionTime of a job moves on with each reading."""

    def describe(self, job: Job) -> dict[str, object]:
        described = super().describe(job)
        if job.state.completed:
            described["CompletionTime"] = described["Timestamp"]
        return described


class SuccessWithoutCompletionTime(Registry):
    """A job in Success has no CompletionTime."""

    def describe(self, job: Job) -> dict[str, object]:
        described = super().describe(job)
        if job.state is State.SUCCESS:
            described.pop("CompletionTime", None)
        return described


class RunningWithCompletionTime(Registry):
    """A Running job has a CompletionTime."""

    def describe(self, job: Job) -> dict[str, object]:
        described = super().describe(job)
        if job.state is State.RUNNING:
            described["CompletionTime"] = described["Timestamp"]
        return described


class CompletionTimeKeptOnResubmit(Registry):
    """A resubmitted job keeps its CompletionTime until it has ended again."""

    def start_over(self, job: Job) -> None:
        completed = job.completed
        super().start_over(job)
        job.completed = completed


class CreationTimeChangesOnResubmit(Registry):
    """A resubmitted job has a new CreationTime."""

    def start_over(self, job: Job) -> None:
        super().start_over(job)
        job.created = clock.now()


class CreationTimeChangesOnStart(Registry):
    """The CreationTime of a job becomes that of its start."""

    def start(self, job: Job) -> None:
        super().start(job)
        job.created = clock.now()


class EstimatedTimeOfArrivalOfCompleted(Registry):
    """A completed job has an EstimatedTimeOfArrival."""

    def describe(self, job: Job) -> dict[str, object]:
        described = super().describe(job)
        if job.state.completed:
            described["EstimatedTimeOfArrival"] = described["Timestamp"]
        return described


class EstimatedTimeOfArrivalLeftOut(Registry):
    """No job has an EstimatedTimeOfArrival."""

    def describe(self, job: Job) -> dict[str, object]:
        described = super().describe(job)
        described.pop("EstimatedTimeOfArrival", None)
        return described


class EstimatedTimeOfArrivalOfTheWhole(Registry):
    """EstimatedTimeOfArrival is as far ahead as the whole job takes, and not what is left of it."""

    def describe(self, job: Job) -> dict[str, object]:
        described = super().describe(job)
        if "EstimatedTimeOfArrival" in described:
            whole = timedelta(seconds=job.effective_runtime() / job.progress * 100)
            now = clock.parse(str(described["Timestamp"]))
            described["EstimatedTimeOfArrival"] = clock.stamp(now + whole)
        return described


class RuntimeCountsPending(Registry):
    """The EffectiveRuntime of a job includes the time that it has waited."""

    def start(self, job: Job) -> None:
        super().start(job)
        job.runtime = (clock.now() - job.created).total_seconds()


class RuntimeInMilliseconds(Registry):
    """The EffectiveRuntime is in milliseconds."""

    def describe(self, job: Job) -> dict[str, object]:
        return super().describe(job) | {"EffectiveRuntime": 1000 * job.effective_runtime()}


class RuntimeStandsStill(Registry):
    """The EffectiveRuntime of a job does not grow while it is Running."""

    def describe(self, job: Job) -> dict[str, object]:
        return super().describe(job) | {"EffectiveRuntime": round(job.runtime, 3)}


class ErrorDetailsMissing(Registry):
    """A job has no ErrorDetails."""

    def describe(self, job: Job) -> dict[str, object]:
        described = super().describe(job)
        del described["ErrorDetails"]
        return described


class ErrorCodeAsText(Registry):
    """The ErrorCode of a job is a text."""

    def describe(self, job: Job) -> dict[str, object]:
        return super().describe(job) | {"ErrorCode": str(job.error.value)}


class ContentMissing(Registry):
    """A job has no Content."""

    def describe(self, job: Job) -> dict[str, object]:
        described = super().describe(job)
        del described["Content"]
        return described


class ContentLostOnCompletion(Registry):
    """The Content of a completed job is empty."""

    def describe(self, job: Job) -> dict[str, object]:
        described = super().describe(job)
        if job.state.completed:
            described["Content"] = {}
        return described


class TypeChangesOnStart(Registry):
    """The Type of a job is another one until it starts."""

    def describe(self, job: Job) -> dict[str, object]:
        described = super().describe(job)
        if job.state is State.PENDING:
            described["Type"] = "Waiting"
        return described


class PriorityChangesOnStart(Registry):
    """A job reads as having priority 0 as soon as it is Running."""

    def describe(self, job: Job) -> dict[str, object]:
        described = super().describe(job)
        if job.state is State.RUNNING:
            described["Priority"] = 0
        return described


class IdShortened(Registry):
    """The ID in a job's description is cut off."""

    def describe(self, job: Job) -> dict[str, object]:
        return super().describe(job) | {"ID": job.id[:8]}


class CanceledArchiveHasOutput(Engine):
    """An archive that was canceled has an output, which is empty."""

    def output(self, job_id: str) -> bytes | None:
        job = self._registry.jobs.get(job_id)
        canceled = job is not None and job.state is State.FAILURE and isinstance(job.task, Archive)
        return b"" if canceled else super().output(job_id)
