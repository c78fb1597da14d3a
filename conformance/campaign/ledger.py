"""The ledger: the deviations that are accepted of a server, each with its reason and reference.

An entry names a relaxation of the specification, and the cases that show it. It is *stale*
when all of these cases ran to a verdict and none of them needed the relaxation: then the
server has been repaired, and the ledger must say so.

The first and the last version that a ledger is for are those of each entry that does not name its
own. An entry whose range does not hold the server's version is as if it were not there: it accepts
nothing, and is never stale. So one file serves all versions, and stays strict for each. Only of the
ledger that the kit brings do the entries that are open hold for versions newer than the newest that
was measured, and the report says so.

An entry of the other kind accepts what nothing explains: the deviation of one case, by its
requirement and by exactly what was seen. docs/ledgers.md has both.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from itertools import combinations
from pathlib import Path
from typing import Any, TypeVar

from conformance.errors import BadArgument
from conformance.events import Result, Verdict
from conformance.files import read_json
from conformance.suites import by_chance
from conformance.sut.identity import TRANSFERS, System
from spec.relaxations import Name, UnknownRelaxation, named
from spec.requirements import CATALOGUE, version_key, within

SHIPPED = "orthanc.json"
FIELDS = {"relaxation", "reason", "reference", "cases"}
OWN_FIELDS = {"case", "requirement", "actual", "reason", "reference"}  # of a deviation of one case
VERSION = re.compile(r"\d+(\.\d+)*")
MAINLINE = "mainline"  # what an Orthanc that is to be released calls itself
PLUGIN = "plugin"  # of an entry: its versions are those of this plugin
ANY = "*"  # the version of a plugin that is not known, if there is one
RANGE = {"since", "until"}  # the first and the last version, both included


@dataclass(frozen=True, slots=True)
class Entry:
    relaxation: Name
    reason: str
    reference: str
    cases: tuple[str, ...]
    since: str | None = None
    until: str | None = None
    open: bool = False  # it has no last version of its own, but that of its ledger
    plugin: str | None = None  # its versions are those of the transfers accelerator

    def covers(self, version: str, transfers: str | None = ANY) -> bool:
        """Whether this is said of a server of ``version``, whose transfers accelerator, if it has
        one, is of the version ``transfers``.
        """
        if self.plugin is None:
            return within(version, self.since, self.until)
        known = transfers is not None and transfers != ANY
        return transfers == ANY or (known and within(str(transfers), self.since, self.until))

    def meets(self, other: Entry) -> bool:
        """Whether there may be a version that both are said of."""
        first, second = sorted((self, other), key=lambda one: version_key(one.since or "0"))
        same = first.plugin == second.plugin
        return not same or within(second.since or "0", first.since, first.until)


@dataclass(frozen=True, slots=True)
class Kept:
    """A deviation of one case that nothing explains, accepted as exactly what was seen."""

    case: str
    requirement: str
    actual: str
    reason: str
    reference: str
    since: str | None = None
    until: str | None = None

    def __str__(self) -> str:
        return f"{self.case} ({self.requirement}: {self.actual})"

    def covers(self, version: str, _: str | None = None) -> bool:
        """Whether this is said of a server of ``version``."""
        return within(version, self.since, self.until)


@dataclass(frozen=True, slots=True)
class Ledger:
    """``file`` is None for the empty ledger, which accepts nothing.

    ``note``: what the user should know of how it was chosen.
    """

    file: str | None = None
    entries: tuple[Entry, ...] = ()
    kept: tuple[Kept, ...] = ()
    note: str | None = None

    @property
    def accepted(self) -> frozenset[Name]:
        return frozenset(entry.relaxation for entry in self.entries)

    def of_plugin(self, accepted: Iterable[str]) -> Ledger:
        """The same, of its entries on a plugin only those that a run had ``accepted``: a report
        does not tell the version of the plugin.
        """
        names = frozenset(accepted)
        had = tuple(e for e in self.entries if e.plugin is None or e.relaxation in names)
        return replace(self, entries=had)

    def keeps(self, case: str, requirement: str, actual: str | None) -> Kept | None:
        """The entry that accepts this deviation of a case, which nothing explains; or None."""
        found = (case, requirement, actual)
        return next((k for k in self.kept if (k.case, k.requirement, k.actual) == found), None)

    def why(self, relaxations: Iterable[Name]) -> str:
        """The reasons for which relaxations are accepted."""
        names = set(relaxations)
        return " ".join(entry.reason for entry in self.entries if entry.relaxation in names)

    def used(self, results: Iterable[Result]) -> tuple[str, ...]:
        """The accepted relaxations, and kept deviations, that were needed in this run."""
        ran = list(results)
        needed = {name for result in ran for name in result.relaxations}
        kept = {name for result in ran for name in result.kept}
        return (*sorted(needed & set(self.accepted)), *sorted(kept))

    def stale(self, results: Iterable[Result]) -> tuple[str, ...]:
        """The entries whose cases were all judged without a need for them.

        What a case shows by chance makes nothing stale.
        """
        by_id = {result.id: result for result in results}
        judged = {
            i for i, r in by_id.items() if r.verdict not in (Verdict.SKIPPED, Verdict.UNKNOWN)
        }
        relaxations = (
            entry.relaxation.value
            for entry in self.entries
            if set(entry.cases) <= judged
            and not any(map(by_chance, entry.cases))
            and not any(entry.relaxation in by_id[case].relaxations for case in entry.cases)
        )
        kept = (
            str(one)
            for one in self.kept
            if one.case in judged
            and not by_chance(one.case)
            and str(one) not in by_id[one.case].kept
        )
        return (*relaxations, *kept)


Ranged = TypeVar("Ranged", Entry, Kept)


def chosen(path: Path | None, no_ledger: bool, system: System, known: Iterable[str]) -> Ledger:
    """The ledger for a server: the one in a file, or else the one that the kit brings, if any.

    ``known``: the ids of all cases. Raises `BadArgument`.
    """
    if path is not None:
        return load(path, known, system.version, system.transfers)
    return Ledger() if no_ledger else shipped(system, known)


def load(
    path: Path, known: Iterable[str], version: str | None = None, transfers: str | None = ANY
) -> Ledger:
    """The ledger in a file, as far as it is about ``version``; None is every version.

    ``known``: the ids of all cases. ``transfers``: the version of the server's plugin, if it has
    it. Raises `BadArgument`.
    """
    found = read_json(path, "the ledger")
    try:
        entries, kept = _entries(found, frozenset(known))
        return Ledger(
            str(path), _about(version, transfers, entries), _about(version, transfers, kept)
        )
    except (BadArgument, UnknownRelaxation) as error:
        raise BadArgument(f"the ledger {path}: {error}") from None


def shipped(system: System, known: Iterable[str]) -> Ledger:
    """The ledger that the kit brings for the version of an Orthanc, or the empty one."""
    if not system.orthanc or system.declared:
        return Ledger()
    return of_version(system.version, known, system.transfers)


def of_version(version: str | None, known: Iterable[str], transfers: str | None = ANY) -> Ledger:
    """The ledger that the kit brings for a version of Orthanc; None is every version.

    ``transfers``: of its transfers accelerator; None: it has none.
    For a version newer than the newest that was measured, it has the entries that are open.
    """
    text = files("conformance.campaign").joinpath("ledgers", SHIPPED).read_text(encoding="utf-8")
    found = json.loads(text)
    entries, _ = _entries(found, frozenset(known))
    note = None
    if version is not None and _newer(version, newest := str(found["until"])):
        entries = tuple(replace(one, until=None) if one.open else one for one in entries)
        note = (
            f"the shipped ledger was measured up to {newest}: its open entries are applied to"
            f" {version}, and one that is needed no more is told as stale"
        )
    entries = _about(version, transfers, entries)
    return Ledger(f"ledgers/{SHIPPED}", entries, note=note) if entries else Ledger()


def _newer(version: str, newest: str) -> bool:
    """Whether this is a version, and one after ``newest``: a release, or what is to be one."""
    named = VERSION.match(version) or version.startswith(MAINLINE)
    return bool(named) and version_key(version) > version_key(newest)


def _about(
    version: str | None, transfers: str | None, entries: Iterable[Ranged]
) -> tuple[Ranged, ...]:
    return tuple(e for e in entries if version is None or e.covers(version, transfers))


def _entries(found: Any, known: frozenset[str]) -> tuple[tuple[Entry, ...], tuple[Kept, ...]]:
    if not isinstance(found, Mapping) or found.get("schema") != 1:
        raise BadArgument("it must be an object with 'schema' 1 and 'entries'")
    entries = found.get("entries")
    if not isinstance(entries, list):
        raise BadArgument("'entries' must be a list")
    kept = [one for one in entries if isinstance(one, Mapping) and "case" in one]
    made = tuple(_entry(one, known, found) for one in entries if one not in kept)
    for one, other in combinations(made, 2):
        if one.relaxation == other.relaxation and one.meets(other):
            raise BadArgument(f"it has two entries for {one.relaxation} in one version")
    return made, tuple(_kept(one, known, found) for one in kept)


def _kept(found: Mapping[str, Any], known: frozenset[str], ledger: Mapping[str, Any]) -> Kept:
    """An entry on one case. ``ledger``, in which it stands, has the versions it does not name."""
    if set(found) - RANGE != OWN_FIELDS:
        names = ", ".join(sorted(OWN_FIELDS))
        raise BadArgument(f"an entry with a 'case' must have exactly the fields {names}")
    for key in sorted(OWN_FIELDS):
        _stated(found, key)
    if found["case"] not in known:
        raise BadArgument(f"unknown case {found['case']!r}: see 'orthanc-jobs list'")
    if found["requirement"] not in CATALOGUE:
        raise BadArgument(f"unknown requirement {found['requirement']!r}: see 'orthanc-jobs list'")
    since, until = (_version(found if key in found else ledger, key) for key in ("since", "until"))
    return Kept(**{key: found[key] for key in OWN_FIELDS}, since=since, until=until)


def _stated(found: Mapping[str, Any], key: str) -> None:
    if not isinstance(found[key], str) or not found[key].strip():
        raise BadArgument(f"{key!r} must be a text, and not an empty one")


def _version(found: Mapping[str, Any], key: str) -> str | None:
    value = found.get(key)
    if value is not None and not (isinstance(value, str) and VERSION.fullmatch(value)):
        raise BadArgument(f"{key!r} must be a version such as '1.12.7'")
    return value


def _entry(found: Any, known: frozenset[str], ledger: Mapping[str, Any]) -> Entry:
    """An entry. ``ledger``, in which it stands, has the versions that it does not name."""
    if not isinstance(found, Mapping) or set(found) - RANGE - {PLUGIN} != FIELDS:
        names = ", ".join(sorted(FIELDS))
        may = f"since, until and {PLUGIN} may be"
        raise BadArgument(f"an entry must have exactly the fields {names}; {may}")
    plugin = found.get(PLUGIN)
    if PLUGIN in found and plugin != TRANSFERS:
        raise BadArgument(f"{PLUGIN!r} must be {TRANSFERS!r}: no other plugin makes jobs here")
    cases = found["cases"]
    if not isinstance(cases, list) or not cases or not all(isinstance(c, str) for c in cases):
        raise BadArgument("'cases' must be a list of the cases that show the relaxation")
    for case in cases:
        if case not in known:
            raise BadArgument(f"unknown case {case!r}: see 'orthanc-jobs list'")
    for key in ("relaxation", "reason", "reference"):
        _stated(found, key)
    own = plugin is not None  # then the versions of the ledger are not those of the plugin
    since, until = (
        _version(found if key in found or own else ledger, key) for key in ("since", "until")
    )
    return Entry(
        named(found["relaxation"]),
        found["reason"],
        found["reference"],
        tuple(cases),
        since,
        until,
        open="until" not in found,
        plugin=plugin,
    )
