"""What a replay prints: what was done, expected and seen, always, and one verdict."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from conformance.campaign.replay import Recording
from conformance.driver.script import act, submit
from conformance.events import Event, Failed, Replayed, Result, Started, Verdict
from conformance.reports.replayed import ReplayReport
from conformance.reports.terminal import Terminal
from spec.table import Action
from tests.conformance.reports.samples import BAD, UNSURE, events

PASSED = replace(BAD, verdict=Verdict.PASS, expected=(), actual=None, replay=None)
RECORDED = Recording(
    case=BAD.id,
    config={},
    steps=((submit("A", 2), ()), (act(Action.PAUSE, "A"), ("HTTP 200",))),
    requirement=BAD.requirement,
    expected=("HTTP 200",),
    actual="HTTP 500",
    relaxations=(),
    server="orthanc 1.10.1",
)


def printed(result: Result, replayed: Replayed, *more: Event) -> list[str]:
    *before, ended = events(result)
    out = io.StringIO()
    report = ReplayReport(Terminal(100, out), RECORDED)
    for event in (*before, replayed, *more, ended):
        report.take(event)
    return out.getvalue().splitlines()


OTHER = replace(BAD, requirement="action/pause/running", actual="HTTP 404")


@pytest.mark.parametrize(
    ("result", "replayed", "seen", "last"),
    [
        (BAD, Replayed(1, 1, 1), "HTTP 500", "reproduced: seen in 1 of 1 try"),
        (BAD, Replayed(1, 7, 20), "HTTP 500", "reproduced: seen in 1 of 7 tries, of 20 at most"),
        (
            BAD,
            Replayed(1, 2, 2, 5),
            "HTTP 500",
            "reproduced: seen in 1 of 2 tries, behind the 5 before it",
        ),
        (
            PASSED,
            Replayed(0, 20, 20),
            "what is expected",
            "not seen again: seen in 0 of 20 tries; it did what is specified",
        ),
        (
            OTHER,
            Replayed(0, 1, 1),
            "HTTP 404 (action/pause/running)",
            "not seen again: seen in 0 of 1 try; the server deviates in another way",
        ),
        (
            UNSURE,
            Replayed(0, 1, 1),
            "the connection broke",
            "unknown: seen in 0 of 1 try; the connection broke",
        ),
    ],
)
def test_what_was_done_expected_and_seen_is_always_told(
    result: Result, replayed: Replayed, seen: str, last: str
) -> None:
    lines = printed(result, replayed)
    assert lines[0] == (
        "Replaying action/pause/paused, recorded on orthanc 1.10.1, on http://h:1 1.10.1"
    )
    for line in (
        "  run          1. submit A, 2 steps, priority 0",
        "               2. pause A",
        "  expected    HTTP 200",
        "  recorded    HTTP 500",
        f"  seen        {seen}",
    ):
        assert line in lines
    assert lines[-1] == last


def test_there_is_one_verdict_and_no_ledger_and_no_coverage() -> None:
    text = "\n".join(printed(BAD, Replayed(1, 1, 1)))
    for word in ("ledger", "cells", "requirements ", "deviates", "skipped", "orthanc-jobs replay"):
        assert word not in text


def test_of_a_replay_that_could_not_begin_nothing_is_printed() -> None:
    started, *_, ended = events()
    assert isinstance(started, Started)
    out = io.StringIO()
    report = ReplayReport(Terminal(100, out), RECORDED)
    for event in (replace(started, cases=0), Failed("no server"), ended):
        report.take(event)
    assert out.getvalue() == ""
