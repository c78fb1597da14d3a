"""A server may say that it lacks something: who believes it, and that this is told."""

from __future__ import annotations

import pytest

from conformance.campaign.campaign import Campaign
from conformance.campaign.plan import Plan
from conformance.events import CaseEnds, Event, Verdict, Warned
from conformance.sut import servers
from conformance.sut.identity import System
from conformance.sut.profile import LACKING, NOT_OFFERED
from conformance.sut.target import ORTHANC, Choice, profile_of

SPARED = "route/retrieve/first-answer/counts/consistent"
LACKED = LACKING["route/retrieve-progress"]


def test_what_is_not_judged_on_the_word_of_a_server_at_a_url_is_told() -> None:
    told: list[Event] = []
    with servers.reference(release="1.12.7") as server:
        choice = Choice("url", server.address, exclusive=True)
        plan = Plan(prefixes=(SPARED, "action/cancel/unknown"), replays=None)
        assert Campaign(choice, plan, told.append).run() == 0
    results = {event.result.id: event.result for event in told if isinstance(event, CaseEnds)}
    assert results[SPARED].verdict is Verdict.SKIPPED
    assert results[SPARED].reason == NOT_OFFERED
    (warning,) = [event.reason for event in told if isinstance(event, Warned)]
    assert warning.startswith("the server says that it lacks ")
    assert LACKED in warning
    assert warning.endswith(": 1 case about that was not judged")


def test_of_a_server_that_is_spared_nothing_or_is_ours_nothing_is_told() -> None:
    with servers.reference(release="1.12.7") as server:
        for choice, case in (
            (Choice("url", server.address), "action/cancel/unknown"),
            (Choice(release="1.12.7"), SPARED),
        ):
            told: list[Event] = []
            Campaign(choice, Plan(prefixes=(case,), replays=None), told.append).run()
            assert [event for event in told if isinstance(event, CaseEnds)]
            assert not [event for event in told if isinstance(event, Warned)]


@pytest.mark.parametrize("words", [[LACKED], ["everything", LACKED]])
def test_an_orthanc_of_our_own_is_not_believed(words: list[str]) -> None:
    system = System("1.12.7", "", {"Lacks": words}, orthanc=True)
    assert profile_of(Choice(ORTHANC), system, {}).lacks == frozenset()
    assert LACKED in profile_of(Choice(), system, {}).lacks
