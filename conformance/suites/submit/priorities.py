"""The Priority that a call gives its job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from conformance.driver.context import Context
from conformance.driver.script import complete
from conformance.suites.case import Case, Check
from conformance.suites.submit.calls import ASYNCHRONOUS, HANDLE, JOB, Mode, handle
from conformance.suites.submit.refusals import goes_on, refused
from spec.relaxations import Shortfall

LOWEST, HIGHEST = -(2**31), 2**31 - 1
NO_INTEGER: Mapping[str, object] = {
    "text": "high",
    "number-as-text": "5",
    "fraction": 1.5,
    "null": None,
    "boolean": True,
    "array": [],
    "object": {},
}
TOO_LARGE: Mapping[str, int] = {
    "above": HIGHEST + 1,
    "below": LOWEST - 1,
    "33-bits": 2**32,
    "64-bits": 2**63,
    "negative-64-bits": -(2**63) - 1,
    "100-bits": 2**100,
}


def priorities() -> Iterator[Case]:
    yield Check(
        "submit/priority/default", "submit/priority-default", check=partial(has_priority, None)
    )
    named = {"zero": 0, "positive": 7, "negative": -7, "highest": HIGHEST, "lowest": LOWEST}
    for name, value in named.items():
        check = partial(has_priority, value)
        yield Check(f"submit/priority/{name}", "submit/priority", check=check)
    for kind, value in TOO_LARGE.items():
        check = partial(refused_or_kept, value)
        yield Check(f"submit/priority-too-large/{kind}", "monitor/priority", check=check)
    for kind, wrong in NO_INTEGER.items():
        mode: Mode = {"Priority": wrong, "Asynchronous": True}
        check = partial(refused, "submit/priority-not-integer", mode)
        name = f"submit/priority-invalid/{kind}"
        yield Check(name, "submit/priority-not-integer", check=check, leaves=0)


def has_priority(value: int | None, context: Context) -> None:
    """The job reads as having the Priority that was given, or 0."""
    given: Mode = {} if value is None else {"Priority": value}
    broken = "submit/priority-default" if value is None else "submit/priority"
    path, body = context.prepare(JOB)
    reply = context.post(path, {**body, **ASYNCHRONOUS, **given})
    context.require(broken, reply.ok, "HTTP 200: the Priority is an integer of 32 bits", reply)
    shown = context.job(context.driver.answers.handle(reply, HANDLE).id).get("Priority")
    context.equal(broken, "Priority", value or 0, shown)
    handle(context, reply, priority=value or 0)
    context.do(complete(JOB))


def refused_or_kept(value: int, context: Context) -> None:
    """A Priority beyond 32 bits is refused, or the job has it: never another one."""
    path, body = context.prepare(JOB)
    reply = context.post(path, {**body, **ASYNCHRONOUS, "Priority": value})
    if not reply.ok:
        context.refused(JOB)
        goes_on(context)
        return
    shown = context.job(context.driver.answers.handle(reply, HANDLE).id)["Priority"]
    wraps = value < LOWEST and shown == HIGHEST
    context.require(
        "monitor/priority",
        shown == value,
        f"Priority {value}, or the call refused",
        f"Priority {shown}",
        Shortfall.PRIORITY_WRAPS if wraps else None,
    )
    handle(context, reply, priority=shown)
    context.do(complete(JOB))
