"""A ledger to fill in, from the report of a run: an entry for each deviation, without reason."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from conformance.campaign.ledger import PLUGIN
from conformance.errors import BadArgument
from conformance.events import Verdict
from conformance.files import read_json
from conformance.suites import by_chance, suites
from conformance.sut.identity import TRANSFERS
from conformance.sut.profile import OLDEST_TRANSFERS, Profile
from spec.relaxations import Shortfall

# What a plugin does, whatever Orthanc it is in.
OF_PLUGIN = frozenset(one for one in Shortfall if one.startswith("transfer-"))
# The versions of it that were asked: a report does not tell which of them one was.
BY_PLUGIN = {PLUGIN: TRANSFERS, "since": OLDEST_TRANSFERS}


def draft(path: Path) -> str:
    """The text of a ledger that accepts what deviated in a run, once reasons are filled in.

    A reference is the only thing that it says by itself: which server was seen to do so. Raises
    `BadArgument` for what is no report of a run, or of one that deviates in nothing.
    """
    report = read_json(path, "the report")
    try:
        target = report["target"]
        server = f"{target['name']} {target['version']}".strip()
        reference = f"Seen on {server}, {report['started']}."
        found = [one for one in report["cases"] if one["verdict"] == Verdict.DEVIATION]
        entries = [*_explained(found, reference), *_unexplained(found, reference)]
    except (KeyError, TypeError, AttributeError):
        raise BadArgument(f"{path} is not a JSON report of a run") from None
    if not entries:
        raise BadArgument(f"the run of {path} has no deviation that a ledger could accept")
    return json.dumps({"schema": 1, "server": server, "entries": entries}, indent=2) + "\n"


def _explained(found: Iterable[Mapping[str, Any]], reference: str) -> Iterable[dict[str, Any]]:
    """An entry for each relaxation, with the cases that show it: best those that always do."""
    shown: dict[str, list[str]] = {}
    for one in found:
        for name in one["relaxations"]:
            shown.setdefault(name, []).append(one["id"])
    known = {case.id for case in suites(Profile())}
    for name, ids in shown.items():
        sure = [id for id in ids if id in known and not by_chance(id)]
        cases = sure or [id if id in known else id.rpartition("/")[0] for id in ids]
        entry = {"relaxation": name, "reason": "", "reference": reference, "cases": cases}
        yield {**entry, **(BY_PLUGIN if name in OF_PLUGIN else {})}


def _unexplained(found: Iterable[Mapping[str, Any]], reference: str) -> Iterable[dict[str, Any]]:
    for one in found:
        if not one["relaxations"]:
            yield {
                "case": one.get("part_of", one["id"]),
                "requirement": one["requirement"],
                "actual": one["actual"],
                "reason": "",
                "reference": reference,
            }
