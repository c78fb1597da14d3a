"""Results and events that no run has to make."""

from __future__ import annotations

from conformance.events import (
    CaseBegins,
    CaseEnds,
    Cleanup,
    Coverage,
    Ended,
    Event,
    Left,
    Result,
    RunVerdict,
    Share,
    Started,
    Statistics,
    Target,
    Verdict,
)
from spec.table import Ground

BAD = Result(
    "action/pause/paused",
    "action/pause/paused",
    Ground.OBSERVED,
    Verdict.DEVIATION,
    ("HTTP 200",),
    "HTTP 500",
    replay="replays/action-pause-paused.json",
    program=("submit A, 2 steps, priority 0", "pause A"),
    seconds=0.25,
)
KNOWN = Result(
    "schedule/ties",
    "queue/ties-in-order",
    Ground.DOCUMENTED,
    Verdict.ACCEPTED,
    ("step 1 of B arrives",),
    "step 1 of C arrives",
    ("ties-unordered",),
    "Equal jobs change places.",
    "replays/schedule-ties.json",
)
UNSURE = Result(
    "edge/running/failure/fail",
    "edge/running/failure/fail",
    Ground.DOCUMENTED,
    Verdict.UNKNOWN,
    reason="the connection broke",
)
SKIPPED = Result(
    "action/pause/retry",
    "action/pause/retry",
    Ground.DOCUMENTED,
    Verdict.SKIPPED,
    reason="no job of this server uses Retry",
)


def events(*results: Result, verdict: str = "deviates") -> list[Event]:
    cells = Share(24, ("pause/paused",), ("cancel/paused",), (("pause/retry", "no Retry"),))
    ended = Ended(
        RunVerdict(verdict),
        False,
        Coverage(cells, Share(15, (), ()), Share(2, ("a",), ("b",))),
        ("ties-unordered",),
        (),
        Cleanup(3, (Left("job", "1234", "this server cannot delete a job"),)),
        Statistics(7, 20, 1.23456, 0.5, 0.25),
    )
    started = Started(
        Target("http://h:1", "1.10.1", "url", ("--exclusive",)), 5, "2026-01-01T00:00:00", 4, None,
        command="orthanc-jobs run http://h:1 --html r.html",
    )  # fmt: skip
    middle = [e for r in results for e in (CaseBegins(r.id), CaseEnds(r))]
    return [started, *middle, ended]
