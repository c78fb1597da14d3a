"""`orthanc-jobs list`: the whole catalogue, and what is done for each entry."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable

import pytest

from conformance.campaign.throughout import RAISED, READ_AS
from conformance.errors import BadArgument
from conformance.evidence.listing import (
    Wanted,
    case_lines,
    cases_to_json,
    entries,
    holes,
    lines,
    to_json,
    wanted_entries,
)
from conformance.evidence.power import Catch, Power, measured
from conformance.reference.faults import FAULTS
from conformance.suites import suites
from conformance.sut.profile import Profile, inapplicable
from spec.requirements import CATALOGUE, RELEASES, Bound
from tests.conformance.literals import names
from tests.rooms import ROOT, parsed, sources


def test_every_requirement_and_every_case_is_listed() -> None:
    text = list(lines())
    heads = [line.split()[0] for line in text if not line.startswith(" ")]
    assert heads[:-2] == list(CATALOGUE)
    listed = {c for line in text if "cases:" in line for c in line.split(":", 1)[1].split(", ")}
    assert {case.id for case in suites(Profile())} <= {name.strip() for name in listed}


def test_the_last_line_counts_what_is_checked() -> None:
    text = list(lines())
    told = ("    cases: ", "    clients: ")
    checked = sum(line.startswith(told) and "none yet" not in line for line in text)
    open_ = len(CATALOGUE) - checked
    bound = sum(inapplicable(Profile(), id) is None for id in CATALOGUE)
    assert f"; by version: {bound} are said of the reference server, " in text[-1]
    assert f"check {checked} of {len(CATALOGUE)} requirements" in text[-1]
    assert f"requirements; {open_} have no case" in text[-1]


def test_what_is_checked_throughout_is_raised_where_every_case_passes() -> None:
    """In oracle and driver; what these raise beside it, such as after a restart, has cases."""
    files = [*sources("conformance/oracle"), *sources("conformance/driver")]
    raised = {name for file in files for name in names(parsed(file))} & set(CATALOGUE)
    assert raised >= RAISED
    assert set(READ_AS.values()) <= RAISED
    assert raised.isdisjoint(READ_AS)
    assert set(CATALOGUE) >= READ_AS.keys()
    cases = {entry.requirement.id for entry in entries() if entry.cases}
    assert raised - RAISED <= cases


def test_what_binds_clients_has_scenarios_and_no_cases() -> None:
    for entry in entries():
        if entry.requirement.binds is Bound.CLIENT:
            assert entry.scenarios
            assert not entry.cases


def test_every_measured_fault_was_found_and_replayed() -> None:
    assert set(measured()) <= set(FAULTS)
    for power in measured().values():
        assert power.catches, f"nothing finds {power.fault}"
        assert power.replayed, f"no replay shows {power.fault}"


CASE = "monitor/polling/success"
EDGE = "edge/paused/pending/resume"


def test_a_fault_counts_for_what_was_reported_and_not_for_the_case_that_showed_it() -> None:
    powers = [
        Power("one", (Catch("monitor", CASE, "monitor/polling", 9, 1.5),), True),
        Power("two", (), True, ((EDGE, "action/resume/paused"),)),
    ]
    found = {entry.requirement.id: entry for entry in entries(powers)}
    assert (found["monitor/polling"].faults, found["monitor/polling"].hole) == (("one",), None)
    assert found["action/resume/paused"].faults == ("two",)
    edge = found[EDGE]
    assert edge.faults == ()
    assert [one.fault for one in edge.elsewhere] == ["two"]
    assert edge.hole == "what its cases show is reported as another requirement"
    assert found["submit/priority"].hole == "no planted fault shows in its cases"
    assert found["queue/no-limit"].hole == "it is not said of 1.5.6, which the reference server is"
    assert found["monitor/result-not-late"].hole is None  # it is observed, not documented
    row = f"| `{EDGE}` | {edge.hole} | two in `{EDGE}` | `action/resume/paused` |"
    assert row in list(holes(powers))


def test_a_hole_is_named_in_the_list() -> None:
    text = list(lines())
    named = sum(line.startswith("    hole:    ") for line in text)
    assert named == sum(entry.hole is not None for entry in entries())
    assert text[-2].startswith(
        f"{named} documented requirements have cases, and no planted fault is"
    )


def test_the_page_of_the_kits_power_is_of_what_was_measured() -> None:
    page = (ROOT / "docs" / "power.md").read_text()
    assert page.endswith("\n".join([*holes(measured().values()), ""])), "run tools/power"


def test_the_json_says_the_same() -> None:
    found = json.loads(to_json())
    assert found["schema"] == 1
    assert [one["id"] for one in found["requirements"]] == list(CATALOGUE)
    cases = [id for one in found["requirements"] for id in one["cases"]]
    assert sorted(cases) == sorted(case.id for case in suites(Profile()))


# --- a part of it --------------------------------------------------------------------------------


def test_a_prefix_takes_requirements_and_the_cases_that_begin_so() -> None:
    text = list(lines(Wanted(("race/pause/",))))
    heads = [line.split()[0] for line in text if not line.startswith(" ")]
    having = {case.requirement for case in suites(Profile()) if case.id.startswith("race/pause/")}
    assert heads[:-1] == [id for id in CATALOGUE if id.startswith("race/pause/") or id in having]
    assert text[-1] == f"{len(heads) - 1} requirements of {len(CATALOGUE)}"
    assert "             https://" in "\n".join(text)


def ids(wanted: Wanted) -> set[str]:
    return {one["id"] for one in json.loads(to_json(wanted))["requirements"]}


def case_ids(wanted: Wanted) -> set[str]:
    return {one["id"] for one in json.loads(cases_to_json(wanted))["cases"]}


def test_words_are_looked_for_in_ids_and_in_what_is_said_of_them() -> None:
    def said(id: str) -> str:
        one = CATALOGUE[id]
        return f"{id} {one.sentence} {one.reading or ''} {one.note or ''}".lower()

    found = ids(Wanted(words=("RESUBMIT", "failure")))
    assert {"action/resubmit/failure", "edge/failure/pending/resubmit"} <= found
    assert found == {id for id in CATALOGUE if "resubmit" in said(id) and "failure" in said(id)}
    cases = case_ids(Wanted(words=("resubmit",)))
    assert cases == {
        case.id for case in suites(Profile()) if "resubmit" in f"{case.id} {case.sentence}".lower()
    }


def test_what_begins_no_id_and_stands_in_some_is_told_with_what_to_type() -> None:
    with pytest.raises(BadArgument) as told:
        wanted_entries(Wanted(("resubmit",)))
    assert str(told.value).splitlines() == [
        "there is nothing that begins with 'resubmit'",
        "There is with --grep resubmit.",
    ]
    with pytest.raises(BadArgument) as told:
        wanted_entries(Wanted(("no such word",)))
    assert str(told.value) == "there is nothing that begins with 'no such word'"


def test_one_spelling_finds_all_that_is_said_of_a_cancel() -> None:
    """Orthanc's own words have one l: "This job was canceled"."""
    wrong = re.compile(r"cancell(ed|ing)", re.IGNORECASE)
    for one in CATALOGUE.values():
        assert not wrong.search(f"{one.sentence} {one.reading or ''} {one.note or ''}"), one.id
    for page in (ROOT / "docs").glob("*.md"):
        text = page.read_text(encoding="utf-8").replace("monitor/error-code-cancelled", "")
        assert not wrong.search(text), page.name


