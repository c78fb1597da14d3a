"""Faults of ErrorCode and its two companions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from conformance.reference.errors import ErrorCode
from conformance.reference.job import Failed, Job
from conformance.reference.registry import Registry

_LATE = timedelta(milliseconds=50)


class CancelLeavesErrorCode0(Registry):
    """A canceled job has the ErrorCode of success."""

    def cancel_code(self) -> ErrorCode:
        return ErrorCode.SUCCESS


class CancelHasCodeOfFailedStep(Registry):
    """A canceled job has the ErrorCode of a failed step."""

    def cancel_code(self) -> ErrorCode:
        return ErrorCode.NETWORK_PROTOCOL


class FailedStepHasCode0(Registry):
    """A job that failed has the ErrorCode of success."""

    def step_failed(self, job: Job, failed: Failed) -> None:
        super().step_failed(job, Failed(ErrorCode.SUCCESS))


class ErrorCodeLate(Registry):
    """A job that has failed shows what has gone wrong 50 ms after its State."""

    def describe(self, job: Job) -> dict[str, object]:
        described = super().describe(job)
        if job.completed is not None and datetime.now(UTC) - job.completed < _LATE:
            described["ErrorCode"] = ErrorCode.SUCCESS.value
            described["ErrorDescription"] = ErrorCode.SUCCESS.description
        return described


class FailedStepHasCodeOfCancel(Registry):
    """A job that failed has the ErrorCode of a canceled one."""

    def step_failed(self, job: Job, failed: Failed) -> None:
        super().step_failed(job, Failed(ErrorCode.CANCELED_JOB))


class ErrorKeptOnStart(Registry):
    """A resubmitted job keeps its old ErrorCode, even when it succeeds."""

    def reset_error(self, job: Job) -> None:
        pass


class ErrorForgottenOnResubmit(Registry):
    """A resubmitted job loses its ErrorCode before it starts."""

    def start_over(self, job: Job) -> None:
        super().start_over(job)
        self.reset_error(job)


class ErrorDescriptionOfSuccess(Registry):
    """The ErrorDescription is that of success, whatever the ErrorCode."""

    def describe(self, job: Job) -> dict[str, object]:
        return super().describe(job) | {"ErrorDescription": ErrorCode.SUCCESS.description}
