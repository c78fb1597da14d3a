"""What a synchronous call waits for and answers, and that an asynchronous one does not wait."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.driver.context import Context
from conformance.driver.driver import AT_ONCE
from conformance.driver.script import act, complete, fail, read, submit, succeed
from conformance.suites.case import Case, Check, Script
from conformance.suites.submit.calls import (
    ASYNCHRONOUS,
    FAILS,
    HANDLE,
    JOB,
    SYNCHRONOUS,
    WAITS,
    begin,
    content,
    error,
    handle,
)
from spec.table import Action, ErrorCode, State


def synchronous() -> Iterator[Case]:
    yield Check("submit/synchronous/all-steps", WAITS, check=all_steps)
    yield Check("submit/synchronous/content", "submit/synchronous-content", check=result)
    yield Check("submit/synchronous/fails", FAILS, check=fails)
    yield Check("submit/synchronous/paused", WAITS, check=paused)
    yield Check("submit/synchronous/paused-and-canceled", FAILS, check=paused_and_canceled)
    yield Check("submit/synchronous/running-canceled", FAILS, check=running_canceled)
    yield Check("submit/synchronous/one-job", "submit/creates-job", check=one_job)


def all_steps(context: Context) -> None:
    """It waits for the whole job, not for a part of it."""
    call = begin(context, SYNCHRONOUS, 3)
    for _ in range(2):
        context.do(succeed(JOB))
        context.unanswered(call, WAITS, "no answer while steps are to come")
    context.do(succeed(JOB))
    content(context, context.answered(call, WAITS, "an answer, since the job has ended"))


def result(context: Context) -> None:
    """It answers what the job has come to."""
    call = begin(context, SYNCHRONOUS, 2)
    context.do(complete(JOB))
    content(context, context.answered(call, WAITS, "an answer, since the job has ended"))


def fails(context: Context) -> None:
    """It answers the error of its job."""
    call = begin(context, SYNCHRONOUS, 2)
    context.do(succeed(JOB), fail(JOB))
    error(context, context.answered(call, WAITS, "an answer"), ErrorCode.NETWORK_PROTOCOL)


def paused(context: Context) -> None:
    """It stays open while its job is Paused, and is answered when that was resumed and is done."""
    call = begin(context, SYNCHRONOUS, 3)
    for _ in range(2):
        context.do(act(Action.PAUSE, JOB), succeed(JOB))
        context.equal("monitor/state-paused", "State", State.PAUSED, context.job(JOB)["State"])
        context.unanswered(call, WAITS, "no answer while the job is Paused")
        context.do(act(Action.RESUME, JOB))
        context.unanswered(call, WAITS, "no answer while the job runs again")
    context.do(complete(JOB))
    content(context, context.answered(call, WAITS, "an answer, since the job has ended"))


def paused_and_canceled(context: Context) -> None:
    """A cancel of its Paused job ends it, with an error."""
    call = begin(context, SYNCHRONOUS, 2)
    context.do(act(Action.PAUSE, JOB), succeed(JOB))
    context.unanswered(call, WAITS, "no answer while the job is Paused")
    context.do(act(Action.CANCEL, JOB))
    error(context, context.answered(call, WAITS, "an answer"), ErrorCode.CANCELED_JOB)


def running_canceled(context: Context) -> None:
    """A cancel of its Running job ends it, when the step has ended, with an error."""
    call = begin(context, SYNCHRONOUS, 2)
    context.do(act(Action.CANCEL, JOB))
    context.unanswered(call, WAITS, "no answer while the step runs")
    context.do(succeed(JOB))
    error(context, context.answered(call, WAITS, "an answer"), ErrorCode.CANCELED_JOB)


def one_job(context: Context) -> None:
    """A call makes one job, and only one, also when it has been answered."""
    call = begin(context, SYNCHRONOUS)
    mine = [context.driver.jobs[JOB].id]
    context.equal("submit/creates-job", "the jobs of the call are", mine, context.made(JOB))
    context.do(complete(JOB))
    context.answered(call, WAITS, "an answer, since the job has ended")
    context.equal("submit/creates-job", "the jobs of the call are", mine, context.made(JOB))


def asynchronous() -> Iterator[Case]:
    yield Check("submit/asynchronous/at-once", AT_ONCE, check=at_once)
    yield Check("submit/asynchronous/handle", HANDLE, check=at_once)
    yield Check("submit/asynchronous/one-job", "submit/creates-job", check=only_one)
    for name, end in {"success": succeed(JOB), "failure": fail(JOB)}.items():
        steps = (submit(JOB, 2), read(JOB), succeed(JOB), read(JOB), end, read(JOB))
        yield Script(
            f"submit/asynchronous/monitored-{name}", "submit/asynchronous-monitored", steps
        )
    again = (submit(JOB), fail(JOB), act(Action.RESUBMIT, JOB), complete(JOB), read(JOB))
    yield Script("submit/processed", "queue/engine", again)


def at_once(context: Context) -> None:
    """The answer comes while the first of three steps is under way."""
    path, body = context.prepare(JOB, 3)
    call = context.call("POST", path, {**body, **ASYNCHRONOUS})
    handle(context, context.answered(call, AT_ONCE, "an answer while the job runs"))
    context.do(complete(JOB))


def only_one(context: Context) -> None:
    """It makes one job, and only one, also when that has ended."""
    path, body = context.prepare(JOB)
    handle(context, context.post(path, {**body, **ASYNCHRONOUS}))
    context.do(complete(JOB))
    mine = [context.driver.jobs[JOB].id]
    context.equal("submit/creates-job", "the jobs of the call are", mine, context.made(JOB))
