"""What a call is refused for: it makes no job then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from conformance.driver.context import Context
from conformance.driver.script import complete, submit
from conformance.suites.case import Case, Check
from conformance.suites.submit.calls import JOB, OTHER, Mode

NO_BODY: Mapping[str, object] = {
    "nothing": b"",
    "no-json": b"{",
    "no-resources": {"Asynchronous": True},
    "null": {"Resources": None, "Asynchronous": True},
    "unknown-resource": {"Resources": ["no-such-id"], "Asynchronous": True},
}


def refusals() -> Iterator[Case]:
    for kind, body in NO_BODY.items():
        check = partial(no_job, body)
        yield Check(f"submit/refused/{kind}", "submit/creates-job", check=check, leaves=0)


def refused(requirement: str, fields: Mode, context: Context) -> None:
    """A wrong field is answered 400, and makes no job."""
    path, body = context.prepare(JOB)
    reply = context.answered(
        context.call("POST", path, {**body, **fields}), requirement, "an answer"
    )
    context.equal(requirement, "the status is", 400, reply.status)
    context.refused(JOB, requirement)


def no_job(body: Any, context: Context) -> None:
    """A call that asks for nothing that there is makes no job."""
    path, _ = context.prepare(JOB)
    reply = context.post(path, body)
    context.require("submit/creates-job", not reply.ok, "an HTTP error", reply)
    context.refused(JOB)


def goes_on(context: Context) -> None:
    """After something was refused, a call is taken as before."""
    context.do(submit(OTHER), complete(OTHER))
