"""The requirements that are checked throughout: in every case, whatever that is about."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

# What oracle and driver check of every answer, reading and arrival, whatever the case is about.
RAISED = frozenset(
    {
        "answer/accepted",
        "answer/json",
        "answer/refused",
        "history/kept",
        "monitor/completion-time",
        "monitor/content",
        "monitor/creation-time",
        "monitor/effective-runtime",
        "monitor/error-code",
        "monitor/error-description",
        "monitor/estimated-time",
        "monitor/id",
        "monitor/job",
        "monitor/list",
        "monitor/list-expand",
        "monitor/priority",
        "monitor/progress",
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
# What they check of every reading as well, but report as the field that it is said of.
READ_AS: Mapping[str, str] = MappingProxyType(
    {
        "monitor/error-code-cancelled": "monitor/error-code",
        "monitor/error-code-step": "monitor/error-code",
        "monitor/progress-after-failure": "monitor/progress",
        "monitor/progress-rounded": "monitor/progress",
        "monitor/resubmitted-error-code": "monitor/error-code",
        "monitor/result-not-late": "monitor/error-code",
        "monitor/resubmitted-progress": "monitor/progress",
    }
)
THROUGHOUT = RAISED | READ_AS.keys()
