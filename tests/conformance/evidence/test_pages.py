"""docs/pages.md: what begins and ends to be said of which release, with what servers do."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace

from conformance.campaign.typed import UNNAMED, Field, Mark
from conformance.evidence.kept import released
from conformance.evidence.matrix import BOUND
from conformance.evidence.pages import markdown
from spec.requirements import CATALOGUE, RELEASES, Need
from spec.table import Ground
from tests.rooms import ROOT

PAGE = (ROOT / "docs" / "pages.md").read_text()
MATRIX = (ROOT / "docs" / "matrix.md").read_text()
FINDINGS = (ROOT / "docs" / "findings.md").read_text()
ROW = re.compile(r"^\| `([\w/-]+)` \| (.*) \|$", re.MULTILINE)
DISAGREE = "Where a page and its own servers disagree"


def sections(text: str) -> dict[str, str]:
    """What stands under each heading of the second rank."""
    _, *parts = re.split(r"^## ", text, flags=re.MULTILINE)
    return {part.partition("\n")[0]: part for part in parts}


def rows(text: str) -> dict[str, list[str]]:
    """The cells of each requirement; in the order of `RELEASES` the last ones are of servers."""
    return {id: cells.split(" | ") for id, cells in ROW.findall(text)}


def plain(cell: str) -> str:
    """A cell without its links, as the matrix has it."""
    found = re.findall(r"\[([\w-]+)\]\(findings\.md#[\w-]+\)", cell)
    return f"**deviation ({', '.join(found)})**" if found else cell


def test_the_committed_page_is_what_the_code_makes() -> None:
    assert "\n".join(markdown(released())) + "\n" == PAGE, "run tools/pages"
    command = [sys.executable, ROOT / "tools" / "pages", "--check"]
    assert subprocess.run(command, capture_output=True).returncode == 0


def test_each_requirement_stands_where_it_begins_and_where_it_ended() -> None:
    found = sections(PAGE)
    bounds = {bound for one in CATALOGUE.values() for bound in (one.since, one.until) if bound}
    releases = sorted(bounds | {*RELEASES}, key=lambda release: [*map(int, release.split("."))])
    wanted: dict[str, dict[tuple[str, Ground], set[str]]] = {}
    for id, one in CATALOGUE.items():
        if one.since:
            at = wanted.setdefault(one.since, {})
            at.setdefault(("Said newly", one.ground), set()).add(id)
        if one.until:
            after = releases[releases.index(one.until) + 1]
            at = wanted.setdefault(after, {})
            at.setdefault(("Said no more", one.ground), set()).add(id)
    assert set(found) - {DISAGREE} == set(wanted)
    for release, tables in wanted.items():
        _, *parts = found[release].split("\n### ")
        titles = {part.partition("\n")[0]: set(rows(part)) for part in parts}
        assert titles == {f"{title}, {ground}": of for (title, ground), of in tables.items()}


def test_each_row_says_what_the_catalogue_and_the_matrix_say() -> None:
    matrix = rows(MATRIX)
    told = [(id, cells) for part in sections(PAGE).values() for id, cells in rows(part).items()]
    assert told
    for id, (sentence, about, *cells) in told:
        assert sentence == BOUND[id].sentence
        assert [plain(cell) for cell in cells] == matrix[id][: len(RELEASES)]
        if BOUND[id].url:
            span = about == "every release" or about.endswith(" on") or " up to " in about
            assert span or f"]({BOUND[id].url})" in about


def test_what_is_documented_and_broken_is_where_page_and_server_disagree() -> None:
    broken = {
        id
        for id, cells in rows(MATRIX).items()
        if BOUND[id].ground is Ground.DOCUMENTED
        and Need.TRANSFERS not in BOUND[id].needs  # the page is about Orthanc without plugins
        and "deviation" in " ".join(cells)
    }
    found = rows(sections(PAGE)[DISAGREE])
    assert set(found) == broken
    assert found["queue/limit-jobs"][1] == "1.5.6 on, up to 1.10.0"
    # docs/findings.md: a Priority below 32 bits is read as the greatest one by 1.13.0 alone.
    assert ["priority-wraps" in cell for cell in found["monitor/priority"][2:]] == [
        release == "1.13.0" for release in RELEASES
    ]


def test_every_contradiction_is_a_finding() -> None:
    linked = set(re.findall(r"findings\.md#([\w-]+)", PAGE))
    assert linked
    assert linked <= set(re.findall(r"^## ([\w-]+)$", FINDINGS, re.MULTILINE))
    assert UNNAMED not in PAGE


def test_a_server_that_breaks_what_its_page_says_newly_is_named_with_it() -> None:
    """Delete of a job, which 1.12.2 has brought: here 1.13.0 does it wrong."""
    id = "history/delete-job"
    servers = [
        replace(one, fields={**one.fields, id: Field(Mark.DEVIATION, ("a-name", UNNAMED))})
        if one.version == "1.13.0"
        else one
        for one in released()
    ]
    text = "\n".join(markdown(servers))
    assert "\n| [1.12.2](#1122) | 1 | 1 | 0 | 1.13.0 |\n" in text
    shown = f"**[a-name](findings.md#a-name), {UNNAMED}**"
    for part in (sections(text)[DISAGREE], sections(text)["1.12.2"]):
        assert rows(part)[id][-2:] == ["pass", shown]
