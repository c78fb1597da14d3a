"""The two fields that choose whether a call waits for its job."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from conformance.driver.context import Context
from conformance.driver.script import complete
from conformance.suites.case import Case, Check
from conformance.suites.submit.calls import JOB, WAITS, Mode, begin, content, handle
from conformance.suites.submit.refusals import refused

NO_BOOLEAN: Mapping[str, object] = {
    "text": "true",
    "number": 1,
    "zero": 0,
    "null": None,
    "array": [],
    "object": {},
}


def modes() -> Iterator[Case]:
    yield Check(
        "submit/default-synchronous", "submit/synchronous-default", check=partial(waits, {})
    )
    yield Check("submit/mode/true-absent", "submit/synchronous-field", check=_mode(True, None))
    yield Check("submit/mode/false-absent", "submit/synchronous-field", check=_mode(False, None))
    yield Check("submit/mode/absent-true", "submit/asynchronous-field", check=_mode(None, True))
    yield Check("submit/mode/absent-false", "submit/asynchronous-field", check=_mode(None, False))
    for first in (True, False):
        for second in (True, False):
            name = f"submit/mode/{first}-{second}".lower()
            yield Check(name, "submit/both-fields", check=_mode(first, second))
        name = f"submit/mode/{first}-invalid".lower()
        check = partial(waits if first else returns, {"Synchronous": first, "Asynchronous": "x"})
        yield Check(name, "submit/both-fields", check=check)
    for key in ("Synchronous", "Asynchronous"):
        for kind, value in NO_BOOLEAN.items():
            name = f"submit/mode-invalid/{key.lower()}-{kind}"
            check = partial(refused, "submit/mode-not-boolean", {key: value})
            yield Check(name, "submit/mode-not-boolean", check=check, leaves=0)
    both: Mode = {"Synchronous": "x", "Asynchronous": True}
    check = partial(refused, "submit/mode-not-boolean", both)
    name = "submit/mode/invalid-true"
    yield Check(name, "submit/mode-not-boolean", check=check, leaves=0)


def _mode(first: bool | None, second: bool | None) -> Callable[[Context], None]:
    """The mode that the two fields choose together; None is an absent one."""
    named = {"Synchronous": first, "Asynchronous": second}
    mode: Mode = {key: value for key, value in named.items() if value is not None}
    return partial(waits if (first if first is not None else not second) else returns, mode)


def waits(mode: Mode, context: Context) -> None:
    """A synchronous call is answered when its job has ended, and not before."""
    broken = _chosen(mode)
    call = begin(context, mode)
    context.unanswered(call, broken, "no answer while the job runs")
    context.do(complete(JOB))
    content(context, context.answered(call, WAITS, "an answer, since the job has ended"))


def returns(mode: Mode, context: Context) -> None:
    """An asynchronous call is answered while its job still runs."""
    path, body = context.prepare(JOB)
    call = context.call("POST", path, {**body, **mode})
    handle(context, context.answered(call, _chosen(mode), "an answer while the job runs"))
    context.do(complete(JOB))


def _chosen(mode: Mode) -> str:
    """The requirement that says what ``mode`` chooses."""
    match sorted(mode):
        case []:
            return "submit/synchronous-default"
        case ["Asynchronous"]:
            return "submit/asynchronous-field"
        case ["Synchronous"]:
            return "submit/synchronous-field"
    return "submit/both-fields"
