"""The page as people use it: its links, its time lines, and what a browser makes of it."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.campaign.replay import load
from conformance.events import Result, Started, Verdict
from conformance.reports.html import HtmlReport
from conformance.reports.json_report import JsonReport
from conformance.reports.page import downloads
from conformance.reports.timeline import MOST, Lane, timeline
from conformance.talk import ARRIVES, STARTS, STOPS, Said
from spec.relaxations import named
from spec.requirements import requirement
from tests.conformance.kit import command
from tests.conformance.pages import Page, tried
from tests.conformance.reports.samples import BAD, KNOWN, SKIPPED, UNSURE, events
from tests.rooms import ROOT

FINDINGS = ROOT / "docs" / "findings"
JOB = "0f3c2b1a-1111-2222-3333-444455556666"


def finding(name: str) -> Result:
    """A result as it was when a finding was recorded."""
    path = FINDINGS / f"{name}.json"
    found = load(path)
    return Result(
        found.case,
        found.requirement,
        requirement(found.requirement).ground,
        Verdict.DEVIATION,
        found.expected,
        found.actual,
        found.relaxations,
        replay=str(path),
        program=found.program,
        seconds=1.5,
        talk=found.talk,
    )


FOUND = tuple(map(finding, ("request-lost-on-last-step", "ties-unordered", "request-lost-at-stop")))


def written(folder: Path, *results: Result) -> Path:
    path = folder / "report.html"
    writer = HtmlReport(path)
    for event in events(*results):
        writer.take(event)
    return path


# --- the time line -------------------------------------------------------------------------------


def test_a_time_line_shows_who_asked_when_steps_ran_and_where_it_went_wrong() -> None:
    drawn = timeline(FOUND[0])
    assert drawn is not None
    assert drawn.names == ("A",)
    texts = [row.text for row in drawn.rows]
    begins = [at for at, text in enumerate(texts) if text.endswith("of A begins")]
    ends = [at for at, text in enumerate(texts) if text.endswith("of A succeeds")]
    asked = texts.index("POST /jobs/A/pause: HTTP 200")
    assert len(begins) == len(ends) == 3
    assert begins[2] < asked < ends[2]
    assert drawn.rows[asked].lanes == (Lane("Running", "held", "asked"),)
    (decides,) = [row for row in drawn.rows if row.decides]
    assert decides is drawn.rows[-1]
    assert decides.text == "A reads Success, ErrorCode 0, Progress 100"


def test_lanes_have_the_names_of_the_run_and_an_arrival_can_decide() -> None:
    drawn = timeline(FOUND[1])
    assert drawn is not None
    assert drawn.names == ("X1", "X2", "A", "B", "C", "D", "E", "F")
    assert all(len(row.lanes) == len(drawn.names) for row in drawn.rows)
    (decides,) = [row for row in drawn.rows if row.decides]
    assert decides.text == "step 1 of C begins"


def test_the_lives_of_the_server_are_in_it_and_end_what_was_held() -> None:
    made = f'{{"ID": "{JOB}", "Path": "/jobs/{JOB}"}}'
    talk = (
        Said(0.1, "POST", "/peers/p-1/store", "{}", 200, made),
        Said(0.2, ARRIVES, "1", "1"),
        Said(0.3, STOPS),
        Said(0.4, STARTS, sent="with --no-jobs"),
        Said(0.5, "GET", f"/jobs/{JOB}", "", 404),
    )
    drawn = timeline(replace(BAD, talk=talk, actual="HTTP 404", program=("something else",)))
    assert drawn is not None
    assert [row.text for row in drawn.rows] == [
        "job 1: POST /peers/\u2026/store: HTTP 200",
        "step 1 of job 1 begins",
        "the server is told to end",
        "it is started with --no-jobs",
        "GET /jobs/job 1: HTTP 404",
    ]
    assert drawn.rows[1].lanes[0].step == "begins"
    assert drawn.rows[3].lanes[0].step == ""
    assert timeline(BAD) is None


def test_a_long_one_is_cut_in_the_middle() -> None:
    talk = tuple(Said(float(n), "POST", f"/jobs/x{n}/pause", "", 400) for n in range(1, 200))
    drawn = timeline(replace(BAD, talk=talk))
    assert drawn is not None
    assert len(drawn.rows) == MOST
    assert drawn.left_out == 199 - MOST
    assert "x199" in drawn.rows[-1].text


# --- the page ------------------------------------------------------------------------------------


def test_every_link_leads_somewhere_in_the_page(tmp_path: Path) -> None:
    found = Page(written(tmp_path, *FOUND, BAD, KNOWN, UNSURE, SKIPPED).read_text())
    inside = {one for one in found.links if one.startswith("#")}
    assert inside <= {f"#{id}" for id in found.ids}
    assert {f"#case/{one.id}" for one in FOUND} <= inside
    assert len(set(found.ids)) == len(found.ids)


def test_what_is_accepted_begins_with_a_table_and_its_cards_are_folded(tmp_path: Path) -> None:
    twin = replace(KNOWN, id="schedule/twin")
    text = written(tmp_path, FOUND[0], KNOWN, twin).read_text()
    section = text.split('<h2 id="accepted">')[1].split("<h2")[0]
    (row,) = re.findall(r'<tr><th scope="row">(.*?)</tr>', section, re.DOTALL)
    assert f'<a href="#deviation/{KNOWN.id}">ties-unordered</a>' in row
    assert ('<td class="number">2</td>' in row, named("ties-unordered").sentence in row) == (
        True,
        True,
    )
    (card,) = re.findall(r'<details class="card accepted"([^>]*)>\s*<summary>(.*?)</s', section)
    assert "open" not in card[0]
    assert card[1].startswith("ties-unordered: 2 cases, the first is ")
    assert f": {FOUND[0].relaxations[0]}</h3>" in text  # a deviation is open, and has its name


def test_each_section_is_in_the_contents(tmp_path: Path) -> None:
    text = written(tmp_path, FOUND[0], KNOWN, UNSURE, SKIPPED).read_text()
    contents = text.split('<nav aria-label="Contents">')[1].split("</nav>")[0]
    sections = re.findall(r'<h2 id="([^"]+)">', text)
    assert text.count("<h2") == len(sections)
    linked = re.findall(r'href="#([^"]+)"', contents)
    assert [{"all-cases": "all"}.get(one, one) for one in sections] == linked


def test_replay_and_script_stand_in_the_page_to_be_downloaded(tmp_path: Path) -> None:
    text = written(tmp_path, FOUND[0]).read_text()
    kept = dict(re.findall(r'download="([^"]+)" href="data:[^,"]+,([^"]+)"', text))
    assert sorted(kept) == ["request-lost-on-last-step.json", "request-lost-on-last-step.py"]
    replay = FINDINGS / "request-lost-on-last-step.json"
    assert base64.b64decode(kept[replay.name]) == replay.read_bytes()
    assert "import http.server" in base64.b64decode(kept[f"{replay.stem}.py"]).decode()
    assert downloads(BAD) == []  # its file is not there


def test_the_page_begins_with_what_was_judged_and_how(tmp_path: Path) -> None:
    told = events(BAD)
    assert isinstance(told[0], Started)
    text = Page(written(tmp_path, BAD).read_text()).text
    head = text[: text.index("Coverage")]
    for part in ("deviates", "http://h:1 1.10.1", told[0].command, told[0].mode, "1 of 2 requi"):
        assert part in head, part


def test_an_action_on_no_job_has_the_mark_of_its_case(tmp_path: Path) -> None:
    case = replace(BAD, id="action/cancel/unknown", requirement="action/cancel/unknown")
    for verdict, mark in ((Verdict.PASS, "covered"), (Verdict.DEVIATION, "deviated")):
        text = written(tmp_path, replace(case, verdict=verdict)).read_text()
        assert f'title="action/cancel/unknown: {mark}"' in text


def test_with_an_older_run_the_page_begins_with_what_changed(tmp_path: Path) -> None:
    came, gone = FOUND[0], FOUND[1]
    files = {"old": (passed(came), gone), "new": (came, passed(gone))}
    for name, results in files.items():
        writer = JsonReport(tmp_path / f"{name}.json")
        for event in events(*results):
            writer.take(event)
    words = ["old.json", "new.json", "--html", "page.html"]
    done = command(tmp_path, "compare", *words, report=False)
    assert done.status == 1, done.err
    found = Page((tmp_path / "page.html").read_text())
    head, rest = found.text.split("Changes since an older run")[1].split("Deviations", 1)
    told = " ".join(head.split())
    assert done.out.splitlines()[-1] in told
    assert f"new deviationit passed; {came.relaxations[0]} {came.id}" in told  # cell by cell
    assert f"gone{gone.relaxations[0]} {gone.id}" in told
    assert {one for one in found.links if one[0] == "#"} <= {f"#{id}" for id in found.ids}
    assert "moments of 1 job" in rest  # of its replay file


def passed(result: Result) -> Result:
    return replace(result, verdict=Verdict.PASS, actual=None, relaxations=(), replay=None)


def test_of_a_long_program_what_decides_is_seen_at_once(tmp_path: Path) -> None:
    long = replace(BAD, program=tuple(f"step {n} of it" for n in range(1, 31)))
    text = written(tmp_path, long).read_text()
    folded, _, shown = text.partition("22 steps before these")[2].partition("</details>")
    assert (folded.count("<li>"), "step 22 of it" in folded) == (22, True)
    assert shown.lstrip().startswith('<ol start="23"><li>step 23 of it</li>')
    short = written(tmp_path, replace(BAD, program=long.program[:12])).read_text()
    assert '<ol start="1"><li>step 1 of it</li>' in short
    assert "steps before these" not in short


# --- in a browser --------------------------------------------------------------------------------

TRY = """
const all = () => [...document.querySelectorAll("#all tbody tr")].filter(r => !r.hidden);
const search = document.getElementById("search");
const input = () => new Event("input", {bubbles: true});
const type = text => { search.value = text; search.dispatchEvent(input()); };
const box = document.querySelector("#filters input[value=deviation]");
addEventListener("load", () => {
  say("all " + all().length);
  type("ties"); say("search " + all().length + " " + document.getElementById("shown").textContent);
  type(""); box.click(); say("box " + all().length); box.click();
  document.dispatchEvent(new KeyboardEvent("keydown", {key: "/"}));
  say("focus " + document.activeElement.id);
  type("nothing like this"); say("none " + all().length);
  location.hash = "#case/action/pause/paused";
  setTimeout(() => {
    say("shown again " + all().length);
    say("fits " + (document.documentElement.scrollWidth <= innerWidth));
    const ends = [...document.querySelectorAll("nav a")].map(a => a.getBoundingClientRect().right);
    const wide = [...document.querySelectorAll("main *, body > div")].filter(
      e => e.scrollWidth > e.clientWidth && getComputedStyle(e).overflowX === "auto");
    say(`scrolls ${wide.length > 0}, by keyboard ${wide.every(e => e.tabIndex === 0)}`);
    say("contents " + ends.every(end => end <= innerWidth));
    say("fetched " + performance.getEntriesByType("resource").length);
    done();
  }, 200);
});
"""


WIDEST = "edge/running/success/succeed"  # its row of the edges is the widest


@pytest.mark.long
@pytest.mark.parametrize("width", [500, pytest.param(1280, marks=pytest.mark.long)])
def test_a_browser_filters_finds_and_fetches_nothing(width: int, tmp_path: Path) -> None:
    edge = replace(BAD, id=WIDEST, requirement=WIDEST, verdict=Verdict.PASS, actual=None)
    page = written(tmp_path, *FOUND, BAD, UNSURE, SKIPPED, edge)
    assert tried(page, TRY, width) == [
        "all 7",
        "search 1 1 of 7 cases",
        "box 3",
        "focus search",
        "none 0",
        "shown again 7",
        "fits true",
        f"scrolls {str(width < 1000).lower()}, by keyboard true",
        "contents true",
        "fetched 0",
    ]
