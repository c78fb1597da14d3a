"""What one reading shows of one job, taken out of its JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from conformance.oracle.fields import parse
from conformance.text import clipped
from spec.table import State

LONGEST_RUN = 1e12  # seconds that no job can have run: 30,000 years


class Malformed(ValueError):
    """A job that no server may show. ``requirement``: what it breaks."""

    def __init__(self, requirement: str, expected: str, actual: str) -> None:
        self.requirement = requirement
        self.expected = expected
        self.actual = actual
        super().__init__(f"{requirement}: {actual}")


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
    id = job.get("ID") if isinstance(job, dict) else None
    if not isinstance(id, str):
        raise Malformed("monitor/list-expand", "an array of jobs, each with its ID", _clip(job))
    try:
        state = State(str(job.get("State")))
    except ValueError:
        raise Malformed(
            "monitor/state", f"one of {', '.join(State)}", f"State {_clip(job.get('State'))}"
        ) from None
    completion = job.get("CompletionTime")
    return Shown(
        id,
        state,
        error=_whole(job, "ErrorCode", "monitor/error-code"),
        progress=_whole(job, "Progress", "monitor/progress"),
        priority=_whole(job, "Priority", "monitor/priority"),
        type=str(job.get("Type")),
        creation=str(job.get("CreationTime")),
        completion=None if completion is None else str(completion),
        runtime=_runtime(job.get("EffectiveRuntime")),
        timestamp=_seconds(job.get("Timestamp")),
    )


def _whole(job: dict[str, Any], key: str, requirement: str) -> int:
    value = job.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Malformed(requirement, f"{key} is an integer", f"{key} {_clip(value)}")
    return value


def _runtime(value: Any) -> float | None:
    """The seconds; None where it is no number, which is judged where more is known of the job."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    if not 0 <= value < LONGEST_RUN:
        raise Malformed("monitor/effective-runtime", "seconds", f"EffectiveRuntime {_clip(value)}")
    return float(value)


def _seconds(text: Any) -> float | None:
    stamp = parse(text)
    return None if stamp is None else stamp.seconds


def _clip(value: object) -> str:
    return clipped(repr(value), 80)
