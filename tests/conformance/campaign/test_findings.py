"""docs/findings.md: each finding has a replay file that shows it, and says what the file says."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path

import pytest

from conformance.campaign.ledger import SHIPPED, Entry
from conformance.campaign.ledger import load as load_ledger
from conformance.campaign.replay import load
from conformance.reports.script import script
from conformance.suites import suites
from conformance.sut.profile import Profile
from spec.relaxations import named
from spec.requirements import CATALOGUE
from tests.conformance.findings import (
    DOCS,
    MATRIX,
    OF_A_PLUGIN,
    PAGE,
    PLUGINS,
    REPLAYS,
    TITLES,
    VERSIONS,
    part,
    replays,
    section,
    shows,
)
from tests.conformance.kit import command

pytestmark = pytest.mark.apart

# Those of every version and of the fewest steps: the others take longer, or another server.
SHOWN = [DOCS / "findings" / f"{name}.json" for name in (
    "cancel-lost-to-pause", "request-lost-on-last-step", "ties-unordered", "archive-not-resubmitted"
)]  # fmt: skip
PARTS = (
    "Status",
    "Costs",
    "Documented",
    "Source",
    "Steps",
    "Expected",
    "Observed",
    "Replay",
    "Script",
    "Repair",
)
COSTS = ("unnoticed", "lost", "call", "reading")  # the dearest first, as the page says
ROW = re.compile(r"^\| \[([a-z0-9-]+)\]\(#\1\) \| (.+) \| (.+) \| (\w+): (.+) \|$", re.MULTILINE)
INDEX = {title: rest for title, *rest in ROW.findall(PAGE)}


def measured() -> dict[str, list[str]]:
    """The versions on which each finding was seen, by the matrix; the oldest first."""
    found: dict[str, list[str]] = {title: [] for title in TITLES}
    for server in MATRIX:
        for title in {name for names in server["fields"]["deviation"].values() for name in names}:
            found[title].append(server["version"])
    return found


def status(title: str) -> str:
    """What a finding is by what was measured, and by what its section says of the documents."""
    known, seen = PLUGINS if title in OF_A_PLUGIN else VERSIONS, shows(title)
    documented = part(title, "Documented")
    room = re.search("[Bb]y our reading", documented) or documented.startswith("nowhere")
    debatable = "; debatable, by our reading" if room else ""
    if seen[-1] == known[-1]:
        return f"open in {known[-1]}{debatable}"
    return f"(repaired|obsolete) since {known[known.index(seen[-1]) + 1]}{debatable}"


def ledger(version: str | None = None) -> tuple[Entry, ...]:
    """The entries that are shipped, as far as they are about ``version``."""
    path = Path(str(files("conformance.campaign").joinpath("ledgers", SHIPPED)))
    return load_ledger(path, [case.id for case in suites(Profile())], version).entries


def test_what_the_shipped_ledger_accepts_is_a_finding_and_the_other_way_round() -> None:
    assert set(TITLES) == {str(entry.relaxation) for entry in ledger()}
    assert set(OF_A_PLUGIN) == {str(e.relaxation) for e in ledger() if e.plugin is not None}
    assert all(str(named(title)) == title for title in TITLES)


@pytest.mark.parametrize("title", TITLES)
def test_a_finding_has_all_that_a_bug_report_needs(title: str) -> None:
    assert all(part(title, name) for name in PARTS)
    names = re.findall(r"^- \*(\w+)\*", section(title), re.MULTILINE)
    assert names == ["Plugin" if title in OF_A_PLUGIN else "Versions", *PARTS]
    linked = set(re.findall(r"\(findings/([\w-]+\.json)\)", part(title, "Replay")))
    assert linked == {path.name for path in replays(title)} != set()


@pytest.mark.parametrize("title", TITLES)
def test_its_status_is_what_was_measured(title: str) -> None:
    assert re.fullmatch(status(title), part(title, "Status")), status(title)
    if title not in OF_A_PLUGIN:
        assert shows(title) == measured()[title]
        assert shows(title) == [
            version
            for version in VERSIONS
            if any(entry.relaxation == title for entry in ledger(version))
        ]


@pytest.mark.parametrize("title", TITLES)
def test_it_has_the_sentence_that_is_broken_and_its_address(title: str) -> None:
    text = part(title, "Source")
    named_ = set(re.findall(r"- `([a-z/-]+)`: ", text))
    assert named_ == {load(path).requirement for path in replays(title)}
    for id in named_:
        stands = CATALOGUE[id]
        address = f"no document, {stands.source}"
        if stands.url is not None:
            address = f"[{stands.source}]({stands.url})"
        assert f"- `{id}`: {stands.sentence} {address}" in text


@pytest.mark.parametrize("title", TITLES)
def test_it_has_a_script(title: str) -> None:
    told = part(title, "Script")
    exported = re.findall(r"`orthanc-jobs export docs/findings/([\w-]+\.json)`", told)
    assert sorted(exported) == sorted(path.name for path in replays(title))
    assert all(script(load(path), "shows.py") for path in replays(title))


def test_the_findings_stand_by_what_they_cost_and_the_index_has_them_so() -> None:
    def place(title: str) -> tuple[bool, int, bool, int]:
        kind = part(title, "Costs").partition(":")[0]
        closed = not part(title, "Status").startswith("open")
        return title in OF_A_PLUGIN, COSTS.index(kind), closed, -len(shows(title))

    assert [place(title) for title in TITLES] == sorted(map(place, TITLES))
    assert list(INDEX) == TITLES
    for title, (stands, versions, kind, cost) in INDEX.items():
        assert stands == part(title, "Status")
        assert versions.removeprefix("plugin ").split(", ") == shows(title)
        assert f"{kind}: {cost}." == part(title, "Costs")


@pytest.mark.parametrize("path", REPLAYS, ids=lambda path: path.stem)
def test_a_replay_is_of_a_real_orthanc_and_of_the_finding_that_it_is_called_by(path: Path) -> None:
    recording = load(path)
    assert recording.server.startswith("orthanc 1.")
    (name,) = recording.relaxations
    assert path.stem.startswith(name)
    version = recording.server.split()[1]
    assert any(one.covers(version) for one in ledger() if one.relaxation == name)
    found = json.loads(path.read_text())["deviation"]
    stands = CATALOGUE[recording.requirement]
    assert (found["sentence"], found["source"]) == (stands.sentence, stands.source)


def test_the_requirements_of_the_contradictions_are_in_the_catalogue() -> None:
    table = PAGE.split("## Where the documentation contradicts itself")[1]
    ids = {id for id in re.findall(r"`([a-z]+/[a-z-]+)`", table) if not id.startswith("jobs")}
    assert len(ids) >= 6
    assert ids <= set(CATALOGUE)


@pytest.mark.parametrize("path", SHOWN, ids=lambda path: path.stem)
def test_the_orthanc_that_is_installed_shows_it_again(
    path: Path, installed_orthanc: None, tmp_path: Path
) -> None:
    again = command(tmp_path, "replay", str(path), "orthanc", report=False)
    assert (again.status, "reproduced" in again.out) == (1, True), again.out + again.err


@pytest.mark.parametrize("path", SHOWN[:2], ids=lambda path: path.stem)
def test_the_reference_server_does_not(path: Path, tmp_path: Path) -> None:
    sound = command(tmp_path, "replay", str(path), "reference", report=False)
    assert (sound.status, "reproduced" in sound.out) == (0, False), sound.out + sound.err
