"""The matrix as a page: what stands in it, its links, and what a browser makes of it."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from conformance.campaign.typed import UNNAMED, Mark, Told
from conformance.events import Verdict
from conformance.evidence.dashboard import page
from conformance.evidence.kept import measured
from conformance.evidence.matrix import BOUND
from spec.of_jobs import TYPES
from tests.conformance.kit import command
from tests.conformance.pages import Page, tried

GROUP = re.compile(r'<tbody id="([^"]+)">(.*?)</tbody>', re.DOTALL)
HEAD = re.compile(r'<tr class="unit" .*?</tr>', re.DOTALL)
CELL = re.compile(r"<td[^>]*>(.*?)</td>", re.DOTALL)
LOST = "race/pause/last-step-succeeds"
SERVERS = measured()


@cache
def shipped() -> str:
    return page(SERVERS)


def test_each_requirement_and_each_type_is_an_anchor_and_each_link_leads_somewhere() -> None:
    found = Page(shipped())
    assert {*BOUND, *(f"type/{type}" for type in TYPES)} <= {*found.ids}
    assert len(set(found.ids)) == len(found.ids)
    inside = {link for link in found.links if link.startswith("#") and not link.startswith("#?")}
    assert inside <= {f"#{id}" for id in found.ids}
    assert not {"link", "img", "iframe"} & set(found.tags)
    assert not found.sources


def test_a_cell_says_what_the_evidence_says() -> None:
    groups = dict(GROUP.findall(shipped()))
    for id in BOUND:
        head = HEAD.search(groups[id])
        assert head is not None
        for cell, server in zip(CELL.findall(head[0]), SERVERS, strict=True):
            known = server.of(id)
            assert cell.partition("<")[0] == known.mark
            assert tuple(re.findall(r"#name/([\w-]+)", cell)) == known.names


def test_what_is_broken_has_the_cases_that_broke_it() -> None:
    groups = dict(GROUP.findall(shipped()))
    for server in SERVERS:
        for case in server.cases:
            if case.verdict is Verdict.DEVIATION and case.requirement in BOUND:
                id = case.id.replace("/", "/<wbr>")
                assert f'<th scope="row">{id}<' in groups[case.requirement], case
    assert SERVERS[0].of(LOST).mark is Mark.DEVIATION


def test_a_case_that_broke_another_requirement_says_which_and_what_has_no_name_says_so() -> None:
    lost = Told(LOST, "step/run-once", Verdict.DEVIATION, (), None)
    text = page([replace(SERVERS[0], cases=(lost,))])
    told = f'<a href="#name/{UNNAMED}">{UNNAMED}</a> reported as <a href="#step/run-once">'
    assert told in dict(GROUP.findall(text))[LOST]
    assert "Nothing in the catalogue explains it." in text


def test_a_case_that_was_not_run_says_why() -> None:
    skipped = Told(LOST, LOST, Verdict.SKIPPED, (), "<no & peer>")
    text = page([replace(SERVERS[0], cases=(skipped,)), replace(SERVERS[1], cases=())])
    group = dict(GROUP.findall(text))[LOST]
    assert f"{SERVERS[0].version}: &lt;no &amp; peer&gt;." in group
    assert "not run" in group


def test_names_lead_to_the_findings_where_these_are_a_page() -> None:
    assert "findings.html#ties-unordered" in page(SERVERS, "findings.html")
    assert "findings.html" not in shipped()


def test_the_command_writes_it(tmp_path: Path) -> None:
    done = command(tmp_path, "matrix", "matrix.html", report=False)
    assert done.status == 0
    assert (tmp_path / "matrix.html").read_text(encoding="utf-8") == shipped()


# --- in a browser --------------------------------------------------------------------------------

TRY = """
const field = id => document.getElementById(id);
const shown = () => [...document.querySelectorAll("#by-requirement tbody")].filter(b => !b.hidden);
const fill = (id, value) => {
  field(id).value = value; field(id).dispatchEvent(new Event("input", {bubbles: true}));
};
const columns = () => [...document.querySelectorAll("#by-requirement thead th")]
  .filter(cell => cell.offsetParent !== null).length;
const lines = (text, word) => {
  const range = document.createRange();
  range.setStart(text, word.index);
  range.setEnd(text, word.index + word[0].length);
  return range.getClientRects().length;
};
const headings = () => [...document.querySelectorAll(".versions thead th + th")];
const broken = () => headings().map(one => one.firstChild)
  .flatMap(text => [...text.data.matchAll(/\\S+/g)].filter(word => lines(text, word) > 1))
  .map(word => word[0]);
addEventListener("load", () => {
  say("broken words " + broken().join(" "));
  say("from the address " + shown().map(one => one.id).join(" "));
  say("open " + document.querySelectorAll("tbody.open").length + " " + location.hash);
  fill("q", ""); fill("section", "edge");
  say("section " + shown().length);
  fill("section", ""); fill("verdict", "deviation"); fill("on", "1.13.0");
  say("broken " + shown().length);
  fill("verdict", ""); fill("on", ""); fill("a", "1.10.1"); fill("b", "1.13.0");
  say("differs " + shown().length + " in columns " + columns());
  say("sentences over " + document.querySelector("td[colspan]").colSpan);
  say(location.hash);
  location.hash = "#name/ties-unordered";
  setTimeout(() => {
    say("keeps " + location.hash);
    location.hash = "#edge/new/pending/submit";
    setTimeout(() => {
      say("shown again " + shown().length + " " + location.hash);
      const button = document.querySelector("tbody.open button");
      const open = () => document.querySelectorAll("tbody.open").length;
      button.click();
      say(button.getAttribute("aria-expanded") + " " + open());
      say("fits " + (document.documentElement.scrollWidth <= innerWidth));
      say("fetched " + performance.getEntriesByType("resource").length);
      done();
    }, 100);
  }, 100);
});
"""


@pytest.mark.long
@pytest.mark.parametrize("width", [500, 1280])
def test_a_browser_filters_compares_and_keeps_both_in_the_address(
    width: int, tmp_path: Path
) -> None:
    path = tmp_path / "matrix.html"
    path.write_text(shipped(), encoding="utf-8")
    old, new = (next(s for s in SERVERS if s.version == v) for v in ("1.10.1", "1.13.0"))
    broken = sum(new.breaks(id) for id in BOUND)
    differs = sum(
        (old.of(id).mark, old.of(id).names) != (new.of(id).mark, new.of(id).names) for id in BOUND
    )
    # a case of another requirement may have been reported as this one
    groups = GROUP.findall(shipped())
    named = [id for id, group in groups if id in BOUND and LOST[:-7] in group]
    assert LOST in named
    assert tried(path, TRY, width, f"#{LOST}?q=race%2Fpause%2Flast-step-s") == [
        "broken words ",
        f"from the address {' '.join(named)}",
        f"open 1 #{LOST}?q=race%2Fpause%2Flast-step-s",
        f"section {sum(id.startswith('edge/') for id in BOUND)}",
        f"broken {broken}",
        f"differs {differs} in columns 3",
        "sentences over 3",
        f"#{LOST}?a=1.10.1&b=1.13.0",
        "keeps #name/ties-unordered?a=1.10.1&b=1.13.0",
        f"shown again {len(BOUND)} #edge/new/pending/submit",
        "false 1",
        "fits true",
        "fetched 0",
    ]
