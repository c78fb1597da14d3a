"""What a script says of the call that decides: whether its answer is the recorded one again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from conformance.talk import Said, content_in, flat, values

RANGE = re.compile(r"([A-Z]\w+) (-?[\d.]+) to (-?[\d.]+)")
NUMBER = re.compile(r"[A-Z]\w+ (-?[\d.]+)")
REST = re.compile(r"([\d.]+) to ([\d.]+) s after Timestamp")
LATER = re.compile(r"([\d.]+) s after it")
LACKS = re.compile(r"the (\w+) job in (\w+) shows no (\w+)")
LIMIT = re.compile(r"LimitJobs is (\d+)")
CONTENT = re.compile(r"Content [^{]*")


def judgement(decider: Said, expected: Sequence[str], actual: str) -> Iterator[str]:
    """The last lines of a script: ``got`` is the answer; return whether it is so again, and it.

    What can be told by a status, a number, the names of fields or the jobs of a list is. All else
    is for who runs the script to compare: None.
    """
    for way in WAYS:
        lines = [*way(decider.json(), expected, actual)]
        if lines:
            yield from lines
            return
    yield 'return None, f"HTTP {got[0]} {json.dumps(got[1])}"'


def _status(found: Any, expected: Sequence[str], actual: str) -> Iterator[str]:
    if status := re.match(r"(?:[A-Z]+ \S+: )?HTTP (\d+)", actual):
        yield f'return got[0] == {status[1]}, f"HTTP {{got[0]}}"'


def _number(found: Any, expected: Sequence[str], actual: str) -> Iterator[str]:
    """A number is the recorded one if it is nearer to that than to what is right."""
    bounds = next((match for one in expected if (match := RANGE.match(one))), None)
    number = NUMBER.match(actual)
    if bounds and number and isinstance(found, dict) and bounds[1] in flat(found):
        low, high = float(bounds[2]), float(bounds[3])
        yield f'value = float(got[1].get("{bounds[1]}", {low}))'
        yield f"outside = max({low} - value, value - {high})"
        yield f'return abs(value - {number[1]}) < outside, f"{bounds[1]} {{value}}"'


def _rest(found: Any, expected: Sequence[str], actual: str) -> Iterator[str]:
    """The same of the time that a job says it has still to go."""
    bounds = next((match for one in expected if (match := REST.match(one))), None)
    number = LATER.match(actual)
    if bounds and number:
        yield "def moment(name):"
        yield '    return datetime.datetime.strptime(got[1][name], "%Y%m%dT%H%M%S.%f")'
        yield 'rest = (moment("EstimatedTimeOfArrival") - moment("Timestamp")).total_seconds()'
        yield f"outside = max({bounds[1]} - rest, rest - {bounds[2]})"
        yield f'return abs(rest - {number[1]}) < outside, f"{{rest:.3f}} s after Timestamp"'


def _fields(found: Any, expected: Sequence[str], actual: str) -> Iterator[str]:
    told = values(actual)
    if told and isinstance(found, dict) and told.items() <= flat(found).items():
        yield f"wanted = {json.dumps(told)}"
        yield "found = got[1] if isinstance(got[1], dict) else {}"
        yield "seen = {key: str(found.get(key)) for key in wanted}"
        yield 'return seen == wanted, ", ".join(f"{key} {value}" for key, value in seen.items())'


def _content(found: Any, expected: Sequence[str], actual: str) -> Iterator[str]:
    """A Content lacks what it should have: what else it has differs from release to release."""
    shown = content_in(actual)
    should = content_in(CONTENT.sub("", expected[0], count=1)) if expected else None
    if shown is None or not isinstance(found, dict):
        return
    yield 'content = got[1].get("Content") if isinstance(got[1], dict) else None'
    if lost := sorted(set(should or ()) - set(shown)):
        yield f"lost = {json.dumps(lost)}"
        yield "same = isinstance(content, dict) and not set(lost) & set(content)"
    else:
        names = sorted(found["Content"])
        yield f"same = isinstance(content, dict) and sorted(content) == {json.dumps(names)}"
    yield 'return same, f"Content {json.dumps(content)}"'


def _lacking(found: Any, expected: Sequence[str], actual: str) -> Iterator[str]:
    """A job of a list does not show a field that it was submitted with."""
    if lacks := LACKS.fullmatch(actual):
        yield "jobs = [one for one in got[1] if"
        yield f'    (one["Type"], one["State"]) == ("{lacks[1]}", "{lacks[2]}")]'
        yield f'without = [one["ID"] for one in jobs if "{lacks[3]}" not in one]'
        yield f'return bool(without), f"{{len(without)}} of {{len(jobs)}} jobs show no {lacks[3]}"'


def _queued(found: Any, expected: Sequence[str], actual: str) -> Iterator[str]:
    """More jobs are Pending than the queue takes."""
    limit = next((match for one in expected if (match := LIMIT.search(one))), None)
    if limit:
        yield 'pending = sum(one["State"] == "Pending" for one in got[1])'
        yield f'return pending > {limit[1]}, f"{{pending}} jobs are Pending"'


WAYS: tuple[Callable[[Any, Sequence[str], str], Iterator[str]], ...] = (
    _status,
    _number,
    _rest,
    _fields,
    _content,
    _lacking,
    _queued,
)
