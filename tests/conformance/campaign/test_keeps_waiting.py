"""A server on which asynchronous calls wait for their jobs: it deviates, and the run ends soon."""

from __future__ import annotations

from conformance.campaign.campaign import Campaign
from conformance.campaign.plan import Plan
from conformance.events import CaseEnds, Event, Verdict
from conformance.sut.target import Choice


def test_it_deviates_and_no_other_case_waits_for_it() -> None:
    """Each case that began with a submission would wait for the timeout of the client."""
    told: list[Event] = []
    chosen = ("action/", "submit/asynchronous/at-once", "monitor/times-utc")
    plan = Plan(prefixes=chosen, no_ledger=True, replays=None)
    campaign = Campaign(Choice(fault="modes-swapped", timeout=2.0, deadline=0.5), plan, told.append)
    assert campaign.run() == 1
    results = {event.result.id: event.result for event in told if isinstance(event, CaseEnds)}
    found = results.pop("submit/asynchronous/at-once")
    assert (found.verdict, found.requirement) == (
        Verdict.DEVIATION,
        "submit/asynchronous-returns",
    )
    assert {result.verdict for result in results.values()} == {Verdict.UNKNOWN}
    assert {result.reason for result in results.values()} == {
        "an asynchronous call of this server waits for its job"
    }
    assert "monitor/times-utc" in results  # which needs a server of another configuration
