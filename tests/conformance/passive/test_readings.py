"""One reading by itself: what no server may show, by the fields and by the type of a job."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.passive.finding import Impossible, accepted, lines
from conformance.passive.judge import Judge
from conformance.passive.trace import allowing, known
from conformance.passive.watched import Watched
from spec.relaxations import Shortfall
from spec.table import State
from tests.conformance.passive.histories import BIRTH, CONTENT, NOW, job

NEWEST = "1.13.0"


def read(found: Any, watched: Watched | None = None) -> list[Impossible]:
    return Judge(watched or Watched(version=NEWEST)).reading(0, 0.01, found)


def broken(found: Any, watched: Watched | None = None) -> list[str]:
    return [one.requirement for one in read(found, watched)]


MALFORMED: dict[str, tuple[str, dict[str, Any]]] = {
    "a completion that is no time": ("completion-time", {"CompletionTime": "yesterday"}),
    "a completion that is no text": ("completion-time", {"CompletionTime": 7}),
    "a runtime below 0": ("effective-runtime", {"EffectiveRuntime": -5}),
    "a runtime that is a text": ("effective-runtime", {"EffectiveRuntime": "5"}),
    "a runtime without end": ("effective-runtime", {"EffectiveRuntime": float("inf")}),
    "a content that is an array": ("content", {"Content": []}),
    "a progress of halves": ("progress", {"Progress": 100.5}),
    "a progress that is a text": ("progress", {"Progress": "100"}),
    "a progress above 100": ("progress", {"Progress": 101}),
    "a progress below 0": ("progress", {"Progress": -1}),
    "a priority that is a text": ("priority", {"Priority": "0"}),
    "a priority that is true": ("priority", {"Priority": True}),
    "an error that is a text": ("error-code", {"ErrorCode": "0"}),
    "a description of another error": ("error-description", {"ErrorDescription": "Timeout"}),
    "a description that is empty": ("error-description", {"ErrorDescription": ""}),
    "a description that is none": ("error-description", {"ErrorDescription": None}),
    "details that are no text": ("error-details", {"ErrorDetails": 7}),
    "a birth in another notation": ("creation-time", {"CreationTime": "2026-11-24 23:59:00"}),
    "a reading in another notation": ("timestamp", {"Timestamp": "2026-11-25T00:00:00Z"}),
    "a completion before the birth": ("completion-time", {"CompletionTime": "20261123T000000"}),
    "a completion after the reading": ("completion-time", {"CompletionTime": "20261126T000000"}),
    "a state that there is not": ("state", {"State": "Done"}),
    "a state that is no text": ("state", {"State": ["Success"]}),
    "a type that is no text": ("type", {"Type": None}),
    "a type that is empty": ("type", {"Type": ""}),
    "an id that is a number": ("id", {"ID": 7}),
    "an end that is expected of what has ended": (
        "estimated-time",
        {"EstimatedTimeOfArrival": NOW},
    ),
    "success with an error": ("error-code", {"ErrorCode": 9, "ErrorDescription": "Network"}),
    "success half done": ("progress", {"Progress": 50}),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_reading_raises_the_alarm(name: str) -> None:
    requirement, changed = MALFORMED[name]
    assert broken([job("Success") | changed]) == [f"monitor/{requirement}"]


def test_a_birth_after_the_reading_raises_the_alarm() -> None:
    late = {"CreationTime": "20261126T000000"}
    assert broken([job("Running") | late]) == ["monitor/timestamp"]
    assert set(broken([job("Success") | late])) == {"monitor/timestamp", "monitor/completion-time"}


def test_a_right_one_does_not() -> None:
    for state in State:
        assert broken([job(state)]) == []


REQUIRED = (
    "Content", "CreationTime", "EffectiveRuntime", "ErrorCode", "ErrorDescription", "ErrorDetails",
    "ID", "Priority", "Progress", "State", "Timestamp", "Type", "CompletionTime",
)  # fmt: skip


@pytest.mark.parametrize("name", REQUIRED)
def test_a_field_that_was_cut_out_is_missing_and_not_impossible(name: str) -> None:
    found = read([{key: value for key, value in job("Failure").items() if key != name}])
    text = list(lines(found))
    assert [line.split(":")[0] for line in text if not line.startswith(" ")] == ["missing"]
    assert f"  actual      no {name}" in text


def test_all_that_was_cut_out_is_told_at_once() -> None:
    found = read([{"State": "Failure", "ErrorCode": 2006}])
    assert all(one.wrong.missing for one in found)
    assert len(found) == len(REQUIRED) - 2


def test_a_reading_of_old_times_has_no_details() -> None:
    old = {key: value for key, value in job("Success").items() if key != "ErrorDetails"}
    assert broken([old]) == ["monitor/error-details"]
    for version in ("1.9.1", None):
        assert broken([old], Watched(version=version)) == []


def test_the_id_is_the_key() -> None:
    assert broken({"A": job("Success")}) == []
    assert broken({"B": job("Success")}) == ["monitor/id"]
    assert [o.requirement for o in Judge(Watched()).one(0, 1, "B", job("Success"))] == [
        "monitor/id"
    ]


@pytest.mark.parametrize("found", [None, 7, "jobs"])
def test_what_is_no_list_of_jobs(found: Any) -> None:
    assert broken(found) == ["monitor/list-expand"]
    assert broken([found]) == ["monitor/job"]


# --- by type ------------------------------------------------------------------------------------

LUA = {"Type": "SequenceOfOperations", "Content": {"CountOperations": 6, "Description": "Lua"}}
MOVE = {
    "Type": "DicomMoveScu",
    "Content": {"Description": "", "LocalAet": "A", "Query": [], "RemoteAet": "B"},
}
MADE = {"ID": "M", "Path": "/studies/M", "PatientID": "P", "Type": "Study"}
COPY = {"Type": "ResourceModification", "Content": MADE}
PUSH = {
    "Type": "PushTransfer",
    "Content": {"Resources": [], "Peer": "peer", "Compression": "none"},
}
SOME = {"Type": "DicomWebStowClient", "Content": {"Whatever": 1}}


@pytest.mark.parametrize("progress", [0, 50, 86, 100])
def test_of_other_types_progress_may_end_anywhere(progress: int) -> None:
    assert broken([job("Success", progress=progress) | SOME]) == []
    assert broken([job("Success", progress=101) | SOME]) == ["monitor/progress"]


@pytest.mark.parametrize("kind", [MOVE, COPY, LUA, PUSH], ids=lambda kind: str(kind["Type"]))
def test_of_the_others_it_ends_at_100(kind: dict[str, Any]) -> None:
    assert broken([job("Success") | kind]) == []
    assert broken([job("Success", progress=0) | kind]) == ["monitor/progress"]


@pytest.mark.parametrize(
    ("count", "right", "wrong"),
    [
        (6, (0, 17, 33, 50, 67, 83, 100), (1, 16, 34, 99)),
        (8, (12, 13, 38), (14,)),
        (1, (0,), (50,)),
    ],
)
def test_progress_of_what_is_sent_is_the_per_cent_of_steps(
    count: int, right: tuple[int, ...], wrong: tuple[int, ...]
) -> None:
    def at(progress: int) -> list[str]:
        content = {**CONTENT, "InstancesCount": count}
        return broken([job("Running", progress=progress, Content=content)])

    assert [at(progress) for progress in right] == [[]] * len(right)
    assert [at(progress) for progress in wrong] == [["monitor/progress-rounded"]] * len(wrong)


def test_a_job_that_shows_more_than_the_table_knows_may_have_other_steps() -> None:
    assert broken([job("Running", progress=1, Content={**CONTENT, "New": 1})]) == []


@pytest.mark.parametrize(
    ("content", "lacks"),
    [
        ({}, "Description, FailedInstancesCount, InstancesCount, ParentResources, Peer"),
        ({key: CONTENT[key] for key in CONTENT if key != "Peer"}, "Peer"),
    ],
)
def test_content_shows_what_its_type_shows(content: dict[str, Any], lacks: str) -> None:
    (one,) = read([job("Pending", Content=content)])
    assert (one.requirement, one.wrong.missing) == ("route/content", True)
    assert one.wrong.actual == f"no {lacks}"


# --- what has a name ----------------------------------------------------------------------------


def test_what_a_released_server_does_is_a_finding_with_a_name() -> None:
    lost = job("Success", progress=0) | COPY | {"Content": {"Description": ""}}
    strict = read([lost])
    assert [one.requirement for one in strict] == ["monitor/progress", "route/content"]
    assert any("progress-lost-at-restart" in line for line in lines(strict))
    judge = Judge(allowing(known(NEWEST), version=NEWEST))
    assert judge.reading(0, 1, [lost]) == []
    assert set(judge.findings) == {
        Shortfall.PROGRESS_LOST_AT_RESTART,
        Shortfall.MODIFICATION_RESULT_LOST,
    }
    assert "finding: modification-result-lost, job A" in list(accepted(judge.findings))


@pytest.mark.parametrize("state", ["Pending", "Running", "Paused", "Failure"])
def test_a_transfer_shows_nothing_before_it_ran(state: str) -> None:
    plugin = {"ErrorCode": 1, "ErrorDescription": "Error encountered within the plugin engine"}
    found = job(state, progress=0) | PUSH | {"Content": {}} | (plugin if state == "Failure" else {})
    assert broken([found]) == []


def test_what_a_restart_takes_of_a_transfer_has_a_name() -> None:
    """Nobody says of a history which plugin its server had."""
    lost = job("Success", progress=0) | PUSH | {"Content": {}}
    strict = read([lost])
    assert [one.requirement for one in strict] == ["monitor/progress", "route/content"]
    assert {name for one in strict for name in one.wrong.known} == {
        Shortfall.TRANSFER_FORGOTTEN_AT_RESTART
    }
    for version in ("1.10.1", "1.12.7", None):
        assert broken([lost], allowing(known(version), version=version)) == []


@pytest.mark.parametrize("restarts", [True, False])
def test_progress_that_was_lost_at_a_restart_may_stay_lost(restarts: bool) -> None:
    """A job that a restart has cut short, and that then runs to its end, shows 0 there as well."""
    judge = Judge(allowing(known(NEWEST), version=NEWEST))
    judge.reading(0, 0.1, [job("Pending") | COPY])
    judge.reading(2, 2.1, [job("Pending") | COPY], fresh=restarts)
    found = judge.reading(4, 4.1, [job("Success", progress=0) | COPY])
    assert ("monitor/progress" in [one.requirement for one in found]) is not restarts


@pytest.mark.parametrize("restarts", [True, False])
def test_of_jobs_that_are_read_one_by_one_each_is_excused_once_for_a_restart(
    restarts: bool,
) -> None:
    """The first of them is read as the first since the restart, and the others are so as well."""
    judge = Judge(allowing(known(NEWEST), version=NEWEST))
    jobs = [job("Success") | MOVE | {"ID": id} for id in "AB"]
    lost = [{**one, "Progress": 0} for one in jobs]
    assert judge.reading(0, 0.1, jobs) == []
    assert judge.refused(400) == []
    first = judge.one(2, 2.1, "A", lost[0], fresh=restarts)
    second = judge.one(2.2, 2.3, "B", lost[1])
    told = {one.job: one.requirement for one in (*first, *second)}
    assert told == ({} if restarts else dict.fromkeys("AB", "monitor/progress"))
    fallen = judge.one(2.4, 2.5, "B", jobs[1])
    assert [one.requirement for one in fallen] == ["monitor/progress"]


@pytest.mark.parametrize(("type", "alarms"), [(COPY, []), (MOVE, ["monitor/error-code"])])
def test_a_copy_that_failed_half_done_has_no_error_code(
    type: dict[str, Any], alarms: list[str]
) -> None:
    failed = [job("Failure") | type | {"ErrorCode": 0, "ErrorDescription": "Success"}]
    judge = Judge(allowing(known(NEWEST), version=NEWEST))
    assert [one.requirement for one in judge.reading(0, 1, failed)] == alarms
    assert (Shortfall.MODIFICATION_FAILS_HALF_DONE in judge.findings) == (not alarms)


def test_what_one_version_does_is_an_alarm_on_another() -> None:
    below = [job("Success", progress=0) | MOVE]
    assert broken(below, allowing(known("1.10.1"), version="1.10.1")) == ["monitor/progress"]
    assert broken(below, allowing(known("1.12.7"), version="1.12.7")) == []
    assert broken(below, allowing(known(None))) == []


def test_a_list_that_is_refused_is_an_answer() -> None:
    judge = Judge(allowing(known("1.10.1"), version="1.10.1"))
    assert judge.refused(400) == []
    assert set(judge.findings) == {Shortfall.EMPTY_ARCHIVE_UNREADABLE}
    assert [one.requirement for one in Judge(Watched()).refused(400)] == ["monitor/list-expand"]
    assert [one.requirement for one in judge.refused(404)] == ["monitor/list-expand"]


def test_the_same_is_told_once() -> None:
    judge = Judge(Watched(version=NEWEST))
    assert len(judge.reading(0, 1, [job("Success", progress=50)])) == 1
    assert judge.reading(1, 2, [job("Success", progress=50)]) == []
    assert BIRTH < NOW
