"""docs/types.md: what is said of every job, by type, on the servers that were measured."""

from __future__ import annotations

import re

from conformance.campaign.typed import Told
from conformance.events import Verdict
from conformance.evidence.kept import measured
from conformance.evidence.matrix import Server
from conformance.evidence.typed import markdown
from spec.of_jobs import SAID, TYPES
from tests.rooms import ROOT

PAGE = ROOT / "docs" / "types.md"
CASE = "route/merge/study/pause"


def server(verdict: Verdict, version: str, *names: str) -> Server:
    case = Told(CASE, "action/pause/paused", verdict, names, None)
    return Server("o", version, False, "run", "2026-01-01", "0", "deviates", {}, (case,))


def row(text: str, id: str) -> list[str]:
    (line,) = (line for line in text.splitlines() if line.startswith(f"| `{id}` |"))
    return [cell.strip() for cell in line.split("|")[2:-1]]


def test_a_cell_names_a_difference_and_the_servers_that_show_it() -> None:
    text = "\n".join(
        markdown([server(Verdict.PASS, "1.10.1"), server(Verdict.DEVIATION, "1.13.0", "x")])
    )
    cells = dict(zip(TYPES, row(text, "action/pause/paused"), strict=True))
    assert cells["MergeStudy"] == "**x**: 1.13.0"
    assert cells["SplitStudy"] == "not run: 1.10.1, 1.13.0"
    assert cells["DicomGetScu"] == "not there: 1.10.1; not run: 1.13.0"
    assert dict(zip(TYPES, row(text, "action/pause/running"), strict=True))["MergeStudy"] == "-"


def test_what_cannot_be_tried_has_its_reason_on_the_page() -> None:
    text = "\n".join(markdown([server(Verdict.PASS, "1.10.1")]))
    assert "- a job of this type has no output:\n  - OrthancPeerStore, " in text
    assert "PushTransfer, PullTransfer: `submit/user-data`" in text


def test_the_committed_page_is_of_what_the_kit_ships() -> None:
    assert "\n".join(markdown(measured())) + "\n" == PAGE.read_text(), "run tools/pages"


def test_the_committed_page_has_each_requirement_and_no_hole() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert re.findall(r"^\| `([\w/-]+)` \|", text, re.MULTILINE) == list(SAID), "run `make matrix`"
    assert "not run" not in text.partition("## edge")[2]  # a cell
    assert "unexplained" not in text
    head = " ".join(text.partition("\n- ")[0].split())
    for version in ("1.9.1", "1.10.1", "1.12.7", "1.13.0", "1.5.6"):
        assert f" {version}" in head