def test_what_a_suite_or_a_release_has_nothing_of_is_left_out() -> None:
    asked = json.loads(to_json(Wanted(suites=("complete",))))["requirements"]
    assert asked
    assert all(any(case.startswith("complete/") for case in one["cases"]) for one in asked)


@pytest.mark.parametrize(
    ("release", "has", "lacks"),
    [
        ("1.5.6", {"queue/limit-jobs"}, {"queue/no-limit", "history/delete-job"}),
        ("1.10.0", {"queue/limit-jobs", "persist/error"}, {"queue/no-limit"}),
        ("1.10.1", {"queue/no-limit"}, {"queue/limit-jobs", "history/delete-archive"}),
        ("1.12.1", {"history/delete-archive"}, {"history/delete-job"}),
        ("1.12.7", {"history/delete-job", "route/unknown-sent", "route/get"}, set()),
        ("1.13.0", {"route/get"}, {"route/unknown-sent", "queue/limit-jobs"}),
    ],
)
def test_the_requirements_of_a_release_are_those_of_its_page(
    release: str, has: set[str], lacks: set[str]
) -> None:
    found = ids(Wanted(release=release))
    assert has <= found
    assert lacks <= set(CATALOGUE) - found
    assert list(lines(Wanted(release=release)))[-1].startswith(f"{len(found)} requirements of ")


