"""docs/pages.md: what begins and ends to be said of which release, and what released servers do.

The catalogue says since and until when a requirement is said (`spec.releases`), the matrix what
each server was seen to do. `tools/pages` writes the page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from conformance.campaign.typed import UNNAMED, Field, Mark
from conformance.evidence.matrix import BOUND, MEANS, Server
from spec.releases import Change, changes
from spec.requirements import Requirement
from spec.table import Ground

FINDINGS = "findings.md"


def markdown(servers: Sequence[Server]) -> Iterator[str]:
    """The page, a line at a time. ``servers``: the released ones, the oldest first."""
    found = changes(BOUND.values())
    yield from _head(servers)
    yield from _summary(found, servers)
    yield from _contradictions(servers)
    for change in found:
        yield from _changed(change, servers)


def _head(servers: Sequence[Server]) -> Iterator[str]:
    versions = ", ".join(one.version for one in servers)
    yield "# What changed from page to page\n"
    yield "What is said of Orthanc's jobs is not the same for every release. Here is what begins"
    yield "and what ends to be said with each, and what the Orthancs that were measured do about"
    yield f"it: {versions}. [matrix.md](matrix.md) has every requirement;"
    yield "`orthanc-jobs list --release V` prints all that is said of one release.\n"
    yield "Made by `tools/pages` from the catalogue (`spec/requirements/`) and from the runs of the"
    yield "matrix.\n"
    yield "- *documented*: a page of the Orthanc Book or Orthanc's release notes say so."
    yield "- *observed*: no document says so; it is what the measured servers do from this release"
    yield "  on, or did up to the one before it. What a release does that is older than"
    yield f"  {servers[0].version}, or between two of them, nobody has seen."
    yield "- A deviation is shown by its name, which is that of a section of"
    yield f"  [{FINDINGS}]({FINDINGS})."
    for mark in (Mark.PASS, Mark.NOT_APPLICABLE, Mark.UNKNOWN):
        yield f"- *{mark}*: {MEANS[mark]}."
    yield ""


def _summary(found: Iterable[Change], servers: Sequence[Server]) -> Iterator[str]:
    yield "| release | said newly | of it documented | said no more | what is new is broken by |"
    yield "| --- | ---: | ---: | ---: | --- |"
    for change in found:
        documented = sum(one.ground is Ground.DOCUMENTED for one in change.begins)
        breaking = [s.version for s in servers if any(s.breaks(one.id) for one in change.begins)]
        yield (
            f"| [{change.new}](#{change.new.replace('.', '')}) | {len(change.begins)}"
            f" | {documented} | {len(change.ends)} | {', '.join(breaking) or '-'} |"
        )


def _contradictions(servers: Sequence[Server]) -> Iterator[str]:
    """What is documented of a server's release, and that server does otherwise."""
    broken = [
        one
        for id, one in BOUND.items()
        if one.ground is Ground.DOCUMENTED and any(server.breaks(id) for server in servers)
    ]
    yield "\n## Where a page and its own servers disagree\n"
    yield f"Each server is held to what is documented of its release; {len(broken)} of these"
    yield "requirements are broken by one or more. Each name is a finding.\n"
    yield from _table(broken, servers, "said of", _when)


def _changed(change: Change, servers: Sequence[Server]) -> Iterator[str]:
    """The section of a release."""
    yield f"\n## {change.new}"
    for title, entries in (("Said newly", change.begins), ("Said no more", change.ends)):
        for ground in Ground:
            if chosen := [one for one in entries if one.ground is ground]:
                yield f"\n### {title}, {ground}\n"
                yield from _table(chosen, servers, "source", _source)


def _table(
    entries: Iterable[Requirement],
    servers: Sequence[Server],
    head: str,
    about: Callable[[Requirement], str],
) -> Iterator[str]:
    """A row for each requirement. ``about``: what the column called ``head`` says of it."""
    yield f"| requirement | it says | {head} | {' | '.join(one.version for one in servers)} |"
    yield f"| --- | --- | --- |{' --- |' * len(servers)}"
    for one in entries:
        cells = " | ".join(_cell(server.of(one.id)) for server in servers)
        yield f"| `{one.id}` | {one.sentence} | {about(one)} | {cells} |"


def _when(one: Requirement) -> str:
    since = "" if one.since is None else f"{one.since} on"
    until = "" if one.until is None else f"up to {one.until}"
    return ", ".join(filter(None, (since, until))) or "every release"


def _source(one: Requirement) -> str:
    return one.source if one.url is None else f"[{one.source}]({one.url})"


def _cell(field: Field) -> str:
    if field.mark is not Mark.DEVIATION:
        return str(field.mark)
    named = (name if name == UNNAMED else f"[{name}]({FINDINGS}#{name})" for name in field.names)
    return f"**{', '.join(named)}**"
