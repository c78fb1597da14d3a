"""`orthanc-jobs upgrade`: what changes between two measured releases, in words.

What is expected is read from docs/findings.md and from the bounds in the catalogue.
"""

from __future__ import annotations

import json
import re
from functools import cache
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from conformance.errors import BadArgument
from conformance.evidence.costs import COSTS
from conformance.evidence.upgrading import lines, to_json, upgrade
from spec.relaxations import named
from spec.requirements import CATALOGUE, RELEASES, Bound
from tests.conformance.kit import command
from tests.rooms import ROOT

FINDINGS = (ROOT / "docs" / "findings.md").read_text()
SECTION = re.compile(
    r"^## ([\w-]+)\n.*?^- \*Versions\*: ((?:[\d.]+(?:,| and)? ?)+)", re.MULTILINE | re.DOTALL
)
# Of each finding the versions with which its section begins: "1.9.1, 1.12.7 and 1.13.0. Not …"
VERSIONS = {
    name: {version for version in RELEASES if re.search(rf"{re.escape(version)}\b", versions)}
    for name, versions in SECTION.findall(FINDINGS)
}
# Of each finding what it costs, in the order of the page.
PAID = {
    name: " ".join(costs.split()).rstrip(".")
    for name, costs in re.findall(
        r"^## ([\w-]+)\n.*?^- \*Costs\*: (.*?)(?=\n- \*)", FINDINGS, re.MULTILINE | re.DOTALL
    )
}
ROWS = re.findall(
    r"^\| `([\w/-]+)` \| (.*) \|$", (ROOT / "docs" / "matrix.md").read_text(), re.MULTILINE
)
upgraded = cache(upgrade)  # of which each test asks something else
PAIRS = list(permutations(RELEASES, 2))


def number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def said(version: str) -> set[str]:
    """What the bounds in the catalogue say of a server of this version."""
    return {
        id
        for id, one in CATALOGUE.items()
        if one.binds is Bound.SERVER
        and (one.since is None or number(one.since) <= number(version))
        and (one.until is None or number(version) <= number(one.until))
    }


def broken(name: str, version: str) -> list[str]:
    """The requirements beside which the matrix has this name, in the column of the version."""
    column = RELEASES.index(version)
    return [id for id, cells in ROWS if name in re.findall(r"[\w-]+", cells.split(" | ")[column])]


