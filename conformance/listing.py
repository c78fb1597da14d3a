"""What `orthanc-jobs list` prints: the catalogue, with the cases that check each requirement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from conformance.suites import suites
from conformance.suites.case import Profile
from spec.requirements import CATALOGUE, Requirement

# What oracle and bench check of every answer, reading and arrival, whatever the case is about.
THROUGHOUT = frozenset(
    {
        "answer/accepted",
        "answer/refused",
        "history/kept",
        "monitor/completion-time",
        "monitor/error-code",
        "monitor/error-code-cancelled",
        "monitor/error-code-step",
        "monitor/error-description",
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


def lines() -> Iterator[str]:
    """Every requirement: its ground, sentence and source, then its cases."""
    cases = defaultdict(list)
    for case in suites(Profile()):
        cases[case.requirement].append(case.id)
    for id, one in CATALOGUE.items():
        yield f"{id}  [{one.ground}{_versions(one)}]"
        yield f"    {one.sentence}"
        if one.reading:
            yield f"    reading: {one.reading}"
        if one.note:
            yield f"    note:    {one.note}"
        yield f"    source:  {one.source}"
        named = [*cases.get(id, ()), *(["throughout, in every case"] if id in THROUGHOUT else [])]
        yield f"    cases:   {', '.join(named) or 'none yet'}"
    total = sum(map(len, cases.values()))
    checked = len(THROUGHOUT | set(cases))
    yield f"{total} cases check {checked} of {len(CATALOGUE)} requirements"


def _versions(one: Requirement) -> str:
    since = f", since {one.since}" if one.since else ""
    return since + (f", until {one.until}" if one.until else "")
