"""Several runs as one, by their JSON reports: the shards of a run, or runs of parts of the cases.

Only what was told of each is known. So the verdict is made of their cases as that of one run is,
and what all of them do not cover is missing where they are all shards of a whole run.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from conformance.campaign import replay
from conformance.campaign.book import Book, Emit
from conformance.campaign.gathering import united
from conformance.campaign.ledger import SHIPPED, Ledger, load, of_version
from conformance.driver.places import HISTORY_FULL
from conformance.errors import BadArgument
from conformance.events import (
    Bound,
    Cleanup,
    Coverage,
    Failed,
    Left,
    Result,
    RunVerdict,
    Share,
    Started,
    Statistics,
    Target,
    Verdict,
)
from conformance.files import read_json
from conformance.suites import place, suites
from conformance.suites.case import Case
from conformance.sut.profile import Profile
from conformance.talk import Said
from spec.table import Ground

SCHEMA = 1
SAME = ("kit", "target", "seed", "mode", "whole")  # what all parts of a run agree in


@dataclass(frozen=True, slots=True)
class Part:
    """A report. ``found``: all that it says; ``results``: of its cases, by their ids."""

    path: Path
    found: dict[str, Any]
    results: dict[str, Result]
    coverage: Coverage
    cleanup: Cleanup
    statistics: Statistics

    @property
    def shard(self) -> tuple[int, int] | None:
        return tuple(self.found["shard"]) if "shard" in self.found else None


def read(path: Path) -> Part:
    """The report in a file. Raises `BadArgument` for what is none, or one of an older kit."""
    found = read_json(path, "the report")
    try:
        if found["schema"] != SCHEMA:
            raise BadArgument(f"the report {path} has schema {found['schema']!r}, not {SCHEMA}")
        results = {one["id"]: _result(one) for one in found["cases"]}
        left = tuple(Left(**one) for one in found["cleanup"]["left"])
        shares = (_share(found, name) for name in ("cells", "edges", "requirements"))
        part = Part(
            path,
            found,
            results,
            Coverage(*shares),
            Cleanup(found["cleanup"]["removed"], left),
            Statistics(**found["statistics"]),
        )
        _ = found["ledger"]["accepts"], found["started"], found["interrupted"], found["failed"]
        _ = Target(**found["target"]), [found[key] for key in (*SAME, "asked")]
        _ = [str(suite) for suite in found["asked"].get("suites", ())]
        if part.shard is not None:
            _, _ = map(int, part.shard)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise BadArgument(f"{path} is not a JSON report of a run by this kit") from None
    return part


def merge(paths: Sequence[Path], emit: Emit, command: str) -> RunVerdict:
    """Tell of all of them as of one run. ``command``: what was typed.

    Raises `BadArgument` for what is not of one run, or lacks a part of it.
    """
    parts = _together([read(path) for path in paths])
    first = parts[0].found
    target = Target(**first["target"], options=tuple(map(str, first.get("options", ()))))
    results = {one.id: one for one in united([part.results for part in parts])}
    book = Book(emit, whole=first["whole"], ledger=_ledger(parts[0], target.version))
    book.selected = [_as_it_ran(case, results) for case in suites(Profile()) if case.id in results]
    asked = (suite for part in parts for suite in part.found["asked"].get("suites", ()))
    book.named = list(dict.fromkeys(map(str, asked)))
    book.covered = _covered([part.coverage for part in parts])
    book.results = results
    for part in parts:
        book.cleaned(part.cleanup)
        book.spend(**{name: getattr(part.statistics, name) for name in Statistics.__slots__})
    announced = sum(result.part_of is None for result in results.values())
    book.tell(
        Started(
            target,
            first["seed"],
            min(part.found["started"] for part in parts),
            announced,
            first["ledger"]["file"],
            tuple(first["ledger"]["accepts"]),
            first["mode"],
            first["whole"],
            command=command,
        )
    )
    for result in sorted(results.values(), key=lambda one: place(one.part_of or one.id)):
        book.enter(result, 0)
    interrupted = any(part.found["interrupted"] for part in parts)
    failed = [part.found["failed"] for part in parts if part.found["failed"] is not None]
    if book.statistics.told is not None:
        book.warn(book.statistics.told)
    if failed:
        book.tell(Failed(failed[0]))
    verdict = book.verdict(cut_short=interrupted or bool(failed))
    book.tell(book.ended(verdict, interrupted))
    return verdict


def _together(parts: list[Part]) -> list[Part]:
    """The parts in their order. Raises `BadArgument` where they are not those of one run."""
    first = parts[0]
    for part in parts[1:]:
        same = SAME if part.shard is None else (*SAME, "asked")
        differ = [key for key in same if part.found[key] != first.found[key]]
        if part.found["ledger"]["accepts"] != first.found["ledger"]["accepts"]:
            differ.append("ledger")
        if differ:
            names = ", ".join(differ)
            raise BadArgument(f"{first.path} and {part.path} are not of one run: {names} differ")
    shards = [part.shard for part in parts if part.shard is not None]
    if not shards:
        return parts
    (_, of), counted = shards[0], sorted(shards)
    if len(shards) < len(parts) or counted != [(number + 1, of) for number in range(of)]:
        told = ", ".join(f"{number}/{of}" for number, of in counted)
        raise BadArgument(f"all shards of one run are needed, each once: there are {told}")
    return sorted(parts, key=lambda part: part.shard or (0, 0))


def _ledger(part: Part, version: str) -> Ledger:
    """The ledger that the run had, as it is now. Raises `BadArgument` where it is another."""
    file, known = part.found["ledger"]["file"], [case.id for case in suites(Profile())]
    if file is None:
        return Ledger()
    shipped = file == f"ledgers/{SHIPPED}"
    ledger = of_version(version, known) if shipped else load(Path(file), known, version)
    ledger = ledger.of_plugin(part.found["ledger"]["accepts"])
    if sorted(ledger.accepted) != part.found["ledger"]["accepts"]:
        raise BadArgument(f"{part.path} was made with another ledger than {file} is now")
    return ledger


def _as_it_ran(case: Case, results: dict[str, Result]) -> Case:
    """A case, with the reason why that server could not run it, where it could not."""
    result = results[case.id]
    closed = result.verdict is Verdict.SKIPPED and result.reason != HISTORY_FULL
    return replace(case, unreachable=result.reason if closed else None)


def _covered(parts: Sequence[Coverage]) -> Coverage:
    def share(shares: Sequence[Share]) -> Share:
        covered = dict.fromkeys(id for one in shares for id in one.covered)
        missing = tuple(id for id in shares[0].missing if id not in covered)
        return replace(shares[0], covered=tuple(covered), missing=missing)

    return Coverage(
        share([one.cells for one in parts]),
        share([one.edges for one in parts]),
        share([one.requirements for one in parts]),
    )


def _share(found: dict[str, Any], name: str) -> Share:
    share = found["coverage"][name]
    return Share(
        share["total"],
        tuple(found["covered"][name]),
        tuple(share["missing"]),
        tuple((one["id"], one["why"]) for one in share["unreachable"]),
    )


def _result(found: dict[str, Any]) -> Result:
    bound = found.get("complete")
    if bound is not None:
        bound = Bound(**{**bound, "relaxations": tuple(bound["relaxations"])})
    return Result(
        found["id"],
        found["requirement"],
        Ground(found["ground"]),
        Verdict(found["verdict"]),
        tuple(found["expected"]),
        found["actual"],
        tuple(found["relaxations"]),
        found["reason"],
        found["replay"],
        tuple(found.get("program", ())),
        found["seconds"],
        bound,
        tuple(found.get("kept", ())),
        _talk(found),
        found.get("part_of"),
        found.get("waited", 0.0),
    )


def _talk(found: dict[str, Any]) -> tuple[Said, ...]:
    """What was said in a case: all of it where its replay file is there, else what decided it."""
    if found["replay"] is not None:
        with suppress(BadArgument):
            kept = replay.load(Path(found["replay"]))
            if (kept.case, kept.actual) == (found["id"], found["actual"]):
                return kept.talk
    return (Said.from_json(found["call"]),) if "call" in found else ()
