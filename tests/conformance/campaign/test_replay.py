"""What a replay does where its case alone does not show the deviation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from conformance.campaign.campaign import Campaign
from conformance.campaign.plan import Plan
from conformance.campaign.replay import TRIES, Recording, load, record
from conformance.errors import KitError
from conformance.events import CaseEnds, Event, Replayed, Verdict, Warned
from conformance.oracle.oracle import Finding
from conformance.session.probe import PROBE
from conformance.suites import suites
from conformance.suites.case import Script
from conformance.sut.profile import Profile
from conformance.sut.target import Choice

pytestmark = pytest.mark.apart


def recorded(fault: str, folder: Path, *prefixes: str) -> list[Recording]:
    """The replay files of a run of these cases."""
    plan = Plan(prefixes=prefixes, no_ledger=True, replays=folder)
    Campaign(Choice(fault=fault), plan, lambda _: None).run()
    return [load(path) for path in sorted(folder.iterdir())]


def again(recording: Recording, fault: str | None) -> Campaign:
    campaign = Campaign(
        Choice(fault=fault), Plan(no_ledger=True, recording=recording), lambda _: None
    )
    campaign.run()
    return campaign


def shows(campaign: Campaign, recording: Recording) -> bool:
    return any(recording.same(result) for result in campaign.results.values())


def test_a_fault_of_each_third_job_shows_behind_the_cases_before_it(tmp_path: Path) -> None:
    """The probe has submitted the first job, so the case by itself cancels the second one."""
    fault = "third-job-not-canceled"
    (found,) = recorded(fault, tmp_path, "edge/running/success", "edge/running/failure/cancel")
    assert (found.case, found.before) == (
        "edge/running/failure/cancel",
        (PROBE, "edge/running/success/succeed"),
    )
    behind = again(found, fault)
    assert shows(behind, found)
    assert behind.behind == len(found.before)
    alone = replace(found, before=(PROBE,))
    assert not shows(again(alone, fault), found)
    assert not shows(again(found, None), found), "a sound server shows it as well"


def test_replays_that_cannot_be_written_are_told_once_and_cost_no_verdict(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    told: list[Event] = []
    cases = ("action/cancel/paused", "edge/paused/failure/cancel")
    plan = Plan(prefixes=cases, replays=tmp_path / "file")
    assert Campaign(Choice(fault="cancel-of-paused-ignored"), plan, told.append).run() == 1
    (warned,) = [event for event in told if isinstance(event, Warned)]
    assert warned.reason == f"no replay can be written to {tmp_path / 'file'}: File exists"
    ended = [event.result for event in told if isinstance(event, CaseEnds)]
    assert [one.id for one in ended] == list(cases)
    assert {(one.verdict, one.replay) for one in ended} == {(Verdict.DEVIATION, None)}


def test_what_came_late_is_waited_for() -> None:
    """A job that failed runs again by itself, half a second later: its case has ended by then."""
    fault = "failure-runs-again"
    name = "submit/asynchronous/monitored-failure"
    (case,) = (one for one in suites(Profile()) if one.id == name)
    assert isinstance(case, Script)
    finding = Finding("step/only-while-running", ("no step arrives",), "step 1 of A arrives", None)
    steps = [(step, ()) for step in case.steps]
    late = record(name, {}, steps, finding, relaxations=[], server="here 1.0")
    assert shows(again(late, fault), late)
    assert not shows(again(late, None), late)


def test_a_case_before_it_that_there_is_not(tmp_path: Path) -> None:
    fault = "third-job-not-canceled"
    (found,) = recorded(fault, tmp_path, "edge/running/success", "edge/running/failure/cancel")
    with pytest.raises(KitError, match="names 'edge/of/nothing' in 'before'"):
        again(replace(found, before=("edge/of/nothing",)), None)


# --- luck ---------------------------------------------------------------------------------------


def told(recording: Recording, fault: str | None) -> Replayed:
    events: list[Event] = []
    plan = Plan(no_ledger=True, recording=recording, replays=None)
    Campaign(Choice(fault=fault), plan, events.append).run()
    (found,) = [event for event in events if isinstance(event, Replayed)]
    return found


@pytest.mark.long
def test_what_needs_luck_is_tried_until_it_is_seen(tmp_path: Path) -> None:
    (found,) = recorded("cancel-of-paused-ignored", tmp_path, "concurrent/pairs/paused")
    assert found.tries == TRIES
    shown = told(found, "cancel-of-paused-ignored")
    assert shown.seen == 1
    assert 1 <= shown.tries <= shown.most == TRIES
    # and once more, behind what its server had had
    assert told(found, None) == Replayed(0, TRIES + 1, TRIES + 1, len(found.before))


def test_what_needs_none_is_tried_once(tmp_path: Path) -> None:
    fault = "cancel-of-paused-ignored"
    (found,) = recorded(fault, tmp_path, "action/cancel/paused")
    assert told(found, fault) == Replayed(1, 1, 1)