def test_prefix_suite_and_release_are_asked_for_together() -> None:
    """What is listed meets all of them, as a case does: it is of the suite *and* begins so."""
    prefix, suite, release = "queue/", "submit", "1.10.0"
    wanted = Wanted((prefix,), (suite,), release)
    meant = {
        case.id: case.requirement
        for case in suites(Profile())
        if case.suite == suite and case.requirement.startswith(prefix)
    }
    later = {id for id, of in meant.items() if of == "queue/no-limit"}  # since 1.10.1
    assert later
    assert case_ids(wanted) == set(meant) - later
    assert ids(wanted) == set(meant.values()) - {"queue/no-limit"}
    assert len(list(case_lines(wanted))) == len(case_ids(wanted)) + 1
    # its cases are of two suites, and those that begin so are of the other one
    assert "monitor/progress" in ids(Wanted(("route/",), ("route",)))
    assert "monitor/progress" not in ids(Wanted(("route/", "monitor/list"), ("monitor",)))


@pytest.mark.parametrize("release", ["1.12.4", "1.13", "abc", "", "1.10.1; x", "9.9.9"])
def test_a_release_that_is_not_known_is_told_with_those_that_are(release: str) -> None:
    with pytest.raises(BadArgument) as told:
        Wanted(release=release)
    first, second = str(told.value).splitlines()
    assert repr(release) in first
    assert all(one in first for one in ("1.5.6", "1.10.0", "1.12.2", *RELEASES))
    assert "older" in second


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (Wanted(("nonsense",)), ["nonsense"]),
        (Wanted(suites=("none",)), ["none"]),
        (Wanted(("queue/limit",), release="1.10.1"), ["queue/limit", "1.10.1"]),
        (Wanted(("race/pause",), ("schedule",), "1.12.7"), ["race/pause", "schedule", "1.12.7"]),
    ],
)
@pytest.mark.parametrize("listed", [lines, to_json, case_lines, cases_to_json])
def test_what_there_is_not_is_said(
    wanted: Wanted, words: list[str], listed: Callable[[Wanted], Iterable[str]]
) -> None:
    with pytest.raises(BadArgument) as told:
        list(listed(wanted))
    assert all(word in str(told.value) for word in words)


def test_every_case_has_a_line_that_says_what_it_does() -> None:
    cases = suites(Profile())
    text = list(case_lines())
    assert len(text) == len(cases) + 1
    assert text[-1] == f"{len(cases)} cases"
    for case, line in zip(cases, text, strict=False):
        assert line.startswith(f"{case.id}: ")
        assert line.isprintable()
        assert not line[len(case.id) + 2].islower()
    found = json.loads(cases_to_json(Wanted(("edge/",))))["cases"]
    assert {one["suite"] for one in found} >= {"edge"}
    assert all(one["sentence"] for one in found)
