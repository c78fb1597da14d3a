"""A server of the kit's own whose first job does not start, or does nothing: it deviates."""

from __future__ import annotations

import pytest

from conformance.campaign.campaign import Campaign
from conformance.campaign.plan import Plan
from conformance.events import CaseEnds, Event, Verdict
from conformance.sut.target import Choice


def test_it_deviates_and_no_other_case_waits_for_a_step() -> None:
    """Nobody else has a job there: that none is started is the server's own doing."""
    told: list[Event] = []
    chosen = ("action/", "submit/free-worker", "monitor/times-utc")
    plan = Plan(prefixes=chosen, no_ledger=True, replays=None)
    campaign = Campaign(Choice(fault="no-worker-starts", deadline=0.5), plan, told.append)
    assert campaign.run() == 1
    results = {event.result.id: event.result for event in told if isinstance(event, CaseEnds)}
    assert results.pop("submit/free-worker").verdict is Verdict.DEVIATION
    assert {result.verdict for result in results.values()} == {Verdict.UNKNOWN}
    assert {result.reason for result in results.values()} == {
        "the server starts no job, though none holds a worker"
    }


@pytest.mark.parametrize("fault", ["nothing-is-sent", "nothing-can-be-sent"])
def test_a_first_job_that_ends_without_its_step_is_no_trouble_of_the_network(fault: str) -> None:
    """A server that cannot reach the gate would say that the job has failed by that."""
    plan = Plan(prefixes=("action/cancel/pending",), no_ledger=True, replays=None)
    campaign = Campaign(Choice(fault=fault, deadline=0.5), plan, lambda event: None)
    assert campaign.run() == 1
