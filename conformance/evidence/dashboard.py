"""The matrix as a page: requirement by version and type by version, to be searched and compared.

One file that needs no other. A row opens into what it rests on: a requirement into its cases, a
type into the requirements that are said of every job.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from conformance.campaign.throughout import THROUGHOUT
from conformance.campaign.typed import UNNAMED, Field, Mark, Told, by_type
from conformance.events import Verdict
from conformance.evidence.matrix import BOUND, MEANS, Server
from conformance.reports.rendering import rendered
from conformance.suites import suites
from conformance.sut.profile import Profile
from conformance.text import counted
from spec.of_jobs import SAID, TYPES, why_not
from spec.relaxations import named
from spec.requirements import Requirement, requirement

TEMPLATE = "matrix.html.j2"
# What a mark says of a type, in a line; those that are not here are not counted there.
OF_A_TYPE = (Mark.PASS, Mark.DEVIATION, Mark.UNKNOWN, Mark.NOT_REACHABLE, Mark.NO_CASE)


@dataclass(frozen=True, slots=True)
class Cell:
    """What is known of a thing on one server. ``mark``: of a case its verdict, and nothing where
    it was not part of the run. ``names``: of its deviations. ``reported_as``: the requirement that
    a case broke in place of its own.
    """

    mark: str
    names: tuple[str, ...] = ()
    why: tuple[str, ...] = ()
    reported_as: str | None = None
    words: str = ""  # in place of the mark

    @property
    def look(self) -> str:
        """The class of its style."""
        return self.mark.replace(" ", "-")


@dataclass(frozen=True, slots=True)
class Row:
    """A cell for each server."""

    id: str
    sentence: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """A row that opens into others. ``remarks``: sentences on the row."""

    row: Row
    rows: tuple[Row, ...]
    remarks: tuple[str, ...]
    requirement: Requirement | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """A name of deviations. ``breaks``: of each requirement the versions that break it so."""

    name: str
    sentence: str
    breaks: Mapping[str, tuple[str, ...]]


def page(servers: Sequence[Server], findings: str | None = None) -> str:
    """The page. ``findings``: where docs/findings.md stands as a page, seen from this one."""
    requirements = list(_requirements(servers))
    types = list(_types(servers))
    return rendered(
        TEMPLATE,
        servers=servers,
        numbers={mark: [_number(one, mark) for one in servers] for mark in Mark},
        means=MEANS,
        sections=list(dict.fromkeys(one.section for one in BOUND.values())),
        steps=list(
            pairwise(one.version for one in servers if not one.reference and not one.plugin)
        ),
        requirements=requirements,
        types=types,
        names=_names(servers),
        findings=findings,
        counted=counted,
    )


def _number(server: Server, mark: Mark) -> int:
    return sum(one.mark is mark for one in server.fields.values())


def _requirements(servers: Sequence[Server]) -> Iterator[Group]:
    """Each requirement, with the cases that its cells rest on: those that are about it, and those
    of others that broke it.
    """
    cases = {case.id: case for case in suites(Profile())}
    told = [{case.id: case for case in server.cases} for server in servers]
    about: dict[str, dict[str, None]] = defaultdict(dict)
    for ran in told:
        for one in ran.values():
            about[cases[one.id].requirement if one.id in cases else one.requirement][one.id] = None
            about[one.requirement][one.id] = None
    for id, said in BOUND.items():
        rows = tuple(
            Row(
                case,
                cases[case].sentence if case in cases else "",
                tuple(_of_case(ran.get(case), id) for ran in told),
            )
            for case in about[id]
        )
        row = Row(id, said.sentence, tuple(_cell(server.of(id)) for server in servers))
        yield Group(row, rows, tuple(_remarks(said, row, rows, servers)), said)


def _remarks(
    said: Requirement, row: Row, rows: Iterable[Row], servers: Sequence[Server]
) -> Iterator[str]:
    """What its deviations are known as, and why cases were not run, each with the versions."""
    if said.id in THROUGHOUT:
        yield "It is looked at in every case."
    elif not rows:
        yield "No case is about it."
    versions = [server.label for server in servers]
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for one in (row, *rows):
        for version, cell in zip(versions, one.cells, strict=True):
            for words in (*(f"known as {name}" for name in cell.names), *cell.why):
                found[words][version] = None
    for words, where in found.items():
        yield f"{', '.join(version for version in versions if version in where)}: {words}."


def _types(servers: Sequence[Server]) -> Iterator[Group]:
    """Each type of job, with what is said of every job."""
    known = [by_type(server.cases, server.version) for server in servers]
    for type in TYPES:
        tried = {id: why_not(type, id) for id in SAID}
        rows = tuple(
            Row(id, requirement(id).sentence, tuple(_cell(found[type][id]) for found in known))
            for id, closed in tried.items()
            if closed is None
        )
        whole = tuple(_in_all(row.cells[at] for row in rows) for at in range(len(known)))
        yield Group(Row(type, "", whole), rows, tuple(_not_tried(tried, rows, servers)))


def _not_tried(
    tried: Mapping[str, str | None], rows: Iterable[Row], servers: Sequence[Server]
) -> Iterator[str]:
    """Why things were not tried on a type: on no server, or not on some."""
    for closed in dict.fromkeys(filter(None, tried.values())):
        yield f"Not tried, as {closed}: {', '.join(id for id in tried if tried[id] == closed)}."
    absent: dict[str, dict[str, None]] = defaultdict(dict)
    for row in rows:
        for server, cell in zip(servers, row.cells, strict=True):
            for why in cell.why:
                absent[why][server.label] = None
    for why, versions in absent.items():
        yield f"{', '.join(versions)}: {why}."


def _cell(known: Field) -> Cell:
    return Cell(known.mark, known.names, known.why)


def _of_case(told: Told | None, requirement: str) -> Cell:
    if told is None:
        return Cell("", words="not run")
    why = () if told.reason is None else (told.reason,)
    as_another = None if told.requirement == requirement else told.requirement
    names = told.names or ((UNNAMED,) if told.verdict is Verdict.DEVIATION else ())
    return Cell(told.verdict, names, why, as_another)


def _in_all(cells: Iterable[Cell]) -> Cell:
    """How a type stands on a server: its worst mark, and how many requirements have which."""
    marks = [cell.mark for cell in cells]
    numbers = {mark: marks.count(mark) for mark in OF_A_TYPE if mark in marks}
    worst = (Mark.DEVIATION, Mark.UNKNOWN, Mark.PASS, Mark.NO_CASE, Mark.NOT_REACHABLE)
    words = ", ".join(f"{number} {mark}" for mark, number in numbers.items())
    return Cell(next((mark for mark in worst if mark in marks), Mark.NO_CASE), words=words)


def _names(servers: Sequence[Server]) -> list[Named]:
    """Each name of a deviation, with the requirements that were seen to be broken so, and where."""
    found: dict[str, dict[str, dict[str, None]]] = defaultdict(lambda: defaultdict(dict))
    for server in servers:
        for case in server.cases:
            if case.verdict is Verdict.DEVIATION:
                for name in case.names or (UNNAMED,):
                    found[name][case.requirement][server.label] = None
    return [
        Named(
            name,
            "Nothing in the catalogue explains it." if name == UNNAMED else named(name).sentence,
            {id: tuple(versions) for id, versions in found[name].items()},
        )
        for name in sorted(found)
    ]
