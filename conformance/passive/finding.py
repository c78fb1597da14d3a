"""What a history shows that no server may show, and how it is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from conformance.passive.shown import Wrong
from spec.relaxations import Name
from spec.requirements import requirement


@dataclass(frozen=True, slots=True)
class Impossible:
    """What no run of the model explains. ``history``: the job's, a line a reading."""

    job: str
    wrong: Wrong
    history: tuple[str, ...]

    @property
    def requirement(self) -> str:
        return self.wrong.requirement


def lines(found: Iterable[Impossible]) -> Iterator[str]:
    """What is impossible, or missing, in words for who reads it in a terminal."""
    for one in found:
        word = "missing" if one.wrong.missing else "impossible"
        yield f"{word}: {one.requirement}" + (f", job {one.job}" if one.job else "")
        yield from _told(one.wrong)
        if one.wrong.known:
            yield f"  looks like  {' or '.join(one.wrong.known)}, which is not accepted here"
        for number, line in enumerate(one.history, start=1):
            yield f"  {number:2}. {line}"


def accepted(findings: Mapping[Name, Impossible]) -> Iterator[str]:
    """The findings that are accepted, by their names."""
    for name, one in sorted(findings.items()):
        yield f"finding: {name}" + (f", job {one.job}" if one.job else "")
        yield f"  known as    {name.sentence}"
        yield from _told(one.wrong)


def _told(wrong: Wrong) -> Iterator[str]:
    """What was expected and seen, and where it stands what is right."""
    yield f"  expected    {wrong.expected}"
    yield f"  actual      {wrong.actual}"
    stands = requirement(wrong.requirement)
    yield f"  requirement {stands.id} ({stands.ground}): {stands.sentence}"
    yield f"  source      {stands.source}"
    if stands.url is not None:
        yield f"              {stands.url}"
