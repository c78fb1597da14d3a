"""The ledger: the deviations that are accepted of a server, each with its reason and reference.

An entry names a relaxation of the specification, and the cases that show it. It is *stale*
when all of these cases ran to a verdict and none of them needed the relaxation: then the
server has been repaired, and the ledger must say so.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from conformance.errors import BadArgument
from conformance.events import Result, Verdict
from conformance.reading import read_json
from conformance.servers.client import System
from spec.relaxations import Name, UnknownRelaxation, named
from spec.requirements import version_key

SHIPPED = "orthanc.json"
FIELDS = {"relaxation", "reason", "reference", "cases"}


@dataclass(frozen=True, slots=True)
class Entry:
    relaxation: Name
    reason: str
    reference: str
    cases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ledger:
    """``file`` is None for the empty ledger, which accepts nothing."""

    file: str | None = None
    entries: tuple[Entry, ...] = ()

    @property
    def accepted(self) -> frozenset[Name]:
        return frozenset(entry.relaxation for entry in self.entries)

    def used(self, results: Iterable[Result]) -> tuple[str, ...]:
        """The accepted relaxations that explained something in this run."""
        needed = {name for result in results for name in result.relaxations}
        return tuple(sorted(needed & set(self.accepted)))

    def stale(self, results: Iterable[Result]) -> tuple[str, ...]:
        """The entries whose cases were all judged without a need for the relaxation."""
        by_id = {result.id: result for result in results}
        judged = {
            i for i, r in by_id.items() if r.verdict not in (Verdict.SKIPPED, Verdict.UNKNOWN)
        }
        return tuple(
            entry.relaxation.value
            for entry in self.entries
            if set(entry.cases) <= judged
            and not any(entry.relaxation in by_id[case].relaxations for case in entry.cases)
        )


def load(path: Path, known: Iterable[str]) -> Ledger:
    """The ledger in a file. ``known``: the ids of all cases. Raises `BadArgument`."""
    found = read_json(path, "the ledger")
    try:
        return Ledger(str(path), _entries(found, frozenset(known)))
    except (BadArgument, UnknownRelaxation) as error:
        raise BadArgument(f"the ledger {path}: {error}") from None


def shipped(system: System, known: Iterable[str]) -> Ledger:
    """The ledger that the kit brings for the version of an Orthanc, or the empty one."""
    if not system.orthanc or system.declared:
        return Ledger()
    text = files("conformance").joinpath("ledgers", SHIPPED).read_text(encoding="utf-8")
    found = json.loads(text)
    since, until = version_key(found["since"]), version_key(found["until"])
    if not since <= version_key(system.version) <= until:
        return Ledger()
    return Ledger(f"ledgers/{SHIPPED}", _entries(found, frozenset(known)))


def _entries(found: Any, known: frozenset[str]) -> tuple[Entry, ...]:
    if not isinstance(found, Mapping) or found.get("schema") != 1:
        raise BadArgument("it must be an object with 'schema' 1 and 'entries'")
    entries = found.get("entries")
    if not isinstance(entries, list):
        raise BadArgument("'entries' must be a list")
    made = tuple(_entry(one, known) for one in entries)
    names = [entry.relaxation for entry in made]
    if len(set(names)) != len(names):
        raise BadArgument("it has two entries for one relaxation")
    return made


def _entry(found: Any, known: frozenset[str]) -> Entry:
    if not isinstance(found, Mapping) or set(found) != FIELDS:
        raise BadArgument(f"an entry must have exactly the fields {', '.join(sorted(FIELDS))}")
    cases = found["cases"]
    if not isinstance(cases, list) or not cases or not all(isinstance(c, str) for c in cases):
        raise BadArgument("'cases' must be a list of the cases that show the relaxation")
    for case in cases:
        if case not in known:
            raise BadArgument(f"unknown case {case!r}: see 'orthanc-jobs list'")
    for key in ("relaxation", "reason", "reference"):
        if not isinstance(found[key], str) or not found[key].strip():
            raise BadArgument(f"{key!r} must be a text")
    return Entry(named(found["relaxation"]), found["reason"], found["reference"], tuple(cases))
