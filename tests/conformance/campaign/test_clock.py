"""A server's clock that is set while the kit runs: what spans that moment is not concluded upon."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from conformance.campaign.campaign import Campaign
from conformance.campaign.plan import Plan
from conformance.events import CaseBegins, CaseEnds, Event, Result, Verdict
from conformance.oracle.fields import parse
from conformance.sut import servers
from conformance.sut.address import Address
from conformance.sut.managed import Managed
from conformance.sut.target import Choice
from tests.conformance.misbehaving import Proxy, Request, Scripted

CASES = (
    "action/pause/running",
    "monitor/effective-runtime/grows",
    "monitor/estimated-time/rest",
    "monitor/field/c",
    "monitor/field/timestamp",
    "monitor/state/",
)
WITHIN = 4  # answers of the case
STAMPS = ("CreationTime", "CompletionTime", "EstimatedTimeOfArrival", "Timestamp")


class Clock:
    """The clock of a server, which is set ``by`` so many seconds in the midst of a case.

    ``case``: the number of this case. How many answers a run has goes by the machine.
    """

    def __init__(self, by: float, case: int) -> None:
        self.by, self.case, self.begun, self.answers = by, case, 0, 0
        self.since: float | None = None

    def __call__(self, _: Request, answer: Any) -> Any:
        self.answers += self.begun > self.case
        if self.since is None and self.answers == WITHIN:
            self.since = datetime.now(UTC).timestamp()
        for job in _jobs(answer):
            self._shift(job)
        return answer

    def _shift(self, job: dict[str, Any]) -> None:
        times = {name: _seconds(job[name]) for name in STAMPS if name in job}
        if self.since is None or times["Timestamp"] < self.since:
            return
        if times["CreationTime"] < self.since <= times.get("CompletionTime", self.since):
            job["EffectiveRuntime"] += self.by  # it is the difference of two readings of the clock
        for name, seconds in times.items():
            if seconds >= self.since:
                shifted = datetime.fromtimestamp(seconds, UTC) + timedelta(seconds=self.by)
                job[name] = shifted.strftime("%Y%m%dT%H%M%S.%f")


def _seconds(stamp: str) -> float:
    found = parse(stamp)
    assert found is not None
    return found.seconds


def _jobs(answer: Any) -> Iterator[dict[str, Any]]:
    """The jobs in an answer."""
    for one in answer if isinstance(answer, list) else [answer]:
        if isinstance(one, dict) and "EffectiveRuntime" in one:
            yield one


@pytest.fixture(scope="module")
def server() -> Iterator[Managed]:
    with servers.reference() as started:
        yield started


def run(server: Managed, clock: Clock) -> list[Result]:
    results: list[Result] = []

    def take(event: Event) -> None:
        clock.begun += isinstance(event, CaseBegins)
        if isinstance(event, CaseEnds):
            results.append(event.result)

    with Scripted(Proxy(server.port, change=clock)) as front:
        choice = Choice("url", Address(front.url), exclusive=True)
        Campaign(choice, Plan(prefixes=CASES, replays=None, no_ledger=True), take).run()
    return results


@pytest.fixture(scope="module")
def cases(server: Managed) -> int:
    """How many there are in a run."""
    results = run(server, Clock(0.0, case=0))
    assert {result.verdict for result in results} == {Verdict.PASS}
    return len(results)


@pytest.mark.long
@pytest.mark.parametrize("by", [-2.0, 3600.0])
@pytest.mark.parametrize("part", [0.1, 0.3, 0.8, 0.9, 0.95])
def test_a_clock_that_is_set_makes_no_deviation(
    server: Managed, cases: int, by: float, part: float
) -> None:
    clock = Clock(by, case=int(part * cases))
    results = run(server, clock)
    assert clock.since is not None
    found = [(one.id, one.expected, one.actual) for one in results if one.verdict != Verdict.PASS]
    assert found == []
