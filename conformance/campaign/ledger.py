"""The ledger: the deviations that are accepted of a server, each with its reason and reference.

An entry names a relaxation of the specification, and the cases that show it. It is *stale*
when all of these cases ran to a verdict and none of them needed the relaxation: then the
server has been repaired, and the ledger must say so.

The first and the last version that a ledger is for are those of each entry that does not name its
own. An entry whose range does not hold the server's version is as if it were not there: it accepts
nothing, and is never stale. So one file serves all versions, and stays strict for each.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from itertools import combinations
from pathlib import Path
from typing import Any

from conformance.errors import BadArgument
from conformance.events import Result, Verdict
from conformance.files import read_json
from conformance.sut.identity import System
from spec.relaxations import Name, UnknownRelaxation, named
from spec.requirements import version_key, within

SHIPPED = "orthanc.json"
FIELDS = {"relaxation", "reason", "reference", "cases"}
VERSION = re.compile(r"\d+(\.\d+)*")
RANGE = {"since", "until"}  # the first and the last version, both included


@dataclass(frozen=True, slots=True)
class Entry:
    relaxation: Name
    reason: str
    reference: str
    cases: tuple[str, ...]
    since: str | None = None
    until: str | None = None

    def covers(self, version: str) -> bool:
        """Whether this is said of a server of ``version``."""
        return within(version, self.since, self.until)

    def meets(self, other: Entry) -> bool:
        """Whether there may be a version that both are said of."""
        first, second = sorted((self, other), key=lambda one: version_key(one.since or "0"))
        return first.covers(second.since or "0")


@dataclass(frozen=True, slots=True)
class Ledger:
    """``file`` is None for the empty ledger, which accepts nothing."""

    file: str | None = None
    entries: tuple[Entry, ...] = ()

    @property
    def accepted(self) -> frozenset[Name]:
        return frozenset(entry.relaxation for entry in self.entries)

    def why(self, relaxations: Iterable[Name]) -> str:
        """The reasons for which relaxations are accepted."""
        names = set(relaxations)
        return " ".join(entry.reason for entry in self.entries if entry.relaxation in names)

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


def chosen(path: Path | None, no_ledger: bool, system: System, known: Iterable[str]) -> Ledger:
    """The ledger for a server: the one in a file, or else the one that the kit brings, if any.

    ``known``: the ids of all cases. Raises `BadArgument`.
    """
    if path is not None:
        return load(path, known, system.version)
    return Ledger() if no_ledger else shipped(system, known)


def load(path: Path, known: Iterable[str], version: str | None = None) -> Ledger:
    """The ledger in a file, as far as it is about ``version``; None is every version.

    ``known``: the ids of all cases. Raises `BadArgument`.
    """
    found = read_json(path, "the ledger")
    try:
        return Ledger(str(path), _about(version, _entries(found, frozenset(known))))
    except (BadArgument, UnknownRelaxation) as error:
        raise BadArgument(f"the ledger {path}: {error}") from None


def shipped(system: System, known: Iterable[str]) -> Ledger:
    """The ledger that the kit brings for the version of an Orthanc, or the empty one."""
    if not system.orthanc or system.declared:
        return Ledger()
    return of_version(system.version, known)


def of_version(version: str | None, known: Iterable[str]) -> Ledger:
    """The ledger that the kit brings for a version of Orthanc; None is every version."""
    text = files("conformance.campaign").joinpath("ledgers", SHIPPED).read_text(encoding="utf-8")
    entries = _about(version, _entries(json.loads(text), frozenset(known)))
    return Ledger(f"ledgers/{SHIPPED}", entries) if entries else Ledger()


def _about(version: str | None, entries: Iterable[Entry]) -> tuple[Entry, ...]:
    return tuple(entry for entry in entries if version is None or entry.covers(version))


def _entries(found: Any, known: frozenset[str]) -> tuple[Entry, ...]:
    if not isinstance(found, Mapping) or found.get("schema") != 1:
        raise BadArgument("it must be an object with 'schema' 1 and 'entries'")
    entries = found.get("entries")
    if not isinstance(entries, list):
        raise BadArgument("'entries' must be a list")
    made = tuple(_entry(one, known, found) for one in entries)
    for one, other in combinations(made, 2):
        if one.relaxation == other.relaxation and one.meets(other):
            raise BadArgument(f"it has two entries for {one.relaxation} in one version")
    return made


def _version(found: Mapping[str, Any], key: str) -> str | None:
    value = found.get(key)
    if value is not None and not (isinstance(value, str) and VERSION.fullmatch(value)):
        raise BadArgument(f"{key!r} must be a version such as '1.12.7'")
    return value


def _entry(found: Any, known: frozenset[str], ledger: Mapping[str, Any]) -> Entry:
    """An entry. ``ledger``, in which it stands, has the versions that it does not name."""
    if not isinstance(found, Mapping) or set(found) - RANGE != FIELDS:
        names = ", ".join(sorted(FIELDS))
        raise BadArgument(f"an entry must have exactly the fields {names}; since and until may be")
    cases = found["cases"]
    if not isinstance(cases, list) or not cases or not all(isinstance(c, str) for c in cases):
        raise BadArgument("'cases' must be a list of the cases that show the relaxation")
    for case in cases:
        if case not in known:
            raise BadArgument(f"unknown case {case!r}: see 'orthanc-jobs list'")
    for key in ("relaxation", "reason", "reference"):
        if not isinstance(found[key], str) or not found[key].strip():
            raise BadArgument(f"{key!r} must be a text")
    since, until = (_version(found if key in found else ledger, key) for key in ("since", "until"))
    return Entry(
        named(found["relaxation"]),
        found["reason"],
        found["reference"],
        tuple(cases),
        since,
        until,
    )
