"""What holds in every reading: pairs of readings, right ones and wrong ones, and what is said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from conformance.oracle.fields import MOST_STEPS, Fields, Moment, Seen, ServerClock, parse
from spec.table import State

BEGUN = datetime(2019, 3, 6, 9, 52, 23, 750666, UTC)
START = 1000.0  # our monotonic clock at that moment


def stamp(seconds: float) -> str:
    return (BEGUN + timedelta(seconds=seconds)).strftime("%Y%m%dT%H%M%S.%f")


def reading(at: float, state: State = State.RUNNING, **changed: Any) -> dict[str, Any]:
    """A reading ``at`` so many seconds after the submission; None takes a field out."""
    found: dict[str, Any] = {
        "Content": {"Description": "REST API", "InstancesCount": 1},
        "CreationTime": stamp(0),
        "EffectiveRuntime": 0.001,
        "ErrorCode": 0,
        "ErrorDescription": "Success",
        "Timestamp": stamp(at),
        "Type": "OrthancPeerStore",
    }
    if state in (State.SUCCESS, State.FAILURE):
        found["CompletionTime"] = stamp(0.1)
    found |= {"State": state, **changed}
    return {key: value for key, value in found.items() if value is not None}


class Watched:
    """A job that is read again and again."""

    def __init__(self) -> None:
        self.fields = Fields()
        self.seen = Seen(born=Moment(START, START + 0.002))

    def read(self, at: float, state: State = State.RUNNING, **changed: Any) -> list[str]:
        """The requirements that the reading breaks."""
        asked = Moment(START + at - 0.001, START + at + 0.001)
        found = reading(at, state, **changed)
        return [b.requirement for b in self.fields.check(self.seen, found, state, asked)]


@pytest.mark.parametrize(
    "text", ["20190306T095223.753851", "20190306T095223.7", "20190306T095223", "20240229T000000"]
)
def test_a_time_is_read_as_in_the_example(text: str) -> None:
    found = parse(text)
    assert found is not None
    assert found.text == text


@pytest.mark.parametrize(
    "text",
    [
        "2019-03-06T09:52:23",
        "20190306T095223Z",
        "20190306T095223,7",
        "20190306T095223.",
        "20190306T095223.1234567",
        "20190230T095223",
        "20190306T245223",
        "20190306 095223",
        "",
        None,
        1551865943,
    ],
)
def test_another_notation_is_none(text: object) -> None:
    assert parse(text) is None


def test_a_job_that_runs_and_succeeds_is_right() -> None:
    job = Watched()
    assert job.read(0.01, State.PENDING, EffectiveRuntime=0) == []
    assert job.read(0.05) == []
    assert job.read(0.08, EstimatedTimeOfArrival=stamp(0.2), EffectiveRuntime=0.07) == []
    for at in (0.2, 0.3, 5.0):
        assert job.read(at, State.SUCCESS, EffectiveRuntime=0.09) == []


@pytest.mark.parametrize(
    ("changed", "broken"),
    [
        ({"CreationTime": "2019-03-06T09:52:23"}, "creation-time"),
        ({"CreationTime": None}, "creation-time"),
        ({"CreationTime": stamp(-1)}, "creation-time"),
        ({"CreationTime": stamp(1)}, "timestamp"),
        ({"Timestamp": None}, "timestamp"),
        ({"CompletionTime": stamp(0.04)}, "completion-time"),
        ({"EffectiveRuntime": -1}, "effective-runtime"),
        ({"EffectiveRuntime": "0"}, "effective-runtime"),
        ({"EffectiveRuntime": True}, "effective-runtime"),
        ({"EffectiveRuntime": 40.0}, "effective-runtime"),
        ({"ErrorDescription": ""}, "error-description"),
        ({"ErrorDescription": None}, "error-description"),
        ({"ErrorDescription": "Other"}, "error-description"),
        ({"ErrorDetails": 7}, "error-details"),
        ({"Content": None}, "content"),
        ({"Content": []}, "content"),
        ({"EstimatedTimeOfArrival": "soon"}, "estimated-time"),
        ({"EstimatedTimeOfArrival": stamp(-1)}, "estimated-time"),
    ],
)
def test_one_wrong_field_is_seen(changed: dict[str, Any], broken: str) -> None:
    assert Watched().read(0.05, **changed) == [f"monitor/{broken}"]


@pytest.mark.parametrize(
    ("changed", "broken"),
    [
        ({"CompletionTime": None}, "completion-time"),
        ({"CompletionTime": stamp(-1)}, "completion-time"),
        ({"CompletionTime": stamp(9)}, "completion-time"),
        ({"EstimatedTimeOfArrival": stamp(1)}, "estimated-time"),
        ({"CreationTime": stamp(0.002)}, "creation-time"),
        ({"Content": {"Description": "REST API", "InstancesCount": 2}}, "content"),
    ],
)
def test_what_is_wrong_of_a_completed_job_is_seen(changed: dict[str, Any], broken: str) -> None:
    job = Watched()
    assert job.read(0.05) == []
    assert f"monitor/{broken}" in job.read(0.2, State.SUCCESS, **changed)


def test_a_completion_is_no_older_than_the_reading_before_it() -> None:
    job = Watched()
    assert job.read(1.0) == []
    assert job.read(1.2, State.SUCCESS, CompletionTime=stamp(0.5)) == ["monitor/completion-time"]


@pytest.mark.parametrize("state", [State.PENDING, State.PAUSED, State.FAILURE, State.RETRY])
def test_what_does_not_run_stands_still_until_something_is_done_with_it(state: State) -> None:
    job = Watched()
    error = {"ErrorCode": 9, "ErrorDescription": "Other"} if state is State.FAILURE else {}
    more = {"Description": "REST API", "InstancesCount": 1, "Size": "7"}
    assert job.read(0.2, state, **error) == []
    assert job.read(0.3, state, EffectiveRuntime=0.002, **error) == ["monitor/effective-runtime"]
    assert job.read(0.4, state, EffectiveRuntime=0.002, Content=more, **error) == [
        "monitor/content"
    ]
    job.seen.touched()
    assert job.read(0.5, state, EffectiveRuntime=0.1, **error) == []


def test_a_completion_time_that_moves_is_seen() -> None:
    job = Watched()
    assert job.read(0.2, State.SUCCESS) == []
    assert job.read(0.3, State.SUCCESS, CompletionTime=stamp(0.11)) == ["monitor/completion-time"]


def failed(**changed: Any) -> dict[str, Any]:
    return {"ErrorCode": 9, "ErrorDescription": "Network", "ErrorDetails": "503"} | changed


@pytest.mark.parametrize(
    ("changed", "broken"),
    [
        ({}, []),
        ({"EffectiveRuntime": 0.0}, ["persist/times"]),
        ({"CompletionTime": stamp(8.9)}, ["persist/times"]),
        ({"ErrorDetails": ""}, ["persist/error"]),
        ({"ErrorDetails": None}, ["persist/error"]),
        ({"CreationTime": stamp(0.001)}, ["monitor/creation-time"]),
    ],
)
def test_a_job_that_has_failed_is_after_a_clean_restart_what_it_was(
    changed: dict[str, Any], broken: list[str]
) -> None:
    job = Watched()
    job.read(0.05)
    job.read(0.2, State.FAILURE, **failed())
    job.seen.began_again(killed=False, errors=True)
    assert job.read(9.0, State.FAILURE, **failed(**changed)) == broken
    assert job.read(9.1, State.FAILURE, **failed(**changed)) == []


def test_before_1_9_5_an_error_has_no_details_after_a_restart() -> None:
    job = Watched()
    job.read(0.05)
    job.read(0.2, State.FAILURE, **failed())
    job.seen.began_again(killed=False, errors=False)
    assert job.read(9.0, State.FAILURE, ErrorDetails="") == []
    assert job.read(9.1, State.FAILURE, **failed()) == ["monitor/error-details"]


def test_after_a_kill_a_job_may_be_what_it_was_before_its_last_reading() -> None:
    job = Watched()
    job.read(0.05)
    job.read(0.2, State.PAUSED, EffectiveRuntime=0.2)
    job.seen.began_again(killed=True, errors=True)
    assert job.read(9.0, State.PAUSED, EffectiveRuntime=0.1) == []


def test_a_job_that_ran_at_the_stop_has_run_on_since_its_last_reading() -> None:
    job = Watched()
    job.read(0.05, EffectiveRuntime=0.04)
    job.seen.began_again(killed=False, errors=True)
    assert job.read(9.0, State.PENDING, EffectiveRuntime=0.3) == []


def test_an_error_has_the_same_words_for_every_job() -> None:
    job = Watched()
    failed = {"ErrorCode": 9, "ErrorDescription": "Error in the network protocol"}
    assert job.read(0.2, State.FAILURE, **failed) == []
    other = {**failed, "ErrorDescription": "Something else"}
    assert "monitor/error-description" in job.read(0.3, State.FAILURE, **other)


def test_times_without_a_fraction_are_right() -> None:
    job = Watched()
    whole = stamp(0).partition(".")[0]
    assert job.read(0.05, CreationTime=whole, Timestamp=whole) == []
    assert job.read(0.2, State.SUCCESS, CreationTime=whole, CompletionTime=whole) == []


# --- the clock of the server ------------------------------------------------------------------


def test_a_clock_that_is_set_now_and_then_is_no_deviation() -> None:
    job = Watched()
    assert job.read(0.05) == []
    back = -3600.0  # an hour back, while the job runs
    for at in (0.1, 0.2, 0.3):
        times = {"Timestamp": stamp(back + at), "CompletionTime": stamp(back + 0.09)}
        assert job.read(at, State.SUCCESS, **times) == []
    assert job.fields.clock.steps == 1


def test_a_timestamp_that_stands_still_is_seen() -> None:
    job = Watched()
    found = [job.read(at, Timestamp=stamp(0.05)) for at in (0.05, 0.1, 0.2, 0.3)]
    assert found[:3] == [[]] * 3
    assert found[3] == ["monitor/timestamp"]
    assert job.fields.clock.steps == MOST_STEPS + 1


def test_a_clock_that_drifts_and_one_that_is_slow_to_answer_are_right() -> None:
    clock = ServerClock()
    for number in range(2000):
        here = START + number * 0.01
        shown = parse(stamp(number * 0.01 * 1.0005))
        assert shown is not None
        late = 2.0 if number % 97 == 0 else 0.001
        assert clock.see(shown, Moment(here - 0.001, here + late)) is None
    assert clock.steps == 0


def test_local_time_is_seen_on_this_machine_only() -> None:
    here = datetime.now(UTC)
    local = parse((here + timedelta(hours=1)).strftime("%Y%m%dT%H%M%S.%f"))
    right = parse(here.strftime("%Y%m%dT%H%M%S.%f"))
    assert local is not None
    assert right is not None
    broken = ServerClock(same_machine=True).see(local, Moment(0.0, 1.0))
    assert broken is not None
    assert broken.requirement == "monitor/times-utc"
    assert ServerClock(same_machine=True).see(right, Moment(0.0, 1.0)) is None
    assert ServerClock().see(local, Moment(0.0, 1.0)) is None


@pytest.mark.parametrize(
    ("at", "changed", "broken"),
    [
        (0.2, {}, []),
        (-1.0, {"CompletionTime": stamp(-1.5)}, ["timestamp", "completion-time"]),
        (0.2, {"CompletionTime": stamp(0.3)}, ["completion-time"]),
        (0.2, {"CompletionTime": stamp(-0.1)}, ["completion-time"]),
    ],
)
def test_the_times_of_one_reading_are_in_order_also_of_a_job_that_somebody_else_made(
    at: float, changed: dict[str, Any], broken: list[str]
) -> None:
    job = Watched()
    job.seen = Seen()
    found = job.read(at, State.SUCCESS, EffectiveRuntime=0, **changed)
    assert found == [f"monitor/{one}" for one in broken]


def test_of_a_type_that_is_not_known_content_may_change() -> None:
    job = Watched()
    for size in (1, 2):
        content = {"Description": f"{size} sent", "Size": size}
        assert job.read(size, State.SUCCESS, Type="SomePlugin", Content=content) == []
