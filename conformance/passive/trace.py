"""Traces: a recorded history, one JSON object a line (NDJSON).

    {"schema": 1, "trace": "orthanc-jobs", "version": "1.12.7", "actions": "some", ...}
    {"at": [0.5, 0.502], "jobs": [{"ID": ...}, ...]}
    {"at": [1.0, 1.001], "action": "cancel", "job": "...", "status": 200}
    {"at": [1.5, 3.0], "outage": "connection refused"}
    {"at": [3.5, 3.502], "fresh": true, "jobs": [...]}

The first line may say what is known: ``version`` of the server, ``workers`` (ConcurrentJobs),
``history`` (JobsHistorySize), whether its runtimes are ``live``, ``relaxations`` that are
admitted, and whether ``actions`` holds ``all`` that were done, or only ``some`` of them. ``at``:
when something was asked for and when it was answered, in seconds of one monotonic clock. ``jobs``:
what ``GET /jobs?expand`` answered. ``fresh``: the connection was a new one, so the server may have
been started again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeGuard

from conformance.errors import BadArgument
from conformance.passive.judge import Impossible, Judge, Watched
from spec.engine import Config
from spec.relaxations import UnknownRelaxation, relaxation
from spec.requirements import applies, requirement
from spec.table import Action

SCHEMA = 1
KIND = "orthanc-jobs"
LARGEST = 16 * 1024 * 1024  # bytes of a line
LEAST, MOST = -1e15, 1e15  # seconds that a clock can show
HEAD = {"schema", "trace", "version", "workers", "history", "relaxations", "actions", "live"}


def head(watched: Watched, version: str) -> dict[str, Any]:
    """The first line of a trace."""
    config = watched.config
    return {
        "schema": SCHEMA,
        "trace": KIND,
        "version": version,
        "workers": config.workers,
        "history": config.history,
        "relaxations": sorted(config.relaxations),
        "actions": "some" if watched.others else "all",
        "live": watched.live,
    }


def check(path: Path) -> tuple[int, list[Impossible]]:
    """Judge the trace in a file: the number of readings, and what is impossible in it.

    Raises `BadArgument`, which names the line, where it is no trace.
    """
    try:
        with path.open("rb") as file:
            return _check(path, _lines(path, file))
    except OSError as error:
        raise BadArgument(f"cannot read the trace {path}: {error.strerror}") from None


def _lines(path: Path, file: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    number = 0
    while text := file.readline(LARGEST + 1):
        number += 1
        if len(text) > LARGEST:
            raise BadArgument(f"the trace {path}, line {number}: longer than {LARGEST} bytes")
        if not text.strip():
            continue
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise BadArgument(f"the trace {path}, line {number}: no JSON: {error}") from None
        if not isinstance(found, dict):
            raise BadArgument(f"the trace {path}, line {number}: a line must be an object")
        yield number, found


def _check(path: Path, found: Iterator[tuple[int, dict[str, Any]]]) -> tuple[int, list[Impossible]]:
    judge: Judge | None = None
    wrong: list[Impossible] = []
    last = (float("-inf"), float("-inf"))
    for number, line in found:
        try:
            if judge is None:
                judge = Judge(_watched(line))
                if line.get("trace") == KIND:
                    continue
            begin, end = _at(line)
            if begin < last[0]:
                raise BadArgument("it was asked for before the line above it")
            wrong += _judged(judge, line, begin, end, begin >= last[1])
            last = (begin, max(end, last[1]))
        except (BadArgument, UnknownRelaxation) as error:
            raise BadArgument(f"the trace {path}, line {number}: {error}") from None
    if judge is None or not judge.readings:
        raise BadArgument(f"the trace {path} holds no reading of /jobs?expand")
    return judge.readings, wrong


def _judged(
    judge: Judge, line: Mapping[str, Any], begin: float, end: float, sure: bool
) -> list[Impossible]:
    if "jobs" in line:
        return judge.reading(begin, end, line["jobs"], line.get("fresh") is True)
    if "action" in line:
        job, status = line.get("job"), line.get("status")
        try:
            action = Action(str(line["action"]))
        except ValueError:
            raise BadArgument(f"unknown action {line['action']!r}") from None
        if not isinstance(job, str) or not _whole(status, 100):
            raise BadArgument("an action needs 'job', a text, and 'status', a number")
        return judge.action(job, action, status, sure)
    if "outage" in line:
        return []
    raise BadArgument("it has none of 'jobs', 'action' and 'outage'")


def _watched(line: Mapping[str, Any]) -> Watched:
    """What the first line says is known; nothing is, if it is no head."""
    if line.get("trace") != KIND:
        return Watched()
    if line.get("schema") != SCHEMA or set(line) - HEAD:
        raise BadArgument(f"the first line must have 'schema' {SCHEMA}, and no field unknown here")
    for key, least in (("workers", 1), ("history", 0)):
        if line.get(key) is not None and not _whole(line[key], least):
            raise BadArgument(f"{key!r} must be an integer from {least} on, or null")
    names = line.get("relaxations", [])
    if not isinstance(names, list) or line.get("actions", "some") not in ("some", "all"):
        raise BadArgument("'relaxations' must be a list, and 'actions' all or some")
    config = Config(
        workers=line.get("workers"),
        history=line.get("history"),
        relaxations=frozenset(relaxation(str(name)) for name in names),
    )
    return Watched(
        config,
        others=line.get("actions", "some") == "some",
        errors_kept=errors_kept(str(line.get("version", ""))),
        live=line.get("live") is True,
    )


def _whole(value: object, least: int) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def errors_kept(version: str) -> bool:
    """Whether a server of this version keeps the ErrorCodes over a restart."""
    return applies(requirement("persist/error"), version)


def _at(line: Mapping[str, Any]) -> tuple[float, float]:
    at = line.get("at")
    if (
        not isinstance(at, list)
        or len(at) != 2
        or not all(isinstance(t, int | float) and not isinstance(t, bool) for t in at)
        or not LEAST < at[0] <= at[1] < MOST
    ):
        raise BadArgument("'at' must be two times: when it was asked for, and answered")
    return float(at[0]), float(at[1])
