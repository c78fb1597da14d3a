"""What is told while a run is under way, and what the next run knows of the last one."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.events import (
    CaseBegins,
    CaseEnds,
    Event,
    Progress,
    Result,
    Searched,
    Spoken,
    Verdict,
)
from conformance.reports import last
from conformance.reports.console import ConsoleReport
from conformance.reports.last import LastRun
from conformance.reports.live import SEARCHING, SILENT, Live
from conformance.reports.pace import USUAL, Pace, told
from conformance.reports.terminal import Terminal
from conformance.talk import Said
from tests.conformance.kit import command
from tests.conformance.reports.samples import BAD, KNOWN, SKIPPED, UNSURE, events

IDS = (BAD.id, SKIPPED.id, UNSURE.id)


def begun(*ids: str) -> Event:
    return replace(events()[0], ids=ids, cases=len(ids))  # type: ignore[arg-type]


class Told:
    """A run that is told of, with a clock that a test moves."""

    def __init__(self, *ids: str, quiet: bool = False, before: dict[str, float] | None = None):
        self.now, self.out = 0.0, io.StringIO()
        self.live = Live(Terminal(200, self.out), quiet, before or {}, clock=lambda: self.now)
        self.take(begun(*ids))

    def take(self, *told: Event) -> list[str]:
        """Take events; the lines that are printed by then."""
        for event in told:
            self.live.take(event)
        return self.out.getvalue().splitlines()


def test_a_suite_is_told_when_its_last_case_has_ended_and_a_deviation_at_once() -> None:
    run = Told(*IDS)
    lines = run.take(CaseBegins(BAD.id), CaseEnds(BAD))
    assert lines == ["found action/pause/paused: HTTP 500; expected HTTP 200"]
    lines = run.take(CaseBegins(UNSURE.id), CaseEnds(UNSURE))[1:]
    assert lines == ["edge       1 unknown in 0.0 s"]
    lines = run.take(CaseBegins(SKIPPED.id), CaseEnds(SKIPPED))[2:]
    assert lines == ["action     1 deviation, 1 skipped in 0.2 s"]


def test_where_no_line_can_be_overwritten_one_says_now_and_then_how_far_it_is() -> None:
    run = Told(*IDS, before=dict.fromkeys(IDS, 30.0))
    run.now = SILENT - 1
    assert run.take(CaseBegins(BAD.id)) == []
    run.now = SILENT + 1
    assert run.take(Progress(BAD.id, 1, 2)) == ["0/3, about 75 s left: action/pause/paused 1/2"]
    run.now = 2 * SILENT
    assert len(run.take(Progress(BAD.id, 1, 2))) == 1


def test_a_search_without_an_end_tells_at_its_beginning_and_now_and_then_how_far_it_is() -> None:
    run = Told(BAD.id)
    news = Searched(BAD.id, 0.0, 5400.0, 0, 0, 0, 0, 300.0, 12, 0)
    assert run.take(news)[0].startswith("0:00:00 of 1:30:00: 0 states of ")
    run.now = SEARCHING - 1
    assert len(run.take(replace(news, seconds=run.now))) == 1
    run.now = SEARCHING + 1
    lines = run.take(Searched(BAD.id, 3661.5, 5400.0, 7, 140, 33, 2, 300.0, 12, 1))
    assert lines[1:] == [
        "1:01:01 of 1:30:00: 33 states of the model reached, 2 of them in the last 5 min;"
        " 7 examples, 140 actions, 12 sequences kept, 1 finding"
    ]


def test_when_all_has_ended_nothing_more_is_told_of_how_far_it_is() -> None:
    run = Told(BAD.id)
    lines = run.take(CaseEnds(BAD))
    run.now = 10 * SILENT
    assert run.take(Progress(BAD.id, 3, 2)) == lines


def test_on_a_terminal_the_line_of_progress_has_all_of_it_and_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    run = Told(*IDS, before=dict.fromkeys(IDS, 30.0))
    run.take(CaseBegins(BAD.id), CaseEnds(BAD), CaseBegins(UNSURE.id))
    progress = run.live._progress
    assert progress is not None
    (task,) = progress.tasks
    assert task.fields["told"] == "1/3, 1 deviation, about 60 s left"
    assert task.description == UNSURE.id
    run.take(CaseEnds(UNSURE), CaseEnds(SKIPPED))
    assert run.live._progress is None


def test_a_quiet_console_has_deviations_and_the_last_line() -> None:
    out = io.StringIO()
    writer = ConsoleReport(Terminal(200, out), quiet=True)
    for event in events(BAD, KNOWN, UNSURE, SKIPPED):
        writer.take(event)
    lines = [line for line in out.getvalue().splitlines() if line and not line.startswith("  ")]
    assert lines[0] == "deviation action/pause/paused"
    assert len(lines) == 2
    assert lines[1].startswith("deviates http://h:1 1.10.1")


def test_the_slowest_cases_are_named_where_that_is_asked_for() -> None:
    out = io.StringIO()
    writer = ConsoleReport(Terminal(200, out), durations=1)
    for event in events(UNSURE, BAD):
        writer.take(event)
    named = [line for line in out.getvalue().splitlines() if line.endswith(f" s  {BAD.id}")]
    assert named == ["    0.25 s  action/pause/paused"]
    assert f"s  {UNSURE.id}" not in out.getvalue()


def test_a_request_is_told_with_its_answer_and_its_time() -> None:
    run = Told(*IDS)
    said = Said(0.5, "POST", "/jobs/x/pause", "{}", 200, '{"a": 1}', 0.0042)
    assert run.take(Spoken(said)) == ['   0.500 s  POST /jobs/x/pause {}: 200 {"a": 1} (4.2 ms)']


# --- the pace ------------------------------------------------------------------------------------


def passed(id: str, seconds: float) -> Result:
    return replace(BAD, id=id, verdict=Verdict.PASS, seconds=seconds)


def test_what_is_left_is_told_by_what_cases_took_before_and_else_by_their_suite() -> None:
    pace = Pace(("race/a", "race/b", "race/c", "search/s"), {"race/c": 7.0})
    pace.ended(passed("race/a", 3.0))
    assert pace.left == pytest.approx(3.0 + 7.0 + USUAL["search"])
    pace.goes_on(1, 2)
    assert pace.left == pytest.approx(3.0 + 7.0 + USUAL["search"] / 2)


def test_all_is_over_only_when_nothing_is_left() -> None:
    pace = Pace(("race/a", "race/b"))
    assert not pace.ended(passed("race/a", 1000.0))
    assert pace.share < 1.0
    assert pace.ended(passed("race/b", 0.0))
    assert pace.share == 1.0
    assert not pace.ended(passed("race/b", 0.0))  # told again


@pytest.mark.parametrize(("seconds", "words"), [(0.4, "0 s"), (99.0, "99 s"), (180.0, "3 min")])
def test_a_time_in_words(seconds: float, words: str) -> None:
    assert told(seconds) == words


# --- the last run --------------------------------------------------------------------------------


def test_the_next_run_knows_what_failed_and_how_long_it_took(tmp_path: Path) -> None:
    path = tmp_path / "last-run"
    inside = replace(BAD, id=f"{KNOWN.id}/2", part_of=KNOWN.id)
    for results in ((BAD, SKIPPED), (KNOWN, UNSURE, inside)):
        writer = LastRun(path)
        for event in events(*results):
            writer.take(event)
    assert last.failed(path) == [BAD.id, UNSURE.id, KNOWN.id]  # the first was not run again
    assert last.seconds(path)[BAD.id] == 0.25  # of the run before


@pytest.mark.parametrize("text", ["", "[]", '{"failed": 3, "seconds": [1]}', "\x00"])
def test_a_file_that_somebody_has_spoiled_says_nothing(text: str, tmp_path: Path) -> None:
    path = tmp_path / "last-run"
    path.write_text(text)
    assert (last.failed(path), last.seconds(path)) == ([], {})
    assert last.failed(tmp_path / "none") == []


def test_a_run_stops_at_a_deviation_and_the_next_one_begins_there(tmp_path: Path) -> None:
    words = ("run", "reference", "--suite", "race", "--exclude", "race/in-turn")
    planted = ("--fault", "requests-lost-on-last-step")
    first = command(tmp_path, *words, *planted, "-x")
    assert first.status == 1
    (failed,) = first.cases("deviation")
    skipped = first.cases("skipped").values()
    assert {one["reason"] for one in skipped} == {
        "as many deviations were found as were asked for (--max-failures)"
    }
    again = command(tmp_path, "run", "reference", "--last-failed", *planted)
    assert (again.status, set(again.cases("deviation", "pass"))) == (1, {failed})
    sound = command(tmp_path, "run", "reference", "--last-failed", "-q")
    assert (sound.status, len(sound.out.splitlines())) == (0, 1)
    none = command(tmp_path, "run", "reference", "--last-failed", report=False)
    assert none.status == 2
    assert json.loads((tmp_path / last.FILE).read_text())["failed"] == []
