"""Every field of a job, in every state; and the methods that a path does not have."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.conformance.reference.harness import Job, Server, busy_workers

ALWAYS = {
    *("Content", "CreationTime", "EffectiveRuntime", "ErrorCode", "ErrorDescription"),
    *("ErrorDetails", "ID", "Priority", "Progress", "State", "Timestamp", "Type"),
}
TIME = re.compile(r"\d{8}T\d{6}\.\d{6}")


def moment(text: str) -> datetime:
    """A time of the page's notation."""
    assert TIME.fullmatch(text), text
    return datetime.strptime(text, "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC)


def read(job: Job, *others: str) -> dict[str, Any]:
    """The job, with the fields that it always has and `others`, and no more."""
    before = datetime.now(UTC)
    described = job.read()
    assert set(described) == ALWAYS | set(others)
    assert before <= moment(described["Timestamp"]) <= datetime.now(UTC)
    assert moment(described["CreationTime"]) <= moment(described["Timestamp"])
    assert described["ID"] == job.id
    assert described["Type"] == "OrthancPeerStore"
    assert described["Content"]["InstancesCount"] == 3
    return described


def test_the_life_of_a_job(shared: Server) -> None:
    with busy_workers(shared, 2):
        job = shared.submit(steps=3, priority=4)
        created = read(job)["CreationTime"]
        assert read(job)["EffectiveRuntime"] == 0
    step = job.step()
    assert read(job)["Progress"] == 0  # nothing to reckon an arrival from
    step.answer()
    step = job.step()
    running = read(job, "EstimatedTimeOfArrival")
    assert moment(running["EstimatedTimeOfArrival"]) > moment(running["Timestamp"])
    while read(job, "EstimatedTimeOfArrival")["EffectiveRuntime"] <= running["EffectiveRuntime"]:
        pass  # it grows, or the test never ends
    job.accepts("pause")
    step.answer()
    paused = read(job.becomes("Paused"))
    assert read(job)["EffectiveRuntime"] == paused["EffectiveRuntime"] > 0
    job.accepts("resume").step().answer(500)
    failed = read(job.becomes("Failure"), "CompletionTime")
    assert failed["EffectiveRuntime"] >= paused["EffectiveRuntime"]
    completed = moment(failed["CompletionTime"])
    assert moment(created) < completed <= moment(failed["Timestamp"])
    assert failed["ErrorDescription"] == "Error in the network protocol"
    assert "HTTP status 500" in failed["ErrorDetails"]
    assert read(job, "CompletionTime")["CompletionTime"] == failed["CompletionTime"]

    with busy_workers(shared, 2):
        again = read(job.accepts("resubmit"))
        assert (again["EffectiveRuntime"], again["ErrorCode"], again["Progress"]) == (0, 9, 67)
    step = job.step()
    assert read(job)["Progress"] == 67  # the old one: nothing to reckon an arrival from
    step.answer()
    job.steps_succeed(2)
    done = read(job.becomes("Success"), "CompletionTime")
    assert (done["CreationTime"], done["Priority"], done["ErrorDetails"]) == (created, 4, "")
    assert moment(done["CompletionTime"]) > completed


def test_retry_and_cancel(shared: Server) -> None:
    job = shared.submit(steps=3)
    job.step().ask_for_retry(3_600_000)
    runtime = read(job.becomes("Retry"))["EffectiveRuntime"]
    assert read(job)["EffectiveRuntime"] == runtime
    canceled = read(job.accepts("cancel"), "CompletionTime")
    assert canceled["ErrorDescription"] == "This job was canceled"
    assert canceled["ErrorDetails"] == ""


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/jobs", {"GET"}),
        ("DELETE", "/jobs", {"GET"}),
        ("PUT", "/jobs", {"GET"}),
        ("POST", "/jobs/{id}", {"DELETE", "GET"}),
        ("PUT", "/jobs/{id}", {"DELETE", "GET"}),
        ("DELETE", "/jobs/{id}/cancel", {"POST"}),
        ("PUT", "/jobs/{id}/resume", {"POST"}),
        ("DELETE", "/jobs/{id}/resubmit", {"POST"}),
        ("GET", "/peers/x/store", {"POST"}),
        ("POST", "/system", {"GET"}),
        ("PUT", "/instances", {"GET", "POST"}),
    ],
)
def test_methods_that_there_are_not(
    shared: Server, method: str, path: str, allowed: set[str]
) -> None:
    job = shared.submit(steps=1).steps_succeed(1).becomes("Success")
    for job_id in (job.id, "no-such-job"):
        reply = shared.call(method, path.replace("{id}", job_id))
        assert (reply.status, reply.body) == (405, b"")
        assert set(reply.headers["Allow"].split(", ")) == allowed
    assert job.state == "Success"
