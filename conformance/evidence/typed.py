"""docs/types.md: what is said of every job, type by type, on each server that was measured."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from conformance.campaign.typed import Field, Mark, by_type
from conformance.evidence.matrix import Server
from spec.of_jobs import SAID, TYPES, why_not
from spec.requirements import CATALOGUE

Known = Mapping[str, Mapping[str, Mapping[str, Field]]]  # by server, type and requirement
ALL, NONE = "pass", "-"
SHORT = {Mark.NOT_REACHABLE: "not there", Mark.NO_CASE: "not run"}


def markdown(servers: Sequence[Server]) -> Iterator[str]:
    """The page, a line at a time."""
    known = {one.label: by_type(one.cases, one.version) for one in servers}
    yield "# What is said of every job, by type\n"
    yield "Made by `make matrix`, of the runs of [matrix.md](matrix.md):"
    yield f"{', '.join(f'{one.title} {one.label}' for one in servers)}."
    yield "A row is a requirement that is said of every job (`spec/of_jobs.py`), a column a type of"
    yield "job (`spec/types.py`).\n"
    yield f"- *{ALL}*: tried on each of these servers that makes jobs of the type, and met."
    yield "- the name of a difference, with the servers that showed it: met on the others."
    yield "- *not there*, with servers: no case could be run there: the server lacks the call, or"
    yield "  what they look at; *not run*: they were not part of the run."
    yield f"- {NONE}: it cannot be tried on this type; why, stands below.\n"
    for section in dict.fromkeys(CATALOGUE[id].section for id in SAID):
        yield f"## {section}\n"
        yield f"| requirement | {' | '.join(TYPES)} |"
        yield f"| --- |{' --- |' * len(TYPES)}"
        for id in SAID:
            if CATALOGUE[id].section == section:
                yield f"| `{id}` | {' | '.join(_cell(known, type, id) for type in TYPES)} |"
        yield ""
    yield from _reasons()


def _cell(known: Known, type: str, requirement: str) -> str:
    if why_not(type, requirement) is not None:
        return NONE
    found: dict[str, list[str]] = defaultdict(list)
    for server, fields in known.items():
        field = fields[type][requirement]
        if field.mark is not Mark.PASS:
            word = ", ".join(field.names) or SHORT.get(field.mark, str(field.mark))
            found[f"**{word}**" if field.names else word].append(server)
    if not found:
        return ALL
    return "; ".join(f"{word}: {', '.join(servers)}" for word, servers in found.items())


def _reasons() -> Iterator[str]:
    """Why something cannot be tried: by reason, on which type, which requirements they are."""
    found: dict[str, dict[tuple[str, ...], list[str]]] = defaultdict(lambda: defaultdict(list))
    for id in SAID:
        closed: dict[str, list[str]] = defaultdict(list)
        for type in TYPES:
            if (why := why_not(type, id)) is not None:
                closed[why].append(type)
        for why, types in closed.items():
            found[why][tuple(types)].append(id)
    yield "## Not tried, and why\n"
    for why, cells in found.items():
        yield f"- {why}:"
        for which, ids in cells.items():
            what = "everything" if len(ids) == len(SAID) else ", ".join(f"`{id}`" for id in ids)
            yield f"  - {', '.join(which)}: {what}"
