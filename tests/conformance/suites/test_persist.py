"""Stops, kills and starts of a real Orthanc and of the reference server, as a user runs them."""

from __future__ import annotations

import json

import pytest

from conformance.driver.script import Step, check, kill, restart
from conformance.errors import BadArgument
from conformance.suites import SUITES, persist
from conformance.suites.case import Script
from conformance.suites.needs import MANAGED
from conformance.sut import servers
from conformance.sut.managed import Managed
from conformance.sut.profile import Profile
from spec.engine import Reply
from spec.relaxations import Shortfall
from spec.requirements import CATALOGUE
from tests.conformance.kit import Run, command

LATE = "persist/stop/request-late"
LOST = Shortfall.REQUEST_LOST_AT_STOP.value
FINISHED = "persist/stop/finished"


SUITE = ("persist/",)


def test_orthanc_forgets_what_has_a_name_and_nothing_else(
    on_orthanc: Run,
) -> None:
    found = on_orthanc.cases("accepted", of=SUITE)
    halfway = found.pop("persist/stop/halfway", {"relaxations": []})  # what had been made by then
    assert set(halfway["relaxations"]) <= {Shortfall.MODIFICATION_RESULT_LOST}
    assert {id: case["relaxations"] for id, case in found.items()} == {
        LATE: [LOST],
        f"{FINISHED}/archives": [Shortfall.ARCHIVE_NOT_SAVED],
        "persist/stop/types": [Shortfall.ARCHIVE_NOT_SAVED],
        "persist/kill/types": [Shortfall.ARCHIVE_NOT_SAVED],
        "persist/kill/resubmitted": [Shortfall.RESUBMIT_LOST_AT_RESTART],
        f"{FINISHED}/modifications": [Shortfall.MODIFICATION_RESULT_LOST],
        "persist/stop/autorouting/waiting": [Shortfall.OPERATIONS_SUCCEED_BELOW_100],
    }
    assert found[LATE]["requirement"] == "persist/request-survives-stop"
    assert on_orthanc.cases("unknown", "deviation", of=SUITE) == {}
    assert len(on_orthanc.cases("pass", of=SUITE)) >= 16


def test_a_deviation_over_a_restart_is_reproduced(without_ledger: Run) -> None:
    file = without_ledger.cases("deviation")[LATE]["replay"]
    again = command(without_ledger.folder, "replay", file, "orthanc", report=False)
    assert again.status == 1, again.out
    assert "reproduced" in again.out
    strict = command(without_ledger.folder, "replay", file, "reference", report=False)
    assert strict.status == 0, strict.out


def test_a_replay_with_a_restart_needs_a_server_of_our_own(
    orthanc: Managed, without_ledger: Run
) -> None:
    file = without_ledger.cases("deviation")[LATE]["replay"]
    url = orthanc.address.url
    refused = command(without_ledger.folder, "replay", file, url, "--exclusive", report=False)
    assert refused.status == 2
    assert MANAGED.why in refused.out + refused.err
    orthanc.check()  # and it still runs


def test_a_written_file_says_all_of_a_restart(without_ledger: Run) -> None:
    file = without_ledger.folder / without_ledger.cases("deviation")[LATE]["replay"]
    found = json.loads(file.read_text())
    assert {"do": "restart", "late": True} in [
        {k: v for k, v in step.items() if k != "expect"} for step in found["steps"]
    ]
    assert found["config"]["WebDavEnabled"] is False  # a stop takes another time without it


@pytest.mark.parametrize(
    "step",
    [
        restart(),
        restart(Reply.FAIL, late=True),
        restart(loads=False, history=2),
        kill(),
        kill(saved=False),
    ],
    ids=str,
)
def test_a_step_that_ends_a_life_is_read_as_it_was_written(step: Step) -> None:
    assert Step.from_json(step.to_json()) == step
    check([step])


@pytest.mark.parametrize(
    ("found", "part"),
    [
        ({"do": "restart", "job": "A"}, "needs no job"),
        ({"do": "restart", "held": "retry"}, "'held'"),
        ({"do": "restart", "held": ["fail"]}, "'held'"),
        ({"do": "restart", "history": -1}, "'history'"),
        ({"do": "restart", "history": True}, "'history'"),
        ({"do": "kill", "saved": 1}, "'saved'"),
        ({"do": "kill", "loads": None}, "'loads'"),
        ({"do": "list", "late": True}, "'late' belongs to"),
    ],
    ids=str,
)
def test_what_is_wrong_with_such_a_step_is_named(found: object, part: str) -> None:
    with pytest.raises(BadArgument, match=part):
        Step.from_json(found)


def test_every_case_is_for_a_server_of_our_own_and_names_a_requirement() -> None:
    for case in SUITES["persist"].cases(Profile(version="1.13.0")):
        check(case.steps if isinstance(case, Script) else ())
        assert case.unreachable is None
        assert case.fresh
        assert case.requirement in CATALOGUE
    for case in SUITES["persist"].cases(Profile(version="1.13.0", managed=False)):
        assert case.unreachable == MANAGED.why


def test_every_requirement_of_the_section_has_a_case() -> None:
    met = {case.requirement for case in persist.cases(Profile())}
    assert {id for id in CATALOGUE if id.startswith("persist/")} <= met


def test_a_command_that_cannot_be_given_no_jobs_says_so(installed_orthanc: None) -> None:
    with servers.orthanc("sh -c 'exec Orthanc {config}'") as server:
        server.kill()
        with pytest.raises(BadArgument, match="--no-jobs cannot be given"):
            server.start(loads=False)


def test_an_ended_server_is_seen_to_have_ended(orthanc: Managed) -> None:
    assert not orthanc.ended()
    assert orthanc.status() is None
    orthanc.stop()
    assert orthanc.ended()
