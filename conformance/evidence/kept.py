"""`matrix.json`: what the runs of the matrix came to, as it comes with the kit.

Of each server, for each mark the requirements that have it, each with the names of its deviations
or the reasons why it was not tried; and for each verdict the requirements that it was told of, each
with its cases, and each of these with the names, or the reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from importlib.resources import files
from typing import Any

from conformance.campaign.typed import Field, Mark, Told
from conformance.events import Verdict
from conformance.evidence.matrix import BOUND, Server

FILE = "matrix.json"
SCHEMA = 2
NAMED = (Verdict.DEVIATION, Verdict.ACCEPTED)  # the others have a reason, if anything
Said = Mapping[str, Sequence[str]]  # of each id: the names, or the reasons


def measured() -> tuple[Server, ...]:
    """What the kit ships: the oldest release first, those with a plugin, the reference server."""
    return parse(files("conformance.evidence").joinpath(FILE).read_text(encoding="utf-8"))


def released() -> tuple[Server, ...]:
    """Those of them that are Orthancs as they are released, without a plugin."""
    return tuple(server for server in measured() if not server.reference and not server.plugin)


def parse(text: str) -> tuple[Server, ...]:
    """The text of a `matrix.json`. Raises `ValueError` for one of another schema."""
    found = json.loads(text)
    if found["schema"] != SCHEMA:
        raise ValueError(f"schema {found['schema']}, not {SCHEMA}")
    return tuple(
        Server(**{**row, "fields": _fields(row["fields"]), "cases": tuple(_cases(row["cases"]))})
        for row in found["servers"]
    )


def to_json(servers: Iterable[Server]) -> str:
    """The text of a `matrix.json`."""
    rows = []
    for server in servers:
        row: dict[str, Any] = {one.name: getattr(server, one.name) for one in fields(server)}
        by_mark: dict[Mark, dict[str, list[str]]] = {mark: {} for mark in Mark}
        for id, field in server.fields.items():
            by_mark[field.mark][id] = [*field.names, *field.why]
        by_verdict: dict[Verdict, dict[str, dict[str, list[str]]]] = {}
        for case in server.cases:
            of_requirement = by_verdict.setdefault(case.verdict, {}).setdefault(
                case.requirement, {}
            )
            why = [] if case.reason is None else [case.reason]
            of_requirement[case.id] = [*case.names] if case.verdict in NAMED else why
        rows.append({**row, "fields": by_mark, "cases": by_verdict})
    return json.dumps({"schema": SCHEMA, "servers": rows}, indent=1) + "\n"


def _fields(marks: Mapping[str, Said]) -> dict[str, Field]:
    """The fields, in the order of the catalogue."""
    found = {}
    for mark in map(Mark, marks):
        for id, said in marks[mark].items():
            deviates = mark is Mark.DEVIATION
            found[id] = Field(mark, tuple(said)) if deviates else Field(mark, why=tuple(said))
    return {id: found[id] for id in BOUND if id in found}


def _cases(verdicts: Mapping[str, Mapping[str, Said]]) -> Iterator[Told]:
    """The cases, by verdict and requirement."""
    for verdict in map(Verdict, verdicts):
        for requirement, cases in verdicts[verdict].items():
            for id, said in cases.items():
                if verdict in NAMED:
                    yield Told(id, requirement, verdict, tuple(said), None)
                else:
                    yield Told(id, requirement, verdict, (), next(iter(said), None))
