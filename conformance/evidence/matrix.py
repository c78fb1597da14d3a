"""The matrix: requirement by version, from the JSON reports of one run on each server.

It is evidence: each column says by which command it was made. `tools/matrix` makes the runs. What
they came to, requirement by requirement and case by case, is kept (`conformance.evidence.kept`),
and all pages are made of that.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.campaign.throughout import THROUGHOUT
from conformance.campaign.typed import UNNAMED, Field, Mark, Told
from conformance.events import Verdict
from conformance.suites import suites
from conformance.sut.profile import Profile
from spec.requirements import CATALOGUE, Bound, Requirement, applies

REFERENCE = "reference"
BOUND = {id: one for id, one in CATALOGUE.items() if one.binds is Bound.SERVER}


MEANS = {
    Mark.PASS: "its cases ran and met it (or it is checked throughout, and was never broken)",
    Mark.DEVIATION: "a case broke it; the name of the difference stands with it",
    Mark.NOT_APPLICABLE: "it is said of other versions",
    Mark.NOT_REACHABLE: "no case of it can be run there from outside; the reasons are below",
    Mark.UNKNOWN: "its cases came to no verdict, or broke another requirement before",
    Mark.NO_CASE: "nothing checks it yet",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One server: how it is called, the command of its run, and the JSON report of that.
    ``plugin``: a plugin that it had, and that Debian's Orthanc has not, with its version.
    """

    title: str
    command: str
    report: Mapping[str, Any]
    plugin: str = ""

    @property
    def version(self) -> str:
        return str(self.report["target"]["version"])

    @property
    def reference(self) -> bool:
        return bool(self.report["target"]["kind"] == REFERENCE)


def read(title: str, command: str, path: Path, plugin: str = "") -> Column:
    return Column(title, command, json.loads(path.read_text(encoding="utf-8")), plugin)


def told(column: Column) -> tuple[Told, ...]:
    """What the JSON report says of its cases."""
    return tuple(
        Told(
            case["id"],
            case["requirement"],
            Verdict(case["verdict"]),
            tuple(case["relaxations"]),
            case["reason"],
        )
        for case in column.report["cases"]
    )


def fields(column: Column) -> dict[str, Field]:
    """What is known of each requirement of the catalogue on this server."""
    meant = {case.id: case.requirement for case in suites(Profile())}
    cases: dict[str, list[Told]] = defaultdict(list)
    broken: dict[str, set[str]] = defaultdict(set)
    for case in told(column):
        cases[meant.get(case.id, case.requirement)].append(case)
        if case.verdict is Verdict.DEVIATION:
            broken[case.requirement] |= set(case.names or [UNNAMED])
    return {
        id: _field(one, column, cases.get(id, []), tuple(sorted(broken.get(id, ()))))
        for id, one in BOUND.items()
    }


def _field(
    one: Requirement, column: Column, cases: Sequence[Told], broken: tuple[str, ...]
) -> Field:
    verdicts = {case.verdict for case in cases}
    if not applies(one, column.version) and not (column.reference and Verdict.PASS in verdicts):
        return Field(Mark.NOT_APPLICABLE)
    if broken:
        return Field(Mark.DEVIATION, broken)
    if Verdict.UNKNOWN in verdicts:
        return Field(Mark.UNKNOWN)
    if Verdict.PASS in verdicts or one.id in THROUGHOUT:
        return Field(Mark.PASS)
    if verdicts == {Verdict.SKIPPED}:
        return Field(Mark.NOT_REACHABLE, why=tuple(sorted({str(c.reason) for c in cases})))
    if verdicts:
        return Field(Mark.UNKNOWN)
    return Field(Mark.NO_CASE)


@dataclass(frozen=True, slots=True)
class Server:
    """What is kept of a column. ``day``: of its run. ``fields``: what is known, by requirement.
    ``cases``: what that rests on. ``plugin``: as of a column.
    """

    title: str
    version: str
    reference: bool
    command: str
    day: str
    kit: str
    verdict: str
    fields: Mapping[str, Field]
    cases: tuple[Told, ...]
    plugin: str = ""

    @property
    def label(self) -> str:
        """Its version, and what else tells it from another server."""
        return f"{self.version} with {self.plugin}" if self.plugin else self.version

    def of(self, id: str) -> Field:
        """What is known of a requirement; of one that is newer than the run, nothing."""
        return self.fields.get(id, Field(Mark.NO_CASE))

    def breaks(self, id: str) -> bool:
        """Whether a case broke it, which is said of this version."""
        return self.of(id).mark is Mark.DEVIATION


def kept(column: Column) -> Server:
    """What is kept of a column."""
    report = column.report
    return Server(
        column.title,
        column.version,
        column.reference,
        column.command,
        str(report["started"])[:10],
        str(report["kit"]),
        str(report["verdict"]),
        fields(column),
        told(column),
        column.plugin,
    )


def markdown(servers: Sequence[Server]) -> Iterator[str]:
    """The page, a line at a time."""
    yield "# What each server does\n"
    yield "Made by `make matrix`: each column by the command beside its server, where DIR is"
    yield "the folder into which `tools/matrix` installs the Orthancs of other Debian releases."
    yield "No ledger was used, so a deviation is shown as one. What its name means stands in"
    yield "`spec/relaxations.py`; what a requirement says, `orthanc-jobs list` prints.\n"
    yield "| server | version | command | run on | kit | verdict |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for one in servers:
        yield (
            f"| {one.title} | {one.label} | `{one.command}`"
            f" | {one.day} | {one.kit} | {one.verdict} |"
        )
    yield ""
    yield from _row("requirements", [f"{one.title} ({one.label})" for one in servers])
    yield from _row("---", ["---"] * len(servers))
    for mark in Mark:
        numbers = [sum(f.mark is mark for f in one.fields.values()) for one in servers]
        if any(numbers):
            yield from _row(mark, [str(number) for number in numbers])
    yield ""
    yield from (f"- *{mark}*: {text}." for mark, text in MEANS.items())
    for section in dict.fromkeys(one.section for one in BOUND.values()):
        yield f"\n## {section}\n"
        yield from _row("requirement", [f"{one.title} ({one.label})" for one in servers])
        yield from _row("---", ["---"] * len(servers))
        for id, said in BOUND.items():
            if said.section == section:
                yield from _row(f"`{id}`", [str(one.of(id)) for one in servers])
    yield from _reasons({one.label: one.fields for one in servers})


def _row(head: str, rest: Sequence[str]) -> Iterator[str]:
    yield f"| {head} | {' | '.join(rest)} |"


def _reasons(known: Mapping[str, Mapping[str, Field]]) -> Iterator[str]:
    """Why requirements are not reachable: by reason, on which server, which they are."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for title, all_ in known.items():
        for id, field in all_.items():
            for why in field.why:
                found[why][id].append(title)
    if found:
        yield "\n## Not reachable, and why\n"
    for why, ids in found.items():
        yield f"- {why}:"
        for id, titles in ids.items():
            where = "" if len(titles) == len(known) else f" ({', '.join(titles)})"
            yield f"  - `{id}`{where}"