def told(old: str, new: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(to_json(upgraded(old, new)))
    return found


def test_the_page_of_findings_is_read_rightly() -> None:
    assert len(VERSIONS) == FINDINGS.count("\n- *Versions*: ")
    assert VERSIONS["priority-wraps"] == {"1.13.0"}
    assert VERSIONS["estimate-too-soon"] == {"1.9.1", "1.12.7", "1.13.0"}
    assert VERSIONS["cancel-lost-to-pause"] == set(RELEASES)


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_findings_are_those_of_the_page_of_findings(old: str, new: str) -> None:
    found = told(old, new)["findings"]
    names = {kind: {one["name"] for one in found[kind]} for kind in found}
    assert names == {
        "new": {name for name, of in VERSIONS.items() if new in of and old not in of},
        "gone": {name for name, of in VERSIONS.items() if old in of and new not in of},
        "stay": {name for name, of in VERSIONS.items() if old in of and new in of},
    }
    for kind, shown in found.items():
        for one in shown:
            assert one["sentence"] == named(one["name"]).sentence
            assert one["costs"] == PAID[one["name"]]
            assert one["breaks"] == broken(one["name"], old if kind == "gone" else new)


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_what_is_said_is_that_of_the_catalogue(old: str, new: str) -> None:
    found = told(old, new)
    assert {one["id"] for one in found["said_newly"]} == said(new) - said(old)
    assert {one["id"] for one in found["said_no_more"]} == said(old) - said(new)


@pytest.mark.parametrize("width", [80, 140])
@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_the_text_says_all_of_it_and_keeps_to_its_width(old: str, new: str, width: int) -> None:
    text = list(lines(upgraded(old, new), width))
    assert [line for line in text if len(line) > width] == []
    words = " ".join(" ".join(text).split())
    found = told(old, new)
    for one in (*found["said_newly"], *found["said_no_more"]):
        note = f" note: {one['note']}" if one["note"] else ""
        assert f"{one['id']} [{one['ground']}] {one['sentence']}{note}" in words
    for one in (*found["findings"]["new"], *found["findings"]["gone"]):
        breaks = f" breaks {', '.join(one['breaks'])}" if one["breaks"] else ""
        told_ = f"{one['sentence']} costs {one['costs']}{breaks} docs/findings.md#{one['name']}"
        assert told_ in words
        assert f" {one['name']} " in words
    assert all(f"    {command}" in text for command in found["run"])


def test_what_the_package_says_of_costs_is_what_the_page_says() -> None:
    assert list(COSTS.items()) == list(PAID.items())


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_it_begins_with_the_numbers_and_with_what_costs_most(old: str, new: str) -> None:
    text, found = list(lines(upgraded(old, new), 200)), told(old, new)
    came, went, stay = (len(found["findings"][kind]) for kind in ("new", "gone", "stay"))
    first = text[1]
    assert re.match(rf"{came} new findings?[,;]", first)
    assert f"; {went} repaired; {stay} in both. " in first
    begins, ends = len(found["said_newly"]), len(found["said_no_more"])
    assert first.endswith(f" {begins} requirement{'s' * (begins != 1)} more, {ends} no more.")
    assert text[3].startswith(f"what {new} does wrong and {old} does not: ")
    for kind in found["findings"].values():
        names = [one["name"] for one in kind]
        assert names == [name for name in PAID if name in names]


def test_what_is_wrong_in_something_new_is_marked() -> None:
    """1.10.1 has neither C-GET nor UserData; it has modifications, and they got worse."""
    text = list(lines(upgraded("1.10.1", "1.12.7"), 100))
    marked = [line.split()[0] for line in text if line.endswith("(of what 1.10.1 does not have)")]
    assert marked == ["get-failure-ignored", "get-not-saved"]
    assert text[1].startswith("11 new findings, 2 of them in what 1.10.1 does not have; ")
    later = list(lines(upgraded("1.10.1", "1.13.0"), 100))
    assert "  archive-user-data-ignored (of what 1.10.1 does not have)" in later
    assert "  modification-goes-on-while-paused" in later
    assert not [line for line in lines(upgraded("1.12.7", "1.10.1"), 100) if "(of what" in line]


@pytest.mark.parametrize(("old", "warned"), [("1.10.1", True), ("1.12.7", False)])
def test_a_polite_run_of_what_cannot_delete_jobs_is_warned_of(old: str, warned: bool) -> None:
    words = " ".join(" ".join(lines(upgraded(old, "1.13.0"), 80)).split())
    assert ("it cannot delete a job, so of one that is in use a run judges" in words) == warned
    assert ("orthanc-jobs run URL --exclusive --no-ledger --json old.json" in words) == warned


@pytest.mark.parametrize(
    ("version", "nearest"),
    [
        ("1.11.0", "; the nearest are 1.10.1 and 1.12.7."),
        ("1.5.6", "; the nearest is 1.9.1."),
        ("1.14", "; the nearest is 1.13.0."),
        ("new", "1.13.0."),
    ],
)
def test_the_nearest_that_were_measured_are_named(version: str, nearest: str) -> None:
    with pytest.raises(BadArgument) as error:
        upgrade(version, "1.13.0")
    assert str(error.value).endswith(nearest)


def test_each_section_is_counted() -> None:
    text = list(lines(upgraded("1.10.1", "1.13.0"), 80))
    new = said("1.13.0") - said("1.10.1")
    assert f"said of 1.13.0 and not of 1.10.1: {len(new)} requirements" in text
    for section in {id.partition("/")[0] for id in new}:
        assert f"  {section}: {sum(id.startswith(f'{section}/') for id in new)}" in text


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_that_nothing_was_mended_is_said_where_it_is_so(old: str, new: str) -> None:
    mended = {name for name, shown in VERSIONS.items() if old in shown and new not in shown}
    said_so = f"what {old} does wrong and {new} does not: nothing"
    assert (said_so in lines(upgraded(old, new), 80)) == (not mended)


def test_what_a_server_breaks_of_what_was_said_of_it_alone_is_told() -> None:
    """LimitJobs: 1.9.1 ignores it, and since 1.10.1 no page speaks of it."""
    (limit,) = (
        one
        for one in told("1.9.1", "1.10.1")["said_no_more"]
        if one["id"] == "queue/limit-jobs-blocks"
    )
    assert (limit["mark"], limit["names"]) == ("deviation", ["limit-jobs-ignored"])
    assert "      1.9.1: deviation: limit-jobs-ignored" in lines(upgraded("1.9.1", "1.10.1"), 80)


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [("1.10.1", "1.12.0", "'1.12.0'"), ("1.5.6", "1.13.0", "'1.5.6'"), ("x\n", "y", r"'x\n'")],
)
def test_a_version_that_was_not_measured_is_told_with_those_that_were(
    old: str, new: str, part: str
) -> None:
    with pytest.raises(BadArgument) as error:
        upgrade(old, new)
    first, second = str(error.value).splitlines()
    assert part in first
    assert all(version in second for version in RELEASES)


def test_two_versions_are_two() -> None:
    with pytest.raises(BadArgument, match="nothing changes"):
        upgrade("1.13.0", "1.13.0")


def test_the_command(tmp_path: Path) -> None:
    """Where there is nothing but the package: no checkout, no folder of docs."""
    done = command(tmp_path, "upgrade", "1.10.1", "1.13.0", report=False)
    assert (done.status, done.err) == (0, "")
    assert "  priority-wraps\n" in done.out
    assert max(map(len, done.out.splitlines())) <= 100
    as_json = command(tmp_path, "upgrade", "1.10.1", "1.13.0", "--json", report=False)
    assert json.loads(as_json.out) == told("1.10.1", "1.13.0")
    wrong = command(tmp_path, "upgrade", "1.10.1", "1.14.0", report=False)
    assert (wrong.status, wrong.out) == (2, "")
    assert wrong.err.startswith("orthanc-jobs: unknown version '1.14.0'")
    assert wrong.err.count("\n") == 2
