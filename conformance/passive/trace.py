"""Traces: a recorded history, one JSON object a line (NDJSON); docs/traces.md describes it.

A document as people paste it is taken as well: one job, an array of jobs, or an object that has
each job by its id. It is one reading, of a server of which nothing is known.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from conformance.campaign import ledger as ledgers
from conformance.errors import BadArgument
from conformance.passive.finding import Impossible
from conformance.passive.judge import Judge
from conformance.passive.watched import Watched
from conformance.suites import suites
from conformance.sut.profile import Profile
from spec.engine import Config
from spec.relaxations import Name, Relaxation, UnknownRelaxation, named
from spec.table import Action

SCHEMA = 1
KIND = "orthanc-jobs"
LARGEST = 16 * 1024 * 1024  # bytes of a line, or of a document
LEAST, MOST = -1e15, 1e15  # seconds that a clock can show
HEAD = {"schema", "trace", "version", "workers", "history", "relaxations", "actions", "live"}
# What a line may be, by the field that says so, and the fields that it may have beside `at`.
EVENTS = {
    "action": {"action", "job", "status"},
    "jobs": {"jobs", "fresh"},
    "job": {"job", "id", "fresh"},
    "status": {"status"},
    "outage": {"outage"},
}
JOB = {"ID", "State", "Type", "Content"}  # fields of which any shows that an object is a job
STATUSES = range(100, 600)


def head(watched: Watched) -> dict[str, Any]:
    """The first line of a trace."""
    config = watched.config
    return {
        "schema": SCHEMA,
        "trace": KIND,
        "version": watched.version,
        "workers": config.workers,
        "history": config.history,
        "relaxations": sorted({*config.relaxations, *watched.accepted}),
        "actions": "some" if watched.others else "all",
        "live": watched.live,
    }


def check(path: Path, strict: bool = False) -> tuple[Judge, list[Impossible]]:
    """Judge the trace in a file: the judge, who knows the findings, and what is impossible in it.

    ``strict``: nothing is accepted. Raises `BadArgument`, which names the line, where it is no
    trace.
    """
    try:
        with path.open("rb") as file:
            if (document := _document(file)) is not None:
                return _plain(path, document, strict)
            file.seek(0)
            return _check(path, _lines(path, file), strict)
    except OSError as error:
        raise BadArgument(f"cannot read the trace {path}: {error.strerror}") from None


def known(version: str | None) -> frozenset[Name]:
    """What is accepted of an Orthanc of this version; None: of any."""
    return ledgers.of_version(version, [case.id for case in suites(Profile())]).accepted


# --- documents -----------------------------------------------------------------------------------


def _document(file: BinaryIO) -> Any:
    """The jobs in a file that holds one JSON document of them, or None: it may hold lines."""
    text = file.read(LARGEST + 1)
    if len(text) > LARGEST:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(found, list):
        return None if any(_is_line(one) for one in found) else found
    if not isinstance(found, dict) or _is_line(found):
        return None
    keyed = all(isinstance(one, dict) for one in found.values()) and not JOB & set(found)
    return found if keyed else [found]


def _is_line(found: Any) -> bool:
    """Whether it is a line of a trace, and no job."""
    return isinstance(found, dict) and not JOB & set(found) and bool({"at", "trace"} & set(found))


def _plain(path: Path, jobs: Any, strict: bool) -> tuple[Judge, list[Impossible]]:
    judge = Judge(_nothing_known(strict))
    wrong = judge.reading(0, 0, jobs)
    if not jobs:
        raise BadArgument(f"{path} holds no job")
    return judge, wrong


# --- lines ---------------------------------------------------------------------------------------


def _lines(path: Path, file: BinaryIO) -> Iterator[tuple[int, dict[str, Any]]]:
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


def _check(
    path: Path, found: Iterator[tuple[int, dict[str, Any]]], strict: bool
) -> tuple[Judge, list[Impossible]]:
    judge: Judge | None = None
    wrong: list[Impossible] = []
    last = (float("-inf"), float("-inf"))
    for number, line in found:
        try:
            if judge is None:
                judge = Judge(_watched(line, strict))
                if line.get("trace") == KIND:
                    continue
            begin, end = _at(line)
            if begin < last[0]:
                raise BadArgument("it was asked for before the line above it")
            wrong += _judged(judge, line, begin, end, begin >= last[1])
            last = (begin, max(end, last[1]))
        except (BadArgument, UnknownRelaxation) as error:
            raise BadArgument(f"the trace {path}, line {number}: {error}") from None
    if judge is None or not judge.answers:
        raise BadArgument(f"the trace {path} holds no reading of a job or of /jobs?expand")
    return judge, wrong


def _judged(
    judge: Judge, line: Mapping[str, Any], begin: float, end: float, sure: bool
) -> list[Impossible]:
    kind = next((name for name in EVENTS if name in line), None)
    if kind is None:
        raise BadArgument(f"it has none of {', '.join(map(repr, EVENTS))}")
    if unknown := set(line) - EVENTS[kind] - {"at"}:
        raise BadArgument(f"unknown field {min(unknown)!r} beside {kind!r}")
    fresh, id = line.get("fresh", False), line.get("id")
    if not isinstance(fresh, bool):
        raise BadArgument("'fresh' must be true or false")
    match kind:
        case "action":
            return _action(judge, line, sure)
        case "jobs":
            return judge.reading(begin, end, line["jobs"], fresh)
        case "job":
            if id is not None and not isinstance(id, str):
                raise BadArgument("'id', by which the job was asked for, must be a text")
            return judge.one(begin, end, id, line["job"], fresh)
        case "status":
            return judge.refused(_status(line))
        case _:
            if not isinstance(line["outage"], str):
                raise BadArgument("'outage' must be a text")
            return []


def _action(judge: Judge, line: Mapping[str, Any], sure: bool) -> list[Impossible]:
    job = line.get("job")
    try:
        action = Action(str(line["action"]))
    except ValueError:
        raise BadArgument(f"unknown action {line['action']!r}") from None
    if not isinstance(job, str):
        raise BadArgument("an action needs 'job', a text, and 'status', a number")
    return judge.action(job, action, _status(line), sure)


def _status(line: Mapping[str, Any]) -> int:
    status = line.get("status")
    if not isinstance(status, int) or isinstance(status, bool) or status not in STATUSES:
        raise BadArgument("'status' must be an HTTP status, a number from 100 to 599")
    return status


def _watched(line: Mapping[str, Any], strict: bool) -> Watched:
    """What the first line says is known; nothing is, if it is no head."""
    if line.get("trace") != KIND:
        return _nothing_known(strict)
    if line.get("schema") != SCHEMA or set(line) - HEAD:
        raise BadArgument(f"the first line must have 'schema' {SCHEMA}, and no field unknown here")
    version = line.get("version")
    if version is not None and not isinstance(version, str):
        raise BadArgument("'version' must be a text or null")
    live, actions = line.get("live", False), line.get("actions", "some")
    if not isinstance(live, bool) or actions not in ("some", "all"):
        raise BadArgument("'live' must be true or false, and 'actions' all or some")
    names = line.get("relaxations")
    if names is not None and not isinstance(names, list):
        raise BadArgument("'relaxations' must be a list or null")
    said = known(version or None) if names is None else frozenset(named(str(n)) for n in names)
    return allowing(
        frozenset() if strict else said,
        workers=_count(line, "workers", least=1),
        history=_count(line, "history", least=0),
        version=version or None,
        others=actions == "some",
        live=live,
    )


def _nothing_known(strict: bool) -> Watched:
    """Of a server of any version."""
    return allowing(frozenset() if strict else known(None))


def allowing(
    accepted: frozenset[Name],
    *,
    workers: int | None = None,
    history: int | None = None,
    version: str | None = None,
    others: bool = True,
    live: bool = False,
) -> Watched:
    """What is known of a server of which these relaxations and shortfalls are accepted."""
    relaxations = frozenset(name for name in accepted if isinstance(name, Relaxation))
    config = Config(workers=workers, history=history, relaxations=relaxations)
    return Watched(config, version, accepted, others, live)


def _count(line: Mapping[str, Any], key: str, least: int) -> int | None:
    value = line.get(key)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise BadArgument(f"{key!r} must be an integer of at least {least}, or null")
    return value


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
