"""The reports, fed with events that no run has to make."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from conformance.events import (
    UNCOVERED,
    Bound,
    Cleanup,
    Coverage,
    Ended,
    Event,
    Failed,
    Left,
    Result,
    Share,
    Started,
    Verdict,
    Warned,
)
from conformance.reports import Reports
from conformance.reports.console import ConsoleReport
from conformance.reports.event_log import EventLog
from conformance.reports.json_report import JsonReport
from conformance.reports.terminal import Terminal
from spec.of_jobs import TYPES, why_not
from spec.table import Ground
from tests.conformance.reports.samples import BAD, KNOWN, SKIPPED, UNSURE, events

AGAIN = "what deviates alike is told once, with the command that runs it again"


def report(path: Path, *results: Result) -> dict[str, object]:
    writer = JsonReport(path)
    for event in events(*results):
        writer.take(event)
    found: dict[str, object] = json.loads(path.read_text())
    return found


def shown(*results: Result, verdict: str = "deviates") -> list[str]:
    out = io.StringIO()
    writer = ConsoleReport(Terminal(100, out))
    for event in events(*results, verdict=verdict):
        writer.take(event)
    return out.getvalue().splitlines()


def test_the_json_report_is_as_the_contract_says(tmp_path: Path) -> None:
    found = report(tmp_path / "r.json", BAD, KNOWN)
    del found["kit"]
    types = found.pop("types")
    assert set(types) == set(TYPES)
    assert types["OrthancPeerStore"]["deviates"] == {"action/pause/paused": ["unexplained"]}
    assert "monitor/state" in types["OrthancPeerStore"]["met"]  # seen in what is accepted
    assert types["DicomMoveScu"]["met"] == []
    assert types["Archive"]["closed"]["step/empty"] == why_not("Archive", "step/empty")
    assert "monitor/list" in types["Archive"]["open"]
    assert found == {
        "schema": 1,
        "started": "2026-01-01T00:00:00",
        "seed": 5,
        "interrupted": False,
        "failed": None,
        "target": {"name": "http://h:1", "version": "1.10.1", "kind": "url"},
        "options": ["--exclusive"],
        "verdict": "deviates",
        "word": "deviates",
        "told": "deviates http://h:1 1.10.1, judged 1 of 2 requirements (managed; 1 not run);"
        f" cases: 0 passed, 1 deviation, 1 accepted, 0 unknown, 0 skipped; {AGAIN}",
        "why": None,
        "mode": "managed",
        "whole": True,
        "asked": {},
        "covered": {"cells": ["pause/paused"], "edges": [], "requirements": ["a"]},
        "coverage": {
            "cells": {
                "covered": 1,
                "reachable": 23,
                "total": 24,
                "missing": ["cancel/paused"],
                "unreachable": [{"id": "pause/retry", "why": "no Retry"}],
            },
            "edges": {
                "covered": 0,
                "reachable": 15,
                "total": 15,
                "missing": [],
                "unreachable": [],
            },
            "requirements": {
                "covered": 1,
                "reachable": 2,
                "total": 2,
                "missing": ["b"],
                "unreachable": [],
            },
        },
        "cases": [
            {
                "id": "action/pause/paused",
                "requirement": "action/pause/paused",
                "ground": "observed",
                "verdict": "deviation",
                "expected": ["HTTP 200"],
                "actual": "HTTP 500",
                "relaxations": [],
                "reason": None,
                "replay": "replays/action-pause-paused.json",
                "seconds": 0.25,
                "program": list(BAD.program),
                "commands": {"replay": f"orthanc-jobs replay {BAD.replay} http://h:1 --exclusive"},
            },
            {
                "id": "schedule/ties",
                "requirement": "queue/ties-in-order",
                "ground": "documented",
                "verdict": "accepted",
                "expected": ["step 1 of B arrives"],
                "actual": "step 1 of C arrives",
                "relaxations": ["ties-unordered"],
                "reason": "Equal jobs change places.",
                "replay": "replays/schedule-ties.json",
                "seconds": 0.0,
                "commands": {
                    "replay": f"orthanc-jobs replay {KNOWN.replay} http://h:1 --exclusive"
                },
            },
        ],
        "ledger": {"file": None, "accepts": [], "used": ["ties-unordered"], "stale": []},
        "cleanup": {
            "removed": 3,
            "left": [{"kind": "job", "id": "1234", "why": "this server cannot delete a job"}],
        },
        "statistics": {
            "actions": 7,
            "requests": 20,
            "seconds": 1.235,
            "setup_seconds": 0.5,
            "cleanup_seconds": 0.25,
        },
    }


def test_a_verdict_that_is_told_again_replaces_the_earlier_one(tmp_path: Path) -> None:
    passed = Result(BAD.id, BAD.requirement, BAD.ground, Verdict.PASS)
    cases = report(tmp_path / "r.json", passed, BAD)["cases"]
    assert isinstance(cases, list)
    assert [case["verdict"] for case in cases] == ["deviation"]


def test_the_console_says_what_is_wrong_where_and_how_to_see_it_again() -> None:
    lines = shown(BAD, KNOWN, UNSURE, SKIPPED)
    text = "\n".join(lines)
    assert "deviation action/pause/paused" in lines
    assert "  expected    HTTP 200" in lines
    assert "  actual      HTTP 500" in lines
    assert "               2. pause A" in lines
    assert "orthanc-jobs replay replays/action-pause-paused.json http://h:1 --exclusive" in text
    assert "nothing in the catalogue of relaxations explains it" in text
    assert "accepted ties-unordered (1 case): Equal jobs change places." in lines
    assert "  shown by    schedule/ties" not in lines
    assert "unknown edge/running/failure/fail: the connection broke" in lines
    assert "skipped 1 case: no job of this server uses Retry" in lines
    assert "  job 1234" in lines


def test_who_asks_for_all_details_is_told_them() -> None:
    bound = Bound("HSI", 34, 0, 181, 182, 1581, (), "it is deterministic")
    passed = Result("complete/job", "c", Ground.DOCUMENTED, Verdict.PASS, bound=bound)
    out = io.StringIO()
    writer = ConsoleReport(Terminal(100, out), verbose=True)
    for event in events(KNOWN, passed):
        writer.take(event)
    lines = out.getvalue().splitlines()
    assert "  shown by    schedule/ties" in lines
    assert f"  replay      orthanc-jobs replay {KNOWN.replay} http://h:1 --exclusive" in lines
    assert (
        "complete/job like the specification: 34 states, up to 0 more in the server, 181 sequences"
        " by the HSI method (182 run on the way to that, 1581 actions)"
    ) in lines
    assert "that holds for a server of which this is true: it is deterministic" in lines
    assert not [line for line in shown(KNOWN, passed) if "HSI" in line]


def test_the_files_that_were_written_are_named_at_the_end() -> None:
    out = io.StringIO()
    writer = ConsoleReport(Terminal(100, out), written=[Path("r.html"), Path("j.xml")])
    for event in events(BAD):
        writer.take(event)
    ends = [line.split()[0] for line in out.getvalue().splitlines()[-8:]]
    assert ends == ["reports", "cells", "edges", "requirements", "left", "job", "7", "deviates"]
    assert "reports      r.html, j.xml" in out.getvalue().splitlines()


EVIL = "1.12.7 [/] [bold red]\x1b[2J\x9b\n\ud83d pass:s3cr3t :smile:"
TOLD = "1.12.7 [/] [bold red]\\x1b[2J\\x9b\\n\\ud83d pass:*** :smile:"


def hostile() -> list[Event]:
    """All that a server may have named: its version, what it shows, what is left on it."""
    started, *middle, ended = events(
        replace(BAD, expected=(EVIL,), actual=EVIL, program=(EVIL,), reason=EVIL),
        replace(KNOWN, reason=EVIL),
        replace(UNSURE, reason=EVIL),
        replace(SKIPPED, reason=EVIL),
    )
    assert isinstance(started, Started)
    assert isinstance(ended, Ended)
    left = Cleanup(0, (Left("job", EVIL, EVIL),))
    return [
        replace(started, target=replace(started.target, version=EVIL)),
        *middle,
        Failed(EVIL),
        Warned(EVIL),
        replace(ended, cleanup=left),
    ]


def test_text_of_a_server_is_only_text_on_the_console() -> None:
    out = io.StringIO()
    reports = Reports([ConsoleReport(Terminal(100, out))], ["s3cr3t"])
    for event in hostile():
        reports(event)
    text = out.getvalue()
    assert reports.failed is None
    assert all(line.isprintable() for line in text.splitlines())
    assert "s3cr3t" not in text
    for line in (f"  actual      {TOLD}", f"left on the server, {TOLD}:", f"  job {TOLD}"):
        assert line in text
    assert "\n\\ud83d pass:*** :smile:\n" in text  # a reason may have lines


def test_no_writer_is_told_a_secret_or_a_control_character(tmp_path: Path) -> None:
    reports = Reports([JsonReport(tmp_path / "r"), EventLog(tmp_path / "e")], ["s3cr3t"])
    for event in hostile():
        reports(event)
    for path in (tmp_path / "r", tmp_path / "e"):
        text = path.read_text()
        assert "s3cr3t" not in text
        assert "\\u001b" not in text
        assert "\\\\ud83d" in text  # as its six characters


def test_a_run_that_was_cut_short_says_so_and_why(tmp_path: Path) -> None:
    *before, last = events(BAD)
    out = io.StringIO()
    reports = Reports([ConsoleReport(Terminal(100, out)), JsonReport(tmp_path / "r")])
    for event in (*before, Failed("the server went away"), last):
        reports(event)
    assert "cut short: the server went away" in out.getvalue().splitlines()
    last = out.getvalue().splitlines()[-1]
    assert "http://h:1 1.10.1, cut short, judged 1 of 2" in last
    assert f"1 deviation, 0 accepted, 0 unknown, 0 skipped; the server went away; {AGAIN}" in last
    assert json.loads((tmp_path / "r").read_text())["failed"] == "the server went away"


def test_a_warning_is_told_and_changes_nothing(tmp_path: Path) -> None:
    *before, last = events(BAD)
    out = io.StringIO()
    reports = Reports([ConsoleReport(Terminal(100, out))])
    for event in (*before, Warned("no replay files"), last):
        reports(event)
    assert "warning: no replay files" in out.getvalue().splitlines()
    assert out.getvalue().splitlines()[-1].startswith("deviates http://h:1 1.10.1, judged ")


def test_the_summary_is_one_line_and_the_last() -> None:
    last = shown(BAD, KNOWN, UNSURE, SKIPPED)[-1]
    assert last == (
        "deviates http://h:1 1.10.1, judged 1 of 2 requirements (managed; 1 not run); cases:"
        f" 0 passed, 1 deviation, 1 accepted, 1 unknown, 1 skipped; {AGAIN}"
    )


def test_what_conforms_says_for_how_many_findings_the_ledger_was_needed() -> None:
    two = replace(KNOWN, id="schedule/two", relaxations=("ties-unordered", "priority-wraps"))
    kept = replace(KNOWN, id="schedule/three", relaxations=(), kept=("mine",))
    assert last_line(GOOD, KNOWN, two, kept).startswith(
        "conforms http://h:1 1.10.1, but for 3 known findings, as far as 1 of 2 requirements ("
    )
    assert ", but for 1 known finding, " in last_line(GOOD, KNOWN)
    assert "but for" not in last_line(GOOD, KNOWN, BAD, verdict="deviates")
    assert "but for" not in last_line(GOOD)


def test_what_could_not_be_tried_is_told_in_the_same_words_twice() -> None:
    closed = (("c", "needs --exclusive"), ("d", "no job of this server uses Retry"))
    share = Share(4, ("a", "b"), (), closed)
    out = io.StringIO()
    writer = ConsoleReport(Terminal(200, out))
    started, *middle, ended = events(GOOD, verdict="conforms")
    assert isinstance(ended, Ended)
    for event in (started, *middle, replace(ended, coverage=Coverage(share, share, share))):
        writer.take(event)
    words = "1 need another server or configuration; 1 cannot be reached from outside)"
    told = [line for line in out.getvalue().splitlines() if words in line]
    assert [line.split()[0] for line in told] == ["cells", "edges", "requirements", "conforms"]


GOOD = Result("race/x", "race/both/step-fails", Ground.DOCUMENTED, Verdict.PASS)


def last_line(
    *results: Result,
    verdict: str = "conforms",
    mode: str = "managed",
    shard: tuple[int, int] | None = None,
    **more: Any,
) -> str:
    started, *middle, ended = events(*results, verdict=verdict)
    assert isinstance(started, Started)
    assert isinstance(ended, Ended)
    out = io.StringIO()
    writer = ConsoleReport(Terminal(100, out))
    for event in (replace(started, mode=mode, shard=shard), *middle, replace(ended, **more)):
        writer.take(event)
    return out.getvalue().splitlines()[-1]


def test_the_last_line_says_how_far_a_verdict_goes() -> None:
    closed = (("c", "needs --exclusive"), ("d", "no job of this server uses Retry"))
    share = Share(4, ("a",), ("b",), closed)
    told = last_line(GOOD, mode="polite", coverage=Coverage(share, share, share))
    assert told == (
        "conforms http://h:1 1.10.1, as far as 1 of 4 requirements (polite;"
        " 1 need --exclusive or a managed server; 1 cannot be reached from outside;"
        " 1 not run); cases: 1 passed, 0 deviations, 0 accepted, 0 unknown, 0 skipped"
    )


def test_the_last_line_says_why_nothing_was_judged_and_what_to_do() -> None:
    told = last_line(SKIPPED, verdict="unknown", why="history full; make it larger")
    assert told.startswith("unknown http://h:1 1.10.1, judged 1 of 2 requirements")
    assert told.endswith("1 skipped; history full; make it larger")


def test_the_last_line_of_what_was_interrupted_and_of_a_shard_says_what_to_do() -> None:
    told = last_line(GOOD, verdict="unknown", interrupted=True, why="left out")
    assert told.endswith(", 0 skipped; run it again from the start")
    told = last_line(verdict="unknown", interrupted=True, coverage=UNCOVERED)
    assert told == (
        "unknown http://h:1 1.10.1, interrupted, judged nothing; cases: 0 passed, 0 deviations,"
        " 0 accepted, 0 unknown, 0 skipped; nothing was run: run it again from the start"
    )
    told = last_line(GOOD, shard=(1, 2))
    assert told.endswith("; this is shard 1 of 2: orthanc-jobs merge makes one report of all")


def test_a_quiet_run_that_deviates_and_was_cut_short_says_why() -> None:
    """Else its status hides that the rest was not run; an unknown one ends with an error."""
    *before, last = events(BAD)
    out = io.StringIO()
    writer = ConsoleReport(Terminal(100, out), quiet=True)
    for event in (*before, Failed("a job was lost.\nSay --history-size."), last):
        writer.take(event)
    *_, cut, cure, told = out.getvalue().splitlines()
    assert (cut, cure) == ("cut short: a job was lost.", "Say --history-size.")
    assert told.endswith(f"; a job was lost; {AGAIN}")


def test_a_stale_entry_has_a_word_of_its_own() -> None:
    told = last_line(GOOD, verdict="deviates", stale=("ties-unordered",))
    assert told.startswith("stale-ledger http://h:1 1.10.1, judged 1 of 2 requirements")
    assert told.endswith("; nothing deviates, but no case needs the entry ties-unordered of the"
                         " ledger any more: take it out")  # fmt: skip
    assert last_line(BAD, verdict="deviates", stale=("x",)).startswith("deviates ")


def test_what_was_found_in_a_case_counts_with_it() -> None:
    """As many cases are told at the end as were announced, by the worst of what each showed."""
    search = replace(GOOD, id="search/stateful")
    part = replace(BAD, id="search/stateful/ties-unordered", part_of="search/stateful")
    last = shown(GOOD, search, part)[-1]
    assert last.endswith(f": 1 passed, 1 deviation, 0 accepted, 0 unknown, 0 skipped; {AGAIN}")
    known = replace(part, verdict=Verdict.ACCEPTED)
    last = shown(GOOD, search, known, verdict="conforms")[-1]
    assert last.endswith(": 1 passed, 0 deviations, 1 accepted, 0 unknown, 0 skipped")


def test_deviations_of_one_requirement_are_told_once() -> None:
    again = Result("race/in-turn/all", *(getattr(BAD, n) for n in BAD.__slots__[1:]))
    lines = shown(BAD, again)
    assert sum(line.startswith("deviation") for line in lines) == 1
    assert "  also in     race/in-turn/all" in lines


def test_the_event_log_has_a_line_for_each_event(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "e.ndjson")
    for event in events(BAD):
        log.take(event)
    lines = [json.loads(line) for line in (tmp_path / "e.ndjson").read_text().splitlines()]
    assert [line["event"] for line in lines] == ["Started", "CaseBegins", "CaseEnds", "Ended"]
    assert lines[2]["result"]["verdict"] == "deviation"


def test_what_a_shard_does_not_cover_is_not_called_missing() -> None:
    """Another one may cover it."""
    for shard, told in (
        (None, "; missing: cancel/paused"),
        ((1, 2), "; 1 not selected or not run"),
    ):
        started, *rest = events(BAD)
        assert isinstance(started, Started)
        out = io.StringIO()
        writer = ConsoleReport(Terminal(100, out))
        for event in (replace(started, shard=shard), *rest):
            writer.take(event)
        (cells,) = (line for line in out.getvalue().splitlines() if line.startswith("cells "))
        assert cells.endswith(told)
