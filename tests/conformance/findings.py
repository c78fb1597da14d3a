"""docs/findings.md as the tests read it: its sections, and of which versions each is said."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "findings.md").read_text()
REPLAYS = sorted((DOCS / "findings").glob("*.json"))
SERVERS = json.loads(str(files("conformance.evidence").joinpath("matrix.json").read_text()))
MATRIX = [
    server for server in SERVERS["servers"] if not server["reference"] and not server["plugin"]
]
VERSIONS = tuple(server["version"] for server in MATRIX)
OF_A_PLUGIN = re.findall(r"^## ([a-z0-9-]+)\n\n.*\n\n- \*Plugin\*", PAGE, re.MULTILINE)
TITLES = re.findall(r"^## ([a-z0-9-]+)$", PAGE, re.MULTILINE)
PLUGINS = ("1.4", "1.7", "mainline")  # the versions that were measured, the oldest first


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0] + "\n"


def part(title: str, name: str) -> str:
    """What stands behind a name in the section of a finding, in one line."""
    found = re.findall(rf"^- \*{name}\*:((?: .*)?\n(?:  .*\n)*)", section(title), re.MULTILINE)
    assert len(found) == 1, (title, name)
    return " ".join(found[0].split())


def shows(title: str) -> list[str]:
    """The versions that show it, as its section says."""
    told = part(title, "Plugin" if title in OF_A_PLUGIN else "Versions")
    known = PLUGINS if title in OF_A_PLUGIN else VERSIONS
    first = re.split(r" Not |[;.] |, in |, each |\.$", told)[0].replace(" and ", ", ")
    assert set(first.split(", ")) <= set(known), first
    return first.split(", ")


def replays(title: str) -> list[Path]:
    return [path for path in REPLAYS if path.stem.removesuffix("-cancel") == title]
