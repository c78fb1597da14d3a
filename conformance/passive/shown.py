"""What one reading shows of one job, taken out of its JSON; and what in it no server may show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.oracle.fields import parse
from conformance.oracle.shown import (
    REQUIREMENTS,
    Malformed,
    clip,
    id_in,
    number_in,
    state_in,
    whole_in,
)
from spec.relaxations import Name
from spec.table import FINAL, State

# The fields of a job in the order of the page's example, and the requirement that has each.
FIELDS = {
    "Content": "monitor/content",
    "CreationTime": "monitor/creation-time",
    "EffectiveRuntime": "monitor/effective-runtime",
    "ErrorCode": "monitor/error-code",
    "ErrorDescription": "monitor/error-description",
    "ID": "monitor/id",
    "Priority": "monitor/priority",
    "Progress": "monitor/progress",
    "State": "monitor/state",
    "Timestamp": "monitor/timestamp",
    "Type": "monitor/type",
}
COMPLETION, DETAILS = "monitor/completion-time", "monitor/error-details"


@dataclass(frozen=True, slots=True)
class Wrong:
    """What a reading breaks. ``missing``: only in that a field is not there.

    ``known``: the shortfalls of released servers that look like this; any of them explains it.
    """

    requirement: str
    expected: str
    actual: str
    missing: bool = False
    known: tuple[Name, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """One reading of a job. ``runtime``: seconds. ``timestamp``: seconds of the server's clock."""

    id: str
    state: State
    error: int
    progress: int
    priority: int
    type: str
    creation: str
    completion: str | None
    runtime: float | None
    timestamp: float | None
    content: Mapping[str, Any] | None

    def __str__(self) -> str:
        text = f"{self.state}, ErrorCode {self.error}, Progress {self.progress}"
        text += f", Priority {self.priority}" if self.priority else ""
        text += "" if self.runtime is None else f", ran {self.runtime:g} s"
        return text + ("" if self.completion is None else f", completed {self.completion}")


def shown(job: Mapping[str, Any]) -> Shown | None:
    """The job that a JSON object describes; None where what a job is followed by is not there."""
    id, type, content = id_in(job), job.get("Type"), job.get("Content")
    completion, stamp = job.get("CompletionTime"), parse(job.get("Timestamp"))
    if id is None or not isinstance(type, str):
        return None
    try:
        return Shown(
            id,
            state_in(job),
            error=whole_in(job, "ErrorCode"),
            progress=whole_in(job, "Progress"),
            priority=whole_in(job, "Priority"),
            type=type,
            creation=str(job.get("CreationTime")),
            completion=None if completion is None else str(completion),
            runtime=number_in(job.get("EffectiveRuntime")),
            timestamp=None if stamp is None else stamp.seconds,
            content=content if isinstance(content, Mapping) else None,
        )
    except Malformed:
        return None


def malformed(job: Mapping[str, Any], key: str | None, details: bool) -> Iterator[Wrong]:
    """What is wrong with a job by itself, as far as it is about fields that are not there, or of a
    wrong kind. What their values mean is looked at by `conformance.oracle.fields`.

    ``key``: the id by which it was asked for. ``details``: its server has the field ErrorDetails.
    """
    needed = dict(FIELDS)
    if job.get("State") in list(FINAL):
        needed["CompletionTime"] = COMPLETION
    if details:
        needed["ErrorDetails"] = DETAILS
    for name, requirement in needed.items():
        if name not in job:
            yield Wrong(requirement, f"a field {name}", f"no {name}", missing=True)
    for name in sorted(job.keys() & {"State", *REQUIREMENTS}):
        try:
            state_in(job) if name == "State" else whole_in(job, name)
        except Malformed as wrong:
            yield Wrong(wrong.requirement, wrong.expected, wrong.actual)
    for name in ("ID", "Type"):
        if name in job and (not isinstance(job[name], str) or not job[name]):
            yield Wrong(FIELDS[name], f"{name} is a text", f"{name} {clip(repr(job[name]))}")
    if key is not None and "ID" in job and job["ID"] != key:
        yield Wrong(FIELDS["ID"], f"ID {key!r}", f"ID {clip(repr(job['ID']))}")
