"""Whatever a server answers is judged: no field of no answer, spoilt in any way, fails the kit.

Each case is run once as it is, to see what it is answered. Then one answer after the other is
spoilt (`tests.conformance.spoiling`), in every field and in every way in turn: here a part of
them, spread evenly, and `tools/spoil` tries them all.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conformance.campaign.campaign import Campaign
from conformance.campaign.plan import Plan
from conformance.driver.following import TOLD
from conformance.events import CaseBegins, CaseEnds, Event, Failed, Verdict
from conformance.session.session import Session, opened
from conformance.suites import suites
from conformance.suites.case import Case
from conformance.sut import servers
from conformance.sut.target import Choice
from conformance.timing import TIMING
from tests.conformance.spoiling import SPOILS, Spoil, Spoiler, attempt, plan, spoiling

CASES = (
    "action/resubmit/failure",
    "edge/running/success/succeed",
    "race/pause-cancel/step-succeeds",
    "schedule/limit",
    "history/delete",
    "concurrent/submissions",
    "submit/priority/positive",
    "submit/synchronous/fails",
    "submit/pending-first",
    "monitor/agree/paused",
    "monitor/field/error-description",
    "route/modify/study/fails/one-removed",
    "route/retrieve/studies/running/pause",
    "route/archive/study/cancel",
)
TRIED = 24  # spoilt answers of each case
# What the oracle is told of a job is judged to its last field: here no spoilt one may pass.
FOLLOWED = ("action/resubmit/failure", "edge/running/success/succeed")
FIELDS = (
    "CompletionTime", "Content", "CreationTime", "EffectiveRuntime", "ErrorCode",
    "ErrorDescription", "ID", "Priority", "Progress", "State", "Timestamp", "Type",
)  # fmt: skip
DEADLINE = 0.5


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    """A server of somebody else's, so that it is not made anew after each deviation."""
    with (
        servers.reference() as server,
        opened(
            Choice("url", server.address, exclusive=True, history_size=10, deadline=DEADLINE)
        ) as session,
    ):
        yield session
        session.clean()


@pytest.fixture(scope="module")
def known(session: Session) -> dict[str, Case]:
    return {case.id: case for case in suites(session.profile)}


@pytest.fixture
def spoiler(monkeypatch: pytest.MonkeyPatch) -> Iterator[Spoiler]:
    with spoiling(monkeypatch) as spoiler:
        yield spoiler


@pytest.mark.long
@pytest.mark.parametrize("id", CASES)
def test_no_spoilt_answer_fails_the_kit(
    id: str, session: Session, known: dict[str, Case], spoiler: Spoiler
) -> None:
    """Another exception than what says "a deviation" and "unknown" ends this test."""
    assert attempt(session, known[id], TIMING.patient).verdict == "pass"
    everything = plan(spoiler.seen)
    assert len(everything) > TRIED
    tried = everything[:: len(everything) // TRIED]
    found = set()
    for spoil in tried:
        spoiler.begin(spoil)
        came = attempt(session, known[id])
        found.add(came.verdict)
        for finding in came.findings:
            assert all(len(text) <= TOLD for text in (*finding.expected, finding.actual))
    assert "deviation" in found
    spoiler.begin(None)
    later = attempt(session, known[id], TIMING.patient)
    assert later.verdict == "pass", f"a later case is not as it was: {later.findings}"


@pytest.mark.parametrize("id", FOLLOWED)
def test_no_field_of_a_reading_is_spoilt_unnoticed(
    id: str, session: Session, known: dict[str, Case], spoiler: Spoiler
) -> None:
    attempt(session, known[id])
    readings = [
        one
        for one in plan(spoiler.seen)
        if one.kind == "GET /jobs/*" and one.where in {(name,) for name in FIELDS}
    ]
    for spoil in readings[:: len(SPOILS) // 3 * 2 + 1]:
        spoiler.begin(spoil)
        came = attempt(session, known[id])
        assert came.verdict != "pass" or not spoiler.done, str(spoil)


def test_a_run_goes_on_behind_each_case_that_is_spoilt(session: Session, spoiler: Spoiler) -> None:
    """Every second case gets a spoilt answer; the others, on the same server, are as ever."""
    cases = ("race/nothing/step-fails", "race/nothing/step-succeeds", "race/pause/step-fails",
             "race/pause/step-succeeds", "race/cancel/step-succeeds")  # fmt: skip
    spoils = {
        cases[1]: Spoil("GET /jobs/*", 0, ("State",), "list"),
        cases[3]: Spoil("POST /peers/*/store", 0, (), "missing"),
    }
    told: list[Event] = []

    def take(event: Event) -> None:
        told.append(event)
        if isinstance(event, CaseBegins):
            spoiler.begin(spoils.get(event.id))

    address = session.client.address
    choice = Choice("url", address, exclusive=True, history_size=10, deadline=DEADLINE)
    chosen = Plan(prefixes=cases, no_ledger=True, replays=None)
    assert Campaign(choice, chosen, take).run() == 1
    assert not [event for event in told if isinstance(event, Failed)]
    verdicts = {e.result.id: e.result.verdict for e in told if isinstance(e, CaseEnds)}
    assert verdicts == {
        case: Verdict.DEVIATION if case in spoils else Verdict.PASS for case in cases
    }
    broken = {e.result.id: e.result.requirement for e in told if isinstance(e, CaseEnds)}
    assert broken[cases[1]] == "monitor/state"
    assert broken[cases[3]] == "submit/creates-job"
