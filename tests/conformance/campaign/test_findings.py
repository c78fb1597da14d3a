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
from conformance.suites import suites
from conformance.sut.profile import Profile
from spec.relaxations import named
from spec.requirements import CATALOGUE
from tests.conformance.kit import command

pytestmark = pytest.mark.apart

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "findings.md").read_text()
REPLAYS = sorted((DOCS / "findings").glob("*.json"))
# Those of every version and of the fewest steps: the others take longer, or another server.
SHOWN = [DOCS / "findings" / f"{name}.json" for name in (
    "cancel-lost-to-pause", "request-lost-on-last-step", "ties-unordered", "archive-not-resubmitted"
)]  # fmt: skip
OF_A_PLUGIN = re.findall(r"^## ([a-z0-9-]+)\n\n.*\n\n- \*Plugin\*", PAGE, re.MULTILINE)
TITLES = re.findall(r"^## ([a-z0-9-]+)$", PAGE, re.MULTILINE)


def ledger(version: str | None = None) -> tuple[Entry, ...]:
    """The entries that are shipped, as far as they are about ``version``."""
    path = Path(str(files("conformance.campaign").joinpath("ledgers", SHIPPED)))
    return load_ledger(path, [case.id for case in suites(Profile())], version).entries


def test_what_the_shipped_ledger_accepts_is_a_finding_and_the_other_way_round() -> None:
    assert set(TITLES) == {str(entry.relaxation) for entry in ledger()}
    assert set(OF_A_PLUGIN) == {str(e.relaxation) for e in ledger() if e.plugin is not None}
    assert all(str(named(title)) == title for title in TITLES)


@pytest.mark.parametrize("title", OF_A_PLUGIN)
def test_a_finding_of_a_plugin_says_of_which_and_has_no_replay(title: str) -> None:
    """No server of ours has it."""
    text = PAGE.split(f"## {title}\n")[1].split("\n## ")[0]
    for part in ("Plugin", "Documented", "Steps", "Expected", "Observed"):
        assert f"- *{part}*: " in text or f"- *{part}*:\n" in text, part
    assert "*Versions*" not in text
    assert not [path for path in REPLAYS if path.stem.startswith(title)]


@pytest.mark.parametrize("title", [title for title in TITLES if title not in OF_A_PLUGIN])
def test_a_finding_has_all_that_a_bug_report_needs(title: str) -> None:
    text = PAGE.split(f"## {title}\n")[1].split("\n## ")[0]
    for part in ("Versions", "Documented", "Steps", "Expected", "Observed", "Replay"):
        assert f"- *{part}*: " in text or f"- *{part}*:\n" in text, part
    linked = set(re.findall(r"\(findings/([\w-]+\.json)\)", text))
    assert linked
    assert linked == {path.name for path in REPLAYS if path.stem.startswith(title)}


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
