"""`orthanc-jobs upgrade`: the difference between two measured releases, from what the kit ships.

What is said of them is the catalogue's, how they fall short the ledger's, whose entries are the
findings, and what breaks which requirement the matrix's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from conformance.campaign.ledger import of_version
from conformance.campaign.typed import Mark
from conformance.errors import BadArgument
from conformance.evidence.kept import released
from conformance.evidence.matrix import BOUND, Server
from conformance.suites import suites
from conformance.sut.profile import Profile
from conformance.text import counted
from spec.relaxations import Name
from spec.releases import Change, between
from spec.requirements import Requirement

SCHEMA = 1
FINDINGS = "docs/findings.md"
# What to run, and where: each kind of place with its commands.
TO_RUN = (
    (
        "on a server of the old version, which may be in use",
        ("orthanc-jobs run URL --no-ledger --json old.json",),
    ),
    (
        "on a server of the new version that is nobody's yet, with the same configuration",
        (
            "orthanc-jobs run URL --no-ledger --json new.json",
            "orthanc-jobs compare old.json new.json",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Upgrade:
    """``change``: of what is said. ``came``, ``went``, ``stay``: the findings of the new server
    alone, of the old one alone, and of both.
    """

    old: Server
    new: Server
    change: Change
    came: tuple[Name, ...]
    went: tuple[Name, ...]
    stay: tuple[Name, ...]


def upgrade(old: str, new: str) -> Upgrade:
    """From one measured version to another. Raises `BadArgument` for others."""
    servers = {server.version: server for server in released()}
    for version in (old, new):
        if version not in servers:
            raise BadArgument(
                f"unknown version {version!r}: it was not measured\n"
                f"There are measurements of {', '.join(servers)}."
            )
    if old == new:
        raise BadArgument(f"from {old} to {new} nothing changes\nName two versions.")
    known = [case.id for case in suites(Profile())]
    before, after = (
        [entry.relaxation for entry in of_version(version, known, None).entries]
        for version in (old, new)
    )
    return Upgrade(
        servers[old],
        servers[new],
        between(old, new, BOUND.values()),
        tuple(name for name in after if name not in before),
        tuple(name for name in before if name not in after),
        tuple(name for name in before if name in after),
    )


def lines(found: Upgrade, width: int) -> Iterator[str]:
    """In words, in lines of at most ``width`` columns."""
    old, new = found.old.version, found.new.version
    yield f"Orthanc's jobs engine, from {old} to {new}, as it was measured"
    yield ""
    yield from _said(f"said of {new} and not of {old}", found.change.begins, found.new, width)
    yield from _said(f"said of {old} and no more of {new}", found.change.ends, found.old, width)
    yield from _findings(f"what {new} does wrong and {old} does not", found.came, found.new, width)
    yield from _findings(f"what {old} does wrong and {new} does not", found.went, found.old, width)
    yield f"what both do wrong: {_number(found.stay, 'finding')}"
    yield from _wrapped(", ".join(found.stay), "  ", width)
    yield ""
    tallies = " ".join(map(_tally, (found.old, found.new)))
    yield from _wrapped(f"in docs/matrix.md: {tallies}", "", width)
    yield ""
    yield "what to run before the upgrade"
    for where, commands in TO_RUN:
        yield from _wrapped(f"{where}:", "  ", width)
        yield from (f"    {command}" for command in commands)


def _said(title: str, entries: Iterable[Requirement], server: Server, width: int) -> Iterator[str]:
    """Requirements by section, each with what this server does about it, where it does not pass."""
    entries = tuple(entries)
    yield f"{title}: {_number(entries, 'requirement')}"
    for section in dict.fromkeys(one.section for one in entries):
        of_it = [one for one in entries if one.section == section]
        yield f"  {section}: {len(of_it)}"
        for one in of_it:
            yield f"    {one.id} [{one.ground}]"
            yield from _wrapped(one.sentence, "      ", width)
            if one.note:
                yield from _wrapped(f"note: {one.note}", "      ", width)
            if (field := server.of(one.id)).mark is not Mark.PASS:
                names = f": {', '.join(field.names)}" if field.names else ""
                yield from _wrapped(f"{server.version}: {field.mark}{names}", "      ", width)
    yield ""


def _findings(title: str, names: Iterable[Name], server: Server, width: int) -> Iterator[str]:
    """Findings, each with what it breaks on this server."""
    names = tuple(names)
    yield f"{title}: {_number(names, 'finding')}"
    for name in names:
        yield f"  {name}"
        yield from _wrapped(name.sentence, "    ", width)
        if broken := _broken(name, server):
            yield from _wrapped(f"breaks {', '.join(broken)}", "    ", width)
        yield f"    {FINDINGS}#{name}"
    yield ""


def _broken(name: Name, server: Server) -> list[str]:
    """The requirements that were seen to be broken so."""
    return [id for id, field in server.fields.items() if name in field.names]


def _tally(server: Server) -> str:
    marks = [field.mark for field in server.fields.values()]
    met, broken = marks.count(Mark.PASS), marks.count(Mark.DEVIATION)
    return f"{server.version} meets {counted(met, 'requirement')} and breaks {broken}."


def _number(things: Iterable[object], thing: str) -> str:
    number = len(list(things))
    return counted(number, thing) if number else "nothing"


def _wrapped(text: str, indent: str, width: int) -> list[str]:
    return wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def to_json(found: Upgrade) -> str:
    """The same for another program."""
    told = {
        "schema": SCHEMA,
        "old": found.old.version,
        "new": found.new.version,
        "said_newly": [_requirement(one, found.new) for one in found.change.begins],
        "said_no_more": [_requirement(one, found.old) for one in found.change.ends],
        "findings": {
            "new": [_finding(name, found.new) for name in found.came],
            "gone": [_finding(name, found.old) for name in found.went],
            "stay": [_finding(name, found.new) for name in found.stay],
        },
        "run": [command for _, commands in TO_RUN for command in commands],
    }
    return json.dumps(told, indent=2)


def _requirement(one: Requirement, server: Server) -> dict[str, Any]:
    field = server.of(one.id)
    return {
        "id": one.id,
        "sentence": one.sentence,
        "source": one.source,
        "url": one.url,
        "ground": one.ground.value,
        "note": one.note,
        "mark": field.mark.value,
        "names": list(field.names),
    }


def _finding(name: Name, server: Server) -> dict[str, Any]:
    return {
        "name": name.value,
        "sentence": name.sentence,
        "breaks": _broken(name, server),
        "read": f"{FINDINGS}#{name}",
    }
