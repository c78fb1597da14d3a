"""The reports that other programs and people read: JUnit XML, HTML and Markdown."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped, TestCase

from conformance.campaign.afterwards import Afterwards
from conformance.campaign.campaign import Campaign
from conformance.campaign.plan import Plan
from conformance.errors import BadArgument, KitError
from conformance.events import Bound, CaseEnds, Ended, Event, Failed, Result, Started, Verdict
from conformance.reports import Reports, Writer, writable
from conformance.reports.html import HtmlReport
from conformance.reports.json_report import JsonReport
from conformance.reports.junit import JUnitReport
from conformance.reports.markdown import MarkdownReport, code
from conformance.sut.target import Choice
from spec.requirements import requirement
from tests.conformance.kit import COMMAND, command
from tests.conformance.pages import Page
from tests.conformance.reports.samples import BAD, KNOWN, SKIPPED, UNSURE, events
from tests.conformance.somebody import WITHIN
from tests.waiting import until

GOOD = Result(BAD.id, BAD.requirement, BAD.ground, Verdict.PASS)
EVIL = "<script>alert(1)</script>\x1b[31m\x00\ud83d ]]> & \"'` | ![x](http://x/y.png)\n# x"
HOSTILE = replace(BAD, actual=EVIL, expected=(EVIL,), reason=EVIL, program=(EVIL,))

# What the schemas of Jenkins and Ant for JUnit XML say of the elements and attributes we use:
# the children that are allowed, in their order, and the attributes that must be there.
SCHEMA: dict[str, tuple[tuple[str, ...], set[str]]] = {
    "testsuites": (("testsuite",), {"name", "tests", "failures", "errors", "time"}),
    "testsuite": (
        ("properties", "testcase"),
        {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"},
    ),
    "properties": (("property",), set()),
    "property": ((), {"name", "value"}),
    "testcase": (
        ("skipped", "error", "failure", "system-out"),
        {"name", "classname", "time"},
    ),
    "failure": ((), {"message", "type"}),
    "error": ((), {"message", "type"}),
    "skipped": ((), {"message"}),
    "system-out": ((), set()),
}


def write(writer: Writer, told: Iterable[Event]) -> None:
    reports = Reports([writer])
    for event in told:
        reports(event)


def junit(folder: Path, told: Iterable[Event]) -> ElementTree.Element:
    """The file that these events make, seen to be what the schemas want."""
    path = folder / "junit.xml"
    write(JUnitReport(path), told)
    return valid(path)


def valid(path: Path) -> ElementTree.Element:
    root = ElementTree.parse(path).getroot()
    assert root.tag == "testsuites"
    for element in root.iter():
        children, needed = SCHEMA[element.tag]
        assert needed <= set(element.attrib), element.attrib
        order = [children.index(child.tag) for child in element]
        assert order == sorted(order)
        if element.tag == "testcase":
            assert len({child.tag for child in element} & {"skipped", "error", "failure"}) <= 1
            assert float(element.attrib["time"]) >= 0
        if element.tag == "testsuite":
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", element.attrib["timestamp"])
    for suite in root.iter("testsuite"):
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.attrib[name]) == len(list(suite.iter(tag)))
        assert int(suite.attrib["tests"]) == len(list(suite.iter("testcase")))
    assert int(root.attrib["tests"]) == len(list(root.iter("testcase")))
    return root


def cases(root: ElementTree.Element) -> dict[str, ElementTree.Element]:
    return {one.attrib["name"]: one for one in root.iter("testcase")}


# --- JUnit ---------------------------------------------------------------------------------------


def test_a_suite_is_a_section_and_a_test_case_is_a_case(tmp_path: Path) -> None:
    root = junit(tmp_path, events(BAD, KNOWN, UNSURE, SKIPPED))
    found = {s.attrib["name"]: [c.attrib["name"] for c in s.iter("testcase")] for s in root}
    assert found == {"action": [SKIPPED.id, BAD.id], "edge": [UNSURE.id], "schedule": [KNOWN.id]}
    assert list(found) == ["action", "edge", "schedule"], "in the order of the cases"


def test_another_parser_reads_each_verdict(tmp_path: Path) -> None:
    junit(tmp_path, events(BAD, KNOWN, UNSURE, SKIPPED))
    read = JUnitXml.fromfile(str(tmp_path / "junit.xml"))
    found = {c.name: c for suite in read for c in suite if isinstance(c, TestCase)}
    assert [type(r) for r in found[BAD.id].result] == [Failure]
    assert [type(r) for r in found[UNSURE.id].result] == [Error]
    assert [type(r) for r in found[SKIPPED.id].result] == [Skipped]
    assert found[KNOWN.id].is_passed
    assert found[KNOWN.id].system_out.startswith(
        "accepted by the ledger as ties-unordered: Equal jobs change places."
    )
    assert found[SKIPPED.id].result[0].message == SKIPPED.reason
    assert found[BAD.id].time == BAD.seconds


def test_a_failure_says_all_that_a_person_needs(tmp_path: Path) -> None:
    failure = cases(junit(tmp_path, events(BAD)))[BAD.id][0]
    assert failure.text is not None
    for part in (
        f"{BAD.requirement} (observed): {requirement(BAD.requirement).sentence}",
        "expected    HTTP 200",
        "actual      HTTP 500",
        "2. pause A",
        "orthanc-jobs replay replays/action-pause-paused.json http://h:1 --exclusive",
    ):
        assert part in failure.text
    assert "HTTP 500" in failure.attrib["message"]


def test_what_a_complete_suite_has_shown_is_in_every_report(tmp_path: Path) -> None:
    bound = Bound("HSI", 34, 2, 181, 190, 1581, (), "it is deterministic & at rest")
    told = events(replace(GOOD, bound=bound), verdict="conforms")
    case = cases(junit(tmp_path, told))[GOOD.id]
    (out,) = case.iter("system-out")
    for text in (out.text or "", page(tmp_path, told).text, summary(tmp_path, told)):
        assert "34 states, up to 2 more in the server, 181 sequences by the HSI method" in text
        assert "it is deterministic & at rest" in text


def test_whatever_a_server_sends_is_text_in_the_xml(tmp_path: Path) -> None:
    root = junit(tmp_path, events(HOSTILE, replace(UNSURE, reason=EVIL)))
    assert "<script>alert(1)</script>\\x1b[31m" in str(cases(root)[BAD.id][0].text)
    assert {element.tag for element in root.iter()} <= set(SCHEMA)


def ended(**changed: object) -> list[Event]:
    *before, last = events(GOOD, verdict="unknown")
    assert isinstance(last, Ended)
    return [*before, replace(last, **changed)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("told", "name", "tag"),
    [
        (
            ended(verdict="deviates", stale=("ties-unordered",)),
            "run/ledger/ties-unordered",
            "failure",
        ),
        (ended(interrupted=True), "run/interrupted", "error"),
        (ended(), "run/coverage", "error"),
    ],
)
def test_a_run_that_does_not_end_with_0_is_not_green(
    tmp_path: Path, told: list[Event], name: str, tag: str
) -> None:
    found = cases(junit(tmp_path, told))
    assert set(found) == {GOOD.id, name}
    assert found[name][0].tag == tag


def test_a_run_that_conforms_is_green(tmp_path: Path) -> None:
    root = junit(tmp_path, events(GOOD, KNOWN, verdict="conforms"))
    assert (root.attrib["failures"], root.attrib["errors"]) == ("0", "0")
    assert set(cases(root)) == {GOOD.id, KNOWN.id}


# --- HTML ----------------------------------------------------------------------------------------


def page(folder: Path, told: Iterable[Event]) -> Page:
    path = folder / "report.html"
    write(HtmlReport(path), told)
    return Page(path.read_text(encoding="utf-8"))


def test_the_page_tells_everything_and_fetches_nothing(tmp_path: Path) -> None:
    found = page(tmp_path, events(BAD, KNOWN, UNSURE, SKIPPED))
    assert not {"link", "img", "iframe"} & set(found.tags)
    assert found.tags.count("script") == found.tags.count("svg") == 1
    assert not found.sources
    assert {one for one in found.links if one.startswith("#")} <= {f"#{id}" for id in found.ids}
    assert len(set(found.ids)) == len(found.ids)
    for part in (
        "deviates",
        "http://h:1 1.10.1",
        requirement(BAD.requirement).sentence,
        "HTTP 500",
        "orthanc-jobs replay replays/action-pause-paused.json http://h:1 --exclusive",
        "Equal jobs change places.",
        "the connection broke",
        "1 case: no job of this server uses Retry",
        "orthanc-jobs run http://h:1 --html r.html",
        "0.25",
        "left on the server, this server cannot delete a job",
        "cancel/paused",
        "pause/retry (no Retry)",
    ):
        assert part in found.text, part
    assert found.text.index("Deviations") < found.text.index("Coverage")


def test_whatever_a_server_sends_is_text_in_the_page(tmp_path: Path) -> None:
    hostile = [HOSTILE, replace(KNOWN, reason=EVIL, actual=EVIL), replace(UNSURE, reason=EVIL)]
    found = page(tmp_path, events(*hostile, replace(SKIPPED, reason=EVIL)))
    assert found.tags.count("script") == 1
    assert found.text.count("<script>alert(1)</script>") >= 5


def test_without_graphviz_the_page_has_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = page(tmp_path, events(BAD))
    assert "svg" not in found.tags
    assert "The program dot is not installed" in found.text
    assert "Paused \u2192 Failure" in found.text


# --- Markdown ------------------------------------------------------------------------------------


def summary(folder: Path, told: Iterable[Event]) -> str:
    path = folder / "summary.md"
    write(MarkdownReport(path), told)
    return path.read_text(encoding="utf-8")


def test_the_summary_begins_with_the_verdict_and_has_the_diagram(tmp_path: Path) -> None:
    text = summary(tmp_path, events(BAD, KNOWN, UNSURE, SKIPPED))
    assert text.startswith("## Jobs engine: deviates\n")
    assert "| cells | 24 | 23 | 1 covered | `cancel/paused` |" in text
    assert "```mermaid\nstateDiagram-v2\n" in text
    assert "| actual | `HTTP 500` |" in text
    assert "- **ties-unordered**: `Equal jobs change places.`" in text


def test_whatever_a_server_sends_stays_in_code(tmp_path: Path) -> None:
    text = summary(tmp_path, events(HOSTILE, replace(UNSURE, reason=EVIL)))
    for line in text.splitlines():
        if "<script>" in line:
            outside = re.sub(r"(`+).*?(?<!`)\1(?!`)", "", line)
            assert "script" not in outside
            assert "![x]" not in outside


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a", "`a`"),
        ("", ""),
        (" \n ", ""),
        ("a\n# b", "`a # b`"),
        ("a | b", r"`a \| b`"),
        ("a`b", "``a`b``"),
        ("`", "`` ` ``"),
        ("```x", "```` ```x ````"),
    ],
)
def test_code(text: str, shown: str) -> None:
    assert code(text) == shown


def test_a_long_text_is_cut() -> None:
    assert len(code("x" * 10_000)) < 1000


def test_a_summary_with_very_much_in_it_stays_small(tmp_path: Path) -> None:
    ids = ["action/cancel/pending", "action/cancel/running", "action/pause/paused"]
    many = [
        replace(HOSTILE, id=f"x/{n}", requirement=ids[n % 3], actual="x" * 5000, relaxations=())
        for n in range(3000)
    ]
    many += [replace(UNSURE, id=f"y/{n}", reason="y" * 5000) for n in range(3000)]
    assert len(summary(tmp_path, events(*many)).encode()) < 1024 * 1024


# --- all of them ---------------------------------------------------------------------------------

KINDS: dict[str, Callable[[Path], Writer]] = {
    "json": JsonReport,
    "junit": JUnitReport,
    "html": HtmlReport,
    "markdown": MarkdownReport,
}


def unbegun() -> list[Event]:
    started, *_, last = events()
    assert isinstance(started, Started)
    return [replace(started, cases=0), Failed("no server answers at http://h:1"), last]


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_could_not_begin_leaves_a_report_that_says_why(
    tmp_path: Path, kind: str
) -> None:
    write(KINDS[kind](tmp_path / "r"), unbegun())
    text = (tmp_path / "r").read_text()
    assert "no server answers at http://h:1" in text
    if kind == "junit":
        assert set(cases(valid(tmp_path / "r"))) == {"run/failed"}


class Broken:
    def take(self, event: Event) -> None:
        if isinstance(event, CaseEnds):
            raise OSError(28, "No space left on device")


class Counts:
    def __init__(self) -> None:
        self.taken = 0

    def take(self, event: Event) -> None:
        self.taken += 1


def test_a_writer_that_fails_takes_nothing_from_the_others() -> None:
    counts = Counts()
    reports = Reports([Broken(), counts])
    for event in events(BAD, KNOWN):
        reports(event)
    assert counts.taken == len(events(BAD, KNOWN))
    assert reports.failed == "cannot write a report: No space left on device"


def test_where_no_report_can_be_written_is_said_before_anything_is_made(tmp_path: Path) -> None:
    good = tmp_path / "good"
    for bad in (tmp_path, tmp_path / "none" / "r", Path("/proc/none/r")):
        with pytest.raises(BadArgument, match="cannot write the report"):
            writable([good, bad])
        assert not good.exists()
    with pytest.raises(BadArgument, match="two reports"):
        writable([good, tmp_path / "." / "good"])
    writable([good, Path("/dev/null"), Path("/dev/null")])


# --- whatever ends the run -----------------------------------------------------------------------

FILES = ["--json", "r.json", "--junit", "r.xml", "--html", "r.html", "--markdown", "r.md"]


def complete(folder: Path) -> dict[str, ElementTree.Element]:
    """The cases of the JUnit file, where all four reports are there and whole."""
    Page((folder / "r.html").read_text())
    assert (folder / "r.md").read_text().startswith("## Jobs engine: ")
    assert (folder / "r.json").read_text().endswith("}\n")
    return cases(valid(folder / "r.xml"))


@pytest.mark.long
@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)]
)
def test_an_interrupted_run_writes_them_all(tmp_path: Path, number: signal.Signals) -> None:
    words = [*COMMAND, "run", "--suite", "search", "--examples", "5000", *FILES]
    log = tmp_path / "events"
    process = subprocess.Popen(
        [*words, "--events", log], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    until(lambda: log.exists() and '"Progress"' in log.read_text(), 30)
    began = time.monotonic()
    os.kill(process.pid, number)
    _, error = process.communicate(timeout=20)
    assert (process.returncode, error) == (2, b"")
    assert time.monotonic() - began < WITHIN
    assert "run/interrupted" in complete(tmp_path)


def test_a_mistake_in_the_kit_costs_no_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(*_: object) -> None:
        raise IndexError("out of range")

    monkeypatch.setattr(Afterwards, "late", stumble)  # after the first case
    path = tmp_path / "r.xml"
    plan = Plan(prefixes=("action/cancel/paused", "action/pause/paused"), replays=None)
    campaign = Campaign(Choice(workdir=tmp_path), plan, JUnitReport(path).take)
    with pytest.raises(KitError, match=r"IndexError in .*, line \d+: out of range\nThis is a"):
        campaign.run()
    assert set(cases(valid(path))) == {"action/cancel/paused", "run/failed"}


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    run = command(tmp_path, "run", "http://us:s3cr3t@127.0.0.1:1", *FILES, report=False)
    assert run.status == 2
    assert run.out == ""
    assert set(complete(tmp_path)) == {"run/failed"}
    assert not [f for f in tmp_path.iterdir() if f.is_file() and b"s3cr3t" in f.read_bytes()]


def test_a_server_that_ends_while_it_starts(tmp_path: Path) -> None:
    template = "sh -c 'sleep 2; exit 3' {config}"
    run = command(tmp_path, "run", "orthanc", "--server-command", template, *FILES, report=False)
    assert run.status == 2
    failed = complete(tmp_path)["run/failed"].find("error")
    assert failed is not None
    assert "status 3" in str(failed.text)


def test_a_real_run_makes_reports_that_agree(installed_orthanc: None, tmp_path: Path) -> None:
    done = command(
        tmp_path, "run", "orthanc", "--suite", "action", "--suite", "race", "--no-ledger", *FILES,
        report=False,
    )  # fmt: skip
    assert done.status == 1
    found = complete(tmp_path)
    failed = {name for name, one in found.items() if one.find("failure") is not None}
    assert "race/pause/last-step-succeeds" in failed
    text = (tmp_path / "r.html").read_text()
    assert all(name in text for name in found)
