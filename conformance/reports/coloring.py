"""From a run to what the pictures are coloured by: a mark for each cell and each edge.

One rule for every picture and every page: what deviated here is one thing, what a ledger accepts
another, what was seen and is right a third, and all else - not selected, not run, run and not
judged, not reachable - is plainly not seen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from conformance.campaign.coverage import CELLS, EDGE_IDS
from conformance.errors import BadArgument
from conformance.events import Coverage, Result, Verdict
from conformance.files import read_json
from spec.diagram import Coverage as Mark

SECTIONS = {"cells": ("action/", CELLS), "edges": ("edge/", EDGE_IDS)}
OF_A_CASE = {Verdict.DEVIATION: Mark.DEVIATED, Verdict.ACCEPTED: Mark.ACCEPTED}


def marks(coverage: Coverage, results: Iterable[Result]) -> Mapping[str, str]:
    """The id of each cell and edge, with its mark."""
    verdicts = {result.id: result.verdict for result in results}
    shares = {"cells": coverage.cells, "edges": coverage.edges}
    found: dict[str, str] = {}
    for name, share in shares.items():
        found |= _marks(name, share.missing, [id for id, _ in share.unreachable], verdicts)
    return found


def coverage_of(path: Path) -> Mapping[str, str]:
    """The same from a JSON report. Raises `BadArgument`."""
    report = read_json(path, "the report")
    try:
        shares = [(section, report["coverage"][section]) for section in SECTIONS]
        verdicts = {str(case["id"]): Verdict(case["verdict"]) for case in report["cases"]}
        return {
            id: mark
            for section, share in shares
            for id, mark in _marks(
                section, share["missing"], [one["id"] for one in share["unreachable"]], verdicts
            ).items()
        }
    except (KeyError, TypeError, ValueError):
        raise BadArgument(f"{path} is not a JSON report of a run") from None


def _marks(
    section: str,
    missing: Collection[str],
    closed: Collection[str],
    verdicts: Mapping[str, Verdict],
) -> dict[str, str]:
    """``verdicts``: of cases; that of a cell or an edge has its id."""
    prefix, ids = SECTIONS[section]
    found: dict[str, str] = {}
    for id in ids:
        name = id.removeprefix(prefix)
        verdict = verdicts.get(id)
        if verdict in OF_A_CASE:
            found[id] = OF_A_CASE[verdict]
        elif name in closed:
            found[id] = Mark.UNREACHABLE
        elif name in missing or verdict is Verdict.UNKNOWN:
            found[id] = Mark.NOT_SEEN
        else:
            found[id] = Mark.COVERED
    return found
