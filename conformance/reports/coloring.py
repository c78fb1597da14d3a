"""From the coverage of a run to what the pictures are coloured by."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from conformance.campaign.coverage import CELLS, EDGE_IDS
from conformance.errors import BadArgument
from conformance.events import Coverage
from conformance.files import read_json

SECTIONS = {"cells": ("action/", CELLS), "edges": ("edge/", EDGE_IDS)}


def marks(coverage: Coverage) -> Mapping[str, str]:
    """The id of each cell and edge, with covered, missing or unreachable."""
    return {
        **_marks("cells", coverage.cells.missing, [i for i, _ in coverage.cells.unreachable]),
        **_marks("edges", coverage.edges.missing, [i for i, _ in coverage.edges.unreachable]),
    }


def coverage_of(path: Path) -> Mapping[str, str]:
    """The same from a JSON report. Raises `BadArgument`."""
    report = read_json(path, "the report")
    try:
        found = report["coverage"]
        shares = [(section, found[section]) for section in SECTIONS]
        return {
            id: mark
            for section, share in shares
            for id, mark in _marks(
                section, share["missing"], [one["id"] for one in share["unreachable"]]
            ).items()
        }
    except (KeyError, TypeError):
        raise BadArgument(f"{path} is not a JSON report of a run") from None


def _marks(section: str, missing: Collection[str], closed: Collection[str]) -> dict[str, str]:
    prefix, ids = SECTIONS[section]
    found = {}
    for id in ids:
        name = id.removeprefix(prefix)
        mark = "missing" if name in missing else "covered"
        found[id] = "unreachable" if name in closed else mark
    return found
