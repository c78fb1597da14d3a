"""`route/<call>/refused/…`: what a call must not take, and what it must not refuse.

A call that does not say what it needs to say, or names what is not there, is refused, and makes
no job. Each is a row: the call, what is wrong with it, the request, and the status of its answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from conformance.driver.context import Context
from conformance.suites.case import Case, Check
from conformance.suites.needs import REMOVAL
from conformance.suites.route.outcomes import own_jobs
from conformance.suites.route.samples import Sample, orthanc_id, sample
from conformance.sut.profile import Profile

REFUSED, LEVEL = "route/refused", "route/level"
UNKNOWN = orthanc_id("orthanc-jobs", "nobody")  # of the right form, and no resource has it
BAD, ABSENT = 400, 404

Body = dict[str, Any] | list[Any] | None


@dataclass(frozen=True)
class Refusal:
    """``ask``: given a sample, the path and the body of the call. ``status``: of its answer."""

    name: str
    status: int
    ask: Callable[[Sample], tuple[str, Body]]
    requirement: str = REFUSED


def cases(_: Profile) -> Iterator[Case]:
    for row in ROWS:
        name = f"route/{row.name}"
        yield Check(name, row.requirement, check=refused(row), leaves=0, needs=(REMOVAL,))


def refused(row: Refusal) -> Callable[[Context], None]:
    def check(context: Context) -> None:
        path, body = row.ask(sample(context))
        before = set(own_jobs(context))
        if isinstance(body, dict):
            body = {**body, "Asynchronous": True, "Priority": context.resources.priority}
        reply = context.post(path, body)
        made = [id for id in own_jobs(context) if id not in before]
        for id in made:
            context.other(id)
        context.equal(row.requirement, "HTTP status", row.status, reply.status)
        context.equal(row.requirement, "the jobs of the call are", [], made)

    check.__doc__ = f"HTTP {row.status}, and no job."
    return check


def _of_archives(kind: str) -> Iterator[Refusal]:
    create = f"/tools/create-{kind}"
    yield Refusal(f"{kind}/refused/nothing-named", BAD, lambda made: (create, {}))
    yield Refusal(f"{kind}/refused/no-list", BAD, lambda made: (create, {"Resources": made.study}))
    yield Refusal(
        f"{kind}/refused/one-unknown",
        ABSENT,
        lambda made: (create, {"Resources": [made.study, UNKNOWN]}),
    )
    yield Refusal(
        f"{kind}/refused/unknown", ABSENT, lambda made: (f"/studies/{UNKNOWN}/{kind}", {})
    )
    wrong: tuple[tuple[str, str, Callable[[Sample], str]], ...] = (
        ("study-as-patient", "patients", lambda made: made.study),
        ("series-as-study", "studies", lambda made: made.series[0]),
        ("study-as-series", "series", lambda made: made.study),
    )
    for name, level, id in wrong:
        yield Refusal(f"{kind}/level/{name}", ABSENT, _at(level, id, kind), LEVEL)


def _at(level: str, id: Callable[[Sample], str], call: str) -> Callable[[Sample], tuple[str, Body]]:
    return lambda made: (f"/{level}/{id(made)}/{call}", {})


ROWS = (*_of_archives("archive"), *_of_archives("media"))
