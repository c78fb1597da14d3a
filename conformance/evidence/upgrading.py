"""`orthanc-jobs upgrade`: the difference between two measured releases, from what the kit ships.

What is said of them is the catalogue's, how they fall short the ledger's, whose entries are the
findings, and what breaks which requirement the matrix's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from conformance.campaign.ledger import of_version
from conformance.campaign.typed import Mark, too_old
from conformance.errors import BadArgument
from conformance.evidence.costs import COSTS
from conformance.evidence.kept import released
from conformance.evidence.matrix import BOUND, Server
from conformance.suites import suites
from conformance.sut.profile import Profile
from conformance.text import counted
from spec.of_jobs import TYPES
from spec.relaxations import Name
from spec.releases import Change, between
from spec.requirements import CATALOGUE, Requirement, applies, within
from spec.types import row

SCHEMA = 1
FINDINGS = "docs/findings.md"
DELETION = "history/delete-job"  # what a server has to have, for a polite run to say much


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
                f"There are measurements of {', '.join(servers)}{_nearest(version, servers)}."
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
        _dearest_first(name for name in after if name not in before),
        _dearest_first(name for name in before if name not in after),
        _dearest_first(name for name in before if name in after),
    )


def _dearest_first(names: Iterable[Name]) -> tuple[Name, ...]:
    """By what they cost."""
    return tuple(sorted(names, key=[*COSTS].index))


def _nearest(version: str, measured: Iterable[str]) -> str:
    """The next older and the next newer of those that were measured, in words."""
    if not re.fullmatch(r"\d+(\.\d+)*", version):
        return ""
    older = [one for one in measured if within(version, one, None)]
    newer = [one for one in measured if within(version, None, one)]
    found = [*older[-1:], *newer[:1]]
    return f"; the nearest {'are' if len(found) > 1 else 'is'} {' and '.join(found)}"


def lines(found: Upgrade, width: int) -> Iterator[str]:
    """In words, in lines of at most ``width`` columns."""
    old, new = found.old.version, found.new.version
    yield f"Orthanc's jobs engine, from {old} to {new}, as it was measured"
    yield from _wrapped(_summary(found), "", width)
    yield ""
    yield from _findings(f"what {new} does wrong and {old} does not", found.came, found, width)
    yield from _findings(f"what {old} does wrong and {new} does not", found.went, found, width)
    yield f"what both do wrong: {_number(found.stay, 'finding')}"
    yield from _wrapped(", ".join(found.stay), "  ", width)
    yield ""
    yield from _said(f"said of {new} and not of {old}", found.change.begins, found.new, width)
    yield from _said(f"said of {old} and no more of {new}", found.change.ends, found.old, width)
    tallies = " ".join(map(_tally, (found.old, found.new)))
    yield from _wrapped(f"in docs/matrix.md: {tallies}", "", width)
    yield ""
    yield "what to run before the upgrade"
    for where, commands in _to_run(found):
        yield from _wrapped(f"{where}:", "  ", width)
        yield from (f"    {command}" for command in commands)


def _summary(found: Upgrade) -> str:
    """What there is to be read, in numbers."""
    came, went, stay = len(found.came), len(found.went), len(found.stay)
    absent = sum(_is_of_what_was_not_there(name, found) for name in found.came)
    of_them = f", {absent} of them in what {found.old.version} does not have" if absent else ""
    begins, ends = found.change.begins, found.change.ends
    return (
        f"{counted(came, 'new finding')}{of_them}; {went} repaired; {stay} in both."
        f" {counted(len(begins), 'requirement')} more, {len(ends)} no more."
    )


def _is_of_what_was_not_there(name: Name, found: Upgrade) -> bool:
    """Whether what a finding is about came with the new version: then nothing has got worse.

    Such are the jobs that no call of the old version makes, and what was not said of it.
    """
    types = [type for type in TYPES if name in row(type).short]
    begins = {one.id for one in found.change.begins}
    broken = _broken(name, found.new)
    no_job = bool(types) and all(too_old(type, found.old.version) for type in types)
    return no_job or (bool(broken) and begins.issuperset(broken))


def _to_run(found: Upgrade) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What to run, and where: each kind of place with its commands."""
    old, mode = "a server of the old version, which may be in use", ""
    if not applies(CATALOGUE[DELETION], found.old.version):
        old = (
            "a second server of the old version, with the same configuration: it cannot delete a"
            " job, so of one that is in use a run judges little"
        )
        mode = " --exclusive"
    run = f"orthanc-jobs run URL{mode} --no-ledger --json"
    return (
        (f"on {old}", (f"{run} old.json",)),
        (
            "on a server of the new version that is nobody's yet, with the same configuration",
            (f"{run} new.json", "orthanc-jobs compare old.json new.json"),
        ),
    )


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


def _findings(title: str, names: Iterable[Name], found: Upgrade, width: int) -> Iterator[str]:
    """Findings, each with what it costs, and what it breaks on the server that has it."""
    names = tuple(names)
    yield f"{title}: {_number(names, 'finding')}"
    for name in names:
        came = name in found.came
        server = found.new if came else found.old
        absent = came and _is_of_what_was_not_there(name, found)
        yield f"  {name}{f' (of what {found.old.version} does not have)' if absent else ''}"
        yield from _wrapped(name.sentence, "    ", width)
        yield from _wrapped(f"costs {COSTS[name]}", "    ", width)
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
        "run": [command for _, commands in _to_run(found) for command in commands],
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
        "costs": COSTS[name],
        "breaks": _broken(name, server),
        "read": f"{FINDINGS}#{name}",
    }
