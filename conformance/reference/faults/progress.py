"""Faults of Progress and of the times."""

from __future__ import annotations

from conformance.reference import clock
from conformance.reference.job import Failed, Job, State
from conformance.reference.registry import Registry


class ProgressRoundedDown(Registry):
    """Progress is cut off instead of rounded: 66 after two of three steps."""

    def progress_of(self, job: Job) -> int:
        steps = len(job.steps)
        return 100 * job.done // steps if steps else 100


class ProgressOneStepAhead(Registry):
    """Progress counts the step that is still to be done."""

    def progress_of(self, job: Job) -> int:
        steps = len(job.steps)
        return min(100, round(100 * (job.done + 1) / steps)) if steps else 100


class ProgressNeverGoesDown(Registry):
    """A resubmitted job keeps its old Progress until it gets beyond it."""

    def progress_of(self, job: Job) -> int:
        return max(job.progress, super().progress_of(job))


class ProgressForgottenOnResubmit(Registry):
    """A resubmitted job loses its Progress before its first step has ended."""

    def start_over(self, job: Job) -> None:
        super().start_over(job)
        job.progress = 0


class ProgressCountsFailedStep(Registry):
    """A failed step counts as done in Progress."""

    def step_failed(self, job: Job, failed: Failed) -> None:
        job.done += 1
        super().step_failed(job, failed)


class SuccessWithProgress99(Registry):
    """A job ends in Success with a Progress of 99."""

    def succeed(self, job: Job) -> None:
        super().succeed(job)
        job.progress = 99


class PausedWithProgress0(Registry):
    """A Paused job reads as if nothing was done yet."""

    def pause(self, job: Job) -> None:
        super().pause(job)
        job.progress = 0


class RuntimeNotRestarted(Registry):
    """The EffectiveRuntime of a resubmitted job includes its earlier runs."""

    def start_over(self, job: Job) -> None:
        runtime = job.runtime
        super().start_over(job)
        job.runtime = runtime


class RuntimeRestartsOnResume(Registry):
    """The EffectiveRuntime of a resumed job starts over."""

    def act_resume(self, job: Job) -> bool:
        accepted = super().act_resume(job)
        if accepted:
            job.runtime = 0.0
        return accepted


class RuntimeCountsPause(Registry):
    """The EffectiveRuntime of a job grows while it is Paused."""

    def describe(self, job: Job) -> dict[str, object]:
        described = super().describe(job)
        if job.state is State.PAUSED:
            described["EffectiveRuntime"] = (clock.now() - job.created).total_seconds()
        return described


class PausedWithCompletionTime(Registry):
    """A Paused job has a CompletionTime."""

    def describe(self, job: Job) -> dict[str, object]:
        described = super().describe(job)
        if job.state is State.PAUSED:
            described["CompletionTime"] = clock.stamp(job.created)
        return described


class FailureWithoutCompletionTime(Registry):
    """A job in Failure has no CompletionTime."""

    def describe(self, job: Job) -> dict[str, object]:
        described = super().describe(job)
        if job.state is State.FAILURE:
            described.pop("CompletionTime", None)
        return described
