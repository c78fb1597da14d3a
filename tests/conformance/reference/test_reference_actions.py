"""The action matrix, and the ways out of a step by the strict reading."""

from __future__ import annotations

import pytest

from tests.conformance.reference.harness import Job, Server, busy_workers

CANCELED, FAILED_STEP = 37, 9
ACTIONS = ("cancel", "pause", "resume", "resubmit")


def refuses(job: Job, *actions: str) -> None:
    before = job.standing()
    for action in actions:
        reply = job.act(action)
        assert (reply.status, reply.body) == (400, b""), (action, reply)
    assert job.standing() == before


def test_pending(shared: Server) -> None:
    with busy_workers(shared, 2):
        canceled, paused = shared.submit(), shared.submit()
        refuses(canceled, "resume", "resubmit")
        assert canceled.accepts("cancel").standing() == ("Failure", CANCELED, 0)
        assert paused.accepts("pause").standing() == ("Paused", 0, 0)
    paused.accepts("resume").steps_succeed(1).becomes("Success")
    assert shared.gate.is_empty(canceled.slot)


def test_running_refuses_resume_and_resubmit(shared: Server) -> None:
    job = shared.submit()
    step = job.step()
    assert job.state == "Running"
    refuses(job, "resume", "resubmit")
    step.answer()
    job.becomes("Success")


def test_retry(shared: Server) -> None:
    jobs = [shared.submit(), shared.submit()]
    for job in jobs:
        job.step().ask_for_retry(3_600_000)
        job.becomes("Retry")
        refuses(job, "resume", "resubmit")
    assert jobs[0].accepts("cancel").standing() == ("Failure", CANCELED, 0)
    assert jobs[1].accepts("pause").standing() == ("Paused", 0, 0)
    jobs[1].accepts("resume").steps_succeed(1).becomes("Success")


def test_paused(shared: Server) -> None:
    with busy_workers(shared, 2):
        job = shared.submit().accepts("pause")
        assert job.accepts("pause").state == "Paused"
        refuses(job, "resubmit")
        assert job.accepts("resume").state == "Pending"
        assert job.accepts("pause").state == "Paused"
        assert job.accepts("cancel").standing() == ("Failure", CANCELED, 0)


def test_success_and_failure_keep_what_they_are(shared: Server) -> None:
    success, failure = shared.submit(), shared.submit()
    success.steps_succeed(1).becomes("Success")
    failure.step().answer(500)
    failure.becomes("Failure")
    for job, standing in ((success, ("Success", 0, 100)), (failure, ("Failure", FAILED_STEP, 0))):
        assert job.accepts("cancel", "pause").standing() == standing
        refuses(job, "resume")
    refuses(success, "resubmit")


def test_unknown_job(shared: Server) -> None:
    assert shared.call("GET", "/jobs/nope").status == 404
    assert shared.call("DELETE", "/jobs/nope").status == 404
    for action in ACTIONS:
        reply = shared.call("POST", f"/jobs/nope/{action}")
        assert (reply.status, reply.body) == (400, b"")
        assert shared.call("GET", f"/jobs/nope/{action}").status == 404  # no such output
    assert shared.call("POST", "/jobs").status == 405
    assert shared.call("POST", "/jobs/nope/explode").status == 405


ASKED = ((), ("pause",), ("cancel",), ("pause", "cancel"), ("cancel", "pause"))


@pytest.mark.parametrize("asked", ASKED[1:])
def test_request_during_a_step_that_is_not_the_last(shared: Server, asked: tuple[str, ...]) -> None:
    job = shared.submit(steps=3)
    step = job.step()
    job.accepts(*asked)
    assert job.state == "Running"
    step.answer()
    if asked == ("pause",):
        assert job.becomes("Paused").standing() == ("Paused", 0, 33)
        job.accepts("resume").steps_succeed(2).becomes("Success")
    else:
        assert job.becomes("Failure").standing() == ("Failure", CANCELED, 33)
    assert shared.gate.is_empty(job.slot)


