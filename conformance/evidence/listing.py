"""What `orthanc-jobs list` prints: the catalogue, and what is done for each requirement of it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from conformance.evidence.planted import SHOWN
from conformance.evidence.power import Power, measured
from conformance.suites import suites
from conformance.sut.profile import Profile
from spec.requirements import CATALOGUE, Requirement

SCHEMA = 1
# What oracle and driver check of every answer, reading and arrival, whatever the case is about.
THROUGHOUT = frozenset(
    {
        "answer/accepted",
        "answer/refused",
        "history/kept",
        "monitor/completion-time",
        "monitor/content",
        "monitor/creation-time",
        "monitor/effective-runtime",
        "monitor/error-code",
        "monitor/error-code-cancelled",
        "monitor/error-code-step",
        "monitor/error-description",
        "monitor/estimated-time",
        "monitor/id",
        "monitor/job",
        "monitor/list",
        "monitor/list-expand",
        "monitor/priority",
        "monitor/progress",
        "monitor/progress-after-failure",
        "monitor/progress-rounded",
        "monitor/resubmitted-error-code",
        "monitor/resubmitted-progress",
        "monitor/state",
        "monitor/state-paused",
        "monitor/timestamp",
        "monitor/times-utc",
        "monitor/type",
        "monitor/unknown-job",
        "queue/free-worker-takes",
        "step/one-after-answer",
        "step/only-while-running",
        "step/resubmitted-starts-over",
        "step/resumed-goes-on",
        "step/run-once",
        "submit/asynchronous-handle",
        "submit/creates-job",
    }
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A requirement, and what is done for it.

    ``faults``: those that were planted in the reference server and seen to be reported by it.
    """

    requirement: Requirement
    cases: tuple[str, ...]
    throughout: bool
    faults: tuple[str, ...]

    @property
    def checked(self) -> bool:
        return bool(self.cases) or self.throughout

    @property
    def unreachable(self) -> str | None:
        return None if self.checked else self.requirement.unreachable


def entries() -> list[Entry]:
    """The whole catalogue, in its order."""
    cases = defaultdict(list)
    for case in suites(Profile()):
        cases[case.requirement].append(case.id)
    powers = measured().values()
    return [
        Entry(
            one,
            tuple(cases[id]),
            id in THROUGHOUT,
            _faults(id, powers),
        )
        for id, one in CATALOGUE.items()
    ]


def _faults(id: str, powers: Iterable[Power]) -> tuple[str, ...]:
    """The faults by which it was seen to be broken."""
    named = [fault for fault, _ in SHOWN.get(id, ())]
    more = [one.fault for one in powers if id in {catch.requirement for catch in one.catches}]
    return tuple(dict.fromkeys([*named, *more]))


def lines() -> Iterator[str]:
    """Every requirement: its ground, sentence and source, then what checks it."""
    found = entries()
    for entry in found:
        yield from _lines(entry)
    total = sum(len(entry.cases) for entry in found)
    checked = sum(entry.checked for entry in found)
    closed = sum(entry.unreachable is not None for entry in found)
    yield (
        f"{total} cases check {checked} of {len(found)} requirements;"
        f" {closed} cannot be reached from outside, {len(found) - checked - closed} have no case"
    )


def _lines(entry: Entry) -> Iterator[str]:
    one = entry.requirement
    yield f"{one.id}  [{one.ground}{_versions(one)}]"
    yield f"    {one.sentence}"
    if one.reading:
        yield f"    reading: {one.reading}"
    if one.note:
        yield f"    note:    {one.note}"
    yield f"    source:  {one.source}"
    named = [*entry.cases, *(["throughout, in every case"] if entry.throughout else [])]
    if entry.unreachable is None:
        yield f"    cases:   {', '.join(named) or 'none yet'}"
    else:
        yield f"    no case: {entry.unreachable}"
    if entry.faults:
        yield f"    faults:  {', '.join(entry.faults)}"


def to_json() -> str:
    """The same for another program."""
    found = [
        {
            "id": entry.requirement.id,
            "sentence": entry.requirement.sentence,
            "source": entry.requirement.source,
            "ground": entry.requirement.ground.value,
            "since": entry.requirement.since,
            "until": entry.requirement.until,
            "reading": entry.requirement.reading,
            "note": entry.requirement.note,
            "cases": list(entry.cases),
            "throughout": entry.throughout,
            "faults": list(entry.faults),
            "unreachable": entry.unreachable,
        }
        for entry in entries()
    ]
    return json.dumps({"schema": SCHEMA, "requirements": found}, indent=2)


def _versions(one: Requirement) -> str:
    since = f", since {one.since}" if one.since else ""
    return since + (f", until {one.until}" if one.until else "")
