"""A call that makes a job, and what its answer has to be."""

from __future__ import annotations

from conformance.driver.context import Context
from conformance.driver.requiring import Call
from conformance.sut.reply import Reply
from spec.table import ErrorCode

JOB, OTHER = "A", "B"
Mode = dict[str, object]
SYNCHRONOUS: Mode = {"Synchronous": True}
ASYNCHRONOUS: Mode = {"Asynchronous": True}
WAITS, FAILS = "submit/synchronous-waits", "submit/synchronous-failure"
HANDLE = "submit/asynchronous-handle"


def begin(context: Context, mode: Mode, steps: int = 1, name: str = JOB) -> Call:
    """A call that waits for its job, which is on the server now."""
    path, body = context.prepare(name, steps)
    call = context.call("POST", path, {**body, **mode})
    context.adopt(name)
    return call


def handle(context: Context, reply: Reply, name: str = JOB, priority: int = 0) -> None:
    """The answer of an asynchronous call is the handle of its job."""
    made = context.driver.answers.handle(reply, HANDLE)
    context.adopt(name, made.id, priority)
    context.driver.answers.path(made)
    context.equal("submit/creates-job", "the jobs of the call are", [made.id], context.made(name))


def content(context: Context, reply: Reply, name: str = JOB) -> None:
    """The answer of a synchronous call is the Content of its job."""
    context.require(WAITS, reply.ok, "HTTP 200 with the result", reply)
    shown = context.job(name).get("Content")
    context.equal("submit/synchronous-content", "the answer is", shown, reply.json())


def error(context: Context, reply: Reply, code: ErrorCode, name: str = JOB) -> None:
    """The answer of a synchronous call whose job has failed is an error, the job's."""
    found = reply.json()
    context.require(FAILS, reply.status >= 400, "an HTTP error, since the job has failed", reply)
    context.see_described(reply)
    status = found.get("OrthancStatus") if isinstance(found, dict) else None
    context.equal(FAILS, "OrthancStatus", int(code), status)
    context.equal(FAILS, "ErrorCode", int(code), context.job(name)["ErrorCode"])