@pytest.mark.parametrize("asked", ASKED)
def test_request_during_the_last_step(shared: Server, asked: tuple[str, ...]) -> None:
    job = shared.submit(steps=3).steps_succeed(2)
    step = job.step()
    job.accepts(*asked)
    step.answer()
    if asked == ():
        assert job.becomes("Success").standing() == ("Success", 0, 100)
    elif asked == ("pause",):
        assert job.becomes("Paused").standing() == ("Paused", 0, 100)
        with busy_workers(shared, 2):
            assert job.accepts("resume").standing() == ("Pending", 0, 100)
        assert job.becomes("Success").standing() == ("Success", 0, 100)
        assert shared.gate.is_empty(job.slot)
    else:
        assert job.becomes("Failure").standing() == ("Failure", CANCELED, 67)


@pytest.mark.parametrize("asked", ASKED)
def test_request_during_a_failing_step(shared: Server, asked: tuple[str, ...]) -> None:
    job = shared.submit(steps=2).steps_succeed(1)
    step = job.step()
    job.accepts(*asked)
    step.answer(500)
    assert job.becomes("Failure").standing() == ("Failure", FAILED_STEP, 50)


@pytest.mark.parametrize("asked", ASKED)
def test_request_during_a_step_that_asks_for_retry(shared: Server, asked: tuple[str, ...]) -> None:
    job = shared.submit(steps=2)
    step = job.step()
    job.accepts(*asked)
    step.ask_for_retry(1)
    if asked == ():
        assert job.steps_succeed(2).becomes("Success").standing() == ("Success", 0, 100)
    elif asked == ("pause",):
        assert job.becomes("Paused").standing() == ("Paused", 0, 0)
        job.accepts("resume").steps_succeed(2).becomes("Success")
    else:
        assert job.becomes("Failure").standing() == ("Failure", CANCELED, 0)


@pytest.mark.parametrize("asked", ["pause", "cancel"])
def test_request_ends_with_the_run(shared: Server, asked: str) -> None:
    job = shared.submit()
    step = job.step()
    job.accepts(asked)
    step.answer(500)
    job.becomes("Failure").accepts("resubmit").steps_succeed(1).becomes("Success")


def test_resubmit_keeps_error_until_start_and_progress_until_first_step(shared: Server) -> None:
    job = shared.submit(steps=3).steps_succeed(2)
    job.step().answer(500)
    ended = job.becomes("Failure").read()
    assert (ended["ErrorCode"], ended["Progress"]) == (FAILED_STEP, 67)
    assert "CompletionTime" in ended
    with busy_workers(shared, 2):
        pending = job.accepts("resubmit").read()
        assert job.standing() == ("Pending", FAILED_STEP, 67)
        assert pending["EffectiveRuntime"] == 0
        assert "CompletionTime" not in pending
    step = job.step()
    assert job.standing() == ("Running", 0, 67)
    step.answer()
    step = job.step()
    assert job.standing() == ("Running", 0, 33)
    step.answer()
    job.steps_succeed(1).becomes("Success")


def test_resubmitted_job_that_fails_at_once_has_no_progress(shared: Server) -> None:
    job = shared.submit(steps=3).steps_succeed(2)
    job.step().answer(500)
    job.becomes("Failure").accepts("resubmit").step().answer(500)
    assert job.becomes("Failure").standing() == ("Failure", FAILED_STEP, 0)


def test_actions_can_be_repeated_run_after_run(shared: Server) -> None:
    job = shared.submit(steps=3, priority=4)
    for progress in (33, 67):
        step = job.step()
        job.accepts("pause")
        step.answer()
        paused = job.becomes("Paused").read()
        assert paused["Progress"] == progress
        assert "CompletionTime" not in paused
        assert paused["EffectiveRuntime"] == job.read()["EffectiveRuntime"]
        job.accepts("resume")
    for _ in range(2):
        job.step().answer(500)
        job.becomes("Failure").accepts("resubmit")
    step = job.step()
    job.accepts("cancel")
    step.answer()
    assert job.becomes("Failure").standing() == ("Failure", CANCELED, 33)
    assert job.read()["Priority"] == 4


def test_retry_does_the_same_step_again(shared: Server) -> None:
    job = shared.submit(steps=3).steps_succeed(1)
    asked = job.step()
    asked.ask_for_retry(1)
    again = job.step()
    assert again.body == asked.body
    assert job.read()["Progress"] == 33
    again.answer()
    job.steps_succeed(1).becomes("Success")
