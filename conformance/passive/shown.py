"""What one reading shows of one job to who only watches, taken out of its JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from conformance.oracle.fields import parse
from conformance.oracle.shown import Malformed, clip, id_in, state_in, whole_in
from spec.table import State

LONGEST_RUN = 1e12  # seconds that no job can have run: 30,000 years


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

    def __str__(self) -> str:
        text = f"{self.state}, ErrorCode {self.error}, Progress {self.progress}"
        text += f", Priority {self.priority}" if self.priority else ""
        text += "" if self.runtime is None else f", ran {self.runtime:g} s"
        return text + ("" if self.completion is None else f", completed {self.completion}")


def shown(job: Any) -> Shown:
    """The job that a JSON object describes. Raises `Malformed`."""
    id = id_in(job)
    if id is None:
        expected = "an array of jobs, each with its ID"
        raise Malformed("monitor/list-expand", expected, clip(repr(job)))
    completion, stamp = job.get("CompletionTime"), parse(job.get("Timestamp"))
    return Shown(
        id,
        state_in(job),
        error=whole_in(job, "ErrorCode"),
        progress=whole_in(job, "Progress"),
        priority=whole_in(job, "Priority"),
        type=str(job.get("Type")),
        creation=str(job.get("CreationTime")),
        completion=None if completion is None else str(completion),
        runtime=_runtime(job.get("EffectiveRuntime")),
        timestamp=None if stamp is None else stamp.seconds,
    )


def _runtime(value: Any) -> float | None:
    """The seconds; None where it is no number, which is judged where more is known of the job."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    if not 0 <= value < LONGEST_RUN:
        shown = f"EffectiveRuntime {clip(value)}"
        raise Malformed("monitor/effective-runtime", "seconds", shown)
    return float(value)
